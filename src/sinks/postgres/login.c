/* SPDX-License-Identifier: Apache-2.0 */
/* What libpq takes from elsewhere when it is not told is told here: every keyword that has a variable or a file behind it
 * gets a value. An empty value means "not told" to libpq; where nothing is wanted it gets a file that cannot be. */
#include "sinks/postgres/login.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"

#define NO_FILE "/dev/null/none" /* cannot be: libpq goes on without, and says nothing */

/* Keywords of a target that are kept as they are. */
static const struct kept {
    const char *keyword;
    size_t offset, size;
} kepts[] = {
    { "dbname", offsetof(struct pg_target, database), PG_TEXT_MAX },
    { "user", offsetof(struct pg_target, user), PG_TEXT_MAX },
    { "sslmode", offsetof(struct pg_target, sslmode), 16 },
    { "sslrootcert", offsetof(struct pg_target, ca), PG_TEXT_MAX },
    { "sslcert", offsetof(struct pg_target, certificate), PG_TEXT_MAX },
    { "sslkey", offsetof(struct pg_target, key), PG_TEXT_MAX },
    { "ssl_min_protocol_version", offsetof(struct pg_target, tls_min), 16 },
    { "channel_binding", offsetof(struct pg_target, channel_binding), 16 },
    { "target_session_attrs", offsetof(struct pg_target, session), 32 },
    { "options", offsetof(struct pg_target, options), PG_TEXT_MAX },
};

/* Those that are refused for a reason of their own. */
static const struct refused {
    const char *keyword, *why, *hint;
} refuseds[] = {
    { "password", "has a password in it, where everyone reads it",
      "keep it with 'busbar secret set NAME' and write 'password: !secret NAME'" },
    { "sslpassword", "has a password in it, where everyone reads it",
      "give a key file without a passphrase, readable by the gateway alone" },
    { "service", "names a service, which is in a file that busbar does not read",
      "write host, port and dbname here" },
    { "passfile", "names a file of passwords, which busbar does not read",
      "keep it with 'busbar secret set NAME' and write 'password: !secret NAME'" },
    { "connect_timeout", "has connect_timeout, which busbar decides (10 s an address)",
      "leave it out" },
    { "application_name", "has application_name, which busbar sets itself ('busbar SITE')",
      "leave it out" },
    { "client_encoding", "has client_encoding, which is always UTF8", "leave it out" },
};

static const char *const sslmodes[] = { "disable", "allow",     "prefer",
                                        "require", "verify-ca", "verify-full" };
static const char *const sessions[] = { "any", "read-write", "read-only", "primary", "standby" };

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(text, words[i])) {
            return true;
        }
    }
    return false;
}

/* ---- taking the target apart ---- */

static int keep(struct pg_target *target, const char *keyword, const char *value, struct err *err)
{
    for (size_t i = 0; i < sizeof(kepts) / sizeof(*kepts); i++) {
        if (str_equal(keyword, kepts[i].keyword)) {
            char *to = (char *)target + kepts[i].offset;
            return str_copy(to, kepts[i].size, value)
                       ? 0
                       : err_set(err, BUSBAR_EINVAL, "%s is longer than %zu bytes", keyword,
                                 kepts[i].size - 1);
        }
    }
    for (size_t i = 0; i < sizeof(refuseds) / sizeof(*refuseds); i++) {
        if (str_equal(keyword, refuseds[i].keyword)) {
            (void)err_set(err, BUSBAR_EINVAL, "the address %s", refuseds[i].why);
            return err_hint(err, "%s", refuseds[i].hint);
        }
    }
    (void)err_set(err, BUSBAR_EINVAL, "the address has '%s', which busbar does not use", keyword);
    return err_hint(err, "host, port, dbname, sslmode and target_session_attrs are what it takes; "
                         "the rest has settings of its own");
}

/* The index-th of a list with commas, "" where the list has one entry for all. False: there is none. */
static bool list_entry_at(const char *list, size_t index, char *to, size_t size)
{
    const char *at = list;
    if (strchr(list, ',') == NULL && index > 0) {
        index = 0;
    }
    for (; index > 0; index--) {
        at = strchr(at, ',');
        if (at == NULL) {
            return false;
        }
        at++;
    }
    size_t length = strcspn(at, ",");
    if (length >= size) {
        return false;
    }
    memcpy(to, at, length);
    to[length] = '\0';
    return true;
}

static size_t list_count(const char *list)
{
    size_t count = 1;
    for (const char *at = strchr(list, ','); at != NULL; at = strchr(at + 1, ',')) {
        count++;
    }
    return count;
}

static int take_host(struct pg_host *host, size_t index, const char *names, const char *addresses,
                     const char *ports, struct err *err)
{
    char port[8] = "";
    uint64_t number = PG_PORT;
    if (addresses[0] != '\0' &&
        !list_entry_at(addresses, index, host->address, sizeof(host->address))) {
        return err_set(err, BUSBAR_EINVAL, "hostaddr and host are not as many");
    }
    if (!list_entry_at(names[0] != '\0' ? names : addresses, index, host->host,
                       sizeof(host->host)) ||
        host->host[0] == '\0') {
        (void)err_set(err, BUSBAR_EINVAL, "a host is empty or longer than a name may be");
        return err_hint(err, "write 'host=db.example.org dbname=plant'");
    }
    if (host->address[0] != '\0' && !address_is_ip(host->address)) {
        return err_set(err, BUSBAR_EINVAL, "hostaddr '%s' is no IP address", host->address);
    }
    if (!list_entry_at(ports, index, port, sizeof(port)) ||
        (port[0] != '\0' &&
         (str_parse_u64(port, &number) != 0 || number == 0 || number > UINT16_MAX))) {
        (void)err_set(err, BUSBAR_EINVAL, "port '%s' is no port", ports);
        return err_hint(err, "one number from 1 to 65535, or one for each host");
    }
    host->port = (uint16_t)number;
    return 0;
}

static int take_hosts(struct pg_target *target, const char *names, const char *addresses,
                      const char *ports, struct err *err)
{
    const char *list = names[0] != '\0' ? names : addresses;
    if (list[0] == '\0') {
        (void)err_set(err, BUSBAR_EINVAL, "the address names no host");
        return err_hint(err, "write 'host=db.example.org dbname=plant' or "
                             "'postgresql://db.example.org/plant'");
    }
    target->host_count = list_count(list);
    if (target->host_count > PG_HOSTS_MAX) {
        return err_set(err, BUSBAR_EINVAL, "the address names %zu hosts, at most %d may be",
                       target->host_count, PG_HOSTS_MAX);
    }
    for (size_t i = 0; i < target->host_count; i++) {
        int error = take_host(&target->hosts[i], i, names, addresses, ports, err);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static int take_options(const PQconninfoOption *options, struct pg_target *target, struct err *err)
{
    const char *names = "", *addresses = "", *ports = "";
    for (const PQconninfoOption *at = options; at->keyword != NULL; at++) {
        if (at->val == NULL || at->val[0] == '\0') {
            continue;
        }
        if (str_equal(at->keyword, "host")) {
            names = at->val;
        } else if (str_equal(at->keyword, "hostaddr")) {
            addresses = at->val;
        } else if (str_equal(at->keyword, "port")) {
            ports = at->val;
        } else {
            int error = keep(target, at->keyword, at->val, err);
            if (error != 0) {
                return error;
            }
        }
    }
    return take_hosts(target, names, addresses, ports, err);
}

/* libpq's words may quote the whole text, with a password: of a URL nothing is repeated. */
static int not_understood(const char *text, char *said, struct err *err)
{
    bool url = str_starts(text, "postgresql://") || str_starts(text, "postgres://");
    if (said != NULL && !url) {
        (void)err_set(err, BUSBAR_EINVAL, "the address is not understood: %s", str_trim(said));
    } else {
        (void)err_set(err, BUSBAR_EINVAL, "the address is not understood");
    }
    PQfreemem(said);
    return err_hint(err, "write 'host=db.example.org dbname=plant' or "
                         "'postgresql://db.example.org/plant'");
}

/* A setting wins over nothing; said twice, differently, is a mistake. */
static int settle(char *to, size_t size, const char *value, const char *what, struct err *err)
{
    if (value == NULL || value[0] == '\0') {
        return 0;
    }
    if (to[0] != '\0' && !str_equal(to, value)) {
        (void)err_set(err, BUSBAR_EINVAL, "%s is said twice: in the address and as '%s:'", what,
                      what);
        return err_hint(err, "leave it out of the address");
    }
    return str_copy(to, size, value)
               ? 0
               : err_set(err, BUSBAR_EINVAL, "%s is longer than %zu bytes", what, size - 1);
}

/* The name of a file as it is found from anywhere; "" stays. */
static bool join(char name[PG_TEXT_MAX], const struct pg_login *login)
{
    char path[PG_TEXT_MAX];
    if (name[0] == '\0' || login->files == NULL) {
        return true;
    }
    return file_join(path, sizeof(path), login->files, name) && str_copy(name, PG_TEXT_MAX, path);
}

static int settle_all(const struct pg_login *login, struct pg_target *target, struct err *err)
{
    int error = settle(target->user, sizeof(target->user), login->user, "user", err);
    if (error == 0) {
        error = settle(target->sslmode, sizeof(target->sslmode), login->sslmode, "sslmode", err);
    }
    if (error == 0) {
        error = settle(target->ca, sizeof(target->ca), login->ca, "ca", err);
    }
    if (error == 0) {
        error = settle(target->certificate, sizeof(target->certificate), login->certificate,
                       "certificate", err);
    }
    if (error == 0) {
        error = settle(target->key, sizeof(target->key), login->key, "key", err);
    }
    if (error == 0 && login->password != NULL &&
        !str_copy(target->password, sizeof(target->password), login->password)) {
        error = err_set(err, BUSBAR_EINVAL, "the password is longer than %d bytes",
                        PG_PASSWORD_MAX - 1);
    }
    if (error == 0 && (!join(target->ca, login) || !join(target->certificate, login) ||
                       !join(target->key, login))) {
        error = err_set(err, BUSBAR_EINVAL, "the name of a file is longer than %d bytes",
                        PG_TEXT_MAX - 1);
    }
    bool named = login->site != NULL && login->site[0] != '\0';
    str_format(target->application, sizeof(target->application), "busbar%s%s", named ? " " : "",
               named ? login->site : "");
    return error;
}

static int check_words(const struct pg_target *target, struct err *err)
{
    if (target->sslmode[0] != '\0' &&
        !is_one_of(target->sslmode, sslmodes, sizeof(sslmodes) / sizeof(*sslmodes))) {
        (void)err_set(err, BUSBAR_EINVAL, "sslmode '%s' is not known", target->sslmode);
        return err_hint(err, "verify-full (the default), verify-ca, require, prefer or disable");
    }
    if (target->session[0] != '\0' &&
        !is_one_of(target->session, sessions, sizeof(sessions) / sizeof(*sessions))) {
        (void)err_set(err, BUSBAR_EINVAL, "target_session_attrs '%s' cannot be used",
                      target->session);
        return err_hint(err, "read-write is what a sink needs, and the default of several hosts");
    }
    return 0;
}

static int check(const struct pg_target *target, struct err *err)
{
    bool local = true;
    for (size_t i = 0; i < target->host_count; i++) {
        local = local && pg_host_is_local(&target->hosts[i]);
    }
    if (target->database[0] == '\0') {
        (void)err_set(err, BUSBAR_EINVAL, "the address names no database");
        return err_hint(err, "add dbname=NAME (or /NAME at the end of a URL)");
    }
    if (target->user[0] == '\0' && !local) {
        (void)err_set(err, BUSBAR_EINVAL, "no user is set");
        return err_hint(err, "add 'user: busbar'");
    }
    if ((target->certificate[0] == '\0') != (target->key[0] == '\0')) {
        (void)err_set(err, BUSBAR_EINVAL, "%s is set without %s",
                      target->key[0] == '\0' ? "certificate" : "key",
                      target->key[0] == '\0' ? "key" : "certificate");
        return err_hint(err, "a client's certificate needs both");
    }
    return check_words(target, err);
}

int pg_target_parse(const struct pg_login *login, struct pg_target *target, struct err *err)
{
    *target = (struct pg_target){ 0 };
    const char *text = login->target != NULL ? login->target : "";
    char *said = NULL;
    PQconninfoOption *options = PQconninfoParse(text, &said);
    if (options == NULL) {
        return not_understood(text, said, err);
    }
    int error = take_options(options, target, err);
    PQconninfoFree(options);
    if (error == 0) {
        error = settle_all(login, target, err);
    }
    return error == 0 ? check(target, err) : error;
}

int pg_login_check(const struct pg_login *login, struct err *err)
{
    struct pg_target target;
    return pg_target_parse(login, &target, err);
}

void pg_login_where(const struct pg_login *login, char *text, size_t size)
{
    struct pg_target target;
    struct err err;
    size_t used = 0;
    (void)str_copy(text, size, "");
    if (pg_target_parse(login, &target, &err) != 0 && target.host_count == 0) {
        (void)str_copy(text, size, "?");
        return;
    }
    for (size_t i = 0; i < target.host_count && i < PG_HOSTS_MAX; i++) {
        const struct pg_host *host = &target.hosts[i];
        bool v6 = strchr(host->host, ':') != NULL;
        used += str_format(text + used, size - used, "%s%s%s%s:%u", i > 0 ? "," : "", v6 ? "[" : "",
                           host->host, v6 ? "]" : "", (unsigned)host->port);
    }
    (void)str_format(text + used, size - used, "/%s", target.database);
}

/* ---- what libpq is told ---- */

bool pg_host_is_local(const struct pg_host *host)
{
    return host->host[0] == '/' || host->host[0] == '@';
}

const char *pg_target_sslmode(const struct pg_target *target, const struct pg_host *host)
{
    if (target->sslmode[0] != '\0') {
        return target->sslmode;
    }
    return pg_host_is_local(host) || address_is_loopback(host->host) ? "prefer" : "verify-full";
}

const char *pg_system_authorities(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, Red Hat */
        "/etc/ssl/ca-bundle.pem",             /* SUSE */
        "/etc/ssl/cert.pem",                  /* BSD, macOS */
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (access(places[i], R_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text[0] != '\0' ? text : otherwise;
}

static const char *authorities(const struct pg_target *target, const char *sslmode)
{
    if (target->ca[0] != '\0') {
        return target->ca;
    }
    const char *system = str_starts(sslmode, "verify-") ? pg_system_authorities() : NULL;
    return system != NULL ? system : NO_FILE;
}

void pg_params_make(struct pg_params *params, const struct pg_target *target,
                    const struct pg_host *host, const char *address)
{
    const char *sslmode = pg_target_sslmode(target, host);
    const char *session = target->host_count > 1 ? "read-write" : "any";
    (void)str_format(params->port, sizeof(params->port), "%u", (unsigned)host->port);
    const struct {
        const char *keyword, *value;
    } rows[] = {
        { "host", host->host },
        { "hostaddr", address },
        { "port", params->port },
        { "dbname", target->database },
        { "user", target->user },
        { "password", target->password },
        { "passfile", NO_FILE },
        { "channel_binding", or_else(target->channel_binding, "prefer") },
        { "client_encoding", "UTF8" },
        { "options", target->options },
        { "application_name", target->application },
        { "keepalives", "1" },
        { "keepalives_idle", "10" },
        { "keepalives_interval", "5" },
        { "keepalives_count", "4" },
        { "tcp_user_timeout", "30000" },
        { "sslmode", sslmode },
        { "sslrootcert", authorities(target, sslmode) },
        { "sslcert", or_else(target->certificate, NO_FILE) },
        { "sslkey", or_else(target->key, NO_FILE) },
        { "sslpassword", "-" }, /* else a key with a passphrase asks at the terminal, and waits */
        { "sslcrl", NO_FILE },
        { "sslsni", "1" },
        { "ssl_min_protocol_version", or_else(target->tls_min, "TLSv1.2") },
        { "gssencmode", "disable" },
        { "target_session_attrs", or_else(target->session, session) },
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (rows[i].value != NULL && rows[i].value[0] != '\0') {
            params->keywords[count] = rows[i].keyword;
            params->values[count++] = rows[i].value;
        }
    }
    params->keywords[count] = NULL;
    params->values[count] = NULL;
}

static void forget(const char *variable)
{
    if (variable != NULL && getenv(variable) != NULL) {
        busbar_log(LOG_LEVEL_WARN, "postgres", NULL,
                   "%s of the environment is not used: the configuration alone counts", variable);
        (void)unsetenv(variable);
    }
}

void pg_login_forget_environment(void)
{
    static const char *const others[] = { "PGDATESTYLE",  "PGTZ",          "PGGEQO",
                                          "PGSYSCONFDIR", "PGSERVICEFILE", "PGREQUIRESSL" };
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        forget(others[i]);
    }
    PQconninfoOption *options = PQconninfoParse("", NULL);
    for (const PQconninfoOption *at = options; at != NULL && at->keyword != NULL; at++) {
        forget(at->envvar);
    }
    PQconninfoFree(options);
}
