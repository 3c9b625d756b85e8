/* SPDX-License-Identifier: Apache-2.0 */
/* The host application: births, data, deaths, lost and late messages, rebirths and their limits. What it calls back is
 * written down as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "drivers/mqtt/sparkplug/host.h"
#include "support/random.h"

#define SECOND INT64_C(1000000)

struct rig {
    struct sparkplug_host *host;
    struct buf log; /* what was called back since the last look */
    struct err err;
    int64_t now_us;
    int held; /* messages that were held and not released yet */
    uint64_t rebirths;
};

static void put_place(struct rig *rig, const struct sparkplug_place *place)
{
    (void)buf_printf(&rig->log, "%s%s%s", place->node, place->device[0] != '\0' ? "/" : "",
                     place->device);
}

static void on_link(void *ctx, struct sparkplug_place *place, bool up, const char *why)
{
    struct rig *rig = ctx;
    assert_true(place->up == up && why[0] != '\0');
    (void)buf_append_text(&rig->log, up ? "+" : "-");
    put_place(rig, place);
    (void)buf_append_byte(&rig->log, ' ');
}

static void on_metrics(void *ctx, void *token, struct sparkplug_place *place,
                       const struct sparkplug_metric *metrics, size_t count, bool birth)
{
    struct rig *rig = ctx;
    put_place(rig, place);
    (void)buf_printf(&rig->log, "%s%s(", birth ? "*" : "",
                     token != NULL ? (const char *)token : "");
    for (size_t i = 0; i < count; i++) {
        assert_non_null(metrics[i].user);
        (void)buf_printf(&rig->log, "%s%.*s=%lld%s", i > 0 ? "," : "", (int)metrics[i].name_size,
                         metrics[i].name, (long long)metrics[i].value.i,
                         metrics[i].datatype == SPARKPLUG_INT16 ? "" : "?");
        if (birth) {
            *metrics[i].user = rig;
        } else {
            assert_true(*metrics[i].user == rig || *metrics[i].user == NULL);
        }
    }
    (void)buf_append_text(&rig->log, ") ");
}

static void on_released(void *ctx, void *token, bool lost)
{
    struct rig *rig = ctx;
    rig->held--;
    (void)buf_printf(&rig->log, "%s%s ",
                     lost ? "lost:" : "done:", token != NULL ? (const char *)token : "");
}

static void on_rebirth(void *ctx, const struct sparkplug_place *node, const char *why)
{
    struct rig *rig = ctx;
    rig->rebirths++;
    assert_true(node->device[0] == '\0' && why[0] != '\0');
    (void)buf_printf(&rig->log, "rebirth:%s ", node->node);
}

static const struct sparkplug_host_calls calls = { on_link, on_metrics, on_released, on_rebirth };

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    rig->host = sparkplug_host_new(&calls, rig, NULL);
    rig->now_us = 1000 * SECOND;
    buf_init(&rig->log, 1 << 20);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    sparkplug_host_free(rig->host);
    assert_int_equal(rig->held, 0);
    buf_fini(&rig->log);
    free(rig);
    return 0;
}

/* "boiler:7=21" is an alias with its value and name, ":7=21" an alias alone, "boiler=21" a name alone. seq -1: none. */
static void put_payload(struct buf *out, int seq, const char *text)
{
    static const char *const no_name = NULL;
    struct sparkplug_metric metrics[40];
    size_t count = 0;
    for (const char *at = text; *at != '\0';) {
        struct sparkplug_metric *metric = &metrics[count++];
        size_t name = strcspn(at, ":=");
        *metric = (struct sparkplug_metric){ .name = name > 0 ? at : no_name,
                                             .name_size = (uint32_t)name,
                                             .kind = SPARKPLUG_IS_INT };
        at += name;
        if (*at == ':') {
            metric->has_alias = true;
            metric->alias = (uint64_t)strtoll(at + 1, (char **)(uintptr_t)&at, 10);
        }
        metric->datatype = name > 0 ? SPARKPLUG_INT16 : SPARKPLUG_UNKNOWN;
        metric->value.i = strtoll(at + 1, (char **)(uintptr_t)&at, 10);
        at += *at == ' ';
    }
    struct sparkplug_payload payload = { .time_us = SECOND,
                                         .has_seq = seq >= 0,
                                         .seq = (uint8_t)seq,
                                         .metrics = metrics,
                                         .count = count };
    assert_int_equal(sparkplug_payload_put(out, &payload), 0);
}

static int give(struct rig *rig, const char *token, const char *topic_text, int seq,
                const char *metrics)
{
    struct sparkplug_topic topic;
    struct buf payload;
    char text[200];
    buf_init(&payload, 1 << 16);
    (void)snprintf(text, sizeof(text), "spBv1.0/G/%s", topic_text);
    assert_true(sparkplug_topic_read(text, strlen(text), &topic));
    put_payload(&payload, seq, metrics);
    struct bytes in = bytes_dup(payload.data, payload.size);
    int taken = sparkplug_host_take(rig->host, &topic, in, rig->now_us, (void *)(uintptr_t)token,
                                    &rig->err);
    rig->held += taken == SPARKPLUG_HELD;
    bytes_fini(&in);
    buf_fini(&payload);
    return taken;
}

static void assert_log(struct rig *rig, const char *meant)
{
    assert_string_equal(buf_text(&rig->log), meant);
    buf_clear(&rig->log);
}

static void pass(struct rig *rig, int64_t us)
{
    rig->now_us += us;
    sparkplug_host_tick(rig->host, rig->now_us);
    assert_true(sparkplug_host_due(rig->host) > rig->now_us);
}

static void start(struct rig *rig)
{
    assert_int_equal(give(rig, "n", "NBIRTH/e", 0, "bdSeq=4 rpm:1=5"), SPARKPLUG_TAKEN);
    assert_int_equal(give(rig, "d", "DBIRTH/e/b", 1, "t:7=21 p:8=3"), SPARKPLUG_TAKEN);
    assert_log(rig, "+e e*n(bdSeq=4,rpm=5) +e/b e/b*d(t=21,p=3) ");
}

static void births_data_and_deaths(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(give(rig, "1", "NDATA/e", 2, ":1=6"), SPARKPLUG_TAKEN);
    assert_int_equal(give(rig, "2", "DDATA/e/b", 3, ":8=4 t=-22"), SPARKPLUG_TAKEN);
    assert_log(rig, "e1(rpm=6) e/b2(p=4,t=-22) ");
    assert_int_equal(give(rig, "3", "DDEATH/e/b", 4, ""), SPARKPLUG_TAKEN);
    assert_int_equal(give(rig, "4", "NDATA/e", 5, ":1=7"), SPARKPLUG_TAKEN);
    assert_log(rig, "-e/b e4(rpm=7) ");
    assert_int_equal(give(rig, "5", "DBIRTH/e/b", 6, "t:9=1"), SPARKPLUG_TAKEN);
    assert_int_equal(give(rig, "6", "DDATA/e/b", 7, ":9=2"), SPARKPLUG_TAKEN);
    assert_int_equal(give(rig, "7", "NDEATH/e", -1, "bdSeq=4"), SPARKPLUG_TAKEN);
    assert_log(rig, "+e/b e/b*5(t=1) e/b6(t=2) -e/b -e ");
    struct sparkplug_counts counts;
    sparkplug_host_counts(rig->host, &counts);
    assert_int_equal(counts.births, 3);
    assert_int_equal(counts.deaths, 2);
    assert_int_equal(counts.data, 4);
    assert_int_equal(counts.nodes_up, 0);
    assert_int_equal(counts.known, 3);
    assert_int_equal(counts.rebirths, 0);
}

static void a_death_of_an_earlier_session_is_none(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(give(rig, "x", "NDEATH/e", -1, "bdSeq=3"), SPARKPLUG_UNUSED);
    assert_non_null(strstr(rig->err.message, "bdSeq"));
    assert_log(rig, "");
    assert_int_equal(give(rig, "x", "NDEATH/e", -1, "bdSeq=4"), SPARKPLUG_TAKEN);
    assert_log(rig, "-e/b -e ");
    assert_int_equal(give(rig, "x", "NDEATH/e", -1, "bdSeq=4"), SPARKPLUG_UNUSED);
}

static void sequences_go_round(void **state)
{
    struct rig *rig = *state;
    start(rig);
    for (int i = 2; i < 600; i++) {
        assert_int_equal(give(rig, "", "NDATA/e", i % 256, ":1=6"), SPARKPLUG_TAKEN);
    }
    struct sparkplug_counts counts;
    sparkplug_host_counts(rig->host, &counts);
    assert_int_equal(counts.data, 598);
    assert_int_equal(counts.gaps + counts.late + counts.reordered, 0);
}

static void messages_are_put_in_order(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(give(rig, "4", "NDATA/e", 4, ":1=40"), SPARKPLUG_HELD);
    assert_int_equal(give(rig, "3", "DDATA/e/b", 3, ":7=30"), SPARKPLUG_HELD);
    assert_int_equal(give(rig, "3", "DDATA/e/b", 3, ":7=30"), SPARKPLUG_UNUSED); /* twice */
    assert_log(rig, "");
    assert_int_equal(sparkplug_host_due(rig->host), rig->now_us + 5 * SECOND);
    pass(rig, 4 * SECOND);
    assert_log(rig, "");
    assert_int_equal(give(rig, "2", "NDATA/e", 2, ":1=20"), SPARKPLUG_TAKEN);
    assert_log(rig, "e2(rpm=20) e/b3(t=30) done:3 e4(rpm=40) done:4 ");
    assert_true(sparkplug_host_due(rig->host) == INT64_MAX);
    assert_int_equal(give(rig, "5", "NDATA/e", 5, ":1=50"), SPARKPLUG_TAKEN);
    assert_log(rig, "e5(rpm=50) ");
}

static void what_does_not_come_is_given_up(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(give(rig, "3", "NDATA/e", 3, ":1=30"), SPARKPLUG_HELD);
    rig->now_us += 2 * SECOND;
    assert_int_equal(give(rig, "5", "NDATA/e", 5, ":1=50"), SPARKPLUG_HELD);
    pass(rig, 3 * SECOND);
    assert_log(rig, "e3(rpm=30) done:3 e5(rpm=50) done:5 rebirth:e ");
    /* it goes on behind the last; what comes late is taken by its own time, but is no turn */
    assert_int_equal(give(rig, "4", "NDATA/e", 4, ":1=40"), SPARKPLUG_TAKEN);
    assert_int_equal(give(rig, "6", "NDATA/e", 6, ":1=60"), SPARKPLUG_TAKEN);
    assert_log(rig, "e4(rpm=40) e6(rpm=60) ");
    assert_int_equal(give(rig, "2", "DBIRTH/e/b", 2, "t:7=1"), SPARKPLUG_UNUSED); /* too late */
    struct sparkplug_counts counts;
    sparkplug_host_counts(rig->host, &counts);
    assert_int_equal(counts.gaps, 1);
    assert_int_equal(counts.late, 2);
    assert_int_equal(counts.rebirths, 1);
}

/* More than half a round is missing: nothing tells that at the first message, the ones behind it do. */
static void a_long_gap_is_no_lateness(void **state)
{
    struct rig *rig = *state;
    start(rig);
    for (int seq = 202; seq < 205; seq++) {
        assert_int_equal(give(rig, "", "NDATA/e", seq, ":1=1"), SPARKPLUG_TAKEN);
    }
    assert_log(rig, "e(rpm=1) e(rpm=1) e(rpm=1) ");
    assert_int_equal(give(rig, "", "NDATA/e", 205, ":1=2"), SPARKPLUG_TAKEN);
    pass(rig, 0);
    assert_log(rig, "e(rpm=2) rebirth:e ");
    assert_int_equal(give(rig, "", "NDATA/e", 206, ":1=3"), SPARKPLUG_TAKEN); /* it goes on */
    assert_log(rig, "e(rpm=3) ");
    struct sparkplug_counts counts;
    sparkplug_host_counts(rig->host, &counts);
    assert_int_equal(counts.gaps, 1);
    assert_int_equal(counts.late, 4);
}

static void so_many_are_held_only(void **state)
{
    struct rig *rig = *state;
    start(rig);
    for (int i = 0; i < SPARKPLUG_HELD_MAX; i++) {
        assert_int_equal(give(rig, "h", "NDATA/e", 3 + i, ":1=1"), SPARKPLUG_HELD);
    }
    assert_log(rig, "");
    assert_int_equal(give(rig, "x", "NDATA/e", 3 + SPARKPLUG_HELD_MAX, ":1=2"), SPARKPLUG_TAKEN);
    assert_int_equal(rig->held, 0);
    assert_true(str_ends(buf_text(&rig->log), "e"
                                              "x(rpm=2) rebirth:e "));
}

static void data_before_birth_wants_a_rebirth(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(give(rig, "1", "NDATA/e", 9, ":1=1"), SPARKPLUG_UNUSED);
    assert_non_null(strstr(rig->err.message, "NBIRTH"));
    assert_int_equal(give(rig, "2", "DDATA/e/b", 10, ":7=1"), SPARKPLUG_UNUSED);
    assert_log(rig, "rebirth:e ");
    start(rig);
    assert_int_equal(give(rig, "3", "DDATA/e/other", 2, ":7=1"), SPARKPLUG_UNUSED);
    assert_non_null(strstr(rig->err.message, "DBIRTH"));
    assert_log(rig, ""); /* asked so lately */
    pass(rig, 10 * SECOND);
    assert_log(rig, "rebirth:e ");
    assert_int_equal(give(rig, "4", "DDEATH/e/none", 3, ""), SPARKPLUG_UNUSED);
}

static void unknown_aliases_want_a_rebirth(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(give(rig, "1", "NDATA/e", 2, ":1=6 :99=7 new=8"), SPARKPLUG_TAKEN);
    assert_log(rig, "e1(rpm=6,new=8) rebirth:e ");
}

static void rebirths_are_asked_for_less_and_less(void **state)
{
    struct rig *rig = *state;
    int64_t last_us = rig->now_us;
    int64_t waits_s[12];
    size_t count = 0;
    for (int i = 0; i < 4000 && count < 12; i++) {
        (void)give(rig, "", "NDATA/e", i % 256, ":1=1");
        sparkplug_host_tick(rig->host, rig->now_us);
        if (rig->log.size > 0) {
            waits_s[count++] = (rig->now_us - last_us) / SECOND;
            last_us = rig->now_us;
            buf_clear(&rig->log);
        }
        rig->now_us += SECOND;
    }
    static const int64_t meant_s[] = { 0, 10, 20, 40, 80, 160, 320, 600, 600 };
    for (size_t i = 0; i < sizeof(meant_s) / sizeof(meant_s[0]); i++) {
        assert_int_equal(waits_s[i], meant_s[i]);
    }
}

static void rebirths_of_all_are_limited(void **state)
{
    struct rig *rig = *state;
    char topic[40];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(topic, sizeof(topic), "NDATA/e%d", i);
        (void)give(rig, "", topic, 0, ":1=1");
    }
    assert_int_equal(rig->rebirths, 20);
    for (int i = 0; i < 3; i++) {
        pass(rig, SECOND);
    }
    assert_int_equal(rig->rebirths, 80);
    pass(rig, SECOND);
    assert_int_equal(rig->rebirths, 100);
    assert_true(sparkplug_host_due(rig->host) == INT64_MAX);
}

static void devices_that_are_not_born_again_go_down(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(give(rig, "d2", "DBIRTH/e/c", 2, "t:5=1"), SPARKPLUG_TAKEN);
    assert_log(rig, "+e/c e/c*d2(t=1) ");
    assert_int_equal(give(rig, "n2", "NBIRTH/e", 0, "bdSeq=5 rpm:2=5"), SPARKPLUG_TAKEN);
    assert_int_equal(give(rig, "d3", "DBIRTH/e/b", 1, "t:3=21"), SPARKPLUG_TAKEN);
    assert_log(rig, "e*n2(bdSeq=5,rpm=5) e/b*d3(t=21) ");
    assert_int_equal(give(rig, "x", "DDATA/e/c", 2, ":5=1"), SPARKPLUG_UNUSED); /* of before */
    assert_log(rig, "rebirth:e ");
    pass(rig, 5 * SECOND);
    assert_log(rig, "-e/c ");
    /* aliases are those of the new birth */
    assert_int_equal(give(rig, "y", "DDATA/e/b", 3, ":3=4"), SPARKPLUG_TAKEN);
    assert_log(rig, "e/by(t=4) ");
}

static void held_messages_belong_to_their_session(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(give(rig, "5", "NDATA/e", 5, ":1=50"), SPARKPLUG_HELD);
    assert_int_equal(give(rig, "n2", "NBIRTH/e", 0, "bdSeq=5 hz:1=7"), SPARKPLUG_TAKEN);
    assert_log(rig, "e5(rpm=50) done:5 e*n2(bdSeq=5,hz=7) ");
    assert_int_equal(give(rig, "6", "NDATA/e", 3, ":1=1"), SPARKPLUG_HELD);
    assert_int_equal(give(rig, "x", "NDEATH/e", -1, "bdSeq=5"), SPARKPLUG_TAKEN);
    assert_log(rig, "e6(hz=1) done:6 -e/b -e ");
}

static void a_lost_connection_takes_all_down(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(give(rig, "5", "NDATA/e", 5, ":1=50"), SPARKPLUG_HELD);
    sparkplug_host_disconnected(rig->host);
    assert_log(rig, "lost:5 -e/b -e ");
    assert_true(sparkplug_host_due(rig->host) == INT64_MAX);
    assert_int_equal(give(rig, "1", "NDATA/e", 6, ":1=1"), SPARKPLUG_UNUSED);
    assert_log(rig, "rebirth:e ");
    start(rig);
}

static void nodes_can_be_wanted_and_forgotten(void **state)
{
    struct rig *rig = *state;
    sparkplug_host_want(rig->host, "G", "e", rig->now_us);
    sparkplug_host_want(rig->host, "G", "e", rig->now_us);
    assert_log(rig, "rebirth:e ");
    pass(rig, 9 * SECOND);
    assert_log(rig, "");
    pass(rig, SECOND); /* nobody answers */
    assert_log(rig, "rebirth:e ");
    assert_int_equal(sparkplug_host_due(rig->host), rig->now_us + 20 * SECOND);
    start(rig);
    assert_true(sparkplug_host_due(rig->host) == INT64_MAX);
    sparkplug_host_want(rig->host, "G", "e", rig->now_us);
    assert_log(rig, "");
    struct sparkplug_place *place = sparkplug_host_place(rig->host, "G", "e", "b");
    assert_non_null(place);
    const struct sparkplug_known *known = sparkplug_host_find(rig->host, place, "p");
    assert_true(known != NULL && known->alias == 8 && known->datatype == SPARKPLUG_INT16);
    assert_null(sparkplug_host_find(rig->host, place, "q"));
    assert_null(sparkplug_host_place(rig->host, "G", "e", "c"));
    assert_int_equal(give(rig, "5", "NDATA/e", 5, ":1=50"), SPARKPLUG_HELD);
    sparkplug_host_forget(rig->host, "G", "e");
    assert_log(rig, "lost:5 -e/b -e ");
    assert_null(sparkplug_host_place(rig->host, "G", "e", NULL));
    struct sparkplug_counts counts;
    sparkplug_host_counts(rig->host, &counts);
    assert_int_equal(counts.nodes + counts.places + counts.known + counts.held, 0);
}

static void what_is_broken_is_refused(void **state)
{
    struct rig *rig = *state;
    struct sparkplug_topic topic;
    assert_true(sparkplug_topic_read("spBv1.0/G/NDATA/e", 17, &topic));
    assert_int_equal(sparkplug_host_take(rig->host, &topic, bytes_of("{\"a\":1}", 7), rig->now_us,
                                         NULL, &rig->err),
                     BUSBAR_EPROTO);
    assert_true(sparkplug_topic_read("spBv1.0/G/NCMD/e", 16, &topic));
    assert_int_equal(
        sparkplug_host_take(rig->host, &topic, bytes_of("", 0), rig->now_us, NULL, &rig->err),
        SPARKPLUG_UNUSED);
    assert_null(sparkplug_host_place(rig->host, "G", "e", NULL));
}

/* Messages of three nodes, shuffled, doubled and lost: whatever comes, each held message is released once, aliases mean what
 * the last birth said, and in the end all is in order again. */
static void random_sequences_do_no_harm(void **state)
{
    static const char *const topics[] = { "NBIRTH/%c", "DBIRTH/%c/b", "DBIRTH/%c/c", "DDEATH/%c/b",
                                          "NDEATH/%c", "NDATA/%c",    "DDATA/%c/b",  "DDATA/%c/c" };
    struct rig *rig = *state;
    struct random random = { .state = 11 };
    int seq[3] = { 0 };
    for (int round = 0; round < 30000; round++) {
        char topic[40];
        uint64_t draw = random_u64(&random);
        unsigned node = (unsigned)(draw % 3);
        size_t kind = (draw >> 8) % 40;
        kind = kind < 5 ? kind : 5 + kind % 3;
        const char *metrics = kind <= 2   ? "bdSeq=1 t:1=1 p:2=2"
                              : kind == 4 ? "bdSeq=1"
                                          : ":1=5 p=6";
        (void)snprintf(topic, sizeof(topic), topics[kind], (int)('d' + node));
        if (kind == 0) {
            seq[node] = 0;
        }
        int skew = (draw >> 16) % 20 == 0 ? (int)((draw >> 24) % 5) - 2 : 0;
        int taken = give(rig, "", topic, kind == 4 ? -1 : (seq[node] + skew) & 0xff, metrics);
        assert_true(taken >= 0);
        if (kind != 4 && (draw >> 32) % 30 != 0) {
            seq[node] = (seq[node] + 1) & 0xff;
        }
        if ((draw >> 40) % 50 == 0) {
            pass(rig, (int64_t)((draw >> 48) % 4) * SECOND);
        }
        if ((draw >> 56) == 7) {
            sparkplug_host_disconnected(rig->host);
            assert_int_equal(rig->held, 0);
        }
        buf_clear(&rig->log);
    }
    struct sparkplug_counts counts;
    sparkplug_host_counts(rig->host, &counts);
    assert_int_equal(counts.held, rig->held);
    assert_true(counts.data > 1000 && counts.gaps > 10 && counts.reordered > 10 &&
                counts.late > 10);
    pass(rig, 3600 * SECOND);
    assert_int_equal(rig->held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(births_data_and_deaths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_death_of_an_earlier_session_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sequences_go_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_are_put_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_come_is_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_gap_is_no_lateness, set_up, tear_down),
        cmocka_unit_test_setup_teardown(so_many_are_held_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(data_before_birth_wants_a_rebirth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_aliases_want_a_rebirth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rebirths_are_asked_for_less_and_less, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rebirths_of_all_are_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(devices_that_are_not_born_again_go_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(held_messages_belong_to_their_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lost_connection_takes_all_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nodes_can_be_wanted_and_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_broken_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(random_sequences_do_no_harm, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
