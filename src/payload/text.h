/* SPDX-License-Identifier: Apache-2.0 */
/* Text as devices write it: numbers, yes and no, memory for texts that have to be made. Pure. */
#ifndef BUSBAR_PAYLOAD_TEXT_H
#define BUSBAR_PAYLOAD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum text_number { TEXT_NO_NUMBER, TEXT_INT, TEXT_DOUBLE };

/* The number that a text begins with: [+-]digits[.digits][e[+-]digits], a comma for the dot where `comma` is set. *used:
 * its bytes. Whole numbers beyond int64 are TEXT_DOUBLE. */
enum text_number text_number(const char *text, size_t size, bool comma, int64_t *whole,
                             double *real, size_t *used);

/* Without blanks and line ends around it. */
void text_trim(const char **text, size_t *size);

/* true false on off yes no, in any case. */
bool text_bool(const char *text, size_t size, bool *out);

/* Every byte is a character. to: room for 2 * size. Returns the bytes written. */
size_t text_from_latin1(const uint8_t *data, size_t size, char *to);

/* Memory that is given back all at once, kept for the next time. */
struct scratch_block;
struct scratch {
    struct scratch_block *blocks; /* in use, newest first */
};
void *scratch_room(struct scratch *scratch, size_t size); /* NULL: out of memory */
void scratch_clear(struct scratch *scratch);
void scratch_fini(struct scratch *scratch);

#endif
