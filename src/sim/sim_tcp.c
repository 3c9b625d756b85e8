/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_tcp.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/tcp/tcp_state.h"
#include "sim/sim_match.h"

#define EVENTS_EVERY_US (45 * CLOCK_US_PER_S)

/* A frame that is held back. */
struct late {
    struct list link;
    struct sim_tcp_device *device;
    struct timer timer;
    struct buf frame;
};

static const struct tcp_address *address_of(const struct sim_tcp_device *device, uint32_t point)
{
    return (const struct tcp_address *)device->sd->dev->addresses + point;
}

/* "" is said by itself; else it is what has to be asked. */
static bool where_point(void *ctx, uint32_t point, char to[SIM_WHERE_MAX])
{
    const struct sim_tcp_device *device = ctx;
    const char *ask = address_of(device, point)->ask;
    return str_copy(to, SIM_WHERE_MAX, ask != NULL ? ask : "");
}

/* ---- speaking ---- */

static void send_now(struct sim_tcp_device *device, const struct buf *frame)
{
    if (device->config->server) {
        sim_tcp_sender_send(device, frame);
    } else {
        sim_tcp_place_send(device->place, frame);
    }
}

static void late_free(struct late *late)
{
    timer_stop(&late->timer);
    list_remove(&late->link);
    buf_fini(&late->frame);
    busbar_free(late);
}

static void late_due(struct timer *timer, void *ctx)
{
    struct late *late = ctx;
    (void)timer;
    send_now(late->device, &late->frame);
    late_free(late);
}

static void send_later(struct sim_tcp_device *device, const struct buf *frame)
{
    struct late *late = busbar_alloc(sizeof(*late));
    late->device = device;
    buf_init(&late->frame, SIM_TCP_TEXT_MAX);
    (void)buf_append(&late->frame, frame->data, frame->size);
    list_append(&device->late, &late->link);
    timer_init(&late->timer, device->sd->sim->loop, late_due, late);
    timer_start_us(&late->timer, device->sd->fault.argument, 0);
}

static void cut(struct sim_tcp_device *device)
{
    if (device->config->server) {
        sim_tcp_sender_cut(device);
    } else {
        sim_tcp_place_cut(device->place);
    }
}

/* What becomes of a frame; false: nothing is sent now. */
static bool suffer(struct sim_tcp_device *device, enum sim_fault_kind kind, struct buf *frame)
{
    if (frame->size == 0 || kind == SIM_FAULT_SILENCE || kind == SIM_FAULT_DOWN) {
        return false;
    }
    if (kind == SIM_FAULT_CLOSE) {
        cut(device);
        return false;
    }
    sim_talk_spoil(kind, &device->state->random, 0, frame);
    if (kind == SIM_FAULT_SLOW) {
        send_later(device, frame);
        return false;
    }
    return true;
}

static void send_message(struct sim_tcp_device *device, const struct buf *message)
{
    struct buf frame;
    enum sim_fault_kind kind = sim_request(device->sd);
    buf_init(&frame, SIM_TCP_TEXT_MAX);
    if (message->size > 0) {
        sim_tcp_frame(&device->config->frame, message->data, message->size, &frame);
    }
    if (suffer(device, kind, &frame)) {
        device->told++;
        send_now(device, &frame);
        if (kind == SIM_FAULT_DUPLICATE) {
            send_now(device, &frame);
        }
    }
    buf_fini(&frame);
}

static void say(struct sim_tcp_device *device, const struct sim_say *what)
{
    struct buf message;
    buf_init(&message, SIM_MESSAGE_MAX);
    if (sim_talk_make(&device->talk, what, clock_wall_us(), &message, NULL) == 0) {
        send_message(device, &message);
    }
    buf_fini(&message);
}

static void due(struct timer *timer, void *ctx)
{
    struct sim_tcp_device *device = ctx;
    (void)timer;
    for (size_t i = 0; i < device->talk.say_count; i++) {
        if (device->talk.says[i].where[0] == '\0') {
            say(device, &device->talk.says[i]);
        }
    }
}

/* ---- events ---- */

static int say_event(struct sim_tcp_device *device, const struct device_event *event,
                     struct err *err)
{
    struct buf message;
    buf_init(&message, SIM_MESSAGE_MAX);
    int error = sim_speaker_event(&device->talk.speaker, event, clock_wall_us(), &message, err);
    if (error == 0) {
        send_message(device, &message);
    }
    buf_fini(&message);
    return error;
}

static void happens(struct timer *timer, void *ctx)
{
    struct sim_tcp_device *device = ctx;
    const struct device *dev = device->sd->dev;
    (void)timer;
    (void)say_event(device, &dev->events[hash_random(&device->state->random) % dev->event_count],
                    NULL);
}

static int tell(struct sim_device *sd, bool confirmed, const char *words, struct err *err)
{
    (void)confirmed;
    for (size_t i = 0; i < sd->dev->event_count; i++) {
        if (strcmp(sd->dev->events[i].name, words) == 0) {
            return say_event(sd->state, &sd->dev->events[i], err);
        }
    }
    return err_set(err, BUSBAR_ENOENT, "'%s' has no event '%s'", sd->dev->name, words);
}

static void told(const struct sim_device *sd, struct buf *out)
{
    const struct sim_tcp_device *device = sd->state;
    buf_printf(out, "told %llu, acknowledged %llu, sent again %llu, waiting %zu",
               (unsigned long long)device->told, (unsigned long long)device->acknowledged,
               (unsigned long long)device->again, device->waiting_count);
}

/* ---- being spoken to ---- */

static void print_text(const struct sim_tcp_device *device, uint32_t point, const char *text,
                       struct buf *out)
{
    const struct payload_template_facts facts = { .id = device->talk.speaker.id,
                                                  .device = device->sd->dev->name,
                                                  .point = device->sd->dev->points[point].name,
                                                  .time_us = clock_wall_us() };
    (void)tcp_text_print(text, &facts, NULL, out, NULL);
}

/* Whether these bytes begin with what the point is asked by; its size. */
static size_t begins_with_ask(const struct sim_tcp_device *device, uint32_t point, const void *data,
                              size_t size)
{
    const char *ask = address_of(device, point)->ask;
    struct buf text;
    if (ask == NULL) {
        return 0;
    }
    buf_init(&text, SIM_TCP_TEXT_MAX);
    print_text(device, point, ask, &text);
    bool begins = text.size > 0 && text.size <= size && memcmp(text.data, data, text.size) == 0;
    size_t asked = begins ? text.size : 0;
    buf_fini(&text);
    return asked;
}

size_t sim_tcp_asked(struct sim_tcp_device *device, const void *data, size_t size)
{
    for (uint32_t i = 0; i < device->sd->dev->point_count; i++) {
        size_t asked = begins_with_ask(device, i, data, size);
        if (asked > 0) {
            return asked;
        }
    }
    return 0;
}

/* Answers a write as the configuration waits for it, else with the new value when it is said by itself. */
static void confirm(struct sim_tcp_device *device, uint32_t point, struct buf *answer)
{
    const char *pattern = address_of(device, point)->answer;
    const struct sim_say *what = sim_talk_say_of(&device->talk, point);
    struct buf message;
    buf_init(&message, SIM_MESSAGE_MAX);
    if (pattern != NULL) {
        (void)sim_match_make(pattern, NULL, 0, &device->state->random, &message);
    } else if (what != NULL && what->where[0] == '\0') {
        (void)sim_talk_make(&device->talk, what, clock_wall_us(), &message, NULL);
    }
    if (message.size > 0) {
        sim_tcp_frame(&device->config->frame, message.data, message.size, answer);
    }
    buf_fini(&message);
}

static bool obey(struct sim_tcp_device *device, uint32_t point, const void *data, size_t size)
{
    const char *send = address_of(device, point)->send;
    struct buf value;
    char template[TCP_TEXT_MAX + 1];
    size_t length = 0;
    if (send == NULL || tcp_unescape(send, (uint8_t *)template, TCP_TEXT_MAX, &length, NULL) != 0) {
        return false;
    }
    template[length] = '\0';
    buf_init(&value, TEXT_BYTES_MAX);
    bool obeyed = sim_template_take(template, &device->talk.speaker,
                                    device->sd->dev->points[point].name, data, size, &value) &&
                  sim_live_hold_text(&device->talk.live, point, buf_text(&value), value.size) == 0;
    buf_fini(&value);
    return obeyed;
}

static void answer_all(struct sim_tcp_device *device, const void *data, size_t size,
                       struct buf *answer)
{
    struct buf message;
    buf_init(&message, SIM_MESSAGE_MAX);
    for (size_t i = 0; i < device->talk.say_count; i++) {
        const struct sim_say *what = &device->talk.says[i];
        buf_clear(&message);
        if (what->where[0] != '\0' &&
            begins_with_ask(device, what->points[0], data, size) == size &&
            sim_talk_make(&device->talk, what, clock_wall_us(), &message, NULL) == 0) {
            sim_tcp_frame(&device->config->frame, message.data, message.size, answer);
        }
    }
    buf_fini(&message);
    for (uint32_t i = 0; i < device->sd->dev->point_count; i++) {
        if (obey(device, i, data, size)) {
            confirm(device, i, answer);
        }
    }
}

void sim_tcp_hear(struct sim_tcp_device *device, const void *data, size_t size, struct buf *answer)
{
    struct buf own;
    buf_init(&own, SIM_TCP_TEXT_MAX);
    answer_all(device, data, size, &own);
    if (own.size > 0 && suffer(device, sim_request(device->sd), &own)) {
        (void)buf_append(answer, own.data, own.size);
    }
    buf_fini(&own);
}

/* ---- devices ---- */

static void release(struct sim_tcp_device *device)
{
    timer_stop(&device->timer);
    timer_stop(&device->events);
    list_each_safe(at, &device->late) {
        late_free(list_entry(at, struct late, link));
    }
    list_remove(&device->link);
    if (device->config != NULL && device->config->server) {
        sim_tcp_sender_close(device);
    } else {
        sim_tcp_place_drop(device->place);
    }
    sim_talk_fini(&device->talk);
    tcp_config_free(device->config);
}

static int join(struct sim_tcp_device *device, struct err *err)
{
    struct sim_device *sd = device->sd;
    int error = sim_talk_init(&device->talk, sd->dev, sd->dev->addresses,
                              sizeof(struct tcp_address), sd->sim->seed, where_point, device, err);
    if (error == 0) {
        error = device->config->server ? sim_tcp_sender_open(device, err)
                                       : sim_tcp_place_get(device, err);
    }
    return error;
}

static void begin(struct sim_tcp_device *device)
{
    const struct device *dev = device->sd->dev;
    int64_t period_us = sim_talk_period_us(dev);
    uint64_t phase = hash_text(dev->name);
    timer_start_us(&device->timer, (int64_t)(phase % (uint64_t)period_us), period_us);
    if (dev->event_count > 0) {
        timer_start_us(&device->events, (int64_t)(phase % EVENTS_EVERY_US), EVENTS_EVERY_US);
    }
}

static int add(struct sim_device *sd, struct err *err)
{
    static const struct setup empty;
    const struct setup *given = sim_setup(sd->sim, sd->protocol->ops->protocol);
    struct sim_tcp_device *device = sd->state;
    struct sim_tcp_state *state = sd->protocol->state;
    struct tcp_device_config config;
    int error = tcp_config_device(given != NULL ? given : &empty, sd->dev->settings, &config, err);
    if (error != 0) {
        return error;
    }
    if (!address_is_loopback(config.link.address.host) &&
        strcmp(config.link.address.host, "0.0.0.0") != 0 && config.link.server) {
        err_set(err, BUSBAR_EINVAL, "'%s' is not of this machine", config.link.address.host);
        err_hint(err, "in a site to be simulated the gateway listens at 127.0.0.1 or 0.0.0.0");
        return BUSBAR_EINVAL;
    }
    if (state->places.next == NULL) {
        list_init(&state->places);
        state->random = hash_u64(sd->sim->seed);
    }
    device->sd = sd;
    device->state = state;
    device->config = tcp_config_dup(&config.link);
    list_init(&device->link);
    list_init(&device->late);
    list_init(&device->waiting);
    buf_init(&device->in, SIM_TCP_TEXT_MAX);
    timer_init(&device->timer, sd->sim->loop, due, device);
    timer_init(&device->events, sd->sim->loop, happens, device);
    error = join(device, err);
    if (error != 0) {
        release(device);
        return error;
    }
    begin(device);
    return 0;
}

static void remove_device(struct sim_device *sd)
{
    release(sd->state);
}

static void changed(struct sim_device *sd)
{
    struct sim_tcp_device *device = sd->state;
    enum sim_fault_kind was = device->was, is = sd->now;
    device->was = is;
    device->talk.live.frozen_us = is == SIM_FAULT_FROZEN ? clock_wall_us() : 0;
    if (is != SIM_FAULT_DOWN && was != SIM_FAULT_DOWN) {
        return;
    }
    if (device->config->server) {
        sim_tcp_sender_cut(device);
        return;
    }
    bool down = false;
    list_each(at, sim_tcp_place_devices(device->place)) {
        down = down || list_entry(at, struct sim_tcp_device, link)->was == SIM_FAULT_DOWN;
    }
    sim_tcp_place_down(device->place, down);
}

static int hold(struct sim_device *sd, uint32_t point, uint8_t type, union value raw)
{
    struct sim_tcp_device *device = sd->state;
    int error = sim_live_hold(&device->talk.live, point, type, raw);
    const struct sim_say *what = sim_talk_say_of(&device->talk, point);
    if (error == 0 && what != NULL && what->where[0] == '\0') {
        say(device, what);
    }
    return error;
}

static void describe(const struct sim_device *sd, struct buf *out)
{
    const struct sim_tcp_device *device = sd->state;
    (void)buf_append_text(out, device->config->server ? "sends to " : "");
    tcp_config_print(device->config, out);
}

static const struct sim_ops ops = {
    .protocol = "tcp",
    .state_bytes = sizeof(struct sim_tcp_state),
    .device_bytes = sizeof(struct sim_tcp_device),
    .fault_kinds = SIM_FAULT_BIT(SILENCE) | SIM_FAULT_BIT(SLOW) | SIM_FAULT_BIT(GARBAGE) |
                   SIM_FAULT_BIT(TRUNCATE) | SIM_FAULT_BIT(WRONG_TYPE) | SIM_FAULT_BIT(DUPLICATE) |
                   SIM_FAULT_BIT(DOWN) | SIM_FAULT_BIT(CLOSE) | SIM_FAULT_BIT(FROZEN),
    .add = add,
    .remove = remove_device,
    .changed = changed,
    .hold = hold,
    .describe = describe,
    .tell = tell,
    .told = told,
};

const struct sim_ops *sim_tcp(void)
{
    return &ops;
}
