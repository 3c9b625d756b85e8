/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a request ("/api/v1/points/ahu-1/sat?limit=5"), taken apart and percent-decoded
 * (RFC 3986, sections 2.1, 3.3, 3.4; form style "+" in the query). Pure.
 *
 * Strict, because what passes here is compared with names: a broken escape, a control character,
 * an empty part in the middle, or text that is not UTF-8 fails the whole target. An escaped slash
 * is part of a name. Values of arguments alone may have tabs and line ends; `lines` then says so. */
#ifndef BUSBAR_SERVER_URL_H
#define BUSBAR_SERVER_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { SERVER_URL_PARTS_MAX = 16, SERVER_URL_ARGS_MAX = 64 };

struct server_url_arg {
    const char *name, *value; /* value "" when there was no '=' */
};

/* All texts are in one block. */
struct server_url {
    char *block, *form;
    const char *parts[SERVER_URL_PARTS_MAX]; /* "/a/b/": "a", "b"; "/": none */
    size_t part_count;
    struct server_url_arg args[SERVER_URL_ARGS_MAX];
    size_t arg_count;
    bool lines;
};

/* 0 (then free with server_url_fini()), BUSBAR_EINVAL, BUSBAR_ELIMIT (parts, arguments) or
 * BUSBAR_ENOMEM; on error nothing is held. */
int server_url_parse(const char *target, struct server_url *url, struct err *err);
void server_url_fini(struct server_url *url);

/* The arguments of a form's body ("a=1&b=2", copied), before those that are there. Errors as above, but the
 * url stays as it was. Once a url. */
int server_url_add_form(struct server_url *url, const char *text, size_t size, struct err *err);

/* The first argument of this name, NULL when there is none. */
const char *server_url_arg(const struct server_url *url, const char *name);
/* Number `index` of them. */
const char *server_url_arg_at(const struct server_url *url, const char *name, size_t index);

#endif
