/* SPDX-License-Identifier: Apache-2.0 */
/* The replacement of label_replace(). Private to promql/. */
#ifndef BUSBAR_PROMQL_PATTERN_H
#define BUSBAR_PROMQL_PATTERN_H

#include "base/buf.h"
#include "model/regex.h"

/* Appends the replacement with $1, ${1}, $name, ${name} and $$ put in from the last match of `text` by a regex of
 * regex_new_groups(). What is no group becomes nothing, a lone dollar stays. */
void promql_pattern_expand(const struct regex *regex, const char *text, const char *replacement,
                           size_t replacement_size, struct buf *out);

#endif
