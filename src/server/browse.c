/* SPDX-License-Identifier: Apache-2.0 */
/* Begins, keeps and answers browses: of a configured device, of a find, or of a device that is only
 * described, each as a whole or at one of its nodes. */
#include "server/browse.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "server/finds.h"
#include "server/walk.h"

enum { NODES_LIMIT = 200, NODES_LIMIT_MAX = 500 };

static struct browse *browse_of(struct task *task)
{
    return (struct browse *)(void *)task;
}

static void added_fini(struct browse_added *added)
{
    map_fini(&added->paths);
    arena_fini(&added->arena);
}

static void browse_free(struct task *task)
{
    struct browse *browse = browse_of(task);
    added_fini(&browse->added);
    nodes_fini(&browse->nodes);
    busbar_free(browse);
}

const char *browse_added_path(const struct browse *browse, const struct driver_node *node)
{
    return map_get(&browse->added.paths, node->id);
}

/* ---- what the host tells ---- */

static size_t bytes_of_all(const struct browses *browses)
{
    size_t bytes = 0;
    list_each(at, &browses->tasks.all) {
        bytes += nodes_bytes(&browse_of(list_entry(at, struct task, link))->nodes);
    }
    return bytes;
}

static void on_node(void *ctx, const struct driver_node *node)
{
    struct browse *browse = ctx;
    struct browses *browses = browse->browses;
    if (browses == NULL) {
        return;
    }
    while (bytes_of_all(browses) > BROWSES_BYTES_MAX) {
        struct task *oldest = tasks_oldest_ended(&browses->tasks);
        if (oldest == NULL) {
            browse->nodes.left_out++;
            return;
        }
        tasks_drop(&browses->tasks, oldest);
    }
    (void)nodes_add(&browse->nodes, node);
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct browse *browse = ctx;
    browse->task.done = done;
    browse->task.total = total;
}

static void on_ended(void *ctx, int error, const char *message, uint64_t dropped)
{
    struct browse *browse = ctx;
    browse->running = NULL;
    browse->nodes.left_out += dropped;
    task_end(&browse->task, error, message);
    if (browse->browses == NULL) {
        browse_free(&browse->task);
    }
}

static const struct host_browse_events events = { .node = on_node,
                                                  .progress = on_progress,
                                                  .ended = on_ended };

/* ---- beginning one ---- */

/* A text member. False: it is too long, or no text. */
static bool read_text(const struct json_value *body, const char *key, char *to, size_t size)
{
    const struct json_value *value = json_get(body, key);
    const char *text = json_get_text(value, NULL);
    return value == NULL || (text != NULL && str_copy(to, size, text));
}

static int begin_device(struct browse *browse, struct device *dev, struct err *err)
{
    str_copy(browse->device, sizeof(browse->device), dev->name);
    str_copy(browse->protocol, sizeof(browse->protocol), dev->protocol);
    if (dev->host == NULL) {
        return err_set(err, BUSBAR_EBUSY, "device '%s' is being set up or removed", dev->name);
    }
    return host_browse(browse->browses->server->config.host, dev, browse->at, 0, &events, browse,
                       &browse->running, err);
}

static int begin_settings(struct browse *browse, struct err *err)
{
    return host_browse_settings(browse->browses->server->config.host, browse->protocol,
                                browse->settings, browse->at, 0, &events, browse, &browse->running,
                                err);
}

/* What a find tells of itself, for the device that may be made of it. */
static void take_find(void *ctx, const struct host_find *found)
{
    struct browse *browse = ctx;
    const struct driver_find *find = &found->find;
    const char *about[] = { find->vendor, find->model, find->id, find->address };
    size_t used = 0;
    str_copy(browse->title, sizeof(browse->title), find->name[0] != '\0' ? find->name : find->id);
    str_copy(browse->settings, sizeof(browse->settings), find->settings);
    str_copy(browse->device, sizeof(browse->device), found->device);
    for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++) {
        if (about[i][0] != '\0' && used < sizeof(browse->about)) {
            used += str_format(browse->about + used, sizeof(browse->about) - used, "%s%s",
                               used > 0 ? ", " : "", about[i]);
        }
    }
}

static int begin_find(struct browse *browse, const struct json_value *number, struct err *err)
{
    const struct server *server = browse->browses->server;
    const char *protocol, *key;
    uint64_t find = 0;
    if (json_get_u64(number, &find) != 0 || !finds_name(&server->finds, find, &protocol, &key) ||
        host_find(server->config.host, protocol, key, take_find, browse) != 0) {
        err_set(err, BUSBAR_ENOENT, "there is no such find");
        return err_hint(err,
                        "busbar discover PROTOCOL looks for devices and numbers what it finds; a "
                        "restart forgets them");
    }
    browse->find = (uint32_t)find;
    str_copy(browse->protocol, sizeof(browse->protocol), protocol);
    struct device *dev = browse->device[0] != '\0'
                             ? registry_device(server->config.registry, browse->device)
                             : NULL;
    browse->device[0] = '\0';
    if (dev != NULL) {
        return begin_device(browse, dev, err);
    }
    if (browse->settings[0] == '\0') {
        err_set(err, BUSBAR_EUNSUPPORTED, "it is not known how to reach '%s'", browse->title);
        return err_hint(err, "look for it again: busbar discover %s", protocol);
    }
    return begin_settings(browse, err);
}

/* A point stands for its device, and for the node that it reads. */
static int begin_point(struct browse *browse, const char *path, struct err *err)
{
    const struct server *server = browse->browses->server;
    struct point *pt = registry_point(server->config.registry, path);
    if (pt == NULL) {
        err_set(err, BUSBAR_ENOENT, "no point '%s'", path);
        return err_hint(err, "busbar point list shows what there is");
    }
    struct shape shape;
    shape_init(&shape, server);
    bool fits = str_copy(browse->at, sizeof(browse->at), shape_source(&shape, pt));
    shape_fini(&shape);
    return fits ? begin_device(browse, pt->device, err)
                : err_set(err, BUSBAR_ELIMIT, "the address of '%s' is too long", path);
}

static int begin(struct browse *browse, const struct json_value *body, struct err *err)
{
    const struct registry *registry = browse->browses->server->config.registry;
    const char *device = json_get_text(json_get(body, "device"), NULL);
    const char *point = json_get_text(json_get(body, "point"), NULL);
    const struct json_value *find = json_get(body, "find");
    if (!read_text(body, "at", browse->at, sizeof(browse->at)) ||
        !read_text(body, "protocol", browse->protocol, sizeof(browse->protocol)) ||
        !read_text(body, "settings", browse->settings, sizeof(browse->settings))) {
        return err_set(err, BUSBAR_EINVAL,
                       "'at', 'protocol' and 'settings' must be texts of at most %d characters",
                       BROWSE_TEXT_MAX - 1);
    }
    if (point != NULL) {
        return begin_point(browse, point, err);
    }
    if (device != NULL) {
        struct device *dev = registry_device(registry, device);
        err_set(err, BUSBAR_ENOENT, "no device '%s'", device);
        err_hint(err, "busbar device list shows what there is");
        return dev != NULL ? begin_device(browse, dev, err) : BUSBAR_ENOENT;
    }
    if (find != NULL) {
        return begin_find(browse, find, err);
    }
    if (browse->protocol[0] == '\0' || browse->settings[0] == '\0') {
        err_set(err, BUSBAR_EINVAL, "the body says nothing to look at");
        return err_hint(err,
                        "{\"device\": \"ahu-1\"}, {\"point\": \"ahu-1/sat\"}, {\"find\": 1}, or a "
                        "\"protocol\" with its \"settings\"");
    }
    return begin_settings(browse, err);
}

/* ---- which nodes are points already ---- */

/* An answer that waits until that is known. */
struct browse_answer {
    struct server_request *req;
    struct browses *browses;
    struct browse *browse; /* valid while `id` is; looked up again after the walk */
    void (*reply)(struct server_request *req, struct browse *browse);
    struct walk walk;
    struct shape shape;
    struct browse_added made;
    uint32_t id;
};

static void answer_free(struct browse_answer *answer)
{
    shape_fini(&answer->shape);
    added_fini(&answer->made);
    busbar_free(answer);
}

static bool on_point(void *ctx, struct point *pt)
{
    struct browse_answer *answer = ctx;
    const char *id = arena_strdup(&answer->made.arena, shape_source(&answer->shape, pt));
    char *path = arena_printf(&answer->made.arena, "%s/%s", pt->device->name, pt->name);
    if (id != NULL && path != NULL && id[0] != '\0' && map_get(&answer->made.paths, id) == NULL) {
        map_set(&answer->made.paths, id, path);
    }
    return true;
}

static void on_turned(void *ctx)
{
    shape_forget(&((struct browse_answer *)ctx)->shape);
}

static void on_walked(void *ctx)
{
    struct browse_answer *answer = ctx;
    char id[16];
    struct err err = { 0 };
    str_format(id, sizeof(id), "%u", answer->id);
    struct task *task = tasks_find(&answer->browses->tasks, id, &err);
    if (task == NULL) {
        server_reply_err(answer->req, &err);
        answer_free(answer);
        return;
    }
    struct browse *browse = browse_of(task);
    added_fini(&browse->added);
    browse->added = answer->made;
    answer->made = (struct browse_added){ 0 };
    answer->reply(answer->req, browse);
    answer_free(answer);
}

static void on_cut(void *ctx)
{
    struct browse_answer *answer = ctx;
    walk_stop(&answer->walk);
    server_reply_error(answer->req, BUSBAR_ECANCELED, "busbar is stopping");
    answer_free(answer);
}

/* Answers with `reply` when the points of the device have been looked at, at once when they were. */
static void answer_with(struct server_request *req, struct browse *browse,
                        void (*reply)(struct server_request *req, struct browse *browse))
{
    static const struct walk_visitor visitor = { .point = on_point,
                                                 .turned = on_turned,
                                                 .done = on_walked };
    struct server *server = server_of(req);
    if (browse->device[0] == '\0' || browse->added.changes == server->changes) {
        reply(req, browse);
        return;
    }
    struct browse_answer *answer = busbar_alloc(sizeof(*answer));
    answer->req = req;
    answer->browses = browse->browses;
    answer->id = browse->task.id;
    answer->reply = reply;
    answer->made.changes = server->changes;
    arena_init(&answer->made.arena, 0);
    map_init(&answer->made.paths);
    shape_init(&answer->shape, server);
    server_request_on_cut(req, on_cut, answer);
    walk_start(&answer->walk, server->config.loop, server->config.registry, browse->device, false,
               &visitor, answer);
}

/* ---- answers ---- */

static struct browse *find_browse(struct server_request *req)
{
    struct browses *browses = server_ctx(req);
    struct err err = { 0 };
    struct task *task = tasks_find(&browses->tasks, server_param(req, "id"), &err);
    if (task == NULL) {
        server_reply_err(req, &err);
        return NULL;
    }
    return browse_of(task);
}

static void put_browse(struct json_writer *json, const struct browse *browse)
{
    task_put(&browse->task, json);
    json_put_string(json, "protocol", browse->protocol);
    json_put_string(json, "device", browse->device);
    json_key(json, "find");
    if (browse->find != 0) {
        json_u64(json, browse->find);
    } else {
        json_null(json);
    }
    json_put_string(json, "at", browse->at);
    json_put_u64(json, "count", browse->nodes.count);
    json_put_u64(json, "left_out", browse->nodes.left_out);
}

static void reply_browse(struct server_request *req, unsigned status, const struct browse *browse,
                         size_t offset, size_t limit)
{
    struct shape shape;
    struct buf out;
    shape_init(&shape, server_of(req));
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    put_browse(&json, browse);
    json_put_array(&json, "nodes");
    for (size_t i = offset; i < browse->nodes.count && i - offset < limit; i++) {
        const struct driver_node *node = browse->nodes.list[i];
        nodes_put(&shape, &json, node, browse_added_path(browse, node));
    }
    json_end_array(&json);
    json_end_object(&json);
    shape_fini(&shape);
    server_reply_json(req, status, &out);
}

static void reply_page(struct server_request *req, struct browse *browse)
{
    struct err err = { 0 };
    int64_t offset = 0, limit = 0;
    if (server_query_i64(req, "limit", NODES_LIMIT, 0, NODES_LIMIT_MAX, &limit, &err) != 0 ||
        server_query_i64(req, "offset", 0, 0, INT32_MAX, &offset, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    reply_browse(req, 200, browse, (size_t)offset, (size_t)limit);
}

static void get_browse(struct server_request *req)
{
    struct browse *browse = find_browse(req);
    if (browse != NULL) {
        answer_with(req, browse, reply_page);
    }
}

static void get_browses(struct server_request *req)
{
    struct browses *browses = server_ctx(req);
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_array(&json, "browses");
    list_each(at, &browses->tasks.all) {
        json_begin_object(&json);
        put_browse(&json, browse_of(list_entry(at, struct task, link)));
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

static void delete_browse(struct server_request *req)
{
    struct browses *browses = server_ctx(req);
    struct browse *browse = find_browse(req);
    if (browse == NULL) {
        return;
    }
    if (browse->task.state != TASK_RUNNING) {
        tasks_drop(&browses->tasks, &browse->task);
        server_reply_empty(req, 204);
        return;
    }
    if (browse->running != NULL) {
        host_browse_stop(browse->running);
    }
    reply_browse(req, 200, browse, 0, 0);
}

static void post_browse(struct server_request *req)
{
    struct browses *browses = server_ctx(req);
    struct err err = { 0 };
    if (tasks_room(&browses->tasks, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    struct browse *browse = busbar_alloc(sizeof(*browse));
    browse->browses = browses;
    nodes_init(&browse->nodes, BROWSES_BYTES_MAX);
    browse->added.changes = UINT64_MAX;
    tasks_add(&browses->tasks, &browse->task);
    int error = begin(browse, server_body(req), &err);
    if (error != 0) {
        task_end(&browse->task, error, NULL);
        tasks_drop(&browses->tasks, &browse->task);
        server_reply_err(req, &err);
        return;
    }
    reply_browse(req, 202, browse, 0, 0);
}

/* ---- YAML ---- */

/* "nodes" of the body as a set of ids. */
static int read_choice(const struct json_value *body, struct browse_choice *choice,
                       struct map *chosen, struct err *err)
{
    const struct json_value *nodes = json_get(body, "nodes"), *id;
    const struct json_value *name = json_get(body, "name"), *all = json_get(body, "all");
    if (all != NULL && json_get_bool(all, &choice->all) != 0) {
        return err_set(err, BUSBAR_EINVAL, "'all' must be true or false");
    }
    choice->name = json_get_text(name, NULL);
    if (name != NULL && choice->name == NULL) {
        return err_set(err, BUSBAR_EINVAL, "'name' must be a text");
    }
    if (nodes == NULL) {
        return 0;
    }
    struct json_iter it = json_iter(nodes);
    while (json_next(&it, NULL, &id)) {
        const char *text = json_get_text(id, NULL);
        if (text == NULL) {
            return err_set(err, BUSBAR_EINVAL, "'nodes' must be a list of ids");
        }
        map_set(chosen, text, choice);
    }
    choice->of = chosen;
    return json_type(nodes) == JSON_ARRAY
               ? 0
               : err_set(err, BUSBAR_EINVAL, "'nodes' must be a list of ids");
}

static void reply_yaml(struct server_request *req, struct browse *browse)
{
    struct browse_choice choice = { .name = server_query(req, "name"),
                                    .all = server_query_bool(req, "all") };
    struct map chosen;
    struct buf out;
    struct err err = { 0 };
    map_init(&chosen);
    buf_init(&out, SERVER_ANSWER_MAX);
    int error = server_body(req) != NULL ? read_choice(server_body(req), &choice, &chosen, &err)
                                         : 0;
    error = error == 0 ? browse_yaml(browse, &choice, &out, &err) : error;
    map_fini(&chosen);
    if (error != 0) {
        buf_fini(&out);
        server_reply_err(req, &err);
        return;
    }
    server_reply_as(req, 200, "application/yaml; charset=utf-8", &out);
}

static void ask_yaml(struct server_request *req)
{
    struct browse *browse = find_browse(req);
    if (browse != NULL) {
        answer_with(req, browse, reply_yaml);
    }
}

/* ---- life ---- */

static void orphan(struct task *task)
{
    struct browse *browse = browse_of(task);
    browse->browses = NULL;
    if (browse->running != NULL) {
        host_browse_stop(browse->running);
    }
}

void browses_free(struct browses *browses)
{
    tasks_fini(&browses->tasks, orphan);
    busbar_free(browses);
}

struct browses *browses_new(struct server *server)
{
    static const struct server_query_param page[] = {
        { "limit", "integer", "nodes in the answer, at most 500; default 200" },
        { "offset", "integer", "nodes to step over; they stay in the order they came" },
        { NULL, NULL, NULL },
    };
    static const struct server_query_param yaml_query[] = {
        { "name", "string", "of the new device; made from what it calls itself" },
        { "all", "boolean", "all that can be points, not only those proposed" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "POST",
          .path = "/api/v1/browses",
          .handler = post_browse,
          .summary = "ask a device, a find or a point's object what it has",
          .body = "BrowseRequest",
          .answer = "Browse" },
        { .method = "GET",
          .path = "/api/v1/browses",
          .handler = get_browses,
          .summary = "browses that run, and the last that ended",
          .answer = "BrowseList" },
        { .method = "GET",
          .path = "/api/v1/browses/{id}",
          .handler = get_browse,
          .summary = "one browse: how far it is, what the device told so far",
          .query = page,
          .answer = "Browse" },
        { .method = "DELETE",
          .path = "/api/v1/browses/{id}",
          .handler = delete_browse,
          .summary = "stop one that runs, forget one that has ended" },
        { .method = "GET",
          .path = "/api/v1/browses/{id}/yaml",
          .handler = ask_yaml,
          .summary = "the proposed points as a part of a configuration",
          .query = yaml_query,
          .answer = SERVER_ANSWER_TEXT },
        { .method = "POST",
          .path = "/api/v1/browses/{id}/yaml",
          .handler = ask_yaml,
          .summary = "the same of the nodes that were chosen",
          .body = "YamlRequest",
          .answer = SERVER_ANSWER_TEXT },
    };
    struct browses *browses = busbar_alloc(sizeof(*browses));
    browses->server = server;
    tasks_init(&browses->tasks, server->config.loop, "browses", browse_free);
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), browses);
    return browses;
}
