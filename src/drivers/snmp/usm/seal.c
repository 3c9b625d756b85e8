/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing what is sent (RFC 3414, 3.1). From the back to the front, so the scoped PDU stays where it is:
 *   SEQUENCE { version, SEQUENCE { id, size, flags, model }, OCTETS { parameters }, PDU or OCTETS { encrypted } } */
#include <assert.h>
#include <string.h>

#include "drivers/snmp/usm/digest.h"
#include "drivers/snmp/usm/parameters.h"

/* DES takes whole blocks only: the PDU moves forward, and what comes behind it is ignored by whoever decodes. */
static void pad(struct ber_out *out)
{
    size_t size = ber_out_size(out);
    size_t more = (USM_DES_BLOCK - size % USM_DES_BLOCK) % USM_DES_BLOCK;
    if ((size_t)(out->at - out->start) < more) {
        out->failed = true;
        return;
    }
    memmove(out->at - more, out->at, size);
    out->at -= more;
    memset(out->end - more, 0, more);
}

static int encrypt(struct ber_out *out, const struct usm_seal *seal, uint32_t boots, uint32_t time,
                   uint8_t salt[USM_SALT_SIZE])
{
    struct bytes_out to = bytes_out_of(salt, USM_SALT_SIZE);
    bytes_put_u64(&to, seal->salt);
    if (seal->priv == USM_DES) {
        pad(out);
    }
    if (out->failed) {
        return BUSBAR_ETOOBIG;
    }
    uint8_t iv[USM_IV_MAX];
    usm_iv(seal->priv, seal->keys, boots, time, salt, iv);
    int error = usm_encrypt(seal->priv, seal->keys->priv, iv, out->at, ber_out_size(out));
    ber_put_head(out, BER_OCTETS, out->end);
    return error;
}

static void put_header(struct ber_out *out, const struct usm_seal *seal)
{
    const uint8_t *mark = ber_mark(out);
    ber_put_i64(out, BER_INTEGER, USM_MODEL);
    ber_put_octets(out, BER_OCTETS, &seal->flags, 1);
    ber_put_i64(out, BER_INTEGER, SNMP_MESSAGE_MAX);
    ber_put_i64(out, BER_INTEGER, seal->id);
    ber_put_head(out, BER_SEQUENCE, mark);
    ber_put_i64(out, BER_INTEGER, SNMP_V3);
    ber_put_head(out, BER_SEQUENCE, out->end);
}

int usm_seal(struct ber_out *out, const struct usm_seal *seal)
{
    static const uint8_t zeros[USM_MAC_MAX];
    bool authentic = (seal->flags & SNMP_AUTH) != 0;
    bool private = (seal->flags & SNMP_PRIV) != 0;
    assert(!private || authentic);
    uint32_t boots = seal->engine->timed ? seal->engine->boots : 0;
    uint32_t time = usm_engine_now(seal->engine, seal->now_us);
    uint8_t salt[USM_SALT_SIZE];
    int error = private && !out->failed ? encrypt(out, seal, boots, time, salt) : 0;
    if (error != 0) {
        return error;
    }
    const uint8_t *mark = ber_mark(out);
    ber_put_octets(out, BER_OCTETS, salt, private ? USM_SALT_SIZE : 0);
    size_t size = authentic ? usm_mac_size(seal->auth) : 0;
    ber_put_octets(out, BER_OCTETS, zeros, size);
    size_t behind = (size_t)(mark - out->at) -
                    2; /* a digest is short: tag and one octet of length */
    ber_put_octets(out, BER_OCTETS, seal->user, strlen(seal->user));
    ber_put_i64(out, BER_INTEGER, time);
    ber_put_i64(out, BER_INTEGER, boots);
    ber_put_octets(out, BER_OCTETS, seal->engine->id, seal->engine->size);
    ber_put_head(out, BER_SEQUENCE, mark);
    ber_put_head(out, BER_OCTETS, mark);
    put_header(out, seal);
    if (out->failed) {
        return BUSBAR_ETOOBIG;
    }
    if (authentic) {
        size_t at = (size_t)(mark - out->at) - behind;
        uint8_t mac[USM_MAC_MAX];
        usm_mac(seal->auth, seal->keys, out->at, ber_out_size(out), at, mac);
        memcpy(out->at + at, mac, size);
    }
    return 0;
}
