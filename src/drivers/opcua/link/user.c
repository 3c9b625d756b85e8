/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/link/user.h"

#include <assert.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/err.h"

static UA_ByteString borrow(const char *bytes, size_t size)
{
    return (UA_ByteString){ .data = (UA_Byte *)(uintptr_t)bytes, .length = size };
}

/* PEM into DER, into memory of OpenSSL; length 0: cannot be read. */
static UA_ByteString certificate_der(const char *bytes, size_t size)
{
    UA_ByteString der = UA_BYTESTRING_NULL;
    BIO *in = BIO_new_mem_buf(bytes, (int)size);
    X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
    if (certificate == NULL) {
        (void)BIO_reset(in);
        certificate = d2i_X509_bio(in, NULL);
    }
    int length = certificate != NULL ? i2d_X509(certificate, &der.data) : 0;
    der.length = length > 0 ? (size_t)length : 0;
    X509_free(certificate);
    BIO_free(in);
    return der;
}

/* No password is asked for: there is nobody to give it. */
static int no_password(char *to, int size, int writing, void *ctx)
{
    (void)to, (void)size, (void)writing, (void)ctx;
    return 0;
}

static UA_ByteString key_der(const char *bytes, size_t size)
{
    UA_ByteString der = UA_BYTESTRING_NULL;
    BIO *in = BIO_new_mem_buf(bytes, (int)size);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
    if (key == NULL) {
        (void)BIO_reset(in);
        key = d2i_PrivateKey_bio(in, NULL);
    }
    int length = key != NULL ? i2d_PrivateKey(key, &der.data) : 0;
    der.length = length > 0 ? (size_t)length : 0;
    EVP_PKEY_free(key);
    BIO_free(in);
    return der;
}

static void put_token(UA_ClientConfig *client, void *token, const UA_DataType *type)
{
    assert(token != NULL);
    UA_ExtensionObject_clear(&client->userIdentityToken);
    UA_ExtensionObject_setValue(&client->userIdentityToken, token, type);
}

static int add_policy(UA_ClientConfig *client, enum opcua_policy policy, UA_ByteString certificate,
                      UA_ByteString key, const char *what, struct opcua_trouble *why)
{
    client->authSecurityPolicies = UA_calloc(1, sizeof(*client->authSecurityPolicies));
    assert(client->authSecurityPolicies != NULL);
    int error = opcua_policy_make(client->authSecurityPolicies, policy, certificate, key,
                                  client->logging, what, why);
    client->authSecurityPoliciesSize = error == 0;
    return error;
}

static int set_password(UA_ClientConfig *client, const struct opcua_choice *choice,
                        const struct opcua_link_config *config, const struct opcua_own *own,
                        struct opcua_trouble *why)
{
    UA_UserNameIdentityToken *token = UA_UserNameIdentityToken_new();
    assert(token != NULL);
    token->userName = UA_STRING_ALLOC(config->user);
    token->password = UA_BYTESTRING_ALLOC(config->password != NULL ? config->password : "");
    put_token(client, token, &UA_TYPES[UA_TYPES_USERNAMEIDENTITYTOKEN]);
    if (choice->token_policy == OPCUA_POLICY_NONE) {
        return 0;
    }
    return add_policy(client, choice->token_policy,
                      borrow((const char *)own->certificate.data, own->certificate.size),
                      borrow((const char *)own->key.data, own->key.size), "busbar's own", why);
}

static int set_certificate(UA_ClientConfig *client, const struct opcua_choice *choice,
                           const struct opcua_link_config *config, struct opcua_trouble *why)
{
    UA_ByteString certificate = certificate_der(config->user_certificate,
                                                config->user_certificate_bytes);
    UA_ByteString key = key_der(config->user_key, config->user_key_bytes);
    int error = BUSBAR_ECONFIG;
    if (certificate.length == 0 || key.length == 0) {
        opcua_trouble_set(why, error, 0,
                          "the user's %s cannot be read; it must be PEM or DER, and a key without "
                          "a password",
                          certificate.length == 0 ? "certificate" : "key");
    } else {
        UA_X509IdentityToken *token = UA_X509IdentityToken_new();
        assert(token != NULL);
        (void)UA_ByteString_copy(&certificate, &token->certificateData);
        put_token(client, token, &UA_TYPES[UA_TYPES_X509IDENTITYTOKEN]);
        error = add_policy(client, choice->token_policy, certificate, key, "the user's", why);
    }
    OPENSSL_free(certificate.data);
    OPENSSL_clear_free(key.data, key.length);
    return error;
}

int opcua_user_set(UA_ClientConfig *client, const struct opcua_choice *choice,
                   const struct opcua_link_config *config, const struct opcua_own *own,
                   struct opcua_trouble *why)
{
    switch (choice->token->tokenType) {
    case UA_USERTOKENTYPE_USERNAME: return set_password(client, choice, config, own, why);
    case UA_USERTOKENTYPE_CERTIFICATE: return set_certificate(client, choice, config, why);
    default: return 0; /* without a token the library says: anonymous */
    }
}
