/* SPDX-License-Identifier: Apache-2.0 */
/* What was said of a point: read, checked, and kept. */
#include "payload/point.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "payload/rule.h"

enum { KINDS = PAYLOAD_POINT_ABOUT + 1 };

static int refuse(const struct settings *point, size_t row, const char *hint, struct err *err,
                  const char *what)
{
    return err_at(err, BUSBAR_EINVAL, settings_at(point, row), hint, "'%s' %s",
                  point->options[row].key, what);
}

/* The one key that says where the value stands; ROWS: none. */
static int find_kind(const struct settings *point, uint8_t *kind, struct err *err)
{
    *kind = PAYLOAD_POINT_ROWS;
    for (size_t i = 0; i < KINDS; i++) {
        if (!settings_has(point, i)) {
            continue;
        }
        if (*kind != PAYLOAD_POINT_ROWS) {
            return err_at(err, BUSBAR_EINVAL, settings_at(point, i), "take one of them out",
                          "both '%s' and '%s' say where the value stands",
                          point->options[*kind].key, point->options[i].key);
        }
        *kind = (uint8_t)i;
    }
    return 0;
}

/* ---- bytes ---- */

static int read_bits(const struct settings *point, struct payload_point *out, struct err *err)
{
    out->first_bit = out->last_bit = PAYLOAD_BIT_NONE;
    if (settings_has(point, PAYLOAD_POINT_BIT)) {
        out->first_bit = out->last_bit = (uint8_t)settings_int(point, PAYLOAD_POINT_BIT);
    }
    const char *text = settings_text(point, PAYLOAD_POINT_BITS);
    if (text == NULL) {
        return 0;
    }
    if (out->first_bit != PAYLOAD_BIT_NONE) {
        return refuse(point, PAYLOAD_POINT_BITS, "take one of them out", err,
                      "cannot stand beside 'bit'");
    }
    char copy[20];
    int64_t first = 0, last = 0;
    (void)str_copy(copy, sizeof(copy), text);
    char *dash = strchr(copy, '-');
    if (dash != NULL) {
        *dash = '\0';
    }
    if (str_parse_i64(copy, &first) != 0 ||
        str_parse_i64(dash != NULL ? dash + 1 : copy, &last) != 0 || first < 0 || last > 63) {
        return refuse(point, PAYLOAD_POINT_BITS, "from the lowest, which is 0, to the highest: 4-7",
                      err, "is no range of bits");
    }
    out->first_bit = (uint8_t)(first < last ? first : last);
    out->last_bit = (uint8_t)(first < last ? last : first);
    return 0;
}

static unsigned bits_of(const struct payload_point *out)
{
    const struct expression expression = { .as = out->type, .length = out->length };
    return 8 * (unsigned)binary_size(&expression);
}

/* What bits are taken out of when nothing is said: the smallest that has them. */
static uint8_t type_for_bits(uint8_t last_bit)
{
    return last_bit < 8    ? PAYLOAD_AS_UINT8
           : last_bit < 16 ? PAYLOAD_AS_UINT16
           : last_bit < 32 ? PAYLOAD_AS_UINT32
                           : PAYLOAD_AS_UINT64;
}

static int read_bytes(const struct settings *point, struct payload_point *out, struct err *err)
{
    out->length = (uint16_t)settings_int(point, PAYLOAD_POINT_LENGTH);
    int error = read_bits(point, out, err);
    if (error != 0) {
        return error;
    }
    bool bits = out->first_bit != PAYLOAD_BIT_NONE;
    bool plain = out->type <= PAYLOAD_AS_TEXT;
    if (bits && plain) {
        out->type = type_for_bits(out->last_bit);
    } else if (out->type == PAYLOAD_AS_AUTO) {
        out->type = out->length > 0 ? PAYLOAD_AS_ASCII : PAYLOAD_AS_UINT8;
    } else if (out->type == PAYLOAD_AS_TEXT) {
        out->type = PAYLOAD_AS_ASCII;
    } else if (plain) {
        return refuse(point, PAYLOAD_POINT_TYPE,
                      "uint8, int8, uint16, int16 ... uint64, int64, float32, float64, bcd, ascii",
                      err, "does not say how the value stands in the bytes");
    }
    bool counted = out->type == PAYLOAD_AS_BCD || out->type == PAYLOAD_AS_ASCII;
    if (counted && out->length == 0) {
        return refuse(point, PAYLOAD_POINT_TYPE, "add length: how many bytes", err,
                      "needs a 'length'");
    }
    if (!counted && out->length > 0) {
        return refuse(point, PAYLOAD_POINT_LENGTH, "take it out: the type says how many", err,
                      "is of bcd and ascii only");
    }
    if (out->type == PAYLOAD_AS_BCD && out->length > 9) {
        return refuse(point, PAYLOAD_POINT_LENGTH, "at most 9 bytes, 18 digits", err,
                      "is too long for bcd");
    }
    if (bits && (counted || out->type >= PAYLOAD_AS_FLOAT32)) {
        return refuse(point, PAYLOAD_POINT_TYPE, "a whole type: uint8, uint16, uint32, uint64", err,
                      "has no bits to take out");
    }
    if (bits && out->last_bit >= bits_of(out)) {
        return refuse(
            point, settings_has(point, PAYLOAD_POINT_BIT) ? PAYLOAD_POINT_BIT : PAYLOAD_POINT_BITS,
            "name a wider type, such as uint16 or uint32", err, "is not in that type");
    }
    return 0;
}

/* ---- all ---- */

static int check_others(const struct settings *point, const struct payload_point *out,
                        struct err *err)
{
    static const size_t of_bytes[] = { PAYLOAD_POINT_ORDER, PAYLOAD_POINT_LENGTH, PAYLOAD_POINT_BIT,
                                       PAYLOAD_POINT_BITS };
    for (size_t i = 0; i < sizeof(of_bytes) / sizeof(of_bytes[0]); i++) {
        if (settings_has(point, of_bytes[i]) && out->kind != PAYLOAD_POINT_BYTES) {
            return refuse(point, of_bytes[i], "say where with 'bytes', or take it out", err,
                          "is of 'bytes' only");
        }
    }
    if (out->kind != PAYLOAD_POINT_BYTES && out->type > PAYLOAD_AS_TEXT) {
        return refuse(point, PAYLOAD_POINT_TYPE, "bool, int, number, text or auto", err,
                      "says how bytes are written, which only points with 'bytes' have");
    }
    return 0;
}

static uint8_t value_type_of(const struct payload_point *out, const struct expression *expression)
{
    static const uint8_t plain[] = { VALUE_NONE, VALUE_BOOL, VALUE_INT, VALUE_DOUBLE, VALUE_TEXT };
    if (out->kind == PAYLOAD_POINT_BYTES && out->first_bit != PAYLOAD_BIT_NONE) {
        return out->first_bit == out->last_bit ? VALUE_BOOL : VALUE_INT;
    }
    if (out->kind == PAYLOAD_POINT_MATCH && out->type == PAYLOAD_AS_AUTO &&
        match_value_group(expression->match) == 0) {
        return VALUE_BOOL;
    }
    if (out->type <= PAYLOAD_AS_TEXT) {
        return plain[out->type];
    }
    return out->type == PAYLOAD_AS_ASCII                                        ? VALUE_TEXT
           : out->type == PAYLOAD_AS_FLOAT32 || out->type == PAYLOAD_AS_FLOAT64 ? VALUE_DOUBLE
           : out->type == PAYLOAD_AS_UINT64                                     ? VALUE_NONE
                                                                                : VALUE_INT;
}

/* In a row of the point: the error stands there. */
static int at_row(const struct settings *point, size_t row, int error, struct err *err)
{
    if (error != 0 && err != NULL) {
        struct position at = settings_at(point, row);
        (void)str_copy(err->file, sizeof(err->file), at.file != NULL ? at.file : "");
        err->line = at.line;
        err->column = at.column;
        err->width = at.width;
    }
    return error;
}

static int check_device(const struct settings *device, const struct settings *point,
                        const struct payload_point *out, const struct expression *expression,
                        struct err *err)
{
    const char *each = settings_text(device, PAYLOAD_DEVICE_EACH);
    bool lines = each != NULL && strncmp(each, "csv", 3) == 0;
    if (out->kind == PAYLOAD_POINT_PROTOBUF && !settings_has(device, PAYLOAD_DEVICE_MESSAGE)) {
        return refuse(point, PAYLOAD_POINT_PROTOBUF,
                      "add message: acme.Reading to the device; the descriptors stand in 'schemas'",
                      err, "needs the message's type");
    }
    bool named = out->kind == PAYLOAD_POINT_CSV && expression->number == 0;
    bool header = !settings_has(device, PAYLOAD_DEVICE_HEADER)
                      ? !lines
                      : settings_bool(device, PAYLOAD_DEVICE_HEADER);
    return named && !header
               ? refuse(point, PAYLOAD_POINT_CSV,
                        "add header: true to the device, or name the column by its number", err,
                        "is a column's name, so the first line must have names")
               : 0;
}

/* `at` stands in the same message as the value. */
static int check_at(const struct settings *point, const struct settings *device,
                    const struct payload_schemas *schemas, const struct payload_point *out,
                    struct err *err)
{
    struct expression at;
    int error = expression_new(out->kind, out->at, settings_text(device, PAYLOAD_DEVICE_ID), false,
                               &at, err);
    if (error == 0) {
        error = expression_check(&at, device, schemas, true, err);
        expression_fini(&at);
    }
    return at_row(point, PAYLOAD_POINT_AT, error, err);
}

/* Compiled once, to see that it is right. */
static int check_expressions(const struct settings *point, const struct settings *device,
                             const struct payload_schemas *schemas, struct payload_point *out,
                             struct point_facts *facts, struct err *err)
{
    const char *id = settings_text(device, PAYLOAD_DEVICE_ID);
    struct expression expression;
    struct conversion conversion;
    int error = at_row(point, out->kind,
                       expression_new(out->kind, out->expression, id, false, &expression, err),
                       err);
    if (error != 0) {
        return error;
    }
    facts->value_type = value_type_of(out, &expression);
    error = check_device(device, point, out, &expression, err);
    if (error == 0) {
        error = at_row(point, out->kind, expression_check(&expression, device, schemas, true, err),
                       err);
    }
    expression_fini(&expression);
    if (error == 0 && out->at != NULL) {
        error = check_at(point, device, schemas, out, err);
    }
    if (error == 0) {
        error = at_row(point, PAYLOAD_POINT_NONE,
                       conversion_new(out->kind, out->type, out->none, false, &conversion, err),
                       err);
        if (error == 0) {
            conversion_fini(&conversion);
        }
    }
    return error;
}

static const char *keep(struct arena *arena, const char *text)
{
    return text == NULL || arena == NULL ? text : arena_strdup(arena, text);
}

/* Into the arena; without one they are borrowed. */
static int keep_all(struct payload_point *out, struct arena *arena, struct err *err)
{
    const char *expression = keep(arena, out->expression);
    const char *at = keep(arena, out->at);
    const char *none = keep(arena, out->none);
    if (expression == NULL || (at == NULL) != (out->at == NULL) ||
        (none == NULL) != (out->none == NULL)) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    out->expression = expression;
    out->at = at;
    out->none = none;
    return 0;
}

int payload_point_read(const struct settings *point, const struct settings *device,
                       const struct payload_schemas *schemas, struct payload_point *out,
                       struct point_facts *facts, struct err *err)
{
    char offset[32];
    *out = (struct payload_point){ .kind = PAYLOAD_POINT_ROWS,
                                   .type = (uint8_t)settings_int(point, PAYLOAD_POINT_TYPE),
                                   .order = (uint8_t)settings_int(point, PAYLOAD_POINT_ORDER),
                                   .first_bit = PAYLOAD_BIT_NONE,
                                   .last_bit = PAYLOAD_BIT_NONE,
                                   .at = settings_text(point, PAYLOAD_POINT_AT),
                                   .none = settings_text(point, PAYLOAD_POINT_NONE) };
    int error = find_kind(point, &out->kind, err);
    if (error != 0 || out->kind == PAYLOAD_POINT_ROWS) {
        return error;
    }
    if (out->kind == PAYLOAD_POINT_BYTES) {
        str_format(offset, sizeof(offset), "%lld",
                   (long long)settings_int(point, PAYLOAD_POINT_BYTES));
        out->expression = offset;
        error = read_bytes(point, out, err);
    } else {
        out->expression = out->kind == PAYLOAD_POINT_TEXT ? "all" : settings_text(point, out->kind);
    }
    if (error == 0) {
        error = check_others(point, out, err);
    }
    if (error == 0) {
        error = check_expressions(point, device, schemas, out, facts, err);
    }
    if (error == 0 && (facts->arena != NULL || out->kind != PAYLOAD_POINT_BYTES)) {
        error = keep_all(out, facts->arena, err);
    } else if (error == 0) {
        out->expression = "0"; /* only checked: nothing of it is kept */
    }
    return error;
}
