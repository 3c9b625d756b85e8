/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and PDUs of SNMP: v1 (RFC 1157), v2c (RFC 1901, 3416), v3 (RFC 3412). Everything decoded is borrowed
 * from the datagram; nothing is allocated. Used by the driver and by the simulator. */
#ifndef BUSBAR_DRIVERS_SNMP_BER_PDU_H
#define BUSBAR_DRIVERS_SNMP_BER_PDU_H

#include "drivers/snmp/ber/ber.h"

enum {
    SNMP_MESSAGE_MAX = 65507, /* what a UDP datagram can carry */
    SNMP_MESSAGE_LEAST = 484, /* what every agent takes (RFC 3417, 3.2) */
    SNMP_VARBINDS_MAX = 2048, /* taken of one message */
    SNMP_COMMUNITY_MAX = 255,
    SNMP_CONTEXT_MAX = 255,
};

enum snmp_version { SNMP_V1 = 0, SNMP_V2C = 1, SNMP_V3 = 3 }; /* as on the wire */

enum snmp_pdu_type {
    SNMP_GET = 0xa0,
    SNMP_GETNEXT = 0xa1,
    SNMP_RESPONSE = 0xa2,
    SNMP_SET = 0xa3,
    SNMP_TRAP_V1 = 0xa4,
    SNMP_GETBULK = 0xa5,
    SNMP_INFORM = 0xa6,
    SNMP_TRAP = 0xa7,
    SNMP_REPORT = 0xa8,
};

/* error-status (RFC 3416, 3). */
enum snmp_status {
    SNMP_NO_ERROR = 0,
    SNMP_TOO_BIG = 1,
    SNMP_NO_SUCH_NAME = 2,
    SNMP_BAD_VALUE = 3,
    SNMP_READ_ONLY = 4,
    SNMP_GEN_ERR = 5,
    SNMP_NO_ACCESS = 6,
    SNMP_WRONG_TYPE = 7,
    SNMP_WRONG_LENGTH = 8,
    SNMP_WRONG_ENCODING = 9,
    SNMP_WRONG_VALUE = 10,
    SNMP_NO_CREATION = 11,
    SNMP_INCONSISTENT_VALUE = 12,
    SNMP_RESOURCE_UNAVAILABLE = 13,
    SNMP_COMMIT_FAILED = 14,
    SNMP_UNDO_FAILED = 15,
    SNMP_AUTHORIZATION_ERROR = 16,
    SNMP_NOT_WRITABLE = 17,
    SNMP_INCONSISTENT_NAME = 18,
};
const char *snmp_status_word(
    int32_t status); /* "tooBig"; "error 77" is the caller's: NULL for unknown */

struct snmp_value {
    uint8_t tag; /* enum ber_tag, or any other that came */
    struct bytes content;
};

struct snmp_varbind {
    struct snmp_oid oid;
    struct snmp_value value;
};

struct snmp_pdu {
    uint8_t type; /* enum snmp_pdu_type */
    int32_t request_id;
    int32_t error_status; /* GETBULK: non-repeaters */
    int32_t error_index;  /* GETBULK: max-repetitions */
    /* SNMP_TRAP_V1 only (RFC 1157, 4.1.6) */
    struct snmp_oid enterprise;
    uint8_t agent[4];
    int32_t generic, specific;
    uint32_t uptime;       /* hundredths of a second */
    struct bytes varbinds; /* to be read by snmp_varbind_next() */
};

/* One PDU, all of `in`. 0, BUSBAR_EPROTO (no PDU, or one that breaks the rules), BUSBAR_ELIMIT (more varbinds than
 * SNMP_VARBINDS_MAX). After 0 every varbind is well formed and every OID in it is good. */
int snmp_pdu_decode(struct bytes in, struct snmp_pdu *out);
/* Of a PDU that was decoded: false: there are no more. Of others also where they are broken (`varbinds` has failed), and
 * what names hold is not checked. */
bool snmp_varbind_next(struct bytes *varbinds, struct snmp_varbind *out);

/* A message as it came. */
struct snmp_message {
    int32_t version;        /* enum snmp_version, or what else stood there */
    struct bytes community; /* v1, v2c */
    struct bytes pdu;       /* v1, v2c: the PDU */
    /* v3 (RFC 3412, 6) */
    int32_t id, size_max, model;
    uint8_t flags;         /* enum snmp_flags */
    struct bytes security; /* the octets of msgSecurityParameters */
    struct bytes data;     /* the scoped PDU with its tag, or the OCTET STRING it is encrypted in */
    struct bytes whole;    /* the datagram */
};
enum snmp_flags { SNMP_AUTH = 1, SNMP_PRIV = 2, SNMP_REPORTABLE = 4 };

/* 0, or BUSBAR_EPROTO. Of an unknown version only `version` is set, and it is 0. */
int snmp_message_decode(const void *data, size_t size, struct snmp_message *out);

/* A scoped PDU (RFC 3412, 6.8) in clear. */
struct snmp_scoped {
    struct bytes engine, context, pdu;
};
int snmp_scoped_decode(struct bytes in, struct snmp_scoped *out);

/* ---- writing; see ber.h: from the back to the front ----
 * The order for a v2c request: varbinds from the last to the first, snmp_put_pdu_head(), snmp_put_message_head(). */
void snmp_put_varbind(struct ber_out *out, struct snmp_oid oid,
                      const struct snmp_value *value); /* NULL: NULL */
/* mark: taken before the last varbind was written. Not SNMP_TRAP_V1. */
void snmp_put_pdu_head(struct ber_out *out, const struct snmp_pdu *pdu, const uint8_t *mark);
/* The same of a v1 trap. */
void snmp_put_trap_head(struct ber_out *out, const struct snmp_pdu *pdu, const uint8_t *mark);
void snmp_put_message_head(struct ber_out *out, enum snmp_version version, const void *community,
                           size_t size, const uint8_t *mark);
void snmp_put_scoped_head(struct ber_out *out, struct bytes engine, struct bytes context,
                          const uint8_t *mark);

#endif
