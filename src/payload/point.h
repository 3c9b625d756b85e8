/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration says about taking values out of messages: rows for the option tables of the drivers that hear
 * messages (mqtt, http, tcp), the same words everywhere, and what was set in them.
 *
 * Of a point, one of these keys says where its value stands, and by that what the message is:
 *   json: $.ac.power       cbor: $.t   msgpack: $.t   protobuf: $.t      a path (path.h)
 *   xml: /data/room/t      XPath 1.0
 *   csv: 2 | temp          a column by its number (from 1) or by the name in the first line
 *   key: temp              key=value, key:value; pairs separated by blanks, commas, semicolons, ampersands or lines (forms too)
 *   match: '^T=(?<t>\d+)$' a regular expression: the group named `value`, else the first group, else (bool points) that it matches
 *   bytes: 4               an offset in bytes from 0 (negative: from the end), with type, order, length, bit, bits
 *   text: all              the whole body
 *   about: header x-site   what the protocol says beside the body (message.h): topic, level 2, property NAME, url, header
 *                          NAME, query NAME, source, certificate
 * and:
 *   type: auto|bool|int|number|text; of `bytes` also uint8 int8 uint16 ... float64, bcd, ascii
 *   order: ABCD|DCBA|BADC|CDAB, length: bytes of text, bit: one bit, bits: "4-7"
 *   none: "NaN, unavailable"   what stands for "no value": the point becomes bad with "not available"
 *   at: PATH or expression in the same language: the value's own time (else the message's)
 *
 * Of a device:
 *   id: room-12            default: its name; in any expression of it {id} stands for this
 *   each: json $.readings[*]   a message is many readings: every element is a message of its own; `$` is the element then.
 *                              csv (every line), match EXPR (every match), xml XPATH
 *   id_from: json $.id | level 2 | header x-id | match ^(\w+); ...    where a message (an element) says which device it is of
 *   time: json $.ts | property ts | match ...      where it says when
 *   time_format: auto|iso|unix|unix-ms|unix-us|unix-ns|a strptime pattern; time_zone: utc|local|+02:00
 *   separator: ";" (csv), header: true|false (csv; default: when a column is named), decimal: "," , encoding: utf-8|latin-1
 *   only: json $.type=='reading' ... a message that does not fit is not of this device
 *   message: acme.Reading  the Protobuf message, of the descriptors in the driver's `schemas` folder */
#ifndef BUSBAR_PAYLOAD_POINT_H
#define BUSBAR_PAYLOAD_POINT_H

#include "config/option.h"
#include "model/point.h"

struct payload_schemas;

/* The first rows of a driver's point_options; after them its own. */
enum payload_point_row {
    PAYLOAD_POINT_JSON,
    PAYLOAD_POINT_CBOR,
    PAYLOAD_POINT_MSGPACK,
    PAYLOAD_POINT_PROTOBUF,
    PAYLOAD_POINT_XML,
    PAYLOAD_POINT_CSV,
    PAYLOAD_POINT_KEY,
    PAYLOAD_POINT_MATCH,
    PAYLOAD_POINT_BYTES,
    PAYLOAD_POINT_TEXT,
    PAYLOAD_POINT_ABOUT,
    PAYLOAD_POINT_TYPE,
    PAYLOAD_POINT_ORDER,
    PAYLOAD_POINT_LENGTH,
    PAYLOAD_POINT_BIT,
    PAYLOAD_POINT_BITS,
    PAYLOAD_POINT_NONE,
    PAYLOAD_POINT_AT,
    PAYLOAD_POINT_ROWS
};
/* The first rows of its device_options. */
enum payload_device_row {
    PAYLOAD_DEVICE_ID,
    PAYLOAD_DEVICE_EACH,
    PAYLOAD_DEVICE_ID_FROM,
    PAYLOAD_DEVICE_TIME,
    PAYLOAD_DEVICE_TIME_FORMAT,
    PAYLOAD_DEVICE_TIME_ZONE,
    PAYLOAD_DEVICE_SEPARATOR,
    PAYLOAD_DEVICE_HEADER,
    PAYLOAD_DEVICE_DECIMAL,
    PAYLOAD_DEVICE_ENCODING,
    PAYLOAD_DEVICE_ONLY,
    PAYLOAD_DEVICE_MESSAGE,
    PAYLOAD_DEVICE_ROWS
};
/* Copies of these rows, to stand first in a driver's own table (made once, in its function that gives the ops). */
extern const struct option payload_point_options[PAYLOAD_POINT_ROWS];
extern const struct option payload_device_options[PAYLOAD_DEVICE_ROWS];

/* One point: what `resolve` keeps. Texts in facts->arena, or borrowed when it is NULL. */
struct payload_point {
    const char *expression;
    const char *at, *none; /* NULL: not set */
    uint8_t
        kind; /* enum payload_point_row, up to ABOUT; PAYLOAD_POINT_ROWS: it has none of these keys */
    uint8_t type, order;         /* as in the tables of rules.c */
    uint8_t first_bit, last_bit; /* 255: none */
    uint16_t length;
};

/* Reads and checks all of it (also that expressions are right); fills facts: value_type. A point without one of the keys is
 * fine here (a driver may have keys of its own). */
int payload_point_read(const struct settings *point, const struct settings *device,
                       const struct payload_schemas *schemas, struct payload_point *out,
                       struct point_facts *facts, struct err *err);

/* The device's rows, checked. `name`: the device's, for {id}; NULL while it is only checked. */
int payload_device_check(const struct settings *device, const struct payload_schemas *schemas,
                         struct err *err);

#endif
