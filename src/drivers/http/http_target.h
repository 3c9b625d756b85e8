/* SPDX-License-Identifier: Apache-2.0 */
/* What a request line and the heads of a post say, taken apart. Pure.
 *
 *   /pv-1/readings?site=hq&apikey=bbk_...     path "pv-1/readings", id "pv-1", queries site=hq, key */
#ifndef BUSBAR_DRIVERS_HTTP_HTTP_TARGET_H
#define BUSBAR_DRIVERS_HTTP_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { HTTP_TARGET_MAX = 1024, HTTP_QUERIES_MAX = 16 };

struct http_query {
    const char *name, *text;
};

/* Texts stand in `room`, percent-decoded. */
struct http_target {
    const char *path; /* without its first / */
    const char *key;  /* of ?apikey=; NULL; not among the queries */
    struct http_query queries[HTTP_QUERIES_MAX];
    size_t query_count;
    char room[2 * HTTP_TARGET_MAX + 4]; /* "a&b" becomes a, "", b, "", each with its NUL */
};

/* BUSBAR_EINVAL (no path, bad escapes, control characters, no UTF-8), BUSBAR_ELIMIT; err says so. */
int http_target_parse(const char *text, struct http_target *out, struct err *err);

/* The key in "Bearer KEY" of an Authorization header; NULL: there is none. */
const char *http_bearer(const char *authorization);

/* Whether a name is one of "pv-*, meter-?" */
bool http_name_listed(const char *patterns, const char *name);
/* Whether one of "a, b, c" is. */
bool http_names_listed(const char *patterns, const char *names);

#endif
