/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: whatever parses is written by our writer, parses again, and is then written the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_value(struct json_writer *json, const struct json_value *value)
{
    struct json_iter iter = json_iter(value);
    const struct json_value *item;
    const char *key;
    int64_t integer;
    uint64_t natural;
    double real;
    bool truth;
    size_t size = 0;
    switch (json_type(value)) {
    case JSON_BOOL: json_bool(json, json_get_bool(value, &truth) == 0 && truth); break;
    case JSON_INTEGER:
        if (json_get_i64(value, &integer) == 0) {
            json_i64(json, integer);
        } else if (json_get_u64(value, &natural) == 0) {
            json_u64(json, natural);
        }
        break;
    case JSON_DOUBLE: json_double(json, json_get_double(value, &real) == 0 ? real : 0); break;
    case JSON_STRING:
        (void)json_get_text(value, &size);
        json_string_n(json, json_get_text(value, NULL), size);
        break;
    case JSON_ARRAY:
        json_begin_array(json);
        while (json_next(&iter, NULL, &item)) {
            write_value(json, item);
        }
        json_end_array(json);
        break;
    case JSON_OBJECT:
        json_begin_object(json);
        while (json_next(&iter, &key, &item)) {
            json_key(json, key);
            write_value(json, item);
        }
        json_end_object(json);
        break;
    case JSON_NULL:
    case JSON_NONE: json_null(json); break;
    }
}

/* Parses text and writes it to out; false when it does not parse. */
static bool rewrite(const void *text, size_t size, struct buf *out)
{
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    struct json_limits limits = { .bytes_max = 1 << 24, .number_max = 400 };
    if (json_parse(text, size, &limits, &doc, &err) != 0) {
        if (err.code >= 0 || err.message[0] == '\0') {
            abort();
        }
        return false;
    }
    struct json_writer json = json_writer(out);
    write_value(&json, json_root(doc));
    json_free(doc);
    if (!json_complete(&json)) {
        abort();
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once;
    struct buf twice;
    buf_init(&once, 1 << 24);
    buf_init(&twice, 1 << 24);
    uint8_t *copy = malloc(size > 0 ? size : 1); /* exact size: ASan sees one byte too many */
    if (size > 0) {
        memcpy(copy, data, size);
    }
    if (rewrite(copy, size, &once)) {
        if (!rewrite(once.data, once.size, &twice) || once.size != twice.size ||
            memcmp(once.data, twice.data, once.size) != 0) {
            abort();
        }
    }
    free(copy);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
