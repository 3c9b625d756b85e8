/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/points: a page of the points that match, and how many there are. With a filter every
 * point has to be looked at; a walk does it in slices. Without one, whole devices are stepped over.
 *
 * GET /api/v1/points/{device}/{point}: one point with all that is known about it. */
#include "server/points.h"
#include "server/explain.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "server/counts.h"
#include "server/filter.h"
#include "server/holds.h"
#include "server/sinks.h"
#include "server/walk.h"

enum { POINTS_LIMIT = 200, POINTS_LIMIT_MAX = 10000, REASONS = 256 };

struct points_list {
    struct server_request *req;
    struct walk walk;
    struct shape shape;
    struct filter filter;
    struct buf out;
    struct json_writer json;
    int64_t limit, offset, seen;
    uint64_t reasons[REASONS]; /* by quality */
};

static void list_free(struct points_list *list)
{
    walk_stop(&list->walk);
    shape_fini(&list->shape);
    buf_fini(&list->out);
    busbar_free(list);
}

static bool on_device(void *ctx, struct device *dev)
{
    struct points_list *list = ctx;
    int64_t count = (int64_t)dev->point_count;
    bool aside = list->seen + count <= list->offset || list->seen >= list->offset + list->limit;
    if (list->filter.trivial && aside) {
        list->seen += count;
        return false;
    }
    return true;
}

static bool on_point(void *ctx, struct point *pt)
{
    struct points_list *list = ctx;
    if (!filter_but_reason(&list->filter, &list->shape, pt)) {
        return true;
    }
    list->reasons[pt->last.quality]++;
    if (!filter_reason(&list->filter, pt)) {
        return true;
    }
    if (list->seen >= list->offset && list->seen < list->offset + list->limit) {
        json_begin_object(&list->json);
        shape_point(&list->shape, &list->json, pt);
        json_end_object(&list->json);
    }
    list->seen++;
    return true;
}

static void on_turned(void *ctx)
{
    struct points_list *list = ctx;
    shape_forget(&list->shape);
}

/* Bad and uncertain reasons, the most frequent first. */
static void put_reasons(struct points_list *list)
{
    json_put_array(&list->json, "reasons");
    for (;;) {
        unsigned most = QUALITY_GOOD;
        list->reasons[QUALITY_GOOD] = 0;
        for (unsigned i = 0; i < REASONS; i++) {
            most = list->reasons[i] > list->reasons[most] ? i : most;
        }
        if (list->reasons[most] == 0) {
            break;
        }
        json_begin_object(&list->json);
        json_put_string(&list->json, "reason", quality_reason((uint8_t)most));
        json_put_u64(&list->json, "count", list->reasons[most]);
        json_end_object(&list->json);
        list->reasons[most] = 0;
    }
    json_end_array(&list->json);
}

static void on_done(void *ctx)
{
    struct points_list *list = ctx;
    json_end_array(&list->json);
    json_put_i64(&list->json, "total", list->seen);
    json_put_u64(&list->json, "all", registry_point_count(list->shape.server->config.registry));
    if (!list->filter.trivial) {
        put_reasons(list);
    }
    json_end_object(&list->json);
    server_reply_json(list->req, 200, &list->out);
    list_free(list);
}

static void on_cut(void *ctx)
{
    struct points_list *list = ctx;
    server_reply_error(list->req, BUSBAR_ECANCELED, "busbar is stopping");
    list_free(list);
}

static int parse_page(struct server_request *req, struct points_list *list, bool *by_name,
                      struct err *err)
{
    const char *sort = server_query(req, "sort");
    int error = filter_parse(req, &list->filter, err);
    if (error == 0) {
        error = server_query_i64(req, "limit", POINTS_LIMIT, 0, POINTS_LIMIT_MAX, &list->limit,
                                 err);
    }
    if (error == 0) {
        error = server_query_i64(req, "offset", 0, 0, REGISTRY_POINTS_MAX, &list->offset, err);
    }
    *by_name = sort != NULL && strcmp(sort, "path") == 0;
    if (error == 0 && sort != NULL && !*by_name) {
        err_set(err, BUSBAR_EINVAL, "points cannot be sorted by '%s'", sort);
        error = err_hint(err, "sort=path, or none: devices by name, points as configured");
    }
    return error;
}

static void get_points(struct server_request *req)
{
    static const struct walk_visitor visitor = {
        .device = on_device, .point = on_point, .turned = on_turned, .done = on_done
    };
    struct server *server = server_of(req);
    struct points_list *list = busbar_alloc(sizeof(*list));
    struct err err = { 0 };
    bool by_name = false;
    if (parse_page(req, list, &by_name, &err) != 0) {
        busbar_free(list);
        server_reply_err(req, &err);
        return;
    }
    list->req = req;
    shape_init(&list->shape, server);
    buf_init(&list->out, SERVER_ANSWER_MAX);
    list->json = json_writer(&list->out);
    json_begin_object(&list->json);
    json_put_array(&list->json, "points");
    server_request_on_cut(req, on_cut, list);
    walk_start(&list->walk, server->config.loop, server->config.registry,
               filter_only(&list->filter), by_name, &visitor, list);
}

/* ---- one point ---- */

static void no_point(struct server_request *req, const struct device *dev, const char *name)
{
    size_t count = dev->point_count;
    const char **names = count <= SERVER_NEAREST_MAX
                             ? busbar_try_alloc((count + 1) * sizeof(*names))
                             : NULL;
    for (size_t i = 0; names != NULL && i < count; i++) {
        names[i] = dev->points[i].name;
    }
    const char *nearest = names != NULL ? str_nearest(name, names, count) : NULL;
    struct err err;
    err_set(&err, BUSBAR_ENOENT, "no point '%s/%s'", dev->name, name);
    if (nearest != NULL) {
        err_hint(&err, "nearest is '%s/%s'", dev->name, nearest);
    }
    busbar_free(names);
    server_reply_err(req, &err);
}

struct point *server_find_point(struct server_request *req)
{
    struct device *dev = server_find_device(req);
    if (dev == NULL) {
        return NULL;
    }
    const char *name = server_param(req, "point");
    struct point *pt = device_point(dev, name);
    if (pt == NULL) {
        no_point(req, dev, name);
    }
    return pt;
}

static void put_enum(struct json_writer *json, const struct point_class *cls)
{
    json_put_array(json, "enum");
    for (size_t i = 0; i < cls->enum_count; i++) {
        json_begin_object(json);
        json_put_i64(json, "value", cls->enums[i].value);
        json_put_string(json, "name", cls->enums[i].name);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_write(struct json_writer *json, const struct point *pt)
{
    const struct point_write *write = &pt->cls->write;
    if (!pt->writable) {
        json_put_null(json, "write");
        return;
    }
    json_put_object(json, "write");
    json_key(json, "min");
    if (write->has_min) {
        json_double(json, write->min);
    } else {
        json_null(json);
    }
    json_key(json, "max");
    if (write->has_max) {
        json_double(json, write->max);
    } else {
        json_null(json);
    }
    json_put_bool(json, "confirm", write->confirm);
    json_put_bool(json, "releasable", pt->releasable);
    json_key(json, "priority");
    if (pt->releasable && pt->priority != 0) {
        json_u64(json, pt->priority);
    } else {
        json_null(json);
    }
    json_key(json, "max_time_s");
    if (write->max_time_us > 0) {
        json_double(json, (double)write->max_time_us / 1e6);
    } else {
        json_null(json);
    }
    json_end_object(json);
}

/* null: never. */
static void put_seconds(struct json_writer *json, const char *key, int64_t us)
{
    if (us > 0) {
        json_put_double(json, key, (double)us / 1e6);
    } else {
        json_put_null(json, key);
    }
}

static void put_point(struct shape *shape, struct json_writer *json, const struct point *pt)
{
    const struct point_class *cls = pt->cls;
    int64_t check_us = host_watched(pt);
    int64_t told_us = check_us > 0 ? check_us : cls->every_us;
    int64_t stale_us = cls->stale_after_us > 0 || pt->pushed ? cls->stale_after_us : 3 * told_us;
    shape_point(shape, json, pt);
    put_enum(json, cls);
    json_put_double(json, "every_s", (double)cls->every_us / 1e6);
    json_put_bool(json, "watched", check_us > 0);
    json_put_bool(json, "pushed", pt->pushed);
    put_seconds(json, "check_every_s", check_us);
    put_seconds(json, "stale_after_s", stale_us);
    json_put_double(json, "scale", cls->scale);
    json_put_double(json, "offset", cls->offset);
    json_put_double(json, "deadband", cls->deadband);
    put_write(json, pt);
    holds_put_of(shape, json, pt);
    buf_clear(&shape->text);
    point_path(pt, &shape->text);
    server_put_sinks_of(shape->server, json, buf_text(&shape->text));
    explain_put(shape, json, pt);
}

static void counted(void *ctx, struct counts *counts, int error)
{
    struct server_request *req = ctx;
    struct server *server = server_of(req);
    struct point *pt = error == 0 && server != NULL
                           ? registry_point_by_id(server->config.registry, counts->ids[0])
                           : NULL;
    if (pt == NULL) {
        server_reply_error(req, error != 0 ? error : BUSBAR_ENOENT, "the point is gone");
        counts_free(counts);
        return;
    }
    struct shape shape;
    struct buf out;
    shape_init(&shape, server);
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    put_point(&shape, &json, pt);
    counts_put_ledger(counts, &json, pt);
    json_end_object(&json);
    shape_fini(&shape);
    counts_free(counts);
    server_reply_json(req, 200, &out);
}

static void get_point(struct server_request *req)
{
    struct point *pt = server_find_point(req);
    if (pt != NULL) {
        struct counts *counts = counts_new(server_of(req));
        counts_add(counts, pt->last.point);
        counts_run(counts, counted, req);
    }
}

void server_points_routes(struct server *server)
{
    static const struct server_query_param list_query[] = {
        FILTER_QUERY,
        { "limit", "integer", "points in the answer, at most 10000; default 200" },
        { "offset", "integer", "points to step over" },
        { "sort", "string", "path" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/points",
          .handler = get_points,
          .summary = "points with their values, filtered and paged",
          .query = list_query,
          .answer = "PointList" },
        { .method = "GET",
          .path = "/api/v1/points/{device}/{point}",
          .handler = get_point,
          .summary = "one point: value, where it comes from, ledger",
          .answer = "PointDetail" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
