/* SPDX-License-Identifier: Apache-2.0 */
/* A row is first found whole in the buffer (quotes decide where it ends), then split in place. Rows
 * without a quote, which is nearly all, take two memchr and no loop over characters. */
#include "config/csv.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crc.h"
#include "base/str.h"

enum { BUFFER_BYTES = 4 * CSV_ROW_MAX };

int csv_init(struct csv *csv, FILE *file)
{
    *csv = (struct csv){ .file = file, .next_line = 1 };
    csv->buffer = busbar_try_alloc(BUFFER_BYTES + 1);
    return csv->buffer != NULL ? 0 : BUSBAR_ENOMEM;
}

void csv_fini(struct csv *csv)
{
    busbar_free(csv->buffer);
    if (csv->file != NULL) {
        fclose(csv->file);
    }
    csv->buffer = NULL;
    csv->file = NULL;
}

static int fill(struct csv *csv)
{
    memmove(csv->buffer, csv->buffer + csv->start, csv->end - csv->start);
    csv->end -= csv->start;
    csv->start = 0;
    size_t got = fread(csv->buffer + csv->end, 1, BUFFER_BYTES - csv->end, csv->file);
    if (got == 0) {
        csv->at_end = true;
        return ferror(csv->file) ? BUSBAR_EIO : 0;
    }
    csv->crc = crc32c(csv->crc, csv->buffer + csv->end, got);
    bool first = csv->bytes == 0;
    csv->bytes += got;
    csv->end += got;
    if (first && csv->end >= 3 && memcmp(csv->buffer, "\xef\xbb\xbf", 3) == 0) {
        csv->start = 3; /* byte order mark */
    }
    return 0;
}

/* Where the row that begins at `row` ends: at its line break or at `end`. NULL: not in the buffer.
 * Only a quote that opens a cell counts. */
static char *row_end(const struct csv *csv, char *row, char *end)
{
    char *stop = memchr(row, '\n', (size_t)(end - row));
    if (stop != NULL && memchr(row, '"', (size_t)(stop - row)) == NULL) {
        return stop;
    }
    if (row < end && *row == '#') {
        return stop;
    }
    bool quoted = false, cell_begins = true;
    const char *closed = NULL; /* behind the last closing quote */
    for (char *p = row; p < end; p++) {
        if (quoted) {
            quoted = *p != '"';
            closed = p + 1;
        } else if (*p == '"' && (cell_begins || p == closed)) {
            quoted = true; /* opens, or the second of a doubled quote: inside again */
        } else if (*p == '\n') {
            return p;
        }
        bool separates = csv->separator != 0 ? *p == csv->separator : strchr(",;\t", *p) != NULL;
        cell_begins = !quoted && (separates || (cell_begins && *p == ' '));
    }
    return NULL;
}

/* Undoes the quotes in place. */
static void unquote(char *text)
{
    char *to = text;
    for (const char *from = text + 1; *from != '\0'; from++) {
        if (*from == '"') {
            if (from[1] != '"') {
                break;
            }
            from++;
        }
        *to++ = *from;
    }
    *to = '\0';
}

/* The end of the cell that begins at `cell`: its separator, or `end`. */
static char *cell_end(const struct csv *csv, char *cell, char *end)
{
    char *text = cell;
    while (text < end && *text == ' ') {
        text++;
    }
    if (text < end && *text == '"') {
        for (text++; text < end; text++) {
            if (*text == '"') {
                if (text + 1 < end && text[1] == '"') {
                    text++;
                } else {
                    break;
                }
            }
        }
        cell = text;
    }
    char *stop = cell < end ? memchr(cell, csv->separator, (size_t)(end - cell)) : NULL;
    return stop != NULL ? stop : end;
}

static bool split(struct csv *csv, char *row, char *end)
{
    int line = csv->line, column = 1;
    csv->count = 0;
    for (char *cell = row;; cell++) {
        if (csv->count == CSV_CELLS_MAX) {
            return false;
        }
        char *stop = cell_end(csv, cell, end);
        char *text = cell, *last = stop;
        while (text < last && *text == ' ') {
            text++;
        }
        while (last > text && (last[-1] == ' ' || last[-1] == '\r')) {
            last--;
        }
        size_t raw = (size_t)(stop - cell), size = (size_t)(last - text);
        struct csv_cell *out = &csv->cells[csv->count++];
        out->text = text;
        out->line = line;
        out->column = column + (int)(text - cell);
        out->width = (int)str_utf8_length(text, size);
        const char *in_cell = memchr(cell, '\n', raw);
        if (in_cell != NULL) {
            for (; in_cell != NULL; in_cell = memchr(in_cell, '\n', (size_t)(stop - in_cell))) {
                line++;
                in_cell++;
                column = 1 + (int)str_utf8_length(in_cell, (size_t)(stop - in_cell));
            }
            out->width = 0;
        } else {
            column += (int)str_utf8_length(cell, raw);
        }
        column++;
        bool more = stop < end;
        *last = '\0';
        if (*text == '"') {
            unquote(text);
        }
        cell = stop;
        if (!more) {
            return true;
        }
    }
}

/* The separator that the header line uses most. */
static char find_separator(const char *row, const char *end)
{
    size_t commas = 0, semicolons = 0, tabs = 0;
    for (; row < end; row++) {
        commas += *row == ',';
        semicolons += *row == ';';
        tabs += *row == '\t';
    }
    if (tabs > commas && tabs > semicolons) {
        return '\t';
    }
    return semicolons > commas ? ';' : ',';
}

/* Finds the next row, refilling the buffer as needed. Returns 1, 0, or an error. */
static int find_row(struct csv *csv, char **row, char **end)
{
    for (;;) {
        *row = csv->buffer + csv->start;
        char *stop = csv->buffer + csv->end;
        *end = row_end(csv, *row, stop);
        if (*end != NULL) {
            return *end - *row <= CSV_ROW_MAX ? 1 : BUSBAR_ELIMIT;
        }
        if (csv->end - csv->start > CSV_ROW_MAX) {
            return BUSBAR_ELIMIT;
        }
        if (csv->at_end) {
            *end = stop;
            return csv->end > csv->start ? 1 : 0;
        }
        int error = fill(csv);
        if (error != 0) {
            return error;
        }
    }
}

static bool is_empty(const char *row, const char *end)
{
    while (row < end && (*row == ' ' || *row == '\r' || *row == '\t')) {
        row++;
    }
    return row == end;
}

/* Moves behind a row and counts its lines. */
static void pass(struct csv *csv, const char *row, const char *end)
{
    csv->line = csv->next_line;
    csv->next_line++;
    for (const char *p = row; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
        csv->next_line++;
    }
    size_t next = (size_t)(end - csv->buffer) + 1;
    csv->start = next < csv->end ? next : csv->end;
}

int csv_next(struct csv *csv, struct position *at, const char **reason)
{
    for (;;) {
        char *row, *end;
        int found = find_row(csv, &row, &end);
        if (found == BUSBAR_ELIMIT) {
            *at = (struct position){ .file = at->file, .line = csv->next_line, .column = 1 };
            *reason = "a row of more than 64 KB: is a quote not closed here?";
        }
        if (found <= 0) {
            return found;
        }
        pass(csv, row, end);
        if (is_empty(row, end) || *row == '#') {
            continue;
        }
        *at = (struct position){ .file = at->file, .line = csv->line, .column = 1 };
        size_t size = (size_t)(end - row);
        if (memchr(row, '\0', size) != NULL || !str_is_utf8(row, size)) {
            *reason = "not text: a byte that is not UTF-8";
            return BUSBAR_ESYNTAX;
        }
        if (csv->separator == 0) {
            csv->separator = find_separator(row, end);
        }
        if (!split(csv, row, end)) {
            *reason = "more than 256 cells in a row";
            return BUSBAR_ESYNTAX;
        }
        return 1;
    }
}
