/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: a streaming writer onto a `struct buf`, and a capped reader.
 *
 * Writer: commas come by themselves; text is written as UTF-8, broken UTF-8 becomes U+FFFD; doubles take the
 * shortest text that reads back the same; NaN and infinity, which JSON does not have, become null. Wrong
 * nesting is our bug and asserts. Overflow is the buffer's sticky flag: look once at the end.
 *
 * Reader: values are valid until json_free(). Every getter takes NULL or a value of another type and says
 * so, hence chains need one check at their end.
 */
#ifndef BUSBAR_BASE_JSON_H
#define BUSBAR_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { JSON_WRITE_DEPTH_MAX = 64 };

/* Open struct, made by json_writer(). */
struct json_writer {
    struct buf *out;
    uint64_t is_object; /* bit d: level d is an object */
    unsigned depth;
    bool first; /* nothing written yet at this level */
    bool keyed; /* a key was written, its value comes next */
};

struct json_writer json_writer(struct buf *out);

/* True when one whole value was written and nothing overflowed. */
bool json_complete(const struct json_writer *json);

void json_begin_object(struct json_writer *json);
void json_end_object(struct json_writer *json);
void json_begin_array(struct json_writer *json);
void json_end_array(struct json_writer *json);
void json_key(struct json_writer *json, const char *key);
void json_string(struct json_writer *json, const char *text); /* NULL: null */
void json_string_n(struct json_writer *json, const char *text, size_t size);
void json_i64(struct json_writer *json, int64_t value);
void json_u64(struct json_writer *json, uint64_t value);
void json_double(struct json_writer *json, double value);
void json_bool(struct json_writer *json, bool value);
void json_null(struct json_writer *json);
void json_time(struct json_writer *json, int64_t time_us); /* RFC 3339 text, UTC */
void json_raw(struct json_writer *json, const char *text,
              size_t size); /* one whole value, trusted */

/* Key and value in one call. */
void json_put_string(struct json_writer *json, const char *key, const char *text);
void json_put_i64(struct json_writer *json, const char *key, int64_t value);
void json_put_u64(struct json_writer *json, const char *key, uint64_t value);
void json_put_double(struct json_writer *json, const char *key, double value);
void json_put_bool(struct json_writer *json, const char *key, bool value);
void json_put_null(struct json_writer *json, const char *key);
void json_put_time(struct json_writer *json, const char *key, int64_t time_us);
void json_put_object(struct json_writer *json, const char *key); /* begins it */
void json_put_array(struct json_writer *json, const char *key);  /* begins it */

struct json_limits {
    size_t bytes_max;    /* 0: 1 MiB */
    unsigned depth_max;  /* 0: 16 */
    unsigned number_max; /* characters in a number; 0: 64 */
};

enum json_type {
    JSON_NONE, /* no value: NULL was asked */
    JSON_NULL,
    JSON_BOOL,
    JSON_INTEGER, /* fits int64 or uint64 exactly */
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_doc;
struct json_value;

/* Parses exactly one value (RFC 8259, UTF-8; nothing after it but white space). limits NULL: all defaults.
 * Returns 0 (free with json_free), BUSBAR_ELIMIT, BUSBAR_ENOMEM or BUSBAR_ESYNTAX; err then has
 * line and column. The text is copied. */
int json_parse(const char *text, size_t size, const struct json_limits *limits,
               struct json_doc **out, struct err *err);
void json_free(struct json_doc *doc); /* NULL is fine */

const struct json_value *json_root(const struct json_doc *doc);
enum json_type json_type(const struct json_value *value);

/* Members of an object or elements of an array; 0 for anything else. */
size_t json_size(const struct json_value *value);

/* NULL when absent or not an object / array. */
const struct json_value *json_get(const struct json_value *object, const char *key);
const struct json_value *json_at(const struct json_value *array, size_t index); /* O(index) */

/* 0 or BUSBAR_EWRONGTYPE (also for NULL); BUSBAR_ERANGE for an integer that int64 cannot hold. A double without
 * fraction is not an integer unless it is exact ("1e3" and "5.0" are). */
int json_get_i64(const struct json_value *value, int64_t *out);
int json_get_u64(const struct json_value *value, uint64_t *out);
int json_get_double(const struct json_value *value, double *out); /* integers too */
int json_get_bool(const struct json_value *value, bool *out);

/* NULL when not a string. size (may be NULL) tells of embedded NULs. */
const char *json_get_text(const struct json_value *value, size_t *size);

/* Walks an object (key set) or array (key NULL):
 * `struct json_iter it = json_iter(value); while (json_next(&it, &key, &item))`. key may be NULL. */
struct json_iter {
    const struct json_value *container;
    const struct json_value *at;
    size_t left;
};
struct json_iter json_iter(const struct json_value *container);
bool json_next(struct json_iter *iter, const char **key, const struct json_value **item);

/* Writes what was read. */
void json_copy(struct json_writer *json, const struct json_value *value);

#endif
