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

enum { MATCHERS_MAX = 64 };

#endif
