/* SPDX-License-Identifier: Apache-2.0 */
/* Users of SNMPv3 and their keys (RFC 3414, 7860, 3826, and the usual extensions to AES-192 and AES-256). The
 * cryptography is that of the net-snmp library; nothing of its sessions or tables is used. Pure, no globals: any
 * thread. Keys are wiped when freed. */
#ifndef BUSBAR_DRIVERS_SNMP_USM_USER_H
#define BUSBAR_DRIVERS_SNMP_USM_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum usm_auth { USM_AUTH_NONE, USM_MD5, USM_SHA, USM_SHA224, USM_SHA256, USM_SHA384, USM_SHA512 };
enum usm_priv {
    USM_PRIV_NONE,
    USM_DES,
    USM_AES128,
    USM_AES192, /* key extended as draft-blumenthal-aes-usm-04 */
    USM_AES256,
    USM_AES192_CISCO, /* key extended as draft-reeder-snmpv3-usm-3desede-00, as Cisco and others do */
    USM_AES256_CISCO,
};

enum {
    USM_NAME_MAX = 32,
    USM_PASSPHRASE_MIN = 8,
    USM_ENGINE_MIN = 5,
    USM_ENGINE_MAX = 32,
    USM_KEY_MAX = 64,
    USM_CIPHER_KEY_MAX = 32,
};

/* Words of the configuration and for people: "none", "MD5", "SHA", "SHA-256" ..., "none", "DES", "AES-128", "AES-256",
 * "AES-256-Cisco". NULL-terminated, indexed by the enums. */
extern const char *const usm_auth_words[];
extern const char *const usm_priv_words[];
/* Why a choice is weak, as one clause ("MD5 is broken"); NULL: it is not. */
const char *usm_weak_auth(enum usm_auth auth);
const char *usm_weak_priv(enum usm_priv priv);

/* A user as configured, with its master keys (Ku). Immutable; shared by all devices that log in as it: count of
 * holders, from any thread. */
struct usm_user;

/* Hashes a megabyte for each passphrase: some milliseconds, so not on the loop where there may be many.
 * BUSBAR_EINVAL: name empty or too long, passphrase too short or missing, privacy without authentication.
 * err may be NULL. */
int usm_user_make(const char *name, enum usm_auth auth, const char *auth_pass, enum usm_priv priv,
                  const char *priv_pass, struct usm_user **out, struct err *err);
struct usm_user *usm_user_hold(struct usm_user *user);
void usm_user_drop(struct usm_user *user); /* NULL is fine */
const char *usm_user_name(const struct usm_user *user);
uint8_t usm_user_level(const struct usm_user *user); /* SNMP_AUTH, SNMP_PRIV bits; ber/pdu.h */
enum usm_auth usm_user_auth(const struct usm_user *user);
enum usm_priv usm_user_priv(const struct usm_user *user);

/* Localised to one engine (RFC 3414, 2.6), and ready for use: of the authentication key the two states of HMAC.
 * To be wiped when no longer needed. */
struct usm_keys {
    uint8_t inner[USM_KEY_MAX], outer[USM_KEY_MAX];
    uint8_t priv[USM_CIPHER_KEY_MAX]; /* DES: its key, then its pre-IV */
};
/* Microseconds; with the `-Cisco` ciphers a passphrase's time, where the digest is shorter than the key.
 * BUSBAR_EINVAL: an engine id that is empty or over USM_ENGINE_MAX. */
int usm_keys_localise(const struct usm_user *user, const uint8_t *engine, size_t size,
                      struct usm_keys *out);
void usm_keys_wipe(struct usm_keys *keys);

#endif
