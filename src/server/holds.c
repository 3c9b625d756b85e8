/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/holds, and what can be done with one: release it in the device, give it another end,
 * or take it off the list when its device is gone for good. */
#include "server/holds.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "server/journal.h"
#include "server/points.h"
#include "server/write.h"

enum {
    HOLDS_LIMIT = 200,
    HOLDS_LIMIT_MAX = 1000,
    HOLD_PATH_MAX = DEVICE_NAME_MAX + POINT_NAME_MAX + 2
};

struct hold_rows {
    struct shape *shape;
    struct json_writer *json;
    size_t count;
};

static void put_hold(void *ctx, const struct host_hold *hold)
{
    struct hold_rows *rows = ctx;
    struct json_writer *json = rows->json;
    const struct server *server = rows->shape->server;
    const struct point *pt = registry_point(server->config.registry, hold->path);
    json_begin_object(json);
    json_put_string(json, "path", hold->path);
    json_key(json, "priority");
    if (hold->priority != 0) {
        json_u64(json, hold->priority);
    } else {
        json_null(json);
    }
    json_put_string(json, "value", hold->value);
    json_put_string(json, "units", pt != NULL ? pt->cls->units : "");
    json_put_string(json, "who", hold->who);
    json_put_string(json, "from", hold->from);
    json_put_time(json, "since", hold->since_us);
    shape_time(json, "until", hold->until_us);
    json_put_u64(json, "failures", hold->failures);
    shape_time(json, "next_try", hold->next_try_us);
    json_put_string(json, "trouble", hold->trouble);
    json_put_bool(json, "configured", pt != NULL);
    json_end_object(json);
    rows->count++;
}

void holds_put_of(struct shape *shape, struct json_writer *json, const struct point *pt)
{
    char path[HOLD_PATH_MAX];
    struct hold_rows rows = { .shape = shape, .json = json };
    str_format(path, sizeof(path), "%s/%s", pt->device->name, pt->name);
    json_put_array(json, "holds");
    host_holds_of(shape->server->config.host, path, put_hold, &rows);
    json_end_array(json);
}

/* ---- the list ---- */

static void get_holds(struct server_request *req)
{
    struct server *server = server_of(req);
    struct err err = { 0 };
    int64_t limit = 0, priority = 0;
    const char *after = server_query(req, "after");
    if (server_query_i64(req, "limit", HOLDS_LIMIT, 0, HOLDS_LIMIT_MAX, &limit, &err) != 0 ||
        server_query_i64(req, "after_priority", HOST_HOLD_PRIORITIES, 0, HOST_HOLD_PRIORITIES,
                         &priority, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    struct shape shape;
    struct buf out;
    shape_init(&shape, server);
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    struct hold_rows rows = { .shape = &shape, .json = &json };
    json_begin_object(&json);
    json_put_array(&json, "holds");
    host_holds(server->config.host, after, (uint8_t)priority, (size_t)limit, put_hold, &rows);
    json_end_array(&json);
    json_put_u64(&json, "total", host_hold_count(server->config.host));
    json_put_bool(&json, "more", limit > 0 && rows.count == (size_t)limit);
    json_end_object(&json);
    shape_fini(&shape);
    server_reply_json(req, 200, &out);
}

/* ---- one ---- */

static void path_of(const struct server_request *req, char path[HOLD_PATH_MAX])
{
    str_format(path, HOLD_PATH_MAX, "%s/%s", server_param(req, "device"),
               server_param(req, "point"));
}

/* False: it was answered. */
static bool read_priority(struct server_request *req, uint8_t *priority)
{
    int64_t number = -1;
    const char *text = server_param(req, "priority");
    if (str_parse_i64(text, &number) != 0 || number < 0 || number > HOST_HOLD_PRIORITIES) {
        server_reply_error(req, BUSBAR_EINVAL, "'%s' is no priority: 1 to %d, 0 for a point's own",
                           text, HOST_HOLD_PRIORITIES);
        return false;
    }
    *priority = (uint8_t)number;
    return true;
}

static void no_hold(struct server_request *req, const char *path)
{
    struct err err;
    err_set(&err, BUSBAR_ENOENT, "'%s' is not held at this priority", path);
    err_hint(&err, "busbar point list --manual shows what is held");
    server_reply_err(req, &err);
}

static void post_release(struct server_request *req)
{
    char path[HOLD_PATH_MAX];
    uint8_t priority = 0;
    if (!read_priority(req, &priority)) {
        return;
    }
    path_of(req, path);
    struct point *pt = registry_point(server_of(req)->config.registry, path);
    if (pt == NULL) {
        struct err err;
        err_set(&err, BUSBAR_ENOENT, "'%s' is not configured any more: it cannot be released",
                path);
        err_hint(&err, "configure it again, or take it off the list: busbar point forget %s", path);
        server_reply_err(req, &err);
        return;
    }
    write_release(req, pt, priority);
}

/* An answer that waits until the new end is on disk. */
struct extension {
    struct server_request *req;
    char path[HOLD_PATH_MAX];
    uint8_t priority;
    int64_t for_us;
};

static void reply_hold(struct server_request *req, const char *path)
{
    struct shape shape;
    struct buf out;
    shape_init(&shape, server_of(req));
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    struct hold_rows rows = { .shape = &shape, .json = &json };
    json_begin_object(&json);
    json_put_array(&json, "holds");
    host_holds_of(server_of(req)->config.host, path, put_hold, &rows);
    json_end_array(&json);
    json_put_u64(&json, "total", rows.count);
    json_put_bool(&json, "more", false);
    json_end_object(&json);
    shape_fini(&shape);
    server_reply_json(req, 200, &out);
}

static void on_saved(void *ctx, int error)
{
    struct extension *extension = ctx;
    struct server_request *req = extension->req;
    char words[48] = "until released", lasting[32];
    if (extension->for_us > 0) {
        str_format_duration(lasting, sizeof(lasting), extension->for_us);
        str_format(words, sizeof(words), "for %s", lasting);
    }
    if (server_of(req) == NULL || error != 0) {
        server_reply_error(req, error != 0 ? error : BUSBAR_ECANCELED,
                           "the new end could not be kept: %s", err_text(error));
    } else {
        journal_note(req, "extend", extension->path, "", words, "done");
        reply_hold(req, extension->path);
    }
    busbar_free(extension);
}

static void post_extend(struct server_request *req)
{
    struct err err = { 0 };
    uint8_t priority = 0;
    int64_t for_us = 0;
    if (!read_priority(req, &priority)) {
        return;
    }
    if (write_parse_for(server_body(req), &for_us, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    struct extension *extension = busbar_alloc(sizeof(*extension));
    extension->req = req;
    extension->priority = priority;
    extension->for_us = for_us;
    path_of(req, extension->path);
    int error = host_hold_extend(server_of(req)->config.host, extension->path, priority, for_us,
                                 on_saved, extension, &err);
    if (error != 0) {
        if (error == BUSBAR_ENOENT) {
            no_hold(req, extension->path);
        } else {
            server_reply_err(req, &err);
        }
        busbar_free(extension);
    }
}

static void delete_hold(struct server_request *req)
{
    char path[HOLD_PATH_MAX];
    uint8_t priority = 0;
    if (!read_priority(req, &priority)) {
        return;
    }
    path_of(req, path);
    if (host_hold_forget(server_of(req)->config.host, path, priority) != 0) {
        no_hold(req, path);
        return;
    }
    journal_note(req, "forget", path, "", "", "taken off the list, not released in the device");
    server_reply_empty(req, 204);
}

void server_holds_routes(struct server *server)
{
    static const struct server_query_param list_query[] = {
        { "limit", "integer", "holds in the answer, at most 1000; default 200" },
        { "after", "string", "the path of the last one seen" },
        { "after_priority", "integer", "and its priority" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/holds",
          .handler = get_holds,
          .summary = "what is held by hand: by whom, since and until when",
          .query = list_query,
          .answer = "HoldList" },
        { .method = "POST",
          .path = "/api/v1/holds/{device}/{point}/{priority}/release",
          .handler = post_release,
          .summary = "release one in the device",
          .body = "ReleaseRequest",
          .answer = "WriteResult" },
        { .method = "POST",
          .path = "/api/v1/holds/{device}/{point}/{priority}/extend",
          .handler = post_extend,
          .summary = "give one another end",
          .body = "ExtendRequest",
          .answer = "HoldList" },
        { .method = "DELETE",
          .path = "/api/v1/holds/{device}/{point}/{priority}",
          .handler = delete_hold,
          .summary = "take one off the list without a word to the device" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
