/* SPDX-License-Identifier: Apache-2.0 */
/* What the buffers of Trend Log and Trend Log Multiple hold (ASHRAE 135, clause 21: BACnetLogRecord and
 * BACnetLogMultipleRecord).
 *
 *   record            0 { Date, Time }, 1 { datum }, [2 status flags BitString]
 *   datum             0 log status BitString, 1 Boolean, 2 Real, 3 Enumerated, 4 Unsigned, 5 Signed,
 *                     6 BitString, 7 Null, 8 { error }, 9 seconds Real, 10 { any value }
 *   multiple record   0 { Date, Time }, 1 { 0 log status BitString, or 1 { data }, or 2 seconds Real }
 *   of data each      0 Boolean, 1 Real, 2 Enumerated, 3 Unsigned, 4 Signed, 5 BitString, 6 Null,
 *                     7 { error }, 8 { any value }
 *
 * Pure, both directions. Reading leaves the cursor behind the record: call while bytes_left(). */
#ifndef BUSBAR_DRIVERS_BACNET_SERVICE_LOG_RECORD_H
#define BUSBAR_DRIVERS_BACNET_SERVICE_LOG_RECORD_H

#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/stamp.h"

enum {
    BACNET_LOG_RECORD_MAX = 48, /* bytes of a record whose value is a number of up to 32 bits */
    BACNET_LOG_DATUM_MAX = 16,  /* of such a datum in a multiple record; the rest takes 20 */
};

enum bacnet_datum_kind {
    BACNET_DATUM_STATUS,  /* the log itself: flags */
    BACNET_DATUM_VALUE,   /* BOOLEAN, REAL, ENUMERATED, UNSIGNED, SIGNED, BITS or NULL */
    BACNET_DATUM_FAILURE, /* it could not be read */
    BACNET_DATUM_TIME,    /* the clock was set, by so many seconds */
    BACNET_DATUM_ANY,     /* elements of any other value */
};

/* Bits of a log status. */
enum bacnet_log_status {
    BACNET_LOG_DISABLED = 1u << 0,
    BACNET_LOG_PURGED = 1u << 1,
    BACNET_LOG_INTERRUPTED = 1u << 2,
};

struct bacnet_datum {
    uint8_t kind; /* enum bacnet_datum_kind */
    uint8_t status;
    struct bacnet_value value;
    uint32_t error_class, error_code;
    float seconds;
    struct bytes any;
};

struct bacnet_log_record {
    struct bacnet_datetime at;
    struct bacnet_datum datum;
    bool has_flags;
    uint8_t flags; /* enum bacnet_status_flag */
};

struct bacnet_log_multiple {
    struct bacnet_datetime at;
    uint8_t kind; /* BACNET_DATUM_STATUS, _TIME, or _VALUE: data */
    uint8_t status;
    float seconds;
    struct bytes data; /* bacnet_get_log_datum() while bytes_left(): one a logged property */
};

/* 0 or BUSBAR_EPROTO (the cursor is failed then). */
int bacnet_get_log_record(struct bytes *in, struct bacnet_log_record *record);
void bacnet_put_log_record(struct bytes_out *out, const struct bacnet_log_record *record);

int bacnet_get_log_multiple(struct bytes *in, struct bacnet_log_multiple *record);
/* data as put by bacnet_put_log_datum(). */
void bacnet_put_log_multiple(struct bytes_out *out, const struct bacnet_log_multiple *record);
int bacnet_get_log_datum(struct bytes *data, struct bacnet_datum *datum);
void bacnet_put_log_datum(struct bytes_out *out, const struct bacnet_datum *datum);

#endif
