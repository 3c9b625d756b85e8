/* SPDX-License-Identifier: Apache-2.0 */
/* Three simulated BACnet devices and a node of our own that asks them, over loopback, in one process and on one
 * loop. Real time. */
#ifndef BUSBAR_TESTS_SIM_BACNET_BENCH_H
#define BUSBAR_TESTS_SIM_BACNET_BENCH_H

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
#include "drivers/bacnet/bacnet.h"
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
#include "support/free_port.h"

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

static inline void load(struct bench *bench)
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
        .resolve = bacnet_driver()->resolve,
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

static inline void told(void *ctx, const struct bacnet_notice *notice)
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

static inline void asked(void *ctx, struct bacnet_request *request)
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

static inline struct endpoint at(const char *ip, int port)
{
    struct endpoint endpoint;
    assert_int_equal(endpoint_parse(ip, (uint16_t)port, &endpoint), 0);
    return endpoint;
}

static inline struct bacnet_peer *peer_at(struct bench *bench, const char *ip)
{
    struct bacnet_peer_config config = {
        .instance = BACNET_INSTANCE_MAX,
        .address = { .ip = at(ip, bench->port) },
    };
    return bacnet_peer_get(bench->node, &config);
}

static inline int set_up(void **state)
{
    static const struct bacnet_node_events events = { .told = told, .asked = asked };
    struct bench *bench = busbar_alloc(sizeof(*bench));
    struct err err = { 0 };
    busbar_log_level(LOG_LEVEL_ERROR);
    bench->port = test_free_port();
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

static inline int tear_down(void **state)
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

static inline void waited(struct timer *timer, void *ctx)
{
    (void)timer;
    *(bool *)ctx = true;
}

static inline void turn_until(struct bench *bench, bool (*done)(struct bench *), const char *what)
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

static inline void turn_for(struct bench *bench, int64_t ms)
{
    bool late = false;
    struct timer timer;
    timer_init(&timer, bench->loop, waited, &late);
    timer_start(&timer, ms, 0);
    while (!late) {
        loop_turn(bench->loop, true);
    }
}

static inline bool is_answered(struct bench *bench)
{
    return bench->answered;
}

static inline void keep_answer(struct bacnet_ask *ask, const struct bacnet_answer *answer)
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

static inline void ask(struct bench *bench, struct bacnet_peer *peer, uint8_t service,
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

static inline struct bacnet_object object(uint16_t type, uint32_t instance)
{
    return (struct bacnet_object){ .type = type, .instance = instance };
}

/* The value's elements, or NULL bytes with the answer in bench->answer. */
static inline struct bytes read_from(struct bench *bench, struct bacnet_peer *peer,
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

static inline struct bytes read_value(struct bench *bench, struct bacnet_object id,
                                      uint32_t property)
{
    return read_from(bench, bench->peer, id, property, BACNET_INDEX_ALL);
}

static inline void assert_text(struct bench *bench, struct bacnet_object id, uint32_t property,
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

static inline float read_real(struct bench *bench, struct bacnet_object id, uint32_t property)
{
    struct bytes value = read_value(bench, id, property);
    assert_int_equal(bench->answer.outcome, BACNET_ACKED);
    return bacnet_get_real(&value, BACNET_APPLICATION);
}

static inline void assert_refused(const struct bench *bench, uint16_t error_class, uint16_t code)
{
    assert_int_equal(bench->answer.outcome, BACNET_ERRORED);
    assert_int_equal(bench->answer.error_class, error_class);
    assert_int_equal(bench->answer.error_code, code);
}

static inline void write_value(struct bench *bench, struct bacnet_object id, uint32_t property,
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

static inline struct bacnet_value real(float number)
{
    return (struct bacnet_value){ .type = BACNET_REAL, .as = { .real = number } };
}

static inline void control(struct bench *bench, const char *line)
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

static inline bool is_noticed(struct bench *bench)
{
    return bench->notices > 0;
}

static inline void subscribe(struct bench *bench, bool confirmed, uint32_t lifetime_s)
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

#define SIM_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
