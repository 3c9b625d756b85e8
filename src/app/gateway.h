/* SPDX-License-Identifier: Apache-2.0 */
/* The running gateway: every module and how they hang together. Private to app/. Loop thread only, but what a job
 * gets as a copy. */
#ifndef BUSBAR_APP_GATEWAY_H
#define BUSBAR_APP_GATEWAY_H

#include "app/app.h"
#include "app/protocols.h"
#include "base/map.h"
#include "driver/host.h"
#include "driver/keyring.h"
#include "driver/trust.h"
#include "history/history.h"
#include "net/timer.h"
#include "server/server.h"
#include "sinks/sinks.h"
#include "state/state.h"

enum { GATEWAY_PATH_MAX = 1024, GATEWAY_PROBLEMS_MAX = 8 };

/* What the upkeep job finds out every few seconds, off the loop. */
struct gateway_upkeep {
    bool running;
    uint64_t disk_free_bytes, disk_total_bytes;
    uint64_t files_now;    /* signature of the configuration files on disk */
    uint64_t files_loaded; /* the same when they were last applied */
    struct history_status history;
    uint64_t trust_generation;
};

/* A file of the running configuration. */
struct gateway_file {
    char name[256];
    uint64_t bytes;
    uint32_t crc;
};

/* Where one kind of server listens. */
struct gateway_place {
    char host[256];
    uint16_t port; /* 0: off */
};

struct gateway {
    const struct app_options *options;
    char config_path[GATEWAY_PATH_MAX];
    char config_folder[GATEWAY_PATH_MAX]; /* that it is in, or is */
    char data_folder[GATEWAY_PATH_MAX];
    int lock_fd;
    int64_t started_us;

    struct protocols protocols;
    struct loop *loop;
    struct state *state;
    struct history *history;
    struct registry *registry;
    struct bus *bus;
    struct host *host;
    struct trust *trust;        /* certificates */
    struct keyring *keyring;    /* keys of connectors */
    struct holds_keeper *holds; /* NULL: nothing was held yet */
    uint32_t strangers;         /* devices made for one look: they are numbered */
    struct server *server;
    struct sinks *sinks;    /* where samples are published; NULL: not open yet */
    struct events *events;  /* the journal's job */
    int64_t events_keep_us; /* -1: for ever */

    char site_id[128], site_name[256], site_timezone[64];
    struct gateway_place places[SERVER_KINDS]; /* as running */
    bool insecure;                             /* these may be beyond loopback */
    char socket_path[GATEWAY_PATH_MAX];        /* "" = none */

    uint32_t version;   /* of the running configuration */
    int64_t applied_us; /* wall clock */
    char applied_by[64];
    struct gateway_file *files;
    size_t file_count;
    struct apply *apply; /* in progress, first in line; or NULL */
    bool labeling;       /* a job gives points their labels; an apply waits for it */
    bool stop_waits;     /* for an apply or the labels */
    struct map64
        received; /* series id -> count of points that were removed, so that the ledger still balances */

    struct timer upkeep_timer;
    struct gateway_upkeep upkeep;
    struct history_recovery recovery;
    struct server_problem problems[GATEWAY_PROBLEMS_MAX];
    char problem_texts[GATEWAY_PROBLEMS_MAX][384];

    struct secrets *secrets; /* as of the last apply; for drivers */
    bool stopping;
};

/* The error and its hint on stderr; returns the exit code of a failure. */
int gateway_say(const struct err *err);

/* Opens all but the server's addresses. Says why on stderr; an exit code of the command line. */
int gateway_open(struct gateway *gw, const struct app_options *options);
/* Reverse; fine after a failed open. */
void gateway_close(struct gateway *gw);
/* Stops polling, commits, ends the loop. */
void gateway_stop(struct gateway *gw);
/* An apply is over: goes on with the next in line, or with a stop that waited. */
void gateway_apply_ended(struct gateway *gw);

/* Signature of the configuration's files: names, sizes, times of change. */
uint64_t gateway_files_signature(const char *config_path);

void gateway_upkeep_start(struct gateway *gw);
void gateway_facts(void *ctx, struct server_facts *facts);

#endif
