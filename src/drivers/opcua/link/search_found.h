/* SPDX-License-Identifier: Apache-2.0 */
/* What answers of a search say, as texts of our own. Private to link/search.c. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_SEARCH_FOUND_H
#define BUSBAR_DRIVERS_OPCUA_LINK_SEARCH_FOUND_H

#include <open62541/types_generated.h>

#include "drivers/opcua/link/search.h"
#include "drivers/opcua/link/trouble.h"

/* What is said about a server before it was asked itself. Texts are its own, never NULL; "" = not told. */
struct search_server {
    char *uri, *name, *product, *kind, *capabilities, *url, *source;
};

/* asked: the URL of who said it; where the server has several URLs, one with the same host is taken. False: nothing to
 * connect to (a client, another transport). */
bool search_server_of(struct search_server *server, const UA_ApplicationDescription *from,
                      const char *asked);
void search_server_on_network(struct search_server *server, const UA_ServerOnNetwork *from,
                              const char *asked);
void search_server_heard(struct search_server *server, const char *url, const char *name,
                         const char *capabilities);
void search_server_copy(struct search_server *to, const struct search_server *from);
void search_server_fini(struct search_server *server);

/* Whether those endpoints are of this application. */
bool search_same(const struct search_server *server, const UA_GetEndpointsResponse *response);

struct search_answer {
    const struct search_server *server;
    const char *url;                         /* that was asked */
    bool elsewhere;                          /* for it does not answer where it says it is */
    const UA_GetEndpointsResponse *response; /* NULL: there is none */
    const struct opcua_trouble *trouble;     /* why; NULL: another application answered */
    struct trust *trust;                     /* NULL: certificates are not looked at */
    int64_t answer_us;
};

struct opcua_found *search_found_new(const struct search_answer *answer);
/* Only what a discovery server adds to a server that was told already. */
struct opcua_found *search_found_more(const struct search_server *server, const char *uri);

#endif
