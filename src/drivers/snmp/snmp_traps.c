/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_traps.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/snmp/snmp_traps_private.h"
#include "net/port_owner.h"

enum {
    RECEIVE_BYTES = 8 << 20, /* some ten thousand traps, while something else takes its time */
    PRINT_MAX = 256 * 1024,
    LISTEN_ITEM_MAX = 96,
    NS_PER_S = 1000000000,
};

/* ---- settings ---- */

/* The addresses of `listen`; how many, or BUSBAR_ECONFIG. */
static int parse_listen(const struct snmp_trap_options *options,
                        struct endpoint out[SNMP_TRAP_LISTENERS_MAX], struct err *err)
{
    int count = 0;
    const char *at = options->listen;
    while (at != NULL && at[0] != '\0') {
        char item[LISTEN_ITEM_MAX];
        struct address address;
        struct err why = { 0 };
        size_t size = strcspn(at, ",");
        if (count == SNMP_TRAP_LISTENERS_MAX) {
            return err_at(err, BUSBAR_ECONFIG, options->listen_at, NULL,
                          "'listen' has more than %d addresses", SNMP_TRAP_LISTENERS_MAX);
        }
        str_format(item, sizeof(item), "%.*s", (int)(size < sizeof(item) ? size : sizeof(item)),
                   at);
        const char *text = str_trim(item);
        if (address_parse(text, SNMP_TRAP_PORT, &address, &why) != 0 ||
            endpoint_parse(address.host, address.port, &out[count]) != 0) {
            return err_at(err, BUSBAR_ECONFIG, options->listen_at,
                          "an address of this machine and a port: 0.0.0.0:162, or [::]:162",
                          "'listen': '%s' is no address%s%s", text,
                          why.message[0] != '\0' ? ": " : "", why.message);
        }
        count++;
        at += size + (at[size] == ',' ? 1 : 0);
    }
    return count;
}

int snmp_traps_check(const struct snmp_trap_options *options, struct err *err)
{
    struct endpoint listen[SNMP_TRAP_LISTENERS_MAX];
    struct allow allow;
    int count = parse_listen(options, listen, err);
    if (count < 0) {
        return count;
    }
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < i; k++) {
            if (endpoint_equal(&listen[i], &listen[k])) {
                return err_at(err, BUSBAR_ECONFIG, options->listen_at, NULL,
                              "'listen' has the same address twice");
            }
        }
    }
    return allow_parse(options->allow, "allow", options->allow_at, &allow, err);
}

int snmp_traps_check_addresses(const char *text, struct position at, struct err *err)
{
    struct allow allow;
    int error = allow_parse(text, "trap_addresses", at, &allow, err);
    if (error != 0) {
        return error;
    }
    bool single = !allow.any && allow.count <= SNMP_TRAP_ADDRESSES_MAX;
    for (size_t i = 0; i < allow.count && single; i++) {
        single = allow.networks[i].bits == (allow.networks[i].base.family == 4 ? 32 : 128);
    }
    return single ? 0
                  : err_at(err, BUSBAR_ECONFIG, at, "addresses, between them commas",
                           "'trap_addresses' takes up to %d addresses of this one device",
                           SNMP_TRAP_ADDRESSES_MAX);
}

void snmp_traps_ports(const struct snmp_trap_options *options, driver_port_cb cb, void *ctx)
{
    struct endpoint listen[SNMP_TRAP_LISTENERS_MAX];
    int count = parse_listen(options, listen, NULL);
    for (int i = 0; i < count; i++) {
        char host[ADDRESS_TEXT_MAX];
        snmp_trap_print_address(&listen[i], host, sizeof(host));
        cb(ctx, &(struct driver_port){ .use = "SNMP traps",
                                       .transport = "udp",
                                       .host = host,
                                       .port = listen[i].port,
                                       .at = options->listen_at });
    }
}

/* ---- listeners ---- */

static void on_datagram(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    snmp_trap_take(ctx, from, data, size);
}

static void explain_refusal(struct snmp_trap_listener *listener, const char *host)
{
    struct err *err = &listener->trouble;
    uint16_t port = listener->at.port;
    if (err->code == BUSBAR_EADDRINUSE) {
        struct port_owner owner = port_owner_udp(host, port);
        err_set(err, BUSBAR_EADDRINUSE, "UDP port %u of %s is already in use by %s", port, host,
                owner.pid != 0 ? owner.name : "another program");
        err_hint(err, "stop it (snmptrapd?), or let `listen` have another port");
    } else if (err->code == BUSBAR_EPERM) {
        err_hint(err, "ports below 1024 need a right: run it as the packaged service, or "
                      "`setcap cap_net_bind_service=+ep` the program, or use a port such as 10162");
    }
}

static void open_listener(struct snmp_trap_listener *listener)
{
    char host[ADDRESS_TEXT_MAX];
    int before = listener->trouble.code;
    snmp_trap_print_address(&listener->at, host, sizeof(host));
    struct datagram_options options = {
        .host = host,
        .port = listener->at.port,
        .receive_bytes = RECEIVE_BYTES,
        .many = true,
        .held = listener->traps->engine.usm.size == 0, /* who asks for it is answered, if later */
    };
    int error = datagram_open(listener->traps->state->loop, &options, on_datagram, listener,
                              &listener->socket, &listener->trouble);
    if (error == 0) {
        listener->trouble = (struct err){ 0 };
        busbar_log(LOG_LEVEL_INFO, "snmp", NULL, "traps are taken at %s port %u", host,
                   datagram_port(listener->socket));
        return;
    }
    explain_refusal(listener, host);
    if (before != error) {
        busbar_log(LOG_LEVEL_ERROR, "snmp", NULL, "no traps at %s port %u: %s", host,
                   listener->at.port, listener->trouble.message);
    }
}

static void mend(struct timer *timer, void *ctx)
{
    struct snmp_traps *traps = ctx;
    bool all = true;
    for (size_t i = 0; i < traps->listener_count; i++) {
        struct snmp_trap_listener *listener = traps->listeners[i];
        if (listener->socket == NULL) {
            open_listener(listener);
        }
        all = all && listener->socket != NULL;
    }
    if (!all) {
        timer_start(timer, SNMP_TRAP_MEND_MS, 0);
    }
}

static void on_engine(void *ctx)
{
    struct snmp_traps *traps = ctx;
    for (size_t i = 0; i < traps->listener_count; i++) {
        if (traps->listeners[i]->socket != NULL) {
            datagram_begin(traps->listeners[i]->socket);
        }
    }
}

static void close_listener(struct snmp_trap_listener *listener)
{
    datagram_close(listener->socket);
    busbar_free(listener);
}

/* Those that stay the same stay open. */
static void set_listeners(struct snmp_traps *traps, const struct endpoint *listen, size_t count)
{
    struct snmp_trap_listener *before[SNMP_TRAP_LISTENERS_MAX];
    size_t before_count = traps->listener_count;
    memcpy(before, traps->listeners, sizeof(before));
    traps->listener_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct snmp_trap_listener *listener = NULL;
        for (size_t k = 0; k < before_count && listener == NULL; k++) {
            if (before[k] != NULL && endpoint_equal(&before[k]->at, &listen[i])) {
                listener = before[k];
                before[k] = NULL;
            }
        }
        if (listener == NULL) {
            listener = busbar_alloc(sizeof(*listener));
            listener->traps = traps;
            listener->at = listen[i];
        }
        traps->listeners[traps->listener_count++] = listener;
    }
    for (size_t k = 0; k < before_count; k++) {
        if (before[k] != NULL) {
            close_listener(before[k]);
        }
    }
    mend(&traps->mend, traps); /* after the others gave up their ports */
}

/* ---- life ---- */

static struct snmp_trap_scratch *new_scratch(void)
{
    struct snmp_trap_scratch *scratch = busbar_alloc(sizeof(*scratch));
    buf_init(&scratch->print, PRINT_MAX);
    buf_init(&scratch->line, PRINT_MAX);
    return scratch;
}

static void free_scratch(struct snmp_trap_scratch *scratch)
{
    for (size_t i = 0; i < EVENT_ARGUMENTS_MAX; i++) {
        busbar_free(scratch->texts[i]);
    }
    busbar_free(scratch->value);
    buf_fini(&scratch->print);
    buf_fini(&scratch->line);
    busbar_free(scratch);
}

struct snmp_traps *snmp_traps_new(struct snmp_driver_state *state)
{
    struct snmp_traps *traps = busbar_alloc(sizeof(*traps));
    traps->state = state;
    traps->scratch = new_scratch();
    traps->salt = hash_entropy();
    traps->engine.known = on_engine;
    traps->engine.ctx = traps;
    map64_init(&traps->engines);
    map64_init(&traps->communities);
    map64_init(&traps->places);
    map64_init(&traps->callers);
    map64_init(&traps->repeats);
    list_init(&traps->answers);
    snmp_trap_users_init(&traps->users);
    snmp_trap_sources_init(traps);
    timer_init(&traps->mend, state->loop, mend, traps);
    timer_init(&traps->tell, state->loop, snmp_trap_tell, traps);
    return traps;
}

void snmp_traps_setup(struct snmp_traps *traps, const struct snmp_trap_options *options)
{
    struct endpoint listen[SNMP_TRAP_LISTENERS_MAX];
    int count = parse_listen(options, listen, NULL);
    traps->setups++;
    traps->rate = options->rate > 0 ? options->rate : SNMP_TRAP_RATE;
    traps->burst = options->burst > 0 ? options->burst : SNMP_TRAP_BURST;
    traps->interval_ns = NS_PER_S / traps->rate;
    (void)allow_parse(options->allow, "allow", options->allow_at, &traps->allow, NULL);
    snmp_trap_sources_sweep(traps, loop_now_us(traps->state->loop), true);
    if (count > 0 && traps->engine.usm.size == 0 && traps->engine.job == NULL) {
        snmp_trap_engine_open(&traps->engine, traps->state->loop, driver_folder(traps->state->drv));
    }
    set_listeners(traps, listen, count > 0 ? (size_t)count : 0);
}

void snmp_traps_free(struct snmp_traps *traps)
{
    if (traps == NULL) {
        return;
    }
    set_listeners(traps, NULL, 0);
    timer_stop(&traps->mend);
    timer_stop(&traps->tell);
    snmp_trap_engine_close(&traps->engine);
    snmp_trap_answers_close(traps);
    snmp_trap_users_fini(&traps->users);
    snmp_trap_sources_fini(traps);
    map64_fini(&traps->engines);
    map64_fini(&traps->communities);
    map64_fini(&traps->places);
    map64_fini(&traps->callers);
    free_scratch(traps->scratch);
    busbar_free(traps);
}

/* ---- devices ---- */

static void add_addresses(struct snmp_traps *traps, struct snmp_trap_device *device)
{
    static const struct position nowhere;
    struct allow more = { .count = 0 };
    (void)allow_parse(device->device->config.trap_addresses, "trap_addresses", nowhere, &more,
                      NULL);
    device->address_count = 1 + more.count;
    device->addresses = busbar_alloc_array(device->address_count, sizeof(*device->addresses));
    for (size_t i = 0; i < device->address_count; i++) {
        device->addresses[i].of = device;
        list_init(&device->addresses[i].link);
    }
    for (size_t i = 0; i < more.count; i++) {
        snmp_trap_source_join(traps, &more.networks[i].base, &device->addresses[i + 1]);
    }
}

void snmp_traps_add(struct snmp_traps *traps, struct snmp_device *device)
{
    struct snmp_trap_device *own = busbar_alloc(sizeof(*own));
    own->device = device;
    own->engine.of = own->community.of = own->place.of = own->caller.of = own;
    list_init(&own->engine.link);
    list_init(&own->community.link);
    list_init(&own->place.link);
    list_init(&own->caller.link);
    device->trap_state = own;
    add_addresses(traps, own);
    snmp_trap_points_find(own);
    snmp_traps_addressed(traps, device);
}

void snmp_traps_addressed(struct snmp_traps *traps, struct snmp_device *device)
{
    snmp_trap_place(traps, device->trap_state);
}

void snmp_traps_engine(struct snmp_traps *traps, struct snmp_device *device,
                       const struct usm_engine *engine)
{
    struct snmp_trap_device *own = device->trap_state;
    snmp_trap_group_leave(&traps->engines, &own->engine);
    if (engine != NULL && engine->size > 0) {
        snmp_trap_group_join(&traps->engines, engine->id, engine->size, &own->engine);
    }
}

void snmp_traps_remove(struct snmp_traps *traps, struct snmp_device *device)
{
    struct snmp_trap_device *own = device->trap_state;
    if (own == NULL) {
        return;
    }
    snmp_trap_unplace(traps, own);
    busbar_free(own->addresses);
    busbar_free(own->hooked);
    busbar_free(own->wanted);
    busbar_free(own);
    device->trap_state = NULL;
}
