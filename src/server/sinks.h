/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about sinks share: their shape in JSON, what is wrong with one in words, and how it went lately. */
#ifndef BUSBAR_SERVER_SINKS_H
#define BUSBAR_SERVER_SINKS_H

#include "server/core.h"
#include "sinks/sinks.h"

enum { SINKS_RECENT = 180, SINKS_RECENT_STEP_S = 5 };

/* Embedded in struct server_sinks; of one sink, a ring. */
struct sinks_recent {
    char name[SINK_NAME_MAX + 1];
    size_t next, count; /* the next is written there */
    int64_t last_us;    /* wall clock of the newest */
    struct {
        float lag_s, samples_per_s;
        uint64_t waiting;
    } rows[SINKS_RECENT];
};

struct server_sinks *server_sinks_new(struct server *server);
void server_sinks_free(struct server_sinks *view);

/* Routes that do something, with their tasks (sink_runs.c). */
struct sink_runs *sink_runs_new(struct server *server);
void sink_runs_free(struct sink_runs *runs);
void server_sink_aside_routes(struct server *server);

/* The sink that a path's {sink} names; false: answered. */
bool server_sink_of(struct server_request *req, struct sink_status *status);
/* There is no such sink: names those there are. sinks NULL: there are none. */
void server_no_sink(struct server_request *req, struct sinks *sinks, const char *name);

/* How much of the quota is left for what waits. */
struct sink_room {
    uint64_t left_bytes;
    int64_t left_us; /* at today's rate, or until its age is reached; -1: for ever */
    double used;     /* 0..1, of size or age, whichever is nearer to its end */
};
void sink_room(const struct server *server, const struct sink_status *status,
               struct sink_room *room);

/* What a person should do something about. */
struct sink_trouble {
    char what[SINK_NAME_MAX + 64];
    char why[ERR_MESSAGE_MAX + 64];
    char hint[ERR_HINT_MAX];
};
/* False: all is well. */
bool sink_trouble(const struct server *server, const struct sink_status *status,
                  struct sink_trouble *trouble);

/* "sinks": the names of those that publish a point. */
void server_put_sinks_of(const struct server *server, struct json_writer *json, const char *path);

/* {"name", "phase" ...} of all, for GET /api/v1/status. */
void server_put_sinks(const struct server *server, struct json_writer *json);

/* Their figures, for GET /metrics. */
void server_sinks_metrics(const struct server *server, struct buf *out);

#endif
