/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_routes.h"

#include <string.h>

#include "base/alloc.h"

void tcp_routes_init(struct tcp_routes *routes, struct feed *feed, const char *name)
{
    *routes = (struct tcp_routes){ .feed = feed, .name = name };
}

void tcp_routes_fini(struct tcp_routes *routes)
{
    for (size_t i = 0; i < routes->count; i++) {
        feed_route_free(routes->routes[i]);
    }
    busbar_free(routes->routes);
    busbar_free(routes->shapes);
}

/* The route of a shape; a new one where there is none. */
static int find_route(struct tcp_routes *routes, struct payload_shape *shape, const char *propose,
                      struct feed_route **out, struct err *err)
{
    for (size_t i = 0; i < routes->count; i++) {
        if (routes->shapes[i] == shape) {
            *out = routes->routes[i];
            return 0;
        }
    }
    if (routes->count == TCP_ROUTES_MAX) {
        return err_set(err, BUSBAR_ELIMIT,
                       "more than %d devices read the messages of %s each in another way",
                       TCP_ROUTES_MAX, routes->name);
    }
    size_t count = routes->count + 1;
    routes->routes = busbar_realloc(routes->routes, count * sizeof(struct feed_route *));
    routes->shapes = busbar_realloc(routes->shapes, count * sizeof(struct payload_shape *));
    *out = feed_route_new(routes->feed, shape, routes->name);
    feed_route_propose(*out, propose);
    routes->routes[routes->count] = *out;
    routes->shapes[routes->count] = shape;
    routes->count = count;
    return 0;
}

static void drop_empty(struct tcp_routes *routes)
{
    for (size_t i = routes->count; i-- > 0;) {
        if (feed_route_empty(routes->routes[i])) {
            feed_route_free(routes->routes[i]);
            routes->count--;
            routes->routes[i] = routes->routes[routes->count];
            routes->shapes[i] = routes->shapes[routes->count];
        }
    }
}

/* Sources of what the device sends by itself. */
static size_t find_rules(const struct device *dev, struct payload_rule_source *out)
{
    size_t count = 0;
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct tcp_address *address = tcp_address_of(dev, i);
        if (address->ask == NULL && address->rule.kind != PAYLOAD_POINT_ROWS) {
            out[count++] = (struct payload_rule_source){ .point = &address->rule, .index = i };
        }
    }
    return count;
}

static int make_program(struct tcp_routes *routes, const struct tcp_device *device,
                        struct payload_shape *shape, struct payload_program **out, struct err *err)
{
    const struct device *dev = device->dev;
    struct payload_rule_source *rules = busbar_alloc((dev->point_count + 1) * sizeof(*rules));
    struct payload_event_source *events = busbar_alloc((dev->event_count + 1) * sizeof(*events));
    size_t rule_count = find_rules(dev, rules);
    for (uint32_t i = 0; i < dev->event_count; i++) {
        events[i] = (struct payload_event_source){ .event = &dev->events[i], .index = i };
    }
    int error = payload_program_get(feed_programs(routes->feed), shape, device->id, rules,
                                    rule_count, events, dev->event_count, out, err);
    busbar_free(rules);
    busbar_free(events);
    return error;
}

int tcp_routes_join(struct tcp_routes *routes, struct tcp_device *device, const char *propose,
                    struct err *err)
{
    struct payload_shape *shape = NULL;
    struct payload_program *program = NULL;
    struct feed_route *route = NULL;
    int error = payload_shape_get(feed_programs(routes->feed), device->dev->settings, device->id,
                                  &shape, err);
    if (error != 0) {
        return error;
    }
    error = make_program(routes, device, shape, &program, err);
    if (error == 0) {
        error = find_route(routes, shape, propose, &route, err);
    }
    if (error == 0) {
        const char *id = payload_shape_has_id(shape) ? device->id : NULL;
        error = feed_join(route, device->dev, id, program, err);
        drop_empty(routes);
    }
    if (program != NULL) {
        payload_program_drop(program);
    }
    payload_shape_drop(shape);
    return error;
}

void tcp_routes_leave(struct tcp_routes *routes, struct tcp_device *device)
{
    feed_leave(routes->feed, device->dev);
    drop_empty(routes);
}
