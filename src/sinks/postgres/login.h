/* SPDX-License-Identifier: Apache-2.0 */
/* Where a link goes and how it logs in, taken apart once: hosts in the order in which they are tried, and what libpq is
 * told. Nothing comes from elsewhere: no PG* variable, no service file, no ~/.pgpass, no ~/.postgresql. Pure, but for
 * pg_login_forget_environment(). */
#ifndef BUSBAR_SINKS_POSTGRES_LOGIN_H
#define BUSBAR_SINKS_POSTGRES_LOGIN_H

#include "net/address.h"
#include "sinks/postgres/link.h"

enum {
    PG_HOSTS_MAX = 8,
    PG_TEXT_MAX = 256,
    PG_PASSWORD_MAX = 1024,
    PG_PORT = 5432,
    PG_KEYWORDS_MAX = 40,
};

struct pg_host {
    char host[ADDRESS_HOST_MAX];    /* a name, an address, or the folder of a Unix socket */
    char address[ADDRESS_HOST_MAX]; /* hostaddr=; "": looked up */
    uint16_t port;
};

struct pg_target {
    struct pg_host hosts[PG_HOSTS_MAX];
    size_t host_count;
    char database[PG_TEXT_MAX], user[PG_TEXT_MAX], password[PG_PASSWORD_MAX];
    char sslmode[16]; /* "": by the host */
    char ca[PG_TEXT_MAX], certificate[PG_TEXT_MAX], key[PG_TEXT_MAX];
    char session[32], options[PG_TEXT_MAX], tls_min[16], channel_binding[16];
    char application[64];
};

/* BUSBAR_EINVAL: what is wrong and what to write, in err. */
int pg_target_parse(const struct pg_login *login, struct pg_target *target, struct err *err);

bool pg_host_is_local(const struct pg_host *host); /* Unix socket */
const char *pg_target_sslmode(const struct pg_target *target, const struct pg_host *host);
/* The file with the authorities of the system; NULL: none of the usual places has one. */
const char *pg_system_authorities(void);

/* Keywords and values for PQconnectStartParams(); both end with NULL. Values point into the arguments.
 *   address  numeric, of a host that is no Unix socket */
struct pg_params {
    const char *keywords[PG_KEYWORDS_MAX], *values[PG_KEYWORDS_MAX];
    char port[8];
};
void pg_params_make(struct pg_params *params, const struct pg_target *target,
                    const struct pg_host *host, const char *address);

/* libpq reads the environment for what it is not told, and some of it cannot be told: so its variables are taken out of
 * the environment of this process, each with a warning. Loop thread. */
void pg_login_forget_environment(void);

#endif
