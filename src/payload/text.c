/* SPDX-License-Identifier: Apache-2.0 */
#include "payload/text.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/str.h"

enum {
    NUMBER_TEXT_MAX = 400,
    EXACT_DIGITS_MAX = 15, /* a double holds them, and the powers of ten below, exactly */
    EXACT_POWER_MAX = 22,
    BLOCK_BYTES = 16384,
};

/* ---- numbers ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits as they come; 19 of them fit. */
struct digits {
    uint64_t value;
    unsigned count; /* without zeros in front */
    size_t used;
};

static struct digits read_digits(const char *text, size_t size, struct digits digits)
{
    size_t at = 0;
    for (; at < size && is_digit(text[at]); at++) {
        if (digits.count < 19) {
            digits.value = digits.value * 10 + (uint64_t)(text[at] - '0');
        }
        digits.count += digits.count > 0 || text[at] != '0';
    }
    digits.used = at;
    return digits;
}

static double exact_or_slow(const char *text, size_t size, bool comma, bool negative,
                            struct digits digits, size_t decimals, bool exponent)
{
    static const double powers[EXACT_POWER_MAX + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };
    if (!exponent && digits.count <= EXACT_DIGITS_MAX && decimals <= EXACT_POWER_MAX) {
        double value = (double)digits.value / powers[decimals];
        return negative ? -value : value;
    }
    char copy[NUMBER_TEXT_MAX];
    double value = 0;
    size = size < sizeof(copy) ? size : sizeof(copy) - 1;
    memcpy(copy, text, size);
    copy[size] = '\0';
    char *point = comma ? strchr(copy, ',') : NULL;
    if (point != NULL) {
        *point = '.';
    }
    int error = str_parse_double(copy[0] == '+' ? copy + 1 : copy, &value);
    if (error == BUSBAR_ERANGE) { /* no point holds it: the rule says so */
        value = negative ? -INFINITY : INFINITY;
    }
    return value;
}

/* Bytes of an exponent; 0: there is none. */
static size_t exponent_size(const char *text, size_t size)
{
    size_t at = 1;
    if (size == 0 || (text[0] != 'e' && text[0] != 'E')) {
        return 0;
    }
    at += at < size && (text[at] == '+' || text[at] == '-');
    size_t first = at;
    while (at < size && is_digit(text[at])) {
        at++;
    }
    return at > first ? at : 0;
}

enum text_number text_number(const char *text, size_t size, bool comma, int64_t *whole,
                             double *real, size_t *used)
{
    size_t at = size > 0 && (text[0] == '-' || text[0] == '+');
    bool negative = at > 0 && text[0] == '-';
    struct digits digits = read_digits(text + at, size - at, (struct digits){ 0 });
    bool any = digits.used > 0;
    size_t decimals = 0;
    bool fraction = false;
    at += digits.used;
    if (at + 1 < size && text[at] == (comma ? ',' : '.') && is_digit(text[at + 1])) {
        digits = read_digits(text + at + 1, size - at - 1, digits);
        decimals = digits.used;
        at += 1 + decimals;
        fraction = any = true;
    }
    if (!any || size > NUMBER_TEXT_MAX) {
        return TEXT_NO_NUMBER;
    }
    size_t exponent = exponent_size(text + at, size - at);
    at += exponent;
    *used = at;
    if (!fraction && exponent == 0 && digits.count <= 18) {
        *whole = negative ? -(int64_t)digits.value : (int64_t)digits.value;
        return TEXT_INT;
    }
    if (!fraction && exponent == 0 && digits.count == 19 &&
        digits.value <= (uint64_t)INT64_MAX + negative) {
        *whole = negative ? (int64_t)(0 - digits.value) : (int64_t)digits.value;
        return TEXT_INT;
    }
    *real = exact_or_slow(text, at, comma, negative, digits, decimals, exponent > 0);
    return TEXT_DOUBLE;
}

/* ---- words ---- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

void text_trim(const char **text, size_t *size)
{
    while (*size > 0 && is_blank((*text)[0])) {
        (*text)++;
        (*size)--;
    }
    while (*size > 0 && is_blank((*text)[*size - 1])) {
        (*size)--;
    }
}

bool text_bool(const char *text, size_t size, bool *out)
{
    static const char *const words[] = { "false", "true", "off", "on", "no", "yes" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i]) == size && strncasecmp(words[i], text, size) == 0) {
            *out = (i & 1) != 0;
            return true;
        }
    }
    return false;
}

size_t text_from_latin1(const uint8_t *data, size_t size, char *to)
{
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        used += str_put_utf8(to + used, data[i]);
    }
    return used;
}

/* ---- memory ---- */

struct scratch_block {
    struct scratch_block *next;
    size_t size, used;
    max_align_t data[];
};

void *scratch_room(struct scratch *scratch, size_t size)
{
    struct scratch_block *block = scratch->blocks;
    size = (size + 15) & ~(size_t)15;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = busbar_try_alloc(sizeof(*block) + room);
        if (block == NULL) {
            return NULL;
        }
        block->size = room;
        block->next = scratch->blocks;
        scratch->blocks = block;
    }
    void *room = (char *)block->data + block->used;
    block->used += size;
    return room;
}

static void free_blocks(struct scratch_block *block)
{
    while (block != NULL) {
        struct scratch_block *next = block->next;
        busbar_free(block);
        block = next;
    }
}

/* One block of the usual size stays; a big message leaves nothing behind. */
void scratch_clear(struct scratch *scratch)
{
    struct scratch_block *block = scratch->blocks;
    if (block != NULL && block->next == NULL && block->size == BLOCK_BYTES) {
        block->used = 0;
        return;
    }
    free_blocks(block);
    scratch->blocks = NULL;
}

void scratch_fini(struct scratch *scratch)
{
    free_blocks(scratch->blocks);
    *scratch = (struct scratch){ 0 };
}
