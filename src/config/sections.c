/* SPDX-License-Identifier: Apache-2.0 */
/* The sections that a configuration has once: site, defaults, server (history: history_section.c). */
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "config/load.h"
#include "net/address.h"

#define DAY_US  (INT64_C(24) * 3600 * CLOCK_US_PER_S)
#define YEAR_US (365 * DAY_US)

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

enum { SERVER_HTTP, SERVER_SERIES, SERVER_SOCKET, SERVER_INSECURE, SERVER_ROWS };
static const char *const insecure_words[] = { "allow", NULL };
static const struct option server_options[] = {
    [SERVER_HTTP] = { .key = "http",
                      .type = OPTION_TEXT,
                      .min = 1,
                      .max = 260,
                      .help = "127.0.0.1:8080, a port, or off" },
    [SERVER_SERIES] = { .key = "time_series",
                        .type = OPTION_TEXT,
                        .min = 1,
                        .max = 260,
                        .help = "127.0.0.1:9090, a port, or off" },
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
static void take_place(struct load *load, const struct setting *set, uint16_t fallback,
                       struct config_place *place)
{
    const char *text = set->value.text;
    uint64_t port;
    place->at = set->at;
    if (strcmp(text, "off") == 0) {
        place->port = 0;
        return;
    }
    if (str_parse_u64(text, &port) == 0 && port > 0 && port <= 65535) {
        place->port = (uint16_t)port;
        return;
    }
    struct address address;
    struct err err = { 0 };
    if (address_parse(text, fallback, &address, &err) != 0) {
        if (err.hint[0] == '\0') {
            err_hint(&err, "write 127.0.0.1:%u, a port, or off", fallback);
        }
        problems_err(load->problems, &err, set->at);
        return;
    }
    const char *host = load_text(load, address.host);
    if (host != NULL) {
        place->host = host;
        place->port = address.port;
    }
}

static void check_open(struct load *load, const struct config_place *place)
{
    const struct config_server *server = &load->config->server;
    if (place->port != 0 && !server->insecure && !address_is_loopback(place->host)) {
        problems_error(load->problems, place->at,
                       "use 127.0.0.1 and an SSH tunnel, or add 'insecure: allow' to accept it",
                       "'%s' is open to the network without TLS and login", place->host);
    }
}

/* Two names of one machine can be one address; the same port at both is never meant. */
static void check_ports(struct load *load)
{
    const struct config_server *server = &load->config->server;
    const struct config_place *later = server->series.at.line != 0 ? &server->series
                                                                   : &server->http;
    if (server->http.port != 0 && server->http.port == server->series.port) {
        problems_error(load->problems, later->at, "give 'http' and 'time_series' a port each",
                       "port %u is asked for twice: by the page and by the time series",
                       server->http.port);
    }
}

void load_server(struct load *load, uint16_t file, const struct yaml_node *node)
{
    struct setting set[SERVER_ROWS];
    struct config_server *server = &load->config->server;
    size_t count = load_section(load, file, node, server_options, "in 'server'", set);
    for (size_t i = 0; i < count; i++) {
        switch (set[i].option) {
        case SERVER_HTTP: take_place(load, &set[i], CONFIG_HTTP_PORT, &server->http); break;
        case SERVER_SERIES: take_place(load, &set[i], CONFIG_SERIES_PORT, &server->series); break;
        case SERVER_SOCKET: server->socket = set[i].value.text; break;
        default: server->insecure = true; break;
        }
    }
    check_open(load, &server->http);
    check_open(load, &server->series);
    check_ports(load);
}
