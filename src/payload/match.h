/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions on what devices send: PCRE2's syntax without what can take for ever. Its effort is bounded: an
 * expression that can explode is refused when it is read (match_check), and each match has a number of steps. */
#ifndef BUSBAR_PAYLOAD_MATCH_H
#define BUSBAR_PAYLOAD_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    MATCH_TEXT_MAX = 65536,      /* bytes of what is matched at once */
    MATCH_STEPS_MAX = 100000000, /* for all places of a text where a match may begin, together */
    MATCH_STEPS_LEAST = 1000,    /* for one place */
    MATCH_STEPS_MOST = 200000,
    MATCH_DEPTH_MAX = 2000,
    MATCH_HEAP_KIB_MAX = 1024,
    MATCH_GROUPS_MAX = 32,
};

struct match;

/* jit: made into machine code, for what is used often. BUSBAR_ESYNTAX with the column, BUSBAR_EUNSUPPORTED (it could
 * explode, or is not known here) with a hint, BUSBAR_ELIMIT. */
int match_new(const char *text, bool jit, struct match **out, struct err *err);
void match_free(struct match *match); /* NULL is fine */

/* In UTF-8, from a place on. 1: it matches, 0: it does not; BUSBAR_ELIMIT: it took too many steps,
 * or the text is too long. */
int match_find(struct match *match, const char *text, size_t size, size_t from, struct err *err);
/* After a match: what a group took (0: all); false: nothing. Borrowed from the text. */
bool match_group(const struct match *match, const char *text, unsigned group, const char **part,
                 size_t *size);
/* Where it ends, to go on from: behind it, or one character on when it is empty. */
size_t match_end(const struct match *match, const char *text, size_t size);

/* The group that is the value: `value`, else the first; 0: there is none. */
unsigned match_value_group(const struct match *match);
/* The named groups, in the order of their names; NULL: no more. */
const char *match_name(const struct match *match, size_t number, unsigned *group);

/* What is refused. text: UTF-8. */
int match_check(const char *text, size_t size, struct err *err);

#endif
