/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_http.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"

const struct http_address *sim_http_address(const struct sim_http_device *device, uint32_t point)
{
    return (const struct http_address *)device->sd->dev->addresses + point;
}

bool sim_http_where(void *ctx, uint32_t point, char to[SIM_WHERE_MAX])
{
    const struct sim_http_device *device = ctx;
    const char *own = sim_http_address(device, point)->url;
    return str_copy(to, SIM_WHERE_MAX, own != NULL ? own : device->url);
}

static void release(struct sim_http_device *device)
{
    list_remove(&device->link);
    if (device->site != NULL) {
        sim_http_site_drop(device->site);
    } else {
        sim_http_post_close(device);
    }
    sim_talk_fini(&device->talk);
    busbar_free(device->url);
    busbar_free(device->header);
    buf_fini(&device->body);
}

static int join(struct sim_http_device *device, const struct setup *setup,
                const struct http_device_config *config, struct err *err)
{
    struct sim_device *sd = device->sd;
    int error = 0;
    if (config->url == NULL) {
        error = sim_http_post_open(device, setup, config, err);
    } else {
        device->url = busbar_strdup(config->url);
        error = sim_http_site_get(device, err);
    }
    return error == 0 ? sim_talk_init(&device->talk, sd->dev, sd->dev->addresses,
                                      sizeof(struct http_address), sd->sim->seed, sim_http_where,
                                      device, err)
                      : error;
}

static int add(struct sim_device *sd, struct err *err)
{
    static const struct setup empty;
    const struct setup *given = sim_setup(sd->sim, sd->protocol->ops->protocol);
    const struct setup *setup = given != NULL ? given : &empty;
    struct sim_http_device *device = sd->state;
    struct sim_http_state *state = sd->protocol->state;
    struct http_device_config config;
    int error = http_config_read(setup, sd->dev->settings, &config, err);
    if (error != 0) {
        return error;
    }
    if (state->sites.next == NULL) {
        list_init(&state->sites);
        state->random = hash_u64(sd->sim->seed);
    }
    device->sd = sd;
    device->state = state;
    list_init(&device->link);
    buf_init(&device->body, SIM_HTTP_BODY_MAX);
    error = join(device, setup, &config, err);
    if (error != 0) {
        release(device);
    }
    return error;
}

static void remove_device(struct sim_device *sd)
{
    release(sd->state);
}

static void close_all(void *protocol_state)
{
    struct sim_http_state *state = protocol_state;
    http_fetcher_free(state->fetcher);
}

static void changed(struct sim_device *sd)
{
    struct sim_http_device *device = sd->state;
    enum sim_fault_kind was = device->was, is = sd->now;
    device->was = is;
    device->talk.live.frozen_us = is == SIM_FAULT_FROZEN ? clock_wall_us() : 0;
    if (device->site == NULL || (is != SIM_FAULT_DOWN && was != SIM_FAULT_DOWN)) {
        return;
    }
    bool down = false;
    list_each(at, sim_http_site_devices(device->site)) {
        down = down || list_entry(at, struct sim_http_device, link)->was == SIM_FAULT_DOWN;
    }
    sim_http_site_down(device->site, down);
}

static int hold(struct sim_device *sd, uint32_t point, uint8_t type, union value raw)
{
    struct sim_http_device *device = sd->state;
    return sim_live_hold(&device->talk.live, point, type, raw);
}

static int tell(struct sim_device *sd, bool confirmed, const char *words, struct err *err)
{
    struct sim_http_device *device = sd->state;
    struct buf body;
    (void)confirmed;
    for (size_t i = 0; device->site == NULL && i < sd->dev->event_count; i++) {
        const struct device_event *event = &sd->dev->events[i];
        if (strcmp(event->name, words) != 0) {
            continue;
        }
        buf_init(&body, SIM_MESSAGE_MAX);
        int error = sim_speaker_event(&device->talk.speaker, event, clock_wall_us(), &body, err);
        if (error == 0) {
            sim_http_post_event(device, &body);
        }
        buf_fini(&body);
        return error;
    }
    return err_set(err, BUSBAR_ENOENT, "'%s' posts no event '%s'", sd->dev->name, words);
}

static void told(const struct sim_device *sd, struct buf *out)
{
    const struct sim_http_device *device = sd->state;
    buf_printf(out, "told %llu, taken %llu, refused %llu, sent again %llu",
               (unsigned long long)device->told, (unsigned long long)device->taken,
               (unsigned long long)device->refused, (unsigned long long)device->again);
}

static void describe(const struct sim_device *sd, struct buf *out)
{
    const struct sim_http_device *device = sd->state;
    buf_printf(out, "%s%s", device->site == NULL ? "posts to " : "", device->url);
}

static const struct sim_ops ops = {
    .protocol = "http",
    .state_bytes = sizeof(struct sim_http_state),
    .device_bytes = sizeof(struct sim_http_device),
    .fault_kinds = SIM_FAULT_BIT(SILENCE) | SIM_FAULT_BIT(SLOW) | SIM_FAULT_BIT(GARBAGE) |
                   SIM_FAULT_BIT(TRUNCATE) | SIM_FAULT_BIT(WRONG_TYPE) | SIM_FAULT_BIT(DUPLICATE) |
                   SIM_FAULT_BIT(DOWN) | SIM_FAULT_BIT(FROZEN) | SIM_FAULT_BIT(ERROR),
    .add = add,
    .remove = remove_device,
    .close = close_all,
    .changed = changed,
    .hold = hold,
    .describe = describe,
    .tell = tell,
    .told = told,
};

const struct sim_ops *sim_http(void)
{
    return &ops;
}
