/* SPDX-License-Identifier: Apache-2.0 */
/* How to log in to an agent: a version and a community, or a user of SNMPv3. Immutable but for the count of its
 * holders; loop thread only. Many devices hold one. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_LOGIN_H
#define BUSBAR_DRIVERS_SNMP_SNMP_LOGIN_H

#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/usm/usm.h"

struct snmp_login {
    enum snmp_version version;
    const char *community; /* v1, v2c */
    struct usm_user *user; /* v3 */
    const char *context;   /* v3; "" = the default */
    const char *name;      /* of the part `credentials: NAME`; "" = a device's own */
    unsigned holders;
};

/* Texts are copied; the user is held. */
struct snmp_login *snmp_login_new(const struct snmp_login *from);
struct snmp_login *snmp_login_hold(const struct snmp_login *login);
void snmp_login_drop(const struct snmp_login *login); /* NULL is fine */
/* "v3 user busbar SHA-256 AES-128", "v2c (community readable by anyone on the way)". */
void snmp_login_print(const struct snmp_login *login, struct buf *out);
/* Why it is insecure, as one clause; NULL: it is not. */
const char *snmp_login_weak(const struct snmp_login *login);

#endif
