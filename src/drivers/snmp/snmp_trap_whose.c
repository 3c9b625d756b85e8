/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a trap is: the first that names exactly one device.
 *
 *   1  the address that it says it is of (snmpTrapAddress, agent-addr), where the sender is named in `allow`: a forwarder
 *   2  the address that it came from: of a device, or one of its `trap_addresses`
 *   3  where several devices are at that address: the port it came from, its community or its user
 *   4  the engine id (v3 with a password)
 *   5  the community (v1, v2c)
 *
 * Each is one look into a table, however many devices there are. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "drivers/snmp/snmp_traps_private.h"

enum { PLACE_SIZE = 1 + 16 + 2, NAME_MAX = 255, CALLER_SIZE = 1 + 16 + 1 + NAME_MAX };

/* ---- groups ---- */

static struct snmp_trap_device *only(const struct list *members)
{
    bool one = !list_empty(members) && members->next->next == members;
    return one ? list_entry(members->next, struct snmp_trap_member, link)->of : NULL;
}

void snmp_trap_group_join(struct map64 *groups, const void *key, size_t size,
                          struct snmp_trap_member *member)
{
    uint64_t hash = hash_keyed(key, size);
    struct snmp_trap_group *group = map64_get(groups, hash);
    if (group == NULL) {
        group = busbar_alloc(sizeof(*group) + size);
        list_init(&group->members);
        group->hash = hash;
        group->size = size;
        memcpy(group->key, key, size);
        (void)map64_set(groups, hash, group);
    }
    list_append(&group->members, &member->link);
    member->group = group;
}

void snmp_trap_group_leave(struct map64 *groups, struct snmp_trap_member *member)
{
    struct snmp_trap_group *group = member->group;
    if (group == NULL) {
        return;
    }
    list_remove(&member->link);
    member->group = NULL;
    if (list_empty(&group->members)) {
        (void)map64_remove(groups, group->hash);
        busbar_free(group);
    }
}

struct snmp_trap_group *snmp_trap_group_of(const struct map64 *groups, struct bytes key)
{
    size_t size = bytes_left(&key);
    struct snmp_trap_group *group = map64_get(groups, hash_keyed(key.at, size));
    bool same = group != NULL && group->size == size && memcmp(group->key, key.at, size) == 0;
    return same ? group : NULL;
}

static struct snmp_trap_device *only_of(const struct map64 *groups, const void *key, size_t size)
{
    const struct snmp_trap_group *group = snmp_trap_group_of(groups, bytes_of(key, size));
    return group != NULL ? only(&group->members) : NULL;
}

static void place_key(const struct endpoint *at, uint8_t key[PLACE_SIZE])
{
    memset(key, 0, PLACE_SIZE);
    key[0] = at->family;
    memcpy(key + 1, at->ip, at->family == 4 ? 4 : 16);
    memcpy(key + 17, &at->port, sizeof(at->port));
}

/* Who calls, as the address and the community or the user; returns its size. */
static size_t caller_key(const struct endpoint *at, bool v3, struct bytes name,
                         uint8_t key[CALLER_SIZE])
{
    size_t size = bytes_left(&name) < NAME_MAX ? bytes_left(&name) : NAME_MAX;
    memset(key, 0, 1 + 16);
    key[0] = at->family;
    memcpy(key + 1, at->ip, at->family == 4 ? 4 : 16);
    key[17] = v3;
    memcpy(key + 18, name.at, size);
    return 18 + size;
}

/* ---- devices in and out ---- */

void snmp_trap_place(struct snmp_traps *traps, struct snmp_trap_device *device)
{
    const struct endpoint *at = &device->device->address;
    const struct snmp_login *login = device->device->login;
    uint8_t key[CALLER_SIZE];
    snmp_trap_source_leave(traps, &device->addresses[0]);
    snmp_trap_group_leave(&traps->places, &device->place);
    snmp_trap_group_leave(&traps->callers, &device->caller);
    snmp_trap_group_leave(&traps->communities, &device->community);
    if (at->family != 0) {
        place_key(at, key);
        snmp_trap_source_join(traps, at, &device->addresses[0]);
        snmp_trap_group_join(&traps->places, key, PLACE_SIZE, &device->place);
    }
    if (login == NULL) {
        return;
    }
    bool v3 = login->version == SNMP_V3;
    const char *name = v3 ? usm_user_name(login->user) : login->community;
    if (!v3) {
        snmp_trap_group_join(&traps->communities, name, strlen(name), &device->community);
    }
    if (at->family != 0) {
        size_t size = caller_key(at, v3, bytes_of(name, strlen(name)), key);
        snmp_trap_group_join(&traps->callers, key, size, &device->caller);
    }
}

void snmp_trap_unplace(struct snmp_traps *traps, struct snmp_trap_device *device)
{
    for (size_t i = 0; i < device->address_count; i++) {
        snmp_trap_source_leave(traps, &device->addresses[i]);
    }
    snmp_trap_group_leave(&traps->places, &device->place);
    snmp_trap_group_leave(&traps->engines, &device->engine);
    snmp_trap_group_leave(&traps->communities, &device->community);
    snmp_trap_group_leave(&traps->callers, &device->caller);
}

/* ---- looking ---- */

const struct snmp_trap_group *snmp_trap_callers(const struct snmp_traps *traps,
                                                const struct snmp_trap_notice *notice)
{
    uint8_t key[CALLER_SIZE];
    bool v3 = notice->version == SNMP_V3;
    const char *user = v3 && notice->user != NULL ? usm_user_name(notice->user) : "";
    struct bytes name = v3 ? bytes_of(user, strlen(user)) : notice->message->community;
    size_t size = caller_key(notice->from, v3, name, key);
    return snmp_trap_group_of(&traps->callers, bytes_of(key, size));
}

struct snmp_trap_device *snmp_trap_of_engine(const struct snmp_traps *traps, struct bytes engine)
{
    return only_of(&traps->engines, engine.at, bytes_left(&engine));
}

struct snmp_trap_device *snmp_trap_at(const struct snmp_traps *traps, const struct endpoint *at)
{
    uint8_t key[PLACE_SIZE];
    place_key(at, key);
    return only_of(&traps->places, key, sizeof(key));
}

static struct snmp_trap_device *of_forwarder(const struct snmp_traps *traps,
                                             const struct snmp_trap_notice *notice)
{
    if (!notice->named || notice->agent.family == 0) {
        return NULL;
    }
    const struct snmp_trap_source *said = snmp_trap_source_find(traps, &notice->agent);
    return said != NULL ? only(&said->devices) : NULL;
}

struct snmp_trap_device *snmp_trap_whose(struct snmp_traps *traps,
                                         const struct snmp_trap_notice *notice)
{
    struct snmp_trap_device *device = of_forwarder(traps, notice);
    device = device != NULL ? device : only(&notice->source->devices);
    device = device != NULL ? device : snmp_trap_at(traps, notice->from);
    if (device == NULL) {
        const struct snmp_trap_group *callers = snmp_trap_callers(traps, notice);
        device = callers != NULL ? only(&callers->members) : NULL;
    }
    if (device == NULL && (notice->level & SNMP_AUTH) != 0) {
        device = snmp_trap_of_engine(traps, notice->engine);
    }
    if (device == NULL && notice->version != SNMP_V3) {
        struct bytes community = notice->message->community;
        device = only_of(&traps->communities, community.at, bytes_left(&community));
    }
    return device;
}
