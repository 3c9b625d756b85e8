/* SPDX-License-Identifier: Apache-2.0 */
/* The app: the only place that knows every module. It builds the gateway, wires it, and tears it down in reverse. */
#ifndef BUSBAR_APP_APP_H
#define BUSBAR_APP_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define APP_CONFIG_DEFAULT "/etc/busbar"
#define APP_DATA_DEFAULT   "/var/lib/busbar"

struct app_options {
    const char *config_path; /* folder or file */
    const char *data_folder; /* made when it is not there, mode 0700 */
    const char *http; /* ADDR:PORT instead of the configuration's; NULL: the configuration's */
    const char *time_series; /* ADDR:PORT or "off" of the Prometheus API; NULL: as above */
    const char *socket_path; /* Unix socket of the command line */
    bool socket_required;    /* else a taken socket is only a warning */
    bool verbose;
};

/* Each returns an exit code of the command line (cli.h) after having said everything on stderr. */

/* Runs until SIGINT or SIGTERM. SIGHUP applies the files. */
int app_run(const struct app_options *options);
/* What would stop app_run(): configuration, ports, rights, disk. json: NULL: problems on stderr; else they are appended
 * there, and nothing is said. */
int app_check(const struct app_options *options, struct buf *json);
/* Checks files only. data_folder (may be NULL) is where secrets are looked up. */
int app_config_check(const char *path, const char *data_folder, struct buf *json);
/* A sink of the files, without a running gateway: its test as JSON ({"findings", "fine" ...}), the SQL for its target.
 * Return 0, or a BUSBAR_ code after having said why. */
int app_sink_test(const struct app_options *options, const char *name, struct buf *json);
int app_sink_sql(const struct app_options *options, const char *name, struct buf *text);
struct app_sim_options {
    const char *path;
    const char *const *faults;       /* NULL-terminated */
    const char *control, *discovery; /* NULL: none */
    const char *data;                /* the gateway's data folder, for its secrets; NULL: none */
    uint64_t seed;
    bool quiet;
};
/* Serves the devices of a configuration. */
int app_sim(const struct app_sim_options *options);

#endif
