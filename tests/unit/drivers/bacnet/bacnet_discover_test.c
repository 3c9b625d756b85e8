/* SPDX-License-Identifier: Apache-2.0 */
/* Devices found by listening and by asking: each once, facts politely, bounded, twice the same number said. */
#include "bacnet_rig.h"

#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"

static struct {
    unsigned finds, asked_finds, ends, events;
    int error;
    char message[320], key[64], name[64], vendor[64], address[96], settings[200], trouble[300];
    char has[160], event[320], kind[32];
    int64_t objects;
    size_t facts;
} seen;

static void copy(char *to, size_t size, const char *text)
{
    str_copy(to, size, text != NULL ? text : "");
}

static void on_found(struct rig *rig, struct driver_discovery *asked,
                     const struct driver_find *find)
{
    (void)rig;
    seen.finds++;
    seen.asked_finds += asked != NULL;
    copy(seen.key, sizeof(seen.key), find->key);
    copy(seen.name, sizeof(seen.name), find->name);
    copy(seen.vendor, sizeof(seen.vendor), find->vendor);
    copy(seen.address, sizeof(seen.address), find->address);
    copy(seen.settings, sizeof(seen.settings), find->settings);
    copy(seen.trouble, sizeof(seen.trouble), find->trouble);
    seen.facts = find->fact_count;
    seen.objects = find->objects;
    for (size_t i = 0; i < find->fact_count; i++) {
        if (strcmp(find->facts[i].name, "has") == 0) {
            copy(seen.has, sizeof(seen.has), find->facts[i].text);
        }
    }
}

static void on_discovered(struct rig *rig, int error, const char *message)
{
    (void)rig;
    seen.ends++;
    seen.error = error;
    copy(seen.message, sizeof(seen.message), message);
}

static void on_event(struct rig *rig, const struct event *event)
{
    (void)rig;
    seen.events++;
    copy(seen.event, sizeof(seen.event), event->text);
    copy(seen.kind, sizeof(seen.kind), event->kind);
}

static void begin(struct rig *rig)
{
    memset(&seen, 0, sizeof(seen));
    rig_init(rig, NULL, 1);
    rig->found = on_found;
    rig->discovered = on_discovered;
    rig->happened = on_event;
}

/* The rig starts and stops its device. */
static void end(struct rig *rig)
{
    rig_start(rig);
    rig_fini(rig);
}

static void say_i_am(struct rig *rig, struct bacnet_node *node, uint32_t instance)
{
    uint8_t data[BACNET_I_AM_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_i_am i_am = {
        .instance = instance, .max_apdu = 480, .segmentation = BACNET_SEGMENTED_NONE, .vendor = 99
    };
    bacnet_put_i_am(&out, &i_am);
    assert_int_equal(bacnet_tell(node, NULL, &bacnet_peer_facts(rig->back)->address, BACNET_I_AM,
                                 data, bytes_out_size(&out)),
                     0);
}

static void heard_without_asking(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    say_i_am(&rig, rig.node, RIG_DEVICE);
    rig_settle(&rig);
    assert_true(seen.finds >= 1 && seen.asked_finds == 0);
    assert_string_equal(seen.key, "2001");
    assert_non_null(strstr(seen.settings, "{ device: 2001, network: lab, address: "));
    /* its device object is asked, and tells who it is */
    rig_pass(&rig, 1500);
    assert_string_equal(seen.name, "Rig");
    assert_string_equal(seen.vendor, "Acme");
    assert_true(seen.facts >= 3);
    unsigned before = seen.finds;
    unsigned asked = rig_reads(&rig);
    for (int i = 0; i < 50; i++) {
        say_i_am(&rig, rig.node, RIG_DEVICE);
        rig_settle(&rig);
    }
    rig_pass(&rig, 5000);
    assert_int_equal(seen.finds, before); /* nothing new */
    assert_int_equal(rig_reads(&rig), asked);
    end(&rig);
}

static void facts_are_asked_politely(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    for (uint32_t i = 0; i < 20; i++) {
        say_i_am(&rig, rig.node, 3000 + i);
    }
    rig_settle(&rig);
    unsigned at_once = rig_reads(&rig);
    rig_pass(&rig, 3000);
    unsigned later = rig_reads(&rig);
    assert_true(at_once <= 2);             /* one device at a time */
    assert_true(later <= at_once + 3 * 2); /* and one a second */
    assert_true(later > at_once);
    end(&rig);
}

static void a_storm_costs_bounded_memory(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    rig.silent = true;
    for (uint32_t i = 0; i < DRIVER_FINDS_MAX + 500; i++) {
        say_i_am(&rig, rig.node, 10000 + i);
        if (i % 50 == 49) {
            rig_settle(&rig);
        }
    }
    rig_settle(&rig);
    assert_true(seen.finds <= DRIVER_FINDS_MAX + 1);
    assert_true(seen.finds > DRIVER_FINDS_MAX / 2);
    rig.silent = false;
    end(&rig);
}

/* Another node, which may say that it is the rig's device. */
static struct bacnet_node *open_second(struct rig *rig, char where[32])
{
    struct bacnet_node *second;
    struct bacnet_node_config config = { 0 };
    struct err err = { 0 };
    str_format(where, 32, "127.250.%u.%u", (unsigned)getpid() >> 8 & 127, (unsigned)getpid() & 127);
    assert_int_equal(endpoint_parse(where, BACNET_PORT, &config.local), 0);
    assert_int_equal(bacnet_node_open(rig->driver.loop, &config, &rig_events, rig, &second, &err),
                     0);
    rig->others = true;
    return second;
}

static void the_same_number_twice_is_said_once(void **state)
{
    struct rig rig;
    char where[32];
    (void)state;
    begin(&rig);
    struct bacnet_node *second = open_second(&rig, where);
    say_i_am(&rig, rig.node, RIG_DEVICE);
    rig_settle(&rig);
    rig_pass(&rig, 1500);
    for (int i = 0; i < 5; i++) {
        say_i_am(&rig, second, RIG_DEVICE);
        rig_settle(&rig);
        say_i_am(&rig, rig.node, RIG_DEVICE);
        rig_settle(&rig);
    }
    assert_int_equal(seen.events, 1);
    assert_string_equal(seen.kind, "duplicate device");
    assert_non_null(strstr(seen.event, "2001"));
    assert_non_null(strstr(seen.event, where));
    assert_non_null(strstr(seen.event, rig.other));
    assert_non_null(strstr(seen.trouble, "answers at two addresses"));
    bacnet_node_close(second);
    loop_advance_for_test(rig.driver.loop, CLOCK_US_PER_MS);
    end(&rig);
}

/* A device that we ask is followed to another address when it does not answer at the old one any more. */
static void a_device_that_moved_is_said(void **state)
{
    struct rig rig;
    char where[32];
    (void)state;
    begin(&rig);
    struct bacnet_node *second = open_second(&rig, where);
    bacnet_device_of(&rig.dev)->config.address = (struct endpoint){ 0 }; /* found, not told */
    rig_start(&rig);
    say_i_am(&rig, rig.node, RIG_DEVICE);
    rig_settle(&rig);
    rig_pass(&rig, 1500);
    rig.silent = true;
    rig_pass(&rig, 31000);
    unsigned before = seen.events;
    say_i_am(&rig, second, RIG_DEVICE);
    rig_settle(&rig);
    assert_int_equal(seen.events, before); /* anybody can say that */
    rig_pass(&rig, 1600);
    say_i_am(&rig, second, RIG_DEVICE);
    rig_settle(&rig);
    assert_int_equal(seen.events, before + 1);
    assert_string_equal(seen.kind, "device moved");
    assert_non_null(strstr(seen.event, "device number 2001 does not answer at "));
    assert_non_null(strstr(seen.event, rig.other));
    assert_non_null(strstr(seen.event, where));
    bacnet_node_close(second);
    loop_advance_for_test(rig.driver.loop, CLOCK_US_PER_MS);
    rig_fini(&rig);
}

/* ---- on request ---- */

static void answer_who_is(struct rig *rig, const struct bacnet_notice *notice)
{
    struct bacnet_who_is who;
    struct bytes in = notice->data;
    if (notice->service == BACNET_WHO_IS && bacnet_get_who_is(&in, &who) == 0 &&
        bacnet_who_is_asks(&who, RIG_DEVICE)) {
        say_i_am(rig, rig->node, RIG_DEVICE);
    }
}

static void answer_who_has(struct rig *rig, const struct bacnet_notice *notice)
{
    struct bacnet_who_has who;
    struct bytes in = notice->data;
    uint8_t data[BACNET_I_HAVE_MAX + 32];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    if (notice->service != BACNET_WHO_HAS || bacnet_get_who_has(&in, &who) != 0) {
        return;
    }
    struct bacnet_i_have i_have = { .instance = RIG_DEVICE,
                                    .object = { BACNET_ANALOG_INPUT, 3 },
                                    .name = who.name };
    assert_true(who.by_name);
    bacnet_put_i_have(&out, &i_have);
    (void)bacnet_tell(rig->node, NULL, notice->from, BACNET_I_HAVE, data, bytes_out_size(&out));
}

static struct driver_discovery *asked(struct rig *rig, const char *const *options)
{
    struct driver_discovery *discovery = (struct driver_discovery *)(void *)&rig->options;
    rig->options = options;
    bacnet_driver()->discover(&rig->driver, discovery);
    rig_settle(rig);
    return discovery;
}

static void asked_one_address_after_another(void **state)
{
    struct rig rig;
    char range[40];
    (void)state;
    begin(&rig);
    rig.heard = answer_who_is;
    rig.others = true; /* its neighbour is not there */
    str_format(range, sizeof(range), "%s/31", rig.other);
    (void)asked(&rig, (const char *const[]){ "range", range, "scan", "true", "wait", "1s", NULL });
    assert_int_equal(seen.ends, 0);
    rig_pass(&rig, 1500);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.error, 0);
    assert_string_equal(seen.message, "");
    assert_true(seen.asked_finds >= 2); /* that it is there, then what it is */
    assert_string_equal(seen.name, "Rig");
    assert_non_null(strstr(seen.address, rig.other));
    end(&rig);
}

static void numbers_that_are_not_looked_for(void **state)
{
    struct rig rig;
    char range[40];
    (void)state;
    begin(&rig);
    rig.heard = answer_who_is;
    str_format(range, sizeof(range), "%s/32", rig.other);
    (void)asked(&rig, (const char *const[]){ "range", range, "scan", "true", "wait", "1s", "low",
                                             "1", "high", "2000", NULL });
    say_i_am(&rig, rig.node, RIG_DEVICE); /* unasked */
    rig_settle(&rig);
    rig_pass(&rig, 2500);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.asked_finds, 0);
    assert_non_null(strstr(seen.message, "nothing answered Who-Is"));
    end(&rig);
}

static void who_has_an_object(void **state)
{
    struct rig rig;
    char range[40];
    (void)state;
    begin(&rig);
    rig.heard = answer_who_has;
    str_format(range, sizeof(range), "%s/32", rig.other);
    (void)asked(&rig, (const char *const[]){ "range", range, "scan", "", "wait", "1s", "name",
                                             "OATemp", NULL });
    rig_pass(&rig, 2500);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.error, 0);
    assert_string_equal(seen.has, "analog-input:3 OATemp");
    assert_string_equal(seen.name, "Rig");
    end(&rig);
}

static void a_device_that_says_no_more_is_shown_as_such(void **state)
{
    struct rig rig;
    char range[40];
    (void)state;
    begin(&rig);
    rig.heard = answer_who_is;
    rig.silent = true;
    str_format(range, sizeof(range), "%s/32", rig.other);
    (void)asked(&rig, (const char *const[]){ "range", range, "scan", "true", "wait", "1s", NULL });
    rig_pass(&rig, 40000);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.error, 0);
    assert_non_null(strstr(seen.trouble, "does not answer"));
    rig.silent = false;
    end(&rig);
}

static void what_cannot_be_asked_is_said(void **state)
{
    static const struct {
        const char *name, *value, *words;
        int error;
    } wrong[] = {
        { "range", "attic", "'attic' is no subnet", BUSBAR_EINVAL },
        { "range", "network 65535", "1 to 65534", BUSBAR_EINVAL },
        { "low", "5000000", "no device number", BUSBAR_EINVAL },
        { "wait", "2h", "no time up to 60s", BUSBAR_EINVAL },
        { "scan", "maybe", "neither true nor false", BUSBAR_EINVAL },
        { "object", "analog-inptu:1", "analog-inptu", BUSBAR_EINVAL },
    };
    struct rig rig;
    (void)state;
    begin(&rig);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)asked(&rig, (const char *const[]){ wrong[i].name, wrong[i].value, NULL });
        rig_pass(&rig, 200);
        assert_int_equal(seen.ends, i + 1);
        assert_int_equal(seen.error, wrong[i].error);
        assert_non_null(strstr(seen.message, wrong[i].words));
    }
    (void)asked(&rig, (const char *const[]){ "range", "10.0.0.0/8", "scan", "true", NULL });
    rig_pass(&rig, 200);
    assert_int_equal(seen.error, BUSBAR_ELIMIT);
    assert_non_null(strstr(seen.message, "65536"));
    end(&rig);
}

static void stopped_in_the_middle(void **state)
{
    struct rig rig;
    char range[40];
    (void)state;
    begin(&rig);
    rig.heard = answer_who_is;
    str_format(range, sizeof(range), "%s/32", rig.other);
    struct driver_discovery *discovery = asked(
        &rig, (const char *const[]){ "range", range, "scan", "true", NULL });
    rig_pass(&rig, 100);
    bacnet_driver()->discover_stop(&rig.driver, discovery);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.error, BUSBAR_ECANCELED);
    /* and one that runs when the driver closes ends too */
    (void)asked(&rig, (const char *const[]){ "range", range, "scan", "true", NULL });
    end(&rig);
    assert_int_equal(seen.ends, 2);
    assert_int_equal(seen.error, BUSBAR_ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heard_without_asking),
        cmocka_unit_test(facts_are_asked_politely),
        cmocka_unit_test(a_storm_costs_bounded_memory),
        cmocka_unit_test(the_same_number_twice_is_said_once),
        cmocka_unit_test(a_device_that_moved_is_said),
        cmocka_unit_test(asked_one_address_after_another),
        cmocka_unit_test(numbers_that_are_not_looked_for),
        cmocka_unit_test(who_has_an_object),
        cmocka_unit_test(a_device_that_says_no_more_is_shown_as_such),
        cmocka_unit_test(what_cannot_be_asked_is_said),
        cmocka_unit_test(stopped_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
