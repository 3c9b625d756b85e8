/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/link/secure.h"

#include <assert.h>
#include <open62541/plugin/securitypolicy_default.h>
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

enum { OWN_MAX = 64 * 1024, HOST_MAX = 256 };

/* ---- ours ---- */

int opcua_own_load(struct opcua_own *own, struct trust *trust, struct opcua_trouble *why)
{
    char host[HOST_MAX] = "";
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0') {
        (void)str_copy(host, sizeof(host), "localhost");
    }
    char name[HOST_MAX + 16];
    char uri[HOST_MAX + 16];
    (void)str_format(name, sizeof(name), "busbar at %s", host);
    (void)str_format(uri, sizeof(uri), "urn:%s:busbar", host);
    const char *const hosts[] = { host, NULL };
    const struct trust_own wanted = {
        .protocol = "opcua", .common_name = name, .uri = uri, .hosts = hosts
    };
    buf_init(&own->certificate, OWN_MAX);
    buf_init(&own->key, OWN_MAX);
    struct err err = { 0 };
    int error = trust_own(trust, &wanted, &own->certificate, &own->key, &own->seen, &err);
    if (error != 0) {
        opcua_trouble_set(why, error, 0, "busbar's own certificate: %s%s%s", err.message,
                          err.hint[0] != '\0' ? "; " : "", err.hint);
    }
    return error;
}

void opcua_own_fini(struct opcua_own *own)
{
    if (own->key.data != NULL) {
        OPENSSL_cleanse(own->key.data, own->key.size);
    }
    buf_fini(&own->certificate);
    buf_fini(&own->key);
}

bool opcua_needs_own(const struct opcua_choice *choice)
{
    return choice->mode != OPCUA_MODE_NONE ||
           (choice->token->tokenType != UA_USERTOKENTYPE_ANONYMOUS &&
            choice->token_policy != OPCUA_POLICY_NONE);
}

/* ---- the server's ---- */

/* 30 82 HH LL: a DER sequence of more than 255 bytes, as every certificate is. */
UA_ByteString opcua_leaf(const UA_ByteString *chain)
{
    UA_ByteString leaf = *chain;
    if (leaf.length >= 4 && leaf.data[0] == 0x30 && leaf.data[1] == 0x82) {
        size_t size = 4 + ((size_t)leaf.data[2] << 8) + leaf.data[3];
        leaf.length = size < leaf.length ? size : leaf.length;
    }
    return leaf;
}

void opcua_copy_text(const UA_String *from, char *to, size_t size)
{
    size_t length = from->length < size - 1 ? from->length : size - 1;
    if (length > 0) {
        memcpy(to, from->data, length);
    }
    to[length] = '\0';
}

static void read_host(const char *url, char *to, size_t size)
{
    UA_String whole = UA_STRING((char *)(uintptr_t)url);
    UA_String host = UA_STRING_NULL;
    UA_String path = UA_STRING_NULL;
    UA_UInt16 port = 0;
    (void)UA_parseEndpointUrl(&whole, &host, &port, &path);
    opcua_copy_text(&host, to, size);
}

void opcua_server_id_init(struct opcua_server_id *server, struct trust *trust, const char *url,
                          const struct opcua_link_config *config, const struct opcua_choice *choice)
{
    server->trust = trust;
    (void)str_copy(server->address, sizeof(server->address), url);
    (void)str_copy(server->device, sizeof(server->device),
                   config->device != NULL ? config->device : "");
    if (config->server_name != NULL) {
        (void)str_copy(server->host, sizeof(server->host), config->server_name);
    } else {
        read_host(url, server->host, sizeof(server->host));
    }
    opcua_copy_text(&choice->endpoint->server.applicationUri, server->uri, sizeof(server->uri));
    (void)UA_ByteString_copy(&choice->endpoint->serverCertificate, &server->chain);
    server->expected = (struct trust_peer){
        .protocol = "opcua",
        .device = server->device,
        .address = server->address,
        .host = server->host,
        .uri = server->uri,
        .weak = !config->automatic && opcua_policy_deprecated(config->policy),
    };
}

void opcua_server_id_fini(struct opcua_server_id *server)
{
    UA_ByteString_clear(&server->chain);
    memset(server, 0, sizeof(*server));
}

int opcua_server_id_check(const struct opcua_server_id *server, struct opcua_trouble *why)
{
    struct trust_seen seen;
    int error = trust_check(server->trust, &server->expected, server->chain.data,
                            server->chain.length, clock_wall_us(), &seen);
    if (error != 0) {
        opcua_trouble_set(why, BUSBAR_EUNTRUSTED, UA_STATUSCODE_BADCERTIFICATEUNTRUSTED, "%s",
                          seen.words);
    }
    return error;
}

/* A certificate that the server uses on the channel: the one that was looked at before, and trusted still. */
static UA_StatusCode verify(const UA_CertificateVerification *verification,
                            const UA_ByteString *certificate)
{
    const struct opcua_server_id *server = verification->context;
    UA_ByteString used = opcua_leaf(certificate);
    UA_ByteString known = opcua_leaf(&server->chain);
    struct opcua_trouble why;
    if (!UA_ByteString_equal(&used, &known)) {
        return UA_STATUSCODE_BADCERTIFICATEINVALID;
    }
    return opcua_server_id_check(server, &why) == 0 ? UA_STATUSCODE_GOOD
                                                    : UA_STATUSCODE_BADCERTIFICATEUNTRUSTED;
}

/* ---- the client ---- */

typedef UA_StatusCode (*make_cb)(UA_SecurityPolicy *policy, const UA_ByteString certificate,
                                 const UA_ByteString key, const UA_Logger *logger);

/* By enum opcua_policy. */
static const make_cb makers[OPCUA_POLICIES] = {
    [OPCUA_POLICY_BASIC128RSA15] = UA_SecurityPolicy_Basic128Rsa15,
    [OPCUA_POLICY_BASIC256] = UA_SecurityPolicy_Basic256,
    [OPCUA_POLICY_BASIC256SHA256] = UA_SecurityPolicy_Basic256Sha256,
    [OPCUA_POLICY_AES128_SHA256_RSAOAEP] = UA_SecurityPolicy_Aes128Sha256RsaOaep,
    [OPCUA_POLICY_AES256_SHA256_RSAPSS] = UA_SecurityPolicy_Aes256Sha256RsaPss,
};

int opcua_policy_make(UA_SecurityPolicy *to, enum opcua_policy policy, UA_ByteString certificate,
                      UA_ByteString key, const UA_Logger *logger, const char *what,
                      struct opcua_trouble *why)
{
    assert(makers[policy] != NULL);
    UA_StatusCode status = makers[policy](to, certificate, key, logger);
    if (status != UA_STATUSCODE_GOOD) {
        opcua_trouble_set(
            why, BUSBAR_ECONFIG, status,
            "%s certificate and key do not work with %s; they must be RSA, of the same "
            "key pair, and of a size that it allows",
            what, opcua_policy_name(policy));
        return BUSBAR_ECONFIG;
    }
    return 0;
}

static UA_ByteString bytes_of(const struct buf *buf)
{
    return (UA_ByteString){ .data = buf->data, .length = buf->size };
}

/* The one policy of the channel, instead of None. */
static int set_policy(UA_ClientConfig *client, enum opcua_policy policy,
                      const struct opcua_own *own, struct opcua_trouble *why)
{
    client->securityPolicies[0].clear(&client->securityPolicies[0]);
    int error = opcua_policy_make(&client->securityPolicies[0], policy, bytes_of(&own->certificate),
                                  bytes_of(&own->key), client->logging, "busbar's own", why);
    client->securityPoliciesSize = error == 0;
    return error;
}

/* The description without what the library would go wrong by: the server's own idea of its URL, and the chain above its
 * certificate. */
static void set_endpoint(UA_ClientConfig *client, const char *url,
                         const struct opcua_choice *choice)
{
    UA_EndpointDescription *to = &client->endpoint;
    UA_EndpointDescription_clear(to);
    UA_ByteString leaf = opcua_leaf(&choice->endpoint->serverCertificate);
    UA_StatusCode status = UA_ByteString_copy(&leaf, &to->serverCertificate);
    assert(status == UA_STATUSCODE_GOOD);
    (void)status;
    to->endpointUrl = UA_STRING_ALLOC(url);
    to->securityMode = (UA_MessageSecurityMode)choice->mode;
    to->securityPolicyUri = UA_STRING_ALLOC(opcua_policy_uri(choice->policy));
}

int opcua_secure(UA_ClientConfig *client, const char *url, const struct opcua_choice *choice,
                 const struct opcua_own *own, const struct opcua_server_id *server,
                 struct opcua_trouble *why)
{
    set_endpoint(client, url, choice);
    if (choice->mode == OPCUA_MODE_NONE) {
        return 0;
    }
    client->certificateVerification.context = (void *)(uintptr_t)server;
    client->certificateVerification.verifyCertificate = verify;
    return set_policy(client, choice->policy, own, why);
}

UA_StatusCode opcua_sign(UA_SecurityPolicy *policy, const UA_ByteString *server,
                         const UA_ByteString *nonce, UA_SignatureData *out)
{
    UA_SecurityPolicySignatureAlgorithm *algorithm =
        &policy->asymmetricModule.cryptoModule.signatureAlgorithm;
    UA_ByteString data = UA_BYTESTRING_NULL;
    void *context;
    UA_StatusCode status = policy->channelModule.newContext(policy, server, &context);
    if (status != UA_STATUSCODE_GOOD) {
        return status;
    }
    status = UA_String_copy(&algorithm->uri, &out->algorithm);
    status |= UA_ByteString_allocBuffer(&out->signature, algorithm->getLocalSignatureSize(context));
    status |= UA_ByteString_allocBuffer(&data, server->length + nonce->length);
    if (status == UA_STATUSCODE_GOOD) {
        memcpy(data.data, server->data, server->length);
        if (nonce->length > 0) {
            memcpy(data.data + server->length, nonce->data, nonce->length);
        }
        status = algorithm->sign(context, &data, &out->signature);
    }
    UA_ByteString_clear(&data);
    policy->channelModule.deleteContext(context);
    return status;
}
