/* SPDX-License-Identifier: Apache-2.0 */
/* An agent at the other end, on a real socket of loopback and a fake clock, with a few values and the faults that a test
 * chooses. Included by one file each. */
#ifndef BUSBAR_TESTS_SNMP_FAKE_AGENT_H
#define BUSBAR_TESTS_SNMP_FAKE_AGENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/snmp/snmp_client.h"
#include "net/datagram.h"

enum { FAKE_VALUES = 600, FAKE_OID_BYTES = 40, FAKE_DATA_BYTES = 80 };

struct fake_value {
    uint8_t oid[FAKE_OID_BYTES];
    uint8_t data[FAKE_DATA_BYTES];
    uint16_t oid_size, size;
    uint8_t tag;
};

struct fake_agent {
    struct loop *loop;
    struct datagram *socket, *other;       /* other: a second address of it */
    struct endpoint address;               /* where it is asked */
    struct fake_value values[FAKE_VALUES]; /* by OID */
    size_t count;
    const char *community;
    /* v3 */
    struct usm_user *user;
    struct usm_keys keys;
    struct usm_engine engine;
    enum usm_trouble says; /* answers everything but a question for its engine with this Report */
    bool report_unsigned;
    /* faults */
    unsigned lose; /* so many requests are not heard */
    bool silent, from_other, wrong_id, wrong_community, never_grows;
    uint32_t oids_most;   /* in one request; 0: any */
    uint32_t oids_drop;   /* requests with more are dropped; 0: none */
    uint32_t answer_most; /* varbinds of an answer, the rest is left out; 0: all */
    int32_t bulk_status;  /* error-status of each GETBULK */
    uint8_t refuses[FAKE_OID_BYTES];
    uint16_t refuses_size; /* genErr for this OID */
    /* what it saw */
    unsigned asked, gets, bulks, nexts, sets, reports;
    uint32_t varbinds_last, varbinds_most;
    int32_t ids[64];
    uint8_t frame[SNMP_MESSAGE_MAX], room[SNMP_MESSAGE_MAX];
};

static struct snmp_oid fake_oid_of(const struct fake_value *value)
{
    return (struct snmp_oid){ .bytes = value->oid, .size = value->oid_size };
}

static size_t fake_place(const struct fake_agent *agent, struct snmp_oid oid)
{
    size_t at = 0;
    while (at < agent->count && snmp_oid_order(fake_oid_of(&agent->values[at]), oid) < 0) {
        at++;
    }
    return at;
}

static void fake_set(struct fake_agent *agent, const char *text, uint8_t tag, const void *data,
                     size_t size)
{
    struct snmp_oid_buf oid;
    assert_int_equal(snmp_oid_parse(text, &oid, NULL), 0);
    size_t at = fake_place(agent, oid.oid);
    if (at == agent->count || !snmp_oid_equal(fake_oid_of(&agent->values[at]), oid.oid)) {
        assert_true(agent->count < FAKE_VALUES && oid.oid.size <= FAKE_OID_BYTES);
        memmove(&agent->values[at + 1], &agent->values[at],
                (agent->count - at) * sizeof(agent->values[0]));
        agent->count++;
    }
    struct fake_value *value = &agent->values[at];
    assert_true(size <= FAKE_DATA_BYTES);
    *value = (struct fake_value){ .oid_size = oid.oid.size, .size = (uint16_t)size, .tag = tag };
    memcpy(value->oid, oid.bytes, oid.oid.size);
    memcpy(value->data, data, size);
}

static inline void fake_int(struct fake_agent *agent, const char *oid, uint8_t tag, uint64_t number)
{
    uint8_t data[9];
    for (int i = 0; i < 9; i++) {
        data[i] = (uint8_t)(i == 0 ? 0 : number >> (8 * (8 - i)));
    }
    int skip = 0; /* minimal, as agents send it */
    while (skip < 8 && data[skip] == 0 && (data[skip + 1] & 0x80) == 0) {
        skip++;
    }
    fake_set(agent, oid, tag, data + skip, (size_t)(9 - skip));
}

static inline void fake_text(struct fake_agent *agent, const char *oid, const char *text)
{
    fake_set(agent, oid, BER_OCTETS, text, strlen(text));
}

static inline void fake_remove(struct fake_agent *agent, const char *text)
{
    struct snmp_oid_buf oid;
    assert_int_equal(snmp_oid_parse(text, &oid, NULL), 0);
    size_t at = fake_place(agent, oid.oid);
    assert_true(at < agent->count);
    agent->count--;
    memmove(&agent->values[at], &agent->values[at + 1],
            (agent->count - at) * sizeof(agent->values[0]));
}

/* ---- what it answers ---- */

struct fake_answer {
    struct snmp_varbind varbinds[SNMP_VARBINDS_MAX];
    uint32_t count;
    int32_t status, index;
};

static void fake_add(struct fake_answer *answer, struct snmp_oid oid, uint8_t tag, const void *data,
                     size_t size)
{
    if (answer->count < SNMP_VARBINDS_MAX) {
        answer->varbinds[answer->count++] = (struct snmp_varbind){
            .oid = oid, .value = { .tag = tag, .content = bytes_of(data, size) }
        };
    }
}

static bool fake_refuses(const struct fake_agent *agent, struct snmp_oid oid)
{
    return agent->refuses_size > 0 && oid.size == agent->refuses_size &&
           memcmp(oid.bytes, agent->refuses, oid.size) == 0;
}

static void fake_get(const struct fake_agent *agent, bool v1, struct snmp_oid oid,
                     struct fake_answer *answer)
{
    size_t at = fake_place(agent, oid);
    bool there = at < agent->count && snmp_oid_equal(fake_oid_of(&agent->values[at]), oid);
    bool refused = fake_refuses(agent, oid);
    if (answer->status == 0 && (refused || (v1 && !there))) {
        answer->status = refused ? SNMP_GEN_ERR : SNMP_NO_SUCH_NAME;
        answer->index = (int32_t)answer->count + 1;
    }
    if (there) {
        fake_add(answer, oid, agent->values[at].tag, agent->values[at].data,
                 agent->values[at].size);
    } else {
        fake_add(answer, oid, v1 ? BER_NULL : BER_NO_SUCH_INSTANCE, "", 0);
    }
}

/* Moves `oid` on; false: the end. */
static bool fake_next(const struct fake_agent *agent, struct snmp_oid *oid,
                      struct fake_answer *answer)
{
    size_t at = fake_place(agent, *oid);
    if (!agent->never_grows && at < agent->count &&
        snmp_oid_equal(fake_oid_of(&agent->values[at]), *oid)) {
        at++;
    }
    if (at >= agent->count) {
        fake_add(answer, *oid, BER_END_OF_MIB_VIEW, "", 0);
        return false;
    }
    *oid = fake_oid_of(&agent->values[at]);
    fake_add(answer, *oid, agent->values[at].tag, agent->values[at].data, agent->values[at].size);
    return true;
}

static void fake_bulk(const struct fake_agent *agent, const struct snmp_pdu *pdu,
                      struct fake_answer *answer)
{
    struct snmp_oid columns[64];
    struct bytes varbinds = pdu->varbinds;
    struct snmp_varbind varbind;
    uint32_t count = 0;
    for (int32_t i = 0; snmp_varbind_next(&varbinds, &varbind); i++) {
        if (i < pdu->error_status) {
            (void)fake_next(agent, &varbind.oid, answer);
        } else if (count < 64) {
            columns[count++] = varbind.oid;
        }
    }
    for (int32_t r = 0; r < pdu->error_index && count > 0; r++) {
        for (uint32_t c = 0; c < count; c++) {
            (void)fake_next(agent, &columns[c], answer);
        }
    }
}

static uint32_t fake_count(const struct snmp_pdu *pdu)
{
    struct bytes varbinds = pdu->varbinds;
    struct snmp_varbind varbind;
    uint32_t count = 0;
    while (snmp_varbind_next(&varbinds, &varbind)) {
        count++;
    }
    return count;
}

/* False: it says nothing. */
static bool fake_serve(struct fake_agent *agent, bool v1, const struct snmp_pdu *pdu,
                       struct fake_answer *answer)
{
    struct bytes varbinds = pdu->varbinds;
    struct snmp_varbind varbind;
    uint32_t count = fake_count(pdu);
    *answer = (struct fake_answer){ .count = 0 };
    agent->ids[agent->asked++ % 64] = pdu->request_id;
    agent->gets += pdu->type == SNMP_GET;
    agent->nexts += pdu->type == SNMP_GETNEXT;
    agent->bulks += pdu->type == SNMP_GETBULK;
    agent->sets += pdu->type == SNMP_SET;
    agent->varbinds_last = count;
    agent->varbinds_most = count > agent->varbinds_most ? count : agent->varbinds_most;
    if (agent->silent || (agent->oids_drop > 0 && count > agent->oids_drop)) {
        return false;
    }
    if (agent->lose > 0) {
        agent->lose--;
        return false;
    }
    if (agent->oids_most > 0 && count > agent->oids_most) {
        answer->status = SNMP_TOO_BIG;
        return true;
    }
    if (pdu->type == SNMP_GETBULK) {
        answer->status = agent->bulk_status;
        if (answer->status == 0) {
            fake_bulk(agent, pdu, answer);
        }
    }
    while (pdu->type != SNMP_GETBULK && snmp_varbind_next(&varbinds, &varbind)) {
        if (pdu->type == SNMP_GETNEXT) {
            bool more = fake_next(agent, &varbind.oid, answer);
            answer->status = !more && v1 ? SNMP_NO_SUCH_NAME : 0;
            answer->index = answer->status != 0;
        } else if (pdu->type == SNMP_GET) {
            fake_get(agent, v1, varbind.oid, answer);
        } else {
            fake_add(answer, varbind.oid, varbind.value.tag, varbind.value.content.at,
                     bytes_left(&varbind.value.content));
            if (fake_refuses(agent, varbind.oid)) {
                answer->status = SNMP_GEN_ERR;
                answer->index = (int32_t)answer->count;
            }
        }
    }
    if (agent->answer_most > 0 && answer->count > agent->answer_most) {
        answer->count = agent->answer_most;
    }
    return true;
}

static void fake_put(struct fake_agent *agent, struct ber_out *out, uint8_t type, int32_t id,
                     const struct fake_answer *answer)
{
    struct snmp_pdu pdu = { .type = type,
                            .request_id = agent->wrong_id ? id + 1 : id,
                            .error_status = answer->status,
                            .error_index = answer->index };
    const uint8_t *mark = ber_mark(out);
    for (uint32_t i = answer->count; i > 0; i--) {
        snmp_put_varbind(out, answer->varbinds[i - 1].oid, &answer->varbinds[i - 1].value);
    }
    snmp_put_pdu_head(out, &pdu, mark);
}

static void fake_send(struct fake_agent *agent, const struct endpoint *to,
                      const struct ber_out *out)
{
    assert_false(out->failed);
    assert_int_equal(datagram_send(agent->from_other ? agent->other : agent->socket, to, out->at,
                                   ber_out_size(out)),
                     0);
}

/* ---- v3 ---- */

static void fake_report(struct fake_agent *agent, const struct endpoint *to, int32_t id,
                        enum usm_trouble trouble)
{
    struct fake_answer *answer = busbar_alloc(sizeof(*answer));
    struct ber_out out = ber_out_of(agent->frame, sizeof(agent->frame));
    const uint8_t *mark = ber_mark(&out);
    static const uint8_t one[] = { 1 };
    bool sign = trouble == USM_NOT_IN_WINDOW && !agent->report_unsigned;
    fake_add(answer, usm_report_oid(trouble), BER_COUNTER32, one, 1);
    fake_put(agent, &out, SNMP_REPORT, id, answer);
    snmp_put_scoped_head(&out, bytes_of(agent->engine.id, agent->engine.size), bytes_of("", 0),
                         mark);
    struct usm_seal seal = { .id = id,
                             .flags = sign ? SNMP_AUTH : 0,
                             .user = sign ? usm_user_name(agent->user) : "",
                             .engine = &agent->engine,
                             .keys = &agent->keys,
                             .auth = usm_user_auth(agent->user),
                             .now_us = clock_mono_us() };
    assert_int_equal(usm_seal(&out, &seal), 0);
    agent->reports++;
    fake_send(agent, to, &out);
    busbar_free(answer);
}

static inline void fake_engine(struct fake_agent *agent, const char *id, uint32_t boots,
                               uint32_t time)
{
    agent->engine = (struct usm_engine){ .size = (uint8_t)strlen(id),
                                         .timed = true,
                                         .boots = boots,
                                         .time = time,
                                         .at_us = clock_mono_us() };
    memcpy(agent->engine.id, id, strlen(id));
    assert_int_equal(
        usm_keys_localise(agent->user, agent->engine.id, agent->engine.size, &agent->keys), 0);
}

static void fake_take_v3(struct fake_agent *agent, const struct endpoint *from,
                         const struct snmp_message *message)
{
    struct usm_parameters parameters;
    struct snmp_scoped scoped;
    struct snmp_pdu pdu;
    assert_int_equal(usm_parameters_decode(message->security, &parameters), 0);
    if (agent->silent) {
        agent->asked++;
        return;
    }
    if (bytes_left(&parameters.engine) != agent->engine.size ||
        memcmp(parameters.engine.at, agent->engine.id, agent->engine.size) != 0) {
        fake_report(agent, from, message->id, USM_UNKNOWN_ENGINE);
        return;
    }
    struct usm_open how = { .level = usm_user_level(agent->user),
                            .keys = &agent->keys,
                            .auth = usm_user_auth(agent->user),
                            .priv = usm_user_priv(agent->user),
                            .now_us = clock_mono_us(),
                            .authoritative = true,
                            .room = agent->room,
                            .room_size = sizeof(agent->room) };
    enum usm_trouble trouble = usm_open(message, &parameters, &agent->engine, &how, &scoped);
    trouble = agent->says != USM_FINE ? agent->says : trouble;
    if (trouble != USM_FINE) {
        fake_report(agent, from, message->id, trouble);
        return;
    }
    assert_int_equal(snmp_pdu_decode(scoped.pdu, &pdu), 0);
    struct fake_answer *answer = busbar_alloc(sizeof(*answer));
    if (fake_serve(agent, false, &pdu, answer)) {
        struct ber_out out = ber_out_of(agent->frame, sizeof(agent->frame));
        const uint8_t *mark = ber_mark(&out);
        fake_put(agent, &out, SNMP_RESPONSE, pdu.request_id, answer);
        snmp_put_scoped_head(&out, bytes_of(agent->engine.id, agent->engine.size), scoped.context,
                             mark);
        struct usm_seal seal = { .id = message->id,
                                 .flags = usm_user_level(agent->user),
                                 .user = usm_user_name(agent->user),
                                 .engine = &agent->engine,
                                 .keys = &agent->keys,
                                 .auth = usm_user_auth(agent->user),
                                 .priv = usm_user_priv(agent->user),
                                 .salt = agent->asked,
                                 .now_us = clock_mono_us() };
        assert_int_equal(usm_seal(&out, &seal), 0);
        fake_send(agent, from, &out);
    }
    busbar_free(answer);
}

/* ---- what it hears ---- */

static void fake_take(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct fake_agent *agent = ctx;
    struct snmp_message message;
    struct snmp_pdu pdu;
    assert_int_equal(snmp_message_decode(data, size, &message), 0);
    if (message.version == SNMP_V3) {
        if (agent->user != NULL) {
            fake_take_v3(agent, from, &message);
        }
        return;
    }
    assert_int_equal(snmp_pdu_decode(message.pdu, &pdu), 0);
    if (agent->community == NULL || bytes_left(&message.community) != strlen(agent->community) ||
        memcmp(message.community.at, agent->community, strlen(agent->community)) != 0) {
        return; /* as agents do */
    }
    struct fake_answer *answer = busbar_alloc(sizeof(*answer));
    if (fake_serve(agent, message.version == SNMP_V1, &pdu, answer)) {
        struct ber_out out = ber_out_of(agent->frame, sizeof(agent->frame));
        const uint8_t *mark = ber_mark(&out);
        const char *community = agent->wrong_community ? "other" : agent->community;
        fake_put(agent, &out, SNMP_RESPONSE, pdu.request_id, answer);
        snmp_put_message_head(&out, (enum snmp_version)message.version, community,
                              strlen(community), mark);
        fake_send(agent, from, &out);
    }
    busbar_free(answer);
}

static struct fake_agent *fake_new(struct loop *loop)
{
    struct fake_agent *agent = busbar_alloc(sizeof(*agent));
    struct datagram_options options = { .host = "127.0.0.1" };
    agent->loop = loop;
    agent->community = "public";
    assert_int_equal(datagram_open(loop, &options, fake_take, agent, &agent->socket, NULL), 0);
    assert_int_equal(datagram_open(loop, &options, fake_take, agent, &agent->other, NULL), 0);
    assert_int_equal(endpoint_parse("127.0.0.1", datagram_port(agent->socket), &agent->address), 0);
    return agent;
}

static void fake_free(struct fake_agent *agent)
{
    datagram_close(agent->socket);
    datagram_close(agent->other);
    usm_user_drop(agent->user);
    busbar_free(agent);
}

#endif
