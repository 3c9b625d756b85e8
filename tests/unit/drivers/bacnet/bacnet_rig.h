/* SPDX-License-Identifier: Apache-2.0 */
/* The driver on a fake host and a fake clock, over loopback to a real node that plays a device whose faults the
 * test chooses. One rig a test; included by one file each. */
#ifndef BUSBAR_TESTS_BACNET_RIG_H
#define BUSBAR_TESTS_BACNET_RIG_H

#include "../modbus/settings_make.h"

#include <math.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drivers/bacnet/bacnet.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/service/cov_notification.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/service/subscribe_cov.h"
#include "drivers/bacnet/service/write_property.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/numbers.h"
#include "model/quality.h"

enum {
    RIG_POINTS = 400,
    RIG_LIMITS = 32,
    RIG_FINDINGS = 64,
    RIG_DEVICE = 2001,
    RIG_PENDING = 16, /* publications that are not on disk yet */
    PACE_US = 5000,
    STEP_US = 100000,
};

struct driver {
    struct bacnet_driver_state state;
    struct loop *loop;
};

struct rig_limit {
    char name[64];
    int64_t value;
};

/* An analog value of the device at the other end. */
struct rig_object {
    float value;
    uint8_t flags; /* enum bacnet_status_flag */
    uint8_t reliability;
    uint16_t refused; /* error code of its present-value; 0 = none */
    bool subscribed, confirmed;
    bool by_property;
    uint32_t lifetime_s;
    float increment;
};

struct rig {
    struct driver driver;
    struct setup setup;
    struct setup_part part;
    struct settings_made made, part_made;
    char own[32], other[32], part_address[40];
    /* the host's side */
    struct device dev;
    struct point points[RIG_POINTS];
    struct bacnet_target targets[RIG_POINTS];
    uint32_t numbers[RIG_POINTS];
    struct sample samples[RIG_POINTS];
    struct request req, write;
    struct driver_write how;
    struct sample written[4];
    int answers, error, write_answers, write_error;
    int link_ups, link_downs, link_error, stopped, tested, bad, retried;
    char link_detail[512], reason[160];
    struct rig_limit limits[RIG_LIMITS];
    size_t limit_count;
    char findings[RIG_FINDINGS][512];
    int codes[RIG_FINDINGS];
    size_t finding_count;
    int64_t watched[RIG_POINTS]; /* every_us of each point; 0 = polled */
    struct sample published[RIG_POINTS];
    unsigned publications;
    bool keeps_events; /* else they are refused: the log is busy */
    int acknowledged, ack_error;
    uint16_t ack_detail;
    bool disk_waits; /* on_disk is not called until rig_on_disk() */
    struct {
        driver_cb cb;
        void *ctx;
    } pending[RIG_PENDING];
    size_t pending_count;
    /* the device's side */
    struct bacnet_node *node;
    struct bacnet_peer *back; /* us, as the device sees us */
    struct rig_object objects[RIG_POINTS];
    uint32_t services_missing; /* bits of Protocol_Services_Supported that are not set */
    bool silent, no_multiple, no_multiple_said, no_cov, no_cov_property;
    unsigned properties_most;    /* of one ReadPropertyMultiple; 0 = any */
    size_t answer_most;          /* bytes of an answer; 0 = any */
    unsigned subscriptions_most; /* 0 = any */
    bool empty;                  /* answers to ReadPropertyMultiple hold nothing */
    unsigned busy;               /* so many requests are answered with an error of class device */
    unsigned lose;               /* so many requests are not answered */
    unsigned asked[64];          /* requests by service */
    unsigned subscriptions, cancels, acked, not_acked;
    uint8_t write_priority;
    bool write_null;
    uint8_t write_type;
    struct bacnet_ask notifying;
    uint32_t process; /* whose subscription it notifies; 0: ours */
    uint8_t notice[256];
    uint8_t restart_second;
    /* what a test does otherwise; NULL: as the rig does it */
    bool (*property)(struct rig *rig, struct bacnet_object object, uint32_t property,
                     uint32_t index, struct bytes_out *out, uint16_t *error);
    bool (*service)(struct rig *rig, struct bacnet_request *request);
    void (*heard)(struct rig *rig, const struct bacnet_notice *notice);
    void (*found)(struct rig *rig, struct driver_discovery *asked, const struct driver_find *find);
    void (*discovered)(struct rig *rig, int error, const char *message);
    void (*told)(struct rig *rig, const struct driver_node *node);
    void (*browsed)(struct rig *rig, int error, const char *message);
    void (*happened)(struct rig *rig, const struct event *event);
    void (*stored)(struct rig *rig, const uint32_t *points, const struct sample *samples,
                   size_t count);
    bool others; /* more nodes than two talk: their counts do not say when it is quiet */
    const char *browse_at;
    const char *const *options; /* of a discovery: name, value, ..., NULL */
};

static struct rig *rig_now; /* the one rig of the test */

/* ---- the fake host ---- */

struct driver_test {
    int unused;
};

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
    (void)dev;
    return &rig_now->targets[point_index];
}
struct driver *driver_of(const struct device *dev)
{
    (void)dev;
    return &rig_now->driver;
}
const struct setup *driver_setup(const struct driver *drv)
{
    (void)drv;
    return &rig_now->setup;
}
struct device *driver_next_device(const struct driver *drv, const struct device *after)
{
    (void)drv;
    return after == NULL ? &rig_now->dev : NULL;
}
void driver_done(struct device *dev, struct request *req, int error)
{
    (void)dev;
    if (req == &rig_now->write) {
        rig_now->write_answers++;
        rig_now->write_error = error;
        return;
    }
    rig_now->answers++;
    rig_now->error = error;
}
int driver_publish(struct device *dev, const uint32_t *points, struct sample *samples, size_t count,
                   driver_cb on_disk, void *ctx)
{
    (void)dev;
    rig_now->publications++;
    if (rig_now->stored != NULL) {
        rig_now->stored(rig_now, points, samples, count);
    }
    for (size_t i = 0; i < count; i++) {
        rig_now->published[points[i]] = samples[i];
    }
    if (on_disk != NULL) {
        assert_true(rig_now->pending_count < RIG_PENDING);
        rig_now->pending[rig_now->pending_count].cb = on_disk;
        rig_now->pending[rig_now->pending_count++].ctx = ctx;
    }
    return 0;
}
void driver_watched(struct device *dev, const uint32_t *points, size_t count, int64_t every_us)
{
    (void)dev;
    for (size_t i = 0; i < count; i++) {
        rig_now->watched[points[i]] = every_us;
    }
}
void driver_link(struct device *dev, bool up, int error, const char *detail)
{
    (void)dev;
    rig_now->link_ups += up;
    rig_now->link_downs += !up;
    rig_now->link_error = error;
    str_copy(rig_now->link_detail, sizeof(rig_now->link_detail), detail != NULL ? detail : "");
}
void driver_frame(struct device *dev, bool sent, const void *data, size_t size)
{
    struct buf words;
    buf_init(&words, 4096);
    bacnet_driver()->describe(dev, sent, data, size, &words);
    assert_true(words.size > 0);
    buf_fini(&words);
}
void driver_bad_frame(struct device *dev, const void *data, size_t size, const char *reason)
{
    (void)dev;
    (void)data;
    (void)size;
    rig_now->bad++;
    str_copy(rig_now->reason, sizeof(rig_now->reason), reason);
}
void driver_retried(struct device *dev)
{
    (void)dev;
    rig_now->retried++;
}
void driver_stopped(struct device *dev)
{
    (void)dev;
    rig_now->stopped++;
}
void driver_limit_set(struct device *dev, const char *name, int64_t value)
{
    size_t at = 0;
    (void)dev;
    while (at < rig_now->limit_count && strcmp(rig_now->limits[at].name, name) != 0) {
        at++;
    }
    assert_true(at < RIG_LIMITS);
    rig_now->limit_count += at == rig_now->limit_count;
    str_copy(rig_now->limits[at].name, sizeof(rig_now->limits[at].name), name);
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
void driver_finding(struct driver_test *test, const char *step, bool fine, int code,
                    const char *seen, const char *hint)
{
    (void)test;
    assert_true(rig_now->finding_count < RIG_FINDINGS);
    assert_true(fine == (code == 0));
    rig_now->codes[rig_now->finding_count] = code;
    str_format(rig_now->findings[rig_now->finding_count++], sizeof(rig_now->findings[0]),
               "%s|%s|%s", step, seen, hint);
}
const char *driver_test_option(const struct driver_test *test, const char *name)
{
    (void)test;
    (void)name;
    return NULL;
}
void driver_tested(struct driver_test *test)
{
    (void)test;
    rig_now->tested++;
}
int driver_event(struct driver *drv, struct device *dev, const struct event *event,
                 driver_cb on_disk, void *ctx)
{
    (void)drv;
    (void)dev;
    if (rig_now->happened != NULL) {
        rig_now->happened(rig_now, event);
    }
    if (!rig_now->keeps_events) {
        return BUSBAR_EBUSY;
    }
    if (on_disk != NULL) {
        assert_true(rig_now->pending_count < RIG_PENDING);
        rig_now->pending[rig_now->pending_count].cb = on_disk;
        rig_now->pending[rig_now->pending_count++].ctx = ctx;
    }
    return 0;
}
void driver_acknowledged(struct device *dev, struct driver_acknowledge *ack, int error,
                         uint16_t detail)
{
    (void)dev;
    (void)ack;
    rig_now->acknowledged++;
    rig_now->ack_error = error;
    rig_now->ack_detail = detail;
}
void driver_found(struct driver *drv, struct driver_discovery *discovery,
                  const struct driver_find *find)
{
    (void)drv;
    if (rig_now->found != NULL) {
        rig_now->found(rig_now, discovery, find);
    }
}
void driver_discovery_progress(struct driver_discovery *discovery, uint64_t done, uint64_t total)
{
    (void)discovery;
    (void)done;
    (void)total;
}
void driver_discovered(struct driver_discovery *discovery, int error, const char *message)
{
    (void)discovery;
    if (rig_now->discovered != NULL) {
        rig_now->discovered(rig_now, error, message);
    }
}
const char *driver_discovery_option(const struct driver_discovery *discovery, const char *name)
{
    (void)discovery;
    for (const char *const *at = rig_now->options; at != NULL && *at != NULL; at += 2) {
        if (strcmp(at[0], name) == 0) {
            return at[1];
        }
    }
    return NULL;
}
void *driver_discovery_state(const struct driver_discovery *discovery)
{
    (void)discovery;
    return NULL;
}
void driver_discovery_set_state(struct driver_discovery *discovery, void *state)
{
    (void)discovery;
    (void)state;
}
void driver_node(struct driver_browse *browse, const struct driver_node *node)
{
    (void)browse;
    if (rig_now->told != NULL) {
        rig_now->told(rig_now, node);
    }
}
void driver_browse_progress(struct driver_browse *browse, uint64_t done, uint64_t total)
{
    (void)browse;
    (void)done;
    (void)total;
}
void driver_browsed(struct driver_browse *browse, int error, const char *message)
{
    (void)browse;
    if (rig_now->browsed != NULL) {
        rig_now->browsed(rig_now, error, message);
    }
}
const char *driver_browse_at(const struct driver_browse *browse)
{
    (void)browse;
    return rig_now->browse_at != NULL ? rig_now->browse_at : "";
}
void *driver_browse_state(const struct driver_browse *browse)
{
    (void)browse;
    return NULL;
}
void driver_browse_set_state(struct driver_browse *browse, void *state)
{
    (void)browse;
    (void)state;
}

/* ---- the device at the other end ---- */

static struct rig_object *rig_object(struct rig *rig, struct bacnet_object object)
{
    return object.type == BACNET_ANALOG_VALUE && object.instance < RIG_POINTS
               ? &rig->objects[object.instance]
               : NULL;
}

/* A property of the device; an error code, or 0 and its elements. */
static uint16_t rig_device_property(struct rig *rig, uint32_t property, struct bytes_out *out)
{
    switch (property) {
    case BACNET_PROP_PROTOCOL_SERVICES_SUPPORTED: {
        uint8_t *space;
        uint64_t bits = 0;
        static const uint8_t places[] = { 5, 12, 14, 15, 16, 38 };
        for (size_t i = 0; i < sizeof(places); i++) {
            bits |= UINT64_C(1) << places[i];
        }
        bits &= ~(uint64_t)rig->services_missing;
        bacnet_put_tag(out, BACNET_BITS, BACNET_TAG_APPLICATION, 6);
        space = bytes_put_space(out, 6);
        memset(space, 0, 6);
        for (unsigned i = 0; i < 40; i++) {
            space[1 + i / 8] |= (uint8_t)((bits >> i & 1) << (7 - i % 8));
        }
        return 0;
    }
    case BACNET_PROP_PROTOCOL_REVISION: bacnet_put_unsigned(out, BACNET_APPLICATION, 14); return 0;
    case BACNET_PROP_MAX_APDU_LENGTH_ACCEPTED:
        bacnet_put_unsigned(out, BACNET_APPLICATION, 1476);
        return 0;
    case BACNET_PROP_TIME_OF_DEVICE_RESTART: {
        struct bacnet_time time = { .second = rig->restart_second };
        bacnet_put_open(out, 1);
        bacnet_put_time(out, 0, &time);
        bacnet_put_close(out, 1);
        return 0;
    }
    case BACNET_PROP_OBJECT_NAME: bacnet_put_text(out, BACNET_APPLICATION, "Rig", 3); return 0;
    case BACNET_PROP_VENDOR_NAME: bacnet_put_text(out, BACNET_APPLICATION, "Acme", 4); return 0;
    case BACNET_PROP_MODEL_NAME: bacnet_put_text(out, BACNET_APPLICATION, "R-1", 3); return 0;
    default: return BACNET_ERROR_UNKNOWN_PROPERTY;
    }
}

static uint16_t rig_property(struct rig *rig, struct bacnet_object object, uint32_t property,
                             uint32_t index, struct bytes_out *out)
{
    const struct rig_object *at = rig_object(rig, object);
    uint16_t error = 0;
    if (rig->property != NULL && rig->property(rig, object, property, index, out, &error)) {
        return error;
    }
    if (object.type == BACNET_DEVICE && object.instance == RIG_DEVICE) {
        return rig_device_property(rig, property, out);
    }
    if (at == NULL) {
        return BACNET_ERROR_UNKNOWN_OBJECT;
    }
    switch (property) {
    case BACNET_PROP_PRESENT_VALUE:
        if (at->refused != 0) {
            return at->refused;
        }
        bacnet_put_real(out, BACNET_APPLICATION, at->value);
        return 0;
    case BACNET_PROP_STATUS_FLAGS: bacnet_put_bits(out, BACNET_APPLICATION, at->flags, 4); return 0;
    case BACNET_PROP_RELIABILITY:
        bacnet_put_enumerated(out, BACNET_APPLICATION, at->reliability);
        return 0;
    case BACNET_PROP_OBJECT_NAME: bacnet_put_text(out, BACNET_APPLICATION, "AV", 2); return 0;
    default: return BACNET_ERROR_UNKNOWN_PROPERTY;
    }
}

static void rig_read_one(struct rig *rig, struct bacnet_request *request)
{
    struct bacnet_read_property read;
    uint8_t value[4096];
    uint8_t data[4200];
    struct bytes_out elements = bytes_out_of(value, sizeof(value));
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    assert_int_equal(bacnet_get_read_property(&request->data, &read), 0);
    uint16_t error = rig_property(rig, read.object, read.property, read.index, &elements);
    if (error != 0) {
        bacnet_reply_error(request,
                           error == BACNET_ERROR_UNKNOWN_OBJECT ? BACNET_CLASS_OBJECT
                                                                : BACNET_CLASS_PROPERTY,
                           error);
        return;
    }
    bacnet_put_read_property_ack(&out, &read, bytes_of(value, bytes_out_size(&elements)));
    bacnet_reply_data(request, data, bytes_out_size(&out));
}

static void rig_read_many(struct rig *rig, struct bacnet_request *request)
{
    struct bacnet_object object;
    struct bytes references;
    struct bacnet_property_reference reference;
    unsigned count = 0;
    static uint8_t data[65536];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    while (bytes_left(&request->data) > 0) {
        assert_int_equal(bacnet_get_read_specification(&request->data, &object, &references), 0);
        bacnet_put_read_begin(&out, object);
        while (bytes_left(&references) > 0) {
            uint8_t value[4096];
            struct bytes_out elements = bytes_out_of(value, sizeof(value));
            assert_int_equal(bacnet_get_property_reference(&references, &reference), 0);
            uint16_t error = rig_property(rig, object, reference.property, reference.index,
                                          &elements);
            struct bacnet_read_result result = {
                .property = reference.property,
                .index = reference.index,
                .refused = error != 0,
                .why = { .error_class = BACNET_CLASS_PROPERTY, .code = error },
                .value = bytes_of(value, bytes_out_size(&elements)),
            };
            bacnet_put_read_result(&out, &result);
            count++;
        }
        bacnet_put_read_end(&out);
    }
    if (rig->empty) {
        bacnet_reply_data(request, data, 0);
    } else if (rig->properties_most > 0 && count > rig->properties_most) {
        bacnet_reply_reject(request, BACNET_REJECT_TOO_MANY_ARGUMENTS);
    } else if (rig->answer_most > 0 && bytes_out_size(&out) > rig->answer_most) {
        bacnet_reply_abort(request, BACNET_ABORT_SEGMENTATION_NOT_SUPPORTED);
    } else {
        bacnet_reply_data(request, data, bytes_out_size(&out));
    }
}

static uint16_t rig_write_value(struct rig *rig, struct bacnet_object object,
                                const struct bacnet_property_value *value)
{
    struct rig_object *at = rig_object(rig, object);
    struct bytes in = value->value;
    struct bacnet_value written = { 0 };
    if (at == NULL) {
        return BACNET_ERROR_UNKNOWN_OBJECT;
    }
    if (at->refused != 0) {
        return BACNET_ERROR_WRITE_ACCESS_DENIED;
    }
    assert_int_equal(bacnet_get_value(&in, &written), 0);
    rig->write_priority = value->priority;
    rig->write_type = written.type;
    rig->write_null = written.type == BACNET_NULL;
    at->value = rig->write_null ? 0 : written.as.real;
    return 0;
}

static void rig_write_one(struct rig *rig, struct bacnet_request *request)
{
    struct bacnet_object object;
    struct bacnet_property_value value;
    assert_int_equal(bacnet_get_write_property(&request->data, &object, &value), 0);
    uint16_t error = rig_write_value(rig, object, &value);
    if (error != 0) {
        bacnet_reply_error(request, BACNET_CLASS_PROPERTY, error);
    } else {
        bacnet_reply_ack(request);
    }
}

static void rig_write_many(struct rig *rig, struct bacnet_request *request)
{
    struct bacnet_object object;
    struct bytes values;
    struct bacnet_property_value value;
    while (bytes_left(&request->data) > 0) {
        assert_int_equal(bacnet_get_write_specification(&request->data, &object, &values), 0);
        assert_int_equal(bacnet_get_property_value(&values, &value), 0);
        uint16_t error = rig_write_value(rig, object, &value);
        if (error != 0) {
            uint8_t data[BACNET_ERROR_FIRST_MAX];
            struct bytes_out out = bytes_out_of(data, sizeof(data));
            struct bacnet_error_body body = {
                .why = { .error_class = BACNET_CLASS_PROPERTY, .code = error },
                .has_object = true,
                .object = object,
                .property = value.property,
                .index = value.index,
            };
            bacnet_put_error(&out, BACNET_WRITE_PROPERTY_MULTIPLE, &body);
            bacnet_reply_error_data(request, data, bytes_out_size(&out));
            return;
        }
    }
    bacnet_reply_ack(request);
}

static void rig_subscribe(struct rig *rig, struct bacnet_request *request)
{
    struct bacnet_subscribe_cov ask = { 0 };
    bool property = request->service == BACNET_SUBSCRIBE_COV_PROPERTY;
    assert_int_equal(property ? bacnet_get_subscribe_cov_property(&request->data, &ask)
                              : bacnet_get_subscribe_cov(&request->data, &ask),
                     0);
    struct rig_object *at = rig_object(rig, ask.object);
    if (at == NULL) {
        bacnet_reply_error(request, BACNET_CLASS_OBJECT, BACNET_ERROR_UNKNOWN_OBJECT);
        return;
    }
    if (!ask.cancel && !at->subscribed && rig->subscriptions_most > 0 &&
        rig->subscriptions >= rig->subscriptions_most) {
        bacnet_reply_error(request, BACNET_CLASS_RESOURCES,
                           BACNET_ERROR_NO_SPACE_TO_ADD_LIST_ELEMENT);
        return;
    }
    rig->cancels += ask.cancel;
    rig->subscriptions += !ask.cancel && !at->subscribed;
    rig->subscriptions -= ask.cancel && at->subscribed;
    at->subscribed = !ask.cancel;
    at->confirmed = ask.confirmed;
    at->by_property = property;
    at->lifetime_s = ask.lifetime_s;
    at->increment = ask.has_increment ? ask.increment : -1;
    bacnet_reply_ack(request);
}

static void rig_asked(void *ctx, struct bacnet_request *request)
{
    struct rig *rig = ctx;
    rig->asked[request->service]++;
    if (rig->silent || rig->lose > 0) {
        rig->lose -= rig->lose > 0;
        bacnet_reply_none(request);
        return;
    }
    if (rig->busy > 0) {
        rig->busy--;
        bacnet_reply_error(request, BACNET_CLASS_DEVICE, BACNET_ERROR_DEVICE_BUSY);
        return;
    }
    bool unknown = (request->service == BACNET_READ_PROPERTY_MULTIPLE && rig->no_multiple) ||
                   (request->service == BACNET_WRITE_PROPERTY_MULTIPLE && rig->no_multiple) ||
                   (request->service == BACNET_SUBSCRIBE_COV && rig->no_cov) ||
                   (request->service == BACNET_SUBSCRIBE_COV_PROPERTY && rig->no_cov_property);
    if (unknown) {
        bacnet_reply_reject(request, BACNET_REJECT_UNRECOGNIZED_SERVICE);
        return;
    }
    if (rig->service != NULL && rig->service(rig, request)) {
        return;
    }
    switch (request->service) {
    case BACNET_READ_PROPERTY: rig_read_one(rig, request); break;
    case BACNET_READ_PROPERTY_MULTIPLE: rig_read_many(rig, request); break;
    case BACNET_WRITE_PROPERTY: rig_write_one(rig, request); break;
    case BACNET_WRITE_PROPERTY_MULTIPLE: rig_write_many(rig, request); break;
    case BACNET_SUBSCRIBE_COV:
    case BACNET_SUBSCRIBE_COV_PROPERTY: rig_subscribe(rig, request); break;
    default: bacnet_reply_reject(request, BACNET_REJECT_UNRECOGNIZED_SERVICE); break;
    }
}

static void rig_told(void *ctx, const struct bacnet_notice *notice)
{
    struct rig *rig = ctx;
    if (rig->heard != NULL) {
        rig->heard(rig, notice);
    }
}

static const struct bacnet_node_events rig_events = { .asked = rig_asked, .told = rig_told };

/* ---- time ---- */

/* Requests of a node keep a pace: none is under way, and some wait. */
static inline bool rig_is_paced(const struct rig *rig)
{
    const struct bacnet_peer *peer = bacnet_device_of(&rig->dev)->peer;
    const struct bacnet_peer_facts *facts = peer != NULL ? bacnet_peer_facts(peer) : NULL;
    return facts != NULL && facts->found && facts->waiting > 0 && facts->open == 0;
}

/* Until all that either side sent was received by the other and nothing came of it any more. */
static inline void rig_settle(struct rig *rig)
{
    for (int i = 0; rig->others && i < 200; i++) {
        usleep(50);
        loop_turn(rig->driver.loop, false);
    }
    if (rig->others) {
        return;
    }
    uint64_t before = 0;
    for (int quiet = 0, tries = 0; quiet < 3 && tries < 50000; tries++) {
        struct bacnet_counts here = { 0 };
        struct bacnet_counts there = { 0 };
        struct bacnet_network *network = bacnet_network_next(&rig->driver, NULL);
        loop_turn(rig->driver.loop, false);
        if (network != NULL && network->node != NULL) {
            bacnet_node_counts(network->node, &here);
        }
        bacnet_node_counts(rig->node, &there);
        bool arrived = here.received == there.sent && there.received == here.sent;
        quiet = arrived && here.sent + there.sent == before ? quiet + 1 : 0;
        before = here.sent + there.sent;
        if (!arrived) {
            usleep(100);
        } else if (quiet == 3 && rig_is_paced(rig)) {
            loop_advance_for_test(rig->driver.loop, PACE_US);
            quiet = 0;
        }
    }
}

static inline void rig_pass(struct rig *rig, int64_t ms)
{
    int64_t until_us = clock_mono_us() + ms * CLOCK_US_PER_MS;
    for (int64_t left_us; (left_us = until_us - clock_mono_us()) > 0;) {
        loop_advance_for_test(rig->driver.loop, left_us < STEP_US ? left_us : STEP_US);
        rig_settle(rig);
    }
}

/* ---- making and taking down ---- */

static inline void rig_open_device(struct rig *rig)
{
    struct bacnet_node_config config = { 0 };
    struct err err = { 0 };
    assert_int_equal(endpoint_parse(rig->other, BACNET_PORT, &config.local), 0);
    assert_int_equal(
        bacnet_node_open(rig->driver.loop, &config, &rig_events, rig, &rig->node, &err), 0);
    struct bacnet_peer_config back = { .instance = BACNET_INSTANCE_MAX };
    assert_int_equal(endpoint_parse(rig->own, BACNET_PORT, &back.address.ip), 0);
    rig->back = bacnet_peer_get(rig->node, &back);
}

/* A device with `count` points, the present values of analog-value:0 and so on, and the settings of
 * `pairs` beside its number and address. Not started. */
static inline void rig_init(struct rig *rig, const char *const *pairs, size_t count)
{
    const char *all[64] = { "device", "2001", "address", NULL };
    size_t size = 4;
    unsigned process = (unsigned)getpid();
    memset(rig, 0, sizeof(*rig));
    rig_now = rig;
    clock_fake_set(1000 * CLOCK_US_PER_S, INT64_C(1700000000) * CLOCK_US_PER_S);
    rig->driver.loop = loop_new();
    /* addresses of our own, so that tests may run side by side */
    str_format(rig->own, sizeof(rig->own), "127.%u.%u.%u", 100 + (process >> 14 & 15),
               process >> 7 & 127, 1 + (process & 127));
    str_format(rig->other, sizeof(rig->other), "127.%u.%u.%u", 120 + (process >> 14 & 15),
               process >> 7 & 127, 1 + (process & 127));
    str_format(rig->part_address, sizeof(rig->part_address), "%s/32", rig->own);
    rig->part.name = "lab";
    rig->part.settings = *settings_make(
        &rig->part_made, bacnet_network_options,
        (const char *const[]){ "address", rig->part_address, NULL });
    rig->setup = (struct setup){ .given = true, .parts = &rig->part, .part_count = 1 };
    all[3] = rig->other;
    for (size_t i = 0; pairs != NULL && pairs[i] != NULL; i++) {
        all[size++] = pairs[i];
    }
    all[size] = NULL;
    rig->dev.name = "ahu";
    rig->dev.points = rig->points;
    rig->dev.point_count = count;
    rig->dev.addresses = rig->targets;
    rig->dev.settings = (void *)(uintptr_t)settings_make(&rig->made, bacnet_device_options, all);
    rig->dev.driver = busbar_alloc(bacnet_driver()->device_bytes);
    for (uint32_t i = 0; i < count; i++) {
        rig->points[i] = (struct point){ .name = "p", .device = &rig->dev };
        rig->targets[i] = (struct bacnet_target){ .object = (uint32_t)BACNET_ANALOG_VALUE << 22 | i,
                                                  .property = BACNET_PROP_PRESENT_VALUE,
                                                  .index = BACNET_INDEX_ALL,
                                                  .increment = NAN,
                                                  .log = BACNET_LOG_NONE,
                                                  .value_type = VALUE_DOUBLE,
                                                  .priority = 8,
                                                  .flags = BACNET_TARGET_COMMANDABLE };
        rig->numbers[i] = i;
        rig->objects[i].value = (float)i + 0.5F;
    }
    rig->req = (struct request){ .points = rig->numbers, .samples = rig->samples, .count = count };
    rig_open_device(rig);
    assert_int_equal(bacnet_driver()->open(&rig->driver, NULL), 0);
    bacnet_driver()->setup(&rig->driver, &rig->setup);
    assert_int_equal(bacnet_driver()->add(&rig->driver, &rig->dev, NULL), 0);
}

static inline void rig_start(struct rig *rig)
{
    assert_int_equal(bacnet_driver()->start(&rig->dev), 0);
    rig_settle(rig);
    /* what is read to get to know the device is no poll */
    rig->asked[BACNET_READ_PROPERTY] = rig->asked[BACNET_READ_PROPERTY_MULTIPLE] = 0;
}

static inline void rig_fini(struct rig *rig)
{
    bacnet_driver()->stop(&rig->dev);
    rig_pass(rig, 2000);
    assert_int_equal(rig->stopped, 1);
    for (size_t i = 0; i < rig->pending_count; i++) {
        rig->pending[i].cb(rig->pending[i].ctx, BUSBAR_ECANCELED);
    }
    bacnet_driver()->unplan(&rig->dev, &rig->req);
    bacnet_driver()->remove(&rig->dev);
    busbar_free(rig->dev.driver);
    bacnet_driver()->close(&rig->driver);
    bacnet_ask_cancel(&rig->notifying);
    bacnet_peer_release(rig->back);
    bacnet_node_close(rig->node);
    loop_advance_for_test(rig->driver.loop, CLOCK_US_PER_MS);
    loop_free(rig->driver.loop);
    clock_fake_off();
}

/* ---- doing ---- */

static inline void rig_read(struct rig *rig)
{
    memset(rig->samples, 0xee, sizeof(rig->samples));
    bacnet_driver()->read(&rig->dev, &rig->req);
    rig_settle(rig);
}

static inline unsigned rig_reads(const struct rig *rig)
{
    return rig->asked[BACNET_READ_PROPERTY] + rig->asked[BACNET_READ_PROPERTY_MULTIPLE];
}

static inline void rig_write(struct rig *rig, uint32_t point, size_t count, double value)
{
    for (size_t i = 0; i < count; i++) {
        rig->written[i] = (struct sample){ .type = VALUE_DOUBLE, .value = { .d = value } };
    }
    rig->write = (struct request){
        .points = &rig->numbers[point], .samples = rig->written, .count = count, .how = &rig->how
    };
    bacnet_driver()->write(&rig->dev, &rig->write);
    rig_settle(rig);
}

static inline int64_t rig_limit(const struct rig *rig, const char *name)
{
    int64_t value = -1;
    (void)driver_limit_get(&rig->dev, name, &value);
    return value;
}

static inline void rig_on_disk(struct rig *rig, int error)
{
    size_t count = rig->pending_count;
    rig->pending_count = 0;
    for (size_t i = 0; i < count; i++) {
        rig->pending[i].cb(rig->pending[i].ctx, error);
    }
    rig_settle(rig);
}

static void rig_notified(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct rig *rig = ask->user;
    rig->acked += answer->outcome == BACNET_ACKED;
    rig->not_acked += answer->outcome != BACNET_ACKED;
}

/* The device says that an object has changed. */
static inline void rig_notify(struct rig *rig, uint32_t instance)
{
    const struct rig_object *at = &rig->objects[instance];
    struct bytes_out out = bytes_out_of(rig->notice, sizeof(rig->notice));
    uint8_t data[16];
    struct bytes_out value = bytes_out_of(data, sizeof(data));
    struct bacnet_cov cov = {
        .process = rig->process != 0 ? rig->process : BACNET_COV_PROCESS,
        .device = RIG_DEVICE,
        .object = { .type = BACNET_ANALOG_VALUE, .instance = instance },
        .left_s = 100,
    };
    bacnet_put_cov_begin(&out, &cov);
    bacnet_put_real(&value, BACNET_APPLICATION, at->value);
    struct bacnet_property_value change = { .property = BACNET_PROP_PRESENT_VALUE,
                                            .index = BACNET_INDEX_ALL,
                                            .value = bytes_of(data, bytes_out_size(&value)) };
    bacnet_put_property_value(&out, &change);
    value = bytes_out_of(data, sizeof(data));
    bacnet_put_bits(&value, BACNET_APPLICATION, at->flags, 4);
    change.property = BACNET_PROP_STATUS_FLAGS;
    change.value = bytes_of(data, bytes_out_size(&value));
    bacnet_put_property_value(&out, &change);
    bacnet_put_cov_end(&out);
    size_t size = bytes_out_size(&out);
    if (at->confirmed) {
        rig->notifying = (struct bacnet_ask){ .service = BACNET_CONFIRMED_COV,
                                              .data = rig->notice,
                                              .size = size,
                                              .answered = rig_notified,
                                              .user = rig };
        bacnet_ask(rig->back, &rig->notifying);
    } else {
        const struct bacnet_address *to = &bacnet_peer_facts(rig->back)->address;
        (void)bacnet_tell(rig->node, NULL, to, BACNET_UNCONFIRMED_COV, rig->notice, size);
    }
    rig_settle(rig);
}

#endif
