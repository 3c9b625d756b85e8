/* SPDX-License-Identifier: Apache-2.0 */
/* Trying rules on a message: what each one takes out of it, or why not. Nothing is stored. */
#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/str.h"
#include "payload/draft.h"
#include "server/core.h"
#include "server/reply.h"
#include "server/shape.h"

enum { FINDINGS_MAX = 10000 };

/* One trial and its answer while it is made. */
struct trial {
    struct payload_trial what;
    struct device *dev; /* NULL: rules of the request itself */
    struct payload_draft *draft;
    const struct json_value *names; /* of the request's own rules */
    struct buf body;
    struct arena arena;
    struct payload_field fields[PAYLOAD_FIELDS_MAX];
    size_t field_count;
    struct buf out;
    struct json_writer json;
    struct shape shape;
    size_t found;
};

/* ---- the message ---- */

static int bad(struct err *err, const char *what, const char *hint)
{
    err_set(err, BUSBAR_EINVAL, "%s", what);
    return err_hint(err, "%s", hint);
}

struct newest {
    const struct driver_ops *ops;
    const struct device *dev;
    struct buf *body;
    bool found;
};

static void take_frame(void *ctx, const struct host_frame *frame)
{
    struct newest *newest = ctx;
    struct bytes body;
    if (!frame->sent && frame->size == frame->full_size &&
        newest->ops->body(newest->dev, bytes_of(frame->data, frame->size), &body)) {
        buf_clear(newest->body);
        (void)buf_append(newest->body, body.at, bytes_left(&body));
        newest->found = true;
    }
}

/* The last message that came. */
static int take_last(struct trial *trial, struct err *err)
{
    const struct driver_ops *ops = trial->dev != NULL ? shape_ops(&trial->shape, trial->dev) : NULL;
    struct newest newest = { .ops = ops, .dev = trial->dev, .body = &trial->body };
    if (ops == NULL || ops->body == NULL) {
        return bad(err, "'last' needs a device that sends messages", "give it as 'message'");
    }
    host_frames(trial->dev, take_frame, &newest);
    return newest.found
               ? 0
               : bad(err, "no message of this device is kept",
                     "wait for one, or paste one: busbar payload test DEVICE --message TEXT");
}

static int take_base64(struct trial *trial, const char *text, struct err *err)
{
    size_t size = strlen(text), used = 0;
    uint8_t *room = buf_reserve(&trial->body, size);
    if (room == NULL || base64_decode(text, size, room, size, &used) != 0) {
        return bad(err, "'message_base64' is no base64", "give text as 'message'");
    }
    buf_commit(&trial->body, used);
    return 0;
}

static int take_message(struct trial *trial, const struct json_value *body, struct err *err)
{
    bool last = false;
    size_t size = 0;
    const char *text = json_get_text(json_get(body, "message"), &size);
    const char *base64 = json_get_text(json_get(body, "message_base64"), NULL);
    (void)json_get_bool(json_get(body, "last"), &last);
    if (text != NULL) {
        return buf_append(&trial->body, text, size) == 0
                   ? 0
                   : bad(err, "the message is too long", "1 MiB at most");
    }
    if (base64 != NULL) {
        return take_base64(trial, base64, err);
    }
    return last ? take_last(trial, err)
                : bad(err, "there is no message", "one of message, message_base64, last");
}

/* "topic", "header x-site": where, a blank, the name. */
static int take_fields(struct trial *trial, const struct json_value *fields, struct err *err)
{
    const char *key;
    const struct json_value *item;
    struct json_iter it = json_iter(fields);
    while (fields != NULL && json_next(&it, &key, &item)) {
        struct payload_field *field = &trial->fields[trial->field_count];
        field->text = json_get_text(item, &field->size);
        if (field->text == NULL || trial->field_count + 1 == PAYLOAD_FIELDS_MAX) {
            return bad(err, "'fields' must be texts by name", "{\"header x-site\": \"roof\"}");
        }
        size_t where = strcspn(key, " ");
        char *copy = arena_strdup(&trial->arena, key);
        if (copy == NULL) {
            return bad(err, "no memory", "");
        }
        field->name = copy + where + (copy[where] == ' ');
        copy[where] = '\0';
        field->where = copy;
        trial->field_count++;
    }
    return 0;
}

/* ---- the rules ---- */

/* Those of the device. */
static void take_device(struct trial *trial)
{
    const struct device *dev = trial->dev;
    const struct driver_ops *ops = shape_ops(&trial->shape, dev);
    const struct settings *settings = dev->settings;
    const char *id = settings_text(settings, PAYLOAD_DEVICE_ID);
    struct payload_rule_source *rules = arena_alloc_array(&trial->arena, dev->point_count,
                                                          sizeof(*rules));
    struct payload_event_source *events = arena_alloc_array(&trial->arena, dev->event_count,
                                                            sizeof(*events));
    size_t count = 0;
    for (size_t i = 0; i < dev->point_count; i++) {
        const struct payload_point *rule = ops->rule(dev, (uint32_t)i);
        if (rule != NULL && rule->kind < PAYLOAD_POINT_ROWS) {
            rules[count++] = (struct payload_rule_source){ rule, (uint32_t)i };
        }
    }
    for (size_t i = 0; i < dev->event_count; i++) {
        events[i] = (struct payload_event_source){ &dev->events[i], (uint32_t)i };
    }
    trial->what = (struct payload_trial){
        .device = settings,
        .id = id != NULL ? id : dev->name,
        .schemas = (const void *)driver_setup(driver_of(dev))->prepared,
        .rules = rules,
        .rule_count = count,
        .events = events,
        .event_count = dev->event_count,
    };
}

/* Those that the request brings: "rules": ["json: $.co2", ...], "settings": "each: json $.list[*]". */
static int take_draft(struct trial *trial, const struct json_value *body, struct err *err)
{
    const struct json_value *rules = json_get(body, "rules"), *rule;
    const char *settings = json_get_text(json_get(body, "settings"), NULL);
    struct json_iter it = json_iter(rules);
    if (json_size(rules) == 0 || json_type(rules) != JSON_ARRAY) {
        return bad(err, "there are no rules",
                   "\"device\": a name, or \"rules\": [\"json: $.co2\"]");
    }
    trial->names = rules;
    trial->draft = payload_draft_new();
    int error = settings != NULL ? payload_draft_device(trial->draft, settings, err) : 0;
    while (error == 0 && json_next(&it, NULL, &rule)) {
        const char *text = json_get_text(rule, NULL);
        error = text != NULL ? payload_draft_rule(trial->draft, text, err)
                             : bad(err, "a rule is a text", "\"json: $.co2\"");
    }
    payload_draft_trial(trial->draft, &trial->what);
    return error;
}

static int take_rules(struct trial *trial, const struct server *server,
                      const struct json_value *body, struct err *err)
{
    const char *name = json_get_text(json_get(body, "device"), NULL);
    if (name == NULL) {
        return take_draft(trial, body, err);
    }
    trial->dev = registry_device(server->config.registry, name);
    if (trial->dev == NULL) {
        err_set(err, BUSBAR_ENOENT, "there is no device '%.100s'", name);
        return err_hint(err, "busbar device list");
    }
    const struct driver_ops *ops = shape_ops(&trial->shape, trial->dev);
    if (ops == NULL || ops->rule == NULL) {
        err_set(err, BUSBAR_EUNSUPPORTED, "'%s' speaks %s, whose values do not come in messages",
                name, trial->dev->protocol);
        return err_hint(err, "busbar point get %s/POINT explains a value", name);
    }
    take_device(trial);
    return 0;
}

/* ---- the answer ---- */

static void on_finding(void *ctx, const struct payload_finding *finding)
{
    struct trial *trial = ctx;
    const struct payload_point *rule = NULL;
    const char *name;
    if (trial->found++ >= FINDINGS_MAX) {
        return;
    }
    for (size_t i = 0; i < trial->what.rule_count && !finding->event; i++) {
        const struct payload_rule_source *source = &trial->what.rules[i];
        rule = source->index == finding->index ? source->point : rule;
    }
    if (trial->dev == NULL) {
        name = json_get_text(json_at(trial->names, finding->index), NULL);
    } else {
        name = finding->event ? trial->dev->events[finding->index].name
                              : trial->dev->points[finding->index].name;
    }
    payload_finding_put(&trial->json, name, rule, finding);
}

static void trial_fini(struct trial *trial)
{
    payload_draft_free(trial->draft);
    buf_fini(&trial->body);
    arena_fini(&trial->arena);
    shape_fini(&trial->shape);
}

static void answer(struct server_request *req, struct trial *trial)
{
    const struct payload_message message = { .body = (const uint8_t *)buf_text(&trial->body),
                                             .size = trial->body.size,
                                             .fields = trial->fields,
                                             .field_count = trial->field_count,
                                             .receive_us = clock_wall_us() };
    struct err err = { 0 };
    buf_init(&trial->out, SERVER_ANSWER_MAX);
    trial->json = json_writer(&trial->out);
    json_begin_object(&trial->json);
    json_key(&trial->json, "message");
    if (str_is_utf8(buf_text(&trial->body), trial->body.size)) {
        json_string_n(&trial->json, buf_text(&trial->body), trial->body.size);
    } else {
        json_null(&trial->json);
    }
    json_put_array(&trial->json, "findings");
    int error = payload_try(&trial->what, &message, on_finding, trial, &err);
    json_end_array(&trial->json);
    json_put_u64(&trial->json, "left_out",
                 trial->found > FINDINGS_MAX ? trial->found - FINDINGS_MAX : 0);
    json_put_bool(&trial->json, "readable", error == 0);
    json_put_string(&trial->json, "error", error != 0 ? err.message : "");
    json_put_string(&trial->json, "hint", error != 0 ? err.hint : "");
    json_end_object(&trial->json);
    server_reply_json(req, 200, &trial->out);
}

static void post_test(struct server_request *req)
{
    struct server *server = server_of(req);
    const struct json_value *body = server_body(req);
    struct trial *trial = busbar_alloc(sizeof(*trial));
    struct err err = { 0 };
    arena_init(&trial->arena, 0);
    shape_init(&trial->shape, server);
    buf_init(&trial->body, PAYLOAD_BODY_MAX);
    int error = take_rules(trial, server, body, &err);
    error = error == 0 ? take_message(trial, body, &err) : error;
    error = error == 0 ? take_fields(trial, json_get(body, "fields"), &err) : error;
    if (error == 0) {
        answer(req, trial);
    } else {
        server_reply_err(req, &err);
    }
    trial_fini(trial);
    busbar_free(trial);
}

void server_payload_routes(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "POST",
          .path = "/api/v1/payload/test",
          .handler = post_test,
          .summary = "what rules take out of a message; nothing is stored",
          .body = "PayloadTest",
          .answer = "PayloadFindings" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
