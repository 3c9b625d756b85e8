/* SPDX-License-Identifier: Apache-2.0 */
#include "server/finds.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

enum { FIRST_NAMES = 64, NAME_MAX = FIND_PROTOCOL_MAX + HOST_FIND_TEXT_MAX + 2 };

struct find_name {
    uint32_t number;
    const char *protocol, *key;
};

void finds_init(struct finds *finds)
{
    *finds = (struct finds){ 0 };
    arena_init(&finds->arena, 0);
    map_init(&finds->numbers);
}

void finds_fini(struct finds *finds)
{
    map_fini(&finds->numbers);
    arena_fini(&finds->arena);
    busbar_free(finds->names);
}

uint32_t finds_number(struct finds *finds, const char *protocol, const char *key)
{
    char name[NAME_MAX];
    str_format(name, sizeof(name), "%s %s", protocol, key);
    struct find_name *entry = map_get(&finds->numbers, name);
    if (entry != NULL) {
        return entry->number;
    }
    entry = finds->count < FINDS_NUMBERED_MAX ? arena_alloc(&finds->arena, sizeof(*entry)) : NULL;
    const char *kept = entry != NULL ? arena_strdup(&finds->arena, name) : NULL;
    const char *kept_protocol = kept != NULL ? arena_strdup(&finds->arena, protocol) : NULL;
    if (kept_protocol == NULL) {
        return 0;
    }
    if (finds->count == finds->capacity) {
        finds->capacity = finds->capacity > 0 ? 2 * finds->capacity : FIRST_NAMES;
        finds->names = busbar_realloc(finds->names, finds->capacity * sizeof(*finds->names));
    }
    *entry = (struct find_name){ .number = (uint32_t)finds->count + 1,
                                 .protocol = kept_protocol,
                                 .key = kept + strlen(protocol) + 1 };
    finds->names[finds->count++] = entry;
    map_set(&finds->numbers, kept, entry);
    return entry->number;
}

bool finds_name(const struct finds *finds, uint64_t number, const char **protocol, const char **key)
{
    if (number == 0 || number > finds->count) {
        return false;
    }
    *protocol = finds->names[number - 1]->protocol;
    *key = finds->names[number - 1]->key;
    return true;
}

static void put_facts(struct json_writer *json, const struct driver_find *find)
{
    json_put_array(json, "facts");
    for (size_t i = 0; i < find->fact_count; i++) {
        json_begin_object(json);
        json_put_string(json, "name", find->facts[i].name);
        json_put_string(json, "text", find->facts[i].text);
        json_end_object(json);
    }
    json_end_array(json);
}

void finds_put(struct finds *finds, struct json_writer *json, const char *protocol,
               const struct host_find *found)
{
    const struct driver_find *find = &found->find;
    json_put_u64(json, "find", finds_number(finds, protocol, find->key));
    json_put_string(json, "protocol", protocol);
    json_put_string(json, "key", find->key);
    json_put_string(json, "id", find->id);
    json_put_string(json, "name", find->name);
    json_put_string(json, "vendor", find->vendor);
    json_put_string(json, "model", find->model);
    json_put_string(json, "description", find->description);
    json_put_string(json, "address", find->address);
    json_key(json, "objects");
    if (find->objects >= 0) {
        json_i64(json, find->objects);
    } else {
        json_null(json);
    }
    json_key(json, "answer_ms");
    if (find->answer_us > 0) {
        json_double(json, (double)(find->answer_us / 100) / 10);
    } else {
        json_null(json);
    }
    json_put_time(json, "first", found->first_us);
    json_put_time(json, "last", found->last_us);
    json_put_u64(json, "times", found->times);
    json_put_string(json, "state", found->device[0] != '\0' ? "known" : "new");
    json_put_string(json, "device", found->device);
    json_put_string(json, "trouble", find->trouble);
    put_facts(json, find);
    json_put_string(json, "settings", find->settings);
}
