/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening: every pair of algorithms, what is changed on the way, clocks and windows, Reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/snmp/usm/usm.h"

enum { MESSAGE_MAX = 600, S = 1000000 };

/* The two ends, who share user and keys. `there` is the engine as it knows itself, `here` what we know of it. */
struct ends {
    struct usm_user *user;
    struct usm_keys keys;
    struct usm_engine there, here;
    uint8_t level;
    uint8_t message[MESSAGE_MAX], room[MESSAGE_MAX];
    struct ber_out out;
    struct snmp_message got;
    struct usm_parameters parameters;
    struct snmp_scoped scoped;
};

static struct ends ends_of(enum usm_auth auth, enum usm_priv priv)
{
    struct ends ends = { .there = { .id = { 0x80, 0, 0x1f, 0x88, 1, 2, 3 },
                                    .size = 7,
                                    .timed = true,
                                    .boots = 5,
                                    .time = 1000 } };
    ends.here = ends.there;
    ends.here.timed = false;
    assert_int_equal(
        usm_user_make("busbar", auth, "authentic", priv, "very private", &ends.user, NULL), 0);
    assert_int_equal(usm_keys_localise(ends.user, ends.there.id, ends.there.size, &ends.keys), 0);
    ends.level = usm_user_level(ends.user);
    return ends;
}

static void put_scoped(struct ends *ends, uint8_t type)
{
    static const uint8_t name[] = { 0x2b, 6, 1, 2, 1, 1, 3, 0 };
    const struct snmp_pdu pdu = { .type = type, .request_id = 77 };
    ends->out = ber_out_of(ends->message, sizeof(ends->message));
    const uint8_t *mark = ber_mark(&ends->out);
    snmp_put_varbind(&ends->out, (struct snmp_oid){ name, sizeof(name) }, NULL);
    snmp_put_pdu_head(&ends->out, &pdu, mark);
    snmp_put_scoped_head(&ends->out, bytes_of(ends->there.id, ends->there.size), bytes_of("ctx", 3),
                         mark);
}

static int seal(struct ends *ends, uint8_t type, uint8_t flags, const struct usm_engine *engine,
                int64_t now_us)
{
    put_scoped(ends, type);
    return usm_seal(&ends->out, &(struct usm_seal){ .id = 4711,
                                                    .flags = flags,
                                                    .user = usm_user_name(ends->user),
                                                    .engine = engine,
                                                    .keys = &ends->keys,
                                                    .auth = usm_user_auth(ends->user),
                                                    .priv = usm_user_priv(ends->user),
                                                    .salt = 0x0102030405060708,
                                                    .now_us = now_us });
}

static enum usm_trouble open_as(struct ends *ends, bool authoritative, int64_t now_us)
{
    const struct usm_open how = { .level = ends->level,
                                  .keys = &ends->keys,
                                  .auth = usm_user_auth(ends->user),
                                  .priv = usm_user_priv(ends->user),
                                  .now_us = now_us,
                                  .authoritative = authoritative,
                                  .room = ends->room,
                                  .room_size = sizeof(ends->room) };
    struct usm_engine *engine = authoritative ? &ends->there : &ends->here;
    if (snmp_message_decode(ends->out.at, ber_out_size(&ends->out), &ends->got) != 0 ||
        ends->got.version != SNMP_V3 ||
        usm_parameters_decode(ends->got.security, &ends->parameters) != 0) {
        return USM_BROKEN;
    }
    return usm_open(&ends->got, &ends->parameters, engine, &how, &ends->scoped);
}

/* From the agent to us. */
static enum usm_trouble answer(struct ends *ends, int64_t now_us)
{
    assert_int_equal(seal(ends, SNMP_RESPONSE, ends->level, &ends->there, now_us), 0);
    return open_as(ends, false, now_us);
}

static void assert_content(const struct ends *ends)
{
    struct snmp_pdu pdu;
    assert_int_equal(snmp_pdu_decode(ends->scoped.pdu, &pdu), 0);
    assert_int_equal(pdu.request_id, 77);
    assert_int_equal(bytes_left(&ends->scoped.context), 3);
    assert_memory_equal(ends->scoped.context.at, "ctx", 3);
    assert_memory_equal(ends->scoped.engine.at, ends->there.id, ends->there.size);
}

static void every_pair_opens(void **state)
{
    (void)state;
    for (enum usm_auth auth = USM_AUTH_NONE; auth <= USM_SHA512; auth++) {
        for (enum usm_priv priv = USM_PRIV_NONE; priv <= USM_AES256_CISCO; priv++) {
            if (auth == USM_AUTH_NONE && priv != USM_PRIV_NONE) {
                continue;
            }
            struct ends ends = ends_of(auth, priv);
            assert_int_equal(answer(&ends, S), USM_FINE);
            assert_content(&ends);
            assert_int_equal(ends.got.id, 4711);
            assert_int_equal(ends.got.flags, ends.level);
            assert_int_equal(ends.here.timed, auth != USM_AUTH_NONE);
            /* and back, to the engine that is its own master */
            uint8_t flags = ends.level | SNMP_REPORTABLE;
            assert_int_equal(seal(&ends, SNMP_GET, flags, &ends.here, 2 * S), 0);
            assert_int_equal(open_as(&ends, true, 2 * S), USM_FINE);
            assert_content(&ends);
            usm_user_drop(ends.user);
        }
    }
}

static void what_is_encrypted_cannot_be_read(void **state)
{
    (void)state;
    for (enum usm_priv priv = USM_DES; priv <= USM_AES256_CISCO; priv++) {
        struct ends ends = ends_of(USM_SHA256, priv);
        assert_int_equal(answer(&ends, S), USM_FINE);
        assert_null(memmem(ends.out.at, ber_out_size(&ends.out), "ctx", 3));
        struct ends clear = ends_of(USM_SHA256, USM_PRIV_NONE);
        assert_int_equal(answer(&clear, S), USM_FINE);
        assert_non_null(memmem(clear.out.at, ber_out_size(&clear.out), "ctx", 3));
        usm_user_drop(ends.user);
        usm_user_drop(clear.user);
    }
}

static void one_flipped_bit_is_noticed(void **state)
{
    (void)state;
    struct ends ends = ends_of(USM_SHA256, USM_AES128);
    for (size_t bit = 0;; bit++) {
        ends.here.timed = false;
        assert_int_equal(seal(&ends, SNMP_RESPONSE, ends.level, &ends.there, S), 0);
        if (bit / 8 == ber_out_size(&ends.out)) {
            break;
        }
        ends.out.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum usm_trouble trouble = open_as(&ends, false, S);
        assert_int_not_equal(trouble, USM_FINE);
        assert_false(ends.here.timed); /* nobody but the device sets its clock */
    }
    usm_user_drop(ends.user);
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    struct ends ends = ends_of(USM_SHA, USM_DES);
    assert_int_equal(seal(&ends, SNMP_RESPONSE, ends.level, &ends.there, S), 0);
    size_t whole = ber_out_size(&ends.out);
    for (size_t size = 0; size < whole; size++) {
        struct snmp_message message;
        uint8_t *copy = malloc(size + 1);
        assert_non_null(copy);
        memcpy(copy, ends.out.at, size);
        assert_int_not_equal(snmp_message_decode(copy, size, &message), 0);
        free(copy);
    }
    struct bytes security = ends.got.security;
    assert_int_equal(open_as(&ends, false, S), USM_FINE);
    security = ends.got.security;
    for (size_t size = 0; size < bytes_left(&security); size++) {
        struct usm_parameters parameters;
        struct bytes in = bytes_dup(security.at, size);
        assert_int_equal(usm_parameters_decode(in, &parameters), BUSBAR_EPROTO);
        bytes_fini(&in);
    }
    usm_user_drop(ends.user);
}

/* A digest of the first octets only is what CVE-2008-0960 accepted. */
static void a_short_digest_is_refused(void **state)
{
    (void)state;
    struct ends ends = ends_of(USM_SHA, USM_PRIV_NONE);
    assert_int_equal(answer(&ends, S), USM_FINE);
    const struct usm_open how = { .level = ends.level,
                                  .keys = &ends.keys,
                                  .auth = USM_SHA,
                                  .now_us = S,
                                  .room = ends.room,
                                  .room_size = sizeof(ends.room) };
    struct bytes whole = ends.parameters.auth;
    for (size_t size = 0; size < 12; size++) {
        ends.parameters.auth = bytes_of(whole.at, size);
        assert_int_equal(usm_open(&ends.got, &ends.parameters, &ends.here, &how, &ends.scoped),
                         USM_WRONG_DIGEST);
    }
    ends.parameters.auth = whole;
    assert_int_equal(usm_open(&ends.got, &ends.parameters, &ends.here, &how, &ends.scoped),
                     USM_FINE);
    usm_user_drop(ends.user);
}

static void wrong_passwords_are_told_apart(void **state)
{
    (void)state;
    struct ends ends = ends_of(USM_SHA256, USM_AES128);
    struct usm_user *other = NULL;
    struct usm_keys keys = ends.keys;
    struct usm_keys wrong;
    assert_int_equal(
        usm_user_make("busbar", USM_SHA256, "another one", USM_AES128, "yet another", &other, NULL),
        0);
    assert_int_equal(usm_keys_localise(other, ends.there.id, ends.there.size, &wrong), 0);
    assert_int_equal(seal(&ends, SNMP_RESPONSE, ends.level, &ends.there, S), 0);
    memcpy(ends.keys.inner, wrong.inner, sizeof(wrong.inner));
    assert_int_equal(open_as(&ends, false, S), USM_WRONG_DIGEST);
    ends.keys = keys;
    memcpy(ends.keys.priv, wrong.priv, sizeof(wrong.priv));
    assert_int_equal(open_as(&ends, false, S), USM_DECRYPTION);
    usm_user_drop(other);
    usm_user_drop(ends.user);
}

/* Good digests around what no cipher has made, and a security model that is not this one. */
static void what_cannot_be_decrypted_is_told(void **state)
{
    (void)state;
    const enum usm_priv privs[] = { USM_DES, USM_AES256 };
    for (size_t i = 0; i < 2; i++) {
        struct ends ends = ends_of(USM_SHA256, privs[i]);
        assert_int_equal(answer(&ends, S), USM_FINE);
        struct usm_open how = { .level = ends.level,
                                .keys = &ends.keys,
                                .auth = USM_SHA256,
                                .priv = privs[i],
                                .now_us = S,
                                .room = ends.room,
                                .room_size = sizeof(ends.room) };
        struct usm_parameters short_salt = ends.parameters;
        short_salt.priv.end--;
        assert_int_equal(usm_open(&ends.got, &short_salt, &ends.here, &how, &ends.scoped),
                         USM_DECRYPTION);
        struct snmp_message clear = ends.got;
        clear.data = ends.parameters.engine; /* no OCTET STRING */
        assert_int_equal(usm_open(&clear, &ends.parameters, &ends.here, &how, &ends.scoped),
                         USM_DECRYPTION);
        static const uint8_t nothing[] = { BER_OCTETS, 0 };
        static const uint8_t seven[] = { BER_OCTETS, 7, 1, 2, 3, 4, 5, 6, 7 };
        clear.data = bytes_of(nothing, sizeof(nothing));
        assert_int_equal(usm_open(&clear, &ends.parameters, &ends.here, &how, &ends.scoped),
                         USM_DECRYPTION);
        clear.data = bytes_of(seven, sizeof(seven)); /* no block of DES, no PDU of AES */
        assert_int_equal(usm_open(&clear, &ends.parameters, &ends.here, &how, &ends.scoped),
                         USM_DECRYPTION);
        how.room_size = 10;
        assert_int_equal(usm_open(&ends.got, &ends.parameters, &ends.here, &how, &ends.scoped),
                         USM_DECRYPTION);
        clear = ends.got;
        clear.model = 2;
        assert_int_equal(usm_open(&clear, &ends.parameters, &ends.here, &how, &ends.scoped),
                         USM_BROKEN);
        clear.model = 3;
        clear.flags = SNMP_PRIV; /* never without a digest */
        assert_int_equal(usm_open(&clear, &ends.parameters, &ends.here, &how, &ends.scoped),
                         USM_BROKEN);
        usm_user_drop(ends.user);
    }
}

/* Smaller and smaller rooms: it fails, and never writes before the start. */
static void too_little_room_is_told(void **state)
{
    (void)state;
    const enum usm_priv privs[] = { USM_PRIV_NONE, USM_DES, USM_AES128 };
    for (size_t i = 0; i < 3; i++) {
        struct ends ends = ends_of(USM_SHA512, privs[i]);
        put_scoped(&ends, SNMP_GET);
        size_t scoped = ber_out_size(&ends.out);
        assert_int_equal(seal(&ends, SNMP_GET, ends.level, &ends.there, 0), 0);
        size_t whole = ber_out_size(&ends.out);
        for (size_t size = scoped; size <= whole; size++) {
            put_scoped(&ends, SNMP_GET);
            uint8_t *room = malloc(size);
            assert_non_null(room);
            struct ber_out out = ber_out_of(room, size);
            ber_put_raw(&out, ends.out.at, scoped);
            int error = usm_seal(&out, &(struct usm_seal){ .flags = ends.level,
                                                           .id = 4711,
                                                           .user = "busbar",
                                                           .engine = &ends.there,
                                                           .keys = &ends.keys,
                                                           .auth = USM_SHA512,
                                                           .priv = privs[i] });
            assert_int_equal(error, size < whole ? BUSBAR_ETOOBIG : 0);
            free(room);
        }
        usm_user_drop(ends.user);
    }
}

/* RFC 3414, 3.2 7 b */
static void the_clock_of_an_agent_is_followed(void **state)
{
    (void)state;
    struct ends ends = ends_of(USM_SHA256, USM_PRIV_NONE);
    assert_int_equal(usm_engine_now(&ends.here, 0), 0);
    assert_int_equal(answer(&ends, 10 * S), USM_FINE);
    assert_int_equal(usm_engine_now(&ends.here, 10 * S), 1010);
    assert_int_equal(usm_engine_now(&ends.here, 25 * S + S / 2), 1025);
    ends.there.time += 400; /* its clock runs faster than ours: newer, so it is taken */
    assert_int_equal(answer(&ends, 20 * S), USM_FINE);
    assert_int_equal(usm_engine_now(&ends.here, 20 * S), 1420);
    ends.there.time -=
        100; /* an answer that was late on the way, not the newest: good, not taken */
    assert_int_equal(answer(&ends, 20 * S), USM_FINE);
    assert_int_equal(usm_engine_now(&ends.here, 20 * S), 1420);
    assert_int_equal(ends.here.latest, 1420);
    ends.there.time -= 50; /* 150 s back is the last that is taken */
    assert_int_equal(answer(&ends, 20 * S), USM_FINE);
    ends.there.time -= 1;
    assert_int_equal(answer(&ends, 20 * S), USM_NOT_IN_WINDOW);
    ends.there.boots++; /* it restarted */
    ends.there.time = 0;
    assert_int_equal(answer(&ends, 20 * S), USM_FINE);
    assert_int_equal(usm_engine_now(&ends.here, 20 * S), 20);
    ends.there.boots -= 2; /* an old recording, or an agent that lost its count */
    ends.there.time = 5000;
    assert_int_equal(answer(&ends, 20 * S), USM_NOT_IN_WINDOW);
    assert_int_equal(ends.here.boots, 6);
    ends.here.timed = false; /* whoever asks long enough may believe it */
    assert_int_equal(answer(&ends, 20 * S), USM_FINE);
    assert_int_equal(ends.here.boots, 4);
    ends.there.boots = INT32_MAX; /* 2.2.2: never again */
    assert_int_equal(answer(&ends, 20 * S), USM_NOT_IN_WINDOW);
    assert_int_equal(ends.here.boots, 4);
    usm_user_drop(ends.user);
}

/* RFC 3414, 3.2 7 a */
static void our_own_clock_rules(void **state)
{
    (void)state;
    struct ends ends = ends_of(USM_SHA256, USM_PRIV_NONE);
    const struct {
        uint32_t boots, time;
        enum usm_trouble trouble;
    } rows[] = {
        { 5, 1000, USM_FINE },          { 5, 850, USM_FINE },
        { 5, 849, USM_NOT_IN_WINDOW },  { 5, 1150, USM_FINE },
        { 5, 1151, USM_NOT_IN_WINDOW }, { 4, 1000, USM_NOT_IN_WINDOW },
        { 6, 1000, USM_NOT_IN_WINDOW }, { 0, 0, USM_NOT_IN_WINDOW },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct usm_engine thought = ends.there;
        thought.boots = rows[i].boots;
        thought.time = rows[i].time;
        assert_int_equal(seal(&ends, SNMP_INFORM, ends.level, &thought, 0), 0);
        assert_int_equal(open_as(&ends, true, 0), rows[i].trouble);
        assert_int_equal(ends.there.boots, 5); /* nobody sets it */
        assert_int_equal(ends.there.time, 1000);
    }
    ends.there.boots = INT32_MAX;
    assert_int_equal(seal(&ends, SNMP_INFORM, ends.level, &ends.there, 0), 0);
    assert_int_equal(open_as(&ends, true, 0), USM_NOT_IN_WINDOW);
    usm_user_drop(ends.user);
}

static void the_last_second_is_not_passed(void **state)
{
    (void)state;
    struct usm_engine engine = { .timed = true, .time = INT32_MAX - 5, .at_us = 10 * S };
    assert_int_equal(usm_engine_now(&engine, 14 * S), INT32_MAX - 1);
    assert_int_equal(usm_engine_now(&engine, INT64_MAX), INT32_MAX);
    assert_int_equal(usm_engine_now(&engine, 0),
                     INT32_MAX - 5); /* time that stands, never goes back */
}

static void weaker_than_the_user_is_refused(void **state)
{
    (void)state;
    struct ends ends = ends_of(USM_SHA256, USM_AES128);
    for (uint8_t flags = 0; flags <= SNMP_AUTH; flags++) {
        assert_int_equal(seal(&ends, SNMP_RESPONSE, flags, &ends.there, S), 0);
        assert_int_equal(open_as(&ends, false, S), USM_UNSUPPORTED_LEVEL);
        assert_int_equal(seal(&ends, SNMP_INFORM, flags, &ends.there, S), 0);
        assert_int_equal(open_as(&ends, true, S), USM_UNSUPPORTED_LEVEL);
    }
    /* stronger than we have keys for */
    assert_int_equal(seal(&ends, SNMP_RESPONSE, ends.level, &ends.there, S), 0);
    struct ends plain = ends_of(USM_SHA256, USM_PRIV_NONE);
    struct usm_keys keys = plain.keys;
    memcpy(plain.message, ends.message, sizeof(ends.message));
    plain.out = ends.out;
    plain.keys = keys;
    assert_int_equal(open_as(&plain, false, S), USM_UNSUPPORTED_LEVEL);
    struct ends guest = ends_of(USM_AUTH_NONE, USM_PRIV_NONE);
    guest.out = ends.out;
    assert_int_equal(open_as(&guest, false, S), USM_UNSUPPORTED_LEVEL);
    usm_user_drop(guest.user);
    usm_user_drop(plain.user);
    usm_user_drop(ends.user);
}

/* An agent that does not know us says so in clear, maybe with an engine id that is new to us. */
static void a_report_may_be_weaker(void **state)
{
    (void)state;
    struct ends ends = ends_of(USM_SHA256, USM_AES128);
    for (uint8_t flags = 0; flags <= SNMP_AUTH; flags++) {
        assert_int_equal(seal(&ends, SNMP_REPORT, flags, &ends.there, S), 0);
        assert_int_equal(open_as(&ends, false, S), USM_FINE);
        assert_int_equal(ends.got.flags, flags);
        assert_int_equal(ends.here.timed, flags == SNMP_AUTH);
        assert_int_equal(open_as(&ends, true, S),
                         USM_UNSUPPORTED_LEVEL); /* not for our own engine */
    }
    ends.here.id[3] ^= 1;
    assert_int_equal(seal(&ends, SNMP_REPORT, 0, &ends.there, S), 0);
    assert_int_equal(open_as(&ends, false, S), USM_FINE);
    assert_memory_equal(ends.parameters.engine.at, ends.there.id, ends.there.size);
    assert_int_equal(seal(&ends, SNMP_REPORT, SNMP_AUTH, &ends.there, S), 0);
    assert_int_equal(open_as(&ends, false, S), USM_UNKNOWN_ENGINE);
    usm_user_drop(ends.user);
}

static void another_engine_is_unknown(void **state)
{
    (void)state;
    struct ends guest = ends_of(USM_AUTH_NONE, USM_PRIV_NONE);
    guest.here.id[6]++;
    assert_int_equal(answer(&guest, S), USM_UNKNOWN_ENGINE);
    guest.here.size = 0; /* the first answer of all: any engine */
    assert_int_equal(answer(&guest, S), USM_FINE);
    guest.there.size--;
    assert_int_equal(seal(&guest, SNMP_GET, 0, &guest.there, S), 0);
    guest.there.size++;
    assert_int_equal(open_as(&guest, true, S), USM_UNKNOWN_ENGINE);
    usm_user_drop(guest.user);
}

/* The first question of all: no user, no engine, no clock (RFC 3414, 4). */
static void the_engine_is_asked_for(void **state)
{
    (void)state;
    struct ends ends = ends_of(USM_SHA256, USM_AES128);
    const struct usm_engine none = { 0 };
    put_scoped(&ends, SNMP_GET);
    assert_int_equal(usm_seal(&ends.out, &(struct usm_seal){ .id = 1,
                                                             .flags = SNMP_REPORTABLE,
                                                             .user = "",
                                                             .engine = &none,
                                                             .now_us = 99 * S }),
                     0);
    assert_int_equal(open_as(&ends, true, S), USM_UNKNOWN_ENGINE);
    assert_int_equal(ends.got.flags, SNMP_REPORTABLE);
    assert_int_equal(bytes_left(&ends.parameters.engine), 0);
    assert_int_equal(bytes_left(&ends.parameters.user), 0);
    assert_int_equal(ends.parameters.boots, 0);
    assert_int_equal(ends.parameters.time, 0);
    usm_user_drop(ends.user);
}

/* Each field at its limit and beyond. */
static void parameters_have_limits(void **state)
{
    (void)state;
    static const uint8_t text[64];
    const struct {
        size_t engine;
        int64_t boots, time;
        size_t user;
        int error;
    } rows[] = {
        { 32, INT32_MAX, INT32_MAX, 32, 0 },   { 33, 0, 0, 0, BUSBAR_EPROTO },
        { 0, -1, 0, 0, BUSBAR_EPROTO },        { 0, 0, -1, 0, BUSBAR_EPROTO },
        { 0, 1LL << 31, 0, 0, BUSBAR_EPROTO }, { 0, 0, 0, 33, BUSBAR_EPROTO },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t room[256];
        struct ber_out out = ber_out_of(room, sizeof(room));
        const uint8_t *mark = ber_mark(&out);
        ber_put_octets(&out, BER_OCTETS, text, 8);
        ber_put_octets(&out, BER_OCTETS, text, 12);
        ber_put_octets(&out, BER_OCTETS, text, rows[i].user);
        ber_put_i64(&out, BER_INTEGER, rows[i].time);
        ber_put_i64(&out, BER_INTEGER, rows[i].boots);
        ber_put_octets(&out, BER_OCTETS, text, rows[i].engine);
        ber_put_head(&out, BER_SEQUENCE, mark);
        struct usm_parameters parameters;
        assert_int_equal(usm_parameters_decode(bytes_of(out.at, ber_out_size(&out)), &parameters),
                         rows[i].error);
    }
}

static void reports_have_their_oids(void **state)
{
    (void)state;
    const uint8_t digests[] = { 0x2b, 6, 1, 6, 3, 15, 1, 1, 5, 0 }; /* usmStatsWrongDigests.0 */
    struct snmp_oid oid = { digests, sizeof(digests) };
    assert_int_equal(usm_trouble_of_report(oid), USM_WRONG_DIGEST);
    oid.size--;
    assert_int_equal(usm_trouble_of_report(oid), USM_FINE);
    for (enum usm_trouble trouble = USM_FINE; trouble < USM_TROUBLES; trouble++) {
        oid = usm_report_oid(trouble);
        assert_int_equal(oid.size, trouble < USM_UNSUPPORTED_LEVEL ? 0 : 10);
        assert_int_equal(usm_trouble_of_report(oid), oid.size > 0 ? trouble : USM_FINE);
        assert_non_null(usm_trouble_words(trouble));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_opens),
        cmocka_unit_test(what_is_encrypted_cannot_be_read),
        cmocka_unit_test(one_flipped_bit_is_noticed),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(a_short_digest_is_refused),
        cmocka_unit_test(wrong_passwords_are_told_apart),
        cmocka_unit_test(what_cannot_be_decrypted_is_told),
        cmocka_unit_test(too_little_room_is_told),
        cmocka_unit_test(the_clock_of_an_agent_is_followed),
        cmocka_unit_test(our_own_clock_rules),
        cmocka_unit_test(the_last_second_is_not_passed),
        cmocka_unit_test(weaker_than_the_user_is_refused),
        cmocka_unit_test(a_report_may_be_weaker),
        cmocka_unit_test(another_engine_is_unknown),
        cmocka_unit_test(the_engine_is_asked_for),
        cmocka_unit_test(parameters_have_limits),
        cmocka_unit_test(reports_have_their_oids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
