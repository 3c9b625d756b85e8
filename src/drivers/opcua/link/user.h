/* SPDX-License-Identifier: Apache-2.0 */
/* Who logs in (Part 4, 7.41): nobody, a name with a password, or a certificate with its key. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_USER_H
#define BUSBAR_DRIVERS_OPCUA_LINK_USER_H

#include "drivers/opcua/link/secure.h"

/* Puts the user into a client: the token, and the policy that encrypts or signs it. own: as of opcua_secure(). Returns
 * 0, or with `why` filled: BUSBAR_ECONFIG (certificate or key cannot be read). */
int opcua_user_set(UA_ClientConfig *client, const struct opcua_choice *choice,
                   const struct opcua_link_config *config, const struct opcua_own *own,
                   struct opcua_trouble *why);

#endif
