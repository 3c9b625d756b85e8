/* SPDX-License-Identifier: Apache-2.0 */
/* Label matchers: the conditions between the braces of a selector, `{device=~"meter-.*", units!=""}`. */
#ifndef BUSBAR_MODEL_MATCHERS_H
#define BUSBAR_MODEL_MATCHERS_H

#include "model/labels.h"

enum label_match { LABEL_EQUAL, LABEL_NOT_EQUAL, LABEL_MATCHES, LABEL_NOT_MATCHES };

/* A missing label is an empty value, as in PromQL. Expressions are anchored at both ends. */
struct label_matcher {
    enum label_match match;
    const char *name, *value; /* NUL-terminated */
};

enum { MATCHERS_MAX = 64, MATCHERS_BYTES_MAX = 16 * 1024 };

/* A list of them, parsed and compiled: `sat{device=~"ahu-.*", place!=""}`, `{units="kWh"}`, `{}` (every
 * series). For the configuration; PromQL has a parser of its own. */
struct matchers;

/* BUSBAR_ESYNTAX (err: column within the text), BUSBAR_ELIMIT, BUSBAR_ENOMEM; then *matchers is NULL. */
int matchers_new(const char *text, size_t size, struct matchers **matchers, struct err *err);
void matchers_free(struct matchers *matchers); /* NULL is fine */

/* Does the sorted set match all of them? An expression that takes too many steps does not. One thread at a time. */
bool matchers_match(struct matchers *matchers, const struct label *labels, size_t count);

#endif
