/* SPDX-License-Identifier: Apache-2.0 */
/* SNMPv3 as it comes from anybody. The first octet chooses what the rest is:
 *   0: a whole message   1: changes to a good one   2: a scoped PDU that is sealed, opened, compared
 * the second the algorithms, the third on which side of the engine we are. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/snmp/usm/usm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IN_MAX = 1500, OUT_MAX = 2000, S = 1000000 };

static const struct usm_engine their_engine = {
    .id = { 0x80, 0, 0x1f, 0x88, 1 }, .size = 5, .timed = true, .boots = 3, .time = 500
};

/* Made once: a passphrase takes milliseconds. */
struct login {
    struct usm_user *user;
    struct usm_keys keys;
};

static const struct login *login_of(uint8_t choice)
{
    static struct login logins[USM_SHA512 + 1][USM_AES256_CISCO + 1];
    enum usm_auth auth = choice % (USM_SHA512 + 1);
    enum usm_priv priv = auth != USM_AUTH_NONE ? choice / 16 % (USM_AES256_CISCO + 1) : 0;
    struct login *login = &logins[auth][priv];
    if (login->user == NULL) {
        int error = usm_user_make("busbar", auth, "authentic", priv, "very private", &login->user,
                                  NULL);
        assert(error == 0);
        error = usm_keys_localise(login->user, their_engine.id, their_engine.size, &login->keys);
        assert(error == 0);
    }
    return login;
}

/* A message in `room`, at its end, around a scoped PDU that stands there. */
static void seal(const struct login *login, struct ber_out *out)
{
    int error = usm_seal(out, &(struct usm_seal){ .id = 1,
                                                  .flags = usm_user_level(login->user),
                                                  .user = usm_user_name(login->user),
                                                  .engine = &their_engine,
                                                  .keys = &login->keys,
                                                  .auth = usm_user_auth(login->user),
                                                  .priv = usm_user_priv(login->user),
                                                  .salt = 42 });
    assert(error == 0);
}

struct opened {
    struct snmp_message message;
    struct snmp_scoped scoped;
    uint8_t room[IN_MAX + OUT_MAX];
};

static enum usm_trouble open_message(const struct login *login, bool authoritative,
                                     const uint8_t *data, size_t size, struct opened *out)
{
    struct usm_parameters parameters;
    struct usm_engine engine = their_engine;
    engine.timed = authoritative;
    if (snmp_message_decode(data, size, &out->message) != 0 || out->message.version != SNMP_V3 ||
        usm_parameters_decode(out->message.security, &parameters) != 0) {
        return USM_BROKEN;
    }
    struct usm_open how = { .level = usm_user_level(login->user),
                            .keys = &login->keys,
                            .auth = usm_user_auth(login->user),
                            .priv = usm_user_priv(login->user),
                            .now_us = S,
                            .authoritative = authoritative,
                            .room = out->room,
                            .room_size = sizeof(out->room) };
    enum usm_trouble trouble = usm_open(&out->message, &parameters, &engine, &how, &out->scoped);
    assert(trouble < USM_TROUBLES && usm_trouble_words(trouble) != NULL);
    return trouble;
}

static bool is_report(const struct opened *opened)
{
    return bytes_left(&opened->scoped.pdu) > 0 && opened->scoped.pdu.at[0] == SNMP_REPORT;
}

/* Nobody without the password gets anything in but a Report in clear. */
static void fuzz_whole(const struct login *login, bool authoritative, const uint8_t *data,
                       size_t size)
{
    static struct opened opened;
    uint8_t *copy = malloc(size + 1);
    assert(copy != NULL);
    memcpy(copy, data, size);
    enum usm_trouble trouble = open_message(login, authoritative, copy, size, &opened);
    if (trouble == USM_FINE && usm_user_auth(login->user) != USM_AUTH_NONE) {
        assert(!authoritative && is_report(&opened));
    }
    free(copy);
}

/* Each pair of octets of the input: where, and what is changed there. */
static void fuzz_changed(const struct login *login, bool authoritative, const uint8_t *data,
                         size_t size)
{
    static const uint8_t scoped[] = { 0x30, 0x1a, 4,    5, 0x80, 0, 0x1f, 0x88, 1, 4,
                                      0,    0xa2, 0x0f, 2, 1,    7, 2,    1,    0, 2,
                                      1,    0,    0x30, 4, 0x30, 2, 6,    0 };
    static struct opened opened;
    uint8_t room[OUT_MAX];
    uint8_t good[OUT_MAX];
    struct ber_out out = ber_out_of(room, sizeof(room));
    ber_put_raw(&out, scoped, sizeof(scoped));
    seal(login, &out);
    size_t whole = ber_out_size(&out);
    memcpy(good, out.at, whole);
    for (size_t i = 0; i + 1 < size; i += 2) {
        out.at[data[i] % whole] ^= data[i + 1];
    }
    bool same = memcmp(good, out.at, whole) == 0;
    enum usm_trouble trouble = open_message(login, authoritative, out.at, whole, &opened);
    assert(trouble == USM_FINE || !same);
    if (trouble == USM_FINE && !same && usm_user_auth(login->user) != USM_AUTH_NONE) {
        assert((opened.message.flags & SNMP_AUTH) == 0 && is_report(&opened));
    }
}

static void fuzz_sealed(const struct login *login, bool authoritative, const uint8_t *data,
                        size_t size)
{
    static struct opened opened;
    struct snmp_scoped scoped;
    if (size == 0 || snmp_scoped_decode(bytes_of(data, size), &scoped) != 0) {
        return;
    }
    struct bytes in = bytes_of(data, size);
    (void)ber_get_of(&in, BER_SEQUENCE);
    size = bytes_offset(&in); /* without what only a cipher may leave behind it */
    uint8_t room[OUT_MAX];
    struct ber_out out = ber_out_of(room, sizeof(room));
    ber_put_raw(&out, data, size);
    seal(login, &out);
    enum usm_trouble trouble = open_message(login, authoritative, out.at, ber_out_size(&out),
                                            &opened);
    assert(trouble == USM_FINE);
    assert(bytes_left(&opened.scoped.pdu) == bytes_left(&scoped.pdu));
    assert(memcmp(opened.scoped.pdu.at, scoped.pdu.at, bytes_left(&scoped.pdu)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > IN_MAX) {
        return 0;
    }
    const struct login *login = login_of(data[1]);
    bool authoritative = (data[2] & 1) != 0;
    switch (data[0] % 3) {
    case 0: fuzz_whole(login, authoritative, data + 3, size - 3); break;
    case 1: fuzz_changed(login, authoritative, data + 3, size - 3); break;
    default: fuzz_sealed(login, authoritative, data + 3, size - 3); break;
    }
    return 0;
}
