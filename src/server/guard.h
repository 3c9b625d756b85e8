/* SPDX-License-Identifier: Apache-2.0 */
/* Who may talk to us, judged from headers alone. Pure.
 *
 * A page of another site that a user has open can make the browser send requests here. Three checks
 * keep it out: the Host header must name an address we listen on, as a number or as localhost (a
 * foreign name that was made to point at us does not pass); an Origin must be the Host; and POST
 * must carry JSON, which a form cannot send without asking us first. */
#ifndef BUSBAR_SERVER_GUARD_H
#define BUSBAR_SERVER_GUARD_H

#include <stdbool.h>

#include "base/err.h"

/* listen: the listening address, numeric; "0.0.0.0" and "::" stand for any. The port is free, since
 * a forwarded port (ssh -L, a container) differs from ours. host NULL: the header was missing. */
bool server_guard_host(const char *host, const char *listen);

/* True when the request does not come from another site's page. Headers may be NULL. */
bool server_guard_origin(const char *origin, const char *fetch_site, const char *host);

/* True for "application/json", with or without parameters. */
bool server_guard_json(const char *content_type);
/* The same for "application/x-www-form-urlencoded". */
bool server_guard_form(const char *content_type);

#endif
