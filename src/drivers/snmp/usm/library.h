/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken of the net-snmp library, behind names of our own: its headers define a `struct snmp_pdu` too, so
 * only library.c may see them. Its functions used here keep nothing and may run in any thread; they print (to the
 * library's log) only for arguments that are checked before. */
#ifndef BUSBAR_DRIVERS_SNMP_USM_LIBRARY_H
#define BUSBAR_DRIVERS_SNMP_USM_LIBRARY_H

#include "drivers/snmp/usm/user.h"

/* Octets of a digest's output, which is also the size of its keys; 0 for USM_AUTH_NONE. */
size_t usm_key_size(enum usm_auth auth);
/* Octets of a cipher's key; DES: with the 8 octets of its pre-IV. */
size_t usm_cipher_key_size(enum usm_priv priv);

/* Ku of a passphrase of at least USM_PASSPHRASE_MIN octets (RFC 3414, A.2): usm_key_size() octets. All of these:
 * 0, BUSBAR_EINTERNAL (the library refused). */
int usm_key_of_passphrase(enum usm_auth auth, const char *passphrase, uint8_t key[USM_KEY_MAX]);
/* Kul (RFC 3414, 2.6). */
int usm_key_localise(enum usm_auth auth, const uint8_t *key, const uint8_t *engine, size_t size,
                     uint8_t out[USM_KEY_MAX]);
/* Makes a localised key long enough for its cipher, where it is not. */
int usm_key_extend(enum usm_auth auth, enum usm_priv priv, const uint8_t *engine, size_t size,
                   uint8_t key[USM_KEY_MAX]);

enum { USM_IV_MAX = 16, USM_DES_BLOCK = 8 };
/* In place; iv: 8 octets for DES, 16 for AES. DES: whole blocks only. */
int usm_encrypt(enum usm_priv priv, const uint8_t *key, const uint8_t iv[USM_IV_MAX], uint8_t *data,
                size_t size);
int usm_decrypt(enum usm_priv priv, const uint8_t *key, const uint8_t iv[USM_IV_MAX], uint8_t *data,
                size_t size);

#endif
