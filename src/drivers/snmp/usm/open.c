/* SPDX-License-Identifier: Apache-2.0 */
/* Opening what came (RFC 3414, 3.2). */
#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>

#include "drivers/snmp/usm/digest.h"
#include "drivers/snmp/usm/parameters.h"

static bool of_engine(const struct usm_engine *engine, struct bytes id)
{
    return engine->size == bytes_left(&id) && memcmp(engine->id, id.at, engine->size) == 0;
}

/* The digest's octets count as zero; only one of full length is looked at. */
static bool digest_is_good(const struct snmp_message *message, struct bytes digest,
                           const struct usm_open *how)
{
    size_t size = usm_mac_size(how->auth);
    if (bytes_left(&digest) != size) {
        return false;
    }
    uint8_t mac[USM_MAC_MAX];
    assert(digest.at >= message->whole.start && digest.end <= message->whole.end);
    usm_mac(how->auth, how->keys, message->whole.start,
            (size_t)(message->whole.end - message->whole.start),
            (size_t)(digest.at - message->whole.start), mac);
    return CRYPTO_memcmp(mac, digest.at, size) == 0;
}

static enum usm_trouble decrypt(const struct snmp_message *message,
                                const struct usm_parameters *parameters, const struct usm_open *how,
                                struct bytes *scoped)
{
    struct bytes in = message->data;
    struct bytes data = ber_get_octets(&in);
    size_t size = bytes_left(&data);
    if (bytes_short(&in) || size == 0 || size > how->room_size ||
        bytes_left(&parameters->priv) != USM_SALT_SIZE ||
        (how->priv == USM_DES && size % USM_DES_BLOCK != 0)) {
        return USM_DECRYPTION;
    }
    uint8_t iv[USM_IV_MAX];
    usm_iv(how->priv, how->keys, parameters->boots, parameters->time, parameters->priv.at, iv);
    memcpy(how->room, data.at, size);
    if (usm_decrypt(how->priv, how->keys->priv, iv, how->room, size) != 0) {
        return USM_DECRYPTION;
    }
    *scoped = bytes_of(how->room, size);
    return USM_FINE;
}

/* The engine and the level, before anything is calculated. */
static enum usm_trouble admit(const struct snmp_message *message,
                              const struct usm_parameters *parameters,
                              const struct usm_engine *engine, const struct usm_open *how)
{
    bool authentic = (message->flags & SNMP_AUTH) != 0;
    bool private = (message->flags & SNMP_PRIV) != 0;
    if (message->model != USM_MODEL || (private && !authentic)) {
        return USM_BROKEN;
    }
    bool any_engine = !authentic && !how->authoritative;
    if (!any_engine && !of_engine(engine, parameters->engine)) {
        return USM_UNKNOWN_ENGINE;
    }
    if ((authentic && how->auth == USM_AUTH_NONE) || (private && how->priv == USM_PRIV_NONE)) {
        return USM_UNSUPPORTED_LEVEL;
    }
    return USM_FINE;
}

/* What only the content tells: a Report has rights that nothing else has. */
static enum usm_trouble judge(const struct snmp_message *message,
                              const struct usm_parameters *parameters,
                              const struct usm_engine *engine, const struct usm_open *how,
                              const struct snmp_scoped *scoped)
{
    uint8_t level = message->flags & (SNMP_AUTH | SNMP_PRIV);
    bool report = bytes_left(&scoped->pdu) > 0 && scoped->pdu.at[0] == SNMP_REPORT;
    if (report && !how->authoritative) {
        return USM_FINE;
    }
    if ((how->level & ~level) != 0) {
        return USM_UNSUPPORTED_LEVEL;
    }
    if (engine->size > 0 && !of_engine(engine, parameters->engine)) {
        return USM_UNKNOWN_ENGINE;
    }
    return USM_FINE;
}

enum usm_trouble usm_open(const struct snmp_message *message,
                          const struct usm_parameters *parameters, struct usm_engine *engine,
                          const struct usm_open *how, struct snmp_scoped *out)
{
    enum usm_trouble trouble = admit(message, parameters, engine, how);
    if (trouble != USM_FINE) {
        return trouble;
    }
    if (how->authoritative && (how->level & ~message->flags) != 0) {
        return USM_UNSUPPORTED_LEVEL;
    }
    if ((message->flags & SNMP_AUTH) != 0) {
        if (!digest_is_good(message, parameters->auth, how)) {
            return USM_WRONG_DIGEST;
        }
        if (!usm_in_window(parameters, how->authoritative, how->now_us, engine)) {
            return USM_NOT_IN_WINDOW;
        }
    }
    struct bytes scoped = message->data;
    if ((message->flags & SNMP_PRIV) != 0) {
        trouble = decrypt(message, parameters, how, &scoped);
        if (trouble != USM_FINE) {
            return trouble;
        }
    }
    if (snmp_scoped_decode(scoped, out) != 0) {
        return (message->flags & SNMP_PRIV) != 0 ? USM_DECRYPTION : USM_BROKEN;
    }
    return judge(message, parameters, engine, how, out);
}
