/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator: serves the devices that a configuration names, on the addresses it names, with
 * lively values and with faults on demand. One process, one loop, any number of devices.
 *
 *   configuration -> struct device -> sim_add() -> server of its protocol (struct sim_ops)
 *                                        |-> values   sim_value.h: what a point reads now
 *                                        '-> faults   sim_fault.h: what goes wrong now
 *
 * A protocol plugs in with one table in sim_catalog.c and uses its driver's codec. Loop thread
 * only. */
#ifndef BUSBAR_SIM_SIM_H
#define BUSBAR_SIM_SIM_H

#include "base/buf.h"
#include "config/config.h"
#include "model/device.h"
#include "net/loop.h"

struct sim;

enum { SIM_DEVICES_MAX = 100000, SIM_LINE_MAX = 1024 /* bytes of a control line */ };

/* seed: of all values; the same seed gives the same values at the same time of day. */
struct sim *sim_new(struct loop *loop, uint64_t seed);
/* Closes all servers and connections. The loop must turn once more before it is freed. */
void sim_free(struct sim *sim);

/* Where sim_add() finds the setups of drivers (`drivers:`) from now on; borrowed; NULL: nowhere. */
void sim_use_config(struct sim *sim, const struct config *config);

/* Where sim_add() finds the values of secrets (`!secret NAME`) from now on; borrowed; NULL: a secret's value is its
 * name. */
void sim_use_secrets(struct sim *sim, const struct secrets *secrets);

/* Serves one more device; it is the caller's and must outlive the simulator. Its points are
 * resolved, it needs no series ids. BUSBAR_EUNSUPPORTED: no simulator for its protocol;
 * BUSBAR_EEXIST: another device has this address and unit; BUSBAR_EADDRINUSE, BUSBAR_EPERM ...:
 * cannot listen there. */
int sim_add(struct sim *sim, struct device *dev, struct err *err);
size_t sim_count(const struct sim *sim);

/* "meter-1=silence,for=10s" (see sim_fault.h); "meter-1=none" ends it. A name may hold * and ?. */
int sim_fault(struct sim *sim, const char *text, struct err *err);

/* One line of control, its answer appended to `out`, ending in a newline:
 *   DEVICE=FAULT            as above
 *   set DEVICE/POINT VALUE  holds a value; set DEVICE/POINT auto lets it live again
 *   trap DEVICE NAME [POINT] [every=10s] [count=5]
 *                           tells a notification, once or by period; trap DEVICE none ends that
 *   inform ...              the same, again and again until it is answered
 *   told DEVICE             how many it told, how many were answered
 *   list                    devices that have a fault, and how many requests each of them saw
 *   help */
void sim_command(struct sim *sim, const char *line, struct buf *out);

/* Takes control lines from a Unix socket (one answer a line) until sim_free(). */
int sim_control_open(struct sim *sim, const char *path, struct err *err);
/* Takes control lines from standard input, when it is a terminal or a pipe. */
void sim_control_stdin(struct sim *sim);

struct sim_options {
    const char *path; /* folder or file */
    const struct config_protocol *protocols;
    size_t protocol_count;
    const struct config_sink_kind *sink_kinds; /* so that `sinks:` is read; nothing is simulated */
    size_t sink_kind_count;
    const char *const *faults; /* NULL-terminated; may be NULL */
    const char *control;       /* Unix socket; NULL = none */
    const char *cache;         /* for what drivers make of files (config_env); NULL = none */
    const char *data;          /* data folder of the gateway, for its secrets; NULL = none */
    const char *discovery;     /* "127.0.0.1:4840": an OPC UA discovery server there; NULL = none */
    uint64_t seed;
    bool quiet; /* only what is wrong */
};

/* `busbar sim`: loads, serves, runs until SIGINT or SIGTERM. Says everything on stderr. Devices
 * that cannot be served are named and left out. Returns 0; 1 when none could be served; 3 when the
 * configuration is wrong. */
int sim_run(const struct sim_options *options);

#endif
