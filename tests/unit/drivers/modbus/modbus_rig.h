/* SPDX-License-Identifier: Apache-2.0 */
/* The driver on a fake host, a fake network and a fake clock. The other end is a device made of our own codec
 * whose faults the test chooses. One rig a test; included by one file each. */
#ifndef BUSBAR_TESTS_MODBUS_RIG_H
#define BUSBAR_TESTS_MODBUS_RIG_H

#include "settings_make.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/modbus/modbus.h"
#include "drivers/modbus/modbus_codec.h"
#include "drivers/modbus/modbus_device.h"
#include "model/quality.h"
#include "support/fake_stream.h"

enum { RIG_POINTS = 400, RIG_DEVICES = 4, RIG_LIMITS = 80, RIG_FINDINGS = 64 };

struct driver {
    struct modbus_driver_state state;
    struct loop *loop;
};

struct rig_limit {
    char name[64];
    int64_t value;
};

/* What the fake host keeps of one device. */
struct rig_device {
    struct device dev; /* first */
    struct settings_made settings;
    struct driver *driver;
    struct point points[RIG_POINTS];
    struct modbus_address addresses[RIG_POINTS];
    uint32_t numbers[RIG_POINTS];
    struct sample samples[RIG_POINTS];
    struct request req, write;
    struct sample written[2];
    int answers, error, write_answers, write_error;
    int link_ups, link_downs, link_error;
    int sent, received, bad, retried, stopped, tested;
    char reason[160], link_detail[STREAM_DETAIL_MAX];
    struct rig_limit limits[RIG_LIMITS];
    size_t limit_count;
    struct driver_test *test;
    char findings[RIG_FINDINGS][512];
    int codes[RIG_FINDINGS];
    size_t finding_count;
    bool again; /* ask again from inside driver_done() */
};

struct rig {
    struct driver driver;
    struct fake_net *net;
    struct rig_device devices[RIG_DEVICES];
    size_t device_count;
    /* the device at the other end */
    uint16_t registers[65536];
    bool missing[65536];
    uint16_t most;          /* registers in one read */
    unsigned asked;         /* requests it got */
    uint8_t silent_unit;    /* answers nothing */
    uint8_t gateway_unit;   /* answered with exception 11 */
    uint16_t border;        /* no read goes across this address; 0 = none */
    uint8_t unknown;        /* function answered with exception 1 */
    unsigned busy;          /* so many requests are answered with exception 6 */
    uint16_t written_masks; /* mask writes done */
    unsigned writes;        /* all writes done */
    bool rtu;
};

static struct rig_device *rig_of(const struct device *dev)
{
    return (struct rig_device *)(uintptr_t)dev;
}

/* ---- the fake host ---- */

void *driver_state(struct driver *drv)
{
    return &drv->state;
}
struct loop *driver_loop(struct driver *drv)
{
    return drv->loop;
}
void *driver_address(const struct device *dev, uint32_t point_index)
{
    return &rig_of(dev)->addresses[point_index];
}
struct driver *driver_of(const struct device *dev)
{
    return rig_of(dev)->driver;
}
void driver_done(struct device *dev, struct request *req, int error)
{
    struct rig_device *device = rig_of(dev);
    if (req == &device->write) {
        device->write_answers++;
        device->write_error = error;
        return;
    }
    device->answers++;
    device->error = error;
    if (device->again && error == 0) {
        device->again = false;
        modbus_driver()->read(dev, req);
    }
}
void driver_link(struct device *dev, bool up, int error, const char *detail)
{
    struct rig_device *device = rig_of(dev);
    device->link_ups += up;
    device->link_downs += !up;
    device->link_error = error;
    str_copy(device->link_detail, sizeof(device->link_detail), detail != NULL ? detail : "");
}
void driver_frame(struct device *dev, bool sent, const void *data, size_t size)
{
    struct rig_device *device = rig_of(dev);
    struct buf words;
    device->sent += sent;
    device->received += !sent;
    buf_init(&words, 4096);
    modbus_driver()->describe(dev, sent, data, size, &words);
    assert_true(words.size > 0);
    buf_fini(&words);
}
void driver_bad_frame(struct device *dev, const void *data, size_t size, const char *reason)
{
    struct rig_device *device = rig_of(dev);
    struct buf words;
    device->bad++;
    str_copy(device->reason, sizeof(device->reason), reason);
    buf_init(&words, 4096);
    modbus_driver()->describe(dev, false, data, size, &words);
    buf_fini(&words);
}
void driver_retried(struct device *dev)
{
    rig_of(dev)->retried++;
}
void driver_stopped(struct device *dev)
{
    rig_of(dev)->stopped++;
}
void driver_limit_set(struct device *dev, const char *name, int64_t value)
{
    struct rig_device *device = rig_of(dev);
    size_t at = 0;
    while (at < device->limit_count && strcmp(device->limits[at].name, name) != 0) {
        at++;
    }
    assert_true(at < RIG_LIMITS);
    device->limit_count += at == device->limit_count;
    str_copy(device->limits[at].name, sizeof(device->limits[at].name), name);
    device->limits[at].value = value;
}
bool driver_limit_get(const struct device *dev, const char *name, int64_t *value)
{
    const struct rig_device *device = rig_of(dev);
    for (size_t i = 0; i < device->limit_count; i++) {
        if (strcmp(device->limits[i].name, name) == 0) {
            *value = device->limits[i].value;
            return true;
        }
    }
    return false;
}
struct driver_test {
    struct rig_device *device;
    bool scan;
};
void driver_finding(struct driver_test *test, const char *step, bool fine, int code,
                    const char *seen, const char *hint)
{
    struct rig_device *device = test->device;
    assert_true(device->finding_count < RIG_FINDINGS);
    assert_true(fine == (code == 0));
    device->codes[device->finding_count] = code;
    str_format(device->findings[device->finding_count++], sizeof(device->findings[0]), "%s|%s|%s",
               step, seen, hint);
}
const char *driver_test_option(const struct driver_test *test, const char *name)
{
    return test->scan && strcmp(name, "scan-units") == 0 ? "" : NULL;
}
void driver_tested(struct driver_test *test)
{
    test->device->tested++;
}

/* ---- making and taking down ---- */

static inline void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    clock_fake_set(1000 * CLOCK_US_PER_S, INT64_C(1700000000) * CLOCK_US_PER_S);
    rig->driver.loop = loop_new();
    rig->net = fake_net_new(rig->driver.loop);
    rig->most = 125;
    for (unsigned i = 0; i < 65536; i++) {
        rig->registers[i] = (uint16_t)(i * 7 + 1);
    }
    assert_int_equal(modbus_driver()->open(&rig->driver, NULL), 0);
}

/* A device with the settings of `pairs` and `count` holding registers from `start`. */
static inline struct rig_device *rig_add(struct rig *rig, const char *const *pairs, uint16_t start,
                                         size_t count)
{
    assert_true(rig->device_count < RIG_DEVICES && count <= RIG_POINTS);
    struct rig_device *device = &rig->devices[rig->device_count++];
    device->driver = &rig->driver;
    device->dev.name = "meter";
    device->dev.points = device->points;
    device->dev.point_count = count;
    device->dev.addresses = device->addresses;
    device->dev.settings = (void *)(uintptr_t)settings_make(&device->settings,
                                                            modbus_device_options, pairs);
    device->dev.driver = busbar_alloc(modbus_driver()->device_bytes);
    for (uint32_t i = 0; i < count; i++) {
        device->points[i] = (struct point){ .name = "p", .device = &device->dev };
        device->addresses[i] = (struct modbus_address){ .start = (uint16_t)(start + i),
                                                        .count = 1,
                                                        .table = MODBUS_HOLDING,
                                                        .type = MODBUS_UINT16,
                                                        .bit = MODBUS_BIT_ALL };
        device->numbers[i] = i;
    }
    device->req = (struct request){ .points = device->numbers,
                                    .samples = device->samples,
                                    .count = count };
    assert_int_equal(modbus_driver()->add(&rig->driver, &device->dev, NULL), 0);
    assert_int_equal(modbus_driver()->start(&device->dev), 0);
    return device;
}

static inline void rig_fini(struct rig *rig)
{
    for (size_t i = 0; i < rig->device_count; i++) {
        struct rig_device *device = &rig->devices[i];
        modbus_driver()->stop(&device->dev);
        assert_int_equal(device->stopped, 1);
        modbus_driver()->unplan(&device->dev, &device->req);
        modbus_driver()->remove(&device->dev);
        busbar_free(device->dev.driver);
    }
    modbus_driver()->close(&rig->driver);
    loop_advance_for_test(rig->driver.loop, CLOCK_US_PER_MS);
    fake_net_free(rig->net);
    loop_free(rig->driver.loop);
    clock_fake_off();
}

static inline void rig_pass(struct rig *rig, int64_t ms)
{
    loop_advance_for_test(rig->driver.loop, ms * CLOCK_US_PER_MS);
}

static inline struct fake_peer *rig_accept(struct rig *rig)
{
    rig_pass(rig, 0);
    struct fake_peer *peer = fake_net_last(rig->net);
    fake_peer_accept(peer);
    rig_pass(rig, 0);
    return peer;
}

static inline void rig_read(struct rig_device *device)
{
    memset(device->samples, 0xee, sizeof(device->samples));
    modbus_driver()->read(&device->dev, &device->req);
}

static inline void rig_write(struct rig_device *device, uint32_t point, uint8_t type,
                             union value value)
{
    device->written[0] = (struct sample){ .type = type, .value = value };
    device->write = (struct request){ .points = &device->numbers[point],
                                      .samples = device->written,
                                      .count = 1 };
    modbus_driver()->write(&device->dev, &device->write);
}

static inline int64_t rig_limit(const struct rig_device *device, const char *name)
{
    int64_t value = -1;
    (void)driver_limit_get(&device->dev, name, &value);
    return value;
}

/* ---- the device at the other end ---- */

static inline uint8_t rig_exception(struct rig *rig, uint8_t unit, const struct modbus_ask *ask)
{
    if (rig->busy > 0) {
        rig->busy--;
        return MODBUS_EXCEPTION_BUSY;
    }
    if (unit == rig->gateway_unit) {
        return MODBUS_EXCEPTION_GATEWAY_TARGET;
    }
    if (ask->function == rig->unknown) {
        return MODBUS_EXCEPTION_FUNCTION;
    }
    for (unsigned i = 0; i < ask->count; i++) {
        if (ask->address + i > 65535 || rig->missing[ask->address + i]) {
            return MODBUS_EXCEPTION_ADDRESS;
        }
    }
    if (rig->border > ask->address && rig->border < ask->address + ask->count) {
        return MODBUS_EXCEPTION_ADDRESS;
    }
    return ask->count > rig->most && modbus_read_bytes(ask) > 0 ? MODBUS_EXCEPTION_VALUE : 0;
}

static inline void rig_do(struct rig *rig, const struct modbus_ask *ask, uint8_t *data,
                          struct modbus_reply *reply)
{
    uint16_t *at = &rig->registers[ask->address];
    reply->address = ask->address;
    reply->count = ask->count;
    reply->data = ask->data;
    rig->writes += ask->function == 5 || ask->function == 6 || ask->function >= 15;
    switch (ask->function) {
    case MODBUS_READ_HOLDING:
    case MODBUS_READ_INPUT:
        reply->size = (uint8_t)(ask->count * 2);
        for (unsigned i = 0; i < ask->count; i++) {
            data[2 * i] = (uint8_t)(at[i] >> 8);
            data[2 * i + 1] = (uint8_t)at[i];
        }
        reply->data = data;
        break;
    case MODBUS_READ_COILS:
    case MODBUS_READ_DISCRETE:
        reply->size = (uint8_t)((ask->count + 7) / 8);
        memset(data, 0, reply->size);
        for (unsigned i = 0; i < ask->count; i++) {
            data[i / 8] |= (uint8_t)((at[i] & 1) << i % 8);
        }
        reply->data = data;
        break;
    case MODBUS_WRITE_COIL: *at = ask->data[0] == 0xff; break;
    case MODBUS_WRITE_COILS: *at = ask->data[0] & 1; break;
    case MODBUS_MASK_WRITE:
        *at = (uint16_t)((*at & ask->and_mask) | (ask->or_mask & ~ask->and_mask));
        reply->and_mask = ask->and_mask;
        reply->or_mask = ask->or_mask;
        rig->written_masks++;
        break;
    case MODBUS_IDENTIFY:
        reply->id_code = ask->id_code;
        reply->id_count = 1;
        reply->data = (const uint8_t *)"\0\4Acme";
        reply->size = 6;
        break;
    default:
        for (unsigned i = 0; i < ask->count; i++) {
            at[i] = (uint16_t)((unsigned)ask->data[2 * i] << 8 | ask->data[2 * i + 1]);
        }
        if (ask->function == MODBUS_READ_WRITE) {
            reply->size = ask->size;
        }
        break;
    }
}

/* One request out of `in` answered into `frame`; 0: no whole request, or no answer. *used: bytes taken. */
static inline size_t rig_answer(struct rig *rig, const uint8_t *in, size_t size, size_t *used,
                                uint8_t frame[MODBUS_TCP_MAX])
{
    struct bytes cursor = bytes_of(in, size);
    struct bytes pdu;
    struct modbus_header header = { 0 };
    if (rig->rtu) {
        size_t whole = modbus_rtu_ask_size(cursor);
        assert_true(whole != 0 && whole <= size);
        struct bytes one = bytes_of(in, whole);
        assert_int_equal(modbus_get_rtu(&one, &header.unit, &pdu), 0);
        *used = whole;
    } else {
        assert_int_equal(modbus_get_header(&cursor, &header), 0);
        pdu = bytes_get_bytes(&cursor, header.length - 1u);
        *used = 6u + header.length;
    }
    struct modbus_ask ask;
    uint8_t data[MODBUS_PDU_MAX];
    assert_int_equal(modbus_get_ask(&pdu, &ask), 0);
    rig->asked++;
    if (header.unit == rig->silent_unit) {
        return 0;
    }
    struct modbus_reply reply = { .function = ask.function };
    reply.exception = rig_exception(rig, header.unit, &ask);
    if (reply.exception == 0) {
        rig_do(rig, &ask, data, &reply);
    }
    struct bytes_out out = bytes_out_of(frame, MODBUS_TCP_MAX);
    if (rig->rtu) {
        bytes_put_u8(&out, header.unit);
        modbus_put_reply(&out, &reply);
        modbus_put_crc(&out, 0);
        return bytes_out_size(&out);
    }
    modbus_put_header(&out, &header);
    modbus_put_reply(&out, &reply);
    size_t total = bytes_out_size(&out);
    struct bytes_out length = bytes_out_of(frame + 4, 2);
    bytes_put_u16(&length, (uint16_t)(total - 6));
    return total;
}

/* Answers all that waits and what comes of it. Returns how many requests there were. */
static inline unsigned rig_serve(struct rig *rig)
{
    unsigned served = 0;
    for (;;) {
        rig_pass(rig, rig->rtu ? 10 : 0);
        struct fake_peer *peer = fake_net_last(rig->net);
        size_t size;
        const uint8_t *in = fake_peer_sent(peer, &size);
        if (size == 0 || fake_peer_closed(peer)) {
            return served;
        }
        uint8_t frame[MODBUS_TCP_MAX];
        size_t used;
        size_t answer = rig_answer(rig, in, size, &used, frame);
        fake_peer_drop(peer, used);
        served++;
        if (answer > 0) {
            fake_peer_send(peer, frame, answer);
        }
    }
}

#endif
