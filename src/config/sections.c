/* SPDX-License-Identifier: Apache-2.0 */
/* The sections that a configuration has once: site, defaults, server, history. */
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "config/load.h"
#include "net/address.h"

#define DAY_US  (INT64_C(24) * 3600 * CLOCK_US_PER_S)
#define YEAR_US (365 * DAY_US)

#define HTTP_PORT_DEFAULT   8080
#define HISTORY_KEEP_US     (2 * YEAR_US)
#define HISTORY_BYTES       (UINT64_C(20) * 1000 * 1000 * 1000)
#define HISTORY_COMMIT_US   (10 * CLOCK_US_PER_MS)
#define HISTORY_BYTES_LEAST (UINT64_C(16) * 1000 * 1000)

static const char *const forever[] = { "forever", NULL };

enum { COMMON_EVERY, COMMON_STALE, COMMON_KEEP, COMMON_TIMEOUT, COMMON_RETRIES, COMMON_IN_FLIGHT };

const struct option common_options[COMMON_ROWS + 1] = {
    [COMMON_EVERY] = { .key = "every",
                       .type = OPTION_DURATION,
                       .min = CLOCK_US_PER_MS,
                       .max = 30 * DAY_US,
                       .help = "how often a point is read, such as 10s" },
    [COMMON_STALE] = { .key = "stale_after",
                       .type = OPTION_DURATION,
                       .min = CLOCK_US_PER_MS,
                       .max = YEAR_US,
                       .help = "how old a value may get, such as 1m" },
    [COMMON_KEEP] = { .key = "history",
                      .type = OPTION_DURATION,
                      .min = CLOCK_US_PER_S,
                      .max = 100 * YEAR_US,
                      .choices = forever,
                      .help = "how long values are kept, such as 2y or forever" },
    [COMMON_TIMEOUT] = { .key = "timeout",
                         .type = OPTION_DURATION,
                         .min = 10 * CLOCK_US_PER_MS,
                         .max = 600 * CLOCK_US_PER_S,
                         .help = "how long one poll may take, such as 5s" },
    [COMMON_RETRIES] = { .key = "retries",
                         .type = OPTION_INT,
                         .max = 20,
                         .help = "tries before a poll counts as failed" },
    [COMMON_IN_FLIGHT] = { .key = "in_flight",
                           .type = OPTION_INT,
                           .min = 1,
                           .max = 64,
                           .help = "polls of one device open at the same time" },
};

void common_init(struct common *common)
{
    *common = (struct common){
        .every_us = COMMON_UNSET,
        .stale_after_us = COMMON_UNSET,
        .keep_us = COMMON_UNSET,
        .timeout_us = COMMON_UNSET,
        .retries = COMMON_UNSET,
        .in_flight = COMMON_UNSET,
    };
}

void common_take(struct common *common, const struct setting *set, size_t count)
{
    int64_t *const slots[COMMON_ROWS] = {
        [COMMON_EVERY] = &common->every_us,  [COMMON_STALE] = &common->stale_after_us,
        [COMMON_KEEP] = &common->keep_us,    [COMMON_TIMEOUT] = &common->timeout_us,
        [COMMON_RETRIES] = &common->retries, [COMMON_IN_FLIGHT] = &common->in_flight,
    };
    for (size_t i = 0; i < count; i++) {
        if (set[i].option < COMMON_ROWS) {
            *slots[set[i].option] = set[i].value.i;
        }
    }
}

int64_t common_pick(int64_t own, int64_t profile, int64_t defaults, int64_t fallback)
{
    if (own != COMMON_UNSET) {
        return own;
    }
    if (profile != COMMON_UNSET) {
        return profile;
    }
    return defaults != COMMON_UNSET ? defaults : fallback;
}

void load_defaults(struct load *load, uint16_t file, const struct yaml_node *node)
{
    struct setting set[COMMON_ROWS];
    size_t count = load_section(load, file, node, common_options, "in 'defaults'", set);
    common_take(&load->defaults, set, count);
}

enum { SITE_ID, SITE_NAME, SITE_TIMEZONE, SITE_ROWS };
static const struct option site_options[] = {
    [SITE_ID] = { .key = "id", .type = OPTION_TEXT, .min = 1, .max = 64 },
    [SITE_NAME] = { .key = "name", .type = OPTION_TEXT, .min = 0, .max = 200 },
    [SITE_TIMEZONE] = { .key = "timezone", .type = OPTION_TEXT, .min = 1, .max = 64 },
    [SITE_ROWS] = { .key = NULL },
};

static void check_timezone(struct load *load, const char *zone, struct position at)
{
    char path[256];
    bool plain = zone[0] != '/' && strstr(zone, "..") == NULL;
    str_format(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
    struct stat info;
    bool known = stat(path, &info) == 0 && S_ISREG(info.st_mode);
    if (!plain || (!known && file_is_folder("/usr/share/zoneinfo"))) {
        problems_error(load->problems, at,
                       "names are as in /usr/share/zoneinfo: Europe/Prague, UTC",
                       "this machine does not know the time zone '%s'", zone);
    }
}

void load_site(struct load *load, uint16_t file, const struct yaml_node *node)
{
    struct setting set[SITE_ROWS];
    size_t count = load_section(load, file, node, site_options, "in 'site'", set);
    for (size_t i = 0; i < count; i++) {
        switch (set[i].option) {
        case SITE_ID:
            if (load_name(load, "site", set[i].value.text, set[i].at)) {
                load->config->site.id = set[i].value.text;
            }
            break;
        case SITE_NAME: load->config->site.name = set[i].value.text; break;
        default:
            check_timezone(load, set[i].value.text, set[i].at);
            load->config->site.timezone = set[i].value.text;
            break;
        }
    }
}

enum { SERVER_HTTP, SERVER_SOCKET, SERVER_INSECURE, SERVER_ROWS };
static const char *const insecure_words[] = { "allow", NULL };
static const struct option server_options[] = {
    [SERVER_HTTP] = { .key = "http",
                      .type = OPTION_TEXT,
                      .min = 1,
                      .max = 260,
                      .help = "127.0.0.1:8080, a port, or off" },
    [SERVER_SOCKET] = { .key = "socket",
                        .type = OPTION_TEXT,
                        .min = 1,
                        .max = 100,
                        .help = "path of the socket for the command line" },
    [SERVER_INSECURE] = { .key = "insecure",
                          .type = OPTION_CHOICE,
                          .choices = insecure_words,
                          .help = "allow: listen beyond loopback with no TLS and no login" },
    [SERVER_ROWS] = { .key = NULL },
};

/* "off", "8080" or "127.0.0.1:8080". */
static void take_http(struct load *load, const char *text, struct position at)
{
    struct config_server *server = &load->config->server;
    server->at = at;
    uint64_t port;
    if (strcmp(text, "off") == 0) {
        server->http_port = 0;
        return;
    }
    if (str_parse_u64(text, &port) == 0 && port > 0 && port <= 65535) {
        server->http_port = (uint16_t)port;
        return;
    }
    struct address address;
    struct err err = { 0 };
    if (address_parse(text, HTTP_PORT_DEFAULT, &address, &err) != 0) {
        if (err.hint[0] == '\0') {
            err_hint(&err, "write 127.0.0.1:8080, a port, or off");
        }
        problems_err(load->problems, &err, at);
        return;
    }
    const char *host = load_text(load, address.host);
    if (host != NULL) {
        server->http_host = host;
        server->http_port = address.port;
    }
}

void load_server(struct load *load, uint16_t file, const struct yaml_node *node)
{
    struct setting set[SERVER_ROWS];
    struct config_server *server = &load->config->server;
    size_t count = load_section(load, file, node, server_options, "in 'server'", set);
    for (size_t i = 0; i < count; i++) {
        switch (set[i].option) {
        case SERVER_HTTP: take_http(load, set[i].value.text, set[i].at); break;
        case SERVER_SOCKET: server->socket = set[i].value.text; break;
        default: server->insecure = true; break;
        }
    }
    if (!address_is_loopback(server->http_host) && !server->insecure && server->http_port != 0) {
        problems_error(load->problems, server->at,
                       "use 127.0.0.1 and an SSH tunnel, or add 'insecure: allow' to accept it",
                       "'%s' is open to the network without TLS and login", server->http_host);
    }
}

enum { HISTORY_KEEP, HISTORY_BYTES_ROW, HISTORY_COMMIT, HISTORY_ROWS };
static const struct option history_options[] = {
    [HISTORY_KEEP] = { .key = "keep",
                       .type = OPTION_DURATION,
                       .min = 3600 * CLOCK_US_PER_S,
                       .max = 100 * YEAR_US,
                       .choices = forever,
                       .help = "how long values are kept, such as 2y or forever" },
    [HISTORY_BYTES_ROW] = { .key = "max_bytes",
                            .type = OPTION_TEXT,
                            .help = "disk space for values, such as 20GB" },
    [HISTORY_COMMIT] = { .key = "commit",
                         .type = OPTION_DURATION,
                         .max = 10 * CLOCK_US_PER_S,
                         .help = "how long values wait for a common disk write, such as 10ms" },
    [HISTORY_ROWS] = { .key = NULL },
};

void load_history(struct load *load, uint16_t file, const struct yaml_node *node)
{
    struct setting set[HISTORY_ROWS];
    struct config_history *history = &load->config->history;
    size_t count = load_section(load, file, node, history_options, "in 'history'", set);
    for (size_t i = 0; i < count; i++) {
        switch (set[i].option) {
        case HISTORY_KEEP: history->keep_us = set[i].value.i; break;
        case HISTORY_COMMIT: history->commit_us = set[i].value.i; break;
        default:
            if (str_parse_bytes(set[i].value.text, &history->max_bytes) != 0 ||
                history->max_bytes < HISTORY_BYTES_LEAST) {
                problems_error(
                    load->problems, set[i].at, NULL,
                    "'max_bytes' wants a size of at least 16MB, such as 20GB, not '%.60s'",
                    set[i].value.text);
            }
            break;
        }
    }
}
