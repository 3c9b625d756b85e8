/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of devices have their places for good; those of strangers are in one block, made with the first of them, so
 * that a flood allocates nothing. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "drivers/snmp/snmp_traps_private.h"

enum { NS_PER_US = 1000 };
#define SILENT_US (INT64_C(60) * CLOCK_US_PER_S)

static struct snmp_trap_source *source_at(struct list *at)
{
    return list_entry(at, struct snmp_trap_source, link);
}

static bool is_stranger(const struct snmp_traps *traps, const struct snmp_trap_source *source)
{
    return traps->strangers != NULL && source >= traps->strangers &&
           source < traps->strangers + SNMP_TRAP_STRANGERS_MAX;
}

static uint64_t key_of(const struct endpoint *from)
{
    uint8_t both[1 + sizeof(from->ip)];
    size_t size = from->family == 4 ? 4 : 16;
    both[0] = from->family;
    memcpy(both + 1, from->ip, size);
    return hash_keyed(both, 1 + size);
}

static bool is_at(const struct snmp_trap_source *source, const struct endpoint *from)
{
    return source->from.family == from->family &&
           memcmp(source->from.ip, from->ip, from->family == 4 ? 4 : 16) == 0;
}

static void begin(struct snmp_traps *traps, struct snmp_trap_source *source,
                  const struct endpoint *from)
{
    *source = (struct snmp_trap_source){ .from = *from };
    source->from.port = 0;
    list_init(&source->devices);
    list_init(&source->link);
    source->named = from->family != 0 && allow_names(&traps->allow, from);
}

void snmp_trap_sources_init(struct snmp_traps *traps)
{
    map64_init(&traps->sources);
    list_init(&traps->free);
    list_init(&traps->untold);
    begin(traps, &traps->others, &(struct endpoint){ .family = 0 });
}

static void make_strangers(struct snmp_traps *traps)
{
    traps->strangers = busbar_alloc_array(SNMP_TRAP_STRANGERS_MAX, sizeof(*traps->strangers));
    for (size_t i = 0; i < SNMP_TRAP_STRANGERS_MAX; i++) {
        list_append(&traps->free, &traps->strangers[i].link);
    }
    map64_reserve(&traps->sources, traps->sources.count + SNMP_TRAP_STRANGERS_MAX);
}

struct snmp_trap_source *snmp_trap_source_of(struct snmp_traps *traps, const struct endpoint *from)
{
    uint64_t key = key_of(from);
    struct snmp_trap_source *source = map64_get(&traps->sources, key);
    if (source != NULL) {
        return is_at(source, from) ? source : &traps->others;
    }
    if (traps->strangers == NULL) {
        make_strangers(traps);
    }
    struct list *free = list_shift(&traps->free);
    if (free == NULL) {
        return &traps->others;
    }
    source = source_at(free);
    begin(traps, source, from);
    (void)map64_set(&traps->sources, key, source);
    return source;
}

static void drop(struct snmp_traps *traps, struct snmp_trap_source *source)
{
    (void)map64_remove(&traps->sources, key_of(&source->from));
    list_remove(&source->link);
    if (is_stranger(traps, source)) {
        list_append(&traps->free, &source->link);
    } else {
        busbar_free(source);
    }
}

struct snmp_trap_source *snmp_trap_source_find(const struct snmp_traps *traps,
                                               const struct endpoint *from)
{
    struct snmp_trap_source *source = map64_get(&traps->sources, key_of(from));
    return source != NULL && is_at(source, from) ? source : NULL;
}

void snmp_trap_source_join(struct snmp_traps *traps, const struct endpoint *address,
                           struct snmp_trap_member *member)
{
    uint64_t key = key_of(address);
    struct snmp_trap_source *source = map64_get(&traps->sources, key);
    if (source == NULL) {
        source = busbar_alloc(sizeof(*source));
        begin(traps, source, address);
        (void)map64_set(&traps->sources, key, source);
    }
    list_append(&source->devices, &member->link);
    member->group = source;
}

void snmp_trap_source_leave(struct snmp_traps *traps, struct snmp_trap_member *member)
{
    struct snmp_trap_source *source = member->group;
    if (source == NULL) {
        return;
    }
    list_remove(&member->link);
    member->group = NULL;
    if (list_empty(&source->devices) && !is_stranger(traps, source)) {
        drop(traps, source);
    }
}

/* The leaky bucket in one number: a datagram moves the time at which the next one is due by 1/rate; it may be ahead by
 * a burst. */
bool snmp_trap_source_admit(const struct snmp_traps *traps, struct snmp_trap_source *source,
                            int64_t now_us)
{
    int64_t now_ns = now_us * NS_PER_US;
    int64_t next_ns = source->next_ns > now_ns ? source->next_ns : now_ns;
    source->seen_us = now_us;
    if (next_ns - now_ns > (traps->burst - 1) * traps->interval_ns) {
        return false;
    }
    source->next_ns = next_ns + traps->interval_ns;
    return true;
}

void snmp_trap_refuse(struct snmp_traps *traps, struct snmp_trap_source *source,
                      enum snmp_trap_refusal why)
{
    traps->refused[why]++;
    if (why == SNMP_REFUSED_OFF) { /* as a person wants it */
        return;
    }
    source->refused[why]++;
    source->seen_us = loop_now_us(traps->state->loop);
    if (!source->untold) {
        source->untold = true;
        list_append(&traps->untold, &source->link);
    }
    if (!timer_running(&traps->tell)) {
        timer_start(&traps->tell, SNMP_TRAP_TOLD_MS, 0);
    }
}

void snmp_trap_sources_sweep(struct snmp_traps *traps, int64_t now_us, bool changed)
{
    for (size_t i = 0; traps->strangers != NULL && i < SNMP_TRAP_STRANGERS_MAX; i++) {
        struct snmp_trap_source *source = &traps->strangers[i];
        bool used = source->from.family != 0 &&
                    map64_get(&traps->sources, key_of(&source->from)) == source;
        if (used && !source->untold && list_empty(&source->devices) &&
            (changed || now_us - source->seen_us > SILENT_US)) {
            drop(traps, source);
        } else if (used && changed) {
            source->named = allow_names(&traps->allow, &source->from);
        }
    }
}

void snmp_trap_sources_fini(struct snmp_traps *traps)
{
    size_t at = 0;
    void *source;
    while (map64_next(&traps->sources, &at, NULL, &source)) {
        if (!is_stranger(traps, source)) {
            busbar_free(source);
        }
    }
    map64_fini(&traps->sources);
    busbar_free(traps->strangers);
    traps->strangers = NULL;
}
