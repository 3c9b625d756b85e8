/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a trap is: the first that names exactly one device.
 *
 *   1  the address that it says it is of (snmpTrapAddress, agent-addr), where the sender is named in `allow`: a forwarder
 *   2  the address that it came from: of a device, or one of its `trap_addresses`
 *   3  where several devices are at that address: the port it came from
 *   4  the engine id (v3 with a password)
 *   5  the community (v1, v2c)
 *
 * Each is one look into a table, however many devices there are. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "drivers/snmp/snmp_traps_private.h"

enum { PLACE_SIZE = 1 + 16 + 2 };

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

/* ---- devices in and out ---- */

void snmp_trap_place(struct snmp_traps *traps, struct snmp_trap_device *device)
{
    const struct endpoint *at = &device->device->address;
    uint8_t key[PLACE_SIZE];
    snmp_trap_source_leave(traps, &device->addresses[0]);
    snmp_trap_group_leave(&traps->places, &device->place);
    if (at->family != 0) {
        place_key(at, key);
        snmp_trap_source_join(traps, at, &device->addresses[0]);
        snmp_trap_group_join(&traps->places, key, sizeof(key), &device->place);
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
}

/* ---- looking ---- */

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
    if (!notice->source->named || notice->agent.family == 0) {
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
    if (device == NULL && (notice->level & SNMP_AUTH) != 0) {
        device = snmp_trap_of_engine(traps, notice->engine);
    }
    if (device == NULL && notice->version != SNMP_V3) {
        struct bytes community = notice->message->community;
        device = only_of(&traps->communities, community.at, bytes_left(&community));
    }
    return device;
}
