/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of columns (RFC 4180, any separator) and keys with values, as pieces of the text. Pure. */
#ifndef BUSBAR_PAYLOAD_CSV_H
#define BUSBAR_PAYLOAD_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "payload/text.h"

struct piece {
    const char *text;
    size_t size;
};

/* The next line from *at on that is not empty, quoted line ends belonging to it; *at goes behind it. False: no more. */
bool csv_line(const char *text, size_t size, size_t *at, struct piece *line);

/* The next column of a line; *at begins at 0 and is behind the line when there are no more. Quotes are undone, in the scratch
 * where they must be. False: there are no more, or no memory. */
bool csv_cell(const struct piece *line, char separator, size_t *at, struct scratch *scratch,
              struct piece *cell);

struct pair {
    struct piece key, value;
};

/* The next key and value of "t=21.4 h:40,on" (blanks, commas, semicolons, & and lines separate; values may stand in
 * quotes; words without = or : are passed over). comma: between digits it belongs to the number. form: %20 and + are
 * undone. *at as above. */
bool keys_next(const char *text, size_t size, bool comma, bool form, size_t *at,
               struct scratch *scratch, struct pair *pair);

#endif
