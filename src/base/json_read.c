/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader over yyjson. Depth and length of numbers are checked in one pass over the text before it is parsed, since
 * yyjson has no limits of its own; that pass only has to know strings from the rest.
 */
#include <math.h>
#include <string.h>
#include <yyjson.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"

enum { BYTES_MAX = 1 << 20, DEPTH_MAX = 16, NUMBER_MAX = 64 };

struct json_doc {
    yyjson_doc *doc;
};

static yyjson_val *inner(const struct json_value *value)
{
    return (yyjson_val *)(uintptr_t)value;
}

static const struct json_value *outer(const yyjson_val *value)
{
    return (const struct json_value *)value;
}

static struct position find_position(const char *text, size_t size, size_t offset)
{
    struct position at = { .line = 1 };
    size_t end = offset < size ? offset : size;
    size_t line_start = 0;
    for (size_t i = 0; i < end; i++) {
        if (text[i] == '\n') {
            at.line++;
            line_start = i + 1;
        }
    }
    at.column = (int)str_utf8_length(text + line_start, end - line_start) + 1;
    return at;
}

static size_t skip_string(const char *text, size_t size, size_t at)
{
    for (at++; at < size && text[at] != '"'; at++) {
        at += text[at] == '\\';
    }
    return at;
}

static bool in_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static int check_limits(const char *text, size_t size, unsigned depth_max, unsigned number_max,
                        struct err *err)
{
    unsigned depth = 0;
    size_t number = 0;
    for (size_t at = 0; at < size; at++) {
        char c = text[at];
        number = in_number(c) ? number + 1 : 0;
        if (number > number_max) {
            return err_at(err, BUSBAR_ELIMIT, find_position(text, size, at), NULL,
                          "a number of more than %u characters", number_max);
        }
        if (c == '"') {
            at = skip_string(text, size, at);
        } else if (c == '{' || c == '[') {
            if (++depth > depth_max) {
                return err_at(err, BUSBAR_ELIMIT, find_position(text, size, at), NULL,
                              "nested more than %u levels deep", depth_max);
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return 0;
}

static void *alloc_hook(void *ctx, size_t size)
{
    (void)ctx;
    return busbar_try_alloc(size);
}

static void *realloc_hook(void *ctx, void *memory, size_t old_size, size_t size)
{
    (void)ctx;
    (void)old_size;
    return busbar_try_realloc(memory, size);
}

static void free_hook(void *ctx, void *memory)
{
    (void)ctx;
    busbar_free(memory);
}

int json_parse(const char *text, size_t size, const struct json_limits *limits,
               struct json_doc **out, struct err *err)
{
    struct json_limits max = limits != NULL ? *limits : (struct json_limits){ 0 };
    size_t bytes_max = max.bytes_max > 0 ? max.bytes_max : BYTES_MAX;
    if (size > bytes_max) {
        return err_set(err, BUSBAR_ELIMIT, "JSON of %zu bytes, more than the %zu allowed", size,
                       bytes_max);
    }
    int error = check_limits(text, size, max.depth_max > 0 ? max.depth_max : DEPTH_MAX,
                             max.number_max > 0 ? max.number_max : NUMBER_MAX, err);
    if (error != 0) {
        return error;
    }
    if (size == 0) {
        return err_at(err, BUSBAR_ESYNTAX, (struct position){ .line = 1, .column = 1 }, NULL,
                      "empty text where JSON is expected");
    }
    struct json_doc *doc = busbar_try_alloc(sizeof(*doc));
    if (doc == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
    }
    static const yyjson_alc hooks = { alloc_hook, realloc_hook, free_hook, NULL };
    yyjson_read_err reason;
    doc->doc = yyjson_read_opts((char *)(uintptr_t)text, size, 0, &hooks, &reason);
    if (doc->doc == NULL) {
        busbar_free(doc);
        if (reason.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
            return err_set(err, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
        }
        return err_at(err, BUSBAR_ESYNTAX, find_position(text, size, reason.pos), NULL,
                      "not JSON: %s", reason.msg);
    }
    *out = doc;
    return 0;
}

void json_free(struct json_doc *doc)
{
    if (doc != NULL) {
        yyjson_doc_free(doc->doc);
        busbar_free(doc);
    }
}

const struct json_value *json_root(const struct json_doc *doc)
{
    return outer(yyjson_doc_get_root(doc->doc));
}

enum json_type json_type(const struct json_value *value)
{
    switch (yyjson_get_type(inner(value))) {
    case YYJSON_TYPE_NULL: return JSON_NULL;
    case YYJSON_TYPE_BOOL: return JSON_BOOL;
    case YYJSON_TYPE_NUM: return yyjson_is_int(inner(value)) ? JSON_INTEGER : JSON_DOUBLE;
    case YYJSON_TYPE_STR: return JSON_STRING;
    case YYJSON_TYPE_ARR: return JSON_ARRAY;
    case YYJSON_TYPE_OBJ: return JSON_OBJECT;
    default: return JSON_NONE;
    }
}

size_t json_size(const struct json_value *value)
{
    return yyjson_is_ctn(inner(value)) ? yyjson_get_len(inner(value)) : 0;
}

const struct json_value *json_get(const struct json_value *object, const char *key)
{
    return outer(yyjson_obj_get(inner(object), key));
}

const struct json_value *json_at(const struct json_value *array, size_t index)
{
    return outer(yyjson_arr_get(inner(array), index));
}

int json_get_i64(const struct json_value *value, int64_t *out)
{
    yyjson_val *number = inner(value);
    if (yyjson_is_uint(number)) {
        uint64_t unsigned_value = yyjson_get_uint(number);
        if (unsigned_value > INT64_MAX) {
            return BUSBAR_ERANGE;
        }
        *out = (int64_t)unsigned_value;
        return 0;
    }
    if (yyjson_is_sint(number)) {
        *out = yyjson_get_sint(number);
        return 0;
    }
    if (!yyjson_is_real(number) || trunc(yyjson_get_real(number)) != yyjson_get_real(number)) {
        return BUSBAR_EWRONGTYPE;
    }
    double real = yyjson_get_real(number);
    if (real < -0x1p63 || real >= 0x1p63) {
        return BUSBAR_ERANGE;
    }
    *out = (int64_t)real;
    return 0;
}

int json_get_u64(const struct json_value *value, uint64_t *out)
{
    if (yyjson_is_uint(inner(value))) {
        *out = yyjson_get_uint(inner(value));
        return 0;
    }
    int64_t signed_value;
    int error = json_get_i64(value, &signed_value);
    if (error != 0 || signed_value < 0) {
        return error != 0 ? error : BUSBAR_ERANGE;
    }
    *out = (uint64_t)signed_value;
    return 0;
}

int json_get_double(const struct json_value *value, double *out)
{
    if (!yyjson_is_num(inner(value))) {
        return BUSBAR_EWRONGTYPE;
    }
    *out = yyjson_get_num(inner(value));
    return 0;
}

int json_get_bool(const struct json_value *value, bool *out)
{
    if (!yyjson_is_bool(inner(value))) {
        return BUSBAR_EWRONGTYPE;
    }
    *out = yyjson_get_bool(inner(value));
    return 0;
}

const char *json_get_text(const struct json_value *value, size_t *size)
{
    const char *text = yyjson_get_str(inner(value));
    if (text != NULL && size != NULL) {
        *size = yyjson_get_len(inner(value));
    }
    return text;
}

struct json_iter json_iter(const struct json_value *container)
{
    struct json_iter iter = { .container = container, .left = json_size(container) };
    if (iter.left > 0) {
        iter.at = outer(unsafe_yyjson_get_first(inner(container)));
    }
    return iter;
}

bool json_next(struct json_iter *iter, const char **key, const struct json_value **item)
{
    if (iter->left == 0) {
        return false;
    }
    yyjson_val *at = inner(iter->at);
    bool object = yyjson_is_obj(inner(iter->container));
    if (key != NULL) {
        *key = object ? yyjson_get_str(at) : NULL;
    }
    yyjson_val *value = object ? at + 1 : at;
    *item = outer(value);
    iter->left--;
    iter->at = outer(unsafe_yyjson_get_next(value));
    return true;
}
