/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of Sparkplug B 3.0 (section 6): Protobuf of one fixed schema, both directions. Pure.
 *
 *   Payload   1 timestamp  2 metrics  3 seq  4 uuid  5 body
 *   Metric    1 name  2 alias  3 timestamp  4 datatype  5 historical  6 transient  7 null  8 metadata  9 properties  10-19 value
 *
 * A value is brought to what the gateway stores: DateTime as RFC 3339 text, arrays, data sets and templates as
 * JSON text, bytes and files as Base64 text. */
#ifndef BUSBAR_DRIVERS_MQTT_SPARKPLUG_PAYLOAD_H
#define BUSBAR_DRIVERS_MQTT_SPARKPLUG_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum {
    SPARKPLUG_METRICS_MAX = 100000, /* of one payload */
    SPARKPLUG_NAME_MAX = 1024,      /* bytes of a metric's name */
    SPARKPLUG_NESTED_MAX = 8,       /* templates in templates */
    SPARKPLUG_GOOD = 192,           /* of the property "Quality"; 0: bad, 500: stale */
};

enum sparkplug_datatype {
    SPARKPLUG_UNKNOWN,
    SPARKPLUG_INT8,
    SPARKPLUG_INT16,
    SPARKPLUG_INT32,
    SPARKPLUG_INT64,
    SPARKPLUG_UINT8,
    SPARKPLUG_UINT16,
    SPARKPLUG_UINT32,
    SPARKPLUG_UINT64,
    SPARKPLUG_FLOAT,
    SPARKPLUG_DOUBLE,
    SPARKPLUG_BOOLEAN,
    SPARKPLUG_STRING,
    SPARKPLUG_DATETIME, /* encoder: value.i, milliseconds since 1970 */
    SPARKPLUG_TEXT,
    SPARKPLUG_UUID,
    SPARKPLUG_DATASET,
    SPARKPLUG_BYTES, /* encoder: value.text, as they are */
    SPARKPLUG_FILE,
    SPARKPLUG_TEMPLATE,
    SPARKPLUG_PROPERTY_SET,
    SPARKPLUG_PROPERTY_SETS,
    SPARKPLUG_INT8_ARRAY,
    SPARKPLUG_INT16_ARRAY,
    SPARKPLUG_INT32_ARRAY,
    SPARKPLUG_INT64_ARRAY,
    SPARKPLUG_UINT8_ARRAY,
    SPARKPLUG_UINT16_ARRAY,
    SPARKPLUG_UINT32_ARRAY,
    SPARKPLUG_UINT64_ARRAY,
    SPARKPLUG_FLOAT_ARRAY,
    SPARKPLUG_DOUBLE_ARRAY,
    SPARKPLUG_BOOLEAN_ARRAY,
    SPARKPLUG_STRING_ARRAY,
    SPARKPLUG_DATETIME_ARRAY,
    SPARKPLUG_DATATYPES
};

/* "Int8", "DataSet"; "unknown" for numbers that are none. And back; SPARKPLUG_UNKNOWN. */
const char *sparkplug_datatype_word(uint32_t datatype);
enum sparkplug_datatype sparkplug_datatype_find(const char *word);

/* The kind of a value, as enum value_type of model/sample.h numbers it. */
enum sparkplug_kind {
    SPARKPLUG_NONE = 0, /* null, or `why` */
    SPARKPLUG_IS_BOOL = 1,
    SPARKPLUG_IS_INT = 2,
    SPARKPLUG_IS_DOUBLE = 3, /* also UInt64 beyond int64 */
    SPARKPLUG_IS_TEXT = 4,   /* UTF-8 */
};

struct sparkplug_metric {
    const char *name; /* NULL: by its alias alone; no NUL at its end */
    uint32_t name_size;
    uint32_t datatype; /* enum sparkplug_datatype; 0: not told (data need not tell) */
    uint64_t alias;
    bool has_alias, historical, transient, null, has_quality;
    uint8_t kind;
    union {
        bool b;
        int64_t i;
        double d;
        const char *text;
    } value;
    uint32_t size;     /* of a text */
    uint32_t quality;  /* property "Quality"; reader: SPARKPLUG_GOOD when it is not told */
    int64_t time_us;   /* its own, else the payload's; 0: none */
    const char *units; /* properties "engUnit", "units", "unit"; NULL: not told */
    uint32_t units_size;
    const char *about; /* metadata's description, property "Documentation"; NULL */
    uint32_t about_size;
    const char *why; /* a value that cannot be stored: the reason; NULL: it is fine */
    void **user;     /* host.h: the driver's own, kept from birth to birth; NULL from the reader */
    /* The value as it came, to be read again when its data type is known: which field it was (10-19; 0: none). */
    uint32_t field;
    uint64_t bits;
    struct bytes raw;
};

struct sparkplug_payload {
    int64_t time_us; /* 0: none */
    bool has_seq;
    uint8_t seq;
    struct sparkplug_metric *metrics;
    size_t count;
};

/* Scratch of one payload at a time; nothing is allocated once it has grown. */
struct sparkplug_reader;
struct sparkplug_reader *sparkplug_reader_new(void);
void sparkplug_reader_free(struct sparkplug_reader *reader); /* NULL is fine */

/* All is borrowed, of the bytes and of the reader, until the next call. BUSBAR_EPROTO, BUSBAR_ELIMIT, BUSBAR_ENOMEM; a single
 * metric of a type that cannot be stored is no error: its `why` says so. */
int sparkplug_payload_read(struct sparkplug_reader *reader, struct bytes in,
                           struct sparkplug_payload *out, struct err *err);
/* Gives the metric of the same payload its value anew, now that its data type is known (metric->datatype set by the caller). */
void sparkplug_metric_settle(struct sparkplug_reader *reader, struct sparkplug_metric *metric);

/* Appends the bytes. Of a metric: name, alias, datatype (0: not told), flags, quality (with has_quality) and units (not
 * NULL), time_us, value by datatype (DataSet, Template and arrays are not written: BUSBAR_EUNSUPPORTED). time_us 0: none. */
int sparkplug_payload_put(struct buf *out, const struct sparkplug_payload *payload);

/* The value as that data type has it: ranges are checked. BUSBAR_ERANGE, BUSBAR_EWRONGTYPE, BUSBAR_EUNSUPPORTED.
 * kind and value of `metric` are what is to be written, its datatype what the birth said. */
int sparkplug_metric_check(const struct sparkplug_metric *metric, struct err *err);

/* NCMD that asks an edge node to send its births again: metric "Node Control/Rebirth". */
int sparkplug_put_rebirth(struct buf *out, int64_t now_us);

/* STATE of a host application: {"online":true,"timestamp":...}; retained, QoS 1; the will says the same with false. */
int sparkplug_put_state(struct buf *out, bool online, int64_t now_us);

#endif
