/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_login.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/alloc.h"

struct snmp_login *snmp_login_new(const struct snmp_login *from)
{
    struct snmp_login *login = busbar_alloc(sizeof(*login));
    login->version = from->version;
    login->community = busbar_strdup(from->community != NULL ? from->community : "");
    login->context = busbar_strdup(from->context != NULL ? from->context : "");
    login->name = busbar_strdup(from->name != NULL ? from->name : "");
    login->user = from->user != NULL ? usm_user_hold(from->user) : NULL;
    login->holders = 1;
    return login;
}

struct snmp_login *snmp_login_hold(const struct snmp_login *login)
{
    struct snmp_login *held = (struct snmp_login *)(uintptr_t)login;
    held->holders++;
    return held;
}

static void free_text(const char *text)
{
    busbar_free((void *)(uintptr_t)text);
}

void snmp_login_drop(const struct snmp_login *login)
{
    struct snmp_login *held = (struct snmp_login *)(uintptr_t)login;
    if (held == NULL || --held->holders > 0) {
        return;
    }
    usm_user_drop(held->user);
    OPENSSL_cleanse((void *)(uintptr_t)held->community, strlen(held->community));
    free_text(held->community);
    free_text(held->context);
    free_text(held->name);
    busbar_free(held);
}

void snmp_login_print(const struct snmp_login *login, struct buf *out)
{
    if (login->version != SNMP_V3) {
        (void)buf_printf(out, "%s (community readable by anyone on the way)",
                         login->version == SNMP_V1 ? "v1" : "v2c");
        return;
    }
    enum usm_auth auth = usm_user_auth(login->user);
    enum usm_priv priv = usm_user_priv(login->user);
    (void)buf_printf(out, "v3 user %s", usm_user_name(login->user));
    if (auth == USM_AUTH_NONE) {
        (void)buf_append_text(out, " without a password");
    } else {
        (void)buf_printf(out, " %s %s", usm_auth_words[auth],
                         priv != USM_PRIV_NONE ? usm_priv_words[priv] : "unencrypted");
    }
    if (login->context[0] != '\0') {
        (void)buf_printf(out, " context %s", login->context);
    }
}

const char *snmp_login_weak(const struct snmp_login *login)
{
    if (login->version != SNMP_V3) {
        return "anyone on the way can read the community, and use it";
    }
    const char *weak = usm_weak_auth(usm_user_auth(login->user));
    return weak != NULL ? weak : usm_weak_priv(usm_user_priv(login->user));
}
