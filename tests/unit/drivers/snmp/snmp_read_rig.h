/* SPDX-License-Identifier: Apache-2.0 */
/* Polls of one device on a fake host and a fake clock, against the agent of snmp_fake_agent.h. One rig a test; included
 * by one file each. */
#ifndef BUSBAR_TESTS_SNMP_READ_RIG_H
#define BUSBAR_TESTS_SNMP_READ_RIG_H

#include "snmp_fake_agent.h"

#include <stdio.h>

#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_driver.h"
#include "drivers/snmp/snmp_read.h"
#include "drivers/snmp/snmp_rows.h"
#include "model/quality.h"

enum { RIG_POINTS = 300, RIG_LIMITS = 8, RIG_TIMEOUT_US = 1000000, RIG_STEP_US = 50000 };

struct rig_limit {
    char name[32];
    int64_t value;
};

struct rig {
    struct loop *loop;
    struct snmp_client *client;
    struct fake_agent *fake;
    struct snmp_login *login;
    struct snmp_driver_state state;
    struct snmp_device device;
    struct device dev;
    struct point points[RIG_POINTS];
    struct point_class cls;
    struct snmp_address addresses[RIG_POINTS];
    struct snmp_meaning meaning;
    struct snmp_oid_buf oids[RIG_POINTS];
    struct snmp_oid_buf column;
    struct snmp_row_name names[RIG_POINTS];
    char texts[RIG_POINTS][32];
    uint32_t numbers[RIG_POINTS];
    struct sample samples[RIG_POINTS];
    struct request req, others[2];
    int others_done;
    int answers, error, silent_error, answered, polled_now, notes, events;
    uint32_t uptime;
    char note[200];
    struct rig_limit limits[RIG_LIMITS];
    size_t limit_count;
};

static struct rig *rig_now;

/* ---- the fake host ---- */

void *driver_address(const struct device *dev, uint32_t point_index)
{
    (void)dev;
    return &rig_now->addresses[point_index];
}
struct loop *driver_loop(struct driver *drv)
{
    (void)drv;
    return rig_now->loop;
}
void driver_done(struct device *dev, struct request *req, int error)
{
    (void)dev;
    if (req == &rig_now->others[0] || req == &rig_now->others[1]) {
        rig_now->others_done++;
        return;
    }
    assert_ptr_equal(req, &rig_now->req);
    rig_now->answers++;
    rig_now->error = error;
}
void driver_note(struct device *dev, bool sent, const char *words, size_t size)
{
    (void)dev;
    assert_false(sent);
    rig_now->notes++;
    (void)snprintf(rig_now->note, sizeof(rig_now->note), "%.*s", (int)size, words);
}
int driver_event(struct driver *drv, struct device *dev, const struct event *event,
                 driver_cb on_disk, void *ctx)
{
    (void)drv, (void)dev, (void)on_disk, (void)ctx;
    assert_string_equal(event->kind, "row-moved");
    rig_now->events++;
    return 0;
}
void driver_poll_now(struct device *dev, const uint32_t *points, size_t count)
{
    (void)dev;
    (void)points;
    rig_now->polled_now += (int)count;
}
void driver_limit_set(struct device *dev, const char *name, int64_t value)
{
    (void)dev;
    size_t at = 0;
    while (at < rig_now->limit_count && strcmp(rig_now->limits[at].name, name) != 0) {
        at++;
    }
    assert_true(at < RIG_LIMITS);
    rig_now->limit_count = at == rig_now->limit_count ? at + 1 : rig_now->limit_count;
    (void)snprintf(rig_now->limits[at].name, sizeof(rig_now->limits[at].name), "%s", name);
    rig_now->limits[at].value = value;
}
bool driver_limit_get(const struct device *dev, const char *name, int64_t *value)
{
    (void)dev;
    for (size_t i = 0; i < rig_now->limit_count; i++) {
        if (strcmp(rig_now->limits[i].name, name) == 0) {
            *value = rig_now->limits[i].value;
            return true;
        }
    }
    return false;
}

/* ---- what snmp_device.c does ---- */

void snmp_device_answered(struct snmp_device *device)
{
    (void)device;
    rig_now->answered++;
}
void snmp_device_silent(struct snmp_device *device, const struct snmp_answer *answer)
{
    (void)device;
    rig_now->silent_error = answer->error;
}
void snmp_device_uptime(struct snmp_device *device, uint32_t uptime, int64_t at_us)
{
    device->uptime_us = at_us;
    rig_now->uptime = uptime;
}

/* ---- life ---- */

static struct rig *rig_new(enum snmp_version version)
{
    struct rig *rig = busbar_alloc(sizeof(*rig));
    rig_now = rig;
    clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
    rig->loop = loop_new();
    struct snmp_client_options options = { .host = "127.0.0.1" };
    assert_int_equal(snmp_client_open(rig->loop, &options, &rig->client, NULL), 0);
    rig->fake = fake_new(rig->loop);
    rig->login = snmp_login_new(
        &(struct snmp_login){ .version = version, .community = "public", .name = "" });
    rig->state = (struct snmp_driver_state){ .loop = rig->loop, .client = rig->client };
    rig->dev = (struct device){ .name = "switch-1", .points = rig->points };
    rig->cls = (struct point_class){ .as_is = true };
    rig->meaning = (struct snmp_meaning){ .bit = -1, .divisor = 1, .hint = "" };
    rig->device = (struct snmp_device){ .dev = &rig->dev,
                                        .state = &rig->state,
                                        .login = rig->login,
                                        .config = { .timeout_us = RIG_TIMEOUT_US,
                                                    .retries = 1,
                                                    .in_flight = 2,
                                                    .max_oids = 48,
                                                    .max_repetitions = 24,
                                                    .bulk = true } };
    fake_int(rig->fake, "1.3.6.1.2.1.1.3.0", BER_TIMETICKS, 100000);
    return rig;
}

static inline uint32_t rig_point(struct rig *rig, const char *oid, enum snmp_as as)
{
    uint32_t at = (uint32_t)rig->dev.point_count++;
    assert_true(at < RIG_POINTS);
    assert_int_equal(snmp_oid_parse(oid, &rig->oids[at], NULL), 0);
    rig->points[at].cls = &rig->cls;
    rig->addresses[at] = (struct snmp_address){
        .oid = rig->oids[at].oid, .meaning = &rig->meaning, .written = oid, .as = (uint8_t)as
    };
    return at;
}

/* ifEntry column of the row that ifName calls so. */
static inline uint32_t rig_row(struct rig *rig, unsigned column, const char *name)
{
    char oid[64];
    (void)snprintf(oid, sizeof(oid), "1.3.6.1.2.1.2.2.1.%u", column);
    uint32_t at = rig_point(rig, oid, SNMP_AS_IS);
    assert_int_equal(snmp_oid_parse("1.3.6.1.2.1.31.1.1.1.1", &rig->column, NULL), 0);
    (void)snprintf(rig->texts[at], sizeof(rig->texts[at]), "%s", name);
    rig->names[at] = (struct snmp_row_name){ .column = rig->column.oid, .text = rig->texts[at] };
    rig->addresses[at].row = &rig->names[at];
    return at;
}

static inline void rig_name(struct rig *rig, unsigned row, const char *name)
{
    char oid[64];
    (void)snprintf(oid, sizeof(oid), "1.3.6.1.2.1.31.1.1.1.1.%u", row);
    fake_text(rig->fake, oid, name);
}

static inline void rig_cell(struct rig *rig, unsigned column, unsigned row, uint64_t value)
{
    char oid[64];
    (void)snprintf(oid, sizeof(oid), "1.3.6.1.2.1.2.2.1.%u.%u", column, row);
    fake_int(rig->fake, oid, BER_COUNTER32, value);
}

static void rig_start(struct rig *rig)
{
    for (uint32_t i = 0; i < rig->dev.point_count; i++) {
        rig->numbers[i] = i;
    }
    struct snmp_agent_options options = { .address = rig->fake->address,
                                          .login = rig->login,
                                          .timeout_us = rig->device.config.timeout_us,
                                          .retries = rig->device.config.retries,
                                          .in_flight = rig->device.config.in_flight };
    rig->device.agent = snmp_agent_new(rig->client, &options);
    rig->device.rows = snmp_rows_new(&rig->device);
    rig->device.reads = snmp_reads_new(&rig->device);
}

static void rig_stop(struct rig *rig)
{
    snmp_reads_stop(&rig->device);
    snmp_rows_stop(rig->device.rows);
    snmp_agent_free(rig->device.agent);
    snmp_unplan(&rig->dev, &rig->req);
    snmp_reads_free(rig->device.reads);
    snmp_rows_free(rig->device.rows);
    rig->device.agent = NULL;
}

static void rig_free(struct rig *rig)
{
    rig_stop(rig);
    snmp_client_close(rig->client);
    fake_free(rig->fake);
    snmp_login_drop(rig->login);
    struct loop_stats stats;
    loop_stats(rig->loop, &stats);
    assert_int_equal(stats.timers, 0);
    loop_free(rig->loop);
    clock_fake_off();
    busbar_free(rig);
}

static void rig_run(struct rig *rig, int64_t us)
{
    for (int i = 0; i < 30; i++) {
        loop_turn(rig->loop, false);
    }
    for (; us > 0; us -= RIG_STEP_US) {
        loop_advance_for_test(rig->loop, us < RIG_STEP_US ? us : RIG_STEP_US);
        for (int i = 0; i < 10; i++) {
            loop_turn(rig->loop, false);
        }
    }
}

static void rig_begin(struct rig *rig)
{
    int before = rig->answers;
    memset(rig->samples, 0xee, sizeof(rig->samples));
    rig->req.points = rig->numbers;
    rig->req.samples = rig->samples;
    rig->req.count = rig->dev.point_count;
    rig->req.deadline_us = clock_mono_us() + 10 * RIG_TIMEOUT_US;
    snmp_read_begin(&rig->device, &rig->req);
    assert_int_equal(rig->answers, before); /* never before it returned */
}

/* One poll that is answered without time passing. */
static void rig_poll(struct rig *rig)
{
    int before = rig->answers;
    rig_begin(rig);
    for (int i = 0; i < 30 && rig->answers == before; i++) {
        rig_run(rig, 0);
    }
    assert_int_equal(rig->answers, before + 1);
}

static inline void rig_good(const struct rig *rig, uint32_t point, int64_t value)
{
    assert_int_equal(rig->samples[point].quality, QUALITY_GOOD);
    assert_int_equal(rig->samples[point].type, VALUE_INT);
    assert_int_equal(rig->samples[point].value.i, value);
}

static inline void rig_bad(const struct rig *rig, uint32_t point, uint16_t detail)
{
    assert_int_not_equal(rig->samples[point].quality, QUALITY_GOOD);
    assert_int_equal(rig->samples[point].type, VALUE_NONE);
    assert_int_equal(rig->samples[point].detail, detail);
}

#endif
