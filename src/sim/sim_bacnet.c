/* SPDX-License-Identifier: Apache-2.0 */
/* BACnet devices on their addresses. The simulator owns the sockets and gives its nodes what came, so that
 * a datagram can be lost or spoilt on its way out.
 */
#include "sim/sim_bacnet.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/bvlc.h"
#include "drivers/bacnet/wire/npdu.h"
#include "sim/sim_bacnet_service.h"

enum { LOSS_PERCENT = 30, WRONG_INVOKE = 100 };

const struct bacnet_address *sim_bacnet_source(const struct sim_bacnet_served *served)
{
    return served->source.network != 0 ? &served->source : NULL;
}

/* ---- datagrams going out, and what spoils them ---- */

static enum sim_fault_kind spoils(struct sim_bacnet_port *port)
{
    struct sim_bacnet_served *who = port->current != NULL ? port->current : port->own;
    if (who == NULL || who->sd->now == SIM_FAULT_NONE) {
        return SIM_FAULT_NONE;
    }
    return sim_fault_draw(&who->sd->fault, loop_now_us(port->sim->loop));
}

/* The application layer's bytes in a datagram; NULL: there are none. */
static uint8_t *find_apdu(uint8_t *data, size_t size, struct bacnet_apdu *apdu)
{
    struct bytes in = bytes_of(data, size);
    struct bacnet_bvlc bvlc;
    struct bacnet_npdu npdu;
    if (bacnet_get_bvlc(&in, &bvlc) != 0 || bacnet_get_npdu(&bvlc.data, &npdu) != 0 ||
        npdu.is_message) {
        return NULL;
    }
    size_t offset = (size_t)(npdu.data.at - data);
    return bacnet_get_apdu(&npdu.data, apdu) == 0 ? data + offset : NULL;
}

static size_t garbage(struct sim_bacnet_port *port, uint8_t *data)
{
    size_t size = 3 + hash_random(&port->random) % 60;
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)hash_random(&port->random);
    }
    return size;
}

/* Bytes to be sent in place of the datagram; 0: none. */
static size_t spoil(struct sim_bacnet_port *port, enum sim_fault_kind kind, uint8_t *data,
                    size_t size)
{
    struct bacnet_apdu apdu;
    uint8_t *at = find_apdu(data, size, &apdu);
    bool answer = at != NULL && apdu.type >= BACNET_PDU_SIMPLE_ACK &&
                  apdu.type != BACNET_PDU_SEGMENT_ACK;
    if (!answer) {
        return size;
    }
    switch (kind) {
    case SIM_FAULT_GARBAGE: return garbage(port, data);
    case SIM_FAULT_TRUNCATE: return size / 2;
    case SIM_FAULT_WRONG_TRANSACTION: at[1] = (uint8_t)(at[1] + WRONG_INVOKE); return size;
    case SIM_FAULT_SEGMENT_LOSS:
        return apdu.segmented && hash_random(&port->random) % 100 < LOSS_PERCENT ? 0 : size;
    default: return size;
    }
}

static int send_datagram(void *ctx, const struct endpoint *to, const void *data, size_t size)
{
    struct sim_bacnet_port *port = ctx;
    uint8_t copy[BACNET_FRAME_MAX];
    enum sim_fault_kind kind = spoils(port);
    if (port->socket == NULL) {
        return 0;
    }
    if (kind == SIM_FAULT_NONE || size > sizeof(copy)) {
        return datagram_send(port->socket, to, data, size);
    }
    memcpy(copy, data, size);
    size = spoil(port, kind, copy, size);
    return size > 0 ? datagram_send(port->socket, to, copy, size) : 0;
}

/* ---- datagrams coming in ---- */

static void received(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct sim_bacnet_port *port = ctx;
    bacnet_node_receive(port->node, from, data, size, false);
}

static uint64_t mac_key(const uint8_t *mac, size_t size)
{
    return hash_bytes(mac, size) | 1;
}

static struct sim_bacnet_served *find_served(const struct sim_bacnet_port *port,
                                             const struct bacnet_address *to)
{
    return to->network == 0 ? port->own : map64_get(&port->macs, mac_key(to->mac, to->mac_size));
}

static void asked(void *ctx, struct bacnet_request *request)
{
    struct sim_bacnet_port *port = ctx;
    struct sim_bacnet_served *served = find_served(port, request->to);
    if (served == NULL) {
        bacnet_reply_none(request); /* nobody is there */
        return;
    }
    port->current = served;
    sim_bacnet_asked(served, request);
    port->current = NULL;
}

static void told(void *ctx, const struct bacnet_notice *notice)
{
    struct sim_bacnet_port *port = ctx;
    struct sim_bacnet_served *served;
    size_t at = 0;
    uint64_t key;
    if (notice->to->network == 0 || notice->to->mac_size > 0) {
        served = find_served(port, notice->to);
        if (served != NULL) {
            sim_bacnet_told(served, notice->from, notice->service, notice->data);
        }
        return;
    }
    while (map64_next(&port->macs, &at, &key, (void **)&served)) {
        sim_bacnet_told(served, notice->from, notice->service, notice->data);
    }
}

/* ---- ports ---- */

static void host_of(const struct endpoint *at, char *host, size_t size)
{
    str_format(host, size, "%u.%u.%u.%u", at->ip[0], at->ip[1], at->ip[2], at->ip[3]);
}

static int open_socket(struct sim_bacnet_port *port, struct err *err)
{
    char host[ADDRESS_TEXT_MAX];
    host_of(&port->at, host, sizeof(host));
    struct datagram_options options = {
        .host = host,
        .port = port->at.port,
        .broadcast = true,
    };
    return datagram_open(port->sim->loop, &options, received, port, &port->socket, err);
}

static int open_node(struct sim_bacnet_port *port, struct err *err)
{
    static const struct bacnet_node_events events = { .asked = asked, .told = told };
    struct bacnet_node_config config = {
        .local = port->at,
        .serves = port->network,
        .send = send_datagram,
    };
    if (port->ear != NULL) {
        config.broadcast = port->ear->at;
    }
    bacnet_node_close(port->node);
    port->node = NULL;
    return bacnet_node_open(port->sim->loop, &config, &events, port, &port->node, err);
}

static uint64_t address_key(const struct endpoint *at)
{
    uint64_t ip = (uint64_t)at->ip[0] << 24 | (uint64_t)at->ip[1] << 16 | (uint64_t)at->ip[2] << 8 |
                  at->ip[3];
    return ip << 16 | at->port;
}

static void port_free(struct sim_bacnet_port *port)
{
    if (map64_get(&port->state->by_address, address_key(&port->at)) == port) {
        map64_remove(&port->state->by_address, address_key(&port->at));
    }
    bacnet_node_close(port->node);
    datagram_close(port->socket);
    map64_fini(&port->macs);
    list_remove(&port->link);
    busbar_free(port);
}

static int make_port(struct bacnet_state *state, struct sim *sim, const struct endpoint *at,
                     struct sim_bacnet_ear *ear, uint16_t network, struct sim_bacnet_port **out,
                     struct err *err)
{
    struct sim_bacnet_port *port = busbar_alloc(sizeof(*port));
    port->state = state;
    port->sim = sim;
    port->ear = ear;
    port->at = *at;
    port->network = network;
    port->random = hash_u64(sim->seed + at->port);
    map64_init(&port->macs);
    list_append(&state->ports, &port->link);
    int error = open_socket(port, err);
    error = error == 0 ? open_node(port, err) : error;
    if (error != 0) {
        port_free(port);
        return error;
    }
    map64_set(&state->by_address, address_key(at), port);
    *out = port;
    return 0;
}

static int get_port(struct bacnet_state *state, struct sim *sim, const struct endpoint *at,
                    struct sim_bacnet_ear *ear, uint16_t network, struct sim_bacnet_port **out,
                    struct err *err)
{
    struct sim_bacnet_port *port = map64_get(&state->by_address, address_key(at));
    if (port == NULL) {
        return make_port(state, sim, at, ear, network, out, err);
    }
    if (network != 0 && port->network != 0 && port->network != network) {
        return err_set(err, BUSBAR_EUNSUPPORTED,
                       "a simulated router has one network behind it: it is router to %u already",
                       port->network);
    }
    *out = port;
    if (network == 0 || port->network != 0) {
        return 0;
    }
    port->network = network; /* becomes a router */
    return open_node(port, err);
}

/* ---- devices ---- */

static void settle(struct sim_bacnet_served *served, const struct sim_bacnet_spot *spot)
{
    struct sim_bacnet_port *port = served->port;
    port->device_count++;
    if (spot->network == 0) {
        port->own = served;
        return;
    }
    served->source = (struct bacnet_address){ .network = spot->network,
                                              .mac_size = spot->mac_size };
    memcpy(served->source.mac, spot->mac, spot->mac_size);
    map64_set(&port->macs, mac_key(spot->mac, spot->mac_size), served);
}

static struct sim_bacnet_served *who_is_there(const struct sim_bacnet_port *port,
                                              const struct sim_bacnet_spot *spot)
{
    return spot->network == 0 ? port->own
                              : map64_get(&port->macs, mac_key(spot->mac, spot->mac_size));
}

static void tick(struct timer *timer, void *ctx)
{
    struct sim_bacnet_served *served = ctx;
    (void)timer;
    if (!sim_bacnet_is_mute(served)) {
        sim_bacnet_events_look(served);
        sim_bacnet_cov_look(served);
    }
    sim_bacnet_tick_set(served, false);
}

static void set_traits(struct sim_bacnet_served *served)
{
    const struct sim_device *sd = served->sd;
    struct sim_bacnet_device *bd = &served->device;
    uint32_t traits = sd->traits;
    bool apdu = (traits & SIM_TRAIT_BIT(APDU)) != 0;
    bool whole = (traits & SIM_TRAIT_BIT(NO_SEGMENTATION)) != 0 || !served->segments;
    bd->max_apdu = apdu ? sd->fault.apdu : served->max_apdu;
    bd->segmentation = whole ? BACNET_SEGMENTED_NONE : BACNET_SEGMENTED_BOTH;
    bd->rpm = (traits & SIM_TRAIT_BIT(NO_RPM)) == 0;
    bd->cov = (traits & SIM_TRAIT_BIT(NO_COV)) == 0;
    bd->cov_property = (traits & SIM_TRAIT_BIT(NO_COV_PROPERTY)) == 0;
}

static struct bacnet_state *get_state(struct sim_device *sd)
{
    struct bacnet_state *state = sd->protocol->state;
    if (state->ports.next == NULL) {
        list_init(&state->ports);
        list_init(&state->ears);
        list_init(&state->devices);
        map64_init(&state->by_address);
        state->cards = busbar_alloc_array(BACNET_CARDS_MAX, sizeof(*state->cards));
        state->card_count = bacnet_cards(state->cards, BACNET_CARDS_MAX);
        state->answer = busbar_alloc(SIM_BACNET_ANSWER_MAX);
        state->value = busbar_alloc(SIM_BACNET_ANSWER_MAX);
    }
    return state;
}

static int open_spot(struct sim_device *sd, struct bacnet_state *state,
                     const struct sim_bacnet_spot *spot, struct sim_bacnet_port **port,
                     struct err *err)
{
    struct sim_bacnet_ear *ear = NULL;
    if (spot->broadcast.family != 0) {
        int error = sim_bacnet_ear_get(state, sd->sim, &spot->broadcast, &ear, err);
        if (error != 0) {
            return error;
        }
    }
    int error = get_port(state, sd->sim, &spot->at, ear, spot->network, port, err);
    if (error == 0 && who_is_there(*port, spot) != NULL) {
        return err_set(err, BUSBAR_EEXIST, "'%s' has the same address",
                       who_is_there(*port, spot)->sd->dev->name);
    }
    return error;
}

static int add(struct sim_device *sd, struct err *err)
{
    struct bacnet_state *state = get_state(sd);
    struct sim_bacnet_served *served = sd->state;
    struct bacnet_config config;
    struct sim_bacnet_spot spot;
    int error = bacnet_config_read(sd->dev->settings, &config, err);
    error = error == 0 ? sim_bacnet_find_spot(sd, state, &config, &spot, err) : error;
    error = error == 0 ? open_spot(sd, state, &spot, &served->port, err) : error;
    if (error != 0) {
        return error;
    }
    error = sim_bacnet_device_init(&served->device, sd->dev, sd->dev->addresses, config.device,
                                   sd->sim->seed);
    if (error != 0) {
        return err_set(err, error, "out of memory");
    }
    served->sd = sd;
    served->state = state;
    served->max_apdu = config.max_apdu != 0 ? config.max_apdu : BACNET_APDU_MAX;
    served->segments = config.segmentation;
    served->device.event = sim_bacnet_event_happened;
    served->device.owner = served;
    list_init(&served->subscriptions);
    list_init(&served->notes);
    list_init(&served->late);
    timer_init(&served->tick, sd->sim->loop, tick, served);
    set_traits(served);
    settle(served, &spot);
    list_append(&state->devices, &served->link);
    return 0;
}

/* What a device does not keep over a restart. */
static void forget(struct sim_bacnet_served *served)
{
    timer_stop(&served->tick);
    sim_bacnet_cov_forget(served);
    sim_bacnet_events_forget(served);
    sim_bacnet_late_forget(served);
}

static void remove_device(struct sim_device *sd)
{
    struct sim_bacnet_served *served = sd->state;
    forget(served);
    sim_bacnet_twin(served, false);
    list_remove(&served->link);
    if (served->source.network == 0) {
        served->port->own = NULL;
    } else {
        map64_remove(&served->port->macs, mac_key(served->source.mac, served->source.mac_size));
    }
    served->port->device_count--;
    if (served->port->device_count == 0) {
        port_free(served->port);
    }
    sim_bacnet_device_fini(&served->device);
}

static void close_all(void *protocol_state)
{
    struct bacnet_state *state = protocol_state;
    if (state->ports.next == NULL) {
        return;
    }
    list_each_safe(at, &state->ports) { /* of devices that could not be added */
        port_free(list_entry(at, struct sim_bacnet_port, link));
    }
    list_each_safe(at, &state->ears) {
        sim_bacnet_ear_free(list_entry(at, struct sim_bacnet_ear, link));
    }
    map64_fini(&state->by_address);
    busbar_free(state->cards);
    busbar_free(state->answer);
    busbar_free(state->value);
}

/* ---- faults ---- */

static void restart(struct sim_bacnet_served *served)
{
    forget(served);
    served->device.restarts++;
    served->device.started_us = clock_wall_us();
}

/* The port is closed while one of its devices is down. */
static void set_socket(struct sim_bacnet_served *served)
{
    struct sim_bacnet_port *port = served->port;
    struct err err = { 0 };
    bool down = false;
    list_each(at, &served->state->devices) {
        struct sim_bacnet_served *other = list_entry(at, struct sim_bacnet_served, link);
        down = down || (other->port == port && other->sd->now == SIM_FAULT_DOWN);
    }
    if (down) {
        datagram_close(port->socket);
        port->socket = NULL;
    } else if (port->socket == NULL && open_socket(port, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "sim", served->sd->dev->name, "%s", err.message);
    }
}

static void changed(struct sim_device *sd)
{
    struct sim_bacnet_served *served = sd->state;
    enum sim_fault_kind was = served->was, now = sd->now;
    served->was = now;
    set_traits(served);
    if (now == SIM_FAULT_DOWN || was == SIM_FAULT_DOWN) {
        set_socket(served);
    }
    served->device.frozen_us = now == SIM_FAULT_FROZEN ? clock_wall_us() : 0;
    if (now == SIM_FAULT_RESTART) {
        restart(served);
    }
    if ((now == SIM_FAULT_RESTART || was == SIM_FAULT_RESTART) && !sim_bacnet_is_mute(served)) {
        sim_bacnet_introduce(served, NULL);
    }
    if (now == SIM_FAULT_DUPLICATE_ID || was == SIM_FAULT_DUPLICATE_ID) {
        sim_bacnet_twin(served, now == SIM_FAULT_DUPLICATE_ID);
    }
}

/* ---- control lines ---- */

static union value held_value(uint8_t kind, uint8_t type, union value raw)
{
    union value held = { .bits = 0 };
    double number = 0.0;
    if (kind == SIM_BACNET_TEXT) {
        const struct text *text = type == VALUE_TEXT ? raw.text : NULL;
        held.text = text_new(text != NULL ? text->bytes : "", text != NULL ? text->size : 0);
    } else if (kind == SIM_BACNET_REAL || kind == SIM_BACNET_DOUBLE) {
        (void)value_number(type, raw, &held.d);
    } else if (type == VALUE_INT) {
        held.i = raw.i;
    } else if (value_number(type, raw, &number)) {
        held.i = (int64_t)number;
    }
    return held;
}

/* A property that is no value: what makes it what it is. */
static int hold_property(struct sim_bacnet_object *obj, uint32_t property, uint8_t type,
                         union value raw)
{
    double number = 0.0;
    bool on = value_number(type, raw, &number) && number != 0.0;
    if (property == BACNET_PROP_OUT_OF_SERVICE) {
        obj->flags = (uint8_t)(on ? obj->flags | SIM_BACNET_OUT_OF_SERVICE
                                  : obj->flags & ~SIM_BACNET_OUT_OF_SERVICE);
    } else if (property == BACNET_PROP_RELIABILITY) {
        obj->reliability = (uint8_t)number;
    } else {
        return BUSBAR_EUNSUPPORTED;
    }
    return 0;
}

static int hold(struct sim_device *sd, uint32_t point, uint8_t type, union value raw)
{
    struct sim_bacnet_served *served = sd->state;
    struct sim_bacnet_device *bd = &served->device;
    const struct bacnet_target *target = &bd->targets[point];
    struct sim_bacnet_object *obj = sim_bacnet_object(bd, bacnet_object_of(target->object));
    struct sim_bacnet_extra *extra = sim_bacnet_extra(bd, obj, target->property, target->index);
    bool release = type == VALUE_NONE;
    int error = 0;
    if (extra != NULL) {
        union value held = held_value(extra->kind, type, raw);
        sim_bacnet_extra_write(extra, release ? NULL : &held);
    } else if (target->property == BACNET_PROP_PRESENT_VALUE) {
        union value held = held_value(obj->kind, type, raw);
        sim_bacnet_hold(obj, release ? NULL : &held);
    } else {
        error = hold_property(obj, target->property, type, raw);
    }
    sim_bacnet_alarm_look(bd, obj, clock_wall_us());
    sim_bacnet_tick_set(served, true);
    return error;
}

static void describe(const struct sim_device *sd, struct buf *out)
{
    const struct sim_bacnet_served *served = sd->state;
    struct bacnet_address at = served->source;
    char where[BACNET_ADDRESS_TEXT_MAX];
    struct bacnet_address port = { .ip = served->port->at };
    bacnet_address_format(where, sizeof(where), &port);
    buf_printf(out, "bacnet %s", where);
    if (at.network != 0) {
        bacnet_address_format(where, sizeof(where), &at);
        buf_printf(out, " %s", where);
    }
    buf_printf(out, " device %u", served->device.instance);
}

static const struct sim_ops ops = {
    .protocol = "bacnet",
    .state_bytes = sizeof(struct bacnet_state),
    .device_bytes = sizeof(struct sim_bacnet_served),
    .fault_kinds = SIM_FAULT_BIT(SILENCE) | SIM_FAULT_BIT(SLOW) | SIM_FAULT_BIT(GARBAGE) |
                   SIM_FAULT_BIT(TRUNCATE) | SIM_FAULT_BIT(WRONG_UNIT) |
                   SIM_FAULT_BIT(WRONG_TRANSACTION) | SIM_FAULT_BIT(DOWN) | SIM_FAULT_BIT(FROZEN) |
                   SIM_FAULT_BIT(ERROR) | SIM_FAULT_BIT(REJECT) | SIM_FAULT_BIT(ABORT) |
                   SIM_FAULT_BIT(RESTART) | SIM_FAULT_BIT(COV_SILENCE) |
                   SIM_FAULT_BIT(DUPLICATE_ID) | SIM_FAULT_BIT(SEGMENT_LOSS),
    .fault_traits = SIM_TRAIT_BIT(APDU) | SIM_TRAIT_BIT(NO_RPM) | SIM_TRAIT_BIT(NO_COV) |
                    SIM_TRAIT_BIT(NO_COV_PROPERTY) | SIM_TRAIT_BIT(NO_SEGMENTATION),
    .add = add,
    .remove = remove_device,
    .close = close_all,
    .changed = changed,
    .hold = hold,
    .describe = describe,
};

const struct sim_ops *sim_bacnet(void)
{
    return &ops;
}
