/* SPDX-License-Identifier: Apache-2.0 */
/* BACnet application layer heads (ASHRAE 135, clause 20.1): all eight PDU types.
 *
 *   confirmed request   type<<4|SEG|MOR|SA u8, 0sss aaaa u8, invoke u8, [sequence u8, window u8], service u8
 *   unconfirmed request type<<4 u8, service u8
 *   simple ack          type<<4 u8, invoke u8, service u8
 *   complex ack         type<<4|SEG|MOR u8, invoke u8, [sequence u8, window u8], service u8
 *   segment ack         type<<4|NAK|SRV u8, invoke u8, sequence u8, window u8
 *   error               type<<4 u8, invoke u8, service u8
 *   reject              type<<4 u8, invoke u8, reason u8
 *   abort               type<<4|SRV u8, invoke u8, reason u8
 *
 * Pure; what follows the head is `data`, read by the services. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_APDU_H
#define BUSBAR_DRIVERS_BACNET_WIRE_APDU_H

#include "base/bytes.h"

enum { BACNET_APDU_HEAD_MAX = 6 };

enum bacnet_pdu {
    BACNET_PDU_CONFIRMED = 0,
    BACNET_PDU_UNCONFIRMED = 1,
    BACNET_PDU_SIMPLE_ACK = 2,
    BACNET_PDU_COMPLEX_ACK = 3,
    BACNET_PDU_SEGMENT_ACK = 4,
    BACNET_PDU_ERROR = 5,
    BACNET_PDU_REJECT = 6,
    BACNET_PDU_ABORT = 7,
};

/* Confirmed services, clause 21. */
enum bacnet_service {
    BACNET_ACKNOWLEDGE_ALARM = 0,
    BACNET_CONFIRMED_COV = 1,
    BACNET_CONFIRMED_EVENT = 2,
    BACNET_GET_ALARM_SUMMARY = 3,
    BACNET_GET_ENROLLMENT_SUMMARY = 4,
    BACNET_SUBSCRIBE_COV = 5,
    BACNET_ATOMIC_READ_FILE = 6,
    BACNET_ATOMIC_WRITE_FILE = 7,
    BACNET_ADD_LIST_ELEMENT = 8,
    BACNET_REMOVE_LIST_ELEMENT = 9,
    BACNET_CREATE_OBJECT = 10,
    BACNET_DELETE_OBJECT = 11,
    BACNET_READ_PROPERTY = 12,
    BACNET_READ_PROPERTY_CONDITIONAL = 13,
    BACNET_READ_PROPERTY_MULTIPLE = 14,
    BACNET_WRITE_PROPERTY = 15,
    BACNET_WRITE_PROPERTY_MULTIPLE = 16,
    BACNET_DEVICE_COMMUNICATION_CONTROL = 17,
    BACNET_CONFIRMED_PRIVATE_TRANSFER = 18,
    BACNET_CONFIRMED_TEXT_MESSAGE = 19,
    BACNET_REINITIALIZE_DEVICE = 20,
    BACNET_VT_OPEN = 21,
    BACNET_VT_CLOSE = 22,
    BACNET_VT_DATA = 23,
    BACNET_AUTHENTICATE = 24,
    BACNET_REQUEST_KEY = 25,
    BACNET_READ_RANGE = 26,
    BACNET_LIFE_SAFETY_OPERATION = 27,
    BACNET_SUBSCRIBE_COV_PROPERTY = 28,
    BACNET_GET_EVENT_INFORMATION = 29,
    BACNET_SUBSCRIBE_COV_PROPERTY_MULTIPLE = 30,
    BACNET_CONFIRMED_COV_MULTIPLE = 31,
    BACNET_CONFIRMED_AUDIT = 32,
    BACNET_AUDIT_LOG_QUERY = 33,
};

/* Unconfirmed services, clause 21. */
enum bacnet_unconfirmed {
    BACNET_I_AM = 0,
    BACNET_I_HAVE = 1,
    BACNET_UNCONFIRMED_COV = 2,
    BACNET_UNCONFIRMED_EVENT = 3,
    BACNET_UNCONFIRMED_PRIVATE_TRANSFER = 4,
    BACNET_UNCONFIRMED_TEXT_MESSAGE = 5,
    BACNET_TIME_SYNC = 6,
    BACNET_WHO_HAS = 7,
    BACNET_WHO_IS = 8,
    BACNET_UTC_TIME_SYNC = 9,
    BACNET_WRITE_GROUP = 10,
    BACNET_UNCONFIRMED_COV_MULTIPLE = 11,
    BACNET_UNCONFIRMED_AUDIT = 12,
    BACNET_WHO_AM_I = 13,
    BACNET_YOU_ARE = 14,
};

/* Fields that a PDU does not have are 0. */
struct bacnet_apdu {
    uint8_t type; /* enum bacnet_pdu */
    bool segmented, more;
    bool segments_accepted;    /* CONFIRMED: the answer may come in segments */
    uint8_t max_segments_code; /* CONFIRMED: 0-7, bacnet_max_segments() */
    uint8_t max_apdu_code;     /* CONFIRMED: 0-15, bacnet_max_apdu() */
    bool negative;             /* SEGMENT_ACK: out of order */
    bool server;               /* SEGMENT_ACK, ABORT: sent by who was asked */
    uint8_t invoke;
    uint8_t sequence, window; /* window 1-127: proposed, or actual in SEGMENT_ACK */
    uint8_t service;          /* enum bacnet_service or bacnet_unconfirmed */
    uint8_t reason;           /* REJECT, ABORT */
    struct bytes data;        /* what follows */
};

/* BUSBAR_ESHORT: torn; BUSBAR_EPROTO: reserved type, a window of 0 or over 127, bytes behind a PDU
 * that has no data, more segments of what is not segmented. Reserved bits are not looked at. */
int bacnet_get_apdu(struct bytes *in, struct bacnet_apdu *apdu);
/* Head, then data (may be empty). Needs BACNET_APDU_HEAD_MAX bytes and those of data. */
void bacnet_put_apdu(struct bytes_out *out, const struct bacnet_apdu *apdu);

/* Segments that a code allows: 0 = not said, 2, 4 ... 64, UINT16_MAX = more than 64. */
uint16_t bacnet_max_segments(uint8_t code);
/* The largest code that promises no more than `segments`; 0: not said. */
uint8_t bacnet_max_segments_code(uint16_t segments);
/* 50, 128, 206, 480, 1024, 1476; reserved codes are read as the least, 50. */
uint16_t bacnet_max_apdu(uint8_t code);
/* The largest code that promises no more than `size`. */
uint8_t bacnet_max_apdu_code(uint16_t size);

/* "confirmed request"; NULL: reserved. */
const char *bacnet_pdu_name(uint8_t type);

#endif
