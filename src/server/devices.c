/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: the list, one with its learned limits, its last frames in words, pause, resume, test. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "server/journal.h"
#include "server/points.h"
#include "server/shape.h"
#include "server/walk.h"

enum {
    DEVICES_LIMIT = 1000,
    DEVICES_LIMIT_MAX = 10000,
    FRAMES_LIMIT_MAX = 1000,
    TEST_OPTIONS = 16
};

void server_no_device(struct server_request *req, const char *name)
{
    size_t count = 0;
    struct device *const *devices = registry_devices(server_of(req)->config.registry, &count);
    const char **names = count <= SERVER_NEAREST_MAX
                             ? busbar_try_alloc((count + 1) * sizeof(*names))
                             : NULL;
    for (size_t i = 0; names != NULL && i < count; i++) {
        names[i] = devices[i]->name;
    }
    const char *nearest = names != NULL ? str_nearest(name, names, count) : NULL;
    busbar_free(names);
    struct err err;
    err_set(&err, BUSBAR_ENOENT, "no device '%s'", name);
    if (nearest != NULL) {
        err_hint(&err, "nearest is '%s'", nearest);
    }
    server_reply_err(req, &err);
}

struct device *server_find_device(struct server_request *req)
{
    const char *name = server_param(req, "device");
    struct device *dev = registry_device(server_of(req)->config.registry, name);
    if (dev == NULL) {
        server_no_device(req, name);
    }
    return dev;
}

/* ---- the list ---- */

struct devices_list {
    struct server_request *req;
    struct walk walk;
    struct shape shape;
    struct buf out;
    struct json_writer json;
    char q[256], link[16];
    int64_t limit, offset, seen;
};

static void list_free(struct devices_list *list)
{
    walk_stop(&list->walk);
    shape_fini(&list->shape);
    buf_fini(&list->out);
    busbar_free(list);
}

static bool is_found(struct devices_list *list, const struct device *dev)
{
    const struct driver_ops *ops = shape_ops(&list->shape, dev);
    if (list->link[0] != '\0' &&
        strcmp(link_state_word(shape_stats(&list->shape, dev)->link), list->link) != 0) {
        return false;
    }
    if (list->q[0] == '\0' || strcasestr(dev->name, list->q) != NULL ||
        strcasestr(dev->title, list->q) != NULL || strcasestr(dev->place, list->q) != NULL ||
        strcasestr(dev->protocol, list->q) != NULL || strcasestr(dev->profile, list->q) != NULL) {
        return true;
    }
    buf_clear(&list->shape.text);
    if (dev->host != NULL && ops != NULL && ops->link != NULL) {
        ops->link(dev, &list->shape.text);
    }
    return strcasestr(buf_text(&list->shape.text), list->q) != NULL;
}

static bool on_device(void *ctx, struct device *dev)
{
    struct devices_list *list = ctx;
    if (is_found(list, dev)) {
        if (list->seen >= list->offset && list->seen < list->offset + list->limit) {
            json_begin_object(&list->json);
            shape_device(&list->shape, &list->json, dev);
            json_end_object(&list->json);
        }
        list->seen++;
    }
    return false;
}

static void on_turned(void *ctx)
{
    struct devices_list *list = ctx;
    shape_forget(&list->shape);
}

static void on_done(void *ctx)
{
    struct devices_list *list = ctx;
    json_end_array(&list->json);
    json_put_i64(&list->json, "total", list->seen);
    json_put_u64(&list->json, "all", registry_device_count(list->shape.server->config.registry));
    json_end_object(&list->json);
    server_reply_json(list->req, 200, &list->out);
    list_free(list);
}

static void on_cut(void *ctx)
{
    struct devices_list *list = ctx;
    server_reply_error(list->req, BUSBAR_ECANCELED, "busbar is stopping");
    list_free(list);
}

static int parse_list(struct server_request *req, struct devices_list *list, struct err *err)
{
    const char *q = server_query(req, "q");
    const char *link = server_query(req, "link");
    if (q != NULL && !str_copy(list->q, sizeof(list->q), q)) {
        return err_set(err, BUSBAR_ELIMIT, "'q' is too long");
    }
    if (link != NULL && strcmp(link, "up") != 0 && strcmp(link, "down") != 0 &&
        strcmp(link, "paused") != 0 && strcmp(link, "connecting") != 0) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no state of a link", link);
        return err_hint(err, "up, down, connecting or paused");
    }
    str_copy(list->link, sizeof(list->link), link != NULL ? link : "");
    int error = server_query_i64(req, "limit", DEVICES_LIMIT, 0, DEVICES_LIMIT_MAX, &list->limit,
                                 err);
    return error != 0 ? error
                      : server_query_i64(req, "offset", 0, 0, INT32_MAX, &list->offset, err);
}

static void get_devices(struct server_request *req)
{
    static const struct walk_visitor visitor = { .device = on_device,
                                                 .turned = on_turned,
                                                 .done = on_done };
    struct server *server = server_of(req);
    struct devices_list *list = busbar_alloc(sizeof(*list));
    struct err err = { 0 };
    if (parse_list(req, list, &err) != 0) {
        busbar_free(list);
        server_reply_err(req, &err);
        return;
    }
    list->req = req;
    shape_init(&list->shape, server);
    buf_init(&list->out, SERVER_ANSWER_MAX);
    list->json = json_writer(&list->out);
    json_begin_object(&list->json);
    json_put_array(&list->json, "devices");
    server_request_on_cut(req, on_cut, list);
    walk_start(&list->walk, server->config.loop, server->config.registry, NULL, false, &visitor,
               list);
}

/* ---- one ---- */

static void put_limit(void *ctx, const char *name, int64_t value)
{
    struct json_writer *json = ctx;
    json_begin_object(json);
    json_put_string(json, "name", name);
    json_put_i64(json, "value", value);
    json_end_object(json);
}

static void reply_device(struct server_request *req, const struct device *dev)
{
    struct shape shape;
    struct buf out;
    shape_init(&shape, server_of(req));
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    shape_device(&shape, &json, dev);
    json_put_u64(&json, "sent_bytes", shape_stats(&shape, dev)->sent_bytes);
    json_put_u64(&json, "received_bytes", shape_stats(&shape, dev)->received_bytes);
    json_put_bool(&json, "messages",
                  shape_ops(&shape, dev) != NULL && shape_ops(&shape, dev)->rule != NULL);
    json_put_array(&json, "limits");
    if (dev->host != NULL) {
        host_limits(dev, put_limit, &json);
    }
    json_end_array(&json);
    json_end_object(&json);
    shape_fini(&shape);
    server_reply_json(req, 200, &out);
}

static void get_device(struct server_request *req)
{
    struct device *dev = server_find_device(req);
    if (dev != NULL) {
        reply_device(req, dev);
    }
}

/* ---- frames ---- */

enum { FRAME_HEX_MAX = 2 * 2048 + 1 };

struct frames {
    const struct device *dev;
    const struct driver_ops *ops;
    struct json_writer json;
    struct buf text;
    size_t count, skip;
};

static void count_frame(void *ctx, const struct host_frame *frame)
{
    (void)frame;
    ((struct frames *)ctx)->count++;
}

static void put_frame(void *ctx, const struct host_frame *frame)
{
    struct frames *frames = ctx;
    char hex[FRAME_HEX_MAX];
    if (frames->skip > 0) {
        frames->skip--;
        return;
    }
    buf_clear(&frames->text);
    if (frames->ops != NULL && frames->ops->describe != NULL) {
        frames->ops->describe(frames->dev, frame->sent, frame->data, frame->size, &frames->text);
    }
    str_hex(hex, sizeof(hex), frame->data, frame->size, '\0');
    json_begin_object(&frames->json);
    json_put_time(&frames->json, "time", frame->time_us);
    json_put_bool(&frames->json, "sent", frame->sent);
    json_put_u64(&frames->json, "size", frame->full_size);
    json_put_string(&frames->json, "hex", hex);
    json_put_string(&frames->json, "text", buf_text(&frames->text));
    json_put_string(&frames->json, "bad", frame->bad);
    json_end_object(&frames->json);
}

static void get_frames(struct server_request *req)
{
    struct device *dev = server_find_device(req);
    struct err err = { 0 };
    int64_t limit = 0;
    if (dev == NULL) {
        return;
    }
    if (server_query_i64(req, "limit", 50, 1, FRAMES_LIMIT_MAX, &limit, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct frames frames = { .dev = dev, .json = json_writer(&out) };
    frames.ops = host_protocol(server_of(req)->config.catalog, dev->protocol);
    buf_init(&frames.text, 64 * 1024);
    if (dev->host != NULL) {
        host_frames(dev, count_frame, &frames);
    }
    frames.skip = frames.count > (size_t)limit ? frames.count - (size_t)limit : 0;
    json_begin_object(&frames.json);
    json_put_array(&frames.json, "frames");
    if (frames.count > 0) {
        host_frames(dev, put_frame, &frames);
    }
    json_end_array(&frames.json);
    json_end_object(&frames.json);
    buf_fini(&frames.text);
    server_reply_json(req, 200, &out);
}

/* ---- pause, resume ---- */

/* The device of the path, when the host has it. NULL: answered. */
static struct device *find_hosted(struct server_request *req)
{
    struct device *dev = server_find_device(req);
    if (dev != NULL && dev->host == NULL) {
        server_reply_error(req, BUSBAR_EBUSY, "device '%s' is being set up or removed", dev->name);
        return NULL;
    }
    return dev;
}

static void switch_polling(struct server_request *req, bool pause)
{
    struct server *server = server_of(req);
    struct device *dev = find_hosted(req);
    if (dev == NULL) {
        return;
    }
    struct device_stats stats;
    host_stats(dev, &stats);
    bool was_paused = stats.link == LINK_PAUSED;
    if (pause) {
        host_pause(server->config.host, dev);
    } else {
        host_resume(server->config.host, dev);
    }
    if (was_paused != pause) {
        journal_note(req, pause ? "pause" : "resume", dev->name, was_paused ? "paused" : "polling",
                     pause ? "paused" : "polling", "done");
    }
    reply_device(req, dev);
}

static void post_pause(struct server_request *req)
{
    switch_polling(req, true);
}

static void post_resume(struct server_request *req)
{
    switch_polling(req, false);
}

/* ---- test ---- */

struct device_test {
    struct server_request *req;
    struct buf out;
    struct json_writer json;
    int64_t began_us;
};

static void on_finding(void *ctx, const struct host_finding *finding)
{
    struct device_test *test = ctx;
    struct json_writer *json = &test->json;
    json_begin_object(json);
    json_put_string(json, "step", finding->step);
    json_put_bool(json, "fine", finding->fine);
    json_put_string(json, "seen", finding->seen);
    json_put_string(json, "hint", finding->hint != NULL ? finding->hint : "");
    json_put_string(json, "code", finding->fine ? "" : err_name(finding->code));
    json_end_object(json);
}

static void on_tested(void *ctx, int code)
{
    struct device_test *test = ctx;
    struct json_writer *json = &test->json;
    json_end_array(json);
    json_put_bool(json, "fine", code == 0);
    json_put_string(json, "code", code != 0 ? err_name(code) : "");
    json_put_double(json, "took_ms", (double)(clock_mono_us() - test->began_us) / 1000);
    json_end_object(json);
    server_reply_json(test->req, 200, &test->out);
    busbar_free(test);
}

/* The texts live as long as the body. False: it is no list of texts. */
static bool read_options(const struct json_value *body, const char *options[TEST_OPTIONS + 1])
{
    const struct json_value *list = json_get(body, "options");
    size_t count = json_size(list);
    if (list != NULL && (json_type(list) != JSON_ARRAY || count > TEST_OPTIONS)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        options[i] = json_get_text(json_at(list, i), NULL);
        if (options[i] == NULL) {
            return false;
        }
    }
    options[count] = NULL;
    return true;
}

/* A device that is switched off has no connection to test. */
static void refuse_test(struct server_request *req, const struct device *dev, int error)
{
    struct err err = { 0 };
    if (error == BUSBAR_EBUSY) {
        err_set(&err, error, "device '%s' is paused, its connection is closed", dev->name);
        err_hint(&err, "busbar device resume %s", dev->name);
    } else {
        err_set(&err, error, "device '%s' cannot be tested: %s", dev->name, err_text(error));
    }
    server_reply_err(req, &err);
}

static void post_test(struct server_request *req)
{
    const char *options[TEST_OPTIONS + 1];
    struct device *dev = find_hosted(req);
    if (dev == NULL) {
        return;
    }
    if (!read_options(server_body(req), options)) {
        server_reply_error(req, BUSBAR_EINVAL, "'options' must be a list of at most %d texts",
                           TEST_OPTIONS);
        return;
    }
    struct device_test *test = busbar_alloc(sizeof(*test));
    test->req = req;
    test->began_us = clock_mono_us();
    buf_init(&test->out, SERVER_ANSWER_MAX);
    test->json = json_writer(&test->out);
    json_begin_object(&test->json);
    json_put_array(&test->json, "findings");
    int error = host_test(server_of(req)->config.host, dev, options, on_finding, on_tested, test);
    if (error != 0) {
        buf_fini(&test->out);
        busbar_free(test);
        refuse_test(req, dev, error);
    }
}

void server_devices_routes(struct server *server)
{
    static const struct server_query_param list_query[] = {
        { "q", "string", "text in name, title, place, protocol, profile or address" },
        { "link", "string", "up, down, connecting or paused" },
        { "limit", "integer", "devices in the answer, at most 10000; default 1000" },
        { "offset", "integer", "devices to step over" },
        { NULL, NULL, NULL },
    };
    static const struct server_query_param frames_query[] = {
        { "limit", "integer", "the newest so many frames; default 50" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/devices",
          .handler = get_devices,
          .summary = "all devices",
          .query = list_query,
          .answer = "DeviceList" },
        { .method = "GET",
          .path = "/api/v1/devices/{device}",
          .handler = get_device,
          .summary = "one device with facts, learned limits, statistics",
          .answer = "DeviceDetail" },
        { .method = "GET",
          .path = "/api/v1/devices/{device}/frames",
          .handler = get_frames,
          .summary = "the last frames, decoded",
          .query = frames_query,
          .answer = "FrameList" },
        { .method = "POST",
          .path = "/api/v1/devices/{device}/pause",
          .handler = post_pause,
          .summary = "stop polling",
          .answer = "DeviceDetail" },
        { .method = "POST",
          .path = "/api/v1/devices/{device}/resume",
          .handler = post_resume,
          .summary = "go on polling",
          .answer = "DeviceDetail" },
        { .method = "POST",
          .path = "/api/v1/devices/{device}/test",
          .handler = post_test,
          .summary = "find out why it does not answer",
          .body = "TestRequest",
          .answer = "TestResult" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
