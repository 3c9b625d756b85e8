/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/link/choice.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const UA_String binary = UA_STRING_STATIC(
    "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary");

/* Mode and policy of an endpoint that we can use at all. Some servers leave the transport out. */
static bool usable(const UA_EndpointDescription *endpoint, enum opcua_mode *mode,
                   enum opcua_policy *policy)
{
    const UA_String *uri = &endpoint->securityPolicyUri;
    if (endpoint->transportProfileUri.length > 0 &&
        !UA_String_equal(&endpoint->transportProfileUri, &binary)) {
        return false;
    }
    if (!opcua_policy_of_uri((const char *)uri->data, uri->length, policy)) {
        return false;
    }
    switch (endpoint->securityMode) {
    case UA_MESSAGESECURITYMODE_NONE: *mode = OPCUA_MODE_NONE; return *policy == OPCUA_POLICY_NONE;
    case UA_MESSAGESECURITYMODE_SIGN: *mode = OPCUA_MODE_SIGN; break;
    case UA_MESSAGESECURITYMODE_SIGNANDENCRYPT: *mode = OPCUA_MODE_SIGN_ENCRYPT; break;
    default: return false;
    }
    return *policy != OPCUA_POLICY_NONE && endpoint->serverCertificate.length > 0;
}

static bool automatic_takes(enum opcua_mode mode, enum opcua_policy policy)
{
    return mode != OPCUA_MODE_NONE && !opcua_policy_deprecated(policy);
}

static bool asked_for(const struct opcua_link_config *config, enum opcua_mode mode,
                      enum opcua_policy policy)
{
    return config->automatic ? automatic_takes(mode, policy)
                             : mode == config->mode && policy == config->policy;
}

static UA_UserTokenType wanted_token(const struct opcua_link_config *config)
{
    return config->user != NULL               ? UA_USERTOKENTYPE_USERNAME
           : config->user_certificate != NULL ? UA_USERTOKENTYPE_CERTIFICATE
                                              : UA_USERTOKENTYPE_ANONYMOUS;
}

/* Whether a token may go out so. readable: it may not, for others could read the password. */
static bool token_fits(const struct opcua_link_config *config, const struct opcua_choice *choice,
                       UA_UserTokenType type, enum opcua_policy policy, bool *readable)
{
    if (type == UA_USERTOKENTYPE_ANONYMOUS) {
        return true;
    }
    if (policy != OPCUA_POLICY_NONE) {
        return choice->endpoint->serverCertificate.length > 0 &&
               (!opcua_policy_deprecated(policy) ||
                (!config->automatic && opcua_policy_deprecated(config->policy)));
    }
    if (type == UA_USERTOKENTYPE_CERTIFICATE) {
        return false; /* there is nothing to sign with */
    }
    bool fits = choice->mode == OPCUA_MODE_SIGN_ENCRYPT || config->clear_password;
    *readable |= !fits;
    return fits;
}

/* The best way to log in at an endpoint; false: none. */
static bool choose_token(const struct opcua_link_config *config, struct opcua_choice *choice,
                         bool *readable)
{
    UA_UserTokenType type = wanted_token(config);
    choice->token = NULL;
    for (size_t i = 0; i < choice->endpoint->userIdentityTokensSize; i++) {
        const UA_UserTokenPolicy *token = &choice->endpoint->userIdentityTokens[i];
        const UA_String *uri = &token->securityPolicyUri;
        enum opcua_policy policy = choice->policy;
        if (token->tokenType != type ||
            (uri->length > 0 &&
             !opcua_policy_of_uri((const char *)uri->data, uri->length, &policy)) ||
            !token_fits(config, choice, type, policy, readable)) {
            continue;
        }
        if (choice->token == NULL || policy > choice->token_policy) {
            choice->token = token;
            choice->token_policy = policy;
        }
    }
    return choice->token != NULL;
}

static void list_offers(const UA_EndpointDescription *endpoints, size_t count, char *to,
                        size_t size)
{
    size_t used = 0;
    to[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        enum opcua_mode mode;
        enum opcua_policy policy;
        char text[OPCUA_SECURITY_TEXT_MAX];
        if (usable(&endpoints[i], &mode, &policy)) {
            (void)opcua_security_print(mode, policy, text, sizeof(text));
            if (strstr(to, text) == NULL) {
                used += str_format(to + used, size - used, "%s%s", used > 0 ? ", " : "", text);
            }
        }
    }
    if (used == 0) {
        (void)str_copy(to, size, "nothing that busbar knows");
    }
}

static int no_security(const UA_EndpointDescription *endpoints, size_t count,
                       const struct opcua_link_config *config, struct opcua_trouble *why)
{
    char offers[160];
    char asked[OPCUA_SECURITY_TEXT_MAX];
    list_offers(endpoints, count, offers, sizeof(offers));
    if (!config->automatic) {
        (void)opcua_security_print(config->mode, config->policy, asked, sizeof(asked));
        opcua_trouble_set(why, BUSBAR_EUNSUPPORTED, 0,
                          "the server does not offer `security: %s`, but %s: name one of these, or "
                          "turn yours on there",
                          asked, offers);
    } else if (strcmp(offers, "none") == 0) {
        opcua_trouble_set(
            why, BUSBAR_EUNSUPPORTED, 0,
            "the server offers no security: turn it on there, or set `security: none` "
            "(all can read and change what is sent)");
    } else {
        opcua_trouble_set(
            why, BUSBAR_EUNSUPPORTED, 0,
            "the server offers no strong security, but %s: turn one on there, or name "
            "one of these in `security`",
            offers);
    }
    return why->error;
}

static int no_login(const struct opcua_link_config *config, bool readable,
                    struct opcua_trouble *why)
{
    UA_UserTokenType type = wanted_token(config);
    if (readable) {
        opcua_trouble_set(
            why, BUSBAR_EAUTH, 0,
            "the password of '%s' would go out readable for all, so it is not sent; use "
            "a `security` that encrypts, or say `password_in_clear: true` if the "
            "network is yours alone",
            config->user);
    } else {
        opcua_trouble_set(why, BUSBAR_EAUTH, 0, "the server does not let in %s; %s",
                          type == UA_USERTOKENTYPE_USERNAME      ? "users with a password"
                          : type == UA_USERTOKENTYPE_CERTIFICATE ? "users with a certificate"
                                                                 : "without a login",
                          type == UA_USERTOKENTYPE_ANONYMOUS
                              ? "set `user` and `password`"
                              : "turn that on in the server, or log in another way");
    }
    return why->error;
}

int opcua_choose(const UA_EndpointDescription *endpoints, size_t count,
                 const struct opcua_link_config *config, int least, struct opcua_choice *out,
                 struct opcua_trouble *why)
{
    bool any = false;
    bool readable = false;
    int best = 0;
    count = count < OPCUA_ENDPOINTS_MAX ? count : OPCUA_ENDPOINTS_MAX;
    for (size_t i = 0; i < count; i++) {
        struct opcua_choice choice = { .endpoint = &endpoints[i] };
        if (!usable(&endpoints[i], &choice.mode, &choice.policy) ||
            !asked_for(config, choice.mode, choice.policy)) {
            continue;
        }
        any = true;
        int strength = opcua_security_strength(choice.mode, choice.policy);
        if (strength > best && choose_token(config, &choice, &readable)) {
            best = strength;
            *out = choice;
        }
    }
    if (!any) {
        return no_security(endpoints, count, config, why);
    }
    if (best == 0) {
        return no_login(config, readable, why);
    }
    if (best < least) {
        char text[OPCUA_SECURITY_TEXT_MAX];
        (void)opcua_security_print(out->mode, out->policy, text, sizeof(text));
        opcua_trouble_set(
            why, BUSBAR_EPERM, 0,
            "the server offers no more than `%s` now and had a stronger security before: "
            "if that was not done by you, somebody may be in between; if it was, name "
            "it in `security`",
            text);
        return why->error;
    }
    return 0;
}
