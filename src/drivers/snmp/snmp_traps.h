/* SPDX-License-Identifier: Apache-2.0 */
/* Traps and informs: the listeners of the driver, and what comes of a notification. Loop thread only.
 *
 *   datagram -> allowed? -> not too many of this source? -> message -> community or user -> whose is it
 *            -> event -> points set, points read at once -> an inform is answered when its event is on disk
 *
 * Nothing is asked, nothing is written; a device that is not ours costs a look into a table and a count. What is not kept
 * is counted by reason and source, and told once a minute. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_TRAPS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_TRAPS_H

#include "drivers/snmp/snmp_driver.h"
#include "drivers/snmp/snmp_trap_hooks.h"
#include "net/allow.h"

enum {
    SNMP_TRAP_PORT = 162,
    SNMP_TRAP_LISTENERS_MAX = 16,
    SNMP_TRAP_ADDRESSES_MAX = 64, /* in `trap_addresses` of a device */
    SNMP_TRAP_RATE = 100,         /* a second and source, by default */
    SNMP_TRAP_BURST = 1000,       /* at once, by default */
};

/* Of the section `drivers: snmp`. Texts are the setup's. */
struct snmp_trap_options {
    const char *listen; /* "0.0.0.0:162, [::]:162"; NULL: nothing listens */
    const char *allow;  /* "10.0.4.0/24, 10.0.9.7", "any"; NULL: the addresses of the devices */
    int64_t rate, burst;
    struct position listen_at, allow_at;
};

/* Pure: for check_setup(). BUSBAR_ECONFIG with place and hint. */
int snmp_traps_check(const struct snmp_trap_options *options, struct err *err);
/* The ports it listens at, for ops->ports. */
void snmp_traps_ports(const struct snmp_trap_options *options, driver_port_cb cb, void *ctx);
/* `trap_addresses` of a device: "10.0.9.1, 10.0.9.2", for check(). BUSBAR_ECONFIG. */
int snmp_traps_check_addresses(const char *text, struct position at, struct err *err);

/* In open(): state->drv and state->loop are set; nothing listens yet. */
struct snmp_traps *snmp_traps_new(struct snmp_driver_state *state);
/* In setup(), after state->mib and state->logins: listeners that stay the same are kept open. What cannot be opened is a
 * trouble of the status, and is tried again. There are no devices now. */
void snmp_traps_setup(struct snmp_traps *traps, const struct snmp_trap_options *options);
void snmp_traps_free(struct snmp_traps *traps); /* in close(); NULL is fine */

/* In add(), after device->config: traps are taken from here on; none while the device is paused. */
void snmp_traps_add(struct snmp_traps *traps, struct snmp_device *device);
/* device->address or device->login became known, or is another one. Once too often is harmless. */
void snmp_traps_addressed(struct snmp_traps *traps, struct snmp_device *device);
/* And of its agent's engine. */
void snmp_traps_engine(struct snmp_traps *traps, struct snmp_device *device,
                       const struct usm_engine *engine);
/* In remove(). */
void snmp_traps_remove(struct snmp_traps *traps, struct snmp_device *device);

/* For ops->status. */
void snmp_traps_status(const struct snmp_traps *traps, driver_status_cb cb, void *ctx);

#endif
