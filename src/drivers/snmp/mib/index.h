/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes of rows, as sub-identifiers behind a column's OID (RFC 2578, 7.7) and as a person reads them.
 *
 *   integer                      one sub-identifier: 7; of an enumeration also by its name: ipv4
 *   octets of one fixed size     one each:                     "0:1a:2b:3c:4d:5e"   (by DISPLAY-HINT)
 *   octets                       their number, then one each:  "wes"                (3.119.101.115)
 *   octets, the last and IMPLIED one each:                     "wes"                (119.101.115)
 *   IpAddress                    four:                         10.0.0.1
 *   OID                          their number, then they; the last and IMPLIED: they
 *   InetAddress                  as octets, read by the InetAddressType before it: ipv4."10.0.0.1"
 *
 * What cannot be read like that, or would not come back the same, is shown in digits. */
#ifndef BUSBAR_DRIVERS_SNMP_MIB_INDEX_H
#define BUSBAR_DRIVERS_SNMP_MIB_INDEX_H

#include "drivers/snmp/mib/mib.h"

struct mib_index {
    const struct mib_object *object; /* the index column */
    uint8_t syntax;                  /* enum mib_syntax; MIB_OCTETS, MIB_OID and MIB_IP_ADDRESS have
                                      * `bytes` or `parts`, all others `number` */
    bool counted;                    /* its length stands before it */
    uint32_t number;
    uint16_t size; /* of bytes or parts */
    uint8_t bytes[SNMP_OID_PARTS_MAX];
    uint32_t parts[SNMP_OID_PARTS_MAX];
    uint32_t inet; /* the InetAddressType before it; 0: none */
};

/* Takes index `at` of a row from the front of an instance's tail. previous: what index at - 1 was; NULL: none.
 * False: it does not fit, or there is no such index; then nothing was taken. */
bool mib_index_next(const struct mib_object *row, size_t at, const struct mib_index *previous,
                    struct snmp_oid *tail, struct mib_index *out);

/* "7", "ipv4", "\"wes\"", "10.0.0.1". */
void mib_index_print(const struct mib_index *index, struct buf *out);
/* All of a tail: "7", "ipv4.\"10.0.0.1\"" (no point before it). */
void mib_index_print_all(const struct mib_object *row, struct snmp_oid tail, struct buf *out);

/* One component of a written index, that is not of digits alone, behind the indexes that `to` already has behind
 * `column`: a name of an enumeration, or the octets of a text (quoted). BUSBAR_EINVAL with the reason, or
 * BUSBAR_ELIMIT. */
int mib_index_append(const struct mib_object *column, const char *text, bool quoted,
                     struct snmp_oid_buf *to, struct err *err);

#endif
