/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_logins.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/str.h"
#include "net/lane.h"

enum { KEY_MAX = 2048, LINE_MAX_JOBS = 1 << 20 };

enum entry_state { ENTRY_MAKING, ENTRY_READY, ENTRY_BROKEN };

/* One login, found by all that it is made of. */
struct snmp_login_entry {
    struct snmp_logins *logins;
    char *key;
    struct snmp_login *login; /* ENTRY_READY */
    struct err err;           /* ENTRY_BROKEN */
    enum entry_state state;
    struct list users; /* struct snmp_login_use */
    size_t holders;    /* users, and the part it is of */
    struct making *making;
};

/* A user's keys being made: copies, as it runs in a job. */
struct making {
    struct snmp_login_entry *entry; /* NULL: nobody wants it any more */
    char *name, *auth, *priv;       /* texts: the user and the two passphrases; NULL: none */
    enum usm_auth auth_type;
    enum usm_priv priv_type;
    struct snmp_login login; /* context and name */
    struct usm_user *user;
    int error;
    struct err err;
};

struct part {
    const char *name; /* the setup's */
    int64_t order;
    struct snmp_login_use use;
};

struct snmp_logins {
    struct driver *drv;
    struct map entries; /* by key */
    struct lane *lane;
    struct part *parts;
    size_t count;
    struct list waits;
};

/* ---- entries ---- */

static void entry_drop(struct snmp_login_entry *entry)
{
    if (--entry->holders > 0) {
        return;
    }
    if (entry->making != NULL) {
        entry->making->entry = NULL;
    }
    (void)map_remove(&entry->logins->entries, entry->key);
    snmp_login_drop(entry->login);
    busbar_free(entry->key);
    busbar_free(entry);
}

/* Tells all that wait; any of them may go away meanwhile. */
static void entry_settled(struct snmp_login_entry *entry)
{
    struct list all;
    struct list *at;
    list_init(&all);
    list_move_all(&all, &entry->users);
    entry->holders++;
    while ((at = list_shift(&all)) != NULL) {
        struct snmp_login_use *use = list_entry(at, struct snmp_login_use, link);
        list_append(&entry->users, at);
        if (use->ready != NULL) {
            use->ready(use->ctx);
        }
    }
    entry_drop(entry);
}

static void entry_break(struct snmp_login_entry *entry, const char *hint, const char *secret,
                        const char *what)
{
    (void)err_set(&entry->err, BUSBAR_ECONFIG, "%s is not there: the secret '%s' is not set", what,
                  secret);
    (void)err_hint(&entry->err, hint, secret);
    entry->state = ENTRY_BROKEN;
}

/* ---- keys, in a job ---- */

static void wipe(char *text)
{
    if (text != NULL) {
        OPENSSL_cleanse(text, strlen(text));
        busbar_free(text);
    }
}

static void make_keys(void *ctx)
{
    struct making *making = ctx;
    making->error = usm_user_make(making->name, making->auth_type, making->auth, making->priv_type,
                                  making->priv, &making->user, &making->err);
}

static void keys_made(void *ctx, int error)
{
    struct making *making = ctx;
    struct snmp_login_entry *entry = making->entry;
    if (entry != NULL && error == 0) {
        struct snmp_logins *logins = entry->logins;
        entry->making = NULL;
        if (making->error == 0) {
            making->login.user = making->user;
            entry->login = snmp_login_new(&making->login);
            entry->state = ENTRY_READY;
        } else {
            entry->err = making->err;
            entry->state = ENTRY_BROKEN;
        }
        entry_settled(entry);
        while (!snmp_logins_busy(logins) && !list_empty(&logins->waits)) {
            struct list *first = list_shift(&logins->waits);
            struct snmp_logins_wait *wait = list_entry(first, struct snmp_logins_wait, link);
            wait->ready(wait->ctx);
        }
    }
    usm_user_drop(making->user);
    wipe(making->name);
    wipe(making->auth);
    wipe(making->priv);
    busbar_free((void *)(uintptr_t)making->login.context);
    busbar_free((void *)(uintptr_t)making->login.name);
    busbar_free(making);
}

static void start_making(struct snmp_login_entry *entry, const struct snmp_identity *identity,
                         const char *part, const char *auth, const char *priv)
{
    struct making *making = busbar_alloc(sizeof(*making));
    *making = (struct making){
        .entry = entry,
        .name = busbar_strdup(identity->user),
        .auth = auth != NULL ? busbar_strdup(auth) : NULL,
        .priv = priv != NULL ? busbar_strdup(priv) : NULL,
        .auth_type = identity->auth_type,
        .priv_type = identity->priv_type,
        .login = { .version = SNMP_V3,
                   .context = busbar_strdup(identity->context != NULL ? identity->context : ""),
                   .name = busbar_strdup(part) },
    };
    entry->state = ENTRY_MAKING;
    entry->making = making;
    if (auth == NULL) { /* nothing to be hashed */
        make_keys(making);
        keys_made(making, 0);
    } else if (lane_submit(entry->logins->lane, make_keys, keys_made, making) != 0) {
        entry->making = NULL;
        making->entry = NULL;
        keys_made(making, BUSBAR_EBUSY);
        (void)err_set(&entry->err, BUSBAR_ELIMIT, "too many SNMP users at once");
        entry->state = ENTRY_BROKEN;
    }
}

/* ---- making one ---- */

/* What a named secret is; false: it is not set, and the entry says so. */
static bool secret_of(struct snmp_login_entry *entry, const char *name, const char *what,
                      const char **out)
{
    *out = name != NULL ? driver_secret(entry->logins->drv, name) : NULL;
    if (name != NULL && *out == NULL) {
        entry_break(entry, "set it with 'busbar secret set %s'", name, what);
        return false;
    }
    return true;
}

static void entry_make(struct snmp_login_entry *entry, const struct snmp_identity *identity,
                       const char *part)
{
    const char *auth;
    const char *priv;
    struct snmp_login login = { .version = identity->version, .name = part };
    if (identity->version != SNMP_V3) {
        if (!secret_of(entry, identity->community, "the community", &login.community)) {
            return;
        }
        login.community = login.community != NULL ? login.community : "public";
        if (strlen(login.community) > SNMP_COMMUNITY_MAX) {
            (void)err_set(&entry->err, BUSBAR_ECONFIG, "the community is longer than %d characters",
                          (int)SNMP_COMMUNITY_MAX);
            entry->state = ENTRY_BROKEN;
            return;
        }
        entry->login = snmp_login_new(&login);
        entry->state = ENTRY_READY;
        return;
    }
    if (secret_of(entry, identity->auth, "the user's password", &auth) &&
        secret_of(entry, identity->priv, "the user's password for encryption", &priv)) {
        start_making(entry, identity, part, auth, priv);
    }
}

static void key_secret(struct snmp_logins *logins, const char *name, struct buf *out)
{
    const char *value = name != NULL ? driver_secret(logins->drv, name) : NULL;
    (void)buf_printf(out, "%s\x1f%016llx\x1f", name != NULL ? name : "",
                     value != NULL ? (unsigned long long)hash_keyed(value, strlen(value)) : 0ull);
}

/* Texts of two logins are the same only when all of both is: a secret with its value, which may change. */
static void entry_key(struct snmp_logins *logins, const struct snmp_identity *identity,
                      const char *part, struct buf *out)
{
    (void)buf_printf(out, "%s\x1f%d\x1f%d\x1f%d\x1f%s\x1f%s\x1f", part, (int)identity->version,
                     (int)identity->auth_type, (int)identity->priv_type,
                     identity->user != NULL ? identity->user : "",
                     identity->context != NULL ? identity->context : "");
    key_secret(logins, identity->community, out);
    key_secret(logins, identity->auth, out);
    key_secret(logins, identity->priv, out);
}

/* ---- using one ---- */

void snmp_login_use(struct snmp_logins *logins, const struct snmp_identity *identity,
                    const char *part, struct snmp_login_use *use)
{
    struct buf key;
    buf_init(&key, KEY_MAX);
    entry_key(logins, identity, part, &key);
    struct snmp_login_entry *entry = map_get(&logins->entries, buf_text(&key));
    bool made = entry == NULL;
    if (made) {
        entry = busbar_alloc(sizeof(*entry));
        entry->logins = logins;
        entry->key = busbar_strdup(buf_text(&key));
        list_init(&entry->users);
        (void)map_set(&logins->entries, entry->key, entry);
    }
    entry->holders++;
    if (made) {
        entry_make(entry, identity, part); /* nobody is told of what is ready at once */
    }
    use->entry = entry;
    list_append(&entry->users, &use->link);
    buf_fini(&key);
}

void snmp_login_unuse(struct snmp_login_use *use)
{
    if (use->entry != NULL) {
        list_remove(&use->link);
        entry_drop(use->entry);
        use->entry = NULL;
    }
}

const struct snmp_login *snmp_login_used(const struct snmp_login_use *use)
{
    return use->entry != NULL ? use->entry->login : NULL;
}

const struct err *snmp_login_use_broken(const struct snmp_login_use *use)
{
    return use->entry != NULL && use->entry->state == ENTRY_BROKEN ? &use->entry->err : NULL;
}

/* ---- `credentials:` ---- */

static int by_order(const void *left, const void *right)
{
    const struct part *a = left;
    const struct part *b = right;
    return a->order != b->order ? (a->order < b->order ? -1 : 1) : strcmp(a->name, b->name);
}

static void forget_parts(struct snmp_logins *logins)
{
    for (size_t i = 0; i < logins->count; i++) {
        snmp_login_unuse(&logins->parts[i].use);
    }
    busbar_free(logins->parts);
    logins->parts = NULL;
    logins->count = 0;
}

void snmp_logins_setup(struct snmp_logins *logins, const struct setup *setup)
{
    struct part *before = logins->parts;
    size_t before_count = logins->count;
    struct part *parts = busbar_alloc_array(setup->part_count, sizeof(*parts));
    size_t count = 0;
    for (size_t i = 0; i < setup->part_count; i++) {
        if (snmp_config_part(&setup->parts[i], &(struct snmp_identity){ 0 }, NULL) == 0) {
            parts[count].name = setup->parts[i].name;
            parts[count++].order = snmp_config_order(&setup->parts[i]);
        }
    }
    if (count > 0) {
        qsort(parts, count, sizeof(*parts), by_order);
    }
    for (size_t i = 0; i < count; i++) {
        struct snmp_identity identity;
        (void)snmp_config_part(setup_part(setup, parts[i].name), &identity, NULL);
        snmp_login_use(logins, &identity, parts[i].name, &parts[i].use);
    }
    logins->parts = before; /* what did not change was used again above */
    logins->count = before_count;
    forget_parts(logins);
    logins->parts = parts;
    logins->count = count;
}

size_t snmp_logins_count(const struct snmp_logins *logins)
{
    return logins->count;
}

const char *snmp_logins_name(const struct snmp_logins *logins, size_t index)
{
    return logins->parts[index].name;
}

const struct snmp_login *snmp_logins_at(const struct snmp_logins *logins, size_t index)
{
    return snmp_login_used(&logins->parts[index].use);
}

const struct err *snmp_logins_broken(const struct snmp_logins *logins, size_t index)
{
    return snmp_login_use_broken(&logins->parts[index].use);
}

const struct snmp_login *snmp_logins_find(const struct snmp_logins *logins, const char *name)
{
    for (size_t i = 0; i < logins->count; i++) {
        if (strcmp(logins->parts[i].name, name) == 0) {
            return snmp_logins_at(logins, i);
        }
    }
    return NULL;
}

/* ---- waiting for all of them ---- */

bool snmp_logins_busy(const struct snmp_logins *logins)
{
    for (size_t i = 0; i < logins->count; i++) {
        if (logins->parts[i].use.entry->state == ENTRY_MAKING) {
            return true;
        }
    }
    return false;
}

void snmp_logins_wait(struct snmp_logins *logins, struct snmp_logins_wait *wait,
                      void (*ready)(void *ctx), void *ctx)
{
    wait->ready = ready;
    wait->ctx = ctx;
    list_append(&logins->waits, &wait->link);
}

void snmp_logins_unwait(struct snmp_logins_wait *wait)
{
    list_remove(&wait->link);
}

/* ---- life ---- */

struct snmp_logins *snmp_logins_new(struct driver *drv)
{
    struct snmp_logins *logins = busbar_alloc(sizeof(*logins));
    logins->drv = drv;
    logins->lane = lane_new(driver_loop(drv), SNMP_LOGIN_JOBS_MAX, LINE_MAX_JOBS);
    map_init(&logins->entries);
    list_init(&logins->waits);
    return logins;
}

void snmp_logins_free(struct snmp_logins *logins)
{
    if (logins != NULL) {
        forget_parts(logins);
        lane_free(logins->lane);
        map_fini(&logins->entries);
        busbar_free(logins);
    }
}
