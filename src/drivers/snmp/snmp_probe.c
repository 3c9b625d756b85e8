/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_probe.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

/* ---- what is asked ---- */

#define SYSTEM 0x2b, 6, 1, 2, 1, 1
#define ENTITY 0x2b, 6, 1, 2, 1, 47, 1, 1, 1, 1

struct item {
    uint8_t size;
    uint8_t oid[15];
};

enum { AT_DESCR, AT_OBJECT_ID, AT_UPTIME, AT_NAME };
static const struct item system_items[] = {
    { 8, { SYSTEM, 1, 0 } }, /* sysDescr.0 */
    { 8, { SYSTEM, 2, 0 } }, /* sysObjectID.0 */
    { 8, { SYSTEM, 3, 0 } }, /* sysUpTime.0 */
    { 8, { SYSTEM, 5, 0 } }, /* sysName.0 */
};

enum { AT_INTERFACES, AT_CONTACT, AT_LOCATION, AT_ENGINE };
static const struct item detail_items[] = {
    { 8, { 0x2b, 6, 1, 2, 1, 2, 1, 0 } },         /* ifNumber.0 */
    { 8, { SYSTEM, 4, 0 } },                      /* sysContact.0 */
    { 8, { SYSTEM, 6, 0 } },                      /* sysLocation.0 */
    { 10, { 0x2b, 6, 1, 6, 3, 10, 2, 1, 1, 0 } }, /* snmpEngineID.0 */
};

/* Columns whose first row is wanted; then snmp_find_tables. */
enum { AT_FIRMWARE, AT_SERIAL, AT_MODEL, AT_UPS_MODEL, AT_PRINTER_SERIAL, FIRST_TABLE };
static const struct item first_items[] = {
    { 11, { ENTITY, 10 } },                        /* entPhysicalSoftwareRev */
    { 11, { ENTITY, 11 } },                        /* entPhysicalSerialNum */
    { 11, { ENTITY, 13 } },                        /* entPhysicalModelName */
    { 9, { 0x2b, 6, 1, 2, 1, 33, 1, 1, 2 } },      /* upsIdentModel */
    { 10, { 0x2b, 6, 1, 2, 1, 43, 5, 1, 1, 17 } }, /* prtGeneralSerialNumber */
};

enum { ASKED_MAX = FIRST_TABLE + SNMP_FIND_TABLES, QUESTION_TRIES = 1 };

struct question {
    struct snmp_varbind varbinds[ASKED_MAX];
    struct snmp_oid_buf tables[SNMP_FIND_TABLES];
    size_t count;
};

static void put_items(struct question *question, const struct item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        question->varbinds[question->count++].oid = (struct snmp_oid){ .bytes = items[i].oid,
                                                                       .size = items[i].size };
    }
}

static void make_question(struct question *question, uint8_t step)
{
    question->count = 0;
    memset(question->varbinds, 0, sizeof(question->varbinds));
    if (step == SNMP_PROBE_DETAILS) {
        put_items(question, detail_items, sizeof(detail_items) / sizeof(detail_items[0]));
    } else if (step != SNMP_PROBE_TABLES) {
        put_items(question, system_items, sizeof(system_items) / sizeof(system_items[0]));
    } else {
        put_items(question, first_items, FIRST_TABLE);
        for (size_t i = 0; i < SNMP_FIND_TABLES; i++) {
            (void)snmp_oid_parse(snmp_find_tables[i].oid, &question->tables[i], NULL);
            question->varbinds[question->count++].oid = question->tables[i].oid;
        }
    }
}

/* ---- what comes ---- */

/* Octets as one line of text. */
static void take_text(const struct snmp_varbind *varbind, char to[SNMP_FIND_TEXT_MAX])
{
    const struct bytes *content = &varbind->value.content;
    const char *text = (const char *)content->at;
    size_t left = bytes_left(content);
    size_t size = str_utf8_cut(text, left, SNMP_FIND_TEXT_MAX - 1);
    if (varbind->value.tag != BER_OCTETS || size == 0) {
        return;
    }
    memcpy(to, text, size);
    to[size] = '\0';
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)to[i];
        to[i] = c < 0x20 || c == 0x7f ? ' ' : to[i];
    }
    (void)memmove(to, str_trim(to), strlen(str_trim(to)) + 1);
}

static void take_engine(struct snmp_found *found, const uint8_t *id, size_t size)
{
    if (size >= USM_ENGINE_MIN && size <= USM_ENGINE_MAX) {
        memcpy(found->engine, id, size);
        found->engine_size = (uint8_t)size;
    }
}

static void take_system(struct snmp_found *found, size_t at, const struct snmp_varbind *varbind)
{
    uint64_t number = 0;
    switch (at) {
    case AT_DESCR: take_text(varbind, found->description); break;
    case AT_NAME: take_text(varbind, found->name); break;
    case AT_OBJECT_ID:
        if (varbind->value.tag == BER_OID) {
            const struct bytes *content = &varbind->value.content;
            struct snmp_oid oid = { .bytes = content->at, .size = (uint16_t)bytes_left(content) };
            snmp_oid_take(&found->object_id, oid);
        }
        break;
    case AT_UPTIME:
        found->has_uptime = varbind->value.tag == BER_TIMETICKS &&
                            ber_uint(varbind->value.content, &number);
        found->uptime = (uint32_t)number;
        break;
    default: break;
    }
}

static void take_detail(struct snmp_found *found, size_t at, const struct snmp_varbind *varbind)
{
    int64_t number = 0;
    switch (at) {
    case AT_INTERFACES:
        if (varbind->value.tag == BER_INTEGER && ber_int(varbind->value.content, &number)) {
            found->interfaces = number;
        }
        break;
    case AT_CONTACT: take_text(varbind, found->contact); break;
    case AT_LOCATION: take_text(varbind, found->location); break;
    case AT_ENGINE:
        if (varbind->value.tag == BER_OCTETS && found->engine_size == 0) {
            take_engine(found, varbind->value.content.at, bytes_left(&varbind->value.content));
        }
        break;
    default: break;
    }
}

static void take_first(struct snmp_found *found, size_t at, const struct snmp_varbind *varbind)
{
    switch (at) {
    case AT_FIRMWARE: take_text(varbind, found->firmware); break;
    case AT_PRINTER_SERIAL:
    case AT_SERIAL: take_text(varbind, found->serial); break;
    case AT_UPS_MODEL:
    case AT_MODEL: take_text(varbind, found->model); break;
    default: found->has |= 1u << (at - FIRST_TABLE); break;
    }
}

static void take(struct snmp_probe *probe, const struct snmp_pdu *pdu)
{
    struct question question;
    struct snmp_varbind varbind;
    struct bytes varbinds = pdu->varbinds;
    make_question(&question, probe->step);
    for (size_t at = 0; at < question.count && snmp_varbind_next(&varbinds, &varbind); at++) {
        bool there = varbind.value.tag < BER_NO_SUCH_OBJECT &&
                     snmp_oid_under(varbind.oid, question.varbinds[at].oid);
        if (!there) {
            continue;
        }
        switch (probe->step) {
        case SNMP_PROBE_LOGIN: take_system(&probe->found, at, &varbind); break;
        case SNMP_PROBE_DETAILS: take_detail(&probe->found, at, &varbind); break;
        case SNMP_PROBE_TABLES: take_first(&probe->found, at, &varbind); break;
        default: break;
        }
    }
}

/* ---- logins ---- */

static const char *words_of(const struct snmp_answer *answer)
{
    switch (answer->trouble) {
    case USM_UNKNOWN_USER: return "it does not know the user";
    case USM_WRONG_DIGEST: return "wrong auth password or auth_type";
    case USM_DECRYPTION: return "wrong priv password or priv_type";
    case USM_UNSUPPORTED_LEVEL: return "the user has another security level there";
    case USM_NOT_IN_WINDOW: return "its clock does not hold";
    default: return answer->error == BUSBAR_ETIMEOUT ? "no answer" : err_text(answer->error);
    }
}

static void put_refused(struct snmp_found *found, const struct snmp_login *login,
                        const struct snmp_answer *answer)
{
    size_t used = strlen(found->refused);
    (void)str_format(found->refused + used, sizeof(found->refused) - used, "%s%s: %s",
                     used > 0 ? ", " : "", login->name, words_of(answer));
}

static void take_login(struct snmp_probe *probe, const struct snmp_answer *answer)
{
    struct snmp_found *found = &probe->found;
    const struct snmp_login *login = probe->options->logins[probe->login++];
    if (answer->error != 0) {
        /* A wrong community is not answered: nothing is known. */
        if (login->version == SNMP_V3) {
            put_refused(found, login, answer);
        }
        return;
    }
    probe->answered = true;
    found->login = snmp_login_hold(login);
    found->answer_us = answer->answered_us - answer->sent_us;
    take(probe, answer->pdu);
    found->reads_nothing = found->object_id.oid.size == 0 && !found->has_uptime;
}

/* ---- steps ---- */

static void on_sent(void *ctx, bool sent, struct bytes datagram, struct bytes clear)
{
    struct snmp_probe *probe = ctx;
    (void)datagram;
    (void)clear;
    if (sent && probe->options->sent != NULL) {
        probe->options->sent(probe->options->ctx);
    }
}

static void nothing_bad(void *ctx, struct bytes datagram, const char *why)
{
    (void)ctx;
    (void)datagram;
    (void)why;
}

static void nothing_retried(void *ctx)
{
    (void)ctx;
}

static void nothing_engine(void *ctx, bool changed)
{
    (void)ctx;
    (void)changed;
}

static const struct snmp_agent_ops agent_ops = {
    .frame = on_sent,
    .bad = nothing_bad,
    .retried = nothing_retried,
    .engine = nothing_engine,
};

static void leave_agent(struct snmp_probe *probe)
{
    if (probe->agent != NULL) {
        snmp_agent_free(probe->agent);
        probe->agent = NULL;
    }
}

static void take_engine_of_agent(struct snmp_probe *probe)
{
    const struct usm_engine *engine = snmp_agent_engine(probe->agent);
    if (engine != NULL && engine->size > 0) {
        probe->answered = true;
        probe->found.speaks_v3 = true;
        take_engine(&probe->found, engine->id, engine->size);
    }
}

static void on_answer(void *ctx, const struct snmp_answer *answer)
{
    struct snmp_probe *probe = ctx;
    probe->asked = NULL;
    if (answer->error == BUSBAR_ECANCELED) {
        return;
    }
    switch (probe->step) {
    case SNMP_PROBE_ENGINE:
        take_engine_of_agent(probe);
        probe->found.answer_us = answer->error == 0 ? answer->answered_us - answer->sent_us : 0;
        probe->step = SNMP_PROBE_LOGIN;
        break;
    case SNMP_PROBE_LOGIN:
        take_login(probe, answer);
        probe->step = probe->found.login != NULL ? SNMP_PROBE_DETAILS : SNMP_PROBE_LOGIN;
        break;
    case SNMP_PROBE_DETAILS:
    case SNMP_PROBE_TABLES:
        if (answer->error == 0) {
            take(probe, answer->pdu);
        }
        probe->step++;
        break;
    default: break;
    }
    loop_defer(probe->options->loop, &probe->next);
}

static void begin_agent(struct snmp_probe *probe, const struct snmp_login *login, int retries)
{
    leave_agent(probe);
    probe->agent = snmp_agent_new(probe->options->client, &(struct snmp_agent_options){
                                                              .address = probe->found.address,
                                                              .login = login,
                                                              .timeout_us = probe->options->wait_us,
                                                              .retries = retries,
                                                              .in_flight = 1,
                                                              .ops = &agent_ops,
                                                              .ctx = probe,
                                                          });
}

/* The next login that makes sense; false: there is none. */
static bool next_login(struct snmp_probe *probe)
{
    const struct snmp_probe_options *options = probe->options;
    while (probe->login < options->login_count &&
           options->logins[probe->login]->version == SNMP_V3 && !probe->found.speaks_v3) {
        probe->login++;
    }
    return probe->login < options->login_count;
}

static bool prepare(struct snmp_probe *probe)
{
    const struct snmp_login *login = probe->found.login;
    switch (probe->step) {
    case SNMP_PROBE_ENGINE: begin_agent(probe, probe->options->nobody, QUESTION_TRIES); return true;
    case SNMP_PROBE_LOGIN:
        if (!next_login(probe)) {
            return false;
        }
        begin_agent(probe, probe->options->logins[probe->login], probe->answered ? 1 : 0);
        return true;
    case SNMP_PROBE_DETAILS: return !probe->found.reads_nothing;
    case SNMP_PROBE_TABLES: return login->version != SNMP_V1;
    default: return false;
    }
}

static void go_on(void *ctx)
{
    struct snmp_probe *probe = ctx;
    struct question question;
    if (prepare(probe)) {
        make_question(&question, probe->step);
        struct snmp_ask ask = {
            .type = probe->step == SNMP_PROBE_TABLES ? SNMP_GETNEXT : SNMP_GET,
            .varbinds = question.varbinds,
            .count = question.count,
            .cb = on_answer,
            .ctx = probe,
        };
        probe->asked = snmp_ask(probe->agent, &ask);
        if (probe->asked != NULL) {
            return;
        }
    }
    probe->step = SNMP_PROBE_DONE;
    leave_agent(probe);
    probe->options->done(probe->options->ctx, probe);
}

struct snmp_probe *snmp_probe_new(const struct snmp_probe_options *options,
                                  const struct endpoint *address)
{
    struct snmp_probe *probe = busbar_alloc(sizeof(*probe));
    probe->options = options;
    probe->found.address = *address;
    probe->found.interfaces = -1;
    list_init(&probe->link);
    loop_deferred_init(&probe->next, go_on, probe);
    loop_defer(options->loop, &probe->next);
    return probe;
}

void snmp_probe_free(struct snmp_probe *probe)
{
    loop_defer_cancel(&probe->next);
    list_remove(&probe->link);
    leave_agent(probe);
    snmp_login_drop(probe->found.login);
    busbar_free(probe);
}
