/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of SNMPv3 secured by the User-based Security Model (RFC 3414; HMAC-SHA-2: RFC 7860; AES: RFC 3826):
 * sealing what is sent, opening what came, and the clock of an engine. Everything is in structs of the caller: no
 * globals, no allocation, no clock of its own. Full-length digests only, compared in constant time.
 *
 * For requests the agent's engine is the authoritative one, as it is for traps; for informs ours is. */
#ifndef BUSBAR_DRIVERS_SNMP_USM_USM_H
#define BUSBAR_DRIVERS_SNMP_USM_USM_H

#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/usm/user.h"

#define USM_WINDOW_S 150 /* RFC 3414, 2.2.3 */

/* What is known of an engine. size 0: nothing yet. */
struct usm_engine {
    uint8_t id[USM_ENGINE_MAX];
    uint8_t size;
    bool timed;      /* boots and time are from an authentic message */
    uint32_t boots;  /* snmpEngineBoots */
    uint32_t time;   /* snmpEngineTime at `at_us` */
    uint32_t latest; /* latestReceivedEngineTime */
    int64_t at_us;   /* monotonic */
};

/* The parameters of a message that came, before anything of it is believed (RFC 3414, 2.4). */
struct usm_parameters {
    struct bytes engine, user, auth, priv;
    uint32_t boots, time;
};
/* The octets of `message->security`. 0, BUSBAR_EPROTO. */
int usm_parameters_decode(struct bytes security, struct usm_parameters *out);

/* Why a message was not taken, or what a Report says (the OID of usmStats, RFC 3414, 5). */
enum usm_trouble {
    USM_FINE,
    USM_BROKEN,            /* cannot be decoded */
    USM_UNSUPPORTED_LEVEL, /* usmStatsUnsupportedSecLevels; or weaker than the user is */
    USM_NOT_IN_WINDOW,     /* usmStatsNotInTimeWindows */
    USM_UNKNOWN_USER,      /* usmStatsUnknownUserNames */
    USM_UNKNOWN_ENGINE,    /* usmStatsUnknownEngineIDs */
    USM_WRONG_DIGEST,      /* usmStatsWrongDigests */
    USM_DECRYPTION,        /* usmStatsDecryptionErrors */
    USM_TROUBLES
};
/* In plain words with what to do: "the password of user 'busbar' is wrong ...". */
const char *usm_trouble_words(enum usm_trouble trouble);
/* Of a Report's first varbind; USM_FINE: it is none of these. */
enum usm_trouble usm_trouble_of_report(struct snmp_oid oid);
/* The OID to report a trouble with, for an authoritative engine (informs, simulator). */
struct snmp_oid usm_report_oid(enum usm_trouble trouble);

struct usm_seal {
    int32_t id;                      /* msgID */
    uint8_t flags;                   /* SNMP_AUTH, SNMP_PRIV, SNMP_REPORTABLE */
    const char *user;                /* "" for the first question to an unknown engine */
    const struct usm_engine *engine; /* size 0: ask for it */
    const struct usm_keys *keys;     /* with SNMP_AUTH; localised to that engine */
    enum usm_auth auth;
    enum usm_priv priv;
    uint64_t salt;  /* never the same twice with one key; SNMP_PRIV */
    int64_t now_us; /* monotonic */
};
/* Puts the message around a scoped PDU that is in `out` from at to end: in place, encrypted where asked. An engine
 * that is not `timed` gets boots and time of 0, as RFC 3414, 4 wants it. 0, BUSBAR_ETOOBIG (no room),
 * BUSBAR_EINTERNAL (the library refused). */
int usm_seal(struct ber_out *out, const struct usm_seal *seal);

/* Checks and opens a message of a known user, in the order of RFC 3414, 3.2: engine, level, digest, time, cipher.
 * `parameters` are those of this message. Where the engine is not our own (we asked, or take a trap):
 *   - the id of `engine` is that which `keys` are of; with size 0 (and no authentication) any engine is taken;
 *   - after a good digest, `engine` takes its newer clock (3.2 7 b); one that went back is refused, so whoever
 *     gets no other answer for long may clear `timed`, and believe the next;
 *   - a Report may be weaker than `level`, and without SNMP_AUTH also of another engine: agents that do not know
 *     the user, the engine or the time can do no better. message->flags say how far to trust it.
 * room: for the decrypted octets, at least as big as message->data; `out` is in it, or in the message.
 * An authentic message in its window moves the clock also where it is refused afterwards (cipher, level). */
struct usm_open {
    uint8_t level; /* at least so secure: SNMP_AUTH | SNMP_PRIV of the user */
    const struct usm_keys *keys;
    enum usm_auth auth;
    enum usm_priv priv;
    int64_t now_us;
    bool authoritative; /* `engine` is our own: its clock rules (RFC 3414, 3.2 7 a) */
    uint8_t *room;
    size_t room_size;
};
enum usm_trouble usm_open(const struct snmp_message *message,
                          const struct usm_parameters *parameters, struct usm_engine *engine,
                          const struct usm_open *how, struct snmp_scoped *out);

/* snmpEngineTime as it is now; 0 when it is not known. */
uint32_t usm_engine_now(const struct usm_engine *engine, int64_t now_us);

#endif
