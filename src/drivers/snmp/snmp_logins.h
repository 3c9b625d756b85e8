/* SPDX-License-Identifier: Apache-2.0 */
/* The logins of all devices: those of `credentials:` by name, and those written out in devices. Each is made once,
 * however many use it: the keys of a v3 user cost a passphrase's hash of a megabyte, so they are made in jobs, a few at
 * a time, and 10,000 devices with passphrases of their own do not hold the loop up. Loop thread only.
 *
 * A login that cannot be made (a secret is not set, a passphrase is too short) is the trouble of those who use it. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_LOGINS_H
#define BUSBAR_DRIVERS_SNMP_SNMP_LOGINS_H

#include "base/list.h"
#include "driver/driver.h"
#include "drivers/snmp/snmp_config.h"
#include "drivers/snmp/snmp_login.h"

enum { SNMP_LOGIN_JOBS_MAX = 2 }; /* keys made at a time */

struct snmp_logins;
struct snmp_login_entry;

struct snmp_logins *snmp_logins_new(struct driver *drv);
/* Nobody may use one any more; NULL is fine. */
void snmp_logins_free(struct snmp_logins *logins);
/* Makes those of `credentials:`; those of the setup before are gone. */
void snmp_logins_setup(struct snmp_logins *logins, const struct setup *setup);

/* ---- `credentials:`, by `order:`, then by name ---- */
size_t snmp_logins_count(const struct snmp_logins *logins);
const char *snmp_logins_name(const struct snmp_logins *logins, size_t index);
/* NULL: it could not be made, or its keys are not ready yet (snmp_logins_busy). */
const struct snmp_login *snmp_logins_at(const struct snmp_logins *logins, size_t index);
/* Why it could not be made; NULL: nothing is wrong. */
const struct err *snmp_logins_broken(const struct snmp_logins *logins, size_t index);
/* NULL: none of this name, or as above. */
const struct snmp_login *snmp_logins_find(const struct snmp_logins *logins, const char *name);

/* ---- using one ---- */

/* Embedded by its user. */
struct snmp_login_use {
    struct list link;
    struct snmp_login_entry *entry; /* NULL: not in use */
    void (*ready)(void *ctx); /* keys were made, or could not be; not if it was ready at once */
    void *ctx;
};
/* Who to log in as. part: its name where it is of `credentials:`, else "". */
void snmp_login_use(struct snmp_logins *logins, const struct snmp_identity *identity,
                    const char *part, struct snmp_login_use *use);
void snmp_login_unuse(struct snmp_login_use *use); /* harmless when not in use */
/* NULL: not ready, or broken. Valid until snmp_login_unuse(). */
const struct snmp_login *snmp_login_used(const struct snmp_login_use *use);
/* NULL: it is not. */
const struct err *snmp_login_use_broken(const struct snmp_login_use *use);

/* ---- waiting for all of `credentials:` ---- */
struct snmp_logins_wait {
    struct list link;
    void (*ready)(void *ctx);
    void *ctx;
};
bool snmp_logins_busy(const struct snmp_logins *logins);
/* Called once none of `credentials:` is being made any more. Only while busy. */
void snmp_logins_wait(struct snmp_logins *logins, struct snmp_logins_wait *wait,
                      void (*ready)(void *ctx), void *ctx);
void snmp_logins_unwait(struct snmp_logins_wait *wait);

#endif
