/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: a community, or a user of version 3, whose questions are checked and answered by the rules of RFC 3414, 3.2
 * as the engine that is authoritative. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "sim/sim_snmp_desk.h"

enum {
    ENGINE_FORMAT = 5, /* octets of our own choice, RFC 3411, 5 */
    ENGINE_SIZE = 13,
    SEALED_MAX =
        160, /* what version 3 puts around a PDU at most, names of context and user apart */
    COMMUNITY_HEAD = 16,
    WRONG_ID = 100,
};

/* ---- life ---- */

void sim_snmp_agent_engine(struct sim_snmp_agent *agent, bool another)
{
    uint32_t enterprise = UINT32_C(0x80000000) | SIM_SNMP_ENTERPRISE;
    uint64_t own = hash_u64(hash_text(agent->dev->name) ^ agent->seed ^ (another ? 1 : 0));
    struct bytes_out out = bytes_out_of(agent->engine.id, ENGINE_SIZE);
    bytes_put_u32(&out, enterprise);
    bytes_put_u8(&out, ENGINE_FORMAT);
    bytes_put_u64(&out, own);
    agent->engine.size = ENGINE_SIZE;
    if (agent->keys != NULL) {
        usm_keys_wipe(agent->keys);
        busbar_free(agent->keys);
        agent->keys = NULL;
    }
}

int sim_snmp_agent_init(struct sim_snmp_agent *agent, const struct device *dev,
                        const struct snmp_address *addresses, uint64_t seed, uint32_t boots,
                        struct sim_snmp_now now)
{
    agent->dev = dev;
    agent->addresses = addresses;
    agent->seed = seed;
    agent->size_max = SIM_SNMP_MESSAGE;
    agent->boot_us = now.mono_us;
    agent->engine.timed = true;
    agent->engine.boots = boots;
    agent->engine.at_us = now.mono_us;
    agent->salt = hash_u64(hash_text(dev->name) ^ (uint64_t)now.wall_us);
    arena_init(&agent->arena, 0);
    map64_init(&agent->holds);
    sim_snmp_agent_engine(agent, false);
    agent->values = busbar_alloc_array(dev->point_count + 1, sizeof(*agent->values));
    for (size_t i = 0; i < dev->point_count; i++) {
        const struct snmp_meaning *meaning = addresses[i].meaning;
        bool boolean = meaning != NULL && meaning->type == SNMP_BOOL;
        agent->values[i] = sim_value_make(&dev->points[i], boolean ? VALUE_BOOL : VALUE_INT, seed);
    }
    return sim_snmp_objects_make(agent);
}

void sim_snmp_agent_fini(struct sim_snmp_agent *agent)
{
    size_t at = 0;
    uint64_t key;
    void *held;
    while (map64_next(&agent->holds, &at, &key, &held)) {
        busbar_free(held);
    }
    map64_fini(&agent->holds);
    if (agent->keys != NULL) {
        usm_keys_wipe(agent->keys);
    }
    busbar_free(agent->keys);
    busbar_free(agent->values);
    busbar_free(agent->rows);
    arena_fini(&agent->arena);
}

void sim_snmp_agent_restart(struct sim_snmp_agent *agent, struct sim_snmp_now now)
{
    agent->boot_us = now.mono_us;
    agent->wrap_us = 0;
    agent->engine.boots++;
    agent->engine.time = 0;
    agent->engine.at_us = now.mono_us;
    for (size_t i = 0; i < agent->row_count; i++) {
        agent->rows[i].changed_us = 0;
    }
}

const struct usm_keys *sim_snmp_keys(struct sim_snmp_agent *agent)
{
    if (agent->keys == NULL && agent->user != NULL) {
        agent->keys = busbar_alloc(sizeof(*agent->keys));
        if (usm_keys_localise(agent->user, agent->engine.id, agent->engine.size, agent->keys) !=
            0) {
            busbar_free(agent->keys);
            agent->keys = NULL;
        }
    }
    return agent->keys;
}

/* ---- one question ---- */

struct question {
    struct sim_snmp_agent *agent;
    struct sim_snmp_desk *desk;
    struct snmp_message message;
    struct usm_parameters parameters;
    enum sim_fault_kind kind;
    int64_t argument;
    struct sim_snmp_now now;
};

static size_t finish(const struct ber_out *out, uint8_t **answer)
{
    *answer = out->at;
    return out->failed ? 0 : ber_out_size(out);
}

static struct sim_snmp_asked asked_of(const struct question *question, const struct snmp_pdu *pdu,
                                      enum snmp_version version, size_t budget)
{
    return (struct sim_snmp_asked){ .pdu = pdu,
                                    .version = version,
                                    .budget = budget,
                                    .kind = question->kind,
                                    .argument = question->argument,
                                    .now = question->now };
}

static size_t answer_community(const struct question *question, uint8_t **answer)
{
    struct sim_snmp_agent *agent = question->agent;
    const struct bytes *community = &question->message.community;
    size_t size = bytes_left(community);
    struct snmp_pdu pdu;
    if (agent->community == NULL || agent->no_login || size != strlen(agent->community) ||
        memcmp(community->at, agent->community, size) != 0 ||
        snmp_pdu_decode(question->message.pdu, &pdu) != 0) {
        return 0; /* silence is all that a wrong community gets: RFC 1157, 4.1 */
    }
    struct ber_out out = sim_snmp_desk_out(question->desk);
    const uint8_t *mark = ber_mark(&out);
    enum snmp_version version = question->message.version == SNMP_V1 ? SNMP_V1 : SNMP_V2C;
    size_t around = COMMUNITY_HEAD + size;
    struct sim_snmp_asked asked = asked_of(question, &pdu, version,
                                           agent->size_max > around ? agent->size_max - around : 0);
    if (sim_snmp_pdu_answer(agent, question->desk, &asked, &out) != 0) {
        return 0;
    }
    snmp_put_message_head(&out, version, community->at, size, mark);
    return finish(&out, answer);
}

/* ---- version 3 ---- */

/* Seals a scoped PDU of which the PDU is in `out`. */
static size_t seal(const struct question *question, struct ber_out *out, const uint8_t *mark,
                   uint8_t level, struct bytes context, uint8_t **answer)
{
    struct sim_snmp_agent *agent = question->agent;
    char user[USM_NAME_MAX + 1];
    size_t size = bytes_left(&question->parameters.user);
    str_format(user, sizeof(user), "%.*s", (int)(size < USM_NAME_MAX ? size : USM_NAME_MAX),
               size > 0 ? (const char *)question->parameters.user.at : "");
    struct usm_seal how = {
        .id = question->message.id,
        .flags = level,
        .user = user,
        .engine = &agent->engine,
        .keys = level != 0 ? sim_snmp_keys(agent) : NULL,
        .auth = usm_user_auth(agent->user),
        .priv = usm_user_priv(agent->user),
        .salt = agent->salt++,
        .now_us = question->now.mono_us,
    };
    if (question->kind == SIM_FAULT_WRONG_TRANSACTION) {
        how.id = (int32_t)(((uint32_t)how.id + WRONG_ID) & INT32_MAX);
    }
    snmp_put_scoped_head(out, bytes_of(agent->engine.id, agent->engine.size), context, mark);
    return !out->failed && usm_seal(out, &how) == 0 ? finish(out, answer) : 0;
}

/* The request id to be told in a Report: that of the question where it can be read. */
static int32_t id_of(const struct question *question)
{
    struct snmp_scoped scoped;
    struct snmp_pdu pdu;
    if ((question->message.flags & SNMP_PRIV) == 0 &&
        snmp_scoped_decode(question->message.data, &scoped) == 0 &&
        snmp_pdu_decode(scoped.pdu, &pdu) == 0) {
        return pdu.request_id;
    }
    return 0;
}

static size_t report(const struct question *question, enum usm_trouble trouble, uint8_t **answer)
{
    static const uint8_t unknown_contexts[] = { 0x2b, 6, 1, 6, 3, 12, 1, 5, 0 };
    struct sim_snmp_agent *agent = question->agent;
    struct ber_out out = sim_snmp_desk_out(question->desk);
    struct bytes_out scratch = sim_snmp_desk_scratch(question->desk);
    struct snmp_oid oid = { .bytes = unknown_contexts, .size = sizeof(unknown_contexts) };
    uint8_t level = 0;
    if ((question->message.flags & SNMP_REPORTABLE) == 0) {
        return 0;
    }
    if (trouble == USM_FINE) { /* of what was opened: as secure as it */
        level = question->message.flags & (SNMP_AUTH | SNMP_PRIV);
    } else if (trouble == USM_NOT_IN_WINDOW) {
        level = SNMP_AUTH; /* RFC 3414, 3.2 7 a: so that our clock can be believed */
    }
    if (trouble != USM_FINE) {
        oid = usm_report_oid(trouble);
    }
    struct snmp_value count = sim_snmp_uint(&scratch, BER_COUNTER32, ++agent->reports[trouble]);
    struct snmp_pdu head = { .type = SNMP_REPORT, .request_id = id_of(question) };
    const uint8_t *mark = ber_mark(&out);
    snmp_put_varbind(&out, oid, &count);
    snmp_put_pdu_head(&out, &head, mark);
    return seal(question, &out, mark, level, bytes_of("", 0), answer);
}

static bool is_text(const struct bytes *octets, const char *text)
{
    size_t size = bytes_left(octets);
    return size == strlen(text) && (size == 0 || memcmp(octets->at, text, size) == 0);
}

static enum usm_trouble open_question(const struct question *question, struct snmp_scoped *scoped)
{
    struct sim_snmp_agent *agent = question->agent;
    const struct bytes *engine = &question->parameters.engine;
    if (bytes_left(engine) != agent->engine.size ||
        memcmp(engine->at, agent->engine.id, agent->engine.size) != 0) {
        return USM_UNKNOWN_ENGINE;
    }
    if (agent->user == NULL || agent->no_login ||
        !is_text(&question->parameters.user, usm_user_name(agent->user))) {
        return USM_UNKNOWN_USER;
    }
    struct usm_open how = { .level = usm_user_level(agent->user),
                            .keys = sim_snmp_keys(agent),
                            .auth = usm_user_auth(agent->user),
                            .priv = usm_user_priv(agent->user),
                            .now_us = question->now.mono_us,
                            .authoritative = true,
                            .room = question->desk->clear,
                            .room_size = sizeof(question->desk->clear) };
    return usm_open(&question->message, &question->parameters, &agent->engine, &how, scoped);
}

static size_t answer_user(const struct question *question, uint8_t **answer)
{
    struct sim_snmp_agent *agent = question->agent;
    uint8_t level = question->message.flags & (SNMP_AUTH | SNMP_PRIV);
    struct snmp_scoped scoped;
    struct snmp_pdu pdu;
    enum usm_trouble trouble = open_question(question, &scoped);
    if (trouble == USM_BROKEN) {
        return 0;
    }
    if (trouble != USM_FINE || !is_text(&scoped.context, agent->context)) {
        return report(question, trouble, answer);
    }
    if (snmp_pdu_decode(scoped.pdu, &pdu) != 0) {
        return 0;
    }
    size_t most = agent->size_max;
    if (question->message.size_max >= SNMP_MESSAGE_LEAST &&
        (size_t)question->message.size_max < most) {
        most = (size_t)question->message.size_max;
    }
    size_t around = SEALED_MAX + strlen(agent->context) + USM_NAME_MAX;
    struct ber_out out = sim_snmp_desk_out(question->desk);
    const uint8_t *mark = ber_mark(&out);
    struct sim_snmp_asked asked = asked_of(question, &pdu, SNMP_V3,
                                           most > around ? most - around : 0);
    if (sim_snmp_pdu_answer(agent, question->desk, &asked, &out) != 0) {
        return 0;
    }
    return seal(question, &out, mark, level, scoped.context, answer);
}

size_t sim_snmp_answer(struct sim_snmp_agent *agent, struct sim_snmp_desk *desk, const void *data,
                       size_t size, enum sim_fault_kind kind, int64_t argument,
                       struct sim_snmp_now now, uint8_t **answer)
{
    struct question question = {
        .agent = agent, .desk = desk, .kind = kind, .argument = argument, .now = now
    };
    if (snmp_message_decode(data, size, &question.message) != 0) {
        return 0;
    }
    switch (question.message.version) {
    case SNMP_V1:
    case SNMP_V2C: return answer_community(&question, answer);
    case SNMP_V3:
        if (agent->user == NULL ||
            usm_parameters_decode(question.message.security, &question.parameters) != 0) {
            return 0;
        }
        return answer_user(&question, answer);
    default: return 0;
    }
}
