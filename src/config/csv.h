/* SPDX-License-Identifier: Apache-2.0 */
/* CSV (RFC 4180) read as a stream, a row at a time, with line and column of every cell.
 *
 * Taken as people's tools write it: separator comma, semicolon or tab (the header line tells), CRLF or
 * LF, a byte order mark, blanks around a cell, empty lines and lines that begin with '#'. A quoted cell
 * may hold separators, doubled quotes and line breaks. Memory: one buffer, whatever the size. */
#ifndef BUSBAR_CONFIG_CSV_H
#define BUSBAR_CONFIG_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum { CSV_CELLS_MAX = 256, CSV_ROW_MAX = 65536 };

struct csv_cell {
    char *text; /* NUL-terminated UTF-8, blanks cut, quotes undone; valid until the next row */
    int line, column, width;
};

/* Open struct; the reader's fields are private. */
struct csv {
    struct csv_cell cells[CSV_CELLS_MAX];
    size_t count; /* cells of this row */
    int line;     /* where this row begins */
    uint64_t bytes;
    uint32_t crc; /* crc32c of all that was read */
    /* private */
    FILE *file;
    char *buffer;
    size_t start, end;
    int next_line;
    char separator; /* 0: not known yet */
    bool at_end;
};

/* Takes the file over. BUSBAR_ENOMEM. */
int csv_init(struct csv *csv, FILE *file);
void csv_fini(struct csv *csv);

/* Reads the next row that is not empty.
 * Returns 1, 0 at the end, BUSBAR_EIO, or with `at` and *reason set: BUSBAR_ESYNTAX (this row cannot be
 * used, the next may), BUSBAR_ELIMIT (a row too long or a quote never closed: stop here). */
int csv_next(struct csv *csv, struct position *at, const char **reason);

#endif
