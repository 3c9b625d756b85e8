/* SPDX-License-Identifier: Apache-2.0 */
/* Who may post, and whose an id is.
 *
 *   a key names its connector: keys made by `busbar connector key add` (driver/keyring.h), and the fixed one of the
 *   configuration; else a certificate does by its names; else the sender's address, of connectors that are open. */
#include <sodium.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/http/http_driver.h"

struct bucket {
    double tokens;
    int64_t last_us; /* monotonic */
};

/* ---- life ---- */

static void open_one(struct http_state *state, struct http_connector *connector,
                     const struct setup_part *part)
{
    connector->name = busbar_strdup(part->name);
    connector->state = state;
    list_init(&connector->routes);
    if (http_config_connector(part, &connector->config, NULL) != 0) {
        return; /* was checked with the configuration */
    }
    const char *key = connector->config.key != NULL
                          ? driver_secret(state->drv, connector->config.key)
                          : NULL;
    if (key != NULL && key[0] != '\0') {
        connector->has_key = true;
        keyring_hash(key, strlen(key), connector->key_hash);
    }
}

void http_connectors_open(struct http_state *state, const struct setup *setup)
{
    state->connector_count = setup->part_count;
    state->connectors = busbar_alloc_array(setup->part_count + 1, sizeof(*state->connectors));
    for (size_t i = 0; i < setup->part_count; i++) {
        open_one(state, &state->connectors[i], &setup->parts[i]);
    }
}

void http_connectors_close(struct http_state *state)
{
    for (size_t i = 0; i < state->connector_count; i++) {
        struct http_connector *connector = &state->connectors[i];
        size_t at = 0;
        void *bucket = NULL;
        while (map64_next(&connector->buckets, &at, NULL, &bucket)) {
            busbar_free(bucket);
        }
        map64_fini(&connector->buckets);
        map_fini(&connector->devices);
        busbar_free(connector->by_id);
        busbar_free(connector->name);
    }
    busbar_free(state->connectors);
    state->connectors = NULL;
    state->connector_count = 0;
}

struct http_connector *http_connector_named(const struct http_state *state, const char *name)
{
    for (size_t i = 0; i < state->connector_count; i++) {
        if (strcmp(state->connectors[i].name, name) == 0) {
            return &state->connectors[i];
        }
    }
    return NULL;
}

/* ---- who it is ---- */

static struct http_connector *by_key(struct http_state *state, const char *key)
{
    char name[KEYRING_CONNECTOR_MAX];
    uint8_t hash[KEYRING_HASH_BYTES];
    size_t size = strlen(key);
    struct keyring *ring = driver_keyring(state->drv);
    if (ring != NULL && keyring_find(ring, key, size, clock_wall_us(), name)) {
        return http_connector_named(state, name);
    }
    keyring_hash(key, size, hash);
    struct http_connector *found = NULL;
    for (size_t i = 0; i < state->connector_count; i++) {
        struct http_connector *connector = &state->connectors[i];
        if (connector->has_key && sodium_memcmp(connector->key_hash, hash, sizeof(hash)) == 0) {
            found = found != NULL ? found : connector;
        }
    }
    return found;
}

static struct http_connector *by_certificate(struct http_state *state,
                                             const struct http_certificate *certificate)
{
    for (size_t i = 0; i < state->connector_count; i++) {
        const char *names = state->connectors[i].config.certificate_names;
        if (names != NULL && (http_name_listed(names, certificate->name) ||
                              http_names_listed(names, certificate->others))) {
            return &state->connectors[i];
        }
    }
    return NULL;
}

static bool allows(const struct http_connector *connector, const char *from)
{
    struct endpoint source;
    return connector->config.allow.any || (endpoint_parse(from, 0, &source) == 0 &&
                                           allow_takes(&connector->config.allow, &source));
}

/* The one that has a device of this id, else the first. */
static struct http_connector *by_address(struct http_state *state, const char *from, const char *id)
{
    struct http_connector *first = NULL;
    for (size_t i = 0; i < state->connector_count; i++) {
        struct http_connector *connector = &state->connectors[i];
        if (!connector->config.open || !allows(connector, from)) {
            continue;
        }
        if (map_get(&connector->devices, id) != NULL) {
            return connector;
        }
        first = first != NULL ? first : connector;
    }
    return first;
}

static void refuse_key(struct err *err, const char *key, const struct http_certificate *certificate)
{
    if (key != NULL) {
        err_set(err, BUSBAR_EAUTH, "this key is not known");
        err_hint(err, "make one at the gateway: busbar connector key add NAME");
    } else if (certificate->given && !certificate->trusted) {
        err_set(err, BUSBAR_EAUTH, "the certificate is not trusted: %s", certificate->trouble);
        err_hint(err, "it must be made by an authority of client_ca");
    } else if (certificate->given) {
        err_set(err, BUSBAR_EAUTH, "no connector names the certificate '%s'", certificate->name);
        err_hint(err, "add it to certificate_names of a connector");
    } else {
        err_set(err, BUSBAR_EAUTH, "a key is needed");
        err_hint(err, "send it as X-Api-Key; the gateway makes one: busbar connector key add NAME");
    }
}

struct http_connector *http_connector_find(struct http_state *state, const char *key, bool in_query,
                                           const struct http_certificate *certificate,
                                           const char *from, const char *id, struct err *err)
{
    struct http_connector *found = key != NULL            ? by_key(state, key)
                                   : certificate->trusted ? by_certificate(state, certificate)
                                                          : NULL;
    if (found == NULL && key == NULL) {
        found = by_address(state, from, id);
    }
    if (found == NULL) {
        refuse_key(err, key, certificate);
        return NULL;
    }
    if (in_query && !found->config.query_key) {
        err_set(err, BUSBAR_EAUTH, "connector '%s' takes no key in the URL", found->name);
        err_hint(err, "send it as X-Api-Key, or set query_key: true");
        return NULL;
    }
    if (!allows(found, from)) {
        err_set(err, BUSBAR_EPERM, "connector '%s' takes nothing from %s", found->name, from);
        err_hint(err, "add it to 'allow' of the connector");
        return NULL;
    }
    return found;
}

/* ---- how often ---- */

bool http_connector_admits(struct http_connector *connector, const char *from, int64_t now_us,
                           unsigned *wait_s)
{
    double rate = (double)connector->config.rate;
    uint64_t key = hash_keyed(from, strlen(from));
    if (connector->config.rate == 0) {
        return true;
    }
    struct bucket *bucket = map64_get(&connector->buckets, key);
    if (bucket == NULL) {
        if (connector->buckets.count >= HTTP_BUCKETS_MAX) {
            *wait_s = 1;
            return false;
        }
        bucket = busbar_alloc(sizeof(*bucket));
        *bucket = (struct bucket){ .tokens = rate, .last_us = now_us };
        (void)map64_set(&connector->buckets, key, bucket);
    }
    bucket->tokens += (double)(now_us - bucket->last_us) * rate / (double)CLOCK_US_PER_S;
    bucket->tokens = bucket->tokens < rate ? bucket->tokens : rate;
    bucket->last_us = now_us;
    if (bucket->tokens < 1.0) {
        *wait_s = 1;
        return false;
    }
    bucket->tokens -= 1.0;
    return true;
}

/* Addresses that have not sent for so long that nothing is counted of them any more. */
static void sweep(struct http_connector *connector, int64_t now_us)
{
    struct map64 kept;
    size_t at = 0;
    uint64_t key = 0;
    void *value = NULL;
    map64_init(&kept);
    while (map64_next(&connector->buckets, &at, &key, &value)) {
        const struct bucket *bucket = value;
        if (now_us - bucket->last_us > CLOCK_US_PER_S) {
            busbar_free(value);
        } else {
            (void)map64_set(&kept, key, value);
        }
    }
    map64_fini(&connector->buckets);
    connector->buckets = kept;
}

void http_connectors_sweep(struct http_state *state)
{
    int64_t now_us = loop_now_us(state->loop);
    for (size_t i = 0; i < state->connector_count; i++) {
        if (state->connectors[i].buckets.count > 0) {
            sweep(&state->connectors[i], now_us);
        }
    }
}

/* ---- whose it is ---- */

static void list_by_id(struct http_connector *connector)
{
    connector->by_id_count = 0;
    list_each(at, &connector->routes) {
        struct http_route *route = list_entry(at, struct http_route, link);
        if (route->by_id) {
            connector->by_id = busbar_realloc(connector->by_id, (connector->by_id_count + 1) *
                                                                    sizeof(*connector->by_id));
            connector->by_id[connector->by_id_count++] = route->feed;
        }
    }
}

static struct http_route *route_of(struct http_connector *connector, struct http_device *device)
{
    char name[96];
    list_each(at, &connector->routes) {
        struct http_route *route = list_entry(at, struct http_route, link);
        if (route->shape == device->shape) {
            route->uses++;
            return route;
        }
    }
    struct http_route *route = busbar_alloc(sizeof(*route));
    route->shape = device->shape;
    route->by_id = payload_shape_has_id(device->shape);
    route->uses = 1;
    str_format(name, sizeof(name), "connector %s", connector->name);
    route->feed = feed_route_new(connector->state->feed, device->shape, name);
    if (route->by_id) {
        feed_route_propose_like(route->feed, device->dev, PAYLOAD_DEVICE_ID);
    }
    list_append(&connector->routes, &route->link);
    list_by_id(connector);
    return route;
}

static int name_device(struct http_connector *connector, struct http_device *device,
                       struct err *err)
{
    const struct http_device *other = map_get(&connector->devices, device->id);
    if (other != NULL) {
        err_set(err, BUSBAR_EEXIST, "device %s has the id '%s' of connector '%s' already",
                other->dev->name, device->id, connector->name);
        return err_hint(err, "give one of them another id:");
    }
    (void)map_set(&connector->devices, device->id, device);
    device->named = true;
    return 0;
}

static int make_program(struct http_device *device, struct payload_program **out, struct err *err)
{
    const struct device *dev = device->dev;
    struct payload_rule_source *rules = busbar_alloc_array(dev->point_count + 1, sizeof(*rules));
    struct payload_event_source *events = busbar_alloc_array(dev->event_count + 1, sizeof(*events));
    size_t count = 0;
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct http_address *address = driver_address(dev, i);
        if (address->payload.kind != PAYLOAD_POINT_ROWS) {
            rules[count++] = (struct payload_rule_source){ .point = &address->payload, .index = i };
        }
    }
    for (uint32_t i = 0; i < dev->event_count; i++) {
        events[i] = (struct payload_event_source){ .event = &dev->events[i], .index = i };
    }
    int error = payload_program_get(feed_programs(device->state->feed), device->shape, device->id,
                                    rules, count, events, dev->event_count, out, err);
    busbar_free(rules);
    busbar_free(events);
    return error;
}

int http_connector_join(struct http_connector *connector, struct http_device *device,
                        struct err *err)
{
    struct payload_program *program = NULL;
    bool by_id = payload_shape_has_id(device->shape);
    device->connector = connector;
    device->route = route_of(connector, device);
    connector->device_count++;
    int error = make_program(device, &program, err);
    if (error == 0 && !by_id) {
        error = name_device(connector, device, err);
    }
    if (error == 0) {
        error = feed_join(device->route->feed, device->dev, by_id ? device->id : NULL, program,
                          err);
    }
    payload_program_drop(program);
    return error;
}

void http_connector_leave(struct http_connector *connector, struct http_device *device)
{
    struct http_route *route = device->route;
    feed_leave(connector->state->feed, device->dev);
    if (device->named) {
        (void)map_remove(&connector->devices, device->id);
        device->named = false;
    }
    connector->device_count--;
    device->connector = NULL;
    device->route = NULL;
    if (--route->uses == 0) {
        list_remove(&route->link);
        feed_route_free(route->feed);
        busbar_free(route);
        list_by_id(connector);
    }
}
