/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the settings, each mistake told with its place and what to write instead. */
#include "drivers/snmp/snmp_config.h"

#include <string.h>

#include "base/str.h"
#include "drivers/snmp/mib/prepared.h"
#include "drivers/snmp/snmp_client.h"
#include "drivers/snmp/snmp_options.h"
#include "drivers/snmp/snmp_traps.h"

/* The same keys stand in two tables: where each row is. */
struct identity_rows {
    size_t version, community, user, auth, auth_type, priv, priv_type, context;
};
static const struct identity_rows part_rows = {
    PART_VERSION,   PART_COMMUNITY, PART_USER,      PART_AUTH,
    PART_AUTH_TYPE, PART_PRIV,      PART_PRIV_TYPE, PART_CONTEXT,
};
static const struct identity_rows device_rows = {
    DEVICE_VERSION,   DEVICE_COMMUNITY, DEVICE_USER,      DEVICE_AUTH,
    DEVICE_AUTH_TYPE, DEVICE_PRIV,      DEVICE_PRIV_TYPE, DEVICE_CONTEXT,
};

static const enum snmp_version versions[] = { SNMP_V1, SNMP_V2C, SNMP_V3 };

/* ---- logins ---- */

/* The first of these rows that was set, or -1. */
static int first_set(const struct settings *settings, const size_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (settings_has(settings, rows[i])) {
            return (int)rows[i];
        }
    }
    return -1;
}

/* Settings of one version that stand beside the other. */
static int check_version(const struct settings *settings, const struct identity_rows *rows,
                         const struct snmp_identity *identity, struct err *err)
{
    const size_t of_v3[] = { rows->user, rows->auth,      rows->auth_type,
                             rows->priv, rows->priv_type, rows->context };
    int stray = first_set(settings, of_v3, sizeof(of_v3) / sizeof(of_v3[0]));
    if (identity->version != SNMP_V3 && stray >= 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, (size_t)stray),
                      "write 'version: 3', with 'user', or take it out",
                      "'%s' is of SNMP version 3 only", settings->options[stray].key);
    }
    if (identity->version == SNMP_V3 && settings_has(settings, rows->community)) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, rows->community),
                      "take it out, or write 'version: 2c' without 'user'",
                      "version 3 has users, no community");
    }
    if (identity->version == SNMP_V3 && identity->user == NULL) {
        return err_at(err, BUSBAR_ECONFIG,
                      settings_at(settings, stray >= 0 ? (size_t)stray : rows->version),
                      "add 'user: NAME'", "version 3 needs a user");
    }
    return 0;
}

static int check_passwords(const struct settings *settings, const struct identity_rows *rows,
                           const struct snmp_identity *identity, struct err *err)
{
    if (identity->auth == NULL && settings_has(settings, rows->auth_type) &&
        settings_int(settings, (size_t)rows->auth_type) != USM_AUTH_NONE) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, rows->auth_type),
                      "add 'auth: !secret NAME', the user's password",
                      "'auth_type' without 'auth'");
    }
    if (identity->priv == NULL && settings_has(settings, rows->priv_type) &&
        settings_int(settings, (size_t)rows->priv_type) != USM_PRIV_NONE) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, rows->priv_type),
                      "add 'priv: !secret NAME', the password for encryption",
                      "'priv_type' without 'priv'");
    }
    if (identity->auth != NULL && identity->auth_type == USM_AUTH_NONE) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, rows->auth_type),
                      "take 'auth' out, or write 'auth_type: SHA-256'",
                      "'auth_type: none' with a password");
    }
    if (identity->priv != NULL && identity->priv_type == USM_PRIV_NONE) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, rows->priv_type),
                      "take 'priv' out, or write 'priv_type: AES-128'",
                      "'priv_type: none' with a password");
    }
    if (identity->priv != NULL && identity->auth == NULL) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, rows->priv),
                      "add 'auth: !secret NAME'; SNMP has no encryption without authentication",
                      "'priv' without 'auth'");
    }
    return 0;
}

static int read_identity(const struct settings *settings, const struct identity_rows *rows,
                         struct snmp_identity *out, struct err *err)
{
    const size_t of_v3[] = { rows->user, rows->auth, rows->priv };
    bool v3 = first_set(settings, of_v3, 3) >= 0;
    *out = (struct snmp_identity){
        .version = settings_has(settings, rows->version)
                       ? versions[settings_int(settings, rows->version)]
                   : v3 ? SNMP_V3
                        : SNMP_V2C,
        .community = settings_text(settings, rows->community),
        .user = settings_text(settings, rows->user),
        .auth = settings_text(settings, rows->auth),
        .priv = settings_text(settings, rows->priv),
        .context = settings_text(settings, rows->context),
    };
    if (out->auth != NULL) {
        out->auth_type = (enum usm_auth)settings_int(settings, rows->auth_type);
    }
    if (out->priv != NULL) {
        out->priv_type = (enum usm_priv)settings_int(settings, rows->priv_type);
    }
    int error = check_version(settings, rows, out, err);
    return error == 0 ? check_passwords(settings, rows, out, err) : error;
}

const char *snmp_config_weak(const struct snmp_identity *identity)
{
    if (identity->version != SNMP_V3) {
        return "anyone on the way can read the community, and use it";
    }
    const char *weak = usm_weak_auth(identity->auth_type);
    return weak != NULL ? weak : usm_weak_priv(identity->priv_type);
}

/* A warning: err without a code. */
static void warn_weak(const struct snmp_identity *identity, struct position at, struct err *err)
{
    const char *weak = snmp_config_weak(identity);
    if (weak == NULL) {
        return;
    }
    const char *better = identity->version != SNMP_V3
                             ? "use version 3 where the device can: user, auth and priv"
                         : identity->auth_type == USM_AUTH_NONE ||
                                 identity->priv_type == USM_PRIV_NONE
                             ? "give the user passwords for 'auth' and 'priv' where the device can"
                             : "use 'auth_type: SHA-256' and 'priv_type: AES-128' where the device "
                               "can";
    (void)err_at(err, 0, at, better, "this SNMP login is insecure: %s", weak);
}

int snmp_config_part(const struct setup_part *part, struct snmp_identity *out, struct err *err)
{
    return read_identity(&part->settings, &part_rows, out, err);
}

int64_t snmp_config_order(const struct setup_part *part)
{
    return settings_int(&part->settings, PART_ORDER);
}

/* ---- the protocol ---- */

static const struct settings *setup_settings(const struct setup *setup, struct settings *none)
{
    if (setup != NULL && setup->settings.options != NULL) {
        return &setup->settings;
    }
    *none = (struct settings){ .options = snmp_setup_options };
    return none;
}

/* "40000-40015", "40000". */
static int read_ports(const struct settings *settings, struct snmp_setup *out, struct err *err)
{
    char first[32];
    uint64_t low = 0;
    uint64_t high = 0;
    const char *text = settings_text(settings, SETUP_SOURCE_PORTS);
    out->ports_at = settings_at(settings, SETUP_SOURCE_PORTS);
    if (text == NULL) {
        return 0;
    }
    (void)str_copy(first, sizeof(first), text);
    char *last = strchr(first, '-');
    if (last != NULL) {
        *last++ = '\0';
    }
    bool good = str_parse_u64(str_trim(first), &low) == 0 &&
                str_parse_u64(last != NULL ? str_trim(last) : str_trim(first), &high) == 0 &&
                low > 0 && high <= UINT16_MAX && low <= high;
    if (!good) {
        return err_at(err, BUSBAR_ECONFIG, out->ports_at,
                      "write the first and the last: 40000-40015, or one: 40000",
                      "'%s' is no range of UDP ports", text);
    }
    if (high - low >= SNMP_SOURCE_PORTS_MAX) {
        return err_at(err, BUSBAR_ECONFIG, out->ports_at,
                      "16 are enough for most networks; one socket is opened for each",
                      "more than %d source ports", (int)SNMP_SOURCE_PORTS_MAX);
    }
    out->first_port = (uint16_t)low;
    out->last_port = (uint16_t)high;
    return 0;
}

int snmp_config_setup(const struct setup *setup, struct snmp_setup *out, struct err *err)
{
    struct settings none;
    struct endpoint endpoint;
    const struct settings *settings = setup_settings(setup, &none);
    *out = (struct snmp_setup){
        .bind = settings_text(settings, SETUP_BIND),
        .mibs = settings_text(settings, SETUP_MIBS),
        .listen = settings_text(settings, SETUP_LISTEN),
        .allow = settings_text(settings, SETUP_ALLOW),
        .trap_rate = settings_int(settings, SETUP_TRAP_RATE),
        .trap_burst = settings_int(settings, SETUP_TRAP_BURST),
        .listen_at = settings_at(settings, SETUP_LISTEN),
        .allow_at = settings_at(settings, SETUP_ALLOW),
        .mibs_at = settings_at(settings, SETUP_MIBS),
    };
    if (out->bind != NULL && endpoint_parse(out->bind, SNMP_PORT, &endpoint) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(settings, SETUP_BIND),
                      "write an address of this machine: 10.0.4.1; 'ip address' shows them",
                      "'%s' is not a numeric address", out->bind);
    }
    return read_ports(settings, out, err);
}

const char *snmp_config_listen(const struct setup *setup)
{
    struct settings none;
    return settings_text(setup_settings(setup, &none), SETUP_LISTEN);
}

const struct mib *snmp_config_mib(const struct setup *setup)
{
    return mib_of_prepared(setup != NULL ? setup->prepared : NULL);
}

struct snmp_trap_options snmp_config_traps(const struct snmp_setup *own)
{
    return (struct snmp_trap_options){
        .listen = own->listen,
        .allow = own->allow,
        .rate = own->trap_rate,
        .burst = own->trap_burst,
        .listen_at = own->listen_at,
        .allow_at = own->allow_at,
    };
}

int snmp_config_check_setup(const struct setup *setup, struct err *err)
{
    struct snmp_setup own;
    struct snmp_identity identity;
    int error = snmp_config_setup(setup, &own, err);
    const struct snmp_trap_options traps = snmp_config_traps(&own);
    error = error == 0 ? snmp_traps_check(&traps, err) : error;
    for (size_t i = 0; error == 0 && i < setup->part_count; i++) {
        error = snmp_config_part(&setup->parts[i], &identity, err);
    }
    for (size_t i = 0; error == 0 && i < setup->part_count; i++) {
        (void)snmp_config_part(&setup->parts[i], &identity, NULL);
        if (snmp_config_weak(&identity) != NULL) {
            warn_weak(&identity, setup->parts[i].settings.at, err);
            break;
        }
    }
    return error;
}

/* ---- a device ---- */

static int read_host(const struct settings *device, struct snmp_config *out, struct err *err)
{
    struct err reason = { 0 };
    const char *text = settings_text(device, DEVICE_HOST);
    if (text == NULL) {
        return err_at(err, BUSBAR_ECONFIG, device->at,
                      "add 'host: 10.0.4.2'; 'busbar discover snmp 10.0.4.0/24' finds devices",
                      "the snmp part does not say where the device is");
    }
    if (address_parse(text, SNMP_PORT, &out->host, &reason) != 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_HOST),
                      "write an address or a name, with a port where it is not 161: "
                      "10.0.4.2:1161",
                      "%s", reason.message);
    }
    return 0;
}

static int unknown_part(const struct setup *setup, const struct settings *device, const char *name,
                        struct err *err)
{
    const char *names[SETUP_PARTS_MAX] = { NULL };
    for (size_t i = 0; i < setup->part_count && i < SETUP_PARTS_MAX; i++) {
        names[i] = setup->parts[i].name;
    }
    const char *nearest = str_nearest(name, names, setup->part_count);
    (void)err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_CREDENTIALS), NULL,
                 "there is no '%s' in drivers: snmp: credentials", name);
    if (nearest != NULL) {
        (void)err_hint(err, "did you mean '%s'?", nearest);
    } else {
        (void)err_hint(err, "add it there: { user: NAME, auth: !secret NAME, priv: !secret NAME }");
    }
    return BUSBAR_ECONFIG;
}

/* By a part of `credentials:`; the device may still name a context of its own. */
static int read_credentials(const struct setup *setup, const struct settings *device,
                            struct snmp_config *out, struct err *err)
{
    static const size_t own[] = { DEVICE_VERSION,   DEVICE_COMMUNITY, DEVICE_USER,     DEVICE_AUTH,
                                  DEVICE_AUTH_TYPE, DEVICE_PRIV,      DEVICE_PRIV_TYPE };
    int stray = first_set(device, own, sizeof(own) / sizeof(own[0]));
    if (stray >= 0) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, (size_t)stray),
                      "keep one of them: the login by its name, or written out here",
                      "'%s' beside 'credentials'", device->options[stray].key);
    }
    out->identity.context = settings_text(device, DEVICE_CONTEXT);
    const struct setup_part *part = setup != NULL ? setup_part(setup, out->credentials) : NULL;
    if (setup != NULL && part == NULL) {
        return unknown_part(setup, device, out->credentials, err);
    }
    struct snmp_identity login;
    if (part != NULL && out->identity.context != NULL &&
        snmp_config_part(part, &login, NULL) == 0 && login.version != SNMP_V3) {
        return err_at(err, BUSBAR_ECONFIG, settings_at(device, DEVICE_CONTEXT),
                      "take it out, or use a login of version 3",
                      "'context' is of SNMP version 3 only, and '%s' is not", out->credentials);
    }
    return 0;
}

int snmp_config_read(const struct setup *setup, const struct settings *device,
                     struct snmp_config *out, struct err *err)
{
    *out = (struct snmp_config){
        .credentials = settings_text(device, DEVICE_CREDENTIALS),
        .timeout_us = settings_int(device, DEVICE_TIMEOUT),
        .retries = (int)settings_int(device, DEVICE_RETRIES),
        .in_flight = (int)settings_int(device, DEVICE_IN_FLIGHT),
        .max_oids = (int)settings_int(device, DEVICE_MAX_OIDS),
        .max_repetitions = (int)settings_int(device, DEVICE_MAX_REPETITIONS),
        .bulk = settings_bool(device, DEVICE_BULK),
        .any_source = settings_bool(device, DEVICE_ANY_SOURCE),
        .traps = settings_bool(device, DEVICE_TRAPS),
        .trap_addresses = settings_text(device, DEVICE_TRAP_ADDRESSES),
    };
    int error = read_host(device, out, err);
    if (error == 0 && out->credentials != NULL) {
        error = read_credentials(setup, device, out, err);
    } else if (error == 0) {
        error = read_identity(device, &device_rows, &out->identity, err);
    }
    if (error == 0 && out->trap_addresses != NULL) {
        error = snmp_traps_check_addresses(out->trap_addresses,
                                           settings_at(device, DEVICE_TRAP_ADDRESSES), err);
    }
    if (error == 0 && out->credentials == NULL) {
        warn_weak(&out->identity, device->at, err);
    }
    return error;
}

int snmp_config_identity(const struct setup *setup, const struct snmp_config *config,
                         struct snmp_identity *out, struct err *err)
{
    *out = config->identity;
    if (config->credentials == NULL) {
        return 0;
    }
    const struct setup_part *part = setup != NULL ? setup_part(setup, config->credentials) : NULL;
    if (part == NULL) {
        return err_set(err, BUSBAR_ENOENT, "there is no '%s' in drivers: snmp: credentials",
                       config->credentials);
    }
    int error = snmp_config_part(part, out, err);
    if (config->identity.context != NULL) {
        out->context = config->identity.context;
    }
    return error;
}

void snmp_config_print(const struct setup *setup, const struct snmp_config *config, struct buf *out)
{
    char text[ADDRESS_TEXT_MAX];
    struct snmp_identity identity;
    (void)address_format(text, sizeof(text), &config->host);
    (void)buf_printf(out, "udp %s", text);
    if (snmp_config_identity(setup, config, &identity, NULL) != 0) {
        return;
    }
    if (identity.version != SNMP_V3) {
        (void)buf_append_text(out, identity.version == SNMP_V1 ? " v1" : " v2c");
        return;
    }
    (void)buf_printf(out, " v3 user %s", identity.user);
    if (identity.context != NULL) {
        (void)buf_printf(out, " context %s", identity.context);
    }
}
