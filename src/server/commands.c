/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/commands and POST /api/v1/devices/{device}/commands/{command}. Every attempt that got past the
 * checks of form leaves a journal entry before it is answered. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "server/journal.h"
#include "server/points.h"
#include "server/shape.h"
#include "server/walk.h"

enum {
    COMMANDS_LIMIT = 1000,
    COMMANDS_LIMIT_MAX = 10000,
    WORDS_MAX = 1024, /* bytes of the journal's texts */
};

#define TIMEOUT_S_MAX 300.0

/* ---- the list ---- */

struct commands_list {
    struct server_request *req;
    struct walk walk;
    struct buf out;
    struct json_writer json;
    char device[DEVICE_NAME_MAX + 1];
    int64_t limit, offset, seen;
};

static void put_signature(struct json_writer *json, const char *key,
                          const struct driver_argument *arguments, size_t count)
{
    json_put_array(json, key);
    for (size_t i = 0; i < count; i++) {
        json_begin_object(json);
        json_put_string(json, "name", arguments[i].name);
        json_put_string(json, "type", arguments[i].type);
        json_put_string(json, "description", arguments[i].description);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_presets(struct json_writer *json, const struct device *dev,
                        const struct device_command *command)
{
    char path[DEVICE_NAME_MAX + POINT_NAME_MAX + 2];
    json_put_array(json, "presets");
    for (size_t i = 0; i < command->preset_count; i++) {
        const struct device_preset *preset = &command->presets[i];
        str_format(path, sizeof(path), "%s/%s", dev->name, dev->points[preset->point].name);
        json_begin_object(json);
        json_put_string(json, "path", path);
        json_put_string(json, "value", preset->value);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_command(struct json_writer *json, const struct device *dev,
                        const struct device_command *command)
{
    static const struct driver_signature nothing = { .description = "" };
    const struct driver_signature *known = host_signature(dev, command);
    char path[DEVICE_NAME_MAX + POINT_NAME_MAX + 2];
    str_format(path, sizeof(path), "%s/%s", dev->name, command->name);
    json_begin_object(json);
    json_put_string(json, "path", path);
    json_put_string(json, "device", dev->name);
    json_put_string(json, "name", command->name);
    json_put_string(json, "title", command->title);
    json_put_bool(json, "confirm", command->confirm);
    json_put_string(json, "protocol", dev->protocol);
    json_put_bool(json, "known", known != NULL || command->settings == NULL);
    known = known != NULL ? known : &nothing;
    json_put_string(json, "description", known->description);
    json_put_string(json, "trouble", known->trouble != NULL ? known->trouble : "");
    put_signature(json, "arguments", known->inputs, known->input_count);
    put_signature(json, "results", known->outputs, known->output_count);
    put_presets(json, dev, command);
    json_end_object(json);
}

static bool on_device(void *ctx, struct device *dev)
{
    struct commands_list *list = ctx;
    for (size_t i = 0; i < dev->command_count; i++, list->seen++) {
        if (list->seen >= list->offset && list->seen < list->offset + list->limit) {
            put_command(&list->json, dev, &dev->commands[i]);
        }
    }
    return false;
}

static void list_free(struct commands_list *list)
{
    walk_stop(&list->walk);
    buf_fini(&list->out);
    busbar_free(list);
}

static void on_done(void *ctx)
{
    struct commands_list *list = ctx;
    json_end_array(&list->json);
    json_put_i64(&list->json, "total", list->seen);
    json_end_object(&list->json);
    server_reply_json(list->req, 200, &list->out);
    list_free(list);
}

static void on_cut(void *ctx)
{
    struct commands_list *list = ctx;
    server_reply_error(list->req, BUSBAR_ECANCELED, "busbar is stopping");
    list_free(list);
}

/* False: answered. */
static bool parse_list(struct server_request *req, struct commands_list *list)
{
    const char *device = server_query(req, "device");
    struct err err = { 0 };
    if (server_query_i64(req, "limit", COMMANDS_LIMIT, 0, COMMANDS_LIMIT_MAX, &list->limit, &err) !=
            0 ||
        server_query_i64(req, "offset", 0, 0, INT32_MAX, &list->offset, &err) != 0) {
        server_reply_err(req, &err);
        return false;
    }
    if (device != NULL && registry_device(server_of(req)->config.registry, device) == NULL) {
        server_no_device(req, device);
        return false;
    }
    str_copy(list->device, sizeof(list->device), device != NULL ? device : "");
    return true;
}

static void get_commands(struct server_request *req)
{
    static const struct walk_visitor visitor = { .device = on_device, .done = on_done };
    struct server *server = server_of(req);
    struct commands_list *list = busbar_alloc(sizeof(*list));
    if (!parse_list(req, list)) {
        busbar_free(list);
        return;
    }
    list->req = req;
    buf_init(&list->out, SERVER_ANSWER_MAX);
    list->json = json_writer(&list->out);
    json_begin_object(&list->json);
    json_put_array(&list->json, "commands");
    server_request_on_cut(req, on_cut, list);
    walk_start(&list->walk, server->config.loop, server->config.registry,
               list->device[0] != '\0' ? list->device : NULL, false, &visitor, list);
}

/* ---- running one ---- */

struct running {
    struct server_request *req;
    char path[DEVICE_NAME_MAX + POINT_NAME_MAX + 2];
    char *arguments[DRIVER_ARGUMENTS_MAX];
    size_t argument_count;
    int64_t timeout_us;
    int64_t took_us;
    char message[512];
    char *results;
    struct err err; /* code 0: it ran */
};

static void running_free(struct running *run)
{
    for (size_t i = 0; i < run->argument_count; i++) {
        busbar_free(run->arguments[i]);
    }
    busbar_free(run->results);
    busbar_free(run);
}

static void reply_result(struct running *run)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_bool(&json, "done", true);
    json_key(&json, "results");
    if (run->results != NULL) {
        json_raw(&json, run->results, strlen(run->results));
    } else {
        json_null(&json);
    }
    json_put_double(&json, "took_ms", (double)run->took_us / 1000);
    json_put_string(&json, "message", run->message);
    json_end_object(&json);
    server_reply_json(run->req, 200, &out);
}

/* The entry is in the journal: answer. */
static void on_noted(void *ctx)
{
    struct running *run = ctx;
    if (run->err.code != 0) {
        server_reply_err(run->req, &run->err);
    } else {
        reply_result(run);
    }
    running_free(run);
}

static void append_cut(struct buf *out, const char *text)
{
    size_t room = out->max - out->size, size = strlen(text);
    (void)buf_append(out, text, str_utf8_cut(text, size, size < room ? size : room));
}

/* One entry of the journal: what it was run with, and what came of it. */
static void note(struct running *run, const char *result)
{
    struct buf with, came;
    buf_init(&with, WORDS_MAX);
    buf_init(&came, WORDS_MAX);
    for (size_t i = 0; i < run->argument_count; i++) {
        append_cut(&with, i > 0 ? ", " : "");
        append_cut(&with, run->arguments[i]);
    }
    append_cut(&came, result);
    if (run->results != NULL) {
        append_cut(&came, " ");
        append_cut(&came, run->results);
    }
    journal_note_then(run->req, "command", run->path, "", buf_text(&with), buf_text(&came),
                      on_noted, run);
    buf_fini(&with);
    buf_fini(&came);
}

static void on_called(void *ctx, const struct host_call_result *result)
{
    struct running *run = ctx;
    run->took_us = result->took_us;
    str_copy(run->message, sizeof(run->message), result->message);
    run->results = result->results[0] != '\0' ? busbar_strdup(result->results) : NULL;
    if (result->error != 0) {
        err_set(&run->err, result->error, "%s", result->message);
    }
    if (server_of(run->req) == NULL) {
        on_noted(run);
        return;
    }
    note(run, run->message);
}

/* A text stands for itself, all else is JSON. */
static char *argument_text(const struct json_value *value)
{
    size_t size = 0;
    const char *text = json_get_text(value, &size);
    if (text != NULL) {
        return strlen(text) == size ? busbar_strdup(text) : NULL;
    }
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_copy(&json, value);
    char *copy = busbar_strdup(buf_text(&out));
    buf_fini(&out);
    return copy;
}

static int parse_arguments(struct running *run, const struct json_value *list, struct err *err)
{
    struct json_iter it = json_iter(list);
    const struct json_value *value;
    if (list != NULL && json_type(list) != JSON_ARRAY) {
        err_set(err, BUSBAR_EINVAL, "'arguments' must be a list, in the order of the command's");
        return err_hint(err, "{\"arguments\": [5, \"fast\"]}");
    }
    while (json_next(&it, NULL, &value)) {
        if (run->argument_count == DRIVER_ARGUMENTS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "more than %d arguments", DRIVER_ARGUMENTS_MAX);
        }
        char *text = argument_text(value);
        if (text == NULL) {
            return err_set(err, BUSBAR_EINVAL, "argument %zu has a zero byte in it",
                           run->argument_count + 1);
        }
        run->arguments[run->argument_count++] = text;
    }
    return 0;
}

static int parse_body(struct running *run, const struct device_command *command,
                      const struct json_value *body, struct err *err)
{
    const struct json_value *timeout = json_get(body, "timeout_s");
    const struct json_value *confirmed = json_get(body, "confirmed");
    double timeout_s = 0;
    bool is_confirmed = false;
    if (timeout != NULL && (json_get_double(timeout, &timeout_s) != 0 || timeout_s <= 0 ||
                            timeout_s > TIMEOUT_S_MAX)) {
        return err_set(err, BUSBAR_EINVAL, "'timeout_s' must be a number above 0, at most %.0f",
                       TIMEOUT_S_MAX);
    }
    if (confirmed != NULL && json_get_bool(confirmed, &is_confirmed) != 0) {
        return err_set(err, BUSBAR_EINVAL, "'confirmed' must be true or false");
    }
    if (command->confirm && !is_confirmed) {
        err_set(err, BUSBAR_ECONFLICT, "this command asks for a confirmation");
        return err_hint(err, "send \"confirmed\": true after asking the person");
    }
    run->timeout_us = (int64_t)(timeout_s * 1e6);
    return parse_arguments(run, json_get(body, "arguments"), err);
}

/* NULL: answered 404, with the nearest name. */
static const struct device_command *find_command(struct server_request *req,
                                                 const struct device *dev)
{
    const char *name = server_param(req, "command");
    const char **names = busbar_alloc_array(dev->command_count + 1, sizeof(*names));
    for (size_t i = 0; i < dev->command_count; i++) {
        if (strcmp(dev->commands[i].name, name) == 0) {
            busbar_free(names);
            return &dev->commands[i];
        }
        names[i] = dev->commands[i].name;
    }
    struct err err;
    const char *nearest = str_nearest(name, names, dev->command_count);
    err_set(&err, BUSBAR_ENOENT, "device '%s' has no command '%s'", dev->name, name);
    if (nearest != NULL) {
        err_hint(&err, "nearest is '%s'", nearest);
    } else {
        err_hint(&err, "busbar command list %s", dev->name);
    }
    busbar_free(names);
    server_reply_err(req, &err);
    return NULL;
}

static void post_command(struct server_request *req)
{
    struct server *server = server_of(req);
    struct device *dev = server_find_device(req);
    const struct device_command *command = dev != NULL ? find_command(req, dev) : NULL;
    struct err err = { 0 };
    if (command == NULL) {
        return;
    }
    struct running *run = busbar_alloc(sizeof(*run));
    run->req = req;
    str_format(run->path, sizeof(run->path), "%s/%s", dev->name, command->name);
    if (parse_body(run, command, server_body(req), &err) != 0) {
        server_reply_err(req, &err);
        running_free(run);
        return;
    }
    struct host_call_how how = { .arguments = (const char *const *)run->arguments,
                                 .argument_count = run->argument_count,
                                 .who = server_who(req),
                                 .from = server_from(req),
                                 .timeout_us = run->timeout_us };
    if (host_call(server->config.host, dev, command, &how, on_called, run, &run->err) != 0) {
        note(run, run->err.message);
    }
}

void server_commands_routes(struct server *server)
{
    static const struct server_query_param list_query[] = {
        { "device", "string", "one device" },
        { "limit", "integer", "commands in the answer, at most 10000; default 1000" },
        { "offset", "integer", "how many to pass over" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/commands",
          .handler = get_commands,
          .summary = "what devices can be told to do, and the arguments it takes",
          .query = list_query,
          .answer = "CommandList" },
        { .method = "POST",
          .path = "/api/v1/devices/{device}/commands/{command}",
          .handler = post_command,
          .summary = "run a command, once",
          .body = "CommandRequest",
          .answer = "CommandResult" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
