/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong between us and a server, as a code, a status and a sentence for a person: what happened, why,
 * what to do. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_TROUBLE_H
#define BUSBAR_DRIVERS_OPCUA_LINK_TROUBLE_H

#include <open62541/types.h>
#include <stdbool.h>

enum { OPCUA_DETAIL_MAX = 320 };

/* Why a link is down, or what a service call came to. */
struct opcua_trouble {
    int error;            /* base/err.h */
    UA_StatusCode status; /* of the server or the library; 0: neither said one */
    char detail[OPCUA_DETAIL_MAX];
};

/* status 0 where there is none. */
void opcua_trouble_set(struct opcua_trouble *trouble, int error, UA_StatusCode status,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "WHAT: BadNodeIdUnknown: the server has no such node; ...", with the error that fits the status. */
void opcua_trouble_status(struct opcua_trouble *trouble, const char *what, UA_StatusCode status);
/* Whether a call was not answered because the link went, or is going: it is no word of the server. */
bool opcua_trouble_lost(const struct opcua_trouble *trouble);

#endif
