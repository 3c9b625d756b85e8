/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a client secure: our certificate, the server's, and the user. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_SECURE_H
#define BUSBAR_DRIVERS_OPCUA_LINK_SECURE_H

#include "base/buf.h"
#include "drivers/opcua/link/choice.h"

/* Our own certificate and key, DER. */
struct opcua_own {
    struct buf certificate, key;
    struct trust_seen seen;
};

/* Makes them when there are none, which takes up to a second. Returns 0, or with `why` filled. */
int opcua_own_load(struct opcua_own *own, struct trust *trust, struct opcua_trouble *why);
void opcua_own_fini(struct opcua_own *own); /* the key is wiped; fine for all zero */

/* The server's certificate, with all it stands in. Must not move while a client has it. */
struct opcua_server_id {
    struct trust *trust;
    struct trust_peer expected;
    UA_ByteString chain; /* as the server sent it, its own certificate first */
    char address[256], device[128], host[256], uri[256];
};

/* Copies what it needs. server_id: all zero, or finished. */
void opcua_server_id_init(struct opcua_server_id *server, struct trust *trust, const char *url,
                          const struct opcua_link_config *config,
                          const struct opcua_choice *choice);
void opcua_server_id_fini(struct opcua_server_id *server);
/* Whether it is trusted. Returns 0, or BUSBAR_EUNTRUSTED with `why` in words for a person. */
int opcua_server_id_check(const struct opcua_server_id *server, struct opcua_trouble *why);
/* The first certificate of a chain: what is compared, and encrypted with. Borrows. */
UA_ByteString opcua_leaf(const UA_ByteString *chain);

/* A text of the library as one that ends; what is too long is cut. */
void opcua_copy_text(const UA_String *from, char *to, size_t size);

/* Whether our certificate is needed for this choice. */
bool opcua_needs_own(const struct opcua_choice *choice);

/* Puts endpoint, policy and the check of certificates into a client that has not been opened yet.
 *   own     where opcua_needs_own(), else NULL
 *   server  outlives the client
 * Returns 0, or with `why` filled. */
int opcua_secure(UA_ClientConfig *client, const char *url, const struct opcua_choice *choice,
                 const struct opcua_own *own, const struct opcua_server_id *server,
                 struct opcua_trouble *why);

/* One policy with a certificate and key. Returns 0, or with `why` filled. what: whose, for words. */
int opcua_policy_make(UA_SecurityPolicy *to, enum opcua_policy policy, UA_ByteString certificate,
                      UA_ByteString key, const UA_Logger *logger, const char *what,
                      struct opcua_trouble *why);

/* A signature with the policy's key over the server's certificate and its nonce (Part 4, 7.37): that we have the key, now,
 * for this server. */
UA_StatusCode opcua_sign(UA_SecurityPolicy *policy, const UA_ByteString *server,
                         const UA_ByteString *nonce, UA_SignatureData *out);

#endif
