/* SPDX-License-Identifier: Apache-2.0 */
/* Why does the device not answer? One step after the other, each a finding for people:
 *
 *   connection   name, route, port, TLS, serial line
 *   unit         does it answer; if not, which units do
 *   points       each read alone: refused address, off by one, suspicious order of bytes
 *   identity     function 43/14: vendor, product, version
 *
 * A test is a user of the client beside the device itself, so it shares the connection. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/modbus/modbus_device.h"
#include "drivers/modbus/modbus_value.h"
#include "model/quality.h"

enum test_step { TEST_CONNECT, TEST_UNIT, TEST_SCAN, TEST_POINT, TEST_NEIGHBOUR, TEST_IDENTITY };

enum {
    UNIT_TRIES = 3,
    UNITS_FEW = 10, /* tried when the unit is silent, without --scan-units */
    UNITS_ALL = 247,
    SCAN_TIMEOUT_MS = 300,
    POINTS_MAX = 1000, /* read by one test */
    FAULTS_MAX = 20,   /* told one by one */
    TEXT_MAX = 480,
};

struct modbus_test {
    struct modbus_user user; /* first */
    struct list link;        /* device->tests */
    struct modbus_device *device;
    struct driver_test *test;
    struct loop_deferred beginning;
    enum test_step step;
    bool waiting; /* for the answer to what was asked: one question at a time */
    int64_t began_us;
    unsigned tries, unit, unit_last;
    char units[TEXT_MAX]; /* that answered the scan */
    bool unit_silent;
    uint32_t point, read, faults;
    uint8_t exception; /* of the point, while its neighbour is asked */
};

static void finding(struct modbus_test *test, const char *step, int code, const char *seen,
                    const char *hint)
{
    driver_finding(test->test, step, code == 0, code, seen, hint);
}

static void end_test(struct modbus_test *test)
{
    struct driver_test *asked = test->test;
    list_remove(&test->link);
    loop_defer_cancel(&test->beginning);
    if (test->user.client != NULL) {
        modbus_client_detach(&test->user);
    }
    busbar_free(test);
    driver_tested(asked);
}

static void go(struct modbus_test *test, enum test_step step)
{
    test->step = step;
    test->tries = 0;
    modbus_client_wake(&test->user);
}

/* ---- connection ---- */

static void connection_step(const struct modbus_test *test, char *step, size_t size)
{
    const struct modbus_config *config = &test->device->config;
    if (config->transport == MODBUS_SERIAL) {
        str_format(step, size, "serial %s", config->serial.path);
    } else {
        str_format(step, size, "%s %u", config->transport == MODBUS_TLS ? "tls" : "tcp",
                   config->host.port);
    }
}

static const char *connection_hint(int error, bool serial)
{
    switch (error) {
    case BUSBAR_EHOST: return "check the name, or write the numeric address";
    case BUSBAR_EROUTE: return "check the network card, the gateway and the address";
    case BUSBAR_ECONNREFUSED:
        return "the machine is there, but nothing listens on this port: check the port, and "
               "whether Modbus is switched on in the device";
    case BUSBAR_ETIMEOUT: return "check power, cable and address, and firewalls on the way";
    case BUSBAR_ETLS: return "check ca, certificate, key and server_name";
    case BUSBAR_ENOENT: return "check the path; 'ls /dev/serial/by-id' lists what is there";
    case BUSBAR_EPERM: return "add busbar's user to the group of this file (dialout)";
    case BUSBAR_EBUSY: return "another program has the serial line open";
    case BUSBAR_ECLOSED:
    case BUSBAR_ERESET:
        return "the device ended the connection: many take only one, and another client may have "
               "it";
    default: return serial ? "check the serial line" : "check address and port";
    }
}

static void connected(struct modbus_test *test)
{
    char step[TEXT_MAX];
    char seen[TEXT_MAX];
    const struct modbus_config *config = &test->device->config;
    int64_t took_us = loop_now_us(test->device->loop) - test->began_us;
    if (config->transport != MODBUS_SERIAL) {
        finding(test, "name", 0, config->host.host, "");
    }
    connection_step(test, step, sizeof(step));
    str_format(seen, sizeof(seen), "open, %lld ms", (long long)(took_us / CLOCK_US_PER_MS));
    finding(test, step, 0, seen, "");
    go(test, TEST_UNIT);
}

static void not_connected(struct modbus_test *test, int error, const char *detail)
{
    char step[TEXT_MAX];
    bool serial = test->device->config.transport == MODBUS_SERIAL;
    connection_step(test, step, sizeof(step));
    if (error == BUSBAR_EHOST) {
        str_copy(step, sizeof(step), "name");
    } else if (!serial) {
        finding(test, "name", 0, test->device->config.host.host, "");
    }
    const char *seen = detail != NULL && detail[0] != '\0' ? detail : err_text(error);
    finding(test, step, error, seen, connection_hint(error, serial));
    end_test(test);
}

static void on_link(struct modbus_user *user, bool up, int error, const char *detail)
{
    struct modbus_test *test = (struct modbus_test *)user;
    if (up && test->step == TEST_CONNECT) {
        connected(test);
    } else if (!up && error != 0) {
        not_connected(test, error, detail);
    }
}

/* ---- the question of each step ---- */

static const struct modbus_address *point_address(const struct modbus_test *test)
{
    return &modbus_addresses(test->device)[test->point];
}

static void ask_point(const struct modbus_address *address, struct modbus_exchange *exchange)
{
    exchange->ask.function = modbus_table_function(address->table);
    exchange->ask.address = address->start;
    exchange->ask.count = address->count;
}

static bool on_next(struct modbus_user *user, struct modbus_exchange *exchange)
{
    struct modbus_test *test = (struct modbus_test *)user;
    const struct modbus_config *config = &test->device->config;
    static const struct modbus_address first_register = { .count = 1, .table = MODBUS_HOLDING };
    bool any = test->device->dev->point_count > 0;
    if (test->waiting || test->step == TEST_CONNECT) {
        return false;
    }
    exchange->unit = config->unit;
    exchange->timeout_us = config->timeout_us;
    switch (test->step) {
    case TEST_CONNECT: break;
    case TEST_SCAN:
        exchange->unit = (uint8_t)test->unit;
        if (exchange->timeout_us > SCAN_TIMEOUT_MS * CLOCK_US_PER_MS) {
            exchange->timeout_us = SCAN_TIMEOUT_MS * CLOCK_US_PER_MS;
        }
        ask_point(any ? modbus_addresses(test->device) : &first_register, exchange);
        break;
    case TEST_UNIT:
        ask_point(any ? modbus_addresses(test->device) : &first_register, exchange);
        break;
    case TEST_POINT: ask_point(point_address(test), exchange); break;
    case TEST_NEIGHBOUR:
        ask_point(point_address(test), exchange);
        exchange->ask.address--;
        break;
    case TEST_IDENTITY:
        exchange->ask.function = MODBUS_IDENTIFY;
        exchange->ask.count = 1;
        exchange->ask.id_code = 1;
        break;
    }
    test->began_us = loop_now_us(test->device->loop);
    test->waiting = true;
    return true;
}

/* ---- unit ---- */

static void begin_scan(struct modbus_test *test)
{
    bool all = driver_test_option(test->test, "scan-units") != NULL;
    test->unit = 1;
    test->unit_last = all ? UNITS_ALL : UNITS_FEW;
    if (test->unit == test->device->config.unit) {
        test->unit++;
    }
    go(test, TEST_SCAN);
}

static bool gateway_says_silent(const struct modbus_reply *reply)
{
    return reply->exception == MODBUS_EXCEPTION_GATEWAY_PATH ||
           reply->exception == MODBUS_EXCEPTION_GATEWAY_TARGET;
}

static void begin_points(struct modbus_test *test)
{
    test->point = 0;
    go(test, test->device->dev->point_count > 0 ? TEST_POINT : TEST_IDENTITY);
}

static void unit_answered(struct modbus_test *test, int error, const struct modbus_reply *reply)
{
    if (error != 0 && ++test->tries < UNIT_TRIES) {
        modbus_client_wake(&test->user);
        return;
    }
    char seen[TEXT_MAX];
    char step[32];
    int64_t took_us = loop_now_us(test->device->loop) - test->began_us;
    str_format(step, sizeof(step), "unit %u", test->device->config.unit);
    if (error == 0 && !gateway_says_silent(reply)) {
        str_format(seen, sizeof(seen), "answers, %lld ms", (long long)(took_us / CLOCK_US_PER_MS));
        finding(test, step, 0, seen, "");
        if (driver_test_option(test->test, "scan-units") != NULL) {
            begin_scan(test);
        } else {
            begin_points(test);
        }
        return;
    }
    test->unit_silent = true;
    test->exception = error == 0 ? reply->exception : 0;
    begin_scan(test);
}

/* "no answer in 2s (3 tries); units 1, 2 do answer" */
static void silent_seen(const struct modbus_test *test, char *seen, size_t size)
{
    char why[64];
    char wait[32];
    bool many = strchr(test->units, ',') != NULL;
    str_format_duration(wait, sizeof(wait), test->device->config.timeout_us);
    if (test->exception != 0) {
        str_format(why, sizeof(why), "the gateway says exception %u", test->exception);
    } else {
        str_format(why, sizeof(why), "no answer in %s (%u tries)", wait, UNIT_TRIES);
    }
    if (test->units[0] == '\0') {
        str_copy(seen, size, why);
    } else {
        str_format(seen, size, "%s; %s %s", why, many ? "units" : "unit", test->units);
        size_t length = strlen(seen);
        str_format(seen + length, size - length, " %s answer", many ? "do" : "does");
    }
}

static void silent_hint(const struct modbus_test *test, char *hint, size_t size)
{
    const struct device *dev = test->device->dev;
    if (test->units[0] == '\0') {
        bool serial = test->device->config.transport == MODBUS_SERIAL;
        bool all = test->unit_last >= UNITS_ALL;
        str_format(hint, size, "%scheck %spower and %s%s", all ? "nobody answers: " : "",
                   all ? "" : "unit_id, ",
                   serial ? "wiring, baud and parity" : "what is behind this port",
                   all ? "" : "; --scan-units asks all 247");
        return;
    }
    str_format(hint, size,
               "wrong unit id, or the device behind this gateway is off; set 'unit_id: %u'",
               (unsigned)strtoul(test->units, NULL, 10));
    if (dev->file_count > 0) {
        size_t length = strlen(hint);
        str_format(hint + length, size - length, " at %s:%u", dev->files[0], dev->line);
    }
}

static void scan_ended(struct modbus_test *test)
{
    char seen[2 * TEXT_MAX];
    char hint[TEXT_MAX];
    char step[32];
    if (!test->unit_silent) {
        finding(test, "other units", 0, test->units[0] != '\0' ? test->units : "none beside it",
                "");
        begin_points(test);
        return;
    }
    str_format(step, sizeof(step), "unit %u", test->device->config.unit);
    silent_seen(test, seen, sizeof(seen));
    silent_hint(test, hint, sizeof(hint));
    finding(test, step, BUSBAR_ETIMEOUT, seen, hint);
    end_test(test);
}

static void scan_answered(struct modbus_test *test, int error, const struct modbus_reply *reply)
{
    if (error == 0 && !gateway_says_silent(reply)) {
        size_t size = strlen(test->units);
        str_format(test->units + size, sizeof(test->units) - size, "%s%u", size > 0 ? ", " : "",
                   test->unit);
    }
    do {
        test->unit++;
    } while (test->unit == test->device->config.unit);
    if (test->unit > test->unit_last) {
        scan_ended(test);
    } else {
        modbus_client_wake(&test->user);
    }
}

/* ---- points ---- */

static void points_ended(struct modbus_test *test)
{
    char seen[TEXT_MAX];
    size_t count = test->device->dev->point_count;
    str_format(seen, sizeof(seen), "%u of %u read answer", test->read - test->faults, test->read);
    if (count > test->read) {
        size_t size = strlen(seen);
        str_format(seen + size, sizeof(seen) - size, ", the other %zu were not tried",
                   count - test->read);
    }
    finding(test, "points", test->faults > 0 ? BUSBAR_EREFUSED : 0, seen,
            test->faults > FAULTS_MAX ? "only the first faults are listed" : "");
    go(test, TEST_IDENTITY);
}

static void next_point(struct modbus_test *test)
{
    test->point++;
    if (test->point >= test->device->dev->point_count || test->read >= POINTS_MAX) {
        points_ended(test);
    } else {
        go(test, TEST_POINT);
    }
}

static void point_fault(struct modbus_test *test, int code, const char *what, const char *hint)
{
    if (++test->faults > FAULTS_MAX) {
        return;
    }
    char step[TEXT_MAX];
    struct buf seen;
    buf_init(&seen, 1024);
    str_format(step, sizeof(step), "point %s", test->device->dev->points[test->point].name);
    modbus_address_print(point_address(test), &seen);
    buf_printf(&seen, ": %s", what);
    finding(test, step, code, buf_text(&seen), hint);
    buf_fini(&seen);
}

static void point_refused(struct modbus_test *test, uint8_t exception, const char *hint)
{
    char what[TEXT_MAX];
    const char *text = modbus_exception_text(exception);
    str_format(what, sizeof(what), "exception %u %s", exception, text != NULL ? text : "");
    point_fault(test, BUSBAR_EREFUSED, what, hint);
}

static bool plausible(const struct sample *sample)
{
    if (sample->quality != QUALITY_GOOD) {
        return false;
    }
    double size = fabs(sample->value.d);
    return size == 0 || (size > 1e-10 && size < 1e15);
}

/* A float that no meter sends, while another order gives a plausible one. */
static void check_order(struct modbus_test *test, const struct modbus_reply *reply)
{
    struct modbus_address address = *point_address(test);
    struct sample sample = { 0 };
    if ((address.type != MODBUS_FLOAT32 && address.type != MODBUS_FLOAT64) ||
        reply->size < address.count * 2) {
        return;
    }
    modbus_value_run(&address, reply->data, 1, &sample);
    if (plausible(&sample)) {
        return;
    }
    struct buf seen;
    const char *better = NULL;
    buf_init(&seen, 512);
    buf_append_text(&seen, "suspicious value:");
    for (uint8_t order = 0; order < MODBUS_ORDERS; order++) {
        address.order = order;
        modbus_value_run(&address, reply->data, 1, &sample);
        buf_printf(&seen, "%s %s ", order > 0 ? "," : "", modbus_order_word(order));
        if (sample.quality == QUALITY_GOOD) {
            value_print(sample.type, sample.value, &seen);
        } else {
            buf_append_text(&seen, "not a number");
        }
        if (better == NULL && plausible(&sample) && sample.value.d != 0) {
            better = modbus_order_word(order);
        }
    }
    if (better != NULL) {
        char hint[64];
        str_format(hint, sizeof(hint), "wrong order of bytes? try 'order: %s'", better);
        point_fault(test, BUSBAR_ECONFIG, buf_text(&seen), hint);
    }
    buf_fini(&seen);
}

static void point_answered(struct modbus_test *test, int error, const struct modbus_reply *reply)
{
    test->read++;
    if (error != 0) {
        if (test->tries == 0) { /* once more */
            test->read--;
            test->tries++;
            modbus_client_wake(&test->user);
            return;
        }
        point_fault(test, error, err_text(error), "");
    } else if (reply->exception == MODBUS_EXCEPTION_ADDRESS && point_address(test)->start > 0) {
        test->exception = reply->exception;
        go(test, TEST_NEIGHBOUR);
        return;
    } else if (reply->exception != 0) {
        point_refused(test, reply->exception, modbus_explain(reply->exception));
    } else {
        check_order(test, reply);
    }
    next_point(test);
}

static void neighbour_answered(struct modbus_test *test, int error,
                               const struct modbus_reply *reply)
{
    char hint[TEXT_MAX];
    const struct modbus_address *address = point_address(test);
    if (error == 0 && reply->exception == 0) {
        str_format(hint, sizeof(hint),
                   "%s %u answers: if %u is a number that counts from 1, write '%s: %u'",
                   modbus_table_word(address->table), address->start - 1u, address->start,
                   modbus_table_word(address->table), address->start - 1u);
        point_refused(test, test->exception, hint);
    } else {
        point_refused(test, test->exception, modbus_explain(test->exception));
    }
    next_point(test);
}

/* ---- identity ---- */

static void identity_answered(struct modbus_test *test, int error, const struct modbus_reply *reply)
{
    static const char *const names[] = { "vendor",       "product", "version",    "URL",
                                         "product name", "model",   "application" };
    struct buf seen;
    buf_init(&seen, 2048);
    if (error != 0 || reply->exception != 0) {
        buf_append_text(&seen, "not told (many devices lack function 43/14)");
    } else {
        struct bytes in = bytes_of(reply->data, reply->size);
        struct modbus_object object;
        while (bytes_left(&in) > 0 && modbus_get_object(&in, &object) == 0) {
            bool known = object.id < sizeof(names) / sizeof(names[0]);
            if (!known || !str_is_utf8((const char *)object.text, object.size)) {
                continue;
            }
            buf_printf(&seen, "%s%s %.*s", seen.size > 0 ? ", " : "", names[object.id],
                       (int)object.size, (const char *)object.text);
        }
    }
    finding(test, "identity", 0, buf_text(&seen), "");
    buf_fini(&seen);
    end_test(test);
}

static void on_answered(struct modbus_user *user, const struct modbus_exchange *exchange, int error,
                        const struct modbus_reply *reply)
{
    struct modbus_test *test = (struct modbus_test *)user;
    (void)exchange;
    test->waiting = false;
    switch (test->step) {
    case TEST_CONNECT: break;
    case TEST_UNIT: unit_answered(test, error, reply); break;
    case TEST_SCAN: scan_answered(test, error, reply); break;
    case TEST_POINT: point_answered(test, error, reply); break;
    case TEST_NEIGHBOUR: neighbour_answered(test, error, reply); break;
    case TEST_IDENTITY: identity_answered(test, error, reply); break;
    }
}

static void on_frame(struct modbus_user *user, bool sent, const void *data, size_t size)
{
    driver_frame(((struct modbus_test *)user)->device->dev, sent, data, size);
}

static void on_bad_frame(struct modbus_user *user, const void *data, size_t size,
                         const char *reason)
{
    driver_bad_frame(((struct modbus_test *)user)->device->dev, data, size, reason);
}

static const struct modbus_user_ops user_ops = { .next = on_next,
                                                 .answered = on_answered,
                                                 .link = on_link,
                                                 .frame = on_frame,
                                                 .bad_frame = on_bad_frame };

static void begin(void *ctx)
{
    struct modbus_test *test = ctx;
    struct err err = { 0 };
    int error = modbus_driver_client(test->device, &err);
    if (error != 0) {
        not_connected(test, error, err.message);
        return;
    }
    modbus_client_attach(test->device->client, &test->user);
    if (modbus_client_is_up(test->device->client)) {
        connected(test);
    } else {
        modbus_client_wake(&test->user);
    }
}

void modbus_test_begin(struct modbus_device *device, struct driver_test *asked)
{
    struct modbus_test *test = busbar_alloc(sizeof(*test));
    test->device = device;
    test->test = asked;
    test->began_us = loop_now_us(device->loop);
    test->user.ops = &user_ops;
    test->user.unit = device->config.unit;
    test->user.in_flight = 1;
    test->user.pause_us = device->config.pause_us;
    test->user.close_when_idle = device->config.close_after_poll;
    test->user.probing = true;
    list_append(&device->tests, &test->link);
    loop_deferred_init(&test->beginning, begin, test);
    loop_defer(device->loop, &test->beginning);
}

void modbus_test_stop_all(struct modbus_device *device)
{
    while (!list_empty(&device->tests)) {
        end_test(list_entry(device->tests.next, struct modbus_test, link));
    }
}
