/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/discoveries looks for devices, which is traffic on somebody's network: only on request,
 * and it stands in the journal. What was found, by that or by listening, is kept by the host and
 * told by GET /api/v1/finds; a discovery remembers which of them answered it. */
#include "server/discover.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "server/finds.h"
#include "server/journal.h"
#include "server/options.h"
#include "server/task.h"

enum { FINDS_LIMIT = 200, FINDS_LIMIT_MAX = 500, RANGE_MAX = 2048, Q_MAX = 256 };

struct discovery {
    struct task task;
    struct driver_discovery *running; /* NULL: it has not begun, or has ended */
    char protocol[FIND_PROTOCOL_MAX];
    char range[RANGE_MAX];
    uint32_t *finds; /* numbers, in the order of the answers */
    size_t count, capacity;
    struct map64 seen;     /* numbers in `finds` */
    struct server *server; /* NULL: it is gone */
};

struct discover {
    struct server *server;
    struct tasks tasks;
};

static struct discovery *discovery_of(struct task *task)
{
    return (struct discovery *)(void *)task;
}

static void discovery_free(struct task *task)
{
    struct discovery *discovery = discovery_of(task);
    map64_fini(&discovery->seen);
    busbar_free(discovery->finds);
    busbar_free(discovery);
}

/* ---- what the host tells ---- */

static void on_found(void *ctx, const struct host_find *find)
{
    struct discovery *discovery = ctx;
    if (discovery->server == NULL) {
        return;
    }
    uint32_t number = finds_number(&discovery->server->finds, discovery->protocol, find->find.key);
    if (number == 0 || map64_get(&discovery->seen, number) != NULL) {
        return;
    }
    if (discovery->count == discovery->capacity) {
        discovery->capacity = discovery->capacity > 0 ? 2 * discovery->capacity : 64;
        discovery->finds = busbar_realloc(discovery->finds,
                                          discovery->capacity * sizeof(*discovery->finds));
    }
    map64_set(&discovery->seen, number, discovery);
    discovery->finds[discovery->count++] = number;
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct discovery *discovery = ctx;
    discovery->task.done = done;
    discovery->task.total = total;
}

static void on_ended(void *ctx, int error, const char *message)
{
    struct discovery *discovery = ctx;
    discovery->running = NULL;
    task_end(&discovery->task, error, message);
    if (discovery->server == NULL) {
        discovery_free(&discovery->task);
    }
}

/* ---- the list, and one ---- */

static struct discovery *find_discovery(struct server_request *req)
{
    struct discover *discover = server_ctx(req);
    struct err err = { 0 };
    struct task *task = tasks_find(&discover->tasks, server_param(req, "id"), &err);
    if (task == NULL) {
        server_reply_err(req, &err);
        return NULL;
    }
    return discovery_of(task);
}

static void put_discovery(struct json_writer *json, const struct discovery *discovery)
{
    task_put(&discovery->task, json);
    json_put_string(json, "protocol", discovery->protocol);
    json_put_string(json, "range", discovery->range);
    json_put_u64(json, "found", discovery->count);
}

struct one_find {
    struct finds *finds;
    struct json_writer *json;
    const char *protocol;
};

static void put_one(void *ctx, const struct host_find *find)
{
    struct one_find *one = ctx;
    json_begin_object(one->json);
    finds_put(one->finds, one->json, one->protocol, find);
    json_end_object(one->json);
}

/* As an object; false: there is none, nothing was written. */
static bool put_numbered(struct server *server, struct json_writer *json, uint64_t number)
{
    struct one_find one = { .finds = &server->finds, .json = json };
    const char *key;
    return finds_name(&server->finds, number, &one.protocol, &key) &&
           host_find(server->config.host, one.protocol, key, put_one, &one) == 0;
}

static void reply_discovery(struct server_request *req, unsigned status,
                            const struct discovery *discovery, size_t offset, size_t limit)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    put_discovery(&json, discovery);
    json_put_array(&json, "finds");
    for (size_t i = offset; i < discovery->count && i - offset < limit; i++) {
        (void)put_numbered(server_of(req), &json, discovery->finds[i]);
    }
    json_end_array(&json);
    json_end_object(&json);
    server_reply_json(req, status, &out);
}

static int read_page(const struct server_request *req, int64_t *offset, int64_t *limit,
                     struct err *err)
{
    int error = server_query_i64(req, "limit", FINDS_LIMIT, 0, FINDS_LIMIT_MAX, limit, err);
    return error != 0 ? error : server_query_i64(req, "offset", 0, 0, INT32_MAX, offset, err);
}

static void get_discovery(struct server_request *req)
{
    struct discovery *discovery = find_discovery(req);
    struct err err = { 0 };
    int64_t offset = 0, limit = 0;
    if (discovery == NULL) {
        return;
    }
    if (read_page(req, &offset, &limit, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    reply_discovery(req, 200, discovery, (size_t)offset, (size_t)limit);
}

static void get_discoveries(struct server_request *req)
{
    struct discover *discover = server_ctx(req);
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_array(&json, "discoveries");
    list_each(at, &discover->tasks.all) {
        json_begin_object(&json);
        put_discovery(&json, discovery_of(list_entry(at, struct task, link)));
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

/* Stops one that runs: it ends with the next turns of the loop and keeps what it found. */
static void delete_discovery(struct server_request *req)
{
    struct discover *discover = server_ctx(req);
    struct discovery *discovery = find_discovery(req);
    if (discovery == NULL) {
        return;
    }
    if (discovery->task.state != TASK_RUNNING) {
        tasks_drop(&discover->tasks, &discovery->task);
        server_reply_empty(req, 204);
        return;
    }
    journal_note(req, "discover", discovery->protocol, discovery->range, "", "stopped");
    if (discovery->running != NULL) {
        host_discover_stop(discovery->running);
    }
    reply_discovery(req, 200, discovery, 0, FINDS_LIMIT);
}

/* ---- beginning one ---- */

static int read_post(const struct json_value *body, struct discovery *discovery,
                     struct options *options, struct err *err)
{
    const char *protocol = json_get_text(json_get(body, "protocol"), NULL);
    const struct json_value *range = json_get(body, "range");
    const char *range_text = json_get_text(range, NULL);
    if (protocol == NULL || !str_copy(discovery->protocol, FIND_PROTOCOL_MAX, protocol)) {
        err_set(err, BUSBAR_EINVAL, "the body names no protocol to look with");
        return err_hint(err, "{\"protocol\": \"bacnet\", \"range\": \"10.0.1.0/24\"}");
    }
    if (range != NULL &&
        (range_text == NULL || !str_copy(discovery->range, RANGE_MAX, range_text))) {
        return err_set(err, BUSBAR_EINVAL, "'range' must be a text of at most %d characters",
                       RANGE_MAX - 1);
    }
    if (discovery->range[0] != '\0') {
        options_add(options, "range", discovery->range);
    }
    return options_read(options, json_get(body, "options"), err);
}

/* "timeout_s"; 0: the host's own. */
static int read_timeout(const struct json_value *body, int64_t *timeout_us, struct err *err)
{
    const struct json_value *timeout = json_get(body, "timeout_s");
    double timeout_s = 0, max_s = (double)HOST_DISCOVERY_MAX_US / 1e6;
    if (timeout != NULL &&
        (json_get_double(timeout, &timeout_s) != 0 || timeout_s <= 0 || timeout_s > max_s)) {
        return err_set(err, BUSBAR_EINVAL, "'timeout_s' must be a number above 0, at most %.0f",
                       max_s);
    }
    *timeout_us = (int64_t)(timeout_s * 1e6);
    return 0;
}

/* Which protocols can. */
static void hint_protocols(const struct server *server, struct err *err)
{
    char names[ERR_HINT_MAX] = "";
    size_t used = 0;
    for (const struct driver_ops *const *ops = server->config.catalog; *ops != NULL; ops++) {
        if ((*ops)->discover != NULL && used < sizeof(names)) {
            used += str_format(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "",
                               (*ops)->name);
        }
    }
    err_hint(err, "devices of these can be looked for: %s", names);
}

static int begin(struct server_request *req, struct discovery *discovery, struct err *err)
{
    static const struct host_discovery_events events = { .found = on_found,
                                                         .progress = on_progress,
                                                         .ended = on_ended };
    struct options options;
    int64_t timeout_us = 0;
    options_init(&options);
    int error = read_post(server_body(req), discovery, &options, err);
    error = error == 0 ? read_timeout(server_body(req), &timeout_us, err) : error;
    if (error == 0) {
        error = host_discover(discovery->server->config.host, discovery->protocol,
                              options_list(&options), timeout_us, &events, discovery,
                              &discovery->running, err);
    }
    options_fini(&options);
    if (error == BUSBAR_ENOENT && err->hint[0] == '\0') {
        hint_protocols(discovery->server, err);
    }
    return error;
}

static void post_discovery(struct server_request *req)
{
    struct discover *discover = server_ctx(req);
    struct err err = { 0 };
    if (tasks_room(&discover->tasks, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    struct discovery *discovery = busbar_alloc(sizeof(*discovery));
    discovery->server = discover->server;
    map64_init(&discovery->seen);
    tasks_add(&discover->tasks, &discovery->task);
    int error = begin(req, discovery, &err);
    if (error != 0) {
        task_end(&discovery->task, error, NULL);
        tasks_drop(&discover->tasks, &discovery->task);
        server_reply_err(req, &err);
        return;
    }
    journal_note(req, "discover", discovery->protocol, "", discovery->range, "begun");
    reply_discovery(req, 202, discovery, 0, FINDS_LIMIT);
}

/* ---- all finds ---- */

struct finds_list {
    struct server *server;
    const char *protocol; /* whose finds are being told */
    struct json_writer json;
    char q[Q_MAX];
    int known; /* 1, 0; -1: both */
    int64_t offset, limit;
    uint64_t seen, count_new, count_known, left_out;
};

static bool is_asked(const struct finds_list *list, const struct host_find *found)
{
    const struct driver_find *find = &found->find;
    const char *texts[] = { find->id,    find->name,    find->vendor,
                            find->model, find->address, found->device };
    if (list->known >= 0 && list->known != (found->device[0] != '\0')) {
        return false;
    }
    for (size_t i = 0; list->q[0] != '\0' && i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcasestr(texts[i], list->q) != NULL) {
            return true;
        }
    }
    return list->q[0] == '\0';
}

static void on_listed(void *ctx, const struct host_find *find)
{
    struct finds_list *list = ctx;
    struct one_find one = { &list->server->finds, &list->json, list->protocol };
    list->count_new += find->device[0] == '\0';
    list->count_known += find->device[0] != '\0';
    if (is_asked(list, find)) {
        if (list->seen >= (uint64_t)list->offset &&
            list->seen < (uint64_t)(list->offset + list->limit)) {
            put_one(&one, find);
        }
        list->seen++;
    }
}

static int read_finds(const struct server_request *req, struct finds_list *list, struct err *err)
{
    const char *q = server_query(req, "q"), *state = server_query(req, "state");
    if (q != NULL && !str_copy(list->q, sizeof(list->q), q)) {
        return err_set(err, BUSBAR_ELIMIT, "'q' is too long");
    }
    list->known = state == NULL || state[0] == '\0' ? -1 : strcmp(state, "known") == 0;
    if (list->known == 0 && strcmp(state, "new") != 0) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no state of a find", state);
        return err_hint(err, "new or known");
    }
    return read_page(req, &list->offset, &list->limit, err);
}

static void get_finds(struct server_request *req)
{
    struct server *server = server_of(req);
    struct finds_list list = { .server = server, .known = -1 };
    const char *only = server_query(req, "protocol");
    struct err err = { 0 };
    struct buf out;
    if (read_finds(req, &list, &err) != 0) {
        server_reply_err(req, &err);
        return;
    }
    buf_init(&out, SERVER_ANSWER_MAX);
    list.json = json_writer(&out);
    json_begin_object(&list.json);
    json_put_array(&list.json, "finds");
    for (const struct driver_ops *const *ops = server->config.catalog; *ops != NULL; ops++) {
        size_t kept = 0;
        uint64_t dropped = 0;
        list.protocol = (*ops)->name;
        if (only == NULL || strcmp(only, list.protocol) == 0) {
            host_finds(server->config.host, list.protocol, on_listed, &list);
            host_find_counts(server->config.host, list.protocol, &kept, &dropped);
            list.left_out += dropped;
        }
    }
    json_end_array(&list.json);
    json_put_u64(&list.json, "total", list.seen);
    json_put_u64(&list.json, "new", list.count_new);
    json_put_u64(&list.json, "known", list.count_known);
    json_put_u64(&list.json, "left_out", list.left_out);
    json_end_object(&list.json);
    server_reply_json(req, 200, &out);
}

static void get_find(struct server_request *req)
{
    struct err err = { 0 };
    int64_t number = 0;
    const char *text = server_param(req, "find");
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    if (str_parse_i64(text, &number) == 0 && number > 0 &&
        put_numbered(server_of(req), &json, (uint64_t)number)) {
        server_reply_json(req, 200, &out);
        return;
    }
    buf_fini(&out);
    err_set(&err, BUSBAR_ENOENT, "there is no find '%s'", text);
    err_hint(&err, "busbar discover PROTOCOL looks for devices; a restart forgets what was found");
    server_reply_err(req, &err);
}

/* ---- life ---- */

static void orphan(struct task *task)
{
    struct discovery *discovery = discovery_of(task);
    discovery->server = NULL;
    if (discovery->running != NULL) {
        host_discover_stop(discovery->running);
    }
}

void discover_free(struct discover *discover)
{
    tasks_fini(&discover->tasks, orphan);
    busbar_free(discover);
}

struct discover *discover_new(struct server *server)
{
    static const struct server_query_param page[] = {
        { "limit", "integer", "finds in the answer, at most 500; default 200" },
        { "offset", "integer", "finds to step over" },
        { NULL, NULL, NULL },
    };
    static const struct server_query_param finds_query[] = {
        { "protocol", "string", "one protocol" },
        { "state", "string", "new or known" },
        { "q", "string", "text in id, name, vendor, model, address or device" },
        { "limit", "integer", "finds in the answer, at most 500; default 200" },
        { "offset", "integer", "finds to step over" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "POST",
          .path = "/api/v1/discoveries",
          .handler = post_discovery,
          .summary = "look for devices on the network",
          .body = "DiscoverRequest",
          .answer = "Discovery" },
        { .method = "GET",
          .path = "/api/v1/discoveries",
          .handler = get_discoveries,
          .summary = "discoveries that run, and the last that ended",
          .answer = "DiscoveryList" },
        { .method = "GET",
          .path = "/api/v1/discoveries/{id}",
          .handler = get_discovery,
          .summary = "one discovery: how far it is, what answered so far",
          .query = page,
          .answer = "Discovery" },
        { .method = "DELETE",
          .path = "/api/v1/discoveries/{id}",
          .handler = delete_discovery,
          .summary = "stop one that runs, forget one that has ended; finds stay" },
        { .method = "GET",
          .path = "/api/v1/finds",
          .handler = get_finds,
          .summary = "all devices that were found or heard on the network",
          .query = finds_query,
          .answer = "FindList" },
        { .method = "GET",
          .path = "/api/v1/finds/{find}",
          .handler = get_find,
          .summary = "one find",
          .answer = "Find" },
    };
    struct discover *discover = busbar_alloc(sizeof(*discover));
    discover->server = server;
    tasks_init(&discover->tasks, server->config.loop, "discoveries", discovery_free);
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), discover);
    return discover;
}
