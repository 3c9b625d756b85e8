/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_added.h"

#include <string.h>

#include "base/str.h"
#include "driver/driver.h"
#include "drivers/snmp/snmp_address.h"

enum { KEY_MAX = 4 * SNMP_OID_BYTES_MAX + 320 };

static size_t put_oid(char *to, size_t size, struct snmp_oid oid)
{
    return str_hex(to, size, oid.bytes, oid.size, 0);
}

static void named_key(char key[KEY_MAX], struct snmp_oid column, struct snmp_oid names,
                      const char *text)
{
    size_t used = put_oid(key, KEY_MAX, column);
    key[used++] = ' ';
    used += put_oid(key + used, KEY_MAX - used, names);
    (void)str_format(key + used, KEY_MAX - used, "=%s", text);
}

static void keep(struct snmp_added *added, struct map *map, const char *key,
                 const struct snmp_address *address)
{
    char *kept = map_get(map, key) == NULL ? arena_strdup(&added->arena, key) : NULL;
    if (kept != NULL) {
        map_set(map, kept, (void *)(uintptr_t)address);
    }
}

void snmp_added_init(struct snmp_added *added, const struct device *dev)
{
    char key[KEY_MAX];
    arena_init(&added->arena, 0);
    map_init(&added->fixed);
    map_init(&added->named);
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct snmp_address *address = driver_address(dev, i);
        if (address->oid.size == 0) {
            continue;
        }
        if (address->row != NULL) {
            named_key(key, address->oid, address->row->column, address->row->text);
            keep(added, &added->named, key, address);
        } else {
            (void)put_oid(key, sizeof(key), address->oid);
            keep(added, &added->fixed, key, address);
        }
    }
}

void snmp_added_fini(struct snmp_added *added)
{
    map_fini(&added->fixed);
    map_fini(&added->named);
    arena_fini(&added->arena);
}

const struct snmp_address *snmp_added_find(const struct snmp_added *added,
                                           const struct snmp_row *row, const struct snmp_cell *cell)
{
    char key[KEY_MAX];
    (void)put_oid(key, sizeof(key), cell->oid);
    const struct snmp_address *address = map_get(&added->fixed, key);
    for (const struct snmp_cell *name = row != NULL && added->named.count > 0 ? row->cells : NULL;
         address == NULL && cell->object != NULL && name != NULL; name = name->next) {
        size_t size = bytes_left(&name->value.content);
        char text[256];
        if (name->object == NULL || name->value.tag != BER_OCTETS || size >= sizeof(text)) {
            continue;
        }
        (void)str_format(text, sizeof(text), "%.*s", (int)size,
                         (const char *)name->value.content.at);
        named_key(key, cell->object->oid, name->object->oid, text);
        address = map_get(&added->named, key);
    }
    return address;
}
