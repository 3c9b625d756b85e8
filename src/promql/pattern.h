/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions of matchers and label_replace: the whole text must match, the dot matches line ends too, UTF-8.
 * Time is bounded: an expression that would take too many steps does not match. Private to promql/. */
#ifndef BUSBAR_PROMQL_PATTERN_H
#define BUSBAR_PROMQL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct promql_pattern;

/* BUSBAR_ESYNTAX (err: what and at which character), BUSBAR_ELIMIT (too long), BUSBAR_ENOMEM. Caller frees. */
int promql_pattern_new(const char *text, size_t size, struct promql_pattern **pattern,
                       struct err *err);
void promql_pattern_free(struct promql_pattern *pattern); /* NULL is fine */

bool promql_pattern_matches(struct promql_pattern *pattern, const char *text, size_t size);

/* Appends the template with $1, ${1}, $name, ${name} and $$ put in from the last match of `text` (which must be
 * the same text as there). What is no group becomes nothing. */
void promql_pattern_expand(struct promql_pattern *pattern, const char *text,
                           const char *replacement, size_t replacement_size, struct buf *out);

#endif
