/* SPDX-License-Identifier: Apache-2.0 */
/* See convert.h. convert_in() runs once a sample, a million times a second: no calls on its usual
 * path but what the compiler inlines. */
#include "driver/convert.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "model/quality.h"

enum { HINT_NAMES_MAX = 8 }; /* enum names listed in a hint */

static bool is_scaled(const struct point_class *cls)
{
    return cls->scale != 1.0 || cls->offset != 0.0;
}

static void no_value(struct sample *sample, uint8_t quality)
{
    sample->type = VALUE_NONE;
    sample->value.bits = 0;
    sample->quality = quality;
}

static void check_enum(const struct point_class *cls, struct sample *sample)
{
    int64_t number = sample->type == VALUE_BOOL ? sample->value.b : sample->value.i;
    for (size_t i = 0; i < cls->enum_count; i++) {
        if (cls->enums[i].value == number) {
            return;
        }
    }
    sample->quality = QUALITY_CONFIGURATION;
}

static void clamp(const struct point_class *cls, struct sample *sample)
{
    double number;
    if (!value_number(sample->type, sample->value, &number)) {
        return;
    }
    double inside = fmin(fmax(number, cls->clamp_min), cls->clamp_max);
    if (inside == number) {
        return;
    }
    if (sample->type == VALUE_DOUBLE) {
        sample->value.d = inside;
    } else if (sample->type == VALUE_INT && fabs(inside) < 0x1p63) {
        sample->value.i = (int64_t)(inside > number ? ceil(inside) : floor(inside));
    } else {
        return;
    }
    sample->quality = QUALITY_CLAMPED;
}

void convert_in(const struct point_class *cls, struct sample *sample)
{
    if (sample->quality != QUALITY_GOOD && quality_class(sample->quality) == QUALITY_CLASS_BAD) {
        no_value(sample, sample->quality);
        return;
    }
    if (sample->type == VALUE_INT || sample->type == VALUE_DOUBLE) {
        if (is_scaled(cls)) {
            double raw = sample->type == VALUE_INT ? (double)sample->value.i : sample->value.d;
            double scaled = cls->divisor != 0 ? raw / cls->divisor : raw * cls->scale;
            sample->value.d = scaled + cls->offset;
            sample->type = VALUE_DOUBLE;
        }
        if (sample->type == VALUE_DOUBLE && !isfinite(sample->value.d)) {
            no_value(sample, QUALITY_OUT_OF_RANGE);
            return;
        }
    } else if (sample->type == VALUE_NONE) {
        no_value(sample, QUALITY_DECODE);
        return;
    } else if (sample->type == VALUE_TEXT && sample->value.text->size > TEXT_BYTES_MAX) {
        no_value(sample, QUALITY_OUT_OF_RANGE);
        return;
    }
    if (cls->enum_count > 0 && (sample->type == VALUE_INT || sample->type == VALUE_BOOL)) {
        check_enum(cls, sample);
    }
    if (cls->has_clamp) {
        clamp(cls, sample);
    }
}

/* The value of a name, or of a number written as text. */
static void take_name(const struct point *pt, struct sample *sample)
{
    int64_t number;
    const char *name = sample->value.text->bytes;
    if (!point_enum_value(pt->cls, name, &number) && str_parse_i64(name, &number) != 0) {
        no_value(sample, QUALITY_DECODE);
        return;
    }
    sample->type = pt->value_type == VALUE_BOOL ? VALUE_BOOL : VALUE_INT;
    sample->value.bits = 0;
    if (sample->type == VALUE_BOOL) {
        sample->value.b = number != 0;
    } else {
        sample->value.i = number;
    }
    check_enum(pt->cls, sample);
}

void convert_in_point(const struct point *pt, struct sample *sample)
{
    if (sample->type == VALUE_TEXT && pt->cls->enum_count > 0 && pt->value_type != VALUE_TEXT &&
        quality_class(sample->quality) != QUALITY_CLASS_BAD) {
        take_name(pt, sample);
        return;
    }
    convert_in(pt->cls, sample);
}

/* ---- writing ---- */

static void hint_names(const struct point_class *cls, const char *word, struct err *err)
{
    const char *names[POINT_ENUM_MAX] = { NULL };
    char list[ERR_HINT_MAX] = "";
    size_t count = cls->enum_count < POINT_ENUM_MAX ? cls->enum_count : POINT_ENUM_MAX;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        names[i] = cls->enums[i].name;
        if (i < HINT_NAMES_MAX) {
            used += str_format(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "",
                               names[i]);
        }
    }
    const char *nearest = word != NULL ? str_nearest(word, names, count) : NULL;
    if (nearest != NULL) {
        err_hint(err, "did you mean '%s'? Its states: %s", nearest, list);
    } else {
        err_hint(err, "its states: %s%s", list, count > HINT_NAMES_MAX ? " ..." : "");
    }
}

static int bool_from_text(const struct point *pt, const struct text *text,
                          struct convert_asked *asked, struct err *err)
{
    bool on = false;
    int error = str_parse_bool(text->bytes, &on);
    asked->type = VALUE_BOOL;
    asked->value = (union value){ .b = on };
    if (error == 0) {
        return 0;
    }
    err_set(err, BUSBAR_EWRONGTYPE, "'%s' is on or off, not '%.60s'", pt->name, text->bytes);
    err_hint(err, "write true, false, on, off, 1 or 0");
    return BUSBAR_EWRONGTYPE;
}

static int from_text(const struct point *pt, const struct text *text, struct convert_asked *asked,
                     struct err *err)
{
    if (pt->value_type == VALUE_TEXT) {
        if (text->size > TEXT_BYTES_MAX) {
            return err_set(err, BUSBAR_ERANGE, "a text of %u bytes is over the limit of %d",
                           (unsigned)text->size, TEXT_BYTES_MAX);
        }
        asked->type = VALUE_TEXT;
        asked->value.text = text;
        return 0;
    }
    if (pt->cls->enum_count == 0 && pt->value_type == VALUE_NONE) {
        asked->type = VALUE_TEXT; /* its type is not known yet: the driver tells when it is wrong */
        asked->value.text = text;
        return text->size <= TEXT_BYTES_MAX
                   ? 0
                   : err_set(err, BUSBAR_ERANGE, "a text of %u bytes is over the limit of %d",
                             (unsigned)text->size, TEXT_BYTES_MAX);
    }
    if (pt->cls->enum_count == 0 && pt->value_type == VALUE_BOOL) {
        return bool_from_text(pt, text, asked, err);
    }
    if (pt->cls->enum_count == 0) {
        err_set(err, BUSBAR_EWRONGTYPE, "'%s' needs a number, not the text '%.60s'", pt->name,
                text->bytes);
        return err != NULL ? err->code : BUSBAR_EWRONGTYPE;
    }
    int64_t number;
    if (!point_enum_value(pt->cls, text->bytes, &number)) {
        err_set(err, BUSBAR_ENOENT, "'%s' has no state '%.60s'", pt->name, text->bytes);
        hint_names(pt->cls, text->bytes, err);
        return BUSBAR_ENOENT;
    }
    asked->type = pt->value_type == VALUE_BOOL ? VALUE_BOOL : VALUE_INT;
    if (asked->type == VALUE_BOOL) {
        asked->value = (union value){ .b = number != 0 };
    } else {
        asked->value.i = number;
    }
    return 0;
}

static int wrong_type(const struct point *pt, struct err *err)
{
    return err_set(err, BUSBAR_EWRONGTYPE, "'%s' needs a value of type %s", pt->name,
                   value_type_word(pt->value_type));
}

static int from_number(const struct point *pt, uint8_t type, union value value,
                       struct convert_asked *asked, struct err *err)
{
    double number;
    if (!value_number(type, value, &number)) {
        return wrong_type(pt, err);
    }
    if (!isfinite(number)) {
        return err_set(err, BUSBAR_ERANGE, "'%s' cannot be set to a number that is not finite",
                       pt->name);
    }
    asked->type = pt->value_type;
    asked->value.bits = 0;
    switch (pt->value_type) {
    case VALUE_BOOL:
        if (number != 0.0 && number != 1.0) {
            return err_set(err, BUSBAR_ERANGE, "'%s' is true or false (1 or 0)", pt->name);
        }
        asked->value.b = number != 0.0;
        return 0;
    case VALUE_INT:
        if (type == VALUE_INT) {
            asked->value.i = value.i;
            return 0;
        }
        if (number != floor(number) || number < -0x1p63 || number >= 0x1p63) {
            return err_set(err, BUSBAR_ERANGE, "'%s' takes whole numbers", pt->name);
        }
        asked->value.i = (int64_t)number;
        return 0;
    case VALUE_DOUBLE: asked->value.d = number; return 0;
    case VALUE_NONE: /* not known yet: as it was given */
        asked->type = type;
        asked->value = value;
        return 0;
    default: return wrong_type(pt, err);
    }
}

static int check_range(const struct point *pt, const struct convert_asked *asked, struct err *err)
{
    const struct point_write *write = &pt->cls->write;
    double number;
    if (!value_number(asked->type, asked->value, &number)) {
        return 0;
    }
    if ((write->has_min && number < write->min) || (write->has_max && number > write->max)) {
        char min[32] = "...", max[32] = "...", value[32];
        if (write->has_min) {
            str_format_double(min, sizeof(min), write->min);
        }
        if (write->has_max) {
            str_format_double(max, sizeof(max), write->max);
        }
        str_format_double(value, sizeof(value), number);
        err_set(err, BUSBAR_ERANGE, "%s is outside of what '%s' may be set to", value, pt->name);
        err_hint(err, "allowed: %s to %s %s", min, max, pt->cls->units);
        return BUSBAR_ERANGE;
    }
    if (pt->cls->enum_count > 0 && asked->type == VALUE_INT &&
        point_enum_name(pt->cls, asked->value.i) == NULL) {
        err_set(err, BUSBAR_ERANGE, "'%s' has no state %lld", pt->name, (long long)asked->value.i);
        hint_names(pt->cls, NULL, err);
        return BUSBAR_ERANGE;
    }
    return 0;
}

int convert_out(const struct point *pt, uint8_t type, union value value,
                struct convert_asked *asked, struct err *err)
{
    *asked = (struct convert_asked){ .type = VALUE_NONE };
    int error = type == VALUE_TEXT ? from_text(pt, value.text, asked, err)
                                   : from_number(pt, type, value, asked, err);
    if (error == 0) {
        error = check_range(pt, asked, err);
    }
    if (error != 0) {
        return error;
    }
    asked->raw_type = asked->type;
    asked->raw = asked->value;
    if (asked->type == VALUE_DOUBLE && is_scaled(pt->cls)) {
        double scaled = asked->value.d - pt->cls->offset;
        asked->raw.d = pt->cls->divisor != 0 ? scaled * pt->cls->divisor : scaled / pt->cls->scale;
        if (!isfinite(asked->raw.d)) {
            return err_set(err, BUSBAR_ERANGE,
                           "'%s' cannot be set: its scale makes the value too big", pt->name);
        }
    }
    return 0;
}

/* ---- what is the same when it is read back ---- */

static bool same_json(const struct json_value *a, const struct json_value *b)
{
    double left, right;
    const struct json_value *one, *other;
    struct json_iter ones = json_iter(a), others = json_iter(b);
    if (json_get_double(a, &left) == 0 && json_get_double(b, &right) == 0) {
        bool whole = json_type(a) == JSON_INTEGER && json_type(b) == JSON_INTEGER;
        return fabs(left - right) <= (whole ? 0 : fabs(left) * 1e-6);
    }
    if (json_type(a) != json_type(b) || json_size(a) != json_size(b)) {
        return false;
    }
    switch (json_type(a)) {
    case JSON_STRING: return str_equal(json_get_text(a, NULL), json_get_text(b, NULL));
    case JSON_BOOL: {
        bool yes, no;
        return json_get_bool(a, &yes) == 0 && json_get_bool(b, &no) == 0 && yes == no;
    }
    case JSON_ARRAY:
        while (json_next(&ones, NULL, &one) && json_next(&others, NULL, &other)) {
            if (!same_json(one, other)) {
                return false;
            }
        }
        return true;
    default: return json_type(a) == JSON_NULL;
    }
}

/* Both are JSON arrays of the same values, however they are written. */
static bool same_list(const struct text *a, const struct text *b)
{
    struct json_doc *left = NULL, *right = NULL;
    bool same = a->size > 0 && b->size > 0 && a->bytes[0] == '[' && b->bytes[0] == '[' &&
                json_parse(a->bytes, a->size, NULL, &left, NULL) == 0 &&
                json_parse(b->bytes, b->size, NULL, &right, NULL) == 0 &&
                same_json(json_root(left), json_root(right));
    json_free(left);
    json_free(right);
    return same;
}

/* Dates and lists can be written in more than one way; a device gives them back in its own. */
static bool same_text(const struct text *a, const struct text *b)
{
    int64_t left, right;
    if (a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0) {
        return true;
    }
    if (str_parse_time(a->bytes, &left) == 0 && str_parse_time(b->bytes, &right) == 0) {
        return left == right;
    }
    return same_list(a, b);
}

bool convert_same(const struct point *pt, const struct convert_asked *asked,
                  const struct sample *back)
{
    double wanted, is;
    if (asked->type == VALUE_TEXT && back->type == VALUE_TEXT) {
        return same_text(asked->value.text, back->value.text);
    }
    if ((asked->type != VALUE_DOUBLE && back->type != VALUE_DOUBLE) ||
        !value_number(asked->type, asked->value, &wanted) ||
        !value_number(back->type, back->value, &is)) {
        return value_equal(asked->type, asked->value, back->type, back->value);
    }
    double float_step = fabs(wanted) * 1e-6;
    double half_scale = is_scaled(pt->cls) ? fabs(pt->cls->scale) * 0.500001 : 0.0;
    return fabs(wanted - is) <= fmax(float_step, half_scale);
}
