/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/log: the last lines of the text log, the newest last. */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "server/core.h"

static int parse_level(const char *word, enum log_level *level, struct err *err)
{
    if (strcmp(word, "warning") == 0) {
        word = "warn";
    }
    if (log_level_parse(word, level) == 0) {
        return 0;
    }
    err_set(err, BUSBAR_EINVAL, "'%s' is no level", word);
    return err_hint(err, "debug, info, warn or error");
}

static bool is_found(const struct log_line *line, enum log_level level, const char *q)
{
    return line->level >= level &&
           (q == NULL || strcasestr(line->text, q) != NULL || strcasestr(line->module, q) != NULL ||
            strcasestr(line->device, q) != NULL);
}

static void put_line(struct json_writer *json, const struct log_line *line)
{
    json_begin_object(json);
    json_put_u64(json, "id", line->sequence);
    json_put_time(json, "time", line->time_us);
    json_put_string(json, "level", log_level_name(line->level));
    json_put_string(json, "module", line->module);
    json_put_string(json, "device", line->device);
    json_put_string(json, "text", line->text);
    json_end_object(json);
}

static void get_log(struct server_request *req)
{
    const char *q = server_query(req, "q");
    const char *word = server_query(req, "level");
    enum log_level level = LOG_LEVEL_DEBUG;
    struct err err = { 0 };
    int64_t limit = 0, after = 0;
    if (server_query_i64(req, "limit", 200, 1, LOG_RECENT_MAX, &limit, &err) != 0 ||
        server_query_i64(req, "after", 0, 0, INT64_MAX, &after, &err) != 0 ||
        (word != NULL && parse_level(word, &level, &err) != 0)) {
        server_reply_err(req, &err);
        return;
    }
    struct log_line *lines = busbar_alloc_array(LOG_RECENT_MAX, sizeof(*lines));
    size_t count = busbar_log_recent((uint64_t)after, lines, LOG_RECENT_MAX);
    size_t first = count; /* of the newest `limit` that are found */
    for (int64_t found = 0; first > 0 && found < limit; first--) {
        found += is_found(&lines[first - 1], level, q);
    }
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_array(&json, "lines");
    for (size_t i = first; i < count; i++) {
        if (is_found(&lines[i], level, q)) {
            put_line(&json, &lines[i]);
        }
    }
    json_end_array(&json);
    json_end_object(&json);
    busbar_free(lines);
    server_reply_json(req, 200, &out);
}

void server_textlog_routes(struct server *server)
{
    static const struct server_query_param query[] = {
        { "limit", "integer", "the newest so many lines, at most 500; default 200" },
        { "after", "integer", "only lines with a greater id" },
        { "level", "string", "this level and above: debug, info, warn, error" },
        { "q", "string", "text in line, module or device" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/log",
          .handler = get_log,
          .summary = "the last lines of the text log",
          .query = query,
          .answer = "Log" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
