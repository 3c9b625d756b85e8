/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC on OpenSSL's plain hash functions, not by net-snmp's sc_generate_keyed_hash(). That one fetches the algorithm
 * anew for each message, with 13 allocations: 2.6 us where this takes 0.3 us; it also wants the message in one
 * piece with its digest already zeroed, and what came is not ours to write.
 *
 * HMAC(K, m) = H(K^opad || H(K^ipad || m)). Of K only the two states of H after the first block are kept: its
 * chaining values, eight words at most. */
#define OPENSSL_SUPPRESS_DEPRECATED /* the plain functions: no context on the heap, no look-up */
#include "drivers/snmp/usm/digest.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

enum { BLOCK_MAX = 128, SUM_MAX = 64 };

static const struct shape {
    uint8_t block, sum, state, mac;
} shapes[] = {
    [USM_AUTH_NONE] = { 0 },
    [USM_MD5] = { 64, 16, 16, 12 },
    [USM_SHA] = { 64, 20, 20, 12 },
    [USM_SHA224] = { 64, 28, 32, 16 },
    [USM_SHA256] = { 64, 32, 32, 24 },
    [USM_SHA384] = { 128, 48, 64, 32 },
    [USM_SHA512] = { 128, 64, 64, 48 },
};

union hash {
    MD5_CTX md5;
    SHA_CTX sha;
    SHA256_CTX sha256; /* and SHA-224 */
    SHA512_CTX sha512; /* and SHA-384 */
};

static void hash_start(enum usm_auth auth, union hash *hash)
{
    switch (auth) {
    case USM_MD5: (void)MD5_Init(&hash->md5); break;
    case USM_SHA: (void)SHA1_Init(&hash->sha); break;
    case USM_SHA224: (void)SHA224_Init(&hash->sha256); break;
    case USM_SHA256: (void)SHA256_Init(&hash->sha256); break;
    case USM_SHA384: (void)SHA384_Init(&hash->sha512); break;
    case USM_SHA512: (void)SHA512_Init(&hash->sha512); break;
    case USM_AUTH_NONE: break;
    }
}

static void hash_add(enum usm_auth auth, union hash *hash, const uint8_t *data, size_t size)
{
    switch (auth) {
    case USM_MD5: (void)MD5_Update(&hash->md5, data, size); break;
    case USM_SHA: (void)SHA1_Update(&hash->sha, data, size); break;
    case USM_SHA224:
    case USM_SHA256: (void)SHA256_Update(&hash->sha256, data, size); break;
    case USM_SHA384:
    case USM_SHA512: (void)SHA512_Update(&hash->sha512, data, size); break;
    case USM_AUTH_NONE: break;
    }
}

static void hash_end(enum usm_auth auth, union hash *hash, uint8_t sum[SUM_MAX])
{
    switch (auth) {
    case USM_MD5: (void)MD5_Final(sum, &hash->md5); break;
    case USM_SHA: (void)SHA1_Final(sum, &hash->sha); break;
    case USM_SHA224:
    case USM_SHA256: (void)SHA256_Final(sum, &hash->sha256); break;
    case USM_SHA384:
    case USM_SHA512: (void)SHA512_Final(sum, &hash->sha512); break;
    case USM_AUTH_NONE: break;
    }
}

/* Where the chaining value of a hash stands; MD5 and SHA-1 have theirs as five names in a row. */
static void *chain(enum usm_auth auth, union hash *hash)
{
    switch (auth) {
    case USM_SHA224:
    case USM_SHA256: return hash->sha256.h;
    case USM_SHA384:
    case USM_SHA512: return hash->sha512.h;
    default: return hash; /* MD5_CTX.A, SHA_CTX.h0 come first */
    }
}

/* A hash that has taken one whole block, from its chaining value. */
static void hash_resume(enum usm_auth auth, union hash *hash, const uint8_t *state)
{
    hash_start(auth, hash);
    memcpy(chain(auth, hash), state, shapes[auth].state);
    unsigned bits = shapes[auth].block * 8u;
    switch (auth) {
    case USM_MD5: hash->md5.Nl = bits; break;
    case USM_SHA: hash->sha.Nl = bits; break;
    case USM_SHA224:
    case USM_SHA256: hash->sha256.Nl = bits; break;
    case USM_SHA384:
    case USM_SHA512: hash->sha512.Nl = bits; break;
    case USM_AUTH_NONE: break;
    }
}

size_t usm_mac_size(enum usm_auth auth)
{
    return shapes[auth].mac;
}

static void keep_state(enum usm_auth auth, const uint8_t *key, size_t size, uint8_t pad,
                       uint8_t *state)
{
    uint8_t block[BLOCK_MAX];
    union hash hash;
    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < size; i++) {
        block[i] ^= key[i];
    }
    hash_start(auth, &hash);
    hash_add(auth, &hash, block, shapes[auth].block);
    memcpy(state, chain(auth, &hash), shapes[auth].state);
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(&hash, sizeof(hash));
}

void usm_mac_key(enum usm_auth auth, const uint8_t *key, size_t size, struct usm_keys *out)
{
    assert(auth != USM_AUTH_NONE && size <= shapes[auth].block);
    keep_state(auth, key, size, 0x36, out->inner);
    keep_state(auth, key, size, 0x5c, out->outer);
}

void usm_mac(enum usm_auth auth, const struct usm_keys *keys, const uint8_t *message, size_t size,
             size_t at, uint8_t mac[USM_MAC_MAX])
{
    static const uint8_t zeros[USM_MAC_MAX];
    const struct shape *shape = &shapes[auth];
    assert(at <= size && size - at >= shape->mac);
    uint8_t sum[SUM_MAX];
    union hash hash;
    hash_resume(auth, &hash, keys->inner);
    hash_add(auth, &hash, message, at);
    hash_add(auth, &hash, zeros, shape->mac);
    hash_add(auth, &hash, message + at + shape->mac, size - at - shape->mac);
    hash_end(auth, &hash, sum);
    hash_resume(auth, &hash, keys->outer);
    hash_add(auth, &hash, sum, shape->sum);
    hash_end(auth, &hash, sum);
    memcpy(mac, sum, shape->mac);
}
