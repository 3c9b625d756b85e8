/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the simulator share, and the table that a protocol gives. */
#ifndef BUSBAR_SIM_SIM_PRIVATE_H
#define BUSBAR_SIM_SIM_PRIVATE_H

#include "base/list.h"
#include "base/map.h"
#include "net/timer.h"
#include "sim/sim.h"
#include "sim/sim_fault.h"

enum { SIM_TICK_MS = 100 }; /* how fast a fault that is no answer (down) begins and ends */

struct sim_protocol;

/* One simulated device. */
struct sim_device {
    struct list link; /* sim->devices */
    struct sim *sim;
    struct sim_protocol *protocol;
    struct device *dev;
    void *state; /* the protocol's, device_bytes zeroed bytes */
    struct sim_fault fault;
    enum sim_fault_kind now; /* what `changed` was told last */
    uint32_t traits;         /* bits, SIM_TRAIT_BIT(): what holds now */
    uint64_t requests, hits; /* asked, and hit by a fault */
};

/* One static const table a protocol, the counterpart of struct driver_ops. */
struct sim_ops {
    const char *protocol; /* the driver's name */
    size_t state_bytes, device_bytes;
    uint32_t fault_kinds, fault_traits; /* bits: what its devices can suffer from; NONE always */
    /* Serves the device; opens the address it shares with others or alone. remove() undoes it. */
    int (*add)(struct sim_device *sd, struct err *err);
    void (*remove)(struct sim_device *sd);
    /* All devices were removed: frees what is left in the protocol's state. May be NULL. */
    void (*close)(void *state);
    /* What holds for the device is another fault (sd->now, sd->traits), or none. */
    void (*changed)(struct sim_device *sd);
    /* Holds a raw value from now on; type VALUE_NONE: lets it live again. BUSBAR_ERANGE: does not
     * fit. */
    int (*hold)(struct sim_device *sd, uint32_t point, uint8_t type, union value raw);
    /* Tells something by itself, once or by period: "linkDown port-7 every=10s"; confirmed: until it is
     * answered. NULL: its devices are only asked. */
    int (*tell)(struct sim_device *sd, bool confirmed, const char *words, struct err *err);
    /* What came of it, one clause. NULL as above. */
    void (*told)(const struct sim_device *sd, struct buf *out);
    /* "tcp 127.0.0.1:1502 unit 3" */
    void (*describe)(const struct sim_device *sd, struct buf *out);
};

/* A protocol in use. */
struct sim_protocol {
    struct list link; /* sim->protocols */
    const struct sim_ops *ops;
    void *state; /* state_bytes zeroed bytes */
};

struct sim_control;

struct sim {
    struct loop *loop;
    const struct config *config;   /* while devices are added; may be NULL */
    const struct secrets *secrets; /* as long; NULL: a secret's value is its name */
    uint64_t seed;
    struct list protocols, devices;
    struct map by_name; /* name -> struct sim_device */
    size_t faulty;      /* devices with a fault set */
    struct timer tick;
    struct list controls; /* struct sim_control */
};

/* NULL: no simulator for this protocol. */
const struct sim_ops *sim_catalog_find(const char *protocol);

/* A protocol in use, from now on; NULL: there is no simulator for it. */
struct sim_protocol *sim_protocol_get(struct sim *sim, const char *name);

/* What the configuration says about a protocol as a whole; NULL: nothing is known. Only while a device is
 * added. */
const struct setup *sim_setup(const struct sim *sim, const char *protocol);

/* The value of a secret that the configuration names; NULL for NULL. Only while a device is added. */
const char *sim_secret(const struct sim *sim, const char *name);

/* Counts a request and says what hits it. */
enum sim_fault_kind sim_request(struct sim_device *sd);

/* ---- sim_control.c ---- */
void sim_control_close_all(struct sim *sim);

#endif
