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

static int set_password(struct opcua_user *user, const struct opcua_choice *choice,
                        const struct opcua_link_config *config, const struct opcua_own *own,
                        struct opcua_trouble *why)
{
    user->name = config->user;
    user->password = config->password != NULL ? config->password : "";
    if (choice->token_policy == OPCUA_POLICY_NONE) {
        return 0;
    }
    int error = opcua_policy_make(
        &user->policy, choice->token_policy,
        borrow((const char *)own->certificate.data, own->certificate.size),
        borrow((const char *)own->key.data, own->key.size), NULL, "busbar's own", why);
    user->has_policy = error == 0;
    return error;
}

static int set_certificate(struct opcua_user *user, const struct opcua_choice *choice,
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
        (void)UA_ByteString_copy(&certificate, &user->certificate);
        error = opcua_policy_make(&user->policy, choice->token_policy, certificate, key, NULL,
                                  "the user's", why);
        user->has_policy = error == 0;
    }
    OPENSSL_free(certificate.data);
    OPENSSL_clear_free(key.data, key.length);
    return error;
}

int opcua_user_init(struct opcua_user *user, const struct opcua_choice *choice,
                    const struct opcua_link_config *config, const struct opcua_own *own,
                    struct opcua_trouble *why)
{
    user->type = choice->token->tokenType;
    (void)UA_String_copy(&choice->token->policyId, &user->policy_id);
    switch (user->type) {
    case UA_USERTOKENTYPE_USERNAME: return set_password(user, choice, config, own, why);
    case UA_USERTOKENTYPE_CERTIFICATE: return set_certificate(user, choice, config, why);
    default: return 0;
    }
}

void opcua_user_fini(struct opcua_user *user)
{
    UA_String_clear(&user->policy_id);
    UA_ByteString_clear(&user->certificate);
    if (user->has_policy) {
        user->policy.clear(&user->policy);
    }
    memset(user, 0, sizeof(*user));
}

/* ---- the token ---- */

/* The secret as the policy wants it (Part 4, 7.41.2.2), in blocks of RSA:
 *   length u32 of what follows   password   nonce of the server   zeros */
static UA_StatusCode encrypt(UA_SecurityPolicy *policy, const UA_ByteString *server,
                             const char *password, const UA_ByteString *nonce, UA_ByteString *out)
{
    UA_SecurityPolicyEncryptionAlgorithm *algorithm =
        &policy->asymmetricModule.cryptoModule.encryptionAlgorithm;
    void *context;
    UA_StatusCode status = policy->channelModule.newContext(policy, server, &context);
    if (status != UA_STATUSCODE_GOOD) {
        return status;
    }
    size_t password_size = strlen(password);
    size_t secret = password_size + nonce->length;
    size_t plain_block = algorithm->getRemotePlainTextBlockSize(context);
    size_t block = algorithm->getRemoteBlockSize(context);
    size_t blocks = (4 + secret + plain_block - 1) / plain_block;
    status = UA_ByteString_allocBuffer(out, blocks * block);
    if (status == UA_STATUSCODE_GOOD) {
        memset(out->data, 0, out->length);
        for (unsigned i = 0; i < 4; i++) {
            out->data[i] = (UA_Byte)(secret >> (8 * i));
        }
        memcpy(out->data + 4, password, password_size);
        if (nonce->length > 0) {
            memcpy(out->data + 4 + password_size, nonce->data, nonce->length);
        }
        out->length = blocks * plain_block;
        status = algorithm->encrypt(context, out);
        out->length = blocks * block;
    }
    policy->channelModule.deleteContext(context);
    return status;
}

static UA_StatusCode put_password(struct opcua_user *user, const UA_ByteString *server,
                                  const UA_ByteString *nonce, UA_UserNameIdentityToken *token)
{
    token->userName = UA_STRING_ALLOC(user->name);
    if (!user->has_policy) {
        token->password = UA_BYTESTRING_ALLOC(user->password);
        return UA_STATUSCODE_GOOD;
    }
    UA_StatusCode status = encrypt(&user->policy, server, user->password, nonce, &token->password);
    return status |
           UA_String_copy(&user->policy.asymmetricModule.cryptoModule.encryptionAlgorithm.uri,
                          &token->encryptionAlgorithm);
}

UA_StatusCode opcua_user_put(struct opcua_user *user, const UA_ByteString *server,
                             const UA_ByteString *nonce, UA_ActivateSessionRequest *request)
{
    const UA_DataType *type = user->type == UA_USERTOKENTYPE_USERNAME
                                  ? &UA_TYPES[UA_TYPES_USERNAMEIDENTITYTOKEN]
                              : user->type == UA_USERTOKENTYPE_CERTIFICATE
                                  ? &UA_TYPES[UA_TYPES_X509IDENTITYTOKEN]
                                  : &UA_TYPES[UA_TYPES_ANONYMOUSIDENTITYTOKEN];
    void *token = UA_new(type);
    assert(token != NULL);
    UA_ExtensionObject_setValue(&request->userIdentityToken, token, type);
    /* All kinds begin with the name of the policy. */
    UA_StatusCode status = UA_String_copy(&user->policy_id, token);
    if (user->type == UA_USERTOKENTYPE_USERNAME) {
        status |= put_password(user, server, nonce, token);
    } else if (user->type == UA_USERTOKENTYPE_CERTIFICATE) {
        UA_X509IdentityToken *x509 = token;
        status |= UA_ByteString_copy(&user->certificate, &x509->certificateData);
        status |= opcua_sign(&user->policy, server, nonce, &request->userTokenSignature);
    }
    return status;
}
