/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions to changes (ASHRAE 135, clause 13.1): by object or by property, confirmed or not, with a
 * lifetime and an increment. A confirmed notification waits for its answer; what changes meanwhile is
 * told with the next one. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/bacnet/service/cov_notification.h"
#include "drivers/bacnet/service/subscribe_cov.h"
#include "drivers/bacnet/wire/tag.h"
#include "sim/sim_bacnet.h"

enum { NOTICE_MAX = 2 * SIM_BACNET_TEXT_MAX + 128, SOON_MS = 10, COV_RETRIES = 2 };

struct subscription {
    struct list link; /* served->subscriptions */
    struct sim_bacnet_served *served;
    struct bacnet_address from;
    uint32_t process;
    uint32_t object;          /* index */
    uint32_t property, index; /* BACNET_PROP_ALL: value and status flags */
    int64_t expires_us;       /* monotonic; 0: never */
    float increment;          /* NaN: the object's own */
    bool confirmed;
    bool told; /* `last` was told at least once */
    unsigned last_status;
    uint64_t last;            /* a number's bits, or a hash */
    struct bacnet_peer *peer; /* confirmed */
    struct bacnet_ask ask;
    uint8_t *notice; /* bytes of the ask under way */
};

static void free_subscription(struct subscription *sub)
{
    sub->served->device.subscriptions--;
    bacnet_ask_cancel(&sub->ask);
    bacnet_peer_release(sub->peer);
    list_remove(&sub->link);
    busbar_free(sub->notice);
    busbar_free(sub);
}

void sim_bacnet_cov_forget(struct sim_bacnet_served *served)
{
    list_each_safe(at, &served->subscriptions) {
        free_subscription(list_entry(at, struct subscription, link));
    }
}

/* ---- what is told ---- */

static struct sim_bacnet_object *object_of(const struct subscription *sub)
{
    return &sub->served->device.objects[sub->object];
}

static bool is_value(const struct subscription *sub)
{
    return sub->property == BACNET_PROP_ALL || sub->property == BACNET_PROP_PRESENT_VALUE;
}

static void put_value(struct subscription *sub, uint32_t property, uint32_t index,
                      struct bytes_out *out)
{
    uint8_t bytes[SIM_BACNET_TEXT_MAX + 16];
    struct bacnet_property_value value = { .property = property, .index = index };
    struct bytes_out to = bytes_out_of(sub->served->state->value, SIM_BACNET_ANSWER_MAX);
    (void)sim_bacnet_read(&sub->served->device, object_of(sub), property, index, clock_wall_us(),
                          &to);
    size_t size = bytes_out_size(&to) < sizeof(bytes) ? bytes_out_size(&to) : 0;
    memcpy(bytes, to.start, size);
    value.value = bytes_of(bytes, size);
    bacnet_put_property_value(out, &value);
}

static size_t put_notice(struct subscription *sub, uint8_t notice[NOTICE_MAX])
{
    struct bytes_out out = bytes_out_of(notice, NOTICE_MAX);
    int64_t left_us = sub->expires_us - loop_now_us(sub->served->sd->sim->loop);
    struct bacnet_cov cov = {
        .process = sub->process,
        .device = sub->served->device.instance,
        .object = object_of(sub)->id,
        .left_s = sub->expires_us == 0 ? 0 : (uint32_t)(left_us / CLOCK_US_PER_S + 1),
    };
    bacnet_put_cov_begin(&out, &cov);
    if (sub->property == BACNET_PROP_ALL) {
        put_value(sub, BACNET_PROP_PRESENT_VALUE, BACNET_INDEX_ALL, &out);
        put_value(sub, BACNET_PROP_STATUS_FLAGS, BACNET_INDEX_ALL, &out);
    } else {
        put_value(sub, sub->property, sub->index, &out);
        if (sub->property != BACNET_PROP_STATUS_FLAGS &&
            (object_of(sub)->sets & SIM_BACNET_VALUED) != 0) {
            put_value(sub, BACNET_PROP_STATUS_FLAGS, BACNET_INDEX_ALL, &out);
        }
    }
    bacnet_put_cov_end(&out);
    return bytes_out_size(&out);
}

static void answered(struct bacnet_ask *ask, const struct bacnet_answer *answer)
{
    struct subscription *sub = ask->user;
    busbar_free(sub->notice);
    sub->notice = NULL;
    if (answer->outcome != BACNET_ACKED) {
        sub->told = false; /* told again with the next tick */
    }
}

static void tell(struct subscription *sub)
{
    uint8_t notice[NOTICE_MAX];
    struct sim_bacnet_served *served = sub->served;
    size_t size = put_notice(sub, notice);
    if (served->sd->now == SIM_FAULT_COV_SILENCE || sim_bacnet_is_mute(served)) {
        return;
    }
    if (!sub->confirmed) {
        (void)bacnet_tell(served->port->node, sim_bacnet_source(served), &sub->from,
                          BACNET_UNCONFIRMED_COV, notice, size);
        return;
    }
    sub->notice = busbar_alloc(size);
    memcpy(sub->notice, notice, size);
    sub->ask = (struct bacnet_ask){
        .service = BACNET_CONFIRMED_COV,
        .data = sub->notice,
        .size = size,
        .retries = COV_RETRIES,
        .answered = answered,
        .user = sub,
    };
    bacnet_ask(sub->peer, &sub->ask);
}

/* ---- what changed ---- */

static uint64_t hash_of(struct subscription *sub)
{
    struct bytes_out to = bytes_out_of(sub->served->state->value, SIM_BACNET_ANSWER_MAX);
    (void)sim_bacnet_read(&sub->served->device, object_of(sub), sub->property, sub->index,
                          clock_wall_us(), &to);
    return hash_bytes(to.start, bytes_out_size(&to));
}

/* The value as bits that differ when it does; a real is compared by the increment. */
static bool has_moved(struct subscription *sub, uint64_t *now)
{
    struct sim_bacnet_reading reading;
    struct sim_bacnet_object *obj = object_of(sub);
    if (!is_value(sub)) {
        *now = hash_of(sub);
        return *now != sub->last;
    }
    sim_bacnet_present(&sub->served->device, obj, clock_wall_us(), &reading);
    if (reading.kind == SIM_BACNET_TEXT) {
        *now = hash_text(reading.text);
        return *now != sub->last;
    }
    *now = reading.value.bits;
    if ((obj->sets & SIM_BACNET_ANALOG) == 0) {
        return *now != sub->last;
    }
    union value last = { .bits = sub->last };
    bool real = reading.kind == SIM_BACNET_REAL || reading.kind == SIM_BACNET_DOUBLE;
    double moved = real ? fabs(reading.value.d - last.d) : fabs((double)(reading.value.i - last.i));
    double increment = (double)(isnan(sub->increment) ? obj->increment : sub->increment);
    return moved > 0.0 && moved >= increment * (1.0 - 1e-6);
}

static void look(struct subscription *sub)
{
    uint64_t now;
    if (bacnet_ask_open(&sub->ask)) {
        return;
    }
    unsigned status = sim_bacnet_status(object_of(sub));
    bool moved = has_moved(sub, &now);
    if (sub->told && !moved && status == sub->last_status) {
        return;
    }
    sub->told = true;
    sub->last = now;
    sub->last_status = status;
    tell(sub);
}

void sim_bacnet_cov_look(struct sim_bacnet_served *served)
{
    int64_t now_us = loop_now_us(served->sd->sim->loop);
    list_each_safe(at, &served->subscriptions) {
        struct subscription *sub = list_entry(at, struct subscription, link);
        if (sub->expires_us != 0 && now_us >= sub->expires_us) {
            free_subscription(sub);
        } else {
            look(sub);
        }
    }
}

void sim_bacnet_tick_set(struct sim_bacnet_served *served, bool soon)
{
    bool needed = !list_empty(&served->subscriptions) || served->device.recipient_count > 0;
    if (!needed) {
        timer_stop(&served->tick);
    } else if (soon) {
        timer_start(&served->tick, SOON_MS, SIM_BACNET_TICK_MS);
    } else if (!timer_running(&served->tick)) {
        int64_t phase_ms = (int64_t)(hash_u64(served->device.instance) % SIM_BACNET_TICK_MS);
        timer_start(&served->tick, phase_ms, SIM_BACNET_TICK_MS);
    }
}

/* ---- subscribing ---- */

static struct subscription *find(struct sim_bacnet_served *served,
                                 const struct bacnet_address *from, uint32_t process,
                                 uint32_t object, uint32_t property, uint32_t index)
{
    list_each(at, &served->subscriptions) {
        struct subscription *sub = list_entry(at, struct subscription, link);
        if (sub->object == object && sub->process == process && sub->property == property &&
            sub->index == index && bacnet_address_equal(&sub->from, from)) {
            return sub;
        }
    }
    return NULL;
}

static struct subscription *new_subscription(struct sim_bacnet_served *served,
                                             const struct bacnet_address *from)
{
    struct subscription *sub = busbar_alloc(sizeof(*sub));
    sub->served = served;
    sub->from = *from;
    list_append(&served->subscriptions, &sub->link);
    served->device.subscriptions++;
    return sub;
}

static void set_peer(struct subscription *sub)
{
    const struct bacnet_address *source = sim_bacnet_source(sub->served);
    struct bacnet_peer_config config = {
        .instance = BACNET_INSTANCE_MAX,
        .address = sub->from,
        .source = source != NULL ? *source : (struct bacnet_address){ .network = 0 },
    };
    if (sub->peer == NULL && sub->confirmed) {
        sub->peer = bacnet_peer_get(sub->served->port->node, &config);
    }
}

/* What may be subscribed: the usual ones of an object with a value, or any property that can be read. */
static uint32_t check(struct sim_bacnet_served *served, struct sim_bacnet_object *obj,
                      const struct bacnet_subscribe_cov *ask, bool of_property)
{
    if (obj == NULL) {
        return SIM_BACNET_ERROR(OBJECT, UNKNOWN_OBJECT);
    }
    if (!of_property) {
        return (obj->sets & SIM_BACNET_VALUED) != 0
                   ? 0
                   : SIM_BACNET_ERROR(OBJECT, OPTIONAL_FUNCTIONALITY_NOT_SUPPORTED);
    }
    struct bytes_out to = bytes_out_of(served->state->value, SIM_BACNET_ANSWER_MAX);
    uint32_t error = sim_bacnet_read(&served->device, obj, ask->property.property,
                                     ask->property.index, clock_wall_us(), &to);
    if (error == 0 && bytes_out_size(&to) > SIM_BACNET_TEXT_MAX) {
        return SIM_BACNET_ERROR(PROPERTY, NOT_COV_PROPERTY);
    }
    return error;
}

uint32_t sim_bacnet_subscribe(struct sim_bacnet_served *served, const struct bacnet_address *from,
                              const struct bacnet_subscribe_cov *ask, bool of_property)
{
    struct sim_bacnet_object *obj = sim_bacnet_object(&served->device, ask->object);
    uint32_t error = check(served, obj, ask, of_property);
    if (error != 0) {
        return error;
    }
    uint32_t object = (uint32_t)(obj - served->device.objects);
    uint32_t property = of_property ? ask->property.property : (uint32_t)BACNET_PROP_ALL;
    uint32_t index = of_property ? ask->property.index : BACNET_INDEX_ALL;
    struct subscription *sub = find(served, from, ask->process, object, property, index);
    if (ask->cancel) {
        if (sub != NULL) { /* an unknown one is no error (clause 13.14.1.1.4) */
            free_subscription(sub);
            sim_bacnet_tick_set(served, false);
        }
        return 0;
    }
    if (sub == NULL && served->device.subscriptions >= SIM_BACNET_SUBSCRIPTIONS) {
        return SIM_BACNET_ERROR(RESOURCES, NO_SPACE_TO_ADD_LIST_ELEMENT);
    }
    sub = sub != NULL ? sub : new_subscription(served, from);
    sub->process = ask->process;
    sub->object = object;
    sub->property = property;
    sub->index = index;
    sub->confirmed = ask->confirmed;
    sub->increment = ask->has_increment ? ask->increment : NAN;
    sub->expires_us = ask->lifetime_s == 0
                          ? 0
                          : loop_now_us(served->sd->sim->loop) + ask->lifetime_s * CLOCK_US_PER_S;
    sub->told = false; /* the first notification follows at once (clause 13.14.2) */
    set_peer(sub);
    sim_bacnet_tick_set(served, true);
    return 0;
}
