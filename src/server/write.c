/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/points/{device}/{point}/write and .../release. The host checks, sends and reads back;
 * here the body becomes a value, and every attempt that got past the checks of form leaves a journal
 * entry before it is answered. */
#include "server/write.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "server/journal.h"
#include "server/points.h"
#include "server/shape.h"

enum { WORDS_MAX = 512 };

#define TIMEOUT_S_MAX 300.0

struct write {
    struct server_request *req;
    const struct point_class *cls; /* lives as long as the registry */
    struct text *text;             /* of a text value, held until the end */
    uint8_t wanted_type;
    union value wanted;
    struct host_write_how how;
    int64_t timeout_us;
    char path[DEVICE_NAME_MAX + POINT_NAME_MAX + 2];
    struct host_write_result result;
    struct err err; /* code 0: it was sent, see result */
};

static void put_sample(struct json_writer *json, const char *key, const struct sample *sample)
{
    json_key(json, key);
    shape_value(json, sample->type, sample->value);
}

static void reply_result(struct write *write)
{
    const struct host_write_result *result = &write->result;
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_bool(&json, "written", true);
    json_put_bool(&json, "released", write->how.release);
    json_put_bool(&json, "read_back", result->read_back);
    json_key(&json, "priority");
    if (result->priority != 0) {
        json_u64(&json, result->priority);
    } else {
        json_null(&json);
    }
    shape_time(&json, "until", result->until_us);
    put_sample(&json, "before", &result->before);
    put_sample(&json, "after", &result->after);
    json_put_double(&json, "took_ms", (double)result->took_us / 1000);
    json_put_string(&json, "message", result->message);
    json_end_object(&json);
    server_reply_json(write->req, 200, &out);
}

/* The entry is in the journal: answer. */
static void on_noted(void *ctx)
{
    struct write *write = ctx;
    if (write->err.code != 0) {
        server_reply_err(write->req, &write->err);
    } else {
        reply_result(write);
    }
    busbar_free(write->text);
    busbar_free(write);
}

static void value_words(const struct server *server, const struct point_class *cls, uint8_t type,
                        union value value, struct buf *out)
{
    struct shape shape;
    shape_init(&shape, server);
    (void)buf_append_text(out, shape_text(&shape, cls, type, value));
    shape_fini(&shape);
}

/* One entry of the journal; the answer follows it. */
static void note(struct write *write, const char *result)
{
    struct server *server = server_of(write->req);
    const struct sample *before = &write->result.before;
    char lasting[32] = "";
    struct buf from, to;
    buf_init(&from, WORDS_MAX);
    buf_init(&to, WORDS_MAX);
    value_words(server, write->cls, before->type, before->value, &from);
    if (!write->how.release) {
        value_words(server, write->cls, write->wanted_type, write->wanted, &to);
    }
    if (write->how.priority != 0) {
        (void)buf_printf(&to, "%spriority %u", to.size > 0 ? ", " : "", write->how.priority);
    }
    if (write->how.for_us > 0) {
        str_format_duration(lasting, sizeof(lasting), write->how.for_us);
        (void)buf_printf(&to, ", for %s", lasting);
    }
    journal_note_then(write->req, write->how.release ? "release" : "write", write->path,
                      buf_text(&from), buf_text(&to), result, on_noted, write);
    buf_fini(&from);
    buf_fini(&to);
}

static void on_written(void *ctx, const struct host_write_result *result)
{
    struct write *write = ctx;
    write->result = *result;
    if (result->error != 0) {
        err_set(&write->err, result->error, "%s",
                result->message[0] != '\0' ? result->message : err_text(result->error));
        err_hint(&write->err, "busbar device frames shows what was sent and answered");
    }
    if (server_of(write->req) == NULL) {
        on_noted(write);
        return;
    }
    note(write, result->error != 0   ? write->err.message
                : write->how.release ? "released"
                                     : "written");
}

/* The body's "value". */
static int parse_value(const struct json_value *body, struct write *write, struct err *err)
{
    const struct json_value *value = json_get(body, "value");
    size_t size = 0;
    switch (json_type(value)) {
    case JSON_BOOL: write->wanted_type = VALUE_BOOL; return json_get_bool(value, &write->wanted.b);
    case JSON_INTEGER:
        write->wanted_type = VALUE_INT;
        return json_get_i64(value, &write->wanted.i) == 0
                   ? 0
                   : err_set(err, BUSBAR_ERANGE, "the value does not fit 64 bits");
    case JSON_DOUBLE:
        write->wanted_type = VALUE_DOUBLE;
        return json_get_double(value, &write->wanted.d);
    case JSON_STRING: {
        const char *text = json_get_text(value, &size);
        if (size > TEXT_BYTES_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "the text is longer than %d bytes", TEXT_BYTES_MAX);
        }
        write->text = text_new(text, size);
        write->wanted_type = VALUE_TEXT;
        write->wanted.text = write->text;
        return 0;
    }
    default:
        err_set(err, BUSBAR_EINVAL, "the body has no value to write");
        return err_hint(err, "{\"value\": 22.5}");
    }
}

int write_parse_for(const struct json_value *body, int64_t *for_us, struct err *err)
{
    const struct json_value *lasting = json_get(body, "for");
    const char *text = json_get_text(lasting, NULL);
    *for_us = 0;
    if (lasting == NULL || (text != NULL && text[0] == '\0')) {
        return 0;
    }
    if (text == NULL || str_parse_duration_us(text, for_us) != 0 || *for_us <= 0 ||
        *for_us > HOST_HOLD_FOR_MAX_US) {
        err_set(err, BUSBAR_EINVAL, "'for' must be a time above 0, at most %lld days",
                (long long)(HOST_HOLD_FOR_MAX_US / 86400 / 1000000));
        return err_hint(err, "30m, 2h, 1d; without it the value stays until it is released");
    }
    return 0;
}

/* "priority", "for", "timeout_s", "confirmed". */
static int parse_rest(const struct json_value *body, struct write *write, struct err *err)
{
    const struct json_value *timeout = json_get(body, "timeout_s");
    const struct json_value *confirmed = json_get(body, "confirmed");
    const struct json_value *priority = json_get(body, "priority");
    double timeout_s = 0;
    int64_t number = 0;
    bool is_confirmed = false;
    if (timeout != NULL && (json_get_double(timeout, &timeout_s) != 0 || timeout_s <= 0 ||
                            timeout_s > TIMEOUT_S_MAX)) {
        return err_set(err, BUSBAR_EINVAL, "'timeout_s' must be a number above 0, at most %.0f",
                       TIMEOUT_S_MAX);
    }
    if (priority != NULL &&
        (json_get_i64(priority, &number) != 0 || number < 1 || number > HOST_HOLD_PRIORITIES)) {
        err_set(err, BUSBAR_EINVAL, "'priority' must be a whole number from 1 to %d",
                HOST_HOLD_PRIORITIES);
        return err_hint(err, "1 goes before all others; people use 8");
    }
    if (confirmed != NULL && json_get_bool(confirmed, &is_confirmed) != 0) {
        return err_set(err, BUSBAR_EINVAL, "'confirmed' must be true or false");
    }
    if (write->cls->write.confirm && !is_confirmed) {
        err_set(err, BUSBAR_ECONFLICT, "this point asks for a confirmation before a write");
        return err_hint(err, "send \"confirmed\": true after asking the person");
    }
    write->timeout_us = (int64_t)(timeout_s * 1e6);
    write->how.priority = number != 0 ? (uint8_t)number : write->how.priority;
    return write->how.release ? 0 : write_parse_for(body, &write->how.for_us, err);
}

static void begin(struct server_request *req, struct point *pt, bool release, uint8_t priority)
{
    struct server *server = server_of(req);
    struct err err = { 0 };
    if (pt->device->host == NULL) {
        server_reply_error(req, BUSBAR_EBUSY, "device '%s' is being set up or removed",
                           pt->device->name);
        return;
    }
    struct write *write = busbar_alloc(sizeof(*write));
    write->req = req;
    write->cls = pt->cls;
    write->how = (struct host_write_how){
        .release = release, .priority = priority, .who = server_who(req), .from = server_from(req)
    };
    str_format(write->path, sizeof(write->path), "%s/%s", pt->device->name, pt->name);
    int error = release ? 0 : parse_value(server_body(req), write, &err);
    error = error == 0 ? parse_rest(server_body(req), write, &err) : error;
    if (error != 0) {
        server_reply_err(req, &err);
        busbar_free(write->text);
        busbar_free(write);
        return;
    }
    error = host_write(server->config.host, pt, write->wanted_type, write->wanted, &write->how,
                       write->timeout_us, on_written, write, &write->err);
    if (error != 0) {
        note(write, write->err.message);
    }
}

void write_release(struct server_request *req, struct point *pt, uint8_t priority)
{
    begin(req, pt, true, priority);
}

static void post_write(struct server_request *req)
{
    struct point *pt = server_find_point(req);
    if (pt != NULL) {
        begin(req, pt, false, 0);
    }
}

static void post_release(struct server_request *req)
{
    struct point *pt = server_find_point(req);
    if (pt != NULL) {
        begin(req, pt, true, 0);
    }
}

void server_write_routes(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "POST",
          .path = "/api/v1/points/{device}/{point}/write",
          .handler = post_write,
          .summary = "write a value and read it back",
          .body = "WriteRequest",
          .answer = "WriteResult" },
        { .method = "POST",
          .path = "/api/v1/points/{device}/{point}/release",
          .handler = post_release,
          .summary = "give up what was written at a priority, and read back",
          .body = "ReleaseRequest",
          .answer = "WriteResult" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
