/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/usm/user.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/alloc.h"
#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/usm/digest.h"
#include "drivers/snmp/usm/library.h"

struct usm_user {
    atomic_uint holders;
    enum usm_auth auth;
    enum usm_priv priv;
    uint8_t auth_key[USM_KEY_MAX], priv_key[USM_KEY_MAX]; /* Ku */
    char name[USM_NAME_MAX + 1];
};

static int check_passphrase(const char *what, const char *passphrase, struct err *err)
{
    size_t size = passphrase != NULL ? strlen(passphrase) : 0;
    if (size >= USM_PASSPHRASE_MIN) {
        return 0;
    }
    if (size == 0) {
        (void)err_set(err, BUSBAR_EINVAL, "the %s password is missing", what);
    } else {
        (void)err_set(err, BUSBAR_EINVAL, "the %s password has %zu characters: SNMPv3 wants %d",
                      what, size, USM_PASSPHRASE_MIN);
    }
    (void)err_hint(err, "give the password that the device has for this user");
    return BUSBAR_EINVAL;
}

static int check(const char *name, enum usm_auth auth, const char *auth_pass, enum usm_priv priv,
                 const char *priv_pass, struct err *err)
{
    size_t size = strlen(name);
    if (size == 0 || size > USM_NAME_MAX) {
        return err_set(err, BUSBAR_EINVAL, "a user name has 1 to %d octets, this one %zu",
                       USM_NAME_MAX, size);
    }
    if (priv != USM_PRIV_NONE && auth == USM_AUTH_NONE) {
        (void)err_set(err, BUSBAR_EINVAL, "SNMPv3 encrypts only what is authenticated");
        (void)err_hint(err, "give the user an authentication password too");
        return BUSBAR_EINVAL;
    }
    int error = auth != USM_AUTH_NONE ? check_passphrase("authentication", auth_pass, err) : 0;
    if (error == 0 && priv != USM_PRIV_NONE) {
        error = check_passphrase("privacy", priv_pass, err);
    }
    return error;
}

int usm_user_make(const char *name, enum usm_auth auth, const char *auth_pass, enum usm_priv priv,
                  const char *priv_pass, struct usm_user **out, struct err *err)
{
    int error = check(name, auth, auth_pass, priv, priv_pass, err);
    if (error != 0) {
        return error;
    }
    struct usm_user *user = busbar_alloc(sizeof(*user));
    atomic_init(&user->holders, 1);
    user->auth = auth;
    user->priv = priv;
    memcpy(user->name, name, strlen(name));
    if (auth != USM_AUTH_NONE) {
        error = usm_key_of_passphrase(auth, auth_pass, user->auth_key);
    }
    if (error == 0 && priv != USM_PRIV_NONE) {
        error = usm_key_of_passphrase(auth, priv_pass, user->priv_key);
    }
    if (error != 0) {
        usm_user_drop(user);
        return err_set(err, error, "the library refused to make a key with %s",
                       usm_auth_words[auth]);
    }
    *out = user;
    return 0;
}

struct usm_user *usm_user_hold(struct usm_user *user)
{
    (void)atomic_fetch_add(&user->holders, 1);
    return user;
}

void usm_user_drop(struct usm_user *user)
{
    if (user != NULL && atomic_fetch_sub(&user->holders, 1) == 1) {
        OPENSSL_cleanse(user, sizeof(*user));
        busbar_free(user);
    }
}

const char *usm_user_name(const struct usm_user *user)
{
    return user->name;
}

uint8_t usm_user_level(const struct usm_user *user)
{
    return (uint8_t)((user->auth != USM_AUTH_NONE ? SNMP_AUTH : 0) |
                     (user->priv != USM_PRIV_NONE ? SNMP_PRIV : 0));
}

enum usm_auth usm_user_auth(const struct usm_user *user)
{
    return user->auth;
}

enum usm_priv usm_user_priv(const struct usm_user *user)
{
    return user->priv;
}

static int localise_priv(const struct usm_user *user, const uint8_t *engine, size_t size,
                         struct usm_keys *out)
{
    uint8_t key[USM_KEY_MAX] = { 0 };
    int error = usm_key_localise(user->auth, user->priv_key, engine, size, key);
    if (error == 0) {
        error = usm_key_extend(user->auth, user->priv, engine, size, key);
    }
    if (error == 0) {
        memcpy(out->priv, key, usm_cipher_key_size(user->priv));
    }
    OPENSSL_cleanse(key, sizeof(key));
    return error;
}

int usm_keys_localise(const struct usm_user *user, const uint8_t *engine, size_t size,
                      struct usm_keys *out)
{
    if (size == 0 || size > USM_ENGINE_MAX) {
        return BUSBAR_EINVAL;
    }
    memset(out, 0, sizeof(*out));
    if (user->auth == USM_AUTH_NONE) {
        return 0;
    }
    uint8_t key[USM_KEY_MAX];
    int error = usm_key_localise(user->auth, user->auth_key, engine, size, key);
    if (error == 0) {
        usm_mac_key(user->auth, key, usm_key_size(user->auth), out);
    }
    OPENSSL_cleanse(key, sizeof(key));
    if (error == 0 && user->priv != USM_PRIV_NONE) {
        error = localise_priv(user, engine, size, out);
    }
    if (error != 0) {
        usm_keys_wipe(out);
    }
    return error;
}

void usm_keys_wipe(struct usm_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof(*keys));
}
