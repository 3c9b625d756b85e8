/* SPDX-License-Identifier: Apache-2.0 */
/* The detail of a sample or a refused write: which of BACnet's many ways to say no it was, in 16 bits.
 *
 *   1000 + error code            of an error (clause 18); 1999 a proprietary one
 *   2000 + reject reason         clause 18.9; 2999 proprietary
 *   3000 + abort reason          clause 18.10, of the device; 3999 proprietary
 *   4000 + reliability           why it is at fault (clause 12, Reliability); 4999 proprietary
 *   5000 ...                     what we found out ourselves, the table below */
#ifndef BUSBAR_DRIVERS_BACNET_DETAIL_H
#define BUSBAR_DRIVERS_BACNET_DETAIL_H

#include <stdint.h>

#include "drivers/bacnet/node/peer.h"

/* X(name, number, words): what happened and what to do. */
#define BACNET_DETAILS(X)                                                                          \
    X(LOST, 5001, "no answer came to this request; the device is asked again with the next poll")  \
    X(NOT_FOUND, 5002,                                                                             \
      "nobody answered Who-Is for this device number; check it, the network card, and whether a "  \
      "BBMD or 'address' is needed")                                                               \
    X(NO_ROUTE, 5003,                                                                              \
      "no router to the device's network answers; check the router and 'remote_network'")          \
    X(UNSENT, 5004, "the network card did not take the message; check it and the address")         \
    X(BROKEN, 5005, "the answer cannot be read; 'busbar device frames' shows its bytes")           \
    X(MISSING, 5006,                                                                               \
      "the device answered, but left this property out; read it alone with "                       \
      "'busbar device browse'")                                                                    \
    X(NULL_VALUE, 5007, "the property holds NULL: nothing is set")                                 \
    X(NOT_A_NUMBER, 5008, "the device sent a number that is none (NaN or infinite)")               \
    X(WRONG_TYPE, 5009,                                                                            \
      "the property holds another type; set 'type' of the point to what is read")                  \
    X(TOO_LARGE, 5010, "the number does not fit into 64 bits with sign")                           \
    X(TOO_LONG, 5011, "the text is longer than busbar keeps (4096 bytes)")                         \
    X(OVERRIDDEN, 5012,                                                                            \
      "status flag 'overridden': the point is held at the device itself, by a "                    \
      "switch or its program")                                                                     \
    X(OUT_OF_SERVICE, 5013,                                                                        \
      "status flag 'out-of-service': the value does not follow the plant; put the object back in " \
      "service, or set 'out_of_service: ignore'")                                                  \
    X(FAULT, 5014, "status flag 'fault': the value is not reliable; its reliability was not told") \
    X(TOO_BIG_FOR_US, 5015, "the answer was more than busbar takes in one message")                \
    X(SEGMENTS, 5016,                                                                              \
      "segments of the answer were lost or out of order; it is asked again with "                  \
      "the next poll")                                                                             \
    X(NOT_WRITABLE_TYPE, 5017,                                                                     \
      "busbar cannot make a value of this property's type from what was written; read the point "  \
      "first, or set 'type'")                                                                      \
    X(PART_WRITTEN, 5018,                                                                          \
      "of several properties written in one request, those before this one "                       \
      "were written, this and the rest were not")                                                  \
    X(LOG_OFF, 5019,                                                                               \
      "the device's trend log was switched off or interrupted here: nothing was recorded")

enum bacnet_detail {
    BACNET_DETAIL_ERROR = 1000,
    BACNET_DETAIL_REJECT = 2000,
    BACNET_DETAIL_ABORT = 3000,
    BACNET_DETAIL_RELIABILITY = 4000,
    BACNET_DETAIL_PROPRIETARY = 999, /* added to one of those */
#define BACNET_DETAIL_ENUM(name, number, words) BACNET_DETAIL_##name = (number),
    BACNET_DETAILS(BACNET_DETAIL_ENUM)
#undef BACNET_DETAIL_ENUM
};

uint16_t bacnet_detail_error(uint32_t code);
uint16_t bacnet_detail_reliability(uint32_t reliability);
/* Of an answer that is none of BACNET_ACKED. */
uint16_t bacnet_detail_answer(const struct bacnet_answer *answer);

/* ops->explain: "what it is; what to do"; NULL when unknown. */
const char *bacnet_explain(uint16_t detail);

#endif
