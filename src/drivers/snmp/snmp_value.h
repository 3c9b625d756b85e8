/* SPDX-License-Identifier: Apache-2.0 */
/* Values of SNMP as samples and back: by the tag that came, the point's meaning (from MIBs or its settings) and,
 * for counters, what came before. Pure. (snmp_value.c reads, snmp_value_write.c writes, snmp_value_print.c prints.) */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_VALUE_H
#define BUSBAR_DRIVERS_SNMP_SNMP_VALUE_H

#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/mib/mib.h"
#include "model/sample.h"

/* How to read (and write) a value: `type:` of a point; SNMP_AUTO is by what came and what the MIB says. */
enum snmp_type {
    SNMP_AUTO,
    SNMP_INT,      /* INTEGER, Gauge32, Counter ...: as it is */
    SNMP_UNSIGNED, /* SET as Unsigned32/Gauge32 */
    SNMP_COUNTER,
    SNMP_TICKS,    /* TimeTicks: seconds, as a double */
    SNMP_TEXT,     /* octets by DISPLAY-HINT, as text where they are one, else as hex */
    SNMP_HEX,      /* octets as "00:1a:2b" */
    SNMP_NUMBER,   /* a number written as text: "21.4" */
    SNMP_OID_TYPE, /* as its name */
    SNMP_ADDRESS,  /* IpAddress: "10.0.0.1" */
    SNMP_FLOAT,    /* Opaque float or double (NET-SNMP-TC), also in octets */
    SNMP_BITS,     /* names of bits that are set: "a, b"; one bit (`bit: 3`) as a bool */
    SNMP_BOOL,     /* TruthValue: 1 true, 2 false; other numbers: not 0 */
    SNMP_DATE,     /* DateAndTime as text, RFC 3339 */
};
extern const char *const snmp_type_words[]; /* "auto", "int" ...; NULL-terminated */

/* What a counter's point shows. */
enum snmp_as {
    SNMP_AS_IS,  /* the number as it came */
    SNMP_TOTAL,  /* 32 bits continued over each wrap: it only falls when the device started again */
    SNMP_RATE,   /* per second, between two polls: a decimal number of nine digits at most */
    SNMP_CHANGE, /* since the poll before */
};
extern const char *const snmp_as_words[];

/* Shared by points that read alike. */
struct snmp_meaning {
    enum snmp_type type;
    int16_t bit;    /* -1: none */
    uint8_t syntax; /* enum mib_syntax; MIB_NONE: not known */
    double divisor; /* of DISPLAY-HINT "d-2": 100; 1: none */
    const struct mib_object
        *object; /* in the catalogue of the setup, which outlives the device; NULL */
    const struct mib_enum *enums; /* of the object: names of numbers, or of bits */
    uint16_t enum_count;
    const char *hint; /* of octets; "" */
};

/* What SNMP_AUTO means for the object: TruthValue becomes SNMP_BOOL, DateAndTime SNMP_DATE, TimeTicks SNMP_TICKS ...; then
 * facts and values agree whatever the device sends. Without an object SNMP_AUTO stays. Call it when the meaning is complete. */
void snmp_meaning_settle(struct snmp_meaning *meaning);

/* A value as a sample: type, value, quality and detail are set. text: scratch for VALUE_TEXT, valid as long as it is
 * not used again. Of noSuchObject, noSuchInstance, endOfMibView: bad with their detail (snmp_detail.h). */
void snmp_value_read(const struct snmp_meaning *meaning, const struct mib *mib,
                     const struct snmp_value *value, struct text **text, struct sample *out);

/* The same of a point with `as`: what snmp_counter_next() wants. Any whole number that is not negative will do, one
 * that is no Counter64 counts as 32 bits. False: there is none, out is a bad sample that says why. */
bool snmp_value_counter(const struct snmp_value *value, uint64_t *raw, unsigned *bits,
                        struct sample *out);

/* What VALUE_* a point of this meaning has; VALUE_NONE: only the device knows. */
uint8_t snmp_value_type(const struct snmp_meaning *meaning, enum snmp_as as);

/* A value for SET, in the type of the MIB or of the point. Writes into `room` (TEXT_BYTES_MAX is always enough).
 * BUSBAR_ERANGE: does not fit type, range or size; BUSBAR_EINVAL: no such name, not such a text; BUSBAR_EWRONGTYPE: nobody
 * knows which type the device wants; err says what is allowed. */
int snmp_value_write(const struct snmp_meaning *meaning, const struct mib *mib,
                     const struct sample *sample, uint8_t *room, size_t room_size,
                     struct snmp_value *out, struct err *err);

/* For people, in one line, as the field writes it: "up(1)", "0:12:03.45", "00:1a:2b:3c:4d:5e", "SNMPv2-SMI::zeroDotZero".
 * object: what it is a value of; NULL: not known. */
void snmp_value_print(const struct mib *mib, const struct mib_object *object,
                      const struct snmp_value *value, struct buf *out);

/* ---- counters (snmp_counter.c) ---- */

/* Of a point with `as`; zeroed: nothing came yet. */
struct snmp_counter {
    uint64_t raw, total; /* total equals raw in the bits that the counter has */
    int64_t at_us;       /* monotonic; 0: nothing came yet */
    uint32_t uptime;     /* the caller's: sysUpTime that came with it */
    float per_s;         /* as it was between the last two values; below 0: not known */
};

/* Whether a device started again between two values of sysUpTime, which wraps by itself every 497 days. */
bool snmp_uptime_restarted(uint32_t before, uint32_t now, int64_t elapsed_us);

/* After a start of the gateway: goes on from the last total that was kept, age_us old, so that wraps counted before
 * it are not lost and nothing over the history sees the total fall. Only of SNMP_TOTAL, before the first value. */
void snmp_counter_resume(struct snmp_counter *counter, uint64_t total, int64_t age_us,
                         int64_t now_us);

/* A counter's new value; bits: 32 or 64. restarted: the device started again since the value before (sysUpTime), or its
 * discontinuity time changed. False: there is no sample yet (SNMP_RATE and SNMP_CHANGE after a start, a restart, and
 * when polls were lost for longer than the counter takes to wrap); the point is QUALITY_NOT_YET then. */
bool snmp_counter_next(struct snmp_counter *counter, enum snmp_as as, unsigned bits, uint64_t raw,
                       bool restarted, int64_t now_us, struct sample *out);

#endif
