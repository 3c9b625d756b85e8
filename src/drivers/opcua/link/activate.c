/* SPDX-License-Identifier: Apache-2.0 */
/* ActivateSession (Part 4, 5.6.3): a session that was just created, or one from before on a new channel. Called as a
 * service of ours: what the library does itself with a broken answer to its own call ends the process. */
#include <assert.h>

#include "base/err.h"
#include "drivers/opcua/link/session_private.h"

static void on_activated(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_session *session = ctx;
    struct opcua_attempt *attempt = session->attempt;
    if (trouble != NULL) {
        if (opcua_channel_is_open(attempt->channel)) {
            opcua_channel_set_token(attempt->channel, NULL); /* the server refuses it */
        }
        opcua_channel_close(attempt->channel, trouble);
        return;
    }
    const UA_ActivateSessionResponse *activated = response;
    UA_ByteString_clear(&attempt->server_nonce);
    (void)UA_ByteString_copy(&activated->serverNonce, &attempt->server_nonce);
    opcua_session_activated(session);
}

static UA_StatusCode fill(struct opcua_session *session, UA_ActivateSessionRequest *request)
{
    struct opcua_attempt *attempt = session->attempt;
    UA_ByteString leaf = opcua_leaf(&attempt->server.chain);
    if (session->config.locale != NULL) {
        request->localeIds = UA_LocaleId_new();
        assert(request->localeIds != NULL);
        *request->localeIds = UA_STRING_ALLOC(session->config.locale);
        request->localeIdsSize = 1;
    }
    UA_StatusCode status = opcua_user_put(&attempt->user, &leaf, &attempt->server_nonce, request);
    if (attempt->mode != OPCUA_MODE_NONE) {
        status |= opcua_sign(&opcua_channel_config(attempt->channel)->securityPolicies[0], &leaf,
                             &attempt->server_nonce, &request->clientSignature);
    }
    return status;
}

void opcua_session_activate(struct opcua_session *session)
{
    struct opcua_attempt *attempt = session->attempt;
    UA_ActivateSessionRequest request;
    UA_ActivateSessionRequest_init(&request);
    UA_StatusCode status = fill(session, &request);
    if (status == UA_STATUSCODE_GOOD) {
        (void)opcua_channel_call(attempt->channel, session->loop, &session->calls, &request,
                                 &UA_TYPES[UA_TYPES_ACTIVATESESSIONREQUEST],
                                 &UA_TYPES[UA_TYPES_ACTIVATESESSIONRESPONSE],
                                 session->config.timeout_us, on_activated, session);
    } else {
        struct opcua_trouble why;
        opcua_trouble_set(&why, BUSBAR_ECONFIG, status,
                          "the login cannot be signed or encrypted (%s): the keys of busbar, user "
                          "and server must be RSA, of a size that the security allows",
                          UA_StatusCode_name(status));
        opcua_channel_close(attempt->channel, &why);
    }
    UA_ActivateSessionRequest_clear(&request);
}
