/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a server's endpoints is taken, and by which of its ways the user logs in (Part 4, 5.4.4, 7.14, 7.42).
 * Pure over what the server said; that was said without security, so choosing checks nothing but itself:
 * never weaker than asked for, and never weaker than before. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_CHOICE_H
#define BUSBAR_DRIVERS_OPCUA_LINK_CHOICE_H

#include "drivers/opcua/link/session.h"

/* Borrows the list it was taken from. */
struct opcua_choice {
    const UA_EndpointDescription *endpoint;
    const UA_UserTokenPolicy *token;
    enum opcua_mode mode;
    enum opcua_policy policy;
    enum opcua_policy token_policy; /* by which the token is encrypted or signed */
};

/* least: opcua_security_strength() that it had before, 0: none. Returns 0, or with `why` filled:
 * BUSBAR_EUNSUPPORTED (no such security), BUSBAR_EPERM (weaker than before), BUSBAR_EAUTH (no way to log in), BUSBAR_EPROTO. */
int opcua_choose(const UA_EndpointDescription *endpoints, size_t count,
                 const struct opcua_link_config *config, int least, struct opcua_choice *out,
                 struct opcua_trouble *why);

#endif
