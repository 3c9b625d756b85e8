/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sample.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

enum { TEXT_STEP = 32 };

const char *value_type_word(uint8_t type)
{
    static const char *const words[] = {
        [VALUE_NONE] = "none",     [VALUE_BOOL] = "bool",   [VALUE_INT] = "int",
        [VALUE_DOUBLE] = "double", [VALUE_TEXT] = "string",
    };
    return type < sizeof(words) / sizeof(words[0]) ? words[type] : "unknown";
}

bool value_equal(uint8_t type_a, union value a, uint8_t type_b, union value b)
{
    if (type_a != type_b) {
        return false;
    }
    switch (type_a) {
    case VALUE_NONE: return true;
    case VALUE_BOOL: return a.b == b.b;
    case VALUE_TEXT:
        return a.text->size == b.text->size &&
               memcmp(a.text->bytes, b.text->bytes, a.text->size) == 0;
    default: return a.bits == b.bits;
    }
}

bool value_number(uint8_t type, union value value, double *out)
{
    switch (type) {
    case VALUE_BOOL: *out = value.b ? 1.0 : 0.0; return true;
    case VALUE_INT: *out = (double)value.i; return true;
    case VALUE_DOUBLE: *out = value.d; return true;
    default: return false;
    }
}

/* What is exactly a float came from 32 bits of a device: its digits are those of the float. */
static void print_double(double value, char *to, size_t size)
{
    if (fabs(value) <= (double)FLT_MAX && (double)(float)value == value) {
        str_format_float(to, size, (float)value);
    } else {
        str_format_double(to, size, value);
    }
}

void value_print(uint8_t type, union value value, struct buf *out)
{
    char number[64];
    switch (type) {
    case VALUE_BOOL: buf_append_text(out, value.b ? "true" : "false"); break;
    case VALUE_INT: buf_printf(out, "%" PRId64, value.i); break;
    case VALUE_DOUBLE:
        print_double(value.d, number, sizeof(number));
        buf_append_text(out, number);
        break;
    case VALUE_TEXT: buf_append(out, value.text->bytes, value.text->size); break;
    default: break;
    }
}

/* Sizes go in steps, so that a text that changes a little keeps its memory. */
static size_t text_capacity(size_t size)
{
    return (size + TEXT_STEP) / TEXT_STEP * TEXT_STEP;
}

struct text *text_set(struct text *text, const char *bytes, size_t size)
{
    assert(size <= TEXT_BYTES_MAX);
    if (text == NULL || text_capacity(text->size) != text_capacity(size)) {
        text = busbar_realloc(text, sizeof(*text) + text_capacity(size));
    }
    text->size = (uint32_t)size;
    if (size > 0) {
        memcpy(text->bytes, bytes, size);
    }
    text->bytes[size] = '\0';
    return text;
}

struct text *text_new(const char *bytes, size_t size)
{
    return text_set(NULL, bytes, size);
}
