/* SPDX-License-Identifier: Apache-2.0 */
/* UsmSecurityParameters (RFC 3414, 2.4):
 *   SEQUENCE { engine OCTETS, boots INTEGER, time INTEGER, user OCTETS, digest OCTETS, salt OCTETS } */
#include "drivers/snmp/usm/parameters.h"

int usm_parameters_decode(struct bytes security, struct usm_parameters *out)
{
    struct bytes in = ber_get_of(&security, BER_SEQUENCE);
    out->engine = ber_get_octets(&in);
    int32_t boots = ber_get_i32(&in);
    int32_t time = ber_get_i32(&in);
    out->user = ber_get_octets(&in);
    out->auth = ber_get_octets(&in);
    out->priv = ber_get_octets(&in);
    bool whole = !bytes_short(&security) && !bytes_short(&in) && bytes_left(&security) == 0 &&
                 bytes_left(&in) == 0;
    if (!whole || boots < 0 || time < 0 || bytes_left(&out->engine) > USM_ENGINE_MAX ||
        bytes_left(&out->user) > USM_NAME_MAX) {
        return BUSBAR_EPROTO;
    }
    out->boots = (uint32_t)boots;
    out->time = (uint32_t)time;
    return 0;
}

void usm_iv(enum usm_priv priv, const struct usm_keys *keys, uint32_t boots, uint32_t time,
            const uint8_t salt[USM_SALT_SIZE], uint8_t iv[USM_IV_MAX])
{
    if (priv == USM_DES) {
        for (size_t i = 0; i < USM_SALT_SIZE; i++) {
            iv[i] = keys->priv[USM_DES_BLOCK + i] ^ salt[i];
        }
        return;
    }
    struct bytes_out out = bytes_out_of(iv, USM_IV_MAX);
    bytes_put_u32(&out, boots);
    bytes_put_u32(&out, time);
    bytes_put_block(&out, salt, USM_SALT_SIZE);
}
