/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/progress.h"

enum { EVENT_MAX = 16 << 20, PATH_ROOM = 400 };

void client_default_socket(char *path, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (geteuid() == 0 || file_exists("/run/busbar/busbar.sock")) {
        str_copy(path, size, "/run/busbar/busbar.sock");
    } else if (runtime != NULL && runtime[0] == '/') {
        str_format(path, size, "%s/busbar/busbar.sock", runtime);
    } else {
        str_format(path, size, "/tmp/busbar-%u/busbar.sock", (unsigned)geteuid());
    }
}

void client_escape(struct buf *out, const char *text, bool keep_slash)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr(plain, *at) != NULL || (keep_slash && *at == '/')) {
            buf_append_byte(out, (uint8_t)*at);
        } else {
            buf_printf(out, "%%%02X", (unsigned)(uint8_t)*at);
        }
    }
}

static size_t gather(char *data, size_t size, size_t count, void *ctx)
{
    struct buf *body = ctx;
    return buf_append(body, data, size * count) == 0 ? size * count : 0;
}

/* A handle for one path on the server; NULL with err when the server's name is not understood. */
static CURL *make_handle(const struct cli *cli, const char *path, struct err *err)
{
    CURL *curl = curl_easy_init();
    char url[CLIENT_URL_MAX];
    if (curl == NULL) {
        err_set(err, BUSBAR_ENOMEM, "libcurl gives no handle");
        return NULL;
    }
    if (str_starts(cli->server, "unix:")) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, cli->server + strlen("unix:"));
        str_format(url, sizeof url, "http://localhost%s", path);
    } else if (str_starts(cli->server, "http://") || str_starts(cli->server, "https://")) {
        size_t size = strlen(cli->server);
        while (size > 0 && cli->server[size - 1] == '/') {
            size--;
        }
        str_format(url, sizeof url, "%.*s%s", (int)size, cli->server, path);
    } else {
        err_set(err, BUSBAR_EINVAL, "'%s' is not a server", cli->server);
        err_hint(err, "write --server unix:PATH or --server http://HOST:PORT");
        curl_easy_cleanup(curl);
        return NULL;
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "busbar/" BUSBAR_VERSION);
    return curl;
}

static int transport_error(const struct cli *cli, CURLcode code, struct err *err)
{
    if (code == CURLE_COULDNT_CONNECT) {
        err_set(err, BUSBAR_ENOTCONN, "no gateway answers at %s", cli->server);
        err_hint(err, "start one: busbar run --config PATH; or name it: --server http://HOST:PORT");
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        err_set(err, BUSBAR_ETIMEOUT, "the gateway at %s did not answer in time", cli->server);
        err_hint(err, "give it longer: --timeout 30s");
    } else {
        err_set(err, BUSBAR_EIO, "%s: %s", cli->server, curl_easy_strerror(code));
    }
    return err->code;
}

static int code_of(int status, const char *name)
{
    int code = err_code(name);
    if (code != 0) {
        return code;
    }
    return status == 404 ? BUSBAR_ENOENT : status == 504 ? BUSBAR_ETIMEOUT : BUSBAR_EIO;
}

/* {"status":"error","errorType":"bad_data","error":"text"}: the Prometheus API. False: it is no such answer. */
static bool prometheus_refusal(const struct client_reply *reply, struct err *err)
{
    static const struct {
        const char *type;
        int code;
    } types[] = { { "bad_data", BUSBAR_EINVAL },
                  { "timeout", BUSBAR_ETIMEOUT },
                  { "not_found", BUSBAR_ENOENT },
                  { "unavailable", BUSBAR_EBUSY } };
    const char *message = json_get_text(json_get(reply->root, "error"), NULL);
    const char *type = json_get_text(json_get(reply->root, "errorType"), NULL);
    int code = BUSBAR_EIO;
    if (message == NULL || type == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        code = strcmp(type, types[i].type) == 0 ? types[i].code : code;
    }
    err_set(err, code, "%s", message);
    return true;
}

/* The error of a reply that is not 2xx. */
static int refusal(const struct client_reply *reply, struct err *err)
{
    if (prometheus_refusal(reply, err)) {
        return err->code;
    }
    const struct json_value *error = json_get(reply->root, "error");
    const char *message = json_get_text(json_get(error, "message"), NULL);
    const char *name = json_get_text(json_get(error, "code"), NULL);
    const char *hint = json_get_text(json_get(error, "hint"), NULL);
    err_set(err, code_of(reply->status, name != NULL ? name : ""), "%s",
            message != NULL ? message : "the gateway refused the request");
    if (message == NULL) {
        str_format(err->message, sizeof err->message, "the gateway answered HTTP %d",
                   reply->status);
    }
    if (hint != NULL && hint[0] != '\0') {
        err_hint(err, "%s", hint);
    } else if (err->code == BUSBAR_ENOENT) {
        err_hint(err, "busbar device list and busbar point list show what there is");
    }
    return err->code;
}

/* libcurl calls it about once a second while it waits. */
static int waited(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                  curl_off_t up)
{
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    progress_at(ctx, 0, 0);
    return 0;
}

/* What is sent: a body with the header's line of its type, else GET or what `method` says. */
struct sent {
    const void *body;
    size_t size;
    const char *content_type;
    const char *method; /* NULL: GET or POST */
};

static int ask(const struct cli *cli, const char *path, const struct sent *sent,
               struct client_reply *reply, struct err *err)
{
    memset(reply, 0, sizeof *reply);
    buf_init(&reply->body, CLIENT_BODY_MAX);
    CURL *curl = make_handle(cli, path, err);
    if (curl == NULL) {
        return err->code;
    }
    struct curl_slist *headers = NULL;
    if (sent->body != NULL) {
        headers = curl_slist_append(NULL, sent->content_type);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sent->size);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent->body);
    }
    if (sent->method != NULL) {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, sent->method);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, gather);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply->body);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(cli->timeout_us / 1000));
    struct progress progress;
    progress_begin(&progress, cli);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, waited);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &progress);
    CURLcode code = curl_easy_perform(curl);
    progress_end(&progress);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK) {
        client_free(reply);
        return transport_error(cli, code, err);
    }
    reply->status = (int)status;
    struct json_limits limits = { .bytes_max = CLIENT_BODY_MAX };
    if (json_parse(buf_text(&reply->body), reply->body.size, &limits, &reply->doc, NULL) == 0) {
        reply->root = json_root(reply->doc);
    }
    bool fine = status / 100 == 2 || (status == 422 && json_get(reply->root, "problems") != NULL);
    if (!fine) {
        refusal(reply, err);
        client_free(reply);
        return err->code;
    }
    return 0;
}

int client_try(const struct cli *cli, const char *path, const char *body,
               struct client_reply *reply, struct err *err)
{
    struct sent sent = { .body = body,
                         .size = body != NULL ? strlen(body) : 0,
                         .content_type = "Content-Type: application/json" };
    return ask(cli, path, &sent, reply, err);
}

int client_form(const struct cli *cli, const char *path, const char *form,
                struct client_reply *reply, struct err *err)
{
    struct sent sent = { .body = form,
                         .size = strlen(form),
                         .content_type = "Content-Type: application/x-www-form-urlencoded" };
    return ask(cli, path, &sent, reply, err);
}

int client_send(const struct cli *cli, const char *path, const void *data, size_t size,
                struct client_reply *reply, struct err *err)
{
    struct sent sent = { .body = data,
                         .size = size,
                         .content_type = "Content-Type: application/octet-stream" };
    return ask(cli, path, &sent, reply, err);
}

int client_delete(const struct cli *cli, const char *path, struct client_reply *reply,
                  struct err *err)
{
    struct sent sent = { .method = "DELETE" };
    return ask(cli, path, &sent, reply, err);
}

int client_call(const struct cli *cli, const char *path, const char *body,
                struct client_reply *reply)
{
    struct err err = { 0 };
    return client_try(cli, path, body, reply, &err) == 0 ? 0 : cli_fail_err(&err);
}

void client_free(struct client_reply *reply)
{
    json_free(reply->doc);
    buf_fini(&reply->body);
    reply->doc = NULL;
    reply->root = NULL;
}

/* ---- long answers ---- */

struct fetching {
    CURL *curl;
    client_piece_cb cb;
    void *ctx;
    struct client_reply refused; /* the body of an answer that is not 2xx */
    bool ended;                  /* by cb */
};

static size_t take_piece(char *data, size_t size, size_t count, void *ctx)
{
    struct fetching *fetching = ctx;
    long status = 0;
    curl_easy_getinfo(fetching->curl, CURLINFO_RESPONSE_CODE, &status);
    fetching->refused.status = (int)status;
    if (status / 100 != 2) {
        return gather(data, size, count, &fetching->refused.body);
    }
    fetching->ended = !fetching->cb(fetching->ctx, data, size * count);
    return fetching->ended ? 0 : size * count;
}

int client_fetch(const struct cli *cli, const char *path, client_piece_cb cb, void *ctx)
{
    struct err err = { 0 };
    struct fetching fetching = { .cb = cb, .ctx = ctx };
    fetching.curl = make_handle(cli, path, &err);
    if (fetching.curl == NULL) {
        return cli_fail_err(&err);
    }
    buf_init(&fetching.refused.body, CLIENT_BODY_MAX);
    curl_easy_setopt(fetching.curl, CURLOPT_WRITEFUNCTION, take_piece);
    curl_easy_setopt(fetching.curl, CURLOPT_WRITEDATA, &fetching);
    curl_easy_setopt(fetching.curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(cli->timeout_us / 1000));
    CURLcode code = curl_easy_perform(fetching.curl);
    curl_easy_cleanup(fetching.curl);
    struct client_reply *refused = &fetching.refused;
    if (code == CURLE_OK && refused->status / 100 != 2 && refused->status != 0) {
        struct json_limits limits = { .bytes_max = CLIENT_BODY_MAX };
        if (json_parse(buf_text(&refused->body), refused->body.size, &limits, &refused->doc,
                       NULL) == 0) {
            refused->root = json_root(refused->doc);
        }
        refusal(refused, &err);
    } else if (code != CURLE_OK && !fetching.ended) {
        transport_error(cli, code, &err);
    }
    client_free(refused);
    return err.code != 0 ? cli_fail_err(&err) : fetching.ended ? CLI_FAILED : 0;
}

/* ---- server-sent events ---- */

struct event_reader {
    struct buf line, data;
    char event[64];
    client_event_cb cb;
    void *ctx;
    bool ended; /* by cb */
};

/* One line of the stream (HTML Living Standard, section 9.2.6). False: cb has enough. */
static bool take_line(struct event_reader *reader)
{
    const char *line = buf_text(&reader->line);
    bool more = true;
    if (line[0] == '\0') {
        if (reader->data.size > 0) {
            more = reader->cb(reader->ctx, reader->event, buf_text(&reader->data),
                              reader->data.size);
        }
        buf_clear(&reader->data);
        str_copy(reader->event, sizeof reader->event, "message");
    } else if (str_starts(line, "event:")) {
        str_copy(reader->event, sizeof reader->event, line + 6 + (line[6] == ' ' ? 1 : 0));
    } else if (str_starts(line, "data:")) {
        buf_append_text(&reader->data, line + 5 + (line[5] == ' ' ? 1 : 0));
    }
    buf_clear(&reader->line);
    return more;
}

static size_t take_events(char *data, size_t size, size_t count, void *ctx)
{
    struct event_reader *reader = ctx;
    size_t total = size * count;
    for (size_t i = 0; i < total; i++) {
        if (data[i] == '\n') {
            if (!take_line(reader)) {
                reader->ended = true;
                return 0;
            }
        } else if (data[i] != '\r') {
            buf_append_byte(&reader->line, (uint8_t)data[i]);
        }
    }
    return reader->line.overflow || reader->data.overflow ? 0 : total;
}

int client_stream(const struct cli *cli, const char *path, client_event_cb cb, void *ctx)
{
    struct err err = { 0 };
    CURL *curl = make_handle(cli, path, &err);
    if (curl == NULL) {
        return cli_fail_err(&err);
    }
    struct event_reader reader = { .cb = cb, .ctx = ctx, .event = "message" };
    buf_init(&reader.line, EVENT_MAX);
    buf_init(&reader.data, EVENT_MAX);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_events);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reader);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(cli->timeout_us / 1000));
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    buf_fini(&reader.line);
    buf_fini(&reader.data);
    if (reader.ended) {
        return CLI_DONE;
    }
    if (code == CURLE_OK) {
        return cli_fail(CLI_FAILED, NULL, "the gateway ended the stream");
    }
    transport_error(cli, code, &err);
    return cli_fail_err(&err);
}
