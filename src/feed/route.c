/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, and which devices read what comes by them. */
#include <string.h>

#include "base/alloc.h"
#include "feed/feed_private.h"

enum { SETTINGS_MAX = 16 * 1024 };

struct feed_route *feed_route_new(struct feed *feed, struct payload_shape *shape, const char *name)
{
    struct feed_route *route = busbar_alloc(sizeof(*route));
    route->feed = feed;
    route->shape = payload_shape_hold(shape);
    route->name = busbar_strdup(name);
    map_init(&route->by_id);
    list_init(&route->all);
    list_init(&route->named);
    list_append(&feed->routes, &route->link);
    return route;
}

void feed_route_propose(struct feed_route *route, const char *settings)
{
    busbar_free(route->settings);
    route->settings = busbar_strdup(settings);
}

void feed_route_propose_like(struct feed_route *route, const struct device *dev, size_t id_option)
{
    const struct settings *settings = dev->settings;
    struct buf out, value;
    buf_init(&out, SETTINGS_MAX);
    buf_init(&value, SETTINGS_MAX);
    (void)buf_append_text(&out, "{ ");
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *set = &settings->set[i];
        const struct option *option = &settings->options[set->option];
        struct json_writer json = json_writer(&out);
        if (set->option == id_option) {
            continue;
        }
        buf_clear(&value);
        option_print(option, set->value, &value);
        (void)buf_printf(&out, "%s: ", option->key);
        if (option->type == OPTION_TEXT) {
            json_string(&json, buf_text(&value));
        } else {
            (void)buf_append_text(&out, buf_text(&value));
        }
        (void)buf_append_text(&out, ", ");
    }
    (void)buf_printf(&out, "%s: \"{id}\" }", settings->options[id_option].key);
    if (!out.overflow) {
        feed_route_propose(route, buf_text(&out));
    }
    buf_fini(&value);
    buf_fini(&out);
}

bool feed_route_empty(const struct feed_route *route)
{
    return route->members == 0;
}

static void member_free(struct member *member)
{
    struct feed_route *route = member->route;
    if (member->has_id) {
        (void)map_remove(&route->by_id, member->id);
    }
    list_remove(&member->by_route);
    list_remove(&member->by_device);
    route->members--;
    payload_program_drop(member->program);
    busbar_free(member);
}

void feed_route_free(struct feed_route *route)
{
    if (route == NULL) {
        return;
    }
    list_each_safe(at, &route->named) {
        member_free(list_entry(at, struct member, by_route));
    }
    list_each_safe(at, &route->all) {
        member_free(list_entry(at, struct member, by_route));
    }
    list_remove(&route->link);
    map_fini(&route->by_id);
    payload_shape_drop(route->shape);
    busbar_free(route->name);
    busbar_free(route->settings);
    busbar_free(route);
}

/* ---- devices ---- */

struct feed_device *feed_device_of(const struct feed *feed, const struct device *dev)
{
    return map64_get(&feed->devices, (uintptr_t)dev);
}

static struct feed_device *device_make(struct feed *feed, struct device *dev)
{
    struct feed_device *fd = feed_device_of(feed, dev);
    if (fd != NULL) {
        return fd;
    }
    fd = busbar_alloc(sizeof(*fd));
    fd->dev = dev;
    list_init(&fd->members);
    for (unsigned i = 0; i < GATHERS; i++) {
        list_init(&fd->parts[i].link);
        fd->parts[i].fd = fd;
    }
    (void)map64_set(&feed->devices, (uintptr_t)dev, fd);
    return fd;
}

void feed_add(struct feed *feed, struct device *dev)
{
    (void)device_make(feed, dev);
}

int feed_join(struct feed_route *route, struct device *dev, const char *id,
              struct payload_program *program, struct err *err)
{
    const struct member *other = id != NULL ? map_get(&route->by_id, id) : NULL;
    if (other != NULL) {
        err_set(err, BUSBAR_EEXIST, "device '%s' has the id '%s' already, in %s",
                other->fd->dev->name, id, route->name);
        err_hint(err, "give each device an id of its own");
        return BUSBAR_EEXIST;
    }
    size_t size = id != NULL ? strlen(id) + 1 : 1;
    struct member *member = busbar_alloc(sizeof(*member) + size);
    member->route = route;
    member->fd = device_make(route->feed, dev);
    member->program = payload_program_hold(program);
    member->has_id = id != NULL;
    if (id != NULL) {
        memcpy(member->id, id, size);
        (void)map_set(&route->by_id, member->id, member);
        people_known(&route->feed->people, route, id);
    }
    list_append(id != NULL ? &route->named : &route->all, &member->by_route);
    list_append(&member->fd->members, &member->by_device);
    route->members++;
    return 0;
}

void feed_leave(struct feed *feed, struct device *dev)
{
    struct feed_device *fd = feed_device_of(feed, dev);
    if (fd == NULL) {
        return;
    }
    for (unsigned i = 0; i < GATHERS; i++) {
        gather_leave(&feed->gathers[i], fd);
    }
    list_each_safe(at, &fd->members) {
        member_free(list_entry(at, struct member, by_device));
    }
    (void)map64_remove(&feed->devices, (uintptr_t)dev);
    busbar_free(fd);
}

void feed_find_key(const struct feed *feed, const struct device *dev, struct buf *out)
{
    const struct feed_device *fd = feed_device_of(feed, dev);
    if (fd == NULL) {
        return;
    }
    list_each(at, &fd->members) {
        const struct member *member = list_entry(at, struct member, by_device);
        if (member->has_id) {
            char key[FEED_KEY_TEXT_MAX];
            people_key(key, sizeof(key), member->route, member->id, strlen(member->id));
            buf_append_text(out, key);
            return;
        }
    }
}
