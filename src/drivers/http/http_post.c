/* SPDX-License-Identifier: Apache-2.0 */
/* A posted message.
 *
 *   head: framing, address, key, how often -> body -> fields -> feed -> on disk -> 204
 *
 * What is wrong with the head is said when a short body has been read, so that the connection can be used again; a long
 * one is not waited for. */
#include <microhttpd.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"
#include "drivers/http/http_driver.h"

enum {
    NAMES_BYTES = 4096,
    KEY_SIZE = SETUP_NAME_MAX + HTTP_ID_MAX + HTTP_IDEMPOTENCY_MAX + 3, /* "connector/id/key" */
};

/* ---- the head ---- */

/* What its headers say, by one walk. */
struct framing {
    unsigned lengths, encodings;
    bool chunked, bad_length;
    uint64_t length;
};

static void look_at_framing(void *ctx, const char *name, const char *value)
{
    struct framing *framing = ctx;
    if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        framing->lengths++;
        framing->bad_length = value[0] < '0' || value[0] > '9' ||
                              str_parse_u64(value, &framing->length) != 0;
    } else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        framing->encodings++;
        framing->chunked = strcasecmp(value, "chunked") == 0;
    }
}

static int refuse(struct http_post *post, unsigned status, enum http_refusal why, int code,
                  const char *message, const char *hint)
{
    post->refused = status;
    post->why = why;
    err_set(&post->err, code, "%s", message);
    err_hint(&post->err, "%s", hint);
    return code;
}

/* Where a body ends must be said in one way (RFC 9112, section 6.3, taken strictly). True: answered at once, for what
 * follows is not to be trusted. */
static bool framing_is_wrong(struct http_post *post, const struct http_head *head,
                             const struct framing *framing)
{
    if (head->size > HTTP_HEAD_BYTES_MAX) {
        refuse(post, 431, HTTP_REFUSED_FORM, BUSBAR_ELIMIT, "the request's head is over 8 KB", "");
    } else if (framing->lengths > 1 || framing->encodings > 1 || framing->bad_length ||
               (framing->lengths > 0 && framing->encodings > 0)) {
        refuse(post, 400, HTTP_REFUSED_FORM, BUSBAR_EINVAL,
               "the head says in two ways where the body ends",
               "send Content-Length, or Transfer-Encoding: chunked");
    } else if (framing->encodings > 0 && !framing->chunked) {
        refuse(post, 400, HTTP_REFUSED_FORM, BUSBAR_EUNSUPPORTED,
               "only Transfer-Encoding: chunked is known", "");
    } else if (framing->length > PAYLOAD_BODY_MAX) {
        refuse(post, 413, HTTP_REFUSED_FORM, BUSBAR_ELIMIT, "the message is over 1 MB",
               "send it in parts");
    } else {
        return false;
    }
    return true;
}

static bool encoding_is_known(const char *encoding)
{
    static const char *const known[] = { "", "identity", "gzip", "x-gzip", "deflate", "zstd" };
    for (size_t i = 0; encoding != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(encoding, known[i]) == 0) {
            return true;
        }
    }
    return encoding == NULL;
}

/* 0, or what the sender will be told. */
static int check_request(struct http_post *post, const struct http_head *head,
                         const struct framing *framing)
{
    const char *repeat = http_header(&post->http, "Idempotency-Key");
    if (strcmp(head->method, "POST") != 0 && strcmp(head->method, "PUT") != 0) {
        return refuse(post, 405, HTTP_REFUSED_FORM, BUSBAR_EUNSUPPORTED,
                      "messages are sent by POST or PUT", "POST /DEVICE");
    }
    if (framing->lengths == 0 && framing->encodings == 0) {
        return refuse(post, 411, HTTP_REFUSED_FORM, BUSBAR_EINVAL,
                      "the head does not say how long the body is", "send Content-Length");
    }
    if (!encoding_is_known(http_header(&post->http, MHD_HTTP_HEADER_CONTENT_ENCODING))) {
        return refuse(post, 415, HTTP_REFUSED_FORM, BUSBAR_EUNSUPPORTED,
                      "this Content-Encoding is not known", "gzip, deflate, zstd, or none");
    }
    if (repeat != NULL && (repeat[0] == '\0' || strlen(repeat) > HTTP_IDEMPOTENCY_MAX)) {
        return refuse(post, 400, HTTP_REFUSED_FORM, BUSBAR_ELIMIT,
                      "an Idempotency-Key has 1 to 64 characters", "a UUID, for instance");
    }
    if (http_target_parse(head->target, &post->target, &post->err) != 0) {
        post->refused = 400;
        post->why = HTTP_REFUSED_FORM;
        return post->err.code;
    }
    return 0;
}

static void first_part(const char *path, char *id, size_t size)
{
    str_format(id, size, "%.*s", (int)strcspn(path, "/"), path);
}

static void check_sender(struct http_post *post)
{
    char id[HTTP_ID_MAX + 1];
    struct http_state *state = post->state;
    const char *key = http_header(&post->http, "X-Api-Key");
    if (key == NULL) {
        key = http_bearer(http_header(&post->http, MHD_HTTP_HEADER_AUTHORIZATION));
    }
    bool in_query = key == NULL && post->target.key != NULL;
    first_part(post->target.path, id, sizeof(id));
    post->connector = http_connector_find(state, in_query ? post->target.key : key, in_query,
                                          http_certificate(&post->http), post->from, id,
                                          &post->err);
    if (post->connector == NULL) {
        bool address = post->err.code == BUSBAR_EPERM;
        post->refused = address ? 403 : 401;
        post->why = address ? HTTP_REFUSED_ADDRESS : HTTP_REFUSED_KEY;
    } else if (!http_connector_admits(post->connector, post->from, loop_now_us(state->loop),
                                      &post->wait_s)) {
        char hint[64];
        str_format(hint, sizeof(hint), "connector '%s' takes %u a second from one address",
                   post->connector->name, post->connector->config.rate);
        refuse(post, 429, HTTP_REFUSED_RATE, BUSBAR_EBUSY, "too many messages", hint);
    }
}

static void tell_feed(struct http_post *post)
{
    char source[FEED_SOURCE_MAX];
    const struct buf *body = &post->http.body;
    str_format(source, sizeof(source), "%s%s%s",
               post->connector != NULL ? post->connector->name : "",
               post->connector != NULL ? " " : "", post->from);
    feed_refuse(post->state->feed, source, post->target.path != NULL ? post->target.path : "",
                body->data, body->size, post->err.message);
}

static void say_refused(struct http_post *post)
{
    tell_feed(post);
    http_answer_error(post, post->refused, post->why, &post->err);
}

static void begin(struct http_request *http, const struct http_head *head)
{
    struct http_post *post = list_entry(http, struct http_post, http);
    struct framing framing = { 0 };
    post->state = http->http->ctx;
    post->target.path = "";
    str_copy(post->from, sizeof(post->from), head->from);
    http_headers(http, look_at_framing, &framing);
    if (framing_is_wrong(post, head, &framing)) {
        say_refused(post);
        return;
    }
    if (check_request(post, head, &framing) == 0) {
        check_sender(post);
    }
    if (post->refused != 0 && framing.length > HTTP_SMALL_BODY) {
        say_refused(post);
    }
}

/* ---- the message ---- */

/* What is said about it beside its body. */
struct gathered {
    struct payload_field fields[PAYLOAD_FIELDS_MAX];
    size_t count;
    char names[NAMES_BYTES]; /* of headers, in lower case */
    size_t names_used;
};

static void add_field(struct gathered *gathered, const char *where, const char *name,
                      const char *text)
{
    if (gathered->count < PAYLOAD_FIELDS_MAX) {
        gathered->fields[gathered->count++] = (struct payload_field){
            .where = where, .name = name, .text = text, .size = strlen(text)
        };
    }
}

static void add_header(void *ctx, const char *name, const char *value)
{
    struct gathered *gathered = ctx;
    size_t size = strlen(name) + 1;
    if (size > sizeof(gathered->names) - gathered->names_used ||
        strcasecmp(name, MHD_HTTP_HEADER_AUTHORIZATION) == 0 ||
        strcasecmp(name, "X-Api-Key") == 0) {
        return;
    }
    char *lower = gathered->names + gathered->names_used;
    gathered->names_used += size;
    for (size_t i = 0; i < size; i++) {
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    }
    add_field(gathered, "header", lower, value);
}

static void gather(struct http_post *post, struct gathered *gathered)
{
    const struct http_certificate *certificate = http_certificate(&post->http);
    gathered->count = 0;
    gathered->names_used = 0;
    add_field(gathered, "url", "", post->target.path);
    add_field(gathered, "source", "", post->from);
    if (certificate->trusted) {
        add_field(gathered, "certificate", "", certificate->name);
    }
    for (size_t i = 0; i < post->target.query_count; i++) {
        add_field(gathered, "query", post->target.queries[i].name, post->target.queries[i].text);
    }
    http_headers(&post->http, add_header, gathered);
}

static const char changing[] = "the configuration is being applied";

static void put_off(struct http_post *post, const char *why)
{
    struct err err = { 0 };
    err_set(&err, BUSBAR_EBUSY, "%s", why);
    err_hint(&err, "keep it and send it again");
    http_answer_error(post, 503, HTTP_REFUSED_BUSY, &err);
}

/* Whether a device may be about to come that a message tells by an id in it. */
static bool may_come(const struct http_state *state)
{
    return state->unsettled || state->left.in_messages > 0;
}

static void on_done(void *ctx, int error)
{
    struct http_post *post = ctx;
    struct err err;
    if (error == 0 && post->nobody && may_come(post->state)) {
        put_off(post, changing);
        return;
    }
    if (error == 0 && post->nobody) {
        err_set(&err, BUSBAR_ENOENT, "the message is of no device of connector '%s'",
                post->connector->name);
        err_hint(&err, "neither its address nor anything in it names one");
        http_answer_error(post, 404, HTTP_REFUSED_UNKNOWN, &err);
        return;
    }
    if (error == 0) {
        http_answer_done(post);
        return;
    }
    err_set(&err, error, "the message is not stored: %s", err_text(error));
    err_hint(&err, "keep it and send it again");
    http_answer_error(post, 503, HTTP_REFUSED_BUSY, &err);
}

static void unknown(struct http_post *post)
{
    char id[HTTP_ID_MAX + 1];
    first_part(post->target.path, id, sizeof(id));
    post->refused = 404;
    post->why = HTTP_REFUSED_UNKNOWN;
    if (id[0] == '\0') {
        err_set(&post->err, BUSBAR_ENOENT, "the address names no device");
        err_hint(&post->err, "POST /DEVICE");
    } else {
        err_set(&post->err, BUSBAR_ENOENT, "connector '%s' has no device '%s'",
                post->connector->name, id);
        err_hint(&post->err, "add it at the gateway: busbar device list, page Discover");
    }
    tell_feed(post);
    if (http_id_is_fine(id)) {
        http_found(post->state, post->connector, id, post->from);
    }
    http_answer_error(post, post->refused, post->why, &post->err);
}

/* The feed has said no. */
static void refused_by_feed(struct http_post *post, int error, const struct feed_verdict *verdict)
{
    str_copy(post->device_text, sizeof(post->device_text),
             verdict->device != NULL ? verdict->device : "");
    str_copy(post->point_text, sizeof(post->point_text),
             verdict->point != NULL ? verdict->point : "");
    post->err = verdict->err;
    post->err.code = error;
    switch (error) {
    case BUSBAR_EBUSY: put_off(post, verdict->err.message); return;
    case BUSBAR_ENOENT:
        if (may_come(post->state)) {
            put_off(post, changing);
            return;
        }
        http_answer_error(post, 404, HTTP_REFUSED_UNKNOWN, &post->err);
        return;
    case BUSBAR_ELIMIT: http_answer_error(post, 413, HTTP_REFUSED_CONTENT, &post->err); return;
    default: http_answer_error(post, 422, HTTP_REFUSED_CONTENT, &post->err);
    }
}

static void take(struct http_post *post)
{
    struct gathered gathered;
    struct feed_verdict verdict = { 0 };
    char source[FEED_SOURCE_MAX], id[HTTP_ID_MAX + 1], key[KEY_SIZE];
    struct http_connector *connector = post->connector;
    const char *repeat = http_header(&post->http, "Idempotency-Key");
    first_part(post->target.path, id, sizeof(id));
    const struct http_device *device = map_get(&connector->devices, id);
    if (device == NULL && (http_left_has(&post->state->left, id) ||
                           (connector->by_id_count == 0 && may_come(post->state)))) {
        put_off(post, changing);
        return;
    }
    if (device == NULL && connector->by_id_count == 0) {
        unknown(post);
        return;
    }
    gather(post, &gathered);
    str_format(source, sizeof(source), "%s%c%s", connector->name, device != NULL ? '/' : ' ',
               device != NULL ? id : post->from);
    struct feed_message message = {
        .payload = { .body = (const uint8_t *)buf_text(&post->http.body),
                     .size = post->http.body.size,
                     .fields = gathered.fields,
                     .field_count = gathered.count,
                     .encoding = http_header(&post->http, MHD_HTTP_HEADER_CONTENT_ENCODING),
                     .receive_us = clock_wall_us() },
        .source = source,
        .device = device != NULL ? device->dev : NULL,
        .whole = may_come(post->state),
    };
    if (repeat != NULL) {
        message.key = key;
        message.key_size = str_format(key, sizeof(key), "%s/%s/%s", connector->name, id, repeat);
    }
    connector->messages++;
    connector->last_us = message.payload.receive_us;
    int error = device != NULL
                    ? feed_take(post->state->feed, &device->route->feed, 1, &message, on_done, post,
                                &verdict)
                    : feed_take(post->state->feed, connector->by_id, connector->by_id_count,
                                &message, on_done, post, &verdict);
    if (error != 0) {
        refused_by_feed(post, error, &verdict);
        return;
    }
    post->nobody = device == NULL && verdict.devices == 0 && !verdict.repeated;
}

static void handle(struct http_request *http)
{
    struct http_post *post = list_entry(http, struct http_post, http);
    if (post->refused != 0) {
        say_refused(post);
    } else if (http->body_error == BUSBAR_ELIMIT) {
        refuse(post, 413, HTTP_REFUSED_FORM, BUSBAR_ELIMIT, "the message is over 1 MB",
               "send it in parts");
        say_refused(post);
    } else if (http->body_error != 0) {
        put_off(post, "too many messages at a time");
    } else {
        take(post);
    }
}

void http_posts_forget(struct http_state *state)
{
    list_each(at, &state->http.requests) {
        struct http_post *post = list_entry(list_entry(at, struct http_request, link),
                                            struct http_post, http);
        if (!post->http.started) {
            post->connector = NULL;
            refuse(post, 503, HTTP_REFUSED_BUSY, BUSBAR_EBUSY, changing, "send it again soon");
        }
    }
}

const struct http_ops http_post_ops = {
    .request_bytes = sizeof(struct http_post),
    .body_max = PAYLOAD_BODY_MAX,
    .bodies_max = HTTP_BODIES_MAX,
    .begin = begin,
    .handle = handle,
    .stopping = http_answer_stopping,
};
