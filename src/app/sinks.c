/* SPDX-License-Identifier: Apache-2.0 */
#include "app/sinks.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "history/archive.h"
#include "sinks/catalog.h"

enum { SOURCE_MAX = SINK_NAME_MAX + 16 };

static const char *find_secret(void *ctx, const char *name)
{
    const struct gateway *gw = ctx;
    return gw->secrets != NULL ? secrets_get(gw->secrets, name) : NULL;
}

/* What a person should hear of goes the way of all events: through the log into the journal. */
static void tell(void *ctx, const char *sink, const char *kind, uint8_t severity, const char *text)
{
    struct gateway *gw = ctx;
    char source[SOURCE_MAX];
    int64_t now_us = clock_wall_us();
    str_format(source, sizeof source, "sinks/%s", sink);
    struct event event = { .time_us = now_us,
                           .receive_us = now_us,
                           .source = source,
                           .kind = kind,
                           .text = text,
                           .severity = severity };
    if (bus_publish_event(gw->bus, &event, NULL, NULL) !=
        0) { /* the log is full: it is told there */
        busbar_log(LOG_LEVEL_WARN, "sinks", NULL, "%s: %s", sink, text);
    }
}

void gateway_sinks_new(struct gateway *gw)
{
    gw->sinks = sinks_new(&(struct sinks_config){ .loop = gw->loop,
                                                  .history = gw->history,
                                                  .state = gw->state,
                                                  .registry = gw->registry,
                                                  .catalog = sinks_catalog(),
                                                  .site = gw->site_id,
                                                  .site_title = gw->site_name,
                                                  .folder = gw->data_folder,
                                                  .files = gw->config_folder,
                                                  .secret = find_secret,
                                                  .event = tell,
                                                  .ctx = gw });
}

/* Queries that run go on with the one before. */
static void set_archive(struct gateway *gw, const struct config *config)
{
    const char *name = config->history.archive;
    history_set_archive(gw->history, name[0] != '\0' ? sinks_archive(gw->sinks, name) : NULL);
}

int gateway_sinks_open(struct gateway *gw, const struct config *config, struct err *err)
{
    int error = sinks_apply(gw->sinks, config, err);
    set_archive(gw, config);
    history_sinks_opened(gw->history);
    return error;
}

void gateway_sinks_start(struct gateway *gw)
{
    if (!gw->stopping) {
        sinks_start(gw->sinks);
    }
}

void gateway_sinks_apply(struct gateway *gw, const struct config *config)
{
    struct err err = { 0 };
    if (sinks_apply(gw->sinks, config, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "sinks", NULL, "%s", err.message);
    }
    sinks_changed(gw->sinks);
    set_archive(gw, config);
}
