/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/connectors: by which devices post, who did lately, and their keys. A key is shown once, in the answer that made
 * it. The ring writes a file, so making and removing a key is a job; each is noted in the journal. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "config/setup.h"
#include "driver/keyring.h"
#include "server/core.h"
#include "server/journal.h"
#include "server/shape.h"

/* ---- shapes ---- */

/* The protocol whose parts are connectors; NULL: there is none here. */
static const char *protocol_of(const struct server_config *config)
{
    for (const struct driver_ops *const *ops = config->catalog; *ops != NULL; ops++) {
        if ((*ops)->parts_key != NULL && strcmp((*ops)->parts_key, "connectors") == 0) {
            return (*ops)->name;
        }
    }
    return NULL;
}

static const struct setup *setup_of(const struct server_config *config)
{
    const char *protocol = protocol_of(config);
    return protocol != NULL ? host_setup_of(config->host, protocol) : NULL;
}

static void put_key_members(struct json_writer *json, const struct keyring_key *key)
{
    json_put_string(json, "connector", key->connector);
    json_put_string(json, "id", key->id);
    json_put_string(json, "label", key->label);
    shape_time(json, "created", key->created_us);
    shape_time(json, "used", key->used_us);
}

struct keys_writer {
    struct json_writer *json;
    const char *connector; /* NULL: of all */
};

static void put_key(void *ctx, const struct keyring_key *key)
{
    struct keys_writer *writer = ctx;
    if (writer->connector == NULL || strcmp(writer->connector, key->connector) == 0) {
        json_begin_object(writer->json);
        put_key_members(writer->json, key);
        json_end_object(writer->json);
    }
}

static void put_keys(struct json_writer *json, struct keyring *ring, const char *connector)
{
    struct keys_writer writer = { json, connector };
    json_put_array(json, "keys");
    if (ring != NULL) {
        keyring_each(ring, put_key, &writer);
    }
    json_end_array(json);
}

/* What the driver says of one of them. */
struct facts_reader {
    const char *connector;
    uint64_t devices, messages, refused;
    char last[STR_TIME_MAX], trouble[256];
};

static void read_fact(void *ctx, const struct driver_status *status)
{
    struct facts_reader *reader = ctx;
    if (status->part == NULL || strcmp(status->part, reader->connector) != 0) {
        return;
    }
    if (status->trouble != NULL) {
        str_copy(reader->trouble, sizeof(reader->trouble), status->trouble);
    }
    if (strcmp(status->name, "devices") == 0) {
        (void)str_parse_u64(status->text, &reader->devices);
    } else if (strcmp(status->name, "messages") == 0) {
        (void)str_parse_u64(status->text, &reader->messages);
    } else if (strcmp(status->name, "refused") == 0) {
        (void)str_parse_u64(status->text, &reader->refused);
    } else if (strcmp(status->name, "last message") == 0) {
        str_copy(reader->last, sizeof(reader->last), status->text);
    }
}

static void put_members(struct json_writer *json, const struct server_config *config,
                        const struct setup_part *part)
{
    const char *protocol = protocol_of(config);
    struct facts_reader facts = { .connector = part->name };
    (void)host_driver_status(config->host, protocol, read_fact, &facts);
    json_put_string(json, "name", part->name);
    json_put_string(json, "protocol", protocol);
    json_put_u64(json, "devices", facts.devices);
    json_put_u64(json, "messages", facts.messages);
    json_put_u64(json, "refused", facts.refused);
    json_put_u64(json, "key_count",
                 config->keyring != NULL ? keyring_count(config->keyring, part->name) : 0);
    if (facts.last[0] != '\0') {
        json_put_string(json, "last", facts.last);
    } else {
        json_put_null(json, "last");
    }
    json_put_string(json, "trouble", facts.trouble);
}

static void put_settings(struct json_writer *json, const struct settings *settings)
{
    struct buf text;
    buf_init(&text, SERVER_ANSWER_MAX);
    json_put_array(json, "settings");
    for (size_t i = 0; i < settings->count; i++) {
        const struct option *option = &settings->options[settings->set[i].option];
        buf_clear(&text);
        option_print(option, settings->set[i].value, &text);
        json_begin_object(json);
        json_put_string(json, "name", option->key);
        json_put_string(json, "text", buf_text(&text));
        json_end_object(json);
    }
    json_end_array(json);
    buf_fini(&text);
}

/* ---- looking ---- */

static void get_list(struct server_request *req)
{
    const struct server_config *config = &server_of(req)->config;
    const struct setup *setup = setup_of(config);
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_array(&json, "connectors");
    for (size_t i = 0; setup != NULL && i < setup->part_count; i++) {
        json_begin_object(&json);
        put_members(&json, config, &setup->parts[i]);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

/* NULL: answered. */
static const struct setup_part *part_of(struct server_request *req)
{
    const struct setup *setup = setup_of(&server_of(req)->config);
    const char *name = server_param(req, "connector");
    const struct setup_part *part = setup != NULL ? setup_part(setup, name) : NULL;
    if (part == NULL) {
        struct err err;
        err_set(&err, BUSBAR_ENOENT, "there is no connector '%s'", name);
        err_hint(&err, "write it into the configuration: connectors: { %.60s: {} }", name);
        server_reply_err(req, &err);
    }
    return part;
}

static void get_one(struct server_request *req)
{
    const struct server_config *config = &server_of(req)->config;
    const struct setup_part *part = part_of(req);
    if (part == NULL) {
        return;
    }
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    put_members(&json, config, part);
    put_settings(&json, &part->settings);
    put_keys(&json, config->keyring, part->name);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

static void get_keys(struct server_request *req)
{
    const struct server_config *config = &server_of(req)->config;
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    put_keys(&json, config->keyring, server_query(req, "connector"));
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

/* ---- changing ---- */

struct work {
    struct server_request *req;
    struct keyring *ring;
    bool removes;
    char connector[KEYRING_CONNECTOR_MAX], word[KEYRING_LABEL_MAX]; /* word: label, or id */
    char text[KEYRING_TEXT_MAX];
    struct keyring_key key;
    struct err err;
};

static void on_job(void *ctx)
{
    struct work *work = ctx;
    int error = work->removes ? keyring_remove(work->ring, work->connector, work->word, &work->key,
                                               &work->err)
                              : keyring_add(work->ring, work->connector, work->word,
                                            clock_wall_us(), work->text, &work->key, &work->err);
    work->err.code = error;
}

static void answer(struct work *work)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    put_key_members(&json, &work->key);
    if (!work->removes) {
        json_put_string(&json, "key", work->text);
    }
    json_end_object(&json);
    journal_note(work->req, work->removes ? "remove connector key" : "add connector key",
                 work->connector, work->removes ? work->key.id : "",
                 work->removes ? "" : work->key.id, "done");
    server_reply_json(work->req, work->removes ? 200 : 201, &out);
}

static void on_done(void *ctx, int error)
{
    struct work *work = ctx;
    if (server_of(work->req) == NULL || error != 0) {
        server_reply_error(work->req, BUSBAR_ECANCELED, "busbar is stopping");
    } else if (work->err.code != 0) {
        server_reply_err(work->req, &work->err);
    } else {
        answer(work);
    }
    memset(work->text, 0, sizeof(work->text));
    busbar_free(work);
}

static void begin(struct server_request *req, bool removes, const char *word)
{
    struct server *server = server_of(req);
    if (server->config.keyring == NULL) {
        server_reply_error(req, BUSBAR_EUNSUPPORTED, "there are no keys here");
        return;
    }
    struct work *work = busbar_alloc(sizeof(*work));
    work->req = req;
    work->ring = server->config.keyring;
    work->removes = removes;
    str_copy(work->connector, sizeof(work->connector), server_param(req, "connector"));
    str_copy(work->word, sizeof(work->word), word);
    jobs_submit(server->config.loop, on_job, on_done, work);
}

static void post_key(struct server_request *req)
{
    const struct json_value *label = server_body(req) != NULL ? json_get(server_body(req), "label")
                                                              : NULL;
    const char *text = label != NULL ? json_get_text(label, NULL) : "";
    if (part_of(req) == NULL) {
        return;
    }
    if (text == NULL) {
        server_reply_error(req, BUSBAR_EINVAL, "a label is a text");
        return;
    }
    begin(req, false, text);
}

static void delete_key(struct server_request *req)
{
    begin(req, true, server_param(req, "key"));
}

void server_connectors_routes(struct server *server)
{
    static const struct server_query_param keys_query[] = {
        { "connector", "string", "only those of this connector" },
        { NULL, NULL, NULL },
    };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/connectors",
          .handler = get_list,
          .summary = "connectors, by which devices post, and when they last did",
          .answer = "ConnectorList" },
        { .method = "GET",
          .path = "/api/v1/connectors/keys",
          .handler = get_keys,
          .summary = "keys of connectors: when they were made and last used",
          .query = keys_query,
          .answer = "ConnectorKeyList" },
        { .method = "GET",
          .path = "/api/v1/connectors/{connector}",
          .handler = get_one,
          .summary = "one connector with its settings and keys",
          .answer = "ConnectorDetail" },
        { .method = "POST",
          .path = "/api/v1/connectors/{connector}/keys",
          .handler = post_key,
          .summary = "make a key; this answer alone has it",
          .body = "ConnectorKeyRequest",
          .answer = "ConnectorKeyMade" },
        { .method = "DELETE",
          .path = "/api/v1/connectors/{connector}/keys/{key}",
          .handler = delete_key,
          .summary = "remove a key, by the beginning of its id; who uses it is refused from now on",
          .answer = "ConnectorKey" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
