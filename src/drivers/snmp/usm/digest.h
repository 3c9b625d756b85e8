/* SPDX-License-Identifier: Apache-2.0 */
/* The keyed digests of a message: HMAC (RFC 2104) cut as RFC 3414 and RFC 7860 say. Pure, allocates nothing. */
#ifndef BUSBAR_DRIVERS_SNMP_USM_DIGEST_H
#define BUSBAR_DRIVERS_SNMP_USM_DIGEST_H

#include "drivers/snmp/usm/user.h"

enum { USM_MAC_MAX = 48 };

/* Octets of msgAuthenticationParameters; 0 for USM_AUTH_NONE. */
size_t usm_mac_size(enum usm_auth auth);

/* Keeps in `out` what a localised key makes of the hash, so that each message needs two blocks less. */
void usm_mac_key(enum usm_auth auth, const uint8_t *key, size_t size, struct usm_keys *out);

/* usm_mac_size() octets over a message in which octets at..at+usm_mac_size() count as zero (RFC 3414, 6.3.1). */
void usm_mac(enum usm_auth auth, const struct usm_keys *keys, const uint8_t *message, size_t size,
             size_t at, uint8_t mac[USM_MAC_MAX]);

#endif
