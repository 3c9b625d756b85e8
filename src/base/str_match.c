/* SPDX-License-Identifier: Apache-2.0 */
/* Near words for hints, patterns for paths, and UTF-8 (Unicode 15, table 3-7: well-formed byte sequences). */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/str.h"

enum { NEAREST_WORD_MAX = 64 };

static int lower(char c)
{
    return tolower((unsigned char)c);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Edit distance with swaps of neighbours (optimal string alignment), three rows of the table at a time. */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    unsigned rows[3][NEAREST_WORD_MAX + 1];
    for (size_t j = 0; j <= b_size; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *above2 = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned cost = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]) && above2[j - 2] + 1 < row[j]) {
                row[j] = above2[j - 2] + 1;
            }
        }
    }
    return rows[a_size % 3][b_size];
}

const char *str_nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t size = strlen(word);
    if (size == 0 || size > NEAREST_WORD_MAX) {
        return NULL;
    }
    unsigned limit = size <= 3 ? 1 : size <= 8 ? 2 : 3;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_size = candidates[i] != NULL ? strlen(candidates[i]) : 0;
        if (candidate_size == 0 || candidate_size > NEAREST_WORD_MAX ||
            candidate_size > size + limit || size > candidate_size + limit) {
            continue;
        }
        unsigned edits = distance(word, size, candidates[i], candidate_size);
        /* replacing every letter makes any word of any other */
        if (edits <= limit && edits < candidate_size) {
            nearest = candidates[i];
            if (edits == 0) {
                break;
            }
            limit = edits - 1;
        }
    }
    return nearest;
}

static const char *next_character(const char *text)
{
    text++;
    while (((unsigned char)*text & 0xc0) == 0x80) {
        text++;
    }
    return text;
}

/* Only the last star needs to be tried again: what stood before an earlier one has matched. */
bool str_glob(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *retry = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern == '?') {
            pattern++;
            text = next_character(text);
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            retry = next_character(retry);
            text = retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

/* Bytes of the well-formed character at `at`, 0 when there is none. */
static size_t character_bytes(const unsigned char *at, size_t left)
{
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t size;
    if (at[0] < 0x80) {
        return 1;
    } else if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        size = 2;
    } else if (at[0] >= 0xe0 && at[0] <= 0xef) {
        size = 3;
        low = at[0] == 0xe0 ? 0xa0 : low;
        high = at[0] == 0xed ? 0x9f : high;
    } else if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        size = 4;
        low = at[0] == 0xf0 ? 0x90 : low;
        high = at[0] == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (size > left || at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

/* Eight characters of ASCII. */
static bool is_plain(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

size_t str_utf8_cut(const char *text, size_t size, size_t max)
{
    size_t end = size < max ? size : max;
    size_t at = 0;
    while (at < end) {
        if (end - at >= sizeof(uint64_t) && is_plain(text + at)) {
            at += sizeof(uint64_t);
            continue;
        }
        size_t bytes = character_bytes((const unsigned char *)text + at, end - at);
        if (bytes == 0) {
            break;
        }
        at += bytes;
    }
    return at;
}

size_t str_put_utf8(char to[4], uint32_t character)
{
    static const unsigned char heads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    assert(character <= 0x10ffff);
    for (size_t i = size - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    to[0] = (char)(heads[size] | character);
    return size;
}

bool str_is_utf8(const char *text, size_t size)
{
    return str_utf8_cut(text, size, size) == size;
}

size_t str_utf8_length(const char *text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        length += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return length;
}
