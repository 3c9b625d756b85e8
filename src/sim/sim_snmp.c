/* SPDX-License-Identifier: Apache-2.0 */
/* Agents on their addresses, and what goes wrong with them. */
#include "sim/sim_snmp.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/snmp/snmp_traps.h"

enum { GARBAGE_LEAST = 3, GARBAGE_MORE = 60, EPOCH_S = 1767225600 /* 2026-01-01 */ };

/* An answer that is held back. */
struct late {
    struct list link;
    struct sim_snmp_served *served;
    struct timer timer;
    struct endpoint to;
    size_t size;
    uint8_t bytes[];
};

struct sim_snmp_now sim_snmp_clock(const struct sim_snmp_served *served)
{
    return (struct sim_snmp_now){ .mono_us = loop_now_us(served->sd->sim->loop),
                                  .wall_us = clock_wall_us() };
}

bool sim_snmp_is_mute(const struct sim_snmp_served *served)
{
    return served->sd->now == SIM_FAULT_SILENCE || served->sd->now == SIM_FAULT_DOWN ||
           (served->sd->now == SIM_FAULT_RESTART && served->sd->fault.for_us > 0);
}

/* ---- answers ---- */

static void late_free(struct late *late)
{
    timer_stop(&late->timer);
    list_remove(&late->link);
    busbar_free(late);
}

static void late_due(struct timer *timer, void *ctx)
{
    struct late *late = ctx;
    (void)timer;
    if (late->served->port->socket != NULL) {
        (void)datagram_send(late->served->port->socket, &late->to, late->bytes, late->size);
    }
    late_free(late);
}

static void send_later(struct sim_snmp_served *served, const struct endpoint *to,
                       const uint8_t *bytes, size_t size, int64_t delay_us)
{
    struct late *late = busbar_alloc(sizeof(*late) + size);
    late->served = served;
    late->to = *to;
    late->size = size;
    memcpy(late->bytes, bytes, size);
    list_append(&served->late, &late->link);
    timer_init(&late->timer, served->sd->sim->loop, late_due, late);
    timer_start_us(&late->timer, delay_us, 0);
}

/* What is sent in place of an answer; its size. */
static size_t spoil(struct sim_snmp_served *served, enum sim_fault_kind kind, uint8_t *bytes,
                    size_t size)
{
    struct sim_snmp_state *state = served->state;
    switch (kind) {
    case SIM_FAULT_GARBAGE:
        size = GARBAGE_LEAST + hash_random(&state->random) % GARBAGE_MORE;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)hash_random(&state->random);
        }
        return size;
    case SIM_FAULT_TRUNCATE: return size / 2;
    case SIM_FAULT_WRONG_DIGEST:
        bytes[size - 1] ^= served->agent.user != NULL ? 0x55 : 0; /* others have no digest */
        return size;
    default: return size;
    }
}

static void answer(struct sim_snmp_served *served, const struct endpoint *from, const uint8_t *data,
                   size_t size)
{
    struct sim_device *sd = served->sd;
    enum sim_fault_kind kind = sim_request(sd);
    uint8_t *bytes;
    if (kind == SIM_FAULT_SILENCE || kind == SIM_FAULT_DOWN || sim_snmp_is_mute(served)) {
        return;
    }
    size_t count = sim_snmp_answer(&served->agent, served->state->desk, data, size, kind,
                                   sd->fault.argument, sim_snmp_clock(served), &bytes);
    if (count == 0) {
        return;
    }
    count = spoil(served, kind, bytes, count);
    if (kind == SIM_FAULT_SLOW) {
        send_later(served, from, bytes, count, sd->fault.argument);
    } else {
        (void)datagram_send(served->port->socket, from, bytes, count);
    }
}

/* Who is meant, where several share the address: the community tells, the only agent of version 3 takes the rest. */
static struct sim_snmp_served *who_is_asked(const struct sim_snmp_port *port,
                                            const struct snmp_message *message)
{
    size_t size = bytes_left(&message->community);
    list_each(at, &port->devices) {
        struct sim_snmp_served *served = list_entry(at, struct sim_snmp_served, link);
        const char *community = served->agent.community;
        bool meant = message->version == SNMP_V3
                         ? served->agent.user != NULL
                         : community != NULL && strlen(community) == size &&
                               memcmp(community, message->community.at, size) == 0;
        if (meant) {
            return served;
        }
    }
    return NULL;
}

static void received(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct sim_snmp_port *port = ctx;
    struct snmp_message message;
    if (snmp_message_decode(data, size, &message) != 0) {
        return;
    }
    struct sim_snmp_served *served = who_is_asked(port, &message);
    if (served != NULL && !sim_snmp_notice_answered(served, &message)) {
        answer(served, from, data, size);
    }
}

/* ---- ports ---- */

static int open_socket(struct sim_snmp_port *port, struct err *err)
{
    struct datagram_options options = { .host = port->host, .port = port->number };
    return datagram_open(port->sim->loop, &options, received, port, &port->socket, err);
}

static void port_free(struct sim_snmp_port *port)
{
    map_remove(&port->state->ports, port->name);
    datagram_close(port->socket);
    busbar_free(port);
}

static int get_port(struct sim_snmp_served *served, const struct address *host, struct err *err)
{
    struct sim_snmp_state *state = served->state;
    char name[ADDRESS_TEXT_MAX];
    (void)address_format(name, sizeof(name), host);
    served->port = map_get(&state->ports, name);
    if (served->port != NULL) {
        return 0;
    }
    bool local = strcmp(host->host, "localhost") == 0;
    if (!local && !address_is_ip(host->host)) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no address of this machine", host->host);
        err_hint(err, "in a site to be simulated hosts are addresses, as in 127.0.0.5:1161");
        return BUSBAR_EINVAL;
    }
    struct sim_snmp_port *port = busbar_alloc(sizeof(*port));
    port->state = state;
    port->sim = served->sd->sim;
    str_format(port->name, sizeof(port->name), "%s", name);
    str_format(port->host, sizeof(port->host), "%s", local ? "127.0.0.1" : host->host);
    port->number = host->port;
    list_init(&port->devices);
    map_set(&state->ports, port->name, port);
    int error = open_socket(port, err);
    if (error != 0) {
        port_free(port);
        return error;
    }
    served->port = port;
    return 0;
}

/* Whether nobody at the address has the same login. */
static int check_alone(const struct sim_snmp_served *served, struct err *err)
{
    list_each(at, &served->port->devices) {
        const struct sim_snmp_served *other = list_entry(at, struct sim_snmp_served, link);
        const char *mine = served->agent.community, *theirs = other->agent.community;
        bool same = mine != NULL && theirs != NULL && strcmp(mine, theirs) == 0;
        if (same || (served->agent.user != NULL && other->agent.user != NULL)) {
            return err_set(err, BUSBAR_EEXIST, "'%s' has the same address", other->sd->dev->name);
        }
    }
    return 0;
}

/* ---- devices ---- */

static void set_receiver(struct sim_snmp_state *state, const struct setup *setup)
{
    const char *listen = snmp_config_listen(setup);
    char first[ADDRESS_TEXT_MAX];
    struct address address;
    if (listen == NULL) {
        return;
    }
    str_format(first, sizeof(first), "%.*s", (int)strcspn(listen, ", "), listen);
    if (address_parse(first, SNMP_TRAP_PORT, &address, NULL) != 0) {
        return;
    }
    const char *host = strcmp(address.host, "0.0.0.0") == 0 ? "127.0.0.1"
                       : strcmp(address.host, "::") == 0    ? "::1"
                                                            : address.host;
    (void)endpoint_parse(host, address.port, &state->receiver.at);
}

static struct sim_snmp_state *get_state(struct sim_device *sd, const struct setup *setup)
{
    struct sim_snmp_state *state = sd->protocol->state;
    if (state->desk == NULL) {
        arena_init(&state->arena, 0);
        state->desk = sim_snmp_desk_new();
        state->random = hash_u64(sd->sim->seed);
        state->prepared = prepared_hold(setup->prepared);
        state->mib = snmp_config_mib(setup);
        set_receiver(state, setup);
    }
    return state;
}

static void written(void *ctx, const struct sim_snmp_object *object)
{
    sim_snmp_link_written(ctx, object);
}

static void release(struct sim_snmp_served *served)
{
    sim_snmp_agent_fini(&served->agent);
    if (served->port != NULL && list_empty(&served->port->devices)) {
        port_free(served->port);
    }
    if (served->community != NULL) {
        explicit_bzero(served->community, strlen(served->community));
    }
    busbar_free(served->community);
    busbar_free(served->context);
}

static int add(struct sim_device *sd, struct err *err)
{
    static const struct setup empty;
    const struct setup *given = sim_setup(sd->sim, sd->protocol->ops->protocol);
    const struct setup *setup = given != NULL ? given : &empty;
    struct sim_snmp_served *served = sd->state;
    struct snmp_config config;
    int error = snmp_config_read(setup, sd->dev->settings, &config, err);
    if (error != 0) {
        return error;
    }
    served->sd = sd;
    served->state = get_state(sd, setup);
    list_init(&served->late);
    list_init(&served->notices);
    list_init(&served->repeats);
    error = sim_snmp_login(served, setup, &config, err);
    error = error == 0 ? get_port(served, &config.host, err) : error;
    error = error == 0 ? check_alone(served, err) : error;
    if (error == 0) {
        struct sim_snmp_now now = sim_snmp_clock(served);
        uint32_t boots = (uint32_t)(now.wall_us / CLOCK_US_PER_S - EPOCH_S);
        error = sim_snmp_agent_init(&served->agent, sd->dev, sd->dev->addresses, sd->sim->seed,
                                    boots, now);
        error = error == 0 ? 0 : err_set(err, error, "%s", err_text(error));
    }
    if (error != 0) {
        release(served);
        return error;
    }
    served->agent.written = written;
    served->agent.ctx = served;
    list_append(&served->port->devices, &served->link);
    return 0;
}

static void forget(struct sim_snmp_served *served)
{
    list_each_safe(at, &served->late) {
        late_free(list_entry(at, struct late, link));
    }
}

static void remove_device(struct sim_device *sd)
{
    struct sim_snmp_served *served = sd->state;
    forget(served);
    sim_snmp_notices_forget(served);
    list_remove(&served->link);
    release(served);
}

static void close_all(void *protocol_state)
{
    struct sim_snmp_state *state = protocol_state;
    size_t at = 0;
    const char *key;
    void *user;
    if (state->desk == NULL) {
        return;
    }
    while (map_next(&state->users, &at, &key, &user)) {
        usm_user_drop(user);
    }
    map_fini(&state->users);
    map_fini(&state->ports);
    arena_fini(&state->arena);
    sim_snmp_desk_free(state->desk);
    prepared_drop(state->prepared);
}

/* ---- faults ---- */

static void set_traits(struct sim_snmp_served *served)
{
    const struct sim_device *sd = served->sd;
    struct sim_snmp_agent *agent = &served->agent;
    bool bytes = (sd->traits & SIM_TRAIT_BIT(MOST_BYTES)) != 0;
    bool nodes = (sd->traits & SIM_TRAIT_BIT(MOST_NODES)) != 0;
    agent->size_max = bytes ? sd->fault.bytes : SIM_SNMP_MESSAGE;
    agent->oids_max = nodes ? sd->fault.most : 0;
    agent->no_bulk = (sd->traits & SIM_TRAIT_BIT(NO_BULK)) != 0;
    agent->no_login = (sd->traits & SIM_TRAIT_BIT(NO_LOGIN)) != 0;
}

/* The port is closed while one of its devices is down. */
static void set_socket(struct sim_snmp_served *served)
{
    struct sim_snmp_port *port = served->port;
    struct err err = { 0 };
    bool down = false;
    list_each(at, &port->devices) {
        down = down || list_entry(at, struct sim_snmp_served, link)->sd->now == SIM_FAULT_DOWN;
    }
    if (down) {
        datagram_close(port->socket);
        port->socket = NULL;
    } else if (port->socket == NULL && open_socket(port, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "sim", served->sd->dev->name, "%s", err.message);
    }
}

static void renumber(struct sim_snmp_served *served)
{
    int error;
    served->agent.turn++;
    error = sim_snmp_objects_make(&served->agent);
    if (error != 0) { /* it has no objects now: silent until the next time */
        served->agent.object_count = 0;
        busbar_log(LOG_LEVEL_ERROR, "sim", served->sd->dev->name, "%s", err_text(error));
    }
}

/* Where it takes a while it is silent first, and then as new. */
static void restart(struct sim_snmp_served *served, struct sim_snmp_now now)
{
    bool restarts = served->sd->now == SIM_FAULT_RESTART;
    bool silent = restarts && served->sd->fault.for_us > 0;
    if (restarts) {
        forget(served);
    }
    if ((restarts && !silent) || (!restarts && served->rebooting)) {
        sim_snmp_agent_restart(&served->agent, now);
        sim_snmp_announce(served, "coldStart", SIM_SNMP_NO_ROW);
    }
    served->rebooting = silent;
}

static void changed(struct sim_device *sd)
{
    struct sim_snmp_served *served = sd->state;
    struct sim_snmp_agent *agent = &served->agent;
    struct sim_snmp_now now = sim_snmp_clock(served);
    enum sim_fault_kind was = served->was, is = sd->now;
    served->was = is;
    set_traits(served);
    if (is == SIM_FAULT_DOWN || was == SIM_FAULT_DOWN) {
        set_socket(served);
    }
    agent->frozen = is == SIM_FAULT_FROZEN ? now : (struct sim_snmp_now){ 0 };
    if (is == SIM_FAULT_WRAP) {
        agent->wrap_us = now.mono_us;
    }
    if (is == SIM_FAULT_RENUMBER && was != is) {
        renumber(served);
    }
    if (is == SIM_FAULT_WRONG_ENGINE || was == SIM_FAULT_WRONG_ENGINE) {
        sim_snmp_agent_engine(agent, is == SIM_FAULT_WRONG_ENGINE);
    }
    restart(served, now);
}

/* ---- control lines ---- */

static int hold(struct sim_device *sd, uint32_t point, uint8_t type, union value raw)
{
    struct sim_snmp_served *served = sd->state;
    const struct sim_snmp_object *object = sim_snmp_point_object(&served->agent, point);
    const struct snmp_address *address = &served->agent.addresses[point];
    struct sample sample = { .type = type, .value = raw };
    struct snmp_value value;
    uint8_t room[SIM_SNMP_VALUE_MAX];
    int error = object != NULL ? 0 : BUSBAR_EUNSUPPORTED;
    if (error == 0 && type != VALUE_NONE) {
        error = sim_snmp_value_make(object, address->meaning, served->state->mib, &sample, room,
                                    sizeof(room), &value);
    }
    if (error == 0) {
        sim_snmp_value_hold(&served->agent, object, type != VALUE_NONE ? &value : NULL,
                            sim_snmp_clock(served));
    }
    return error;
}

static void describe(const struct sim_device *sd, struct buf *out)
{
    const struct sim_snmp_served *served = sd->state;
    static const char *const versions[] = { "v1", "v2c", "", "v3" };
    buf_printf(out, "udp %s %s", served->port->name, versions[served->version]);
    if (served->agent.user != NULL) {
        buf_printf(out, " user %s", usm_user_name(served->agent.user));
    }
}

static const struct sim_ops ops = {
    .protocol = "snmp",
    .state_bytes = sizeof(struct sim_snmp_state),
    .device_bytes = sizeof(struct sim_snmp_served),
    .fault_kinds = SIM_FAULT_BIT(SILENCE) | SIM_FAULT_BIT(SLOW) | SIM_FAULT_BIT(GARBAGE) |
                   SIM_FAULT_BIT(TRUNCATE) | SIM_FAULT_BIT(WRONG_UNIT) |
                   SIM_FAULT_BIT(WRONG_TRANSACTION) | SIM_FAULT_BIT(DOWN) | SIM_FAULT_BIT(FROZEN) |
                   SIM_FAULT_BIT(ERROR) | SIM_FAULT_BIT(RESTART) | SIM_FAULT_BIT(WRONG_ENGINE) |
                   SIM_FAULT_BIT(WRONG_DIGEST) | SIM_FAULT_BIT(LOOP) | SIM_FAULT_BIT(RENUMBER) |
                   SIM_FAULT_BIT(WRAP),
    .fault_traits = SIM_TRAIT_BIT(MOST_BYTES) | SIM_TRAIT_BIT(MOST_NODES) |
                    SIM_TRAIT_BIT(NO_LOGIN) | SIM_TRAIT_BIT(NO_BULK),
    .add = add,
    .remove = remove_device,
    .close = close_all,
    .changed = changed,
    .hold = hold,
    .describe = describe,
    .tell = sim_snmp_tell,
    .told = sim_snmp_told,
};

const struct sim_ops *sim_snmp(void)
{
    return &ops;
}
