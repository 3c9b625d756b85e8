/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: a folder of *.yaml (sorted) and the CSV files they name, or one file, read and
 * checked as a whole. Every mistake is reported at once; with one error there is no configuration.
 *
 *   config_load -> struct config -> config_make_device for each device that is new or changed
 *               -> config_free: it is transient, the running gateway keeps none of it
 *
 * No sockets, no threads of its own; call it on any one thread. Protocols are known only by the
 * option tables and the two pure calls of struct config_protocol. */
#ifndef BUSBAR_CONFIG_CONFIG_H
#define BUSBAR_CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/json.h"
#include "config/option.h"
#include "config/problems.h"
#include "config/secrets.h"
#include "config/setup.h"
#include "model/registry.h"

enum {
    CONFIG_FILES_MAX = 1000, /* *.yaml and CSV together */
    CONFIG_DEPTH_MAX = 16,   /* nesting of YAML */
    CONFIG_DEVICES_MAX = 250000,
    CONFIG_LABELS_MAX = 64,    /* of one device or point */
    CONFIG_OPTIONS_MAX = 64,   /* rows in one protocol table */
    CONFIG_ADDRESS_MAX = 4096, /* address_bytes of a protocol */
    CONFIG_POLICIES_MAX = 64,
    CONFIG_COMMANDS_MAX = 256, /* of one device */
    CONFIG_PRESETS_MAX = 64,   /* of one command */
    CONFIG_EVENTS_MAX = 256,   /* of one device */
    CONFIG_POLICY_NAME_MAX = 63,
    CONFIG_SINKS_MAX = 16,
    CONFIG_HTTP_PORT = 8080,
    CONFIG_SERIES_PORT = 9090,
};
#define CONFIG_YAML_BYTES_MAX (64u << 20) /* one file */
#define CONFIG_CSV_BYTES_MAX  (1u << 30)  /* one file; read as a stream */

/* What config needs of a driver; the app makes it from struct driver_ops. */
struct config_protocol {
    const char *name;                    /* the key in a device: "modbus" */
    const struct option *device_options; /* end with key NULL */
    const struct option *point_options;
    size_t address_bytes;
    const struct option *setup_options; /* NULL: no section `drivers: NAME` */
    const char *parts_key;              /* NULL: no parts */
    const struct option *part_options;
    int (*check_setup)(const struct setup *setup, struct err *err); /* may be NULL */
    int (*prepare)(const struct setup *setup, const struct prepare *how, struct prepared **out,
                   struct err *err); /* may be NULL */
    int (*check)(const struct setup *setup, const struct settings *device,
                 struct err *err); /* may be NULL */
    int (*resolve)(const struct setup *setup, const struct settings *device,
                   const struct settings *point, void *address, struct point_facts *facts,
                   struct err *err);
    const struct option *command_options; /* NULL: its commands can only write values */
    int (*check_command)(const struct settings *device, const struct settings *command,
                         struct err *err); /* may be NULL */
    const struct option *event_options;    /* NULL: no `events:` */
    int (*check_event)(const struct setup *setup, const struct settings *device,
                       const struct settings *event, struct err *err); /* may be NULL */
    bool parts_on_top; /* parts_key is also a key at the top of a file */
};

/* What config needs of a kind of sink; the app makes it from struct sink_ops. */
struct config_sink_kind {
    const char *name;             /* the key of the sink's address: "postgres" */
    const struct option *options; /* the first row is that key; ends with key NULL */
    bool events;                  /* takes events */
    bool archives;                /* can be named by `history.archive` */
};

struct config_env {
    const struct config_protocol *protocols;
    size_t protocol_count;
    const struct config_sink_kind *sink_kinds; /* NULL: none are known */
    size_t sink_kind_count;
    /* What the rows of a sink cannot say; may be NULL. common: by config_sink_options. */
    int (*check_sink)(const struct config_sink_kind *kind, const struct settings *own,
                      const struct settings *common, struct err *err);
    const struct secrets *secrets; /* NULL: `!secret` names are not looked up */
    /* The setup of a driver where the files have no section for it, for texts that are a part of a
     * configuration only; NULL: an empty one. */
    const struct setup *(*setup)(void *ctx, const char *protocol);
    void *setup_ctx;
    /* Where files that a section names are, when that is not where the configuration is (a kept version of
     * it); NULL: it is. */
    const char *files;
    /* What a driver has made of its files for this configuration as it is running (the files may have changed
     * since); NULL: it is made of the files. What the call gives is held. */
    struct prepared *(*prepared)(void *ctx, const char *protocol);
    void *prepared_ctx;
    const char
        *cache; /* a folder for what drivers make of such files; NULL: it is made each time */
};

struct config_site {
    const char *id, *name, *timezone; /* timezone "" = the machine's */
};

/* Where something listens. */
struct config_place {
    const char *host;   /* default 127.0.0.1 */
    uint16_t port;      /* 0 = off */
    struct position at; /* line 0: the default; for the message when the port is taken */
};

struct config_server {
    struct config_place http;   /* `http:`, the page and REST; default port 8080 */
    struct config_place series; /* `time_series:`, the Prometheus API; default port 9090 */
    const char *socket; /* path of the Unix socket for the command line; "" = in the data folder */
    bool insecure;      /* `insecure: allow` was written: beyond loopback without TLS and login */
};

#define CONFIG_TIERS_OFF   (-2)
#define CONFIG_POLICY_PATH "history.policies."

/* Retention of the series that match; the first policy that does counts. */
struct config_policy {
    const char *path, *name; /* "history.policies.NAME", and its end */
    const char *match;       /* as model/matchers.h reads it; checked */
    int64_t keep_us;         /* 0 = as history.keep; -1 = for ever */
    uint64_t max_bytes;      /* 0 = no limit of its own */
    struct position at;
};

struct config_history {
    int64_t keep_us;                      /* default 2y; -1 = for ever */
    uint64_t max_bytes;                   /* default 20GB */
    uint64_t free_bytes;                  /* default 256 MiB */
    int64_t commit_us;                    /* group commit, default 10ms */
    int64_t tiers_keep_us;                /* default 10y; -1 = for ever, CONFIG_TIERS_OFF */
    int64_t cold_after_us;                /* default 2d */
    int64_t events_keep_us;               /* default 90d; -1 = for ever */
    const struct config_policy *policies; /* in the order of the file */
    size_t policy_count;
    const char *archive; /* the sink that queries may ask for what is no longer here; "" = none */
    struct position archive_at;
};

/* Rows of the settings that all sinks have. */
enum config_sink_row {
    SINK_POINTS,     /* path patterns by ", ": "meter-*\/\*"; default "*" = all; "none" */
    SINK_EXCEPT,     /* path patterns that are left out */
    SINK_SERIES,     /* series of ingest: "all", "none" (default), or matchers: {job="x"} */
    SINK_EVENTS,     /* bool: also events; default true where the kind takes them */
    SINK_BATCH,      /* samples at most */
    SINK_BATCH_TIME, /* longest wait for company, default 1s */
    SINK_KEEP,       /* what waits longer is released; default forever (-1) */
    SINK_KEEP_BYTES, /* text: bytes of log that may wait; default 10GB */
    SINK_START,      /* choice: "beginning" of the log (default), or "now" */
    SINK_TIMEOUT,    /* of one answer of the target, default 30s */
    SINK_ENABLED,    /* false: shown, not run */
    SINK_ROWS
};
extern const struct option config_sink_options[SINK_ROWS + 1];

/* A sink: `sinks: NAME`. Setups hold settings only; config_make_setup() copies one. */
struct config_sink {
    const char *name;
    const struct config_sink_kind *kind;
    const struct setup *own;    /* by kind->options */
    const struct setup *common; /* by config_sink_options */
    uint64_t hash;              /* of all of it, secrets' values too */
    struct position at;
};

struct config_file {
    const char *name; /* below the folder */
    uint64_t bytes;
    uint32_t crc; /* crc32c of what was read */
};

/* A driver: its section `drivers: NAME`, or an empty setup. */
struct config_driver {
    const struct config_protocol *protocol;
    struct setup *setup;
    struct position at; /* of the section; line 0: it has none */
};

/* One device as configured; its points stay inside until config_make_device(). */
struct config_device {
    const char *name, *title, *place, *profile; /* "" = none */
    const struct config_protocol *protocol;
    const struct setup *setup; /* of its driver, that counts for it */
    size_t point_count;
    uint64_t own_hash; /* of all effective settings of it and its points, not of where they stand */
    uint64_t hash;     /* and of its driver's setup */
    bool enabled;      /* false: kept and shown, but starts paused */
    int64_t timeout_us;
    int32_t retries, in_flight;
    struct position at; /* file borrowed from the config */
    const struct config_device_parts *parts;
};

struct config {
    const char *folder; /* where the files are; of a single file: its folder */
    bool single_file;
    const struct config_file *files; /* in the order read */
    size_t file_count;
    struct config_site site;
    struct config_server server;
    struct config_history history;
    const struct config_driver *drivers; /* all, in the order of env.protocols */
    size_t driver_count;
    const struct config_device *devices; /* sorted by name */
    size_t device_count, point_count;
    const struct config_sink *sinks; /* sorted by name */
    size_t sink_count;
    struct config_store *store; /* private to config/ */
};

/* Reads and checks.
 *   path      a folder, or one YAML file (then only it and the CSV files it names)
 *   problems  initialised by the caller; sorted; also holds what could not be read
 * Returns 0 (free with config_free; there may be warnings), or BUSBAR_ECONFIG, BUSBAR_ENOMEM ... with at
 * least one error in `problems` and *out NULL. */
int config_load(const char *path, const struct config_env *env, struct config **out,
                struct problems *problems);

/* The same over texts that are not (yet) files: the page's editor, tests. */
struct config_text {
    const char *name; /* ends in .yaml or .csv */
    const char *text;
    size_t size;
};
int config_load_texts(const struct config_text *texts, size_t count, const struct config_env *env,
                      struct config **out, struct problems *problems);

/* Gives the memory back to the system. NULL is fine. */
void config_free(struct config *config);

/* NULL when there is none. O(log n). */
const struct config_device *config_device(const struct config *config, const char *name);

/* The device for the registry: points, resolved addresses, settings, classes interned in `registry`,
 * points' series ids still 0, host and driver still NULL. It is the caller's (device_free) until
 * registry_add(). Nothing in it points into the config. BUSBAR_ENOMEM. */
int config_make_device(const struct config *config, const struct config_device *from,
                       struct registry *registry, struct device **out, struct err *err);

/* NULL: no such sink. */
const struct config_sink *config_sink(const struct config *config, const char *name);
/* NULL: no such protocol. */
const struct config_driver *config_driver(const struct config *config, const char *protocol);
/* A copy of a setup that owns all it points to: setup_free(). BUSBAR_ENOMEM. */
int config_make_setup(const struct setup *from, struct setup **out);

/* A device that is in no file: without points, its protocol part as it would be written there, in one
 * line ("{ device: 2001 }"). BUSBAR_ECONFIG: err has the first mistake. */
#define CONFIG_LONE_BYTES_MAX 4096u
int config_make_lone_device(const struct config_env *env, struct registry *registry,
                            const char *name, const char *protocol, const char *settings,
                            struct device **out, struct err *err);

/* An unchanged device (equal hash) keeps running: only where it and its points are written moves. */
void config_relocate_device(const struct config *config, const struct config_device *from,
                            struct device *dev);

/* ---- differences ---- */
struct config_change {
    char kind;             /* '+' added, '-' removed, '~' changed */
    const char *what;      /* "ahu-1/sat.units", "pv-2", "press-1/noise", "history.keep" */
    const char *old, *new; /* as a person would write them; "" = not there */
    const char *text;      /* the whole line: "~ ahu-1/sat.units degC -> degF" */
};

enum { CONFIG_CHANGES_MAX = 1000 }; /* listed; the rest is counted */

struct config_diff {
    struct config_change *changes;
    size_t count, total;
    const char **stopped; /* devices in both that stop polling for a moment: names */
    size_t stopped_count;
    struct arena arena;
};

/* old NULL: everything is new. Texts live in diff->arena until config_diff_fini(). */
int config_diff(const struct config *old, const struct config *new, struct config_diff *diff);
void config_diff_fini(struct config_diff *diff);
void config_diff_print(const struct config_diff *diff, struct buf *out);
/* An array of {kind: "added|removed|changed", what, old, new, text}. */
void config_diff_json(const struct config_diff *diff, struct json_writer *json);

#endif
