/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/text/security.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

#define URI "http://opcfoundation.org/UA/SecurityPolicy#"

static const char hint[] =
    "write auto, none, or sign or encrypt and a policy: Basic256Sha256, "
    "Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss; deprecated: Basic128Rsa15, "
    "Basic256";

/* By enum opcua_policy. */
static const char *const uris[OPCUA_POLICIES] = {
    [OPCUA_POLICY_NONE] = URI "None",
    [OPCUA_POLICY_BASIC128RSA15] = URI "Basic128Rsa15",
    [OPCUA_POLICY_BASIC256] = URI "Basic256",
    [OPCUA_POLICY_BASIC256SHA256] = URI "Basic256Sha256",
    [OPCUA_POLICY_AES128_SHA256_RSAOAEP] = URI "Aes128_Sha256_RsaOaep",
    [OPCUA_POLICY_AES256_SHA256_RSAPSS] = URI "Aes256_Sha256_RsaPss",
};

const char *opcua_policy_uri(enum opcua_policy policy)
{
    return uris[policy];
}

const char *opcua_policy_name(enum opcua_policy policy)
{
    return uris[policy] + sizeof(URI) - 1;
}

bool opcua_policy_deprecated(enum opcua_policy policy)
{
    return policy == OPCUA_POLICY_BASIC128RSA15 || policy == OPCUA_POLICY_BASIC256;
}

bool opcua_policy_of_uri(const char *uri, size_t size, enum opcua_policy *out)
{
    if (size == 0) {
        *out = OPCUA_POLICY_NONE;
        return true;
    }
    for (unsigned i = 0; i < OPCUA_POLICIES; i++) {
        if (strlen(uris[i]) == size && memcmp(uris[i], uri, size) == 0) {
            *out = (enum opcua_policy)i;
            return true;
        }
    }
    return false;
}

int opcua_security_strength(enum opcua_mode mode, enum opcua_policy policy)
{
    return (int)mode * OPCUA_POLICIES + (int)policy;
}

/* A policy with keys, by name. */
static bool find_policy(const char *name, enum opcua_policy *out)
{
    for (unsigned i = OPCUA_POLICY_NONE + 1; i < OPCUA_POLICIES; i++) {
        if (strcasecmp(name, opcua_policy_name((enum opcua_policy)i)) == 0) {
            *out = (enum opcua_policy)i;
            return true;
        }
    }
    return false;
}

/* What follows the word and its spaces; NULL: the text does not begin with this word. */
static const char *after_word(const char *text, const char *word)
{
    size_t size = strlen(word);
    if (strncasecmp(text, word, size) != 0 || text[size] != ' ') {
        return NULL;
    }
    text += size;
    return text + strspn(text, " ");
}

int opcua_security_parse(const char *text, bool *automatic, enum opcua_mode *mode,
                         enum opcua_policy *policy, struct err *err)
{
    *automatic = strcasecmp(text, "auto") == 0;
    if (*automatic) {
        return 0;
    }
    if (strcasecmp(text, "none") == 0) {
        *mode = OPCUA_MODE_NONE;
        *policy = OPCUA_POLICY_NONE;
        return 0;
    }
    const char *signing = after_word(text, "sign");
    const char *encrypting = after_word(text, "encrypt");
    const char *name = signing != NULL ? signing : encrypting != NULL ? encrypting : text;
    if (!find_policy(name, policy)) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no security of OPC UA", text);
        return err_hint(err, "%s", hint);
    }
    *mode = signing != NULL ? OPCUA_MODE_SIGN : OPCUA_MODE_SIGN_ENCRYPT;
    return 0;
}

size_t opcua_security_print(enum opcua_mode mode, enum opcua_policy policy, char *to, size_t size)
{
    if (mode == OPCUA_MODE_NONE) {
        return str_format(to, size, "none");
    }
    return str_format(to, size, "%s %s", mode == OPCUA_MODE_SIGN ? "sign" : "encrypt",
                      opcua_policy_name(policy));
}
