/* SPDX-License-Identifier: Apache-2.0 */
/* Opening checks every number of the bytes once; what is made of them then are plain pointers. Searches are binary:
 * objects stand by OID, names by text. The longest known prefix of an OID is the last object that does not come
 * behind it, or one of that object's parents. */
#include "drivers/snmp/mib/mib.h"

#include <string.h>

#include "base/alloc.h"
#include "base/crc.h"
#include "drivers/snmp/mib/format.h"

struct mib {
    struct mib_module *modules;
    struct mib_enum *enums;
    struct mib_range *ranges;
    struct mib_object *objects;
    const struct mib_object **links;
    const uint8_t *types, *records, *names; /* in the bytes */
    const uint8_t *oids;
    const char *texts;
    uint64_t hash;
    uint32_t module_count, type_count, enum_count, range_count, object_count, name_count,
        link_count, oid_bytes, text_bytes;
};

/* ---- opening ---- */

static bool has_text(const struct mib *mib, uint32_t at)
{
    return at < mib->text_bytes;
}

/* first..first+count in a table of `all`. */
static bool has_run(uint32_t first, uint32_t count, uint32_t all)
{
    return first <= all && count <= all - first;
}

static const uint8_t *cut(const uint8_t **at, uint64_t *left, uint32_t count, size_t record)
{
    const uint8_t *table = *at;
    uint64_t bytes = (uint64_t)count * record;
    if (table == NULL || bytes > *left) {
        *at = NULL;
        return NULL;
    }
    *at += bytes;
    *left -= bytes;
    return table;
}

/* The counts of the header, within their limits. */
static bool read_header(struct mib *mib, const uint8_t *data, size_t size)
{
    if (size < MIB_HEADER || memcmp(data, MIB_MAGIC, 8) != 0 || mib_u32(data + 12) != MIB_VERSION ||
        mib_u32(data + 16) != size || crc32c(0, data + 12, size - 12) != mib_u32(data + 8)) {
        return false;
    }
    mib->module_count = mib_u32(data + 20);
    mib->type_count = mib_u32(data + 24);
    mib->enum_count = mib_u32(data + 28);
    mib->range_count = mib_u32(data + 32);
    mib->object_count = mib_u32(data + 36);
    mib->name_count = mib_u32(data + 40);
    mib->link_count = mib_u32(data + 44);
    mib->oid_bytes = mib_u32(data + 48);
    mib->text_bytes = mib_u32(data + 52);
    mib->hash = mib_u64(data + 56);
    return mib->module_count <= MIB_MODULES_MAX && mib->object_count <= MIB_OBJECTS_MAX &&
           mib->text_bytes > 0 && mib->text_bytes <= MIB_TEXT_BYTES_MAX &&
           mib->type_count <= MIB_TABLE_MAX && mib->enum_count <= MIB_TABLE_MAX &&
           mib->range_count <= MIB_TABLE_MAX && mib->link_count <= MIB_TABLE_MAX &&
           mib->name_count <= MIB_TABLE_MAX;
}

static int read_modules(struct mib *mib, const uint8_t *at)
{
    for (uint32_t i = 0; i < mib->module_count; i++, at += MIB_MODULE_RECORD) {
        if (!has_text(mib, mib_u32(at)) || !has_text(mib, mib_u32(at + 4))) {
            return BUSBAR_EDAMAGED;
        }
        mib->modules[i] = (struct mib_module){ .name = mib->texts + mib_u32(at),
                                               .file = mib->texts + mib_u32(at + 4),
                                               .objects = mib_u32(at + 8) };
    }
    return 0;
}

static int read_enums(struct mib *mib, const uint8_t *at)
{
    for (uint32_t i = 0; i < mib->enum_count; i++, at += MIB_ENUM_RECORD) {
        if (!has_text(mib, mib_u32(at + 8))) {
            return BUSBAR_EDAMAGED;
        }
        mib->enums[i] = (struct mib_enum){ .value = (int64_t)mib_u64(at),
                                           .name = mib->texts + mib_u32(at + 8) };
    }
    return 0;
}

static int check_types(const struct mib *mib)
{
    const uint8_t *at = mib->types;
    for (uint32_t i = 0; i < mib->type_count; i++, at += MIB_TYPE_RECORD) {
        if (!has_text(mib, mib_u32(at)) || !has_text(mib, mib_u32(at + 4)) ||
            mib_u16(at + 16) > MIB_ENUMS_MAX || mib_u16(at + 18) > MIB_RANGES_MAX ||
            !has_run(mib_u32(at + 8), mib_u16(at + 16), mib->enum_count) ||
            !has_run(mib_u32(at + 12), mib_u16(at + 18), mib->range_count) || at[20] > MIB_OPAQUE) {
            return BUSBAR_EDAMAGED;
        }
    }
    return 0;
}

static void set_type(const struct mib *mib, struct mib_object *object, const uint8_t *type)
{
    object->convention = mib->texts + mib_u32(type);
    object->hint = mib->texts + mib_u32(type + 4);
    object->enum_count = mib_u16(type + 16);
    object->enums = object->enum_count > 0 ? mib->enums + mib_u32(type + 8) : NULL;
    object->range_count = mib_u16(type + 18);
    object->ranges = object->range_count > 0 ? mib->ranges + mib_u32(type + 12) : NULL;
    object->syntax = type[20];
}

static bool set_links(const struct mib *mib, struct mib_object *object, uint32_t first,
                      uint16_t count)
{
    if (count == 0) {
        return true;
    }
    if (!has_run(first, count, mib->link_count)) {
        return false;
    }
    if (object->kind == MIB_ROW && count <= MIB_INDEXES_MAX) {
        object->indexes = mib->links + first;
        object->index_count = count;
    } else if (object->kind == MIB_NOTIFICATION && count <= MIB_LINKS_MAX) {
        object->objects = mib->links + first;
        object->object_count = count;
    } else {
        return false;
    }
    return true;
}

/* Whether `oid` may stand at `index`: behind the one before, and below its parent. */
static bool in_order(const struct mib *mib, uint32_t index, struct snmp_oid oid, uint32_t parent)
{
    if (index > 0 && snmp_oid_order(mib->objects[index - 1].oid, oid) > 0) {
        return false;
    }
    if (parent == 0) {
        return true;
    }
    return parent - 1 < index && mib->objects[parent - 1].oid.size < oid.size &&
           snmp_oid_under(oid, mib->objects[parent - 1].oid);
}

static int read_objects(struct mib *mib)
{
    const uint8_t *at = mib->records;
    for (uint32_t i = 0; i < mib->object_count; i++, at += MIB_OBJECT_RECORD) {
        struct mib_object *object = &mib->objects[i];
        uint32_t oid = mib_u32(at);
        uint16_t size = mib_u16(at + 32);
        uint8_t access = at[35] & (uint8_t)~MIB_IMPLIED_FLAG;
        if (size == 0 || !has_run(oid, size, mib->oid_bytes) ||
            !snmp_oid_good(mib->oids + oid, size) || !has_text(mib, mib_u32(at + 4)) ||
            !has_text(mib, mib_u32(at + 8)) || !has_text(mib, mib_u32(at + 12)) ||
            mib_u32(at + 20) >= mib->type_count || mib_u16(at + 30) >= mib->module_count ||
            at[34] > MIB_NOTIFICATION || access > MIB_READ_CREATE) {
            return BUSBAR_EDAMAGED;
        }
        *object = (struct mib_object){
            .mib = mib,
            .oid = { .bytes = mib->oids + oid, .size = size },
            .name = mib->texts + mib_u32(at + 4),
            .units = mib->texts + mib_u32(at + 8),
            .description = mib->texts + mib_u32(at + 12),
            .module = mib->modules[mib_u16(at + 30)].name,
            .kind = at[34],
            .access = access,
            .implied = (at[35] & MIB_IMPLIED_FLAG) != 0,
        };
        set_type(mib, object, mib->types + (size_t)mib_u32(at + 20) * MIB_TYPE_RECORD);
        if (!in_order(mib, i, object->oid, mib_u32(at + 16)) ||
            !set_links(mib, object, mib_u32(at + 24), mib_u16(at + 28))) {
            return BUSBAR_EDAMAGED;
        }
    }
    return 0;
}

static int read_links(struct mib *mib, const uint8_t *at)
{
    for (uint32_t i = 0; i < mib->link_count; i++, at += MIB_LINK_RECORD) {
        if (mib_u32(at) >= mib->object_count) {
            return BUSBAR_EDAMAGED;
        }
        mib->links[i] = &mib->objects[mib_u32(at)];
    }
    return 0;
}

static const char *name_at(const struct mib *mib, size_t index)
{
    return mib->objects[mib_u32(mib->names + index * MIB_NAME_RECORD)].name;
}

static int check_names(const struct mib *mib)
{
    const uint8_t *at = mib->names;
    for (uint32_t i = 0; i < mib->name_count; i++, at += MIB_NAME_RECORD) {
        if (mib_u32(at) >= mib->object_count || mib_u16(at + 4) >= mib->module_count ||
            (i > 0 && strcmp(name_at(mib, i - 1), name_at(mib, i)) > 0)) {
            return BUSBAR_EDAMAGED;
        }
    }
    return 0;
}

static int make_tables(struct mib *mib)
{
    mib->modules = busbar_try_alloc(mib->module_count * sizeof(*mib->modules));
    mib->enums = busbar_try_alloc(mib->enum_count * sizeof(*mib->enums));
    mib->ranges = busbar_try_alloc(mib->range_count * sizeof(*mib->ranges));
    mib->objects = busbar_try_alloc(mib->object_count * sizeof(*mib->objects));
    mib->links = busbar_try_alloc(mib->link_count * sizeof(*mib->links));
    return mib->modules != NULL && mib->enums != NULL && mib->ranges != NULL &&
                   mib->objects != NULL && mib->links != NULL
               ? 0
               : BUSBAR_ENOMEM;
}

static int read_all(struct mib *mib, const uint8_t *data, size_t size)
{
    if (!read_header(mib, data, size)) {
        return BUSBAR_EDAMAGED;
    }
    const uint8_t *at = data + MIB_HEADER;
    uint64_t left = size - MIB_HEADER;
    const uint8_t *modules = cut(&at, &left, mib->module_count, MIB_MODULE_RECORD);
    mib->types = cut(&at, &left, mib->type_count, MIB_TYPE_RECORD);
    const uint8_t *enums = cut(&at, &left, mib->enum_count, MIB_ENUM_RECORD);
    const uint8_t *ranges = cut(&at, &left, mib->range_count, MIB_RANGE_RECORD);
    mib->records = cut(&at, &left, mib->object_count, MIB_OBJECT_RECORD);
    mib->names = cut(&at, &left, mib->name_count, MIB_NAME_RECORD);
    const uint8_t *links = cut(&at, &left, mib->link_count, MIB_LINK_RECORD);
    mib->oids = cut(&at, &left, mib->oid_bytes, 1);
    mib->texts = (const char *)cut(&at, &left, mib->text_bytes, 1);
    if (mib->texts == NULL || left != 0 || mib->texts[0] != '\0' ||
        mib->texts[mib->text_bytes - 1] != '\0') {
        return BUSBAR_EDAMAGED;
    }
    int error = make_tables(mib);
    for (uint32_t i = 0; error == 0 && i < mib->range_count; i++, ranges += MIB_RANGE_RECORD) {
        mib->ranges[i] = (struct mib_range){ .low = (int64_t)mib_u64(ranges),
                                             .high = (int64_t)mib_u64(ranges + 8) };
    }
    error = error == 0 ? read_modules(mib, modules) : error;
    error = error == 0 ? read_enums(mib, enums) : error;
    error = error == 0 ? check_types(mib) : error;
    error = error == 0 ? read_objects(mib) : error;
    error = error == 0 ? read_links(mib, links) : error;
    return error == 0 ? check_names(mib) : error;
}

int mib_open(const void *data, size_t size, struct mib **out)
{
    struct mib *mib = busbar_alloc(sizeof(*mib));
    int error = read_all(mib, data, size);
    if (error != 0) {
        mib_close(mib);
        mib = NULL;
    }
    *out = mib;
    return error;
}

void mib_close(struct mib *mib)
{
    if (mib != NULL) {
        busbar_free(mib->modules);
        busbar_free(mib->enums);
        busbar_free(mib->ranges);
        busbar_free(mib->objects);
        busbar_free(mib->links);
        busbar_free(mib);
    }
}

/* ---- looking up ---- */

size_t mib_module_count(const struct mib *mib)
{
    return mib->module_count;
}

const struct mib_module *mib_module_at(const struct mib *mib, size_t index)
{
    return index < mib->module_count ? &mib->modules[index] : NULL;
}

uint64_t mib_hash(const struct mib *mib)
{
    return mib->hash;
}

size_t mib_count(const struct mib *mib)
{
    return mib->object_count;
}

const struct mib_object *mib_at(const struct mib *mib, size_t index)
{
    return index < mib->object_count ? &mib->objects[index] : NULL;
}

/* How many objects stand before `oid`; with `equal` also those that are it. */
static size_t count_before(const struct mib *mib, struct snmp_oid oid, bool equal)
{
    size_t low = 0;
    size_t high = mib->object_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = snmp_oid_order(mib->objects[middle].oid, oid);
        if (order < 0 || (order == 0 && equal)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct mib_object *mib_exact(const struct mib *mib, struct snmp_oid oid)
{
    size_t at = count_before(mib, oid, false);
    return at < mib->object_count && snmp_oid_equal(mib->objects[at].oid, oid) ? &mib->objects[at]
                                                                               : NULL;
}

/* The first of those with the same OID. */
static const struct mib_object *first_of(const struct mib *mib, size_t at)
{
    while (at > 0 && snmp_oid_equal(mib->objects[at - 1].oid, mib->objects[at].oid)) {
        at--;
    }
    return &mib->objects[at];
}

const struct mib_object *mib_under(const struct mib *mib, struct snmp_oid oid)
{
    size_t at = count_before(mib, oid, true);
    while (at > 0) {
        if (snmp_oid_under(oid, mib->objects[at - 1].oid)) {
            return first_of(mib, at - 1);
        }
        at = mib_u32(mib->records + (at - 1) * MIB_OBJECT_RECORD + 16);
    }
    return NULL;
}

const struct mib_object *mib_row_of(const struct mib_object *column)
{
    const struct mib *mib = column->mib;
    size_t index = (size_t)(column - mib->objects);
    uint32_t parent = mib_u32(mib->records + index * MIB_OBJECT_RECORD + 16);
    if (parent == 0 || column->kind != MIB_COLUMN) {
        return NULL;
    }
    for (size_t at = parent; at > 0; at--) {
        const struct mib_object *row = &mib->objects[at - 1];
        if (!snmp_oid_equal(row->oid, mib->objects[parent - 1].oid)) {
            break;
        }
        if (row->kind == MIB_ROW) {
            return row;
        }
    }
    return NULL;
}

/* The first entry of the names that is not before `name`. */
static size_t first_name(const struct mib *mib, const char *name)
{
    size_t low = 0;
    size_t high = mib->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(name_at(mib, middle), name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct mib_object *mib_named(const struct mib *mib, const char *name)
{
    const char *colons = strstr(name, "::");
    const char *bare = colons != NULL ? colons + 2 : name;
    for (size_t at = first_name(mib, bare); at < mib->name_count; at++) {
        const uint8_t *record = mib->names + at * MIB_NAME_RECORD;
        const char *module = mib->modules[mib_u16(record + 4)].name;
        if (strcmp(name_at(mib, at), bare) != 0) {
            break;
        }
        if (colons == NULL || (strlen(module) == (size_t)(colons - name) &&
                               strncmp(module, name, (size_t)(colons - name)) == 0)) {
            return &mib->objects[mib_u32(record)];
        }
    }
    return NULL;
}

const struct mib_object *mib_child(const struct mib *mib, struct snmp_oid parent, const char *name)
{
    for (size_t at = first_name(mib, name); at < mib->name_count; at++) {
        const struct mib_object *object = &mib->objects[mib_u32(mib->names + at * MIB_NAME_RECORD)];
        uint32_t part;
        if (strcmp(object->name, name) != 0) {
            break;
        }
        if (object->oid.size > parent.size && snmp_oid_under(object->oid, parent)) {
            struct snmp_oid tail = snmp_oid_tail(object->oid, parent);
            if (snmp_oid_next(&tail, &part) && tail.size == 0) {
                return object;
            }
        }
    }
    return NULL;
}
