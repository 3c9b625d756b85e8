/* SPDX-License-Identifier: Apache-2.0 */
/* BER as SNMP uses it (X.690, restricted by RFC 3417, 8): definite lengths only, tags of one octet.
 *
 * Reading is by the bounded cursor (base/bytes.h): a failed read makes the cursor failed, and gives 0. Lengths and
 * integers may be longer than needed, as many agents send them (an integer of at most 8 octets, and a 0 before it when
 * it is unsigned); OIDs may not, for they are compared by their octets.
 *
 * Writing goes from the back to the front, so that lengths are known when they are written. Too little room
 * makes the writer failed, which is sticky: write all, ask once. */
#ifndef BUSBAR_DRIVERS_SNMP_BER_BER_H
#define BUSBAR_DRIVERS_SNMP_BER_BER_H

#include "base/bytes.h"
#include "drivers/snmp/ber/oid.h"

enum ber_tag {
    BER_INTEGER = 0x02,
    BER_OCTETS = 0x04,
    BER_NULL = 0x05,
    BER_OID = 0x06,
    BER_SEQUENCE = 0x30,
    BER_IP_ADDRESS = 0x40,
    BER_COUNTER32 = 0x41,
    BER_GAUGE32 = 0x42, /* and Unsigned32 */
    BER_TIMETICKS = 0x43,
    BER_OPAQUE = 0x44,
    BER_NSAP = 0x45, /* RFC 1442, obsolete: shown as octets */
    BER_COUNTER64 = 0x46,
    BER_UINTEGER32 = 0x47, /* RFC 1442, obsolete */
    BER_NO_SUCH_OBJECT = 0x80,
    BER_NO_SUCH_INSTANCE = 0x81,
    BER_END_OF_MIB_VIEW = 0x82,
};

enum {
    BER_TAG_LONG = 0x1f,    /* all of these bits: the tag goes on in the next octet */
    BER_LENGTH_LONG = 0x80, /* this bit: as many octets of length follow as the others say */
};

/* The tag and the content of what comes next; the cursor moves behind it. At the end of `in` it fails. */
uint8_t ber_get_any(struct bytes *in, struct bytes *content);
/* The same; here most are done: a length of one octet, and all of the value there. */
static inline uint8_t ber_get(struct bytes *in, struct bytes *content)
{
    size_t left = bytes_left(in);
    if (in->failed || left < 2 || (in->at[0] & BER_TAG_LONG) == BER_TAG_LONG ||
        (in->at[1] & BER_LENGTH_LONG) != 0 || left - 2 < in->at[1]) {
        return ber_get_any(in, content);
    }
    uint8_t tag = in->at[0];
    *content = bytes_of(in->at + 2, in->at[1]);
    in->at = content->end;
    return tag;
}
/* The content of what comes next, which must have this tag. */
struct bytes ber_get_of(struct bytes *in, uint8_t tag);
int32_t ber_get_i32(struct bytes *in); /* INTEGER */
struct bytes ber_get_octets(struct bytes *in);
struct snmp_oid ber_get_oid(struct bytes *in);

/* The content of an integer type as a number; false (and 0): empty, or more than fits. */
bool ber_int(struct bytes content, int64_t *out);
/* The same of an unsigned type. Careless agents leave out the 0 before a high bit: such a negative number is taken as
 * the 32 bits it stands for, of more than four octets as the 64 bits. */
bool ber_uint(struct bytes content, uint64_t *out);

/* Invariant: start <= at; what is written is at..end. */
struct ber_out {
    uint8_t *start, *at, *end;
    bool failed;
};
struct ber_out ber_out_of(void *room, size_t size);
static inline size_t ber_out_size(const struct ber_out *out)
{
    return (size_t)(out->end - out->at);
}
/* Where a constructed value ends: written before its content, as all goes backwards; closed by ber_put_head(). */
static inline const uint8_t *ber_mark(const struct ber_out *out)
{
    return out->at;
}
void ber_put_head(struct ber_out *out, uint8_t tag,
                  const uint8_t *mark); /* tag and length of at..mark */
void ber_put_raw(struct ber_out *out, const void *data, size_t size);
void ber_put_i64(struct ber_out *out, uint8_t tag, int64_t value);
void ber_put_u64(struct ber_out *out, uint8_t tag, uint64_t value);
void ber_put_octets(struct ber_out *out, uint8_t tag, const void *data, size_t size);
void ber_put_oid(struct ber_out *out, struct snmp_oid oid);
void ber_put_empty(struct ber_out *out, uint8_t tag);

#endif
