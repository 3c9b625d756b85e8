/* SPDX-License-Identifier: Apache-2.0 */
/* OPC UA devices of the simulator, on the simulator's loop: adding, faults, control lines. */
#include "sim/sim_opcua.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "net/address.h"

enum { PORT = 48250, DISCOVERY_PORT = 4840 };

static void begin(void *ctx)
{
    struct opcua_sim_state *state = ctx;
    list_each(at, &state->hosts) {
        sim_opcua_host_begin(list_entry(at, struct sim_opcua_host, link));
    }
}

static struct opcua_sim_state *get_state(struct sim *sim, void *memory)
{
    struct opcua_sim_state *state = memory;
    if (state->sim == NULL) {
        state->sim = sim;
        list_init(&state->hosts);
        loop_deferred_init(&state->begin, begin, state);
        loop_defer(sim->loop, &state->begin);
    }
    return state;
}

/* ---- adding ---- */

/* "opc.tcp://127.0.0.1:48250/path, ..." : the first of them. */
static int read_url(const char *url, struct address *at, struct err *err)
{
    static const char scheme[] = "opc.tcp://";
    char host[ADDRESS_TEXT_MAX];
    const char *begins = str_starts(url, scheme) ? url + sizeof(scheme) - 1 : url;
    str_format(host, sizeof(host), "%.*s", (int)strcspn(begins, "/, "), begins);
    return address_parse(host, PORT, at, err);
}

static void free_device(struct sim_opcua_device *device)
{
    sim_opcua_alarms_free(device);
    sim_opcua_methods_free(device);
    sim_opcua_nodes_free(device);
}

static int add(struct sim_device *sd, struct err *err)
{
    struct opcua_sim_state *state = get_state(sd->sim, sd->protocol->state);
    struct sim_opcua_device *device = sd->state;
    const char *url = sim_opcua_setting(sd->dev->settings, "url");
    struct address at;
    device->sd = sd;
    device->dev = sd->dev;
    if (url == NULL) {
        return err_set(err, BUSBAR_EUNSUPPORTED, "a simulated device needs a 'url'");
    }
    int error = read_url(url, &at, err);
    error = error == 0 ? sim_opcua_host_get(state, at.host, at.port, false, &device->host, err)
                       : error;
    if (error != 0) {
        return error;
    }
    error = sim_opcua_nodes_make(device, err);
    sim_opcua_alarms_make(device);
    sim_opcua_methods_make(device);
    if (error != 0) {
        free_device(device);
        return error;
    }
    list_append(&device->host->devices, &device->link);
    sim_opcua_space_add(device);
    return 0;
}

/* Devices go all at once, when the simulator ends: the first one stops the host. */
static void remove_device(struct sim_device *sd)
{
    struct sim_opcua_device *device = sd->state;
    struct sim_opcua_host *host = device->host;
    sim_opcua_host_end(host);
    list_remove(&device->link);
    UA_NodeId_clear(&device->object);
    free_device(device);
}

static void close_all(void *memory)
{
    struct opcua_sim_state *state = memory;
    if (state->sim == NULL) {
        return;
    }
    loop_defer_cancel(&state->begin);
    list_each_safe(at, &state->hosts) {
        sim_opcua_host_free(list_entry(at, struct sim_opcua_host, link));
    }
}

int sim_opcua_discovery(struct sim *sim, const char *text, struct err *err)
{
    struct sim_protocol *protocol = sim_protocol_get(sim, "opcua");
    struct opcua_sim_state *state = get_state(sim, protocol->state);
    struct address at;
    int error = address_parse(text, DISCOVERY_PORT, &at, err);
    error = error == 0 ? sim_opcua_host_get(state, at.host, at.port, true, &state->discovery, err)
                       : error;
    list_each(each, &state->hosts) {
        struct sim_opcua_host *host = list_entry(each, struct sim_opcua_host, link);
        if (error == 0 && !host->discovery) {
            sim_opcua_host_register(host);
        }
    }
    return error;
}

/* ---- faults ---- */

struct change {
    struct sim_opcua_device *device;
    struct sim_fault fault;
    enum sim_fault_kind now;
    uint32_t traits;
    int64_t wall_us;
};

static void come_back(struct sim_opcua_device *device)
{
    struct err err = { 0 };
    if (device->host->server == NULL && !sim_opcua_host_has(device->host, SIM_FAULT_DOWN) &&
        sim_opcua_host_up(device->host, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "sim", device->dev->name, "%s", err.message);
    }
}

/* The host's thread. */
static void apply(void *ctx)
{
    struct change *change = ctx;
    struct sim_opcua_device *device = change->device;
    enum sim_fault_kind was = device->now, now = change->now;
    device->fault = change->fault;
    device->now = now;
    device->traits = change->traits;
    device->frozen_us = now == SIM_FAULT_FROZEN ? change->wall_us : 0;
    sim_opcua_mute(device, now == SIM_FAULT_COV_SILENCE ? change->wall_us : 0);
    device->loading = now == SIM_FAULT_RESTART && change->fault.for_us > 0;
    if (now == SIM_FAULT_DOWN || now == SIM_FAULT_RESTART) {
        sim_opcua_host_down(device->host);
    } else if (was == SIM_FAULT_RESTART && device->host->server != NULL) {
        sim_opcua_space_add(device); /* the nodes come */
    }
    come_back(device);
    if (now == SIM_FAULT_CLOSE) {
        sim_opcua_sessions_close(device->host);
    }
    if (device->host->server != NULL) {
        sim_opcua_limit(device->host);
    }
    busbar_free(change);
}

static void changed(struct sim_device *sd)
{
    struct sim_opcua_device *device = sd->state;
    struct change *change = busbar_alloc(sizeof(*change));
    *change = (struct change){
        .device = device,
        .fault = sd->fault,
        .now = sd->now,
        .traits = sd->traits,
        .wall_us = clock_wall_us(),
    };
    sim_opcua_do(device->host, apply, change);
}

/* ---- control lines ---- */

struct held {
    struct sim_opcua_device *device;
    struct text *text;
    union value raw;
    uint32_t point;
    uint8_t type;
};

static void apply_held(void *ctx)
{
    struct held *held = ctx;
    struct sim_opcua_node *node = &held->device->nodes[held->device->node_of[held->point]];
    if (held->type == VALUE_NONE) {
        sim_opcua_release(node);
    } else if (sim_opcua_hold(node, held->point, held->type, held->raw) != 0) {
        busbar_log(LOG_LEVEL_WARN, "sim", held->device->dev->name, "the value does not fit");
    }
    busbar_free(held->text);
    busbar_free(held);
}

static int hold(struct sim_device *sd, uint32_t point, uint8_t type, union value raw)
{
    struct sim_opcua_device *device = sd->state;
    if (device->node_of[point] == UINT32_MAX) {
        return BUSBAR_EUNSUPPORTED;
    }
    struct held *held = busbar_alloc(sizeof(*held));
    *held = (struct held){ .device = device, .raw = raw, .point = point, .type = type };
    if (type == VALUE_TEXT && raw.text != NULL) {
        held->text = text_new(raw.text->bytes, raw.text->size);
        held->raw.text = held->text;
    }
    sim_opcua_do(device->host, apply_held, held);
    return 0;
}

static void describe(const struct sim_device *sd, struct buf *out)
{
    const struct sim_opcua_device *device = sd->state;
    buf_printf(out, "opc.tcp://%s:%u, %zu nodes", device->host->name, device->host->port,
               device->node_count);
}

static const struct sim_ops ops = {
    .protocol = "opcua",
    .state_bytes = sizeof(struct opcua_sim_state),
    .device_bytes = sizeof(struct sim_opcua_device),
    .fault_kinds = SIM_FAULT_BIT(SILENCE) | SIM_FAULT_BIT(SLOW) | SIM_FAULT_BIT(CLOSE) |
                   SIM_FAULT_BIT(DOWN) | SIM_FAULT_BIT(FROZEN) | SIM_FAULT_BIT(ERROR) |
                   SIM_FAULT_BIT(RESTART) | SIM_FAULT_BIT(COV_SILENCE),
    .fault_traits = SIM_TRAIT_BIT(MOST_NODES) | SIM_TRAIT_BIT(NO_TRUST) | SIM_TRAIT_BIT(NO_LOGIN),
    .add = add,
    .remove = remove_device,
    .close = close_all,
    .changed = changed,
    .hold = hold,
    .describe = describe,
};

const struct sim_ops *sim_opcua(void)
{
    return &ops;
}
