/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/remote_write/options.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "sinks/sink.h"
#include "sinks/sinks.h"

enum { URL_TEXT_MAX = 2048, LIST_TEXT_MAX = 4096, PATH_TEXT_MAX = 1024, NAME_TEXT_MAX = 256 };
enum { ARENA_MAX = 64 << 10, TIMEOUT_S = 30 };

#define TEXT_ROW(key_, max_, help_)                                                  \
    {                                                                                \
        .key = (key_), .type = OPTION_TEXT, .min = 1, .max = (max_), .help = (help_) \
    }

const struct option remote_options[REMOTE_ROWS + 1] = {
    [REMOTE_URL] = TEXT_ROW("remote_write", URL_TEXT_MAX,
                            "URL that takes Prometheus' remote write, such as "
                            "https://metrics.example.org/api/v1/write"),
    [REMOTE_USER] = TEXT_ROW("user", NAME_TEXT_MAX, "login, with 'password'"),
    [REMOTE_PASSWORD] = { .key = "password",
                          .type = OPTION_SECRET,
                          .help = "its password: !secret NAME" },
    [REMOTE_TOKEN] = { .key = "token",
                       .type = OPTION_SECRET,
                       .help = "a bearer token, in place of user and password: !secret NAME" },
    [REMOTE_CA] = TEXT_ROW(
        "ca", PATH_TEXT_MAX,
        "PEM file of the authorities that are trusted, in place of the system's"),
    [REMOTE_CERTIFICATE] = TEXT_ROW("certificate", PATH_TEXT_MAX, "PEM file of our certificate"),
    [REMOTE_KEY] = TEXT_ROW("key", PATH_TEXT_MAX, "PEM file of its key"),
    [REMOTE_UNVERIFIED] = { .key = "unverified",
                            .type = OPTION_BOOL,
                            .fallback = "false",
                            .help = "true: whoever answers is believed, its certificate is not "
                                    "looked at" },
    [REMOTE_LABELS] = TEXT_ROW("labels", LIST_TEXT_MAX,
                               "labels for every series, such as 'site=hq, gateway=1'; those that "
                               "a series has itself stay"),
    [REMOTE_HEADERS] = TEXT_ROW("headers", LIST_TEXT_MAX,
                                "headers for every request, such as 'X-Scope-OrgID: plant'"),
    [REMOTE_ROWS] = { .key = NULL },
};

/* Headers that are ours to send. */
static const char *const own_headers[] = {
    "Content-Encoding: snappy", "Content-Type: application/x-protobuf",
    "X-Prometheus-Remote-Write-Version: 0.1.0",
    "Expect:", /* libcurl would wait a second for a "100 Continue" that few send */
};
enum { OWN_HEADERS = sizeof(own_headers) / sizeof(*own_headers) };
_Static_assert(OWN_HEADERS + 1 == REMOTE_HEADERS_OWN, "all are sent, and SINKS_LOG_HEADER");
static const char *const taken_headers[] = {
    "Content-Encoding", "Content-Type", "Content-Length",    "X-Prometheus-Remote-Write-Version",
    "Expect",           "Host",         "Transfer-Encoding", "Connection",
    SINKS_LOG_HEADER,
};

/* The next part of a list with ", " between, trimmed, in the arena. NULL: no more, or no memory. */
static char *next_part(const char **text, struct arena *arena)
{
    *text += strspn(*text, ", ");
    size_t size = strcspn(*text, ",");
    char *part = size > 0 ? arena_strndup(arena, *text, size) : NULL;
    *text += size;
    return part != NULL ? str_trim(part) : NULL;
}

/* ---- labels ---- */

static int bad_label(const char *part, const char *why, struct err *err)
{
    err_set(err, BUSBAR_EINVAL, "'%.60s' in 'labels' %s", part, why);
    return err_hint(err, "labels: \"site=hq, gateway=1\"");
}

static int put_label(char *part, struct label *label, struct err *err)
{
    char *equal = strchr(part, '=');
    if (equal == NULL) {
        return bad_label(part, "is no name=value", err);
    }
    *equal = '\0';
    *label = label_of(str_trim(part), str_trim(equal + 1));
    if (!label_is_plain_name(label->name, label->name_size) || str_starts(label->name, "__")) {
        return bad_label(label->name,
                         "is no name of a label: letters, digits and '_', not '__' in front", err);
    }
    if (label->value_size == 0 || label->value_size > LABEL_VALUE_BYTES_MAX ||
        !str_is_utf8(label->value, label->value_size)) {
        return bad_label(label->name, "has no value, or one that is no text", err);
    }
    return 0;
}

int remote_labels(const char *text, struct arena *arena, struct label labels[REMOTE_LABELS_MAX],
                  size_t *count, struct err *err)
{
    char *part;
    *count = 0;
    while (text != NULL && (part = next_part(&text, arena)) != NULL) {
        if (*count == REMOTE_LABELS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "more than %d 'labels'", (int)REMOTE_LABELS_MAX);
        }
        int error = put_label(part, &labels[(*count)++], err);
        if (error != 0) {
            return error;
        }
    }
    return labels_sort(labels, count, err);
}

/* ---- headers ---- */

static bool is_taken(const char *name)
{
    for (size_t i = 0; i < sizeof(taken_headers) / sizeof(*taken_headers); i++) {
        if (strcasecmp(name, taken_headers[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int check_header(char *part, struct err *err)
{
    char *colon = strchr(part, ':');
    size_t size = strcspn(part, ":");
    bool good = colon != NULL && size > 0 && colon[1] != '\0';
    for (size_t i = 0; good && part[i] != '\0'; i++) {
        unsigned char c = (unsigned char)part[i];
        good = i < size ? isalnum(c) || strchr("-_.!#$%&'*+^`|~", c) != NULL : c >= ' ' && c < 0x7f;
    }
    if (!good) {
        err_set(err, BUSBAR_EINVAL, "'%.60s' in 'headers' is no header", part);
        return err_hint(err, "headers: \"X-Scope-OrgID: plant\", more with ', ' between");
    }
    *colon = '\0';
    if (strcasecmp(part, "Authorization") == 0) {
        err_set(err, BUSBAR_EINVAL, "a login in 'headers' would be seen everywhere");
        return err_hint(err, "use 'token: !secret NAME', or 'user' and 'password: !secret NAME'");
    }
    if (is_taken(part)) {
        return err_set(err, BUSBAR_EINVAL, "the header '%s' is the protocol's own", part);
    }
    *colon = ':';
    return 0;
}

/* Those of the configuration; ends with NULL. */
static int put_headers(const char *text, struct arena *arena, const char **headers, struct err *err)
{
    size_t count = 0;
    char *part;
    while (text != NULL && (part = next_part(&text, arena)) != NULL) {
        if (count == REMOTE_HEADERS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "more than %d 'headers'", (int)REMOTE_HEADERS_MAX);
        }
        int error = check_header(part, err);
        if (error != 0) {
            return error;
        }
        headers[count++] = part;
    }
    headers[count] = NULL;
    return 0;
}

/* ---- the whole ---- */

static int wrong(const struct settings *settings, size_t row, const char *hint, struct err *err,
                 const char *words)
{
    return err_at(err, BUSBAR_ECONFIG, settings_at(settings, row), hint, "%s", words);
}

static int put_at(const struct settings *settings, size_t row, struct err *err)
{
    struct err found = *err;
    return err_at(err, BUSBAR_ECONFIG, settings_at(settings, row), found.hint, "%s", found.message);
}

static int check_url(const struct settings *settings, struct err *err)
{
    struct err found = { 0 };
    const char *url = settings_text(settings, REMOTE_URL);
    if (http_url_check(url, NULL, 0, &found) != 0) {
        if (strstr(found.hint, "secret") == NULL) {
            err_hint(&found, "https://metrics.example.org/api/v1/write");
        }
        *err = found;
        return put_at(settings, REMOTE_URL, err);
    }
    const char *host = strstr(url, "://");
    const char *path = host != NULL ? strpbrk(host + 3, "/?#") : NULL;
    if (path == NULL || path[0] != '/' || path[1] == '\0') {
        return wrong(settings, REMOTE_URL,
                     "Prometheus and VictoriaMetrics: /api/v1/write, Mimir: /api/v1/push, "
                     "Thanos: /api/v1/receive",
                     err, "the URL has no path behind the host");
    }
    return 0;
}

static int check_login(const struct settings *settings, struct err *err)
{
    bool user = settings_has(settings, REMOTE_USER);
    bool password = settings_has(settings, REMOTE_PASSWORD);
    bool https = strncasecmp(settings_text(settings, REMOTE_URL), "https:", 6) == 0;
    if (user != password) {
        return wrong(settings, user ? REMOTE_USER : REMOTE_PASSWORD,
                     "a bearer token is written with 'token'", err,
                     "'user' and 'password' belong together");
    }
    if (user && settings_has(settings, REMOTE_TOKEN)) {
        return wrong(settings, REMOTE_TOKEN, "leave one of them out", err,
                     "'token' and 'user' are two ways to log in");
    }
    if (settings_has(settings, REMOTE_KEY) && !settings_has(settings, REMOTE_CERTIFICATE)) {
        return wrong(settings, REMOTE_KEY, "add 'certificate'", err, "'key' without 'certificate'");
    }
    static const size_t tls[] = { REMOTE_CA, REMOTE_CERTIFICATE, REMOTE_UNVERIFIED };
    for (size_t i = 0; !https && i < sizeof(tls) / sizeof(*tls); i++) {
        if (settings_has(settings, tls[i])) {
            return wrong(settings, tls[i], "write https:// in the URL, or leave it out", err,
                         "TLS settings count for https only");
        }
    }
    return 0;
}

int remote_check(const struct settings *settings, struct err *err)
{
    struct err found = { 0 };
    struct label labels[REMOTE_LABELS_MAX];
    const char *headers[REMOTE_HEADERS_MAX + 1];
    struct arena arena;
    size_t count;
    int error = check_url(settings, &found);
    if (error == 0) {
        error = check_login(settings, &found);
    }
    arena_init(&arena, ARENA_MAX);
    if (error == 0 && (error = remote_labels(settings_text(settings, REMOTE_LABELS), &arena, labels,
                                             &count, &found)) != 0) {
        error = put_at(settings, REMOTE_LABELS, &found);
    }
    if (error == 0 && (error = put_headers(settings_text(settings, REMOTE_HEADERS), &arena, headers,
                                           &found)) != 0) {
        error = put_at(settings, REMOTE_HEADERS, &found);
    }
    arena_fini(&arena);
    if (error != 0 && err != NULL) {
        *err = found;
    }
    return error;
}

void remote_where(const struct settings *settings, char *text, size_t size)
{
    const char *url = settings_text(settings, REMOTE_URL);
    str_format(text, size, "%.*s", (int)strcspn(url, "?#"), url);
}

/* ---- a request ---- */

static int read_secret(struct remote_ask *ask, const struct sink_env *env,
                       const struct settings *settings, size_t row, const char **to,
                       struct err *err)
{
    const char *name = settings_text(settings, row);
    const char *secret = env->secret != NULL ? env->secret(env->secret_ctx, name) : NULL;
    if (secret == NULL) {
        err_at(err, BUSBAR_ECONFIG, settings_at(settings, row), NULL, "the secret '%s' is not set",
               name);
        return err_hint(err, "busbar secret set %s", name);
    }
    *to = arena_strdup(&ask->arena, secret);
    return *to != NULL ? 0 : err_set(err, BUSBAR_ENOMEM, "out of memory");
}

static int read_login(struct remote_ask *ask, const struct sink_env *env,
                      const struct settings *settings, struct err *err)
{
    if (settings_has(settings, REMOTE_TOKEN)) {
        ask->http.login = HTTP_LOGIN_BEARER;
        return read_secret(ask, env, settings, REMOTE_TOKEN, &ask->http.password, err);
    }
    if (settings_has(settings, REMOTE_USER)) {
        ask->http.login = HTTP_LOGIN_BASIC;
        ask->http.user = settings_text(settings, REMOTE_USER);
        return read_secret(ask, env, settings, REMOTE_PASSWORD, &ask->http.password, err);
    }
    return 0;
}

static int read_file(struct remote_ask *ask, const struct sink_env *env,
                     const struct settings *settings, size_t row, const char **to, struct err *err)
{
    char path[PATH_TEXT_MAX * 2];
    if (!settings_has(settings, row)) {
        return 0;
    }
    const char *name = settings_text(settings, row);
    if (!file_join(path, sizeof(path), env->files != NULL ? env->files : "", name) ||
        access(path, R_OK) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, row),
                      "file names begin where the configuration is",
                      "the file '%.100s' of '%s' cannot be read", name, remote_options[row].key);
    }
    *to = arena_strdup(&ask->arena, path);
    return *to != NULL ? 0 : err_set(err, BUSBAR_ENOMEM, "out of memory");
}

/* Ours, then those of the configuration. */
static int put_all_headers(struct remote_ask *ask, const char *log_id, const char *configured,
                           struct err *err)
{
    const char *log = arena_printf(&ask->arena, "%s: %s", SINKS_LOG_HEADER, log_id);
    if (log == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    memcpy(ask->headers, own_headers, sizeof(own_headers));
    ask->headers[OWN_HEADERS] = log;
    return put_headers(configured, &ask->arena, ask->headers + REMOTE_HEADERS_OWN, err);
}

int remote_ask_init(struct remote_ask *ask, const struct sink_env *env,
                    const struct settings *settings, struct err *err)
{
    *ask = (struct remote_ask){ 0 };
    arena_init(&ask->arena, ARENA_MAX);
    ask->http = (struct http_ask){
        .method = "POST",
        .url = settings_text(settings, REMOTE_URL),
        .headers = ask->headers,
        .answer_max = REMOTE_ANSWER_MAX,
        .timeout_us = env->timeout_us > 0 ? env->timeout_us : TIMEOUT_S * CLOCK_US_PER_S,
        .tls.unverified = settings_bool(settings, REMOTE_UNVERIFIED),
    };
    int error = http_url_check(ask->http.url, ask->host, sizeof(ask->host), err);
    const char *texts = settings_text(settings, REMOTE_HEADERS);
    if (error == 0) {
        error = put_all_headers(ask, env->log_id, texts, err);
    }
    if (error == 0) {
        error = read_login(ask, env, settings, err);
    }
    struct http_client_tls *tls = &ask->http.tls;
    if (error == 0) {
        error = read_file(ask, env, settings, REMOTE_CA, &tls->ca, err);
    }
    if (error == 0) {
        error = read_file(ask, env, settings, REMOTE_CERTIFICATE, &tls->certificate, err);
    }
    return error == 0 ? read_file(ask, env, settings, REMOTE_KEY, &tls->key, err) : error;
}

void remote_ask_fini(struct remote_ask *ask)
{
    if (ask->http.password != NULL) {
        explicit_bzero((char *)(uintptr_t)ask->http.password, strlen(ask->http.password));
    }
    arena_fini(&ask->arena);
    ask->http = (struct http_ask){ 0 };
}
