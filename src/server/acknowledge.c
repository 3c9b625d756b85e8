/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/events/{id}/acknowledge:
 *
 *   read the event (job) -> the host asks the device -> what came of it is kept with the event (job)
 *     -> an entry in the journal -> the answer, and the stream
 *
 * An event without a key is nothing that a device waits for: it is acknowledged here only. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "server/events.h"
#include "server/journal.h"
#include "server/live.h"
#include "server/points.h"

enum { NOTE_MAX = 255, RESULT_MAX = 240 };

struct acknowledging {
    struct server_request *req;
    struct state *state;
    uint64_t id;
    char who[64], note[NOTE_MAX + 1], result[RESULT_MAX];
    int error; /* of the jobs */
    bool found, open, latest;
    struct buf bytes; /* of the event */
    struct event_decoded event;
    struct err err; /* code 0: it was taken */
    struct buf out; /* the event as it is then */
};

static void ack_free(struct acknowledging *ack)
{
    event_decoded_fini(&ack->event);
    buf_fini(&ack->bytes);
    buf_fini(&ack->out);
    busbar_free(ack);
}

static void fail(struct acknowledging *ack)
{
    server_reply_err(ack->req, &ack->err);
    ack_free(ack);
}

/* ---- afterwards ---- */

static void put_result(void *ctx, const struct state_event *row)
{
    struct acknowledging *ack = ctx;
    struct json_writer json = json_writer(&ack->out);
    json_begin_object(&json);
    server_put_event(&json, row);
    json_put_string(&json, "message", ack->result);
    json_end_object(&json);
}

static void keep_result(void *ctx)
{
    struct acknowledging *ack = ctx;
    struct state_event_ack kept = { .id = ack->id,
                                    .done = ack->err.code == 0,
                                    .time_us = clock_wall_us(),
                                    .who = ack->who,
                                    .note = ack->note,
                                    .result = ack->result };
    ack->error = state_event_ack(ack->state, &kept);
    if (ack->error == 0) {
        ack->error = state_event_get(ack->state, ack->id, put_result, ack);
    }
}

static void on_noted(void *ctx)
{
    struct acknowledging *ack = ctx;
    if (ack->err.code != 0) {
        fail(ack);
        return;
    }
    if (ack->error != 0) {
        server_reply_error(ack->req, ack->error,
                           "the device took it, but the journal cannot be written: %s",
                           err_text(ack->error));
    } else {
        server_reply_json(ack->req, 200, &ack->out);
    }
    ack_free(ack);
}

static void result_kept(void *ctx, int error)
{
    struct acknowledging *ack = ctx;
    struct server *server = server_of(ack->req);
    ack->error = error != 0 ? error : ack->error;
    if (server == NULL) {
        on_noted(ack);
        return;
    }
    if (ack->error == 0) {
        live_event(server->live, (const char *)ack->out.data, ack->out.size);
    }
    journal_note_then(ack->req, "acknowledge", ack->event.event.source, ack->event.event.text,
                      ack->note, ack->result, on_noted, ack);
}

static void finish(struct acknowledging *ack)
{
    struct server *server = server_of(ack->req);
    if (server == NULL) {
        fail(ack);
        return;
    }
    jobs_submit(server->config.loop, keep_result, result_kept, ack);
}

/* ---- the device ---- */

static void on_acknowledged(void *ctx, const struct host_acknowledge_result *result)
{
    struct acknowledging *ack = ctx;
    str_copy(ack->result, sizeof(ack->result),
             result->message[0] != '\0' ? result->message
             : result->error == 0       ? "acknowledged"
                                        : err_text(result->error));
    if (result->error != 0) {
        err_set(&ack->err, result->error, "%s", ack->result);
        err_hint(&ack->err, "it can be tried again; busbar device frames shows what was sent and "
                            "answered");
    }
    if (server_of(ack->req) == NULL && ack->err.code == 0) {
        err_set(&ack->err, BUSBAR_ECANCELED, "busbar is stopping; the device took it");
    }
    finish(ack);
}

static struct device *device_of(const struct acknowledging *ack)
{
    char name[DEVICE_NAME_MAX + 1];
    const char *source = ack->event.event.source;
    size_t size = strcspn(source, "/");
    str_format(name, sizeof(name), "%.*s", (int)(size < sizeof(name) ? size : 0), source);
    return registry_device(server_of(ack->req)->config.registry, name);
}

static void ask_device(struct acknowledging *ack)
{
    struct server *server = server_of(ack->req);
    const struct event *event = &ack->event.event;
    if (event->key[0] == '\0') {
        str_copy(ack->result, sizeof(ack->result), "acknowledged here; no device waits for it");
        finish(ack);
        return;
    }
    struct device *dev = device_of(ack);
    if (dev == NULL) {
        err_set(&ack->err, BUSBAR_ENOENT, "no device '%.*s' any more",
                (int)strcspn(event->source, "/"), event->source);
        err_hint(&ack->err, "it was removed from the configuration");
    } else if (host_acknowledge(server->config.host, dev, event, ack->who, ack->note, 0,
                                on_acknowledged, ack, &ack->err) == 0) {
        return;
    }
    str_copy(ack->result, sizeof(ack->result), ack->err.message);
    finish(ack);
}

/* ---- the event ---- */

static void take_event(void *ctx, const struct state_event *row)
{
    struct acknowledging *ack = ctx;
    ack->open = row->open;
    ack->latest = row->latest;
    if (!row->open && row->acked_us > 0) {
        str_format(ack->result, sizeof(ack->result), "%s", row->acked_by);
    }
    ack->error = event_encode(row->event, &ack->bytes);
}

static void read_event(void *ctx)
{
    struct acknowledging *ack = ctx;
    int error = state_event_get(ack->state, ack->id, take_event, ack);
    ack->error = error != 0 ? error : ack->error;
    ack->found = error == 0;
    if (ack->error == 0) {
        struct bytes in = bytes_of(ack->bytes.data, ack->bytes.size);
        ack->error = event_decode(&in, &ack->event);
    }
}

/* What there is to do; false: nothing, err says why. */
static bool is_due(struct acknowledging *ack)
{
    const struct event *event = &ack->event.event;
    if (ack->open) {
        return true;
    }
    if (ack->result[0] != '\0') {
        err_set(&ack->err, BUSBAR_ECONFLICT, "event %llu is acknowledged already, by %s",
                (unsigned long long)ack->id, ack->result);
    } else if (event->key[0] != '\0' && !ack->latest) {
        err_set(&ack->err, BUSBAR_ECONFLICT, "a newer event took the place of %llu",
                (unsigned long long)ack->id);
        err_hint(&ack->err, "busbar event list --unacked shows which");
    } else {
        err_set(&ack->err, BUSBAR_ECONFLICT, "event %llu wants no acknowledgement",
                (unsigned long long)ack->id);
    }
    return false;
}

static void event_read(void *ctx, int error)
{
    struct acknowledging *ack = ctx;
    error = error != 0 ? error : ack->error;
    if (error == BUSBAR_ENOENT) {
        server_no_event(ack->req, ack->id);
        ack_free(ack);
    } else if (error != 0) {
        err_set(&ack->err, error, "the journal of events cannot be read: %s", err_text(error));
        fail(ack);
    } else if (!is_due(ack)) {
        fail(ack);
    } else if (server_of(ack->req) == NULL) {
        err_set(&ack->err, BUSBAR_ECANCELED, "busbar is stopping");
        fail(ack);
    } else {
        ack->result[0] = '\0';
        ask_device(ack);
    }
}

static int parse_note(struct server_request *req, char note[NOTE_MAX + 1], struct err *err)
{
    size_t size = 0;
    const struct json_value *value = json_get(server_body(req), "note");
    const char *text = json_get_text(value, &size);
    if (value != NULL && text == NULL) {
        return err_set(err, BUSBAR_EINVAL, "'note' must be a text");
    }
    if (size > NOTE_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "the note is longer than %d bytes", NOTE_MAX);
    }
    str_format(note, NOTE_MAX + 1, "%s", text != NULL ? text : "");
    return 0;
}

static void post_acknowledge(struct server_request *req)
{
    struct server *server = server_of(req);
    struct err err = { 0 };
    uint64_t id;
    if (!server_event_id(req, &id)) {
        return;
    }
    if (server->config.state == NULL) {
        server_reply_error(req, BUSBAR_EAGAIN, "there is no journal");
        return;
    }
    struct acknowledging *ack = busbar_alloc(sizeof(*ack));
    buf_init(&ack->bytes, EVENT_BYTES_MAX);
    buf_init(&ack->out, SERVER_ANSWER_MAX);
    ack->req = req;
    ack->state = server->config.state;
    ack->id = id;
    str_copy(ack->who, sizeof(ack->who), server_who(req));
    if (parse_note(req, ack->note, &err) != 0) {
        ack_free(ack);
        server_reply_err(req, &err);
        return;
    }
    jobs_submit(server->config.loop, read_event, event_read, ack);
}

void server_acknowledge_routes(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "POST",
          .path = "/api/v1/events/{id}/acknowledge",
          .handler = post_acknowledge,
          .summary = "acknowledge an event in the device that sent it",
          .body = "AcknowledgeRequest",
          .answer = "AcknowledgeResult" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
