/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated BACnet devices as a client on the network sees them: a node of our own asks, over loopback,
 * in one process and on one loop. Real time. */
#include "sim/sim_bacnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/bacnet/service/acknowledge_alarm.h"
#include "drivers/bacnet/service/cov_notification.h"
#include "drivers/bacnet/service/event_information.h"
#include "drivers/bacnet/service/event_notification.h"
#include "drivers/bacnet/service/log_record.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/service/read_range.h"
#include "drivers/bacnet/service/subscribe_cov.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/service/write_property.h"
#include "drivers/bacnet/wire/text.h"

enum { DEVICES_MAX = 16, WAIT_MS = 5000, DATA_MAX = 16 * 1024, HEARD_MAX = 16 };

struct bench {
    struct loop *loop;
    struct sim *sim;
    struct registry *registry;
    struct device *devices[DEVICES_MAX];
    size_t count;
    int port;
    struct bacnet_node *node; /* ours */
    struct bacnet_peer *peer;
    struct config_protocol protocol;
    /* the last answer */
    bool answered;
    struct bacnet_answer answer;
    uint8_t data[DATA_MAX];
    struct bytes body;
    /* what came by itself */
    uint32_t heard[HEARD_MAX]; /* instances of I-Am */
    size_t heard_count;
    unsigned notices, events, haves;
    uint8_t notice[1024];
    size_t notice_size;
    uint8_t event[1024];
    size_t event_size;
};

/* ---- set-up ---- */

static const char site[] =
    "drivers: { bacnet: { networks: { test: { interface: lo, address: 127.0.77.1/8, port: $p } } } "
    "}\n"
    "devices:\n"
    "  ahu:\n"
    "    bacnet: { device: 2001, address: \"127.0.77.2:$p\", network: test }\n"
    "    points:\n"
    "      sat: { object: \"AI:1\", units: degC }\n"
    "      co2: { object: \"AI:2\", units: ppm }\n"
    "      sp: { object: \"AV:1\", units: degC, write: { min: 16, max: 26 } }\n"
    "      valve: { object: \"AO:1\", units: \"%\", write: { min: 0, max: 100 } }\n"
    "      fan: { object: \"BO:1\", enum: [stopped, running], write: true }\n"
    "      filter-alarm: { object: \"BI:1\", enum: [normal, alarm] }\n"
    "      mode: { object: \"MSV:1\", enum: { 1: off, 2: heat, 3: cool }, write: true }\n"
    "      name: { object: \"characterstring-value:1\", write: true }\n"
    "  found:\n"
    "    bacnet: { device: 2002, network: test }\n"
    "    points: { t: { object: \"AI:1\", units: degC } }\n"
    "  routed:\n"
    "    bacnet: { device: 2003, address: \"127.0.77.4:$p\", remote_network: 7, remote_mac: "
    "\"12\", network: test }\n"
    "    points: { t: { object: \"AI:1\", units: degC } }\n";

static void load(struct bench *bench)
{
    struct buf text;
    struct problems problems;
    struct config *config = NULL;
    bench->protocol = (struct config_protocol){
        .name = "bacnet",
        .device_options = bacnet_device_options,
        .point_options = bacnet_point_options,
        .address_bytes = sizeof(struct bacnet_target),
        .setup_options = bacnet_setup_options,
        .parts_key = "networks",
        .part_options = bacnet_network_options,
        .check_setup = bacnet_config_check_setup,
        .check = bacnet_config_check,
        .resolve = (int (*)(const struct settings *, const struct settings *, void *,
                            struct point_facts *, struct err *))bacnet_target_resolve,
    };
    struct config_env env = { .protocols = &bench->protocol, .protocol_count = 1 };
    buf_init(&text, 1 << 16);
    for (const char *at = site; *at != '\0'; at++) {
        if (at[0] == '$' && at[1] == 'p') {
            buf_printf(&text, "%d", bench->port);
            at++;
        } else {
            buf_append_byte(&text, (uint8_t)*at);
        }
    }
    struct config_text source = { "site.yaml", buf_text(&text), text.size };
    problems_init(&problems);
    if (config_load_texts(&source, 1, &env, &config, &problems) != 0) {
        buf_clear(&text);
        problems_print(&problems, &text);
        fail_msg("%s", buf_text(&text));
    }
    sim_use_config(bench->sim, config);
    for (size_t i = 0; i < config->device_count; i++) {
        struct err err = { 0 };
        struct device **dev = &bench->devices[bench->count++];
        assert_int_equal(
            config_make_device(config, &config->devices[i], bench->registry, dev, &err), 0);
        int error = sim_add(bench->sim, *dev, &err);
        assert_string_equal(err.message, "");
        assert_int_equal(error, 0);
    }
    sim_use_config(bench->sim, NULL);
    config_free(config);
    problems_fini(&problems);
    buf_fini(&text);
}

static void told(void *ctx, const struct bacnet_notice *notice)
{
    struct bench *bench = ctx;
    struct bytes in = notice->data;
    struct bacnet_i_am i_am;
    if (notice->service == BACNET_I_AM && bacnet_get_i_am(&in, &i_am) == 0 &&
        bench->heard_count < HEARD_MAX) {
        bench->heard[bench->heard_count++] = i_am.instance;
    } else if (notice->service == BACNET_UNCONFIRMED_COV) {
        bench->notice_size = bytes_left(&in);
        memcpy(bench->notice, in.at, bench->notice_size);
        bench->notices++;
    } else if (notice->service == BACNET_I_HAVE) {
        bench->haves++;
    }
}

static void asked(void *ctx, struct bacnet_request *request)
{
    struct bench *bench = ctx;
    if (request->service == BACNET_CONFIRMED_EVENT) {
        bench->event_size = bytes_left(&request->data);
        memcpy(bench->event, request->data.at, bench->event_size);
        bench->events++;
    } else {
        assert_int_equal(request->service, BACNET_CONFIRMED_COV);
        bench->notice_size = bytes_left(&request->data);
        memcpy(bench->notice, request->data.at, bench->notice_size);
        bench->notices++;
    }
    bacnet_reply_ack(request);
}

static struct endpoint at(const char *ip, int port)
{
    struct endpoint endpoint;
    assert_int_equal(endpoint_parse(ip, (uint16_t)port, &endpoint), 0);
    return endpoint;
}

static struct bacnet_peer *peer_at(struct bench *bench, const char *ip)
{
    struct bacnet_peer_config config = {
        .instance = BACNET_INSTANCE_MAX,
        .address = { .ip = at(ip, bench->port) },
    };
    return bacnet_peer_get(bench->node, &config);
}

static int set_up(void **state)
{
    static const struct bacnet_node_events events = { .told = told, .asked = asked };
    struct bench *bench = busbar_alloc(sizeof(*bench));
    struct err err = { 0 };
    busbar_log_level(LOG_LEVEL_ERROR);
    bench->port = 20000 + (int)(hash_entropy() % 12000);
    bench->loop = loop_new();
    bench->sim = sim_new(bench->loop, 1);
    bench->registry = registry_new();
    load(bench);
    struct bacnet_node_config config = {
        .local = at("127.0.77.1", bench->port),
        .broadcast = at("127.255.255.255", bench->port),
    };
    int error = bacnet_node_open(bench->loop, &config, &events, bench, &bench->node, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(error, 0);
    bench->peer = peer_at(bench, "127.0.77.2");
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    bacnet_peer_release(bench->peer);
    bacnet_node_close(bench->node);
    sim_free(bench->sim);
    loop_free(bench->loop);
    for (size_t i = 0; i < bench->count; i++) {
        device_free(bench->devices[i]);
    }
    registry_free(bench->registry);
    busbar_free(bench);
    return 0;
}

/* ---- asking ---- */

static void waited(struct timer *timer, void *ctx)
{
    (void)timer;
    *(bool *)ctx = true;
}

static void turn_until(struct bench *bench, bool (*done)(struct bench *), const char *what)
{
    bool late = false;
    struct timer timer;
    timer_init(&timer, bench->loop, waited, &late);
    timer_start(&timer, WAIT_MS, 0);
    while (!done(bench) && !late) {
        loop_turn(bench->loop, true);
    }
    timer_stop(&timer);
    if (!done(bench)) {
        fail_msg("waited for: %s", what);
    }
}

static void turn_for(struct bench *bench, int64_t ms)
{
    bool late = false;
    struct timer timer;
    timer_init(&timer, bench->loop, waited, &late);
    timer_start(&timer, ms, 0);
    while (!late) {
        loop_turn(bench->loop, true);
    }
}

static bool is_answered(struct bench *bench)
{
    return bench->answered;
}

static void keep_answer(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct bench *bench = ask->user;
    bench->answer = *answer;
    size_t size = bytes_left(&answer->data);
    assert_true(size <= DATA_MAX);
    if (size > 0) {
        memcpy(bench->data, answer->data.at, size);
    }
    bench->body = bytes_of(bench->data, size);
    bench->answered = true;
}

static void ask(struct bench *bench, struct bacnet_peer *peer, uint8_t service,
                const struct bytes_out *data)
{
    struct bacnet_ask request = {
        .service = service,
        .data = data->start,
        .size = bytes_out_size(data),
        .timeout_us = 500000,
        .answered = keep_answer,
        .user = bench,
    };
    bench->answered = false;
    bacnet_ask(peer, &request);
    turn_until(bench, is_answered, "an answer");
}

static struct bacnet_object object(uint16_t type, uint32_t instance)
{
    return (struct bacnet_object){ .type = type, .instance = instance };
}

/* The value's elements, or NULL bytes with the answer in bench->answer. */
static struct bytes read_from(struct bench *bench, struct bacnet_peer *peer,
                              struct bacnet_object id, uint32_t property, uint32_t index)
{
    uint8_t bytes[64];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_read_property read = { .object = id, .property = property, .index = index };
    struct bytes value = { 0 };
    bacnet_put_read_property(&out, &read);
    ask(bench, peer, BACNET_READ_PROPERTY, &out);
    if (bench->answer.outcome == BACNET_ACKED) {
        assert_int_equal(bacnet_get_read_property_ack(&bench->body, &read, &value), 0);
    }
    return value;
}

static struct bytes read_value(struct bench *bench, struct bacnet_object id, uint32_t property)
{
    return read_from(bench, bench->peer, id, property, BACNET_INDEX_ALL);
}

static void assert_text(struct bench *bench, struct bacnet_object id, uint32_t property,
                        const char *expected)
{
    struct buf text;
    struct bytes value = read_value(bench, id, property);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    buf_init(&text, 4096);
    bacnet_print_elements(value, bacnet_property_list(id.type, property), 4000, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_fini(&text);
}

static float read_real(struct bench *bench, struct bacnet_object id, uint32_t property)
{
    struct bytes value = read_value(bench, id, property);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    return bacnet_get_real(&value, BACNET_APPLICATION);
}

static void assert_refused(const struct bench *bench, uint16_t error_class, uint16_t code)
{
    assert_int_equal(bench->answer.outcome, BACNET_ERRORED);
    assert_int_equal(bench->answer.error_class, error_class);
    assert_int_equal(bench->answer.error_code, code);
}

static void write_value(struct bench *bench, struct bacnet_object id, uint32_t property,
                        const struct bacnet_value *what, uint8_t priority)
{
    uint8_t bytes[512], inside[300];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bytes_out to = bytes_out_of(inside, sizeof(inside));
    bacnet_put_value(&to, BACNET_APPLICATION, what);
    struct bacnet_property_value value = {
        .property = property,
        .index = BACNET_INDEX_ALL,
        .value = bytes_of(inside, bytes_out_size(&to)),
        .priority = priority,
    };
    bacnet_put_write_property(&out, id, &value);
    ask(bench, bench->peer, BACNET_WRITE_PROPERTY, &out);
}

static struct bacnet_value real(float number)
{
    return (struct bacnet_value){ .type = BACNET_REAL, .as = { .real = number } };
}

static void control(struct bench *bench, const char *line)
{
    struct buf out;
    buf_init(&out, 4096);
    sim_command(bench->sim, line, &out);
    assert_string_equal(buf_text(&out), "ok\n");
    buf_fini(&out);
}

#define AI1 object(BACNET_ANALOG_INPUT, 1)
#define AV1 object(BACNET_ANALOG_VALUE, 1)
#define AO1 object(BACNET_ANALOG_OUTPUT, 1)

/* ---- tests ---- */

static void properties_are_those_of_a_real_device(void **state)
{
    struct bench *bench = *state;
    struct bacnet_object mode = object(BACNET_MULTI_STATE_VALUE, 1);
    struct bacnet_object fan = object(BACNET_BINARY_OUTPUT, 1);
    struct bacnet_object device = object(BACNET_DEVICE, 2001);
    assert_text(bench, AI1, BACNET_PROP_OBJECT_NAME, "sat");
    assert_text(bench, AI1, BACNET_PROP_UNITS, "degrees-celsius");
    assert_text(bench, AI1, BACNET_PROP_OBJECT_TYPE, "analog-input");
    float sat = read_real(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_true(sat > 15.0f && sat < 27.0f);
    assert_true(read_real(bench, AI1, BACNET_PROP_HIGH_LIMIT) >
                read_real(bench, AI1, BACNET_PROP_LOW_LIMIT));
    assert_text(bench, mode, BACNET_PROP_STATE_TEXT, "[off, heat, cool]");
    assert_text(bench, mode, BACNET_PROP_NUMBER_OF_STATES, "3");
    assert_text(bench, fan, BACNET_PROP_ACTIVE_TEXT, "running");
    assert_text(bench, AV1, BACNET_PROP_MIN_PRES_VALUE, "16");
    assert_text(bench, device, BACNET_PROP_OBJECT_NAME, "ahu");
    assert_text(bench, device, BACNET_PROP_SYSTEM_STATUS, "operational");
    assert_text(bench, object(BACNET_DEVICE, BACNET_INSTANCE_MAX), BACNET_PROP_OBJECT_IDENTIFIER,
                "device:2001");
}

static void what_is_not_there_is_refused(void **state)
{
    struct bench *bench = *state;
    (void)read_value(bench, object(BACNET_ANALOG_INPUT, 9), BACNET_PROP_PRESENT_VALUE);
    assert_refused(bench, BACNET_CLASS_OBJECT, BACNET_ERROR_UNKNOWN_OBJECT);
    (void)read_value(bench, AI1, BACNET_PROP_PRIORITY_ARRAY);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_UNKNOWN_PROPERTY);
    (void)read_from(bench, bench->peer, AI1, BACNET_PROP_UNITS, 1);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_PROPERTY_IS_NOT_AN_ARRAY);
    (void)read_from(bench, bench->peer, AV1, BACNET_PROP_PRIORITY_ARRAY, 17);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_INVALID_ARRAY_INDEX);
    struct bytes_out empty = bytes_out_of(bench->data, 0);
    ask(bench, bench->peer, BACNET_READ_PROPERTY, &empty);
    assert_int_equal(bench->answer.outcome, BACNET_REJECTED);
    ask(bench, bench->peer, BACNET_ATOMIC_READ_FILE, &empty);
    assert_int_equal(bench->answer.outcome, BACNET_REJECTED);
    assert_int_equal(bench->answer.code, BACNET_REJECT_UNRECOGNIZED_SERVICE);
}

static void object_list_begins_with_the_device(void **state)
{
    struct bench *bench = *state;
    struct bacnet_object device = object(BACNET_DEVICE, 2001);
    struct bytes value = read_from(bench, bench->peer, device, BACNET_PROP_OBJECT_LIST, 0);
    uint64_t count = bacnet_get_unsigned(&value, BACNET_APPLICATION, 100);
    assert_int_equal(count, 8 + 1 + 1 + 3); /* points; device; class; two logs and one of both */
    value = read_from(bench, bench->peer, device, BACNET_PROP_OBJECT_LIST, 1);
    assert_int_equal(bacnet_get_object(&value, BACNET_APPLICATION).type, BACNET_DEVICE);
    value = read_value(bench, device, BACNET_PROP_OBJECT_LIST);
    uint32_t seen = 0;
    for (; bytes_left(&value) > 0; seen++) {
        struct bacnet_object id = bacnet_get_object(&value, BACNET_APPLICATION);
        assert_false(bytes_short(&value));
        assert_true(seen > 0 || id.type == BACNET_DEVICE);
    }
    assert_int_equal(seen, count);
}

static void ask_all(struct bench *bench, struct bacnet_object id, uint32_t which)
{
    uint8_t bytes[64];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_property_reference reference = { .property = which, .index = BACNET_INDEX_ALL };
    bacnet_put_read_begin(&out, id);
    bacnet_put_property_reference(&out, &reference);
    bacnet_put_read_end(&out);
    ask(bench, bench->peer, BACNET_READ_PROPERTY_MULTIPLE, &out);
}

static uint32_t count_results(struct bench *bench, bool *has_units)
{
    struct bacnet_object id;
    struct bacnet_read_result result;
    struct bytes results;
    uint32_t count = 0;
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_int_equal(bacnet_get_read_object(&bench->body, &id, &results), 0);
    for (; bytes_left(&results) > 0; count++) {
        assert_int_equal(bacnet_get_read_result(&results, &result), 0);
        assert_false(result.refused);
        assert_int_not_equal(result.property, BACNET_PROP_PROPERTY_LIST);
        *has_units = *has_units || result.property == BACNET_PROP_UNITS;
    }
    return count;
}

static void all_is_required_and_optional(void **state)
{
    struct bench *bench = *state;
    bool units = false;
    ask_all(bench, AI1, BACNET_PROP_ALL);
    uint32_t all = count_results(bench, &units);
    assert_true(units);
    struct bytes list = read_value(bench, AI1, BACNET_PROP_PROPERTY_LIST);
    assert_int_equal(bacnet_count_elements(list, 100) + 3, all); /* identifier, name, type */
    ask_all(bench, AI1, BACNET_PROP_REQUIRED);
    uint32_t required = count_results(bench, &units);
    units = false;
    ask_all(bench, AI1, BACNET_PROP_OPTIONAL);
    assert_int_equal(count_results(bench, &units), all - required);
    assert_false(units);
}

static void the_highest_priority_counts(void **state)
{
    struct bench *bench = *state;
    struct bacnet_value low = real(18.0f), high = real(25.0f), much = real(27.0f);
    struct bacnet_value null = { .type = BACNET_NULL };
    float before = read_real(bench, AV1, BACNET_PROP_PRESENT_VALUE);
    assert_float_equal(before, 21.0f, 0.001f);
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &low, 16);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &high, 8);
    assert_float_equal(read_real(bench, AV1, BACNET_PROP_PRESENT_VALUE), 25.0f, 0.001f);
    assert_text(bench, AV1, BACNET_PROP_PRIORITY_ARRAY,
                "[null, null, null, null, null, null, null, 25, null, null, null, null, null, "
                "null, null, 18]");
    assert_text(bench, AV1, BACNET_PROP_CURRENT_COMMAND_PRIORITY, "8");
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &null, 8);
    assert_float_equal(read_real(bench, AV1, BACNET_PROP_PRESENT_VALUE), 18.0f, 0.001f);
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &null, 0); /* as 16 */
    assert_float_equal(read_real(bench, AV1, BACNET_PROP_PRESENT_VALUE), 21.0f, 0.001f);
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &much, 8);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_VALUE_OUT_OF_RANGE);
    struct bacnet_value wrong = { .type = BACNET_UNSIGNED, .as = { .number = 20 } };
    write_value(bench, AV1, BACNET_PROP_PRESENT_VALUE, &wrong, 8);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_INVALID_DATA_TYPE);
    write_value(bench, AV1, BACNET_PROP_UNITS, &wrong, 8);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_WRITE_ACCESS_DENIED);
}

static void texts_are_commanded_too(void **state)
{
    struct bench *bench = *state;
    struct bacnet_object name = object(BACNET_CHARACTERSTRING_VALUE, 1);
    struct bacnet_value text = { .type = BACNET_CHARACTERS };
    text.as.block.data = (const uint8_t *)"Laboratory";
    text.as.block.size = 10;
    write_value(bench, name, BACNET_PROP_PRESENT_VALUE, &text, 8);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_text(bench, name, BACNET_PROP_PRESENT_VALUE, "Laboratory");
    struct bacnet_value null = { .type = BACNET_NULL };
    write_value(bench, name, BACNET_PROP_PRESENT_VALUE, &null, 8);
    struct bytes value = read_value(bench, name, BACNET_PROP_PRESENT_VALUE);
    assert_true(bytes_left(&value) > 10);
}

static void an_input_is_written_out_of_service(void **state)
{
    struct bench *bench = *state;
    struct bacnet_value number = real(99.0f);
    struct bacnet_value yes = { .type = BACNET_BOOLEAN, .as = { .boolean = true } };
    write_value(bench, AI1, BACNET_PROP_PRESENT_VALUE, &number, 0);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_WRITE_ACCESS_DENIED);
    write_value(bench, AI1, BACNET_PROP_OUT_OF_SERVICE, &yes, 0);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    write_value(bench, AI1, BACNET_PROP_PRESENT_VALUE, &number, 0);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_float_equal(read_real(bench, AI1, BACNET_PROP_PRESENT_VALUE), 99.0f, 0.001f);
    assert_text(bench, AI1, BACNET_PROP_STATUS_FLAGS, "in-alarm,out-of-service");
    yes.as.boolean = false;
    write_value(bench, AI1, BACNET_PROP_OUT_OF_SERVICE, &yes, 0);
    assert_true(read_real(bench, AI1, BACNET_PROP_PRESENT_VALUE) < 30.0f);
}

/* ---- COV ---- */

static bool is_noticed(struct bench *bench)
{
    return bench->notices > 0;
}

static void subscribe(struct bench *bench, bool confirmed, uint32_t lifetime_s)
{
    uint8_t bytes[BACNET_SUBSCRIBE_COV_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_subscribe_cov subscribe = {
        .process = 5,
        .object = AI1,
        .confirmed = confirmed,
        .lifetime_s = lifetime_s,
    };
    bench->notices = 0;
    bacnet_put_subscribe_cov(&out, &subscribe);
    ask(bench, bench->peer, BACNET_SUBSCRIBE_COV, &out);
}

static float noticed_value(struct bench *bench)
{
    struct bytes in = bytes_of(bench->notice, bench->notice_size), values;
    struct bacnet_cov cov;
    struct bacnet_property_value value;
    assert_int_equal(bacnet_get_cov(&in, &cov, &values), 0);
    assert_int_equal(cov.process, 5);
    assert_int_equal(cov.device, 2001);
    assert_int_equal(bacnet_get_property_value(&values, &value), 0);
    assert_int_equal(value.property, BACNET_PROP_PRESENT_VALUE);
    return bacnet_get_real(&value.value, BACNET_APPLICATION);
}

static void changes_are_told(void **state)
{
    struct bench *bench = *state;
    for (int confirmed = 0; confirmed < 2; confirmed++) {
        control(bench, "set ahu/sat 20");
        subscribe(bench, confirmed == 1, 60);
        assert_int_equal(bench->answer.outcome, BACNET_ACKED);
        turn_until(bench, is_noticed, "the first notification");
        assert_float_equal(noticed_value(bench), 20.0f, 0.001f);
        bench->notices = 0;
        control(bench, "set ahu/sat 20.05"); /* less than the increment of 0.1 */
        turn_for(bench, 1200);
        assert_int_equal(bench->notices, 0);
        control(bench, "set ahu/sat 21");
        turn_until(bench, is_noticed, "a change");
        assert_float_equal(noticed_value(bench), 21.0f, 0.001f);
        control(bench, "ahu=cov-silence");
        bench->notices = 0;
        control(bench, "set ahu/sat 25");
        turn_for(bench, 1200);
        assert_int_equal(bench->notices, 0);
        control(bench, "ahu=none");
    }
}

static void a_restart_forgets_subscriptions(void **state)
{
    struct bench *bench = *state;
    control(bench, "set ahu/sat 20");
    subscribe(bench, false, 0);
    turn_until(bench, is_noticed, "the first notification");
    bench->heard_count = 0;
    control(bench, "ahu=restart");
    turn_for(bench, 300);
    assert_int_equal(bench->heard_count, 1);
    assert_int_equal(bench->heard[0], 2001);
    bench->notices = 0;
    control(bench, "set ahu/sat 25");
    turn_for(bench, 1200);
    assert_int_equal(bench->notices, 0);
}

/* ---- alarms ---- */

static bool has_event(struct bench *bench)
{
    return bench->events > 0;
}

static void enrol(struct bench *bench)
{
    uint8_t bytes[128], element[BACNET_DESTINATION_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bytes_out to = bytes_out_of(element, sizeof(element));
    struct bacnet_destination destination = {
        .days = 0x7f,
        .to = { .hour = 23, .minute = 59, .second = 59, .hundredth = 99 },
        .by_address = true,
        .mac = { 127, 0, 77, 1, (uint8_t)(bench->port >> 8), (uint8_t)bench->port },
        .mac_size = 6,
        .process = 9,
        .confirmed = true,
        .transitions = 7,
    };
    bacnet_put_destination(&to, &destination);
    struct bacnet_list_element add = {
        .object = object(BACNET_NOTIFICATION_CLASS, 1),
        .property = BACNET_PROP_RECIPIENT_LIST,
        .index = BACNET_INDEX_ALL,
        .elements = bytes_of(element, bytes_out_size(&to)),
    };
    bacnet_put_list_element(&out, &add);
    ask(bench, bench->peer, BACNET_ADD_LIST_ELEMENT, &out);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
}

static struct bacnet_event_notification last_event(struct bench *bench)
{
    struct bacnet_event_notification event;
    struct bytes in = bytes_of(bench->event, bench->event_size);
    turn_until(bench, has_event, "an event notification");
    in = bytes_of(bench->event, bench->event_size);
    assert_int_equal(bacnet_get_event_notification(&in, &event), 0);
    assert_int_equal(event.process, 9);
    bench->events = 0;
    return event;
}

static void acknowledge(struct bench *bench, const struct bacnet_event_notification *event)
{
    uint8_t bytes[BACNET_ACKNOWLEDGE_ALARM_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_acknowledge_alarm ack = {
        .process = 1,
        .object = event->object,
        .state = event->to_state,
        .event = event->stamp,
        .who = { .type = BACNET_CHARACTERS },
        .now = event->stamp,
    };
    bacnet_put_acknowledge_alarm(&out, &ack);
    ask(bench, bench->peer, BACNET_ACKNOWLEDGE_ALARM, &out);
}

static void alarms_are_told_and_acknowledged(void **state)
{
    struct bench *bench = *state;
    control(bench, "set ahu/sat 21");
    enrol(bench);
    control(bench, "set ahu/sat 60");
    struct bacnet_event_notification event = last_event(bench);
    assert_int_equal(event.to_state, BACNET_STATE_HIGH_LIMIT);
    assert_int_equal(event.event_type, BACNET_EVENT_OUT_OF_RANGE);
    assert_true(event.ack_wanted);
    assert_float_equal(event.values.fields[0].value.as.real, 60.0f, 0.001f);
    assert_text(bench, AI1, BACNET_PROP_EVENT_STATE, "high-limit");
    assert_text(bench, AI1, BACNET_PROP_ACKED_TRANSITIONS, "to-fault,to-normal");
    struct bacnet_event_notification other = event;
    other.stamp.at.time.second = (uint8_t)((other.stamp.at.time.second + 1) % 60);
    acknowledge(bench, &other);
    assert_refused(bench, BACNET_CLASS_SERVICES, BACNET_ERROR_INVALID_TIMESTAMP);
    acknowledge(bench, &event);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_int_equal(last_event(bench).notify_type, BACNET_NOTIFY_ACK);
    assert_text(bench, AI1, BACNET_PROP_ACKED_TRANSITIONS, "to-offnormal,to-fault,to-normal");
    control(bench, "set ahu/sat 21");
    assert_int_equal(last_event(bench).to_state, BACNET_STATE_NORMAL);
    control(bench, "set ahu/filter-alarm alarm");
    event = last_event(bench);
    assert_int_equal(event.to_state, BACNET_STATE_OFFNORMAL);
    assert_int_equal(event.event_type, BACNET_EVENT_CHANGE_OF_STATE);
}

static void what_is_in_alarm_is_listed(void **state)
{
    struct bench *bench = *state;
    uint8_t bytes[8];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bytes summaries;
    struct bacnet_event_summary summary;
    bool more;
    control(bench, "set ahu/sat 60");
    control(bench, "set ahu/co2 640");
    control(bench, "set ahu/filter-alarm normal");
    bacnet_put_event_information_ask(&out, NULL);
    ask(bench, bench->peer, BACNET_GET_EVENT_INFORMATION, &out);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_int_equal(bacnet_get_event_information(&bench->body, &summaries, &more), 0);
    assert_false(more);
    assert_int_equal(bacnet_get_event_summary(&summaries, &summary), 0);
    assert_true(bacnet_object_equal(summary.object, AI1));
    assert_int_equal(summary.state, BACNET_STATE_HIGH_LIMIT);
    assert_int_equal(bytes_left(&summaries), 0);
}

/* ---- trend logs ---- */

static struct bacnet_range_items read_range(struct bench *bench, struct bacnet_read_range range)
{
    uint8_t bytes[BACNET_READ_RANGE_MAX];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_range_items items = { .count = 0 };
    bacnet_put_read_range(&out, &range);
    ask(bench, bench->peer, BACNET_READ_RANGE, &out);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_int_equal(bacnet_get_range_items(&bench->body, &range, &items), 0);
    return items;
}

static void logs_hold_the_past(void **state)
{
    struct bench *bench = *state;
    struct bacnet_read_range range = {
        .object = object(BACNET_TREND_LOG, 1),
        .property = BACNET_PROP_LOG_BUFFER,
        .index = BACNET_INDEX_ALL,
        .range = BACNET_RANGE_POSITION,
        .reference = 1,
        .count = 10,
    };
    struct bacnet_range_items items = read_range(bench, range);
    struct bacnet_log_record record;
    assert_int_equal(items.count, 10);
    assert_true(items.first);
    assert_false(items.last);
    assert_int_equal(bacnet_get_log_record(&items.items, &record), 0);
    assert_int_equal(record.datum.value.type, BACNET_REAL);
    struct bacnet_datetime first = record.at;
    range.range = BACNET_RANGE_TIME; /* newer than the first: from the second on */
    range.at = first;
    range.count = 5;
    items = read_range(bench, range);
    assert_int_equal(items.count, 5);
    assert_true(items.has_sequence);
    assert_int_equal(bacnet_get_log_record(&items.items, &record), 0);
    int64_t first_us, second_us;
    assert_int_equal(bacnet_datetime_us(&first, 0, &first_us), 0);
    assert_int_equal(bacnet_datetime_us(&record.at, 0, &second_us), 0);
    assert_int_equal(second_us - first_us, 60 * INT64_C(1000000));
    float value = record.datum.value.as.real;
    range.range = BACNET_RANGE_SEQUENCE; /* the same record by its number */
    range.reference = items.sequence;
    range.count = 1;
    items = read_range(bench, range);
    assert_int_equal(bacnet_get_log_record(&items.items, &record), 0);
    assert_true(record.datum.value.as.real == value);
    range.object = object(BACNET_TREND_LOG_MULTIPLE, 1);
    items = read_range(bench, range);
    struct bacnet_log_multiple many;
    assert_int_equal(bacnet_get_log_multiple(&items.items, &many), 0);
    struct bacnet_datum datum;
    assert_int_equal(bacnet_get_log_datum(&many.data, &datum), 0);
    assert_true(datum.value.as.real == value);
    assert_int_equal(bacnet_get_log_datum(&many.data, &datum), 0);
    assert_int_equal(bytes_left(&many.data), 0);
}

/* ---- finding ---- */

static bool has_heard(const struct bench *bench, uint32_t instance)
{
    for (size_t i = 0; i < bench->heard_count; i++) {
        if (bench->heard[i] == instance) {
            return true;
        }
    }
    return false;
}

static bool all_heard(struct bench *bench)
{
    return has_heard(bench, 2001) && has_heard(bench, 2002) && has_heard(bench, 2003);
}

static void devices_are_found(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(bacnet_who_is(bench->node, NULL, 0, BACNET_INSTANCE_MAX), 0);
    turn_until(bench, all_heard, "I-Am of all");
    bench->heard_count = 0;
    assert_int_equal(bacnet_who_is(bench->node, NULL, 2002, 2002), 0);
    turn_for(bench, 300);
    assert_int_equal(bench->heard_count, 1);
    assert_int_equal(bench->heard[0], 2002);
}

static void a_device_is_reached_by_its_number(void **state)
{
    struct bench *bench = *state;
    const uint32_t instances[] = { 2002, 2003 }; /* by Who-Is, and behind a router */
    for (size_t i = 0; i < 2; i++) {
        struct bacnet_peer_config config = { .instance = instances[i] };
        struct bacnet_peer *peer = bacnet_peer_get(bench->node, &config);
        struct bytes value = read_from(bench, peer, AI1, BACNET_PROP_OBJECT_NAME, BACNET_INDEX_ALL);
        assert_int_equal(bench->answer.outcome, BACNET_ACKED);
        struct bacnet_value name = bacnet_get_characters(&value, BACNET_APPLICATION);
        assert_int_equal(name.as.block.size, 1);
        bacnet_peer_release(peer);
    }
}

static bool has_have(struct bench *bench)
{
    return bench->haves > 0;
}

static void an_object_is_found_by_its_name(void **state)
{
    struct bench *bench = *state;
    uint8_t bytes[64];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    struct bacnet_who_has who = { .high = BACNET_INSTANCE_MAX, .by_name = true };
    struct bacnet_address all = { .network = BACNET_NETWORK_ALL };
    who.name.type = BACNET_CHARACTERS;
    who.name.as.block.data = (const uint8_t *)"filter-alarm";
    who.name.as.block.size = 12;
    bacnet_put_who_has(&out, &who);
    assert_int_equal(
        bacnet_tell(bench->node, NULL, &all, BACNET_WHO_HAS, bytes, bytes_out_size(&out)), 0);
    turn_until(bench, has_have, "I-Have");
}

/* ---- faults ---- */

static void limits_are_kept(void **state)
{
    struct bench *bench = *state;
    control(bench, "ahu=apdu:128+no-segmentation");
    ask_all(bench, AI1, BACNET_PROP_ALL);
    assert_int_equal(bench->answer.outcome, BACNET_ABORTED);
    assert_int_equal(bench->answer.code, BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED);
    assert_text(bench, object(BACNET_DEVICE, 2001), BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED, "128");
    control(bench, "ahu=apdu:128");
    bool units = false;
    ask_all(bench, AI1, BACNET_PROP_ALL);
    assert_true(count_results(bench, &units) > 20);
    control(bench, "ahu=no-rpm+no-cov");
    ask_all(bench, AI1, BACNET_PROP_ALL);
    assert_int_equal(bench->answer.outcome, BACNET_REJECTED);
    subscribe(bench, false, 60);
    assert_int_equal(bench->answer.outcome, BACNET_REJECTED);
    control(bench, "ahu=none");
    ask_all(bench, AI1, BACNET_PROP_ALL);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
}

static void faults_are_what_they_say(void **state)
{
    struct bench *bench = *state;
    control(bench, "ahu=error:27");
    (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_refused(bench, BACNET_CLASS_PROPERTY, BACNET_ERROR_READ_ACCESS_DENIED);
    control(bench, "ahu=reject:9");
    (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_int_equal(bench->answer.outcome, BACNET_REJECTED);
    control(bench, "ahu=abort:9");
    (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_int_equal(bench->answer.outcome, BACNET_ABORTED);
    control(bench, "ahu=slow:300ms");
    (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    assert_true(bench->answer.took_us >= 290000);
    const char *const silent[] = { "silence", "down", "garbage", "truncate", "wrong-transaction" };
    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        char line[64];
        str_format(line, sizeof(line), "ahu=%s", silent[i]);
        control(bench, line);
        (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
        assert_int_equal(bench->answer.outcome, BACNET_SILENT);
        control(bench, "ahu=none");
    }
    (void)read_value(bench, AI1, BACNET_PROP_PRESENT_VALUE);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(properties_are_those_of_a_real_device),
        TEST(what_is_not_there_is_refused),
        TEST(object_list_begins_with_the_device),
        TEST(all_is_required_and_optional),
        TEST(the_highest_priority_counts),
        TEST(texts_are_commanded_too),
        TEST(an_input_is_written_out_of_service),
        TEST(changes_are_told),
        TEST(a_restart_forgets_subscriptions),
        TEST(alarms_are_told_and_acknowledged),
        TEST(what_is_in_alarm_is_listed),
        TEST(logs_hold_the_past),
        TEST(devices_are_found),
        TEST(a_device_is_reached_by_its_number),
        TEST(an_object_is_found_by_its_name),
        TEST(limits_are_kept),
        TEST(faults_are_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
