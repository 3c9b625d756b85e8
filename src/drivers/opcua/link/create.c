/* SPDX-License-Identifier: Apache-2.0 */
/* CreateSession (Part 4, 5.6.2), called as a service of ours and not left to the library, for what is to be checked of its
 * answer: the server has the key of its certificate; and what it says of its endpoints here, signed, has nothing
 * stronger than what it was made to say before, unsigned. */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "drivers/opcua/link/session_private.h"

enum { NONCE_BYTES = 32 };

static UA_SecurityPolicy *policy_of(const struct opcua_attempt *attempt)
{
    return &opcua_channel_config(attempt->channel)->securityPolicies[0];
}

static bool secured(const struct opcua_attempt *attempt)
{
    return attempt->mode != OPCUA_MODE_NONE;
}

/* The server's signature over our certificate and nonce, checked with its certificate. */
static UA_StatusCode check_signature(const struct opcua_attempt *attempt,
                                     const UA_ByteString *signature)
{
    UA_SecurityPolicy *policy = policy_of(attempt);
    UA_ByteString leaf = opcua_leaf(&attempt->server.chain);
    void *context;
    UA_StatusCode status = policy->channelModule.newContext(policy, &leaf, &context);
    if (status != UA_STATUSCODE_GOOD) {
        return status;
    }
    const UA_ByteString *own = &policy->localCertificate;
    UA_ByteString data;
    status = UA_ByteString_allocBuffer(&data, own->length + attempt->nonce.length);
    if (status == UA_STATUSCODE_GOOD) {
        memcpy(data.data, own->data, own->length);
        memcpy(data.data + own->length, attempt->nonce.data, attempt->nonce.length);
        status = policy->asymmetricModule.cryptoModule.signatureAlgorithm.verify(context, &data,
                                                                                 signature);
    }
    UA_ByteString_clear(&data);
    policy->channelModule.deleteContext(context);
    return status;
}

/* Whether the answer can be trusted. Returns 0, or with why filled. */
static int check(const struct opcua_session *session, const UA_CreateSessionResponse *created,
                 struct opcua_trouble *why)
{
    const struct opcua_attempt *attempt = session->attempt;
    if (!secured(attempt)) {
        return 0;
    }
    UA_ByteString said = opcua_leaf(&created->serverCertificate);
    UA_ByteString known = opcua_leaf(&attempt->server.chain);
    if (!UA_ByteString_equal(&said, &known) || created->serverNonce.length < NONCE_BYTES ||
        check_signature(attempt, &created->serverSignature.signature) != UA_STATUSCODE_GOOD) {
        opcua_trouble_set(
            why, BUSBAR_EUNTRUSTED, UA_STATUSCODE_BADAPPLICATIONSIGNATUREINVALID,
            "the server does not prove that it has the key of its certificate: its key "
            "is another, or somebody is in between");
        return why->error;
    }
    struct opcua_choice choice;
    int strength = opcua_security_strength(attempt->mode, attempt->policy);
    if (session->config.automatic &&
        opcua_choose(created->serverEndpoints, created->serverEndpointsSize, &session->config, 0,
                     &choice, why) == 0 &&
        opcua_security_strength(choice.mode, choice.policy) > strength) {
        opcua_trouble_set(
            why, BUSBAR_EPERM, 0,
            "the server offers a stronger security than it seemed to when it was asked "
            "without one: somebody may be in between; to connect all the same, name "
            "one in `security`");
        return why->error;
    }
    return 0;
}

static void take_session(struct opcua_session *session, const UA_CreateSessionResponse *created)
{
    const double most_ms = 86400.0 * 1000 * 365;
    double timeout_ms = created->revisedSessionTimeout;
    struct opcua_attempt *attempt = session->attempt;
    timeout_ms = timeout_ms > 0 && timeout_ms < most_ms ? timeout_ms : 0;
    session->session_timeout_us = (int64_t)(timeout_ms * 1000);
    opcua_channel_set_token(attempt->channel, &created->authenticationToken);
    UA_ByteString_clear(&attempt->server_nonce);
    (void)UA_ByteString_copy(&created->serverNonce, &attempt->server_nonce);
    session->phase = OPCUA_SESSION_ACTIVATING;
    opcua_session_activate(session);
}

static void on_created(void *ctx, const void *response, const struct opcua_trouble *trouble)
{
    struct opcua_session *session = ctx;
    struct opcua_trouble why;
    if (trouble == NULL) {
        const UA_CreateSessionResponse *created = response;
        if (check(session, created, &why) == 0) {
            take_session(session, created);
            return;
        }
        trouble = &why;
    }
    opcua_channel_close(session->attempt->channel, trouble);
}

static void make_nonce(struct opcua_attempt *attempt)
{
    UA_SecurityPolicy *policy = policy_of(attempt);
    UA_StatusCode status = UA_ByteString_allocBuffer(&attempt->nonce, NONCE_BYTES);
    assert(status == UA_STATUSCODE_GOOD);
    status = policy->symmetricModule.generateNonce(policy->policyContext, &attempt->nonce);
    assert(status == UA_STATUSCODE_GOOD);
}

void opcua_session_create(struct opcua_session *session)
{
    struct opcua_attempt *attempt = session->attempt;
    char name[160];
    (void)str_format(name, sizeof(name), "busbar%s%s", session->config.device != NULL ? " " : "",
                     session->config.device != NULL ? session->config.device : "");
    UA_CreateSessionRequest request;
    UA_CreateSessionRequest_init(&request);
    request.clientDescription.applicationType = UA_APPLICATIONTYPE_CLIENT;
    request.clientDescription.applicationName.text = UA_STRING("busbar");
    request.clientDescription.productUri = UA_STRING("urn:busbar");
    request.clientDescription.applicationUri = UA_STRING(attempt->uses_own ? attempt->own.seen.uri
                                                                           : "urn:busbar");
    request.endpointUrl = UA_STRING((char *)(uintptr_t)session->config.urls[attempt->url]);
    request.sessionName = UA_STRING(name);
    request.requestedSessionTimeout = (UA_Double)session->config.session_timeout_us / 1000;
    request.maxResponseMessageSize = OPCUA_MESSAGE_MAX;
    if (secured(attempt)) {
        make_nonce(attempt);
        request.clientNonce = attempt->nonce;
        request.clientCertificate = policy_of(attempt)->localCertificate;
    }
    (void)opcua_channel_call(attempt->channel, session->loop, &session->calls, &request,
                             &UA_TYPES[UA_TYPES_CREATESESSIONREQUEST],
                             &UA_TYPES[UA_TYPES_CREATESESSIONRESPONSE], session->config.timeout_us,
                             on_created, session);
}
