/* SPDX-License-Identifier: Apache-2.0 */
#include "payload/csv.h"

#include <string.h>

#include "base/str.h"

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* ---- columns ---- */

bool csv_line(const char *text, size_t size, size_t *at, struct piece *line)
{
    size_t from = *at;
    bool quoted = false;
    while (from < size && is_line_end(text[from])) {
        from++;
    }
    size_t to = from;
    for (; to < size && (quoted || !is_line_end(text[to])); to++) {
        quoted = quoted != (text[to] == '"');
    }
    if (quoted) { /* one that is not closed ends with its line */
        for (to = from; to < size && !is_line_end(text[to]); to++) {
        }
    }
    *line = (struct piece){ text + from, to - from };
    *at = to;
    return to > from;
}

/* Behind the quote that closes; out: what is between, without the doubled ones. */
static bool take_quoted(const struct piece *line, size_t from, size_t *to, struct scratch *scratch,
                        struct piece *out)
{
    const char *text = line->text;
    size_t at = from, doubled = 0;
    while (at < line->size && (text[at] != '"' || (at + 1 < line->size && text[at + 1] == '"'))) {
        doubled += text[at] == '"';
        at += text[at] == '"' ? 2 : 1;
    }
    *to = at < line->size ? at + 1 : at;
    *out = (struct piece){ text + from, at - from };
    if (doubled == 0) {
        return true;
    }
    char *room = scratch_room(scratch, out->size);
    if (room == NULL) {
        return false;
    }
    size_t used = 0;
    for (size_t i = from; i < at; i++) {
        room[used++] = text[i];
        i += text[i] == '"';
    }
    *out = (struct piece){ room, used };
    return true;
}

bool csv_cell(const struct piece *line, char separator, size_t *at, struct scratch *scratch,
              struct piece *cell)
{
    size_t from = *at;
    if (from > line->size) {
        return false;
    }
    size_t begin = from;
    while (begin < line->size && line->text[begin] == ' ') {
        begin++;
    }
    size_t to = from;
    if (begin < line->size && line->text[begin] == '"') {
        if (!take_quoted(line, begin + 1, &to, scratch, cell)) {
            return false;
        }
        const char *end = memchr(line->text + to, separator, line->size - to);
        to = end != NULL ? (size_t)(end - line->text) : line->size;
    } else {
        const char *end = memchr(line->text + from, separator, line->size - from);
        to = end != NULL ? (size_t)(end - line->text) : line->size;
        *cell = (struct piece){ line->text + from, to - from };
        text_trim(&cell->text, &cell->size);
    }
    *at = to + 1;
    return true;
}

/* ---- keys ---- */

static bool is_separator(char c)
{
    return c == ' ' || c == '\t' || is_line_end(c) || c == ',' || c == ';' || c == '&';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t value_end(const char *text, size_t size, size_t from, bool comma)
{
    size_t at = from;
    while (at < size) {
        bool decimal = comma && text[at] == ',' && at > from && is_digit(text[at - 1]) &&
                       at + 1 < size && is_digit(text[at + 1]);
        if (is_separator(text[at]) && !decimal) {
            break;
        }
        at++;
    }
    return at;
}

static bool undo_form(struct piece *piece, struct scratch *scratch)
{
    if (memchr(piece->text, '%', piece->size) == NULL &&
        memchr(piece->text, '+', piece->size) == NULL) {
        return true;
    }
    char *room = scratch_room(scratch, piece->size);
    if (room == NULL) {
        return false;
    }
    size_t used = 0;
    for (size_t i = 0; i < piece->size; i++) {
        char c = piece->text[i];
        if (c == '%' && i + 2 < piece->size && str_hex_digit(piece->text[i + 1]) >= 0 &&
            str_hex_digit(piece->text[i + 2]) >= 0) {
            c = (char)(str_hex_digit(piece->text[i + 1]) * 16 + str_hex_digit(piece->text[i + 2]));
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        room[used++] = c;
    }
    *piece = (struct piece){ room, used };
    return str_is_utf8(room, used);
}

static void take_value(const char *text, size_t size, bool comma, size_t *at, struct piece *value)
{
    char quote = *at < size ? text[*at] : '\0';
    const char *end = quote == '"' || quote == '\'' ? memchr(text + *at + 1, quote, size - *at - 1)
                                                    : NULL;
    if (end != NULL) {
        *value = (struct piece){ text + *at + 1, (size_t)(end - text) - *at - 1 };
        *at = (size_t)(end - text) + 1;
        return;
    }
    size_t to = value_end(text, size, *at, comma);
    *value = (struct piece){ text + *at, to - *at };
    *at = to;
}

bool keys_next(const char *text, size_t size, bool comma, bool form, size_t *at,
               struct scratch *scratch, struct pair *pair)
{
    size_t from = *at;
    while (from < size) {
        while (from < size && is_separator(text[from])) {
            from++;
        }
        size_t to = from;
        while (to < size && !is_separator(text[to]) && text[to] != '=' && text[to] != ':') {
            to++;
        }
        size_t sign = to;
        while (sign < size && text[sign] == ' ') {
            sign++;
        }
        if (to == from || sign >= size || (text[sign] != '=' && text[sign] != ':')) {
            from = to > from ? to : to + 1;
            continue;
        }
        pair->key = (struct piece){ text + from, to - from };
        from = sign + 1;
        size_t word = from;
        while (word < size && (text[word] == ' ' || text[word] == '\t')) {
            word++;
        }
        size_t end = value_end(text, size, word, comma);
        bool next_key = word > from && memchr(text + word, '=', end - word) != NULL; /* a= b=3 */
        from = next_key ? from : word;
        take_value(text, size, comma, &from, &pair->value);
        *at = from;
        return !form || (undo_form(&pair->key, scratch) && undo_form(&pair->value, scratch));
    }
    *at = size;
    return false;
}
