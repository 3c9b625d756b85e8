/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator against the real driver and host, over loopback, in one process and on one loop:
 * values, writes, all transports, every fault and what the gateway makes of it, control lines. Real
 * time. */
#include "sim/sim.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/host.h"
#include "driver/trust.h"
#include "drivers/catalog.h"
#include "model/quality.h"
#include "net/timer.h"
#include "support/free_port.h"

enum { DEVICES_MAX = 16, WAIT_MS = 10000 };

struct bench {
    struct loop *loop;
    struct sim *sim;
    struct registry *registry;
    struct bus *bus;
    struct host *host;
    struct trust *trust;
    struct device *served[DEVICES_MAX], *polled[DEVICES_MAX];
    size_t count;
    bool stopped;
    char folder[64];
    struct config_protocol protocols[8]; /* a configuration points to them */
    int port;                            /* the first of the ports that the configuration uses */
};

/* ---- a configuration, twice: once simulated, once polled ---- */

static struct config *load(struct bench *bench, const char *format)
{
    size_t count = 0;
    for (const struct driver_ops *const *ops = drivers_catalog(); *ops != NULL; ops++) {
        bench->protocols[count++] = (struct config_protocol){
            .name = (*ops)->name,
            .device_options = (*ops)->device_options,
            .point_options = (*ops)->point_options,
            .address_bytes = (*ops)->address_bytes,
            .check = (*ops)->check,
            .resolve = (*ops)->resolve,
        };
    }
    struct buf text;
    struct problems problems;
    struct config *config = NULL;
    struct config_env env = { .protocols = bench->protocols, .protocol_count = count };
    buf_init(&text, 1 << 20);
    for (const char *at = format; *at != '\0'; at++) { /* $0-$9: a port, $d: the folder */
        if (*at == '$' && at[1] == 'd') {
            buf_append_text(&text, bench->folder);
        } else if (*at == '$') {
            buf_printf(&text, "%d", bench->port + at[1] - '0');
        } else {
            buf_append_byte(&text, (uint8_t)*at);
        }
        at += *at == '$' ? 1 : 0;
    }
    struct config_text source = { "site.yaml", buf_text(&text), text.size };
    problems_init(&problems);
    int error = config_load_texts(&source, 1, &env, &config, &problems);
    if (error != 0) {
        buf_clear(&text);
        problems_print(&problems, &text);
        print_error("%s", buf_text(&text));
    }
    assert_int_equal(error, 0);
    problems_fini(&problems);
    buf_fini(&text);
    return config;
}

static int store(void *ctx, const struct sample *samples, size_t count, bus_stored_cb stored,
                 void *stored_ctx)
{
    (void)ctx;
    (void)samples;
    (void)count;
    (void)stored;
    (void)stored_ctx;
    return 0;
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){ .port = test_free_port() };
    str_format(bench->folder, sizeof(bench->folder), "/tmp/busbar-sim-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    busbar_log_level(LOG_LEVEL_ERROR);
    bench->loop = loop_new();
    bench->sim = sim_new(bench->loop, 1);
    bench->registry = registry_new();
    bench->bus = bus_new(store, NULL);
    char certificates[128];
    str_format(certificates, sizeof(certificates), "%s/certificates", bench->folder);
    assert_int_equal(trust_open(certificates, &bench->trust, NULL), 0);
    bench->host = host_new(&(struct host_config){ .loop = bench->loop,
                                                  .bus = bench->bus,
                                                  .catalog = drivers_catalog(),
                                                  .trust = bench->trust,
                                                  .seed = 1 });
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_certificates(const struct bench *bench)
{
    char folder[128];
    str_format(folder, sizeof(folder), "%s/certificates", bench->folder);
    assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void serve_and_poll(struct bench *bench, const char *text)
{
    struct config *config = load(bench, text);
    uint32_t id = 1;
    for (size_t i = 0; i < config->device_count; i++) {
        const struct config_device *from = &config->devices[i];
        struct device **served = &bench->served[bench->count];
        struct device **polled = &bench->polled[bench->count++];
        struct err err = { 0 };
        assert_int_equal(config_make_device(config, from, bench->registry, served, &err), 0);
        assert_int_equal(config_make_device(config, from, bench->registry, polled, &err), 0);
        int error = sim_add(bench->sim, *served, &err);
        assert_string_equal(err.message, "");
        assert_int_equal(error, 0);
        for (size_t j = 0; j < (*polled)->point_count; j++) {
            (*polled)->points[j].last.point = id++;
            (*polled)->points[j].last.quality = QUALITY_NOT_YET;
        }
        struct host_device_settings settings = { from->timeout_us, from->retries, from->in_flight };
        assert_int_equal(host_add(bench->host, *polled, &settings, &err), 0);
    }
    config_free(config);
}

static void set_true(void *ctx)
{
    *(bool *)ctx = true;
}

static void bench_fini(struct bench *bench)
{
    char command[128];
    host_stop(bench->host, set_true, &bench->stopped);
    while (!bench->stopped) {
        loop_turn(bench->loop, true);
    }
    host_free(bench->host);
    trust_close(bench->trust);
    remove_certificates(bench);
    sim_free(bench->sim);
    loop_free(bench->loop);
    bus_free(bench->bus);
    for (size_t i = 0; i < bench->count; i++) {
        device_free(bench->served[i]);
        device_free(bench->polled[i]);
    }
    registry_free(bench->registry);
    const char *const files[] = { "ca.pem", "ca.pem.server.pem", "gateway.pem", "control" };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        str_format(command, sizeof(command), "%s/%s", bench->folder, files[i]);
        (void)unlink(command);
    }
    assert_int_equal(rmdir(bench->folder), 0); /* a line's link is gone, too */
}

/* ---- waiting ---- */

static void nothing(struct timer *timer, void *ctx)
{
    (void)timer;
    (void)ctx;
}

static bool wait_for(struct bench *bench, bool (*until)(const struct bench *, const void *),
                     const void *ctx)
{
    struct timer pulse; /* so that a turn does not wait for ever */
    int64_t end_us = clock_mono_us() + WAIT_MS * CLOCK_US_PER_MS;
    timer_init(&pulse, bench->loop, nothing, NULL);
    timer_start(&pulse, 10, 10);
    bool done = until(bench, ctx);
    while (!done && clock_mono_us() < end_us) {
        loop_turn(bench->loop, true);
        done = until(bench, ctx);
    }
    timer_stop(&pulse);
    return done;
}

static bool time_is(const struct bench *bench, const void *ctx)
{
    (void)bench;
    return clock_mono_us() >= *(const int64_t *)ctx;
}

static void wait_ms(struct bench *bench, int ms)
{
    int64_t at_us = clock_mono_us() + ms * CLOCK_US_PER_MS;
    assert_true(wait_for(bench, time_is, &at_us));
}

static struct device *polled(const struct bench *bench, const char *name)
{
    for (size_t i = 0; i < bench->count; i++) {
        if (strcmp(bench->polled[i]->name, name) == 0) {
            return bench->polled[i];
        }
    }
    return NULL;
}

static const struct point *point(const struct bench *bench, const char *path)
{
    char copy[64];
    str_copy(copy, sizeof(copy), path);
    char *slash = strchr(copy, '/');
    *slash = '\0';
    return device_point(polled(bench, copy), slash + 1);
}

struct expected {
    const char *path;
    uint8_t quality;
    uint16_t detail;
};

static bool has_quality(const struct bench *bench, const void *ctx)
{
    const struct expected *expected = ctx;
    const struct point *pt = point(bench, expected->path);
    return pt->last.quality == expected->quality && pt->last.detail == expected->detail;
}

static void expect(struct bench *bench, const char *path, uint8_t quality, uint16_t detail)
{
    struct expected expected = { path, quality, detail };
    if (!wait_for(bench, has_quality, &expected)) {
        const struct sample *last = &point(bench, path)->last;
        print_error("%s is %s (%u), not %s\n", path, quality_reason(last->quality), last->detail,
                    quality_reason(quality));
        fail();
    }
}

static void set_fault(struct bench *bench, const char *text)
{
    struct err err = { 0 };
    int error = sim_fault(bench->sim, text, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(error, 0);
}

static void command(struct bench *bench, const char *line, const char *answer)
{
    struct buf out;
    buf_init(&out, 4096);
    sim_command(bench->sim, line, &out);
    assert_string_equal(buf_text(&out), answer);
    buf_fini(&out);
}

static double number(const struct bench *bench, const char *path)
{
    double value = 0.0;
    const struct point *pt = point(bench, path);
    assert_true(value_number(pt->last.type, pt->last.value, &value));
    return value;
}

/* ---- the tests ---- */

static const char every_transport[] =
    "version: 1\n"
    "defaults: { every: 100ms }\n"
    "devices:\n"
    "  meter-1:\n"
    "    modbus: { tcp: '127.0.0.1:$1', unit_id: 3 }\n"
    "    points:\n"
    "      power: { register: 40101, type: float32, order: CDAB, units: kW }\n"
    "      energy: { holding: 102, type: uint32, scale: 0.1, units: kWh, counter: true }\n"
    "      breaker: { coil: 0, enum: [open, closed], write: {} }\n"
    "      temp: { input: 5, type: int16, scale: 0.1, units: degC }\n"
    "      sp: { holding: 110, type: int16, scale: 0.1, units: degC, write: { min: 16, max: 26 } "
    "}\n"
    "      alarm: { discrete: 17 }\n"
    "      serial: { holding: 120, type: string, length: 16 }\n"
    "  meter-2:\n"
    "    modbus: { tcp: '127.0.0.1:$1', unit_id: 4 }\n"
    "    points: { volt: { holding: 0, type: uint16, units: V } }\n"
    "  rtu-1:\n"
    "    modbus: { rtu_tcp: '127.0.0.1:$2', unit_id: 9 }\n"
    "    points: { volt: { holding: 0, type: uint16, units: V } }\n"
    "  line-1:\n"
    "    modbus: { serial: $d/line, unit_id: 1, baud: 115200 }\n"
    "    points: { volt: { holding: 0, type: uint16, units: V } }\n"
    "  line-2:\n"
    "    modbus: { serial: $d/line, unit_id: 2, baud: 115200 }\n"
    "    points: { volt: { holding: 0, type: uint16, units: V } }\n"
    "  tls-1:\n"
    "    modbus: { tls: '127.0.0.1:$3', ca: $d/ca.pem, certificate: $d/gateway.pem }\n"
    "    points: { volt: { holding: 0, type: uint16, units: V } }\n";

static void every_transport_serves_believable_values(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    serve_and_poll(&bench, every_transport);
    expect(&bench, "meter-1/power", QUALITY_GOOD, 0);
    assert_true(number(&bench, "meter-1/power") > 30 && number(&bench, "meter-1/power") < 220);
    assert_true(number(&bench, "meter-1/energy") > 40000);
    assert_true(number(&bench, "meter-1/temp") > 15 && number(&bench, "meter-1/temp") < 28);
    assert_true(number(&bench, "meter-1/sp") == 21.0);
    assert_int_equal(point(&bench, "meter-1/alarm")->last.type, VALUE_BOOL);
    assert_memory_equal(point(&bench, "meter-1/serial")->last.value.text->bytes, "meter-1 serial ",
                        15);
    const char *const volts[] = { "meter-2/volt", "rtu-1/volt", "line-1/volt", "line-2/volt",
                                  "tls-1/volt" };
    for (size_t i = 0; i < sizeof(volts) / sizeof(volts[0]); i++) {
        expect(&bench, volts[i], QUALITY_GOOD, 0);
        assert_true(number(&bench, volts[i]) > 200 && number(&bench, volts[i]) < 260);
    }
    bench_fini(&bench);
}

static void written(void *ctx, const struct host_write_result *result)
{
    *(struct host_write_result *)ctx = *result;
}

static bool was_told(const struct bench *bench, const void *ctx)
{
    (void)bench;
    return ((const struct host_write_result *)ctx)->message[0] != '\0';
}

static void what_is_written_is_kept(void **state)
{
    (void)state;
    struct bench bench;
    struct host_write_result result = { 0 };
    bench_init(&bench);
    serve_and_poll(&bench, every_transport);
    expect(&bench, "meter-1/sp", QUALITY_GOOD, 0);
    struct point *sp = device_point(polled(&bench, "meter-1"), "sp");
    assert_int_equal(host_write(bench.host, sp, VALUE_DOUBLE, (union value){ .d = 22.5 }, NULL, 0,
                                written, &result, NULL),
                     0);
    assert_true(wait_for(&bench, was_told, &result));
    assert_int_equal(result.error, 0);
    assert_true(result.after.value.d == 22.5);
    wait_ms(&bench, 600);
    assert_true(number(&bench, "meter-1/sp") == 22.5);
    command(&bench, "set meter-1/sp 17.5", "ok\n");
    command(&bench, "set meter-1/power 99.5", "ok\n");
    command(&bench, "set meter-1/breaker closed", "ok\n");
    wait_ms(&bench, 400);
    assert_true(number(&bench, "meter-1/sp") == 17.5);
    assert_true(number(&bench, "meter-1/power") == 99.5);
    assert_true(number(&bench, "meter-1/breaker") == 1);
    command(&bench, "set meter-1/power auto", "ok\n");
    wait_ms(&bench, 600);
    assert_true(number(&bench, "meter-1/power") != 99.5);
    command(&bench, "set meter-1/temp 4000",
            "error: '4000' does not fit the point: out of range\n");
    command(&bench, "set meter-1/none 1", "error: no point 'meter-1/none' is simulated\n");
    bench_fini(&bench);
}

static const char two_units[] = "version: 1\n"
                                "defaults: { every: 50ms, timeout: 2s, retries: 0 }\n"
                                "devices:\n"
                                "  one:\n"
                                "    modbus: { tcp: '127.0.0.1:$1', unit_id: 1, timeout: 150ms }\n"
                                "    points:\n"
                                "      a: { holding: 0, units: V }\n"
                                "      b: { holding: 4, units: V }\n"
                                "  two:\n"
                                "    modbus: { tcp: '127.0.0.1:$2', unit_id: 2, timeout: 150ms }\n"
                                "    points: { a: { holding: 0, units: V } }\n";

/* Sets a fault, waits for what the gateway makes of it, ends it, waits until all is well again. */
static void break_and_mend(struct bench *bench, const char *fault, uint8_t quality, uint16_t detail)
{
    uint64_t before = point(bench, "two/a")->received;
    char text[64];
    str_format(text, sizeof(text), "one=%s", fault);
    set_fault(bench, text);
    expect(bench, "one/a", quality, detail);
    assert_int_equal(point(bench, "two/a")->last.quality, QUALITY_GOOD);
    set_fault(bench, "one=none");
    expect(bench, "one/a", QUALITY_GOOD, 0);
    assert_true(point(bench, "two/a")->received > before); /* the neighbour went on */
}

static void silence_and_slowness_are_no_answer(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    serve_and_poll(&bench, two_units);
    expect(&bench, "one/a", QUALITY_GOOD, 0);
    expect(&bench, "two/a", QUALITY_GOOD, 0);
    break_and_mend(&bench, "silence", QUALITY_NO_ANSWER, 0);
    break_and_mend(&bench, "slow:400ms", QUALITY_NO_ANSWER, 0);
    break_and_mend(&bench, "truncate", QUALITY_NO_ANSWER, 0);
    bench_fini(&bench);
}

static void a_refusal_carries_its_code(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    serve_and_poll(&bench, two_units);
    expect(&bench, "one/a", QUALITY_GOOD, 0);
    set_fault(&bench, "one=exception:4");
    expect(&bench, "one/a", QUALITY_REFUSED, 4);
    bench_fini(&bench);
}

static void a_closed_port_is_a_link_down(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    serve_and_poll(&bench, two_units);
    expect(&bench, "one/a", QUALITY_GOOD, 0);
    expect(&bench, "two/a", QUALITY_GOOD, 0);
    break_and_mend(&bench, "down", QUALITY_LINK_DOWN, 0);
    break_and_mend(&bench, "close", QUALITY_LINK_DOWN, 0);
    bench_fini(&bench);
}

/* Whatever comes back, it never becomes a value that the device does not have. */
static void nonsense_never_becomes_a_value(void **state)
{
    (void)state;
    struct bench bench;
    const char *const faults[] = { "garbage", "wrong-unit", "wrong-transaction", "truncate" };
    bench_init(&bench);
    serve_and_poll(&bench, two_units);
    expect(&bench, "one/a", QUALITY_GOOD, 0);
    command(&bench, "set one/a 231", "ok\n");
    wait_ms(&bench, 300);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char text[64];
        uint64_t received = point(&bench, "one/a")->received;
        str_format(text, sizeof(text), "one=%s,rate=30%%", faults[i]);
        set_fault(&bench, text);
        wait_ms(&bench, 1200);
        assert_true(number(&bench, "one/a") == 231);
        set_fault(&bench, "one=none");
        expect(&bench, "one/a", QUALITY_GOOD,
               0); /* it may have been given up for a second or two */
        assert_true(point(&bench, "one/a")->received > received);
    }
    struct device_stats stats;
    host_stats(polled(&bench, "one"), &stats);
    assert_true(stats.bad_frames > 0);
    bench_fini(&bench);
}

static void holes_cost_no_point_its_value(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    serve_and_poll(&bench, two_units);
    set_fault(&bench, "one=holes"); /* before the first poll: a and b are read in one */
    expect(&bench, "one/a", QUALITY_GOOD, 0);
    expect(&bench, "one/b", QUALITY_GOOD, 0); /* learned: read apart */
    bench_fini(&bench);
}

static void faults_have_names_and_patterns(void **state)
{
    (void)state;
    struct bench bench;
    struct err err = { 0 };
    bench_init(&bench);
    serve_and_poll(&bench, two_units);
    assert_int_equal(sim_fault(bench.sim, "three=silence", &err), BUSBAR_ENOENT);
    assert_string_equal(err.message, "no device 'three' is simulated");
    command(&bench, "list", "no faults\n");
    command(&bench, "silence",
            "error: 'silence' names no device; write DEVICE=FAULT, as in "
            "meter-1=silence,for=10s\n");
    command(&bench, "one=no-rpm",
            "error: 'no-rpm' is no fault of a modbus device like 'one'; faults: none silence "
            "exception:2 slow:500ms garbage close truncate wrong-unit wrong-transaction down holes "
            "frozen\n");
    command(&bench, "*=silence", "ok\n");
    command(&bench, "two=none", "ok\n");
    command(&bench, "list", "one=silence (0 of 0 requests)\n");
    expect(&bench, "one/a", QUALITY_NO_ANSWER, 0);
    expect(&bench, "two/a", QUALITY_GOOD, 0);
    bench_fini(&bench);
}

static void two_devices_cannot_be_the_same_unit(void **state)
{
    (void)state;
    struct bench bench;
    struct err err = { 0 };
    bench_init(&bench);
    struct config *config = load(&bench, two_units);
    struct device *first, *second, *third;
    assert_int_equal(config_make_device(config, &config->devices[0], bench.registry, &first, &err),
                     0);
    assert_int_equal(config_make_device(config, &config->devices[0], bench.registry, &second, &err),
                     0);
    assert_int_equal(config_make_device(config, &config->devices[1], bench.registry, &third, &err),
                     0);
    assert_int_equal(sim_add(bench.sim, first, &err), 0);
    assert_int_equal(sim_add(bench.sim, second, &err), BUSBAR_EEXIST);
    struct sim *other = sim_new(bench.loop, 1); /* a port that is taken */
    assert_int_equal(sim_add(other, first, &err), BUSBAR_EADDRINUSE);
    assert_int_equal(sim_count(other), 0);
    third->protocol = "telex";
    assert_int_equal(sim_add(bench.sim, third, &err), BUSBAR_EUNSUPPORTED);
    sim_free(other);
    sim_free(bench.sim);
    bench.sim = NULL;
    loop_turn(bench.loop, false);
    device_free(first);
    device_free(second);
    device_free(third);
    config_free(config);
    bench_fini(&bench);
}

static void lines_come_over_a_socket(void **state)
{
    (void)state;
    struct bench bench;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char answer[512] = "";
    size_t got = 0;
    bench_init(&bench);
    serve_and_poll(&bench, two_units);
    str_format(address.sun_path, sizeof(address.sun_path), "%s/control", bench.folder);
    assert_int_equal(sim_control_open(bench.sim, address.sun_path, NULL), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    const char lines[] = "one=frozen,for=1h\nlist\nnonsense\n";
    assert_int_equal(send(fd, lines, sizeof(lines) - 1, 0), sizeof(lines) - 1);
    for (int i = 0; i < 100 && strchr(answer, 'w') == NULL; i++) {
        wait_ms(&bench, 20);
        ssize_t size = recv(fd, answer + got, sizeof(answer) - 1 - got, 0);
        got += size > 0 ? (size_t)size : 0;
    }
    assert_memory_equal(answer, "ok\none=frozen,for=1h (", 22);
    assert_non_null(strstr(answer, "error: 'nonsense' names no device"));
    (void)close(fd);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_transport_serves_believable_values),
        cmocka_unit_test(what_is_written_is_kept),
        cmocka_unit_test(silence_and_slowness_are_no_answer),
        cmocka_unit_test(a_refusal_carries_its_code),
        cmocka_unit_test(a_closed_port_is_a_link_down),
        cmocka_unit_test(nonsense_never_becomes_a_value),
        cmocka_unit_test(holes_cost_no_point_its_value),
        cmocka_unit_test(faults_have_names_and_patterns),
        cmocka_unit_test(two_devices_cannot_be_the_same_unit),
        cmocka_unit_test(lines_come_over_a_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
