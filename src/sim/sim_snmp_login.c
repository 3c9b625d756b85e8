/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask an agent, from the same settings by which the gateway logs in. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "sim/sim_snmp.h"

enum { KEY_MAX = 256 };

/* Not the secret itself: this stays in memory. */
static unsigned long long mark_of(const char *secret)
{
    return secret != NULL ? (unsigned long long)hash_keyed(secret, strlen(secret)) : 0;
}

/* One user for all devices that have the same: its keys take milliseconds. */
static int get_user(struct sim_snmp_served *served, const struct snmp_identity *identity,
                    struct usm_user **out, struct err *err)
{
    struct sim_snmp_state *state = served->state;
    const char *auth = sim_secret(served->sd->sim, identity->auth);
    const char *priv = sim_secret(served->sd->sim, identity->priv);
    enum usm_auth auth_type = auth != NULL ? identity->auth_type : USM_AUTH_NONE;
    enum usm_priv priv_type = priv != NULL ? identity->priv_type : USM_PRIV_NONE;
    char key[KEY_MAX];
    str_format(key, sizeof(key), "%s %d %llx %d %llx", identity->user, auth_type, mark_of(auth),
               priv_type, mark_of(priv));
    *out = map_get(&state->users, key);
    if (*out != NULL) {
        return 0;
    }
    int error = usm_user_make(identity->user, auth_type, auth, priv_type, priv, out, err);
    if (error == 0) {
        map_set(&state->users, arena_strdup(&state->arena, key), *out);
    } else if (auth != NULL && err->hint[0] == '\0') {
        err_hint(err, "--data DIR: the gateway's data folder, where its secrets are; without it a "
                      "secret's value is its name");
    }
    return error;
}

int sim_snmp_login(struct sim_snmp_served *served, const struct setup *setup,
                   const struct snmp_config *config, struct err *err)
{
    struct snmp_identity identity;
    int error = snmp_config_identity(setup, config, &identity, err);
    if (error != 0) {
        return error;
    }
    served->version = identity.version;
    if (identity.version == SNMP_V3) {
        served->context = busbar_strdup(identity.context != NULL ? identity.context : "");
        served->agent.context = served->context;
        return get_user(served, &identity, &served->agent.user, err);
    }
    const char *community = sim_secret(served->sd->sim, identity.community);
    served->community = busbar_strdup(community != NULL ? community : "public");
    served->agent.community = served->community;
    return 0;
}
