/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_trap_users.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"

struct snmp_trap_keys {
    struct list link; /* users->used */
    uint64_t hash;
    struct usm_user *user; /* held */
    struct usm_keys keys;
    struct usm_engine engine; /* its id, and its clock where it is not ours */
    int64_t good_us;          /* of the last message that was in its time */
};

static struct snmp_trap_keys *keys_of(struct list *at)
{
    return list_entry(at, struct snmp_trap_keys, link);
}

static void forget(struct snmp_trap_users *users, struct snmp_trap_keys *entry)
{
    (void)map64_remove(&users->keys, entry->hash);
    list_remove(&entry->link);
    usm_user_drop(entry->user);
    usm_keys_wipe(&entry->keys);
    busbar_free(entry);
}

void snmp_trap_users_init(struct snmp_trap_users *users)
{
    map64_init(&users->keys);
    list_init(&users->used);
}

void snmp_trap_users_fini(struct snmp_trap_users *users)
{
    list_each_safe(at, &users->used) {
        forget(users, keys_of(at));
    }
    map64_fini(&users->keys);
}

/* ---- one message ---- */

static uint64_t hash_of(const struct usm_parameters *parameters)
{
    uint8_t both[USM_ENGINE_MAX + USM_NAME_MAX + 1];
    size_t engine = bytes_left(&parameters->engine), name = bytes_left(&parameters->user);
    both[0] = (uint8_t)engine;
    memcpy(both + 1, parameters->engine.at, engine);
    memcpy(both + 1 + engine, parameters->user.at, name);
    return hash_keyed(both, 1 + engine + name);
}

static bool is_of(const struct snmp_trap_keys *entry, const struct usm_parameters *parameters)
{
    const char *name = usm_user_name(entry->user);
    return entry->engine.size == bytes_left(&parameters->engine) &&
           memcmp(entry->engine.id, parameters->engine.at, entry->engine.size) == 0 &&
           strlen(name) == bytes_left(&parameters->user) &&
           memcmp(name, parameters->user.at, strlen(name)) == 0;
}

static enum usm_trouble open_with(const struct snmp_trap_try *attempt, struct snmp_trap_keys *entry,
                                  struct snmp_scoped *scoped)
{
    uint8_t level = usm_user_level(entry->user);
    struct usm_open how = { .level = level,
                            .keys = level & SNMP_AUTH ? &entry->keys : NULL,
                            .auth = usm_user_auth(entry->user),
                            .priv = usm_user_priv(entry->user),
                            .now_us = attempt->now_us,
                            .authoritative = attempt->own != NULL,
                            .room = attempt->room,
                            .room_size = attempt->room_size };
    struct usm_engine *engine = attempt->own != NULL ? attempt->own : &entry->engine;
    enum usm_trouble trouble = usm_open(attempt->message, attempt->parameters, engine, &how,
                                        scoped);
    entry->good_us = trouble == USM_FINE ? attempt->now_us : entry->good_us;
    return trouble;
}

static bool may_send(const struct snmp_trap_try *attempt, const struct usm_user *user)
{
    for (size_t i = 0; i < attempt->candidate_count; i++) {
        if (attempt->candidates[i] == user) {
            return true;
        }
    }
    return false;
}

static bool knows(const struct snmp_trap_try *attempt, const struct snmp_trap_keys *entry)
{
    const struct usm_engine *known = attempt->known;
    return known != NULL && known->timed && known->size == entry->engine.size &&
           memcmp(known->id, entry->engine.id, known->size) == 0;
}

/* A clock that went back: what the polls know is right; without them time heals it. */
static enum usm_trouble open_later(const struct snmp_trap_try *attempt,
                                   struct snmp_trap_keys *entry, struct snmp_scoped *scoped)
{
    if (attempt->own != NULL) {
        return USM_NOT_IN_WINDOW;
    }
    if (knows(attempt, entry)) {
        entry->engine = *attempt->known;
    } else if (attempt->now_us - entry->good_us > SNMP_TRAP_CLOCK_S * CLOCK_US_PER_S) {
        entry->engine.timed = false;
    } else {
        return USM_NOT_IN_WINDOW;
    }
    return open_with(attempt, entry, scoped);
}

static void keep(struct snmp_trap_users *users, const struct snmp_trap_keys *made)
{
    struct snmp_trap_keys *before = map64_get(&users->keys, made->hash);
    if (before != NULL) {
        forget(users, before);
    }
    while (users->keys.count >= SNMP_TRAP_KEYS_MAX) {
        forget(users, keys_of(users->used.next));
    }
    struct snmp_trap_keys *entry = busbar_alloc(sizeof(*entry));
    *entry = *made;
    list_init(&entry->link);
    usm_user_hold(entry->user);
    list_append(&users->used, &entry->link);
    (void)map64_set(&users->keys, entry->hash, entry);
}

/* The digest was good. */
static bool is_authentic(enum usm_trouble trouble)
{
    return trouble == USM_FINE || trouble == USM_NOT_IN_WINDOW;
}

/* Whoever invents engine ids could keep us busy with their keys. */
static bool may_cost(struct snmp_trap_users *users, int64_t now_us)
{
    int64_t from_us = users->costly_us > now_us ? users->costly_us : now_us;
    if (from_us - now_us >= (int64_t)SNMP_TRAP_COSTLY_BURST * SNMP_TRAP_COSTLY_US) {
        return false;
    }
    users->costly_us = from_us + SNMP_TRAP_COSTLY_US;
    return true;
}

/* With a user that has not sent from there before. */
static enum usm_trouble open_first(struct snmp_trap_users *users,
                                   const struct snmp_trap_try *attempt, uint64_t hash,
                                   struct usm_user *user, struct snmp_scoped *scoped)
{
    struct snmp_trap_keys made = { .hash = hash, .user = user, .good_us = attempt->now_us };
    const struct bytes *id = &attempt->parameters->engine;
    bool secure = (usm_user_level(user) & SNMP_AUTH) != 0;
    if (usm_user_priv(user) >= USM_AES192_CISCO) {
        if (!may_cost(users, attempt->now_us)) {
            return USM_UNKNOWN_ENGINE;
        }
    }
    made.engine.size = (uint8_t)bytes_left(id);
    memcpy(made.engine.id, id->at, made.engine.size);
    if (knows(attempt, &made)) {
        made.engine = *attempt->known;
    }
    if (secure && usm_keys_localise(user, made.engine.id, made.engine.size, &made.keys) != 0) {
        return USM_UNKNOWN_ENGINE;
    }
    enum usm_trouble trouble = open_with(attempt, &made, scoped);
    if (secure && is_authentic(trouble)) {
        keep(users, &made);
    }
    usm_keys_wipe(&made.keys);
    return trouble;
}

/* Another user of the same name may be meant. */
static bool is_other(enum usm_trouble trouble)
{
    return trouble == USM_WRONG_DIGEST || trouble == USM_UNSUPPORTED_LEVEL;
}

enum usm_trouble snmp_trap_users_open(struct snmp_trap_users *users,
                                      const struct snmp_trap_try *attempt,
                                      struct snmp_scoped *scoped, struct usm_user **user,
                                      const struct usm_keys **keys)
{
    const struct usm_parameters *parameters = attempt->parameters;
    size_t engine = bytes_left(&parameters->engine);
    if (engine < USM_ENGINE_MIN || engine > USM_ENGINE_MAX) {
        return USM_UNKNOWN_ENGINE;
    }
    if (bytes_left(&parameters->user) > USM_NAME_MAX) {
        return USM_UNKNOWN_USER;
    }
    uint64_t hash = hash_of(parameters);
    enum usm_trouble trouble = USM_UNKNOWN_USER;
    struct snmp_trap_keys *entry = map64_get(&users->keys, hash);
    entry = entry != NULL && is_of(entry, parameters) && may_send(attempt, entry->user) ? entry
                                                                                        : NULL;
    if (entry != NULL) {
        trouble = open_with(attempt, entry, scoped);
        trouble = trouble == USM_NOT_IN_WINDOW ? open_later(attempt, entry, scoped) : trouble;
    }
    struct usm_user *tried = entry != NULL ? entry->user : NULL;
    *user = tried;
    for (size_t i = 0;
         i < attempt->candidate_count && (trouble == USM_UNKNOWN_USER || is_other(trouble)); i++) {
        if (attempt->candidates[i] != tried) {
            *user = attempt->candidates[i];
            trouble = open_first(users, attempt, hash, *user, scoped);
        }
    }
    bool secure = is_authentic(trouble) && (usm_user_level(*user) & SNMP_AUTH) != 0;
    entry = secure ? map64_get(&users->keys, hash) : NULL;
    if (entry != NULL) {
        list_remove(&entry->link);
        list_append(&users->used, &entry->link);
    }
    *keys = entry != NULL ? &entry->keys : NULL;
    *user = is_authentic(trouble) ? *user : NULL;
    return trouble;
}
