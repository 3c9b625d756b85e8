/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated agent, asked by datagrams: what it has, its errors, limits, version 3, and what a person makes of it. */
#include "sim/sim_snmp_agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "support/snmp_agent_rig.h"

enum { ASKED_MAX = 64, REQUEST = 4711, MESSAGE = 99 };

/* The last answer. */
struct heard {
    size_t size;
    struct snmp_pdu pdu;
    struct snmp_varbind varbinds[SNMP_VARBINDS_MAX];
    size_t count;
};
static struct heard heard; /* of one test at a time */

#define UPTIME   "1.3.6.1.2.1.1.3.0"
#define TEMP     "1.3.6.1.4.1.32473.2.1.0"
#define SETPOINT "1.3.6.1.4.1.32473.2.2.0"
#define LABEL    "1.3.6.1.4.1.32473.2.3.0"

/* ---- asking ---- */

static void take_pdu(struct bytes pdu)
{
    assert_int_equal(snmp_pdu_decode(pdu, &heard.pdu), 0);
    struct bytes in = heard.pdu.varbinds;
    heard.count = 0;
    while (snmp_varbind_next(&in, &heard.varbinds[heard.count])) {
        heard.count++;
    }
}

static void put_question(struct ber_out *out, uint8_t type, int32_t first, int32_t second,
                         const char *const *oids, size_t count, const struct snmp_value *value)
{
    const uint8_t *mark = ber_mark(out);
    struct snmp_pdu head = {
        .type = type, .request_id = REQUEST, .error_status = first, .error_index = second
    };
    for (size_t i = count; i > 0; i--) {
        struct snmp_oid_buf oid;
        assert_int_equal(snmp_oid_parse(oids[i - 1], &oid, NULL), 0);
        snmp_put_varbind(out, oid.oid, value);
    }
    snmp_put_pdu_head(out, &head, mark);
    assert_false(out->failed);
}

/* False: silence. */
static bool ask_as(struct rig *rig, enum snmp_version version, const char *community, uint8_t type,
                   int32_t first, int32_t second, const char *const *oids, size_t count,
                   const struct snmp_value *value, enum sim_fault_kind kind, int64_t argument)
{
    uint8_t room[8192], *answer;
    struct ber_out out = ber_out_of(room, sizeof(room));
    struct snmp_message message;
    const uint8_t *mark = ber_mark(&out);
    put_question(&out, type, first, second, oids, count, value);
    snmp_put_message_head(&out, version, community, strlen(community), mark);
    heard.size = sim_snmp_answer(&rig->agent, rig->desk, out.at, ber_out_size(&out), kind, argument,
                                 rig->now, &answer);
    if (heard.size == 0) {
        return false;
    }
    assert_int_equal(snmp_message_decode(answer, heard.size, &message), 0);
    assert_int_equal(message.version, version);
    take_pdu(message.pdu);
    assert_int_equal(heard.pdu.type, SNMP_RESPONSE);
    return true;
}

static bool ask(struct rig *rig, uint8_t type, int32_t first, int32_t second,
                const char *const *oids, size_t count)
{
    return ask_as(rig, SNMP_V2C, "public", type, first, second, oids, count, NULL, SIM_FAULT_NONE,
                  0);
}

static void get(struct rig *rig, const char *oid)
{
    assert_true(ask(rig, SNMP_GET, 0, 0, &oid, 1));
    assert_int_equal(heard.pdu.request_id, REQUEST);
    assert_int_equal(heard.count, 1);
}

static int64_t number(size_t index)
{
    int64_t value = -1;
    assert_true(ber_int(heard.varbinds[index].value.content, &value));
    return value;
}

static uint64_t count_at(struct rig *rig, const char *oid)
{
    uint64_t value = 0;
    get(rig, oid);
    assert_true(ber_uint(heard.varbinds[0].value.content, &value));
    return value;
}

static void is_oid(size_t index, const char *text)
{
    struct buf words;
    buf_init(&words, SNMP_OID_TEXT_MAX);
    snmp_oid_print(heard.varbinds[index].oid, &words);
    assert_string_equal(buf_text(&words), text);
    buf_fini(&words);
}

static int32_t set(struct rig *rig, enum snmp_version version, const char *oid,
                   struct snmp_value value)
{
    assert_true(ask_as(rig, version, "public", SNMP_SET, 0, 0, &oid, 1, &value, SIM_FAULT_NONE, 0));
    return heard.pdu.error_status;
}

static struct snmp_value int_value(uint8_t *room, int64_t value)
{
    struct bytes_out scratch = bytes_out_of(room, 16);
    return sim_snmp_int(&scratch, value);
}

static bool text_is(size_t index, const char *text)
{
    const struct bytes *content = &heard.varbinds[index].value.content;
    return bytes_left(content) == strlen(text) && memcmp(content->at, text, strlen(text)) == 0;
}

/* ---- reading ---- */

static void values_have_the_types_of_their_mib(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL);
    const char *oids[] = { UPTIME, "1.3.6.1.2.1.1.5.0", TEMP, LABEL, "1.3.6.1.2.1.31.1.1.1.6.1" };
    const uint8_t tags[] = { BER_TIMETICKS, BER_OCTETS, BER_INTEGER, BER_OCTETS, BER_COUNTER64 };
    assert_true(ask(&rig, SNMP_GET, 0, 0, oids, 5));
    assert_int_equal(heard.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(heard.varbinds[i].value.tag, tags[i]);
        is_oid(i, oids[i]);
    }
    assert_true(text_is(1, "switch-1"));
    rig.now.mono_us += 12340000;
    assert_int_equal(count_at(&rig, UPTIME), 1234);
    rig_fini(&rig);
}

static void what_is_not_there_is_told_apart(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL);
    const char *oids[] = { "1.3.6.1.2.1.2.2.1.8.99", "1.3.6.1.9.9", UPTIME };
    assert_true(ask(&rig, SNMP_GET, 0, 0, oids, 3));
    assert_int_equal(heard.pdu.error_status, SNMP_NO_ERROR);
    assert_int_equal(heard.varbinds[0].value.tag, BER_NO_SUCH_INSTANCE);
    assert_int_equal(heard.varbinds[1].value.tag, BER_NO_SUCH_OBJECT);
    assert_int_equal(heard.varbinds[2].value.tag, BER_TIMETICKS);
    /* version 1 refuses the whole question and says which */
    assert_true(ask_as(&rig, SNMP_V1, "public", SNMP_GET, 0, 0, oids + 1, 1, NULL, 0, 0));
    assert_int_equal(heard.pdu.error_status, SNMP_NO_SUCH_NAME);
    assert_int_equal(heard.pdu.error_index, 1);
    /* and has no Counter64 */
    const char *big = "1.3.6.1.2.1.31.1.1.1.6.1";
    assert_true(ask_as(&rig, SNMP_V1, "public", SNMP_GET, 0, 0, &big, 1, NULL, 0, 0));
    assert_int_equal(heard.pdu.error_status, SNMP_NO_SUCH_NAME);
    rig_fini(&rig);
}

static void strangers_get_silence(void **state)
{
    struct rig rig;
    const char *oid = UPTIME;
    (void)state;
    rig_init(&rig, NULL);
    assert_false(ask_as(&rig, SNMP_V2C, "private", SNMP_GET, 0, 0, &oid, 1, NULL, 0, 0));
    assert_false(ask_as(&rig, SNMP_V2C, "publi", SNMP_GET, 0, 0, &oid, 1, NULL, 0, 0));
    rig.agent.no_login = true;
    assert_false(ask(&rig, SNMP_GET, 0, 0, &oid, 1));
    rig_fini(&rig);
}

/* Steps of GETNEXT from the root to the end; each must grow. Returns how many. */
static size_t walk(struct rig *rig, enum snmp_version version)
{
    struct snmp_oid_buf at;
    struct buf text;
    size_t steps = 0;
    assert_int_equal(snmp_oid_parse("1.3", &at, NULL), 0);
    buf_init(&text, SNMP_OID_TEXT_MAX);
    for (;; steps++) {
        buf_clear(&text);
        snmp_oid_print(at.oid, &text);
        const char *oid = buf_text(&text);
        assert_true(ask_as(rig, version, "public", SNMP_GETNEXT, 0, 0, &oid, 1, NULL, 0, 0));
        if (heard.pdu.error_status == SNMP_NO_SUCH_NAME ||
            heard.varbinds[0].value.tag == BER_END_OF_MIB_VIEW) {
            break;
        }
        assert_true(snmp_oid_order(at.oid, heard.varbinds[0].oid) < 0);
        snmp_oid_take(&at, heard.varbinds[0].oid);
    }
    buf_fini(&text);
    return steps;
}

static void a_walk_meets_each_object_once(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL);
    assert_int_equal(walk(&rig, SNMP_V2C), rig.agent.object_count);
    assert_int_equal(rig.agent.object_count, 7 + 1 + 4 * sim_snmp_column_count + 3);
    assert_int_equal(walk(&rig, SNMP_V1), rig.agent.object_count - 4 * 8); /* without Counter64 */
    rig_fini(&rig);
}

static void bulk_is_cut_where_it_does_not_fit(void **state)
{
    struct rig rig;
    const char *oids[] = { "1.3.6.1.2.1.1.3", "1.3.6.1.2.1.2.2.1.1", "1.3.6.1.2.1.2.2.1.2" };
    (void)state;
    rig_init(&rig, NULL);
    assert_true(ask(&rig, SNMP_GETBULK, 1, 4, oids, 3));
    assert_int_equal(heard.count, 1 + 2 * 4);
    is_oid(0, UPTIME);
    is_oid(1, "1.3.6.1.2.1.2.2.1.1.1");
    is_oid(2, "1.3.6.1.2.1.2.2.1.2.1");
    is_oid(8, "1.3.6.1.2.1.2.2.1.2.4");
    const char *root = "1.3";
    assert_true(ask(&rig, SNMP_GETBULK, 0, 100000, &root, 1));
    assert_true(heard.size <= SIM_SNMP_MESSAGE);
    assert_true(heard.size > SIM_SNMP_MESSAGE - 100);
    rig.agent.size_max = 484;
    assert_true(ask(&rig, SNMP_GETBULK, 0, 100000, &root, 1));
    assert_true(heard.size <= 484 && heard.count > 5);
    rig.agent.no_bulk = true;
    assert_true(ask(&rig, SNMP_GETBULK, 0, 10, &root, 1));
    assert_int_equal(heard.pdu.error_status, SNMP_GEN_ERR);
    rig_fini(&rig);
}

static void the_end_of_the_tree_ends_bulk(void **state)
{
    struct rig rig;
    const char *oid = LABEL;
    (void)state;
    rig_init(&rig, NULL);
    assert_true(ask(&rig, SNMP_GETBULK, 0, 50, &oid, 1));
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.varbinds[0].value.tag, BER_END_OF_MIB_VIEW);
    is_oid(0, LABEL);
    rig_fini(&rig);
}

static void too_big_is_said(void **state)
{
    struct rig rig;
    const char *oids[ASKED_MAX];
    (void)state;
    rig_init(&rig, NULL);
    for (size_t i = 0; i < ASKED_MAX; i++) {
        oids[i] = "1.3.6.1.2.1.1.1.0";
    }
    assert_true(ask(&rig, SNMP_GET, 0, 0, oids, ASKED_MAX));
    assert_int_equal(heard.pdu.error_status, SNMP_TOO_BIG);
    assert_int_equal(heard.count, 0);
    rig.agent.oids_max = 3;
    assert_true(ask(&rig, SNMP_GET, 0, 0, oids, 4));
    assert_int_equal(heard.pdu.error_status, SNMP_TOO_BIG);
    assert_true(ask(&rig, SNMP_GET, 0, 0, oids, 3));
    assert_int_equal(heard.pdu.error_status, SNMP_NO_ERROR);
    assert_int_equal(heard.count, 3);
    rig_fini(&rig);
}

/* ---- counters and rows ---- */

static void halves_of_a_counter_agree_and_wrap(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL);
    uint64_t before = 0;
    for (int i = 0; i < 10; i++) {
        rig.now.mono_us += 3600 * INT64_C(1000000);
        uint64_t all = count_at(&rig, "1.3.6.1.2.1.31.1.1.1.6.1");
        assert_true(all > before);
        assert_int_equal(count_at(&rig, "1.3.6.1.2.1.2.2.1.10.1"), all & UINT32_MAX);
        before = all;
    }
    rig.agent.wrap_us = rig.now.mono_us;
    assert_true(count_at(&rig, "1.3.6.1.2.1.31.1.1.1.6.1") > UINT64_MAX / 2);
    assert_true(count_at(&rig, "1.3.6.1.2.1.2.2.1.10.1") > UINT32_MAX / 2);
    rig.now.mono_us += 20 * INT64_C(1000000);
    assert_true(count_at(&rig, "1.3.6.1.2.1.31.1.1.1.6.1") < UINT32_MAX);
    rig_fini(&rig);
}

static void a_restart_begins_anew(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL);
    rig.now.mono_us += 3600 * INT64_C(1000000);
    uint64_t before = count_at(&rig, "1.3.6.1.2.1.31.1.1.1.6.1");
    sim_snmp_agent_restart(&rig.agent, rig.now);
    assert_int_equal(count_at(&rig, UPTIME), 0);
    assert_true(count_at(&rig, "1.3.6.1.2.1.31.1.1.1.6.1") < before);
    assert_int_equal(rig.agent.engine.boots, 8);
    rig_fini(&rig);
}

static void rows_get_other_numbers(void **state)
{
    struct rig rig;
    uint8_t room[16];
    (void)state;
    rig_init(&rig, NULL);
    get(&rig, "1.3.6.1.2.1.31.1.1.1.1.1");
    assert_true(text_is(0, "eth0"));
    struct snmp_value held = int_value(room, SIM_SNMP_DOWN);
    sim_snmp_value_hold(&rig.agent, sim_snmp_point_object(&rig.agent, RIG_STATUS), &held, rig.now);
    rig.agent.turn = 1;
    assert_int_equal(sim_snmp_objects_make(&rig.agent), 0);
    get(&rig, "1.3.6.1.2.1.31.1.1.1.1.1"); /* the last of the four */
    assert_false(text_is(0, "eth0"));
    get(&rig, "1.3.6.1.2.1.31.1.1.1.1.2");
    assert_true(text_is(0, "eth0"));
    get(&rig, "1.3.6.1.2.1.2.2.1.8.2"); /* what was written moves along */
    assert_int_equal(number(0), SIM_SNMP_DOWN);
    get(&rig, "1.3.6.1.2.1.2.2.1.8.1");
    assert_int_equal(number(0), SIM_SNMP_DOWN); /* the one that nothing is plugged into */
    get(&rig, "1.3.6.1.2.1.2.2.1.8.3");
    assert_int_equal(number(0), SIM_SNMP_UP);
    rig_fini(&rig);
}

/* ---- SET ---- */

static void writing_is_checked(void **state)
{
    struct rig rig;
    uint8_t room[16];
    (void)state;
    rig_init(&rig, NULL);
    struct bytes_out scratch = bytes_out_of(room, sizeof(room));
    struct snmp_value text = sim_snmp_octets(&scratch, BER_OCTETS, "core", 4);
    uint8_t other[16];
    struct snmp_value value = int_value(other, -123456);
    assert_int_equal(set(&rig, SNMP_V2C, TEMP, value), SNMP_NOT_WRITABLE);
    assert_int_equal(set(&rig, SNMP_V1, TEMP, value), SNMP_NO_SUCH_NAME);
    assert_int_equal(set(&rig, SNMP_V2C, "1.3.6.1.4.1.32473.2.9.0", value), SNMP_NO_CREATION);
    assert_int_equal(set(&rig, SNMP_V2C, SETPOINT, text), SNMP_WRONG_TYPE);
    assert_int_equal(set(&rig, SNMP_V1, SETPOINT, text), SNMP_BAD_VALUE);
    assert_int_equal(set(&rig, SNMP_V2C, SETPOINT, value), SNMP_NO_ERROR);
    get(&rig, SETPOINT);
    assert_int_equal(number(0), -123456);
    assert_int_equal(set(&rig, SNMP_V2C, "1.3.6.1.2.1.31.1.1.1.18.1", text), SNMP_NO_ERROR);
    get(&rig, "1.3.6.1.2.1.31.1.1.1.18.1");
    assert_true(text_is(0, "core"));
    /* one that is refused leaves the other as it was */
    const char *two[] = { SETPOINT, TEMP };
    struct snmp_value again = int_value(room, 5);
    assert_true(ask_as(&rig, SNMP_V2C, "public", SNMP_SET, 0, 0, two, 2, &again, 0, 0));
    assert_int_equal(heard.pdu.error_index, 2);
    get(&rig, SETPOINT);
    assert_int_equal(number(0), -123456);
    rig_fini(&rig);
}

/* ---- faults ---- */

static void faults_of_an_answer(void **state)
{
    struct rig rig;
    const char *oid = TEMP;
    (void)state;
    rig_init(&rig, NULL);
    assert_true(
        ask_as(&rig, SNMP_V2C, "public", SNMP_GET, 0, 0, &oid, 1, NULL, SIM_FAULT_ERROR, 5));
    assert_int_equal(heard.pdu.error_status, SNMP_GEN_ERR);
    assert_true(ask_as(&rig, SNMP_V2C, "public", SNMP_GET, 0, 0, &oid, 1, NULL,
                       SIM_FAULT_WRONG_TRANSACTION, 0));
    assert_int_not_equal(heard.pdu.request_id, REQUEST);
    assert_true(
        ask_as(&rig, SNMP_V2C, "public", SNMP_GET, 0, 0, &oid, 1, NULL, SIM_FAULT_WRONG_UNIT, 0));
    is_oid(0, "1.3.6.1.4.1.32473.2.1");
    oid = LABEL;
    assert_true(
        ask_as(&rig, SNMP_V2C, "public", SNMP_GETNEXT, 0, 0, &oid, 1, NULL, SIM_FAULT_LOOP, 0));
    is_oid(0, "1.3.6.1.2.1.1.1.0"); /* back where it began */
    rig_fini(&rig);
}

static void a_frozen_value_stands_still(void **state)
{
    struct rig rig;
    (void)state;
    rig_init(&rig, NULL);
    rig.now.mono_us += 60 * INT64_C(1000000);
    rig.agent.frozen = rig.now;
    uint64_t then = count_at(&rig, "1.3.6.1.2.1.31.1.1.1.6.1");
    rig.now.mono_us += 60 * INT64_C(1000000);
    assert_int_equal(count_at(&rig, "1.3.6.1.2.1.31.1.1.1.6.1"), then);
    rig.agent.frozen = (struct sim_snmp_now){ 0 };
    assert_true(count_at(&rig, "1.3.6.1.2.1.31.1.1.1.6.1") > then);
    rig_fini(&rig);
}

/* ---- version 3 ---- */

/* A manager. */
struct manager {
    struct usm_user *user;
    struct usm_engine engine;
    struct usm_keys keys;
    uint64_t salt;
};

/* What came back; the PDU is in `heard`. */
static enum usm_trouble ask_v3(struct rig *rig, struct manager *manager, const char *name,
                               uint8_t level, const char *oid)
{
    static uint8_t clear[SNMP_MESSAGE_MAX];
    uint8_t room[2048], *answer;
    struct ber_out out = ber_out_of(room, sizeof(room));
    struct snmp_message message;
    struct usm_parameters parameters;
    struct snmp_scoped scoped;
    struct usm_seal seal = { .id = MESSAGE,
                             .flags = level | SNMP_REPORTABLE,
                             .user = name,
                             .engine = &manager->engine,
                             .keys = &manager->keys,
                             .auth = usm_user_auth(manager->user),
                             .priv = usm_user_priv(manager->user),
                             .salt = ++manager->salt,
                             .now_us = rig->now.mono_us };
    const uint8_t *mark = ber_mark(&out);
    put_question(&out, SNMP_GET, 0, 0, &oid, 1, NULL);
    snmp_put_scoped_head(&out, bytes_of(manager->engine.id, manager->engine.size), bytes_of("", 0),
                         mark);
    assert_int_equal(usm_seal(&out, &seal), 0);
    heard.size = sim_snmp_answer(&rig->agent, rig->desk, out.at, ber_out_size(&out), SIM_FAULT_NONE,
                                 0, rig->now, &answer);
    assert_true(heard.size > 0);
    assert_int_equal(snmp_message_decode(answer, heard.size, &message), 0);
    assert_int_equal(message.id, MESSAGE);
    assert_int_equal(usm_parameters_decode(message.security, &parameters), 0);
    struct usm_open open = { .level = manager->engine.size > 0 ? level : 0,
                             .keys = manager->engine.size > 0 ? &manager->keys : NULL,
                             .auth = usm_user_auth(manager->user),
                             .priv = usm_user_priv(manager->user),
                             .now_us = rig->now.mono_us,
                             .room = clear,
                             .room_size = sizeof(clear) };
    assert_int_equal(usm_open(&message, &parameters, &manager->engine, &open, &scoped), USM_FINE);
    take_pdu(scoped.pdu);
    if (manager->engine.size == 0) {
        manager->engine.size = (uint8_t)bytes_left(&parameters.engine);
        memcpy(manager->engine.id, parameters.engine.at, manager->engine.size);
        assert_int_equal(usm_keys_localise(manager->user, manager->engine.id, manager->engine.size,
                                           &manager->keys),
                         0);
    }
    return heard.pdu.type == SNMP_REPORT ? usm_trouble_of_report(heard.varbinds[0].oid) : USM_FINE;
}

static struct usm_user *make_user(const char *pass)
{
    struct usm_user *user = NULL;
    assert_int_equal(
        usm_user_make("busbar", USM_SHA256, pass, USM_AES128, "privacy-pass", &user, NULL), 0);
    return user;
}

static void version_3_from_discovery_to_value(void **state)
{
    struct rig rig;
    struct manager manager = { .user = make_user("authentication") };
    uint8_t level = SNMP_AUTH | SNMP_PRIV;
    (void)state;
    rig_init(&rig, manager.user);
    assert_int_equal(ask_v3(&rig, &manager, "", 0, UPTIME), USM_UNKNOWN_ENGINE);
    assert_int_equal(manager.engine.size, 13);
    assert_int_equal(ask_v3(&rig, &manager, "busbar", level, UPTIME), USM_NOT_IN_WINDOW);
    assert_int_equal(manager.engine.boots, 7); /* from the report, which was authentic */
    assert_int_equal(ask_v3(&rig, &manager, "busbar", level, UPTIME), USM_FINE);
    assert_int_equal(heard.varbinds[0].value.tag, BER_TIMETICKS);
    assert_int_equal(heard.pdu.request_id, REQUEST);
    assert_int_equal(ask_v3(&rig, &manager, "busbar", level, "1.3.6.1.6.3.10.2.1.2.0"), USM_FINE);
    assert_int_equal(number(0), 7);
    sim_snmp_agent_restart(&rig.agent, rig.now);
    assert_int_equal(ask_v3(&rig, &manager, "busbar", level, UPTIME), USM_NOT_IN_WINDOW);
    assert_int_equal(ask_v3(&rig, &manager, "busbar", level, UPTIME), USM_FINE);
    rig_fini(&rig);
    usm_keys_wipe(&manager.keys);
    usm_user_drop(manager.user);
}

static void version_3_says_what_is_wrong(void **state)
{
    struct rig rig;
    struct usm_user *right = make_user("authentication");
    struct manager manager = { .user = make_user("something else") };
    uint8_t level = SNMP_AUTH | SNMP_PRIV;
    (void)state;
    rig_init(&rig, right);
    assert_int_equal(ask_v3(&rig, &manager, "", 0, UPTIME), USM_UNKNOWN_ENGINE);
    assert_int_equal(ask_v3(&rig, &manager, "nobody", level, UPTIME), USM_UNKNOWN_USER);
    assert_int_equal(ask_v3(&rig, &manager, "busbar", level, UPTIME), USM_WRONG_DIGEST);
    assert_int_equal(ask_v3(&rig, &manager, "busbar", 0, UPTIME), USM_UNSUPPORTED_LEVEL);
    sim_snmp_agent_engine(&rig.agent, true);
    assert_int_equal(ask_v3(&rig, &manager, "busbar", level, UPTIME), USM_UNKNOWN_ENGINE);
    rig_fini(&rig);
    usm_keys_wipe(&manager.keys);
    usm_user_drop(manager.user);
    usm_user_drop(right);
}

/* ---- what is no question ---- */

static void prefixes_and_flipped_bits_do_no_harm(void **state)
{
    struct rig rig;
    uint8_t room[512], *answer;
    const char *oids[] = { UPTIME, TEMP };
    (void)state;
    rig_init(&rig, NULL);
    struct ber_out out = ber_out_of(room, sizeof(room));
    const uint8_t *mark = ber_mark(&out);
    put_question(&out, SNMP_GETBULK, 1, 3, oids, 2, NULL);
    snmp_put_message_head(&out, SNMP_V2C, "public", 6, mark);
    size_t whole = ber_out_size(&out);
    for (size_t size = 0; size < whole; size++) {
        struct bytes in = bytes_dup(out.at, size);
        assert_int_equal(sim_snmp_answer(&rig.agent, rig.desk, in.at, size, 0, 0, rig.now, &answer),
                         0);
        bytes_fini(&in);
    }
    for (size_t bit = 0; bit < 8 * whole; bit++) {
        struct bytes in = bytes_dup(out.at, whole);
        ((uint8_t *)(uintptr_t)in.at)[bit / 8] ^= (uint8_t)(1U << bit % 8);
        (void)sim_snmp_answer(&rig.agent, rig.desk, in.at, whole, 0, 0, rig.now, &answer);
        bytes_fini(&in);
    }
    get(&rig, UPTIME);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_the_types_of_their_mib),
        cmocka_unit_test(what_is_not_there_is_told_apart),
        cmocka_unit_test(strangers_get_silence),
        cmocka_unit_test(a_walk_meets_each_object_once),
        cmocka_unit_test(bulk_is_cut_where_it_does_not_fit),
        cmocka_unit_test(the_end_of_the_tree_ends_bulk),
        cmocka_unit_test(too_big_is_said),
        cmocka_unit_test(halves_of_a_counter_agree_and_wrap),
        cmocka_unit_test(a_restart_begins_anew),
        cmocka_unit_test(rows_get_other_numbers),
        cmocka_unit_test(writing_is_checked),
        cmocka_unit_test(faults_of_an_answer),
        cmocka_unit_test(a_frozen_value_stands_still),
        cmocka_unit_test(version_3_from_discovery_to_value),
        cmocka_unit_test(version_3_says_what_is_wrong),
        cmocka_unit_test(prefixes_and_flipped_bits_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
