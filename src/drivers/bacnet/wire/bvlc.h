/* SPDX-License-Identifier: Apache-2.0 */
/* BACnet Virtual Link Layer over IPv4 (ASHRAE 135, annex J): the outermost bytes of each datagram.
 *
 *   type u8 = 0x81 | function u8 | length u16, of the whole datagram | body
 *
 * Pure: one datagram in, a struct out, and back. What is borrowed lies in the datagram. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_BVLC_H
#define BUSBAR_DRIVERS_BACNET_WIRE_BVLC_H

#include "base/bytes.h"

enum {
    BACNET_BVLC_TYPE = 0x81,
    BACNET_BVLC_SIZE = 4,            /* the header */
    BACNET_BVLC_FORWARDED_SIZE = 10, /* with the address of who sent it first */
    BACNET_BDT_ENTRY_SIZE = 10,
    BACNET_FDT_ENTRY_SIZE = 10,
};

enum bacnet_bvlc_function {
    BACNET_BVLC_RESULT = 0x00,
    BACNET_BVLC_WRITE_BDT = 0x01, /* broadcast distribution table */
    BACNET_BVLC_READ_BDT = 0x02,
    BACNET_BVLC_READ_BDT_ACK = 0x03,
    BACNET_BVLC_FORWARDED = 0x04,
    BACNET_BVLC_REGISTER = 0x05, /* as a foreign device */
    BACNET_BVLC_READ_FDT = 0x06, /* foreign device table */
    BACNET_BVLC_READ_FDT_ACK = 0x07,
    BACNET_BVLC_DELETE_FDT = 0x08,
    BACNET_BVLC_DISTRIBUTE = 0x09, /* a foreign device's broadcast, to its BBMD */
    BACNET_BVLC_UNICAST = 0x0a,
    BACNET_BVLC_BROADCAST = 0x0b,
    BACNET_BVLC_SECURE = 0x0c, /* withdrawn from the standard; refused */
};

/* Of BACNET_BVLC_RESULT, annex J.2.1. */
enum bacnet_bvlc_result {
    BACNET_RESULT_OK = 0x0000,
    BACNET_RESULT_WRITE_BDT = 0x0010,
    BACNET_RESULT_READ_BDT = 0x0020,
    BACNET_RESULT_REGISTER = 0x0030,
    BACNET_RESULT_READ_FDT = 0x0040,
    BACNET_RESULT_DELETE_FDT = 0x0050,
    BACNET_RESULT_DISTRIBUTE = 0x0060,
};

/* B/IP address, annex J.1.2; the six bytes are also the MAC of an IP node in an NPDU. */
struct bacnet_ip {
    uint8_t ip[4];
    uint16_t port;
};

struct bacnet_bvlc {
    uint8_t function;
    uint16_t result;       /* RESULT */
    uint16_t ttl_s;        /* REGISTER */
    struct bacnet_ip from; /* FORWARDED: who sent it first; DELETE_FDT: the entry */
    struct bytes data;     /* the NPDU, or a table's entries (WRITE_BDT and both acks) */
};

struct bacnet_bdt_entry {
    struct bacnet_ip address;
    uint8_t mask[4]; /* broadcast distribution mask */
};

struct bacnet_fdt_entry {
    struct bacnet_ip address;
    uint16_t ttl_s, left_s; /* left: with the grace period of 30 s */
};

/* The whole datagram must be in the cursor. BUSBAR_ESHORT: torn; BUSBAR_EPROTO: not BVLC of IPv4, or
 * a length or body that cannot be; BUSBAR_EUNSUPPORTED: secure BVLL or an unknown function
 * (bvlc->function is set). bacnet_bvlc_trouble() says it in words. */
int bacnet_get_bvlc(struct bytes *in, struct bacnet_bvlc *bvlc);

/* Header, fields and data (which may be empty, to be written behind it; then bacnet_end_bvlc()).
 * Needs BACNET_BVLC_FORWARDED_SIZE bytes and those of data. */
void bacnet_put_bvlc(struct bytes_out *out, const struct bacnet_bvlc *bvlc);
/* Sets the length of the datagram that began at offset `start` of out. */
void bacnet_end_bvlc(struct bytes_out *out, size_t start);

/* The next entry of a table; false at its end (the size was checked by bacnet_get_bvlc). */
bool bacnet_get_bdt_entry(struct bytes *table, struct bacnet_bdt_entry *entry);
bool bacnet_get_fdt_entry(struct bytes *table, struct bacnet_fdt_entry *entry);
void bacnet_put_bdt_entry(struct bytes_out *out, const struct bacnet_bdt_entry *entry);
void bacnet_put_fdt_entry(struct bytes_out *out, const struct bacnet_fdt_entry *entry);

/* Address alone, six bytes. */
struct bacnet_ip bacnet_get_ip(struct bytes *in);
void bacnet_put_ip(struct bytes_out *out, const struct bacnet_ip *address);

/* "forwarded NPDU"; NULL: not a function of the standard. */
const char *bacnet_bvlc_name(uint8_t function);
/* "registration as a foreign device was refused"; never NULL. */
const char *bacnet_bvlc_result_text(uint16_t result);
/* Why bacnet_get_bvlc() answered `error`, for the ring of last frames; never NULL. */
const char *bacnet_bvlc_trouble(const struct bacnet_bvlc *bvlc, int error);

#endif
