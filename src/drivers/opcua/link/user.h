/* SPDX-License-Identifier: Apache-2.0 */
/* Who logs in (Part 4, 7.41): nobody, a name with a password, or a certificate with its key. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_USER_H
#define BUSBAR_DRIVERS_OPCUA_LINK_USER_H

#include "drivers/opcua/link/secure.h"

struct opcua_user {
    UA_UserTokenType type;
    UA_String policy_id;         /* the server's name for this way to log in */
    const char *name, *password; /* borrowed */
    UA_ByteString certificate;   /* DER */
    bool has_policy;             /* by which the password is encrypted, or it is signed */
    UA_SecurityPolicy policy;
};

/* own: as of opcua_secure(); names and passwords of the config are borrowed. Returns 0, or with `why` filled:
 * BUSBAR_ECONFIG (certificate or key cannot be read). Finish it in any case. */
int opcua_user_init(struct opcua_user *user, const struct opcua_choice *choice,
                    const struct opcua_link_config *config, const struct opcua_own *own,
                    struct opcua_trouble *why);
void opcua_user_fini(struct opcua_user *user);

/* Puts the user's token and signature into a request, which owns them.
 *   server  its certificate; empty without security
 *   nonce   the last one of the server */
UA_StatusCode opcua_user_put(struct opcua_user *user, const UA_ByteString *server,
                             const UA_ByteString *nonce, UA_ActivateSessionRequest *request);

#endif
