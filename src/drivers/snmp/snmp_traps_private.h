/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the traps share. One file a step:
 *
 *   snmp_traps.c         life, listeners
 *   snmp_trap_take.c     a datagram: is it let in, is it kept
 *   snmp_trap_source.c   where datagrams come from: limits, counts
 *   snmp_trap_open.c     community, user; Reports to senders of informs
 *   snmp_trap_notice.c   what a trap says: v1 and v2 made one
 *   snmp_trap_whose.c    the device that it is of
 *   snmp_trap_event.c    the event
 *   snmp_trap_points.c   points that it sets, or has read
 *   snmp_trap_answer.c   informs: repeated ones, answers
 *   snmp_trap_told.c     what was not kept: an event a minute, and the status */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_TRAPS_PRIVATE_H
#define BUSBAR_DRIVERS_SNMP_SNMP_TRAPS_PRIVATE_H

#include "base/map.h"
#include "drivers/snmp/snmp_trap_engine.h"
#include "drivers/snmp/snmp_trap_users.h"
#include "drivers/snmp/snmp_traps.h"
#include "drivers/snmp/snmp_value.h"
#include "net/datagram.h"
#include "net/timer.h"

enum {
    /* senders that are no devices, each with a limit of its own; the rest share one */
    SNMP_TRAP_STRANGERS_MAX = 10000,
    SNMP_TRAP_LOOKED_MAX = 64,     /* devices of one address whose users are tried */
    SNMP_TRAP_VARIABLES_MAX = 56,  /* kept of one trap: EVENT_ARGUMENTS_MAX less our own */
    SNMP_TRAP_WAITING_MAX = 10000, /* informs that are not on disk yet */
    SNMP_TRAP_WAITING_BYTES = 16 << 20,
    SNMP_TRAP_REPEATS_MAX = 65536, /* informs that are known when they come again */
    SNMP_TRAP_REPEAT_S = 300,      /* for so long */
    SNMP_TRAP_TOLD_MAX = 48,       /* senders and reasons named in one event */
    SNMP_TRAP_LINE_MAX = 3,        /* of them in its text */
    SNMP_TRAP_TOLD_MS = 60000,
    SNMP_TRAP_MEND_MS = 30000, /* a port that could not be opened is tried again */
};

/* Why a datagram is not kept: a word for arguments, and in words that follow a count. X(name, word, words) */
#define SNMP_TRAP_REFUSALS(X)                                                            \
    X(SENDER, "not allowed", "of senders that are not allowed (`allow`)")                \
    X(RATE, "too many", "over the limit of a sender (`trap_rate`)")                      \
    X(BROKEN, "broken", "that are no SNMP messages, or broken")                          \
    X(OTHER, "no traps", "that are no traps: questions are not answered here")           \
    X(COMMUNITY, "community",                                                            \
      "with a community that is neither the device's nor in `credentials`")              \
    X(INSECURE, "insecure", "without a password, of devices that have one")              \
    X(USER, "user", "of a user that neither the device has nor `credentials`")           \
    X(LEVEL, "level", "less secure than their user is")                                  \
    X(DIGEST, "password", "with a wrong password")                                       \
    X(WINDOW, "time",                                                                    \
      "out of their time: sent again by somebody, or the sender's clock went back")      \
    X(CIPHER, "cipher", "that cannot be decrypted: is the priv password right?")         \
    X(ENGINE, "engine", "for another engine than ours, or of an engine id that is none") \
    X(OFF, "off", "of devices that are paused, or have `traps: false`")                  \
    X(STORE, "disk", "that could not be stored")                                         \
    X(BUSY, "busy", "as too many informs waited for the disk")

enum snmp_trap_refusal {
#define X(name, word, words) SNMP_REFUSED_##name,
    SNMP_TRAP_REFUSALS(X)
#undef X
        SNMP_REFUSED_COUNT
};

struct snmp_traps;
struct snmp_trap_device;

/* One of several under a key. */
struct snmp_trap_member {
    struct list link;
    struct snmp_trap_device *of;
    void *group; /* struct snmp_trap_group or snmp_trap_source; NULL: in none */
};

/* Devices that have one thing in common. */
struct snmp_trap_group {
    struct list members;
    uint64_t hash;
    size_t size;
    uint8_t key[];
};

/* A sender. */
struct snmp_trap_source {
    struct endpoint from; /* port 0; family 0: all that have no place of their own */
    struct list devices;  /* members of those that have this address */
    int64_t next_ns;      /* monotonic: when the next one is due at the rate that is allowed */
    int64_t seen_us;
    bool named;                           /* by a network of `allow` */
    bool heard;                           /* Discover knows of it */
    bool untold;                          /* in traps->untold */
    struct list link;                     /* traps->untold, or traps->free */
    uint32_t refused[SNMP_REFUSED_COUNT]; /* not told yet */
};

struct snmp_trap_device {
    struct snmp_device *device;
    struct snmp_trap_member engine, community, place, caller;
    struct snmp_trap_member *addresses; /* the polled one first; then those of `trap_addresses` */
    size_t address_count;
    uint32_t *hooked; /* points that traps do something to */
    size_t hooked_count;
    uint32_t *wanted; /* scratch: points to be read */
};

struct snmp_trap_listener {
    struct snmp_traps *traps;
    struct endpoint at;
    struct datagram *socket; /* NULL: could not be opened */
    struct err trouble;
};

struct snmp_traps {
    struct snmp_driver_state *state;
    struct snmp_trap_listener *listeners[SNMP_TRAP_LISTENERS_MAX];
    size_t listener_count;
    uint64_t setups; /* an answer to an inform of a listener before is not sent */
    struct timer mend;

    struct allow allow;
    int64_t rate, burst, interval_ns;
    struct map64 sources;               /* by address */
    struct snmp_trap_source *strangers; /* SNMP_TRAP_STRANGERS_MAX; NULL: none came yet */
    struct list free;                   /* of them */
    struct snmp_trap_source others;
    struct map64 engines, communities; /* groups */
    struct map64 places;               /* groups by address and port */
    struct map64 callers;              /* groups by address and community or user */

    struct snmp_trap_engine engine;
    struct snmp_trap_users users;
    uint64_t salt;
    uint32_t reports[USM_TROUBLES]; /* usmStats counters, sent with Reports */

    struct map64 repeats;
    struct snmp_trap_repeat *ring;
    size_t ring_at;
    struct list answers; /* wait for the disk */
    size_t answer_count, answer_bytes;

    uint64_t received, kept, informs, repeated, answered, unanswered;
    uint64_t refused[SNMP_REFUSED_COUNT];
    struct list untold; /* sources */
    struct timer tell;

    struct snmp_trap_scratch *scratch;
};

/* A trap or an inform, opened. Borrowed from the datagram and from traps->scratch. */
struct snmp_trap_notice {
    struct snmp_trap_listener *listener;
    const struct endpoint *from;
    struct snmp_trap_source *source;
    bool named; /* the sender is, by a network of `allow` */
    const struct snmp_message *message;
    enum snmp_version version;
    uint8_t level; /* v3: how secure it came */
    bool inform;
    struct bytes engine;   /* v3: of the sender, as far as it says */
    struct bytes context;  /* v3 */
    struct usm_user *user; /* v3 */
    const struct usm_keys *keys;
    struct snmp_pdu pdu;
    struct snmp_oid trap;       /* snmpTrapOID, made of a v1 trap as RFC 3584, 3.1 says */
    struct snmp_oid enterprise; /* size 0: none */
    struct endpoint
        agent; /* snmpTrapAddress, agent-addr: of whom it says it is; family 0: nobody */
    uint32_t uptime;
    const struct snmp_varbind *variables; /* all others */
    size_t variable_count;
    bool cut; /* there are more */
};

/* Big things of one datagram, made once. */
struct snmp_trap_scratch {
    struct snmp_oid_buf trap;
    struct snmp_varbind variables[SNMP_TRAP_VARIABLES_MAX];
    struct event_argument arguments[EVENT_ARGUMENTS_MAX];
    char names[EVENT_ARGUMENTS_MAX][EVENT_NAME_MAX + 1];
    struct text *texts[EVENT_ARGUMENTS_MAX];
    struct text *value; /* of a point */
    struct buf print, line;
    uint8_t room[SNMP_MESSAGE_MAX];  /* decrypted */
    uint8_t reply[SNMP_MESSAGE_MAX]; /* being written */
};

/* ---- snmp_trap_source.c ---- */
void snmp_trap_sources_init(struct snmp_traps *traps);
void snmp_trap_sources_fini(struct snmp_traps *traps);
/* Never NULL: `others` when there is no room for one more. */
struct snmp_trap_source *snmp_trap_source_of(struct snmp_traps *traps, const struct endpoint *from);
/* NULL: nobody of there is known. */
struct snmp_trap_source *snmp_trap_source_find(const struct snmp_traps *traps,
                                               const struct endpoint *from);
void snmp_trap_source_join(struct snmp_traps *traps, const struct endpoint *address,
                           struct snmp_trap_member *member);
void snmp_trap_source_leave(struct snmp_traps *traps, struct snmp_trap_member *member);
/* False: over the limit. */
bool snmp_trap_source_admit(const struct snmp_traps *traps, struct snmp_trap_source *source,
                            int64_t now_us);
void snmp_trap_refuse(struct snmp_traps *traps, struct snmp_trap_source *source,
                      enum snmp_trap_refusal why);
/* Strangers that were silent for a minute give up their places; the limit or the networks changed: all do. */
void snmp_trap_sources_sweep(struct snmp_traps *traps, int64_t now_us, bool changed);

/* ---- snmp_trap_take.c ---- */
void snmp_trap_take(struct snmp_trap_listener *listener, const struct endpoint *from,
                    const uint8_t *data, size_t size);

/* ---- snmp_trap_open.c ---- */
/* SNMP_OPENED and a notice of somebody who may send, its PDU decoded, or the reason why it is refused (enum
 * snmp_trap_refusal); SNMP_ANSWERED: it only asked for our engine. */
enum { SNMP_OPENED = -1, SNMP_ANSWERED = -2 };
int snmp_trap_open(struct snmp_traps *traps, struct snmp_trap_notice *notice);
/* Whether the login that came is good enough for this device; after snmp_trap_whose(). As above. */
int snmp_trap_check(const struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                    const struct snmp_trap_device *device);

/* ---- snmp_trap_notice.c ---- */
/* False: it breaks the rules. */
bool snmp_trap_read(struct snmp_traps *traps, struct snmp_trap_notice *notice);

/* ---- snmp_trap_whose.c ---- */
void snmp_trap_group_join(struct map64 *groups, const void *key, size_t size,
                          struct snmp_trap_member *member);
void snmp_trap_group_leave(struct map64 *groups, struct snmp_trap_member *member);
struct snmp_trap_group *snmp_trap_group_of(const struct map64 *groups, struct bytes key);
/* NULL: none of the devices, or it is not clear which. */
struct snmp_trap_device *snmp_trap_whose(struct snmp_traps *traps,
                                         const struct snmp_trap_notice *notice);
/* Enters and takes out what a device is found by. */
void snmp_trap_place(struct snmp_traps *traps, struct snmp_trap_device *device);
void snmp_trap_unplace(struct snmp_traps *traps, struct snmp_trap_device *device);
/* The device that is polled at this address and port, when there is just one. */
struct snmp_trap_device *snmp_trap_at(const struct snmp_traps *traps, const struct endpoint *at);
/* Those at the address that a notice came from which have its community or user; NULL: none. */
const struct snmp_trap_group *snmp_trap_callers(const struct snmp_traps *traps,
                                                const struct snmp_trap_notice *notice);
/* The device of an engine that polls found, when there is just one. */
struct snmp_trap_device *snmp_trap_of_engine(const struct snmp_traps *traps, struct bytes engine);

/* ---- snmp_trap_event.c ---- */
/* 0: on_disk runs later. Else nothing was taken. device NULL: of the driver itself. */
int snmp_trap_event(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                    struct snmp_trap_device *device, driver_cb on_disk, void *ctx);
/* "linkDown": the name without its module; digits where there is none. Into traps->scratch->print. */
const char *snmp_trap_name(struct snmp_traps *traps, struct snmp_oid oid, bool module);

/* "10.0.4.9", without the port. */
void snmp_trap_print_address(const struct endpoint *address, char *to, size_t size);

/* ---- snmp_trap_points.c ---- */
void snmp_trap_points_find(struct snmp_trap_device *device);
void snmp_trap_points_apply(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                            struct snmp_trap_device *device);

/* ---- snmp_trap_answer.c ---- */
/* What is to be done with an inform: it is new (0: an answer is kept for when it is on disk), or it came before (1: it was
 * answered again, or waits for the disk), or there is no room (negative). */
struct snmp_trap_answer;
int snmp_trap_answer_make(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                          struct snmp_trap_answer **out);
void snmp_trap_answer_on_disk(void *answer, int error); /* driver_cb; frees it */
void snmp_trap_answers_close(struct snmp_traps *traps);
/* A Report to whom asks for our engine, or does not know it well. */
void snmp_trap_report(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                      enum usm_trouble trouble, int32_t request_id);

/* ---- snmp_trap_told.c ---- */
void snmp_trap_tell(struct timer *timer, void *ctx);

#endif
