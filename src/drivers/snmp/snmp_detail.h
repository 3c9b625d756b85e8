/* SPDX-License-Identifier: Apache-2.0 */
/* The detail of a sample or a refused write: which of SNMP's ways to say no it was, in 16 bits.
 *
 *   1000 + error-status          of a response (RFC 3416, 3); 1999 a number that the standard does not have
 *   2000 + 1, 2, 3               noSuchObject, noSuchInstance, endOfMibView in place of a value
 *   3000 + usm_trouble           why a v3 message was not taken (usm/usm.h)
 *   5000 ...                     what we found out ourselves, the table below */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_DETAIL_H
#define BUSBAR_DRIVERS_SNMP_SNMP_DETAIL_H

#include <stdint.h>

#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/usm/usm.h"

/* X(name, number, words): what happened and what to do. */
#define SNMP_DETAILS(X)                                                                            \
    X(LOST, 5001, "no answer came to this question; the device is asked again with the next poll") \
    X(BROKEN, 5002,                                                                                \
      "the value breaks the rules of its type; 'busbar device frames' shows its bytes")            \
    X(MISSING, 5003,                                                                               \
      "the device answered, but left this value out; read it alone with 'busbar snmp walk'")       \
    X(OTHER_OID, 5004,                                                                             \
      "the device answered with another OID than was asked for; its agent is faulty, set "         \
      "'max_oids: 1' to try each value alone")                                                     \
    X(NULL_VALUE, 5005, "the device sent NULL: the object has no value now")                       \
    X(WRONG_TYPE, 5006,                                                                            \
      "the value is of another type than the point wants; set 'type' to what is read, or leave "   \
      "it "                                                                                        \
      "away")                                                                                      \
    X(TOO_LARGE, 5007, "the number does not fit into 64 bits with sign")                           \
    X(TOO_LONG, 5008, "the text is longer than busbar keeps (4096 bytes)")                         \
    X(NO_NUMBER, 5009, "the text is not a number; set 'type: text' to take it as it is")           \
    X(NOT_FINITE, 5010, "the device sent a number that is none (NaN or infinite)")                 \
    X(NO_DATE, 5011, "the octets are no date (DateAndTime has 8 or 11 of them, in their ranges)")  \
    X(NO_ROW, 5012,                                                                                \
      "no row of the table has this name now; it is looked for again each minute, "                \
      "'busbar snmp walk' shows the names")                                                        \
    X(ROW_TWICE, 5013,                                                                             \
      "two rows of the table have this name; name a column in which they differ, as in "           \
      "'row: \"ifAlias=uplink to core\"', or write the index")                                     \
    X(ROW_MOVED, 5014,                                                                             \
      "the row's number has changed since it was asked for; it is being looked for")               \
    X(ROWS_UNREAD, 5015,                                                                           \
      "the names of the table's rows could not be read yet, so nobody knows which row this is; "   \
      "it is tried again with the next poll")                                                      \
    X(NO_COUNTER, 5016, "'as' is for counters, but the device sent something else; leave it away")

enum snmp_detail {
    SNMP_DETAIL_STATUS = 1000,
    SNMP_DETAIL_EXCEPTION = 2000,
    SNMP_DETAIL_TROUBLE = 3000,
    SNMP_DETAIL_UNKNOWN = 999, /* added to SNMP_DETAIL_STATUS */
#define SNMP_DETAIL_ENUM(name, number, words) SNMP_DETAIL_##name = (number),
    SNMP_DETAILS(SNMP_DETAIL_ENUM)
#undef SNMP_DETAIL_ENUM
};

/* Of an error-status that is not SNMP_NO_ERROR. */
uint16_t snmp_detail_status(int32_t status);
/* Of BER_NO_SUCH_OBJECT, BER_NO_SUCH_INSTANCE, BER_END_OF_MIB_VIEW; 0: the tag is none of them. */
uint16_t snmp_detail_exception(uint8_t tag);
uint16_t snmp_detail_trouble(enum usm_trouble trouble); /* not of USM_FINE */

/* ops->explain: "what it is; what to do"; NULL when unknown. */
const char *snmp_explain(uint16_t detail);

#endif
