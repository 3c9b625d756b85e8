/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions of label matchers: RE2's syntax as PromQL users write it, the whole text must
 * match, a dot matches line ends too (Prometheus compiles ^(?s:...)$).
 *
 * The common forms need no engine: a literal, a|b|c (also in one group), .*, .+, prefix.*, prefix.+,
 * .*part.*, .*suffix. All else is PCRE2 with limits on steps and depth, where it means the same; what
 * RE2 does not know (look-around, back-references, possessive quantifiers ...) is refused. */
#ifndef BUSBAR_MODEL_REGEX_H
#define BUSBAR_MODEL_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { REGEX_BYTES_MAX = 4096 };

struct regex;

struct regex_text {
    const char *text;
    size_t size;
};

/* The text is copied. BUSBAR_ESYNTAX (err: column within the expression, from 1), BUSBAR_ELIMIT (too long),
 * BUSBAR_ENOMEM; then *regex is NULL. */
int regex_new(const char *text, size_t size, struct regex **regex, struct err *err);
/* The same for an expression whose groups are wanted; slower. */
int regex_new_groups(const char *text, size_t size, struct regex **regex, struct err *err);
void regex_free(struct regex *regex); /* NULL is fine */

/* 1: matches, 0: does not, BUSBAR_ELIMIT: took too many steps. One thread at a time. */
int regex_match(struct regex *regex, const char *text, size_t size);

/* Of regex_new_groups(), after a match of this very text: what a group took of it. name: a number ("0" is all), or
 * the group's own. False: there is no such group, or it took nothing. */
bool regex_group(const struct regex *regex, const char *text, const char *name, size_t name_size,
                 struct regex_text *group);

/* When it is nothing but alternatives of literals: these, sorted, at least one; else 0. */
size_t regex_literals(const struct regex *regex, const struct regex_text **literals);

#endif
