/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of properties within what a node bears: each told once, whatever it refuses or leaves out. */
#include "bacnet_rig.h"

#include "drivers/bacnet/bacnet_fetch.h"

enum { ITEMS = 200 };

static struct {
    unsigned got[ITEMS], refused, done;
    uint16_t detail;
    bool silent;
    enum bacnet_outcome outcome;
} seen;

static void on_got(struct bacnet_fetch *fetch, const struct bacnet_fetched *fetched)
{
    (void)fetch;
    assert_true(fetched->item < ITEMS);
    seen.got[fetched->item]++;
    if (fetched->refused != 0) {
        seen.refused++;
        seen.detail = fetched->refused;
        return;
    }
    struct bytes value = fetched->value;
    float real = bacnet_get_real(&value, BACNET_APPLICATION);
    assert_false(bytes_short(&value));
    assert_true(real == (float)(fetched->item % ITEMS) + 0.5F);
}

static void on_done(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    assert_false(bacnet_fetch_running(fetch));
    seen.done++;
    seen.silent = answer != NULL;
    if (answer != NULL) {
        seen.outcome = answer->outcome;
    }
}

static const struct bacnet_fetch_ops ops = { .got = on_got, .done = on_done };

struct bench {
    struct rig rig;
    struct bacnet_fetch fetch;
    struct bacnet_fetch_item items[ITEMS];
};

static void begin(struct bench *bench)
{
    rig_init(&bench->rig, (const char *const[]){ "force_polling", "true", NULL }, 1);
    for (uint32_t i = 0; i < ITEMS; i++) {
        bench->rig.objects[i].value = (float)i + 0.5F;
        bench->items[i] = (struct bacnet_fetch_item){
            .object = { .type = BACNET_ANALOG_VALUE, .instance = i },
            .property = BACNET_PROP_PRESENT_VALUE,
            .index = BACNET_INDEX_ALL,
        };
    }
    rig_start(&bench->rig);
    memset(bench->rig.asked, 0, sizeof(bench->rig.asked));
    bacnet_fetch_init(&bench->fetch, &ops, NULL, bacnet_device_peer(&bench->rig.dev));
}

static void run(struct bench *bench, size_t count)
{
    memset(&seen, 0, sizeof(seen));
    bacnet_fetch_start(&bench->fetch, bench->items, count);
    assert_int_equal(seen.done, 0);
    for (int i = 0; seen.done == 0 && i < 600; i++) {
        rig_pass(&bench->rig, 100);
    }
    assert_int_equal(seen.done, 1);
}

static void assert_each_once(size_t count)
{
    assert_false(seen.silent);
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(seen.got[i], i < count);
    }
}

static void many_at_a_time(void **state)
{
    static struct bench bench;
    (void)state;
    begin(&bench);
    run(&bench, ITEMS);
    assert_each_once(ITEMS);
    assert_int_equal(seen.refused, 0);
    assert_int_equal(rig_reads(&bench.rig),
                     (ITEMS + BACNET_FETCH_AT_ONCE - 1) / BACNET_FETCH_AT_ONCE);
    run(&bench, 1); /* one goes by ReadProperty */
    assert_int_equal(bench.rig.asked[BACNET_READ_PROPERTY], 1);
    rig_fini(&bench.rig);
}

static void fewer_when_it_must_be(void **state)
{
    static struct bench bench;
    (void)state;
    begin(&bench);
    bench.rig.answer_most = 120;
    run(&bench, ITEMS);
    assert_each_once(ITEMS);
    assert_int_equal(seen.refused, 0);
    unsigned first = rig_reads(&bench.rig);
    run(&bench, ITEMS); /* what was too much is known */
    assert_each_once(ITEMS);
    assert_true(rig_reads(&bench.rig) - first <= first);
    bench.rig.answer_most = 0;
    bench.rig.properties_most = 5;
    run(&bench, ITEMS);
    assert_each_once(ITEMS);
    assert_int_equal(seen.refused, 0);
    bench.rig.no_multiple = true;
    run(&bench, ITEMS);
    assert_each_once(ITEMS);
    assert_true(bench.fetch.no_multiple);
    rig_fini(&bench.rig);
}

static void refusals_are_of_their_property(void **state)
{
    static struct bench bench;
    (void)state;
    begin(&bench);
    bench.rig.objects[17].refused = BACNET_ERROR_READ_ACCESS_DENIED;
    run(&bench, ITEMS);
    assert_each_once(ITEMS);
    assert_int_equal(seen.refused, 1);
    assert_int_equal(seen.detail, BACNET_DETAIL_ERROR + BACNET_ERROR_READ_ACCESS_DENIED);
    /* a whole request that fails for another reason is asked for again in parts */
    bench.rig.busy = 1;
    run(&bench, ITEMS);
    assert_each_once(ITEMS);
    assert_int_equal(seen.refused, 1);
    /* "all" is not known to this device */
    bench.items[0].property = BACNET_PROP_ALL;
    run(&bench, 1);
    assert_each_once(1);
    assert_int_equal(seen.refused, 1);
    rig_fini(&bench.rig);
}

/* Answers a ReadPropertyMultiple with nothing, or with an object that nobody asked for. */
static bool answer_nothing(struct rig *rig, struct bacnet_request *request)
{
    static const uint8_t other[] = { 0x0c, 0x00, 0x00, 0x00, 0x63, 0x1e, 0x29,
                                     0x55, 0x4e, 0x21, 0x01, 0x4f, 0x1f };
    if (request->service != BACNET_READ_PROPERTY_MULTIPLE) {
        return false;
    }
    bacnet_reply_data(request, other, rig->busy == 0 ? sizeof(other) : 0);
    return true;
}

static void what_is_left_out_is_told(void **state)
{
    static struct bench bench;
    (void)state;
    begin(&bench);
    bench.rig.service = answer_nothing;
    run(&bench, 50);
    assert_each_once(50);
    assert_int_equal(seen.refused, 50);
    assert_int_equal(seen.detail, BACNET_DETAIL_MISSING);
    rig_fini(&bench.rig);
}

static void silence_ends_it(void **state)
{
    static struct bench bench;
    (void)state;
    begin(&bench);
    bench.rig.silent = true;
    run(&bench, ITEMS);
    assert_true(seen.silent);
    assert_int_equal(seen.outcome, BACNET_SILENT);
    bench.rig.silent = false;
    run(&bench, ITEMS); /* and it is as good as new */
    assert_each_once(ITEMS);
    memset(&seen, 0, sizeof(seen));
    bacnet_fetch_start(&bench.fetch, bench.items, ITEMS);
    bacnet_fetch_stop(&bench.fetch);
    assert_false(bacnet_fetch_running(&bench.fetch));
    rig_pass(&bench.rig, 1000);
    assert_int_equal(seen.done, 0);
    rig_fini(&bench.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_at_a_time),
        cmocka_unit_test(fewer_when_it_must_be),
        cmocka_unit_test(refusals_are_of_their_property),
        cmocka_unit_test(what_is_left_out_is_told),
        cmocka_unit_test(silence_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
