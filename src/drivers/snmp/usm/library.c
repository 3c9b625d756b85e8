/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and ciphers by net-snmp's keytools and scapi. Debian's 5.9 has all of them compiled in: MD5, SHA-1 and the
 * SHA-2 of RFC 7860, DES, AES-128, and AES-192/256 with both extensions of keys.
 *
 * Not taken of it: sc_generate_keyed_hash(), see digest.c, and sc_check_keyed_hash(), which compares with memcmp()
 * and as many octets as the peer likes. */
#include "drivers/snmp/usm/library.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/library/keytools.h>
#include <net-snmp/library/scapi.h>
#include <string.h>

enum { TRANSFORM_OID = 10 };

static const struct digest {
    oid *name; /* the library's tables are not const, but never written */
    size_t size;
} digests[] = {
    [USM_AUTH_NONE] = { 0 },
    [USM_MD5] = { usmHMACMD5AuthProtocol, 16 },
    [USM_SHA] = { usmHMACSHA1AuthProtocol, 20 },
    [USM_SHA224] = { usmHMAC128SHA224AuthProtocol, 28 },
    [USM_SHA256] = { usmHMAC192SHA256AuthProtocol, 32 },
    [USM_SHA384] = { usmHMAC256SHA384AuthProtocol, 48 },
    [USM_SHA512] = { usmHMAC384SHA512AuthProtocol, 64 },
};

static const struct cipher {
    const oid *name;
    size_t name_size, key_size, iv_size;
    int kind; /* how its key is extended */
} ciphers[] = {
    [USM_PRIV_NONE] = { 0 },
    [USM_DES] = { usmDESPrivProtocol, 10, 16, 8, USM_CREATE_USER_PRIV_DES },
    [USM_AES128] = { usmAESPrivProtocol, 10, 16, 16, USM_CREATE_USER_PRIV_AES },
    [USM_AES192] = { usmAES192PrivProtocol, 9, 24, 16, USM_CREATE_USER_PRIV_AES192 },
    [USM_AES256] = { usmAES256PrivProtocol, 9, 32, 16, USM_CREATE_USER_PRIV_AES256 },
    [USM_AES192_CISCO] = { usmAES192CiscoPrivProtocol, 11, 24, 16,
                           USM_CREATE_USER_PRIV_AES192_CISCO },
    [USM_AES256_CISCO] = { usmAES256CiscoPrivProtocol, 11, 32, 16,
                           USM_CREATE_USER_PRIV_AES256_CISCO },
};

size_t usm_key_size(enum usm_auth auth)
{
    return digests[auth].size;
}

size_t usm_cipher_key_size(enum usm_priv priv)
{
    return ciphers[priv].key_size;
}

static int result(int answer, size_t size, size_t wanted)
{
    return answer == SNMPERR_SUCCESS && size == wanted ? 0 : BUSBAR_EINTERNAL;
}

int usm_key_of_passphrase(enum usm_auth auth, const char *passphrase, uint8_t key[USM_KEY_MAX])
{
    size_t size = USM_KEY_MAX;
    int answer = generate_Ku(digests[auth].name, TRANSFORM_OID, (const uint8_t *)passphrase,
                             strlen(passphrase), key, &size);
    return result(answer, size, digests[auth].size);
}

int usm_key_localise(enum usm_auth auth, const uint8_t *key, const uint8_t *engine, size_t size,
                     uint8_t out[USM_KEY_MAX])
{
    size_t made = USM_KEY_MAX;
    int answer = generate_kul(digests[auth].name, TRANSFORM_OID, engine, size, key,
                              digests[auth].size, out, &made);
    return result(answer, made, digests[auth].size);
}

int usm_key_extend(enum usm_auth auth, enum usm_priv priv, const uint8_t *engine, size_t size,
                   uint8_t key[USM_KEY_MAX])
{
    size_t have = digests[auth].size;
    size_t need = ciphers[priv].key_size;
    if (have >= need) {
        return 0;
    }
    u_char *room = key; /* with room enough the library stays in it */
    int answer = netsnmp_extend_kul((u_int)need, digests[auth].name, TRANSFORM_OID,
                                    ciphers[priv].kind, (u_char *)(uintptr_t)engine, (u_int)size,
                                    &room, &have, USM_KEY_MAX);
    return result(answer, have, need);
}

int usm_encrypt(enum usm_priv priv, const uint8_t *key, const uint8_t iv[USM_IV_MAX], uint8_t *data,
                size_t size)
{
    const struct cipher *cipher = &ciphers[priv];
    size_t made = size;
    int answer = sc_encrypt(cipher->name, cipher->name_size, (u_char *)(uintptr_t)key,
                            (u_int)cipher->key_size, (u_char *)(uintptr_t)iv,
                            (u_int)cipher->iv_size, data, (u_int)size, data, &made);
    return result(answer, made, size);
}

int usm_decrypt(enum usm_priv priv, const uint8_t *key, const uint8_t iv[USM_IV_MAX], uint8_t *data,
                size_t size)
{
    const struct cipher *cipher = &ciphers[priv];
    size_t made = size;
    int answer = sc_decrypt(cipher->name, cipher->name_size, (u_char *)(uintptr_t)key,
                            (u_int)cipher->key_size, (u_char *)(uintptr_t)iv,
                            (u_int)cipher->iv_size, data, (u_int)size, data, &made);
    return result(answer, made, size);
}
