/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, types and runs of enumerations are kept once: most objects share theirs. The texts of names are written
 * in their order, so that what checks or searches them walks forward through memory. */
#include "drivers/snmp/mib/draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/crc.h"
#include "base/map.h"
#include "drivers/snmp/mib/format.h"

struct draft_module {
    const char *name, *file;
    uint32_t objects;
};

struct draft_object {
    struct mib_object is; /* texts and OID in the arena; enums and ranges are not kept */
    uint32_t type, first_link, links, parent, place;
    uint16_t module;
};

struct draft_name {
    const char *name;
    uint32_t object;
    uint16_t module;
};

struct mib_draft {
    struct arena arena;
    struct map types;       /* by their record: its number + 1 */
    struct buf type_bytes;  /* records of format.h, but texts are numbers in `pool` */
    struct buf enum_bytes;  /* same */
    struct buf range_bytes; /* records of format.h */
    struct map pool_of;     /* text -> its number + 1 */
    const char **pool;      /* all texts but names of objects */
    struct draft_module *modules;
    struct draft_object *objects;
    struct draft_name *names;
    uint32_t *links;
    size_t pool_count, pool_room, module_count, module_room, object_count, object_room, name_count,
        name_room, link_count, link_room;
    uint32_t type_count, enum_count, range_count;
};

enum { TEXT_MAX = MIB_TEXT_BYTES_MAX };

/* ---- putting in ---- */

struct mib_draft *mib_draft_new(void)
{
    struct mib_draft *draft = busbar_alloc(sizeof(*draft));
    arena_init(&draft->arena, 0);
    buf_init(&draft->type_bytes, TEXT_MAX);
    buf_init(&draft->enum_bytes, TEXT_MAX);
    buf_init(&draft->range_bytes, TEXT_MAX);
    return draft;
}

void mib_draft_free(struct mib_draft *draft)
{
    if (draft != NULL) {
        map_fini(&draft->types);
        map_fini(&draft->pool_of);
        buf_fini(&draft->type_bytes);
        buf_fini(&draft->enum_bytes);
        buf_fini(&draft->range_bytes);
        busbar_free(draft->pool);
        busbar_free(draft->modules);
        busbar_free(draft->objects);
        busbar_free(draft->names);
        busbar_free(draft->links);
        arena_fini(&draft->arena);
        busbar_free(draft);
    }
}

/* Room for one more in an array that doubles. */
static void *grown(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return array;
    }
    *room = *room > 0 ? *room * 2 : 64;
    return busbar_realloc(array, *room * size);
}

static const char *kept(struct mib_draft *draft, const char *text)
{
    const char *copy = arena_strdup(&draft->arena, text != NULL ? text : "");
    return copy != NULL ? copy : "";
}

/* A text that many share: its number. */
static uint32_t pooled(struct mib_draft *draft, const char *text)
{
    uintptr_t known = (uintptr_t)map_get(&draft->pool_of, text != NULL ? text : "");
    if (known != 0) {
        return (uint32_t)(known - 1);
    }
    draft->pool = grown(draft->pool, draft->pool_count, &draft->pool_room, sizeof(*draft->pool));
    draft->pool[draft->pool_count] = kept(draft, text);
    draft->pool_count++;
    (void)map_set(&draft->pool_of, draft->pool[draft->pool_count - 1],
                  (void *)(uintptr_t)draft->pool_count);
    return (uint32_t)(draft->pool_count - 1);
}

static const char *pooled_text(struct mib_draft *draft, const char *text)
{
    uint32_t number = pooled(draft, text);
    return draft->pool[number];
}

uint32_t mib_draft_module(struct mib_draft *draft, const char *name, const char *file)
{
    draft->modules = grown(draft->modules, draft->module_count, &draft->module_room,
                           sizeof(*draft->modules));
    draft->modules[draft->module_count] = (struct draft_module){ .name = kept(draft, name),
                                                                 .file = kept(draft, file) };
    return (uint32_t)draft->module_count++;
}

static void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, (uint16_t)value);
    put_u16(at + 2, (uint16_t)(value >> 16));
}

static void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

static void add_runs(struct mib_draft *draft, const struct mib_object *object)
{
    for (size_t i = 0; i < object->enum_count; i++) {
        uint8_t record[MIB_ENUM_RECORD] = { 0 };
        put_u64(record, (uint64_t)object->enums[i].value);
        put_u32(record + 8, pooled(draft, object->enums[i].name));
        (void)buf_append(&draft->enum_bytes, record, sizeof(record));
    }
    for (size_t i = 0; i < object->range_count; i++) {
        uint8_t record[MIB_RANGE_RECORD];
        put_u64(record, (uint64_t)object->ranges[i].low);
        put_u64(record + 8, (uint64_t)object->ranges[i].high);
        (void)buf_append(&draft->range_bytes, record, sizeof(record));
    }
    draft->enum_count += object->enum_count;
    draft->range_count += object->range_count;
}

/* What an object shares with others: by a text that says all of it. */
static uint32_t type_of(struct mib_draft *draft, const struct mib_object *object)
{
    struct buf key;
    buf_init(&key, TEXT_MAX);
    (void)buf_printf(&key, "%u %s\x01%s\x01", object->syntax, object->convention, object->hint);
    for (size_t i = 0; i < object->enum_count; i++) {
        (void)buf_printf(&key, "%lld=%s,", (long long)object->enums[i].value,
                         object->enums[i].name);
    }
    for (size_t i = 0; i < object->range_count; i++) {
        (void)buf_printf(&key, "%lld..%lld,", (long long)object->ranges[i].low,
                         (long long)object->ranges[i].high);
    }
    uintptr_t known = (uintptr_t)map_get(&draft->types, buf_text(&key));
    if (known == 0) {
        uint8_t record[MIB_TYPE_RECORD] = { 0 };
        put_u32(record, pooled(draft, object->convention));
        put_u32(record + 4, pooled(draft, object->hint));
        put_u32(record + 8, draft->enum_count);
        put_u32(record + 12, draft->range_count);
        put_u16(record + 16, object->enum_count);
        put_u16(record + 18, object->range_count);
        record[20] = object->syntax;
        (void)buf_append(&draft->type_bytes, record, sizeof(record));
        add_runs(draft, object);
        known = ++draft->type_count;
        (void)map_set(&draft->types, kept(draft, buf_text(&key)), (void *)known);
    }
    buf_fini(&key);
    return (uint32_t)(known - 1);
}

static void add_name(struct mib_draft *draft, uint32_t object, uint32_t module)
{
    draft->names = grown(draft->names, draft->name_count, &draft->name_room, sizeof(*draft->names));
    draft->names[draft->name_count++] = (struct draft_name){ .name = draft->objects[object].is.name,
                                                             .object = object,
                                                             .module = (uint16_t)module };
}

uint32_t mib_draft_object(struct mib_draft *draft, uint32_t module, const struct mib_object *object)
{
    if (draft->object_count >= MIB_OBJECTS_MAX || module > UINT16_MAX) {
        return UINT32_MAX;
    }
    draft->objects = grown(draft->objects, draft->object_count, &draft->object_room,
                           sizeof(*draft->objects));
    struct draft_object *kept_object = &draft->objects[draft->object_count];
    uint8_t *oid = arena_alloc(&draft->arena, object->oid.size);
    *kept_object = (struct draft_object){ .is = *object, .module = (uint16_t)module };
    kept_object->type = type_of(draft, object);
    kept_object->is.name = kept(draft, object->name);
    kept_object->is.units = pooled_text(draft, object->units);
    kept_object->is.description = pooled_text(draft, object->description);
    if (oid == NULL) {
        return UINT32_MAX;
    }
    memcpy(oid, object->oid.bytes, object->oid.size);
    kept_object->is.oid.bytes = oid;
    draft->modules[module].objects++;
    draft->object_count++;
    add_name(draft, (uint32_t)draft->object_count - 1, module);
    return (uint32_t)draft->object_count - 1;
}

void mib_draft_alias(struct mib_draft *draft, uint32_t object, uint32_t module)
{
    if (draft->objects[object].module != module && module <= UINT16_MAX) {
        add_name(draft, object, module);
    }
}

void mib_draft_links(struct mib_draft *draft, uint32_t object, const uint32_t *to, size_t count)
{
    size_t max = draft->objects[object].is.kind == MIB_ROW ? MIB_INDEXES_MAX : MIB_LINKS_MAX;
    count = count < max ? count : max;
    draft->objects[object].first_link = (uint32_t)draft->link_count;
    draft->objects[object].links = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        draft->links = grown(draft->links, draft->link_count, &draft->link_room,
                             sizeof(*draft->links));
        draft->links[draft->link_count++] = to[i];
    }
}

size_t mib_draft_count(const struct mib_draft *draft)
{
    return draft->object_count;
}

/* ---- writing ---- */

static int by_place(const void *left, const void *right, void *ctx)
{
    const struct mib_draft *draft = ctx;
    const struct draft_object *a = &draft->objects[*(const uint32_t *)left];
    const struct draft_object *b = &draft->objects[*(const uint32_t *)right];
    int order = snmp_oid_order(a->is.oid, b->is.oid);
    order = order != 0 ? order : (a->module > b->module) - (a->module < b->module);
    return order != 0 ? order : strcmp(a->is.name, b->is.name);
}

static int by_name(const void *left, const void *right)
{
    const struct draft_name *a = left;
    const struct draft_name *b = right;
    int order = strcmp(a->name, b->name);
    order = order != 0 ? order : (a->module > b->module) - (a->module < b->module);
    return order != 0 ? order : (a->object > b->object) - (a->object < b->object);
}

/* The numbers of objects in the order of the catalogue; sets the place and the parent of each. */
static uint32_t *sorted(struct mib_draft *draft)
{
    uint32_t *order = busbar_try_alloc(draft->object_count * sizeof(*order));
    if (order == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < draft->object_count; i++) {
        order[i] = i;
    }
    qsort_r(order, draft->object_count, sizeof(*order), by_place, draft);
    for (uint32_t i = 0; i < draft->object_count; i++) {
        struct draft_object *object = &draft->objects[order[i]];
        object->place = i;
        uint32_t above = i;
        while (above > 0) {
            const struct draft_object *other = &draft->objects[order[above - 1]];
            if (other->is.oid.size < object->is.oid.size &&
                snmp_oid_under(object->is.oid, other->is.oid)) {
                break;
            }
            /* one with the same OID has the same parent; else it is the parent of the one before, or above */
            above = other->parent;
        }
        object->parent = above;
    }
    return order;
}

struct writing {
    struct mib_draft *draft;
    struct buf *out;
    struct buf texts, oids;
    uint32_t *pool_at; /* of each pooled text, where it stands */
    uint32_t *name_at; /* of each object's name */
};

static uint32_t add_text(struct writing *writing, const char *text)
{
    if (text[0] == '\0') {
        return 0;
    }
    uint32_t at = (uint32_t)writing->texts.size;
    (void)buf_append(&writing->texts, text, strlen(text) + 1);
    return at;
}

static void write_texts(struct writing *writing)
{
    struct mib_draft *draft = writing->draft;
    const char *last = NULL;
    uint32_t at = 0;
    (void)buf_append_byte(&writing->texts, 0);
    for (size_t i = 0; i < draft->name_count; i++) {
        const struct draft_name *name = &draft->names[i];
        at = last != NULL && strcmp(last, name->name) == 0 ? at : add_text(writing, name->name);
        last = name->name;
        writing->name_at[name->object] = at;
    }
    for (size_t i = 0; i < draft->pool_count; i++) {
        writing->pool_at[i] = add_text(writing, draft->pool[i]);
    }
}

static uint32_t pool_at(const struct writing *writing, const char *text)
{
    uintptr_t known = (uintptr_t)map_get(&writing->draft->pool_of, text);
    return known != 0 ? writing->pool_at[known - 1] : 0;
}

static void write_types(struct writing *writing)
{
    struct mib_draft *draft = writing->draft;
    for (size_t i = 0; i < draft->type_bytes.size; i += MIB_TYPE_RECORD) {
        uint8_t *record = draft->type_bytes.data + i;
        put_u32(record, writing->pool_at[mib_u32(record)]);
        put_u32(record + 4, writing->pool_at[mib_u32(record + 4)]);
    }
    for (size_t i = 0; i < draft->enum_bytes.size; i += MIB_ENUM_RECORD) {
        uint8_t *record = draft->enum_bytes.data + i;
        put_u32(record + 8, writing->pool_at[mib_u32(record + 8)]);
    }
    (void)buf_append(writing->out, draft->type_bytes.data, draft->type_bytes.size);
    (void)buf_append(writing->out, draft->enum_bytes.data, draft->enum_bytes.size);
    (void)buf_append(writing->out, draft->range_bytes.data, draft->range_bytes.size);
}

static void write_object(struct writing *writing, uint32_t number)
{
    const struct draft_object *object = &writing->draft->objects[number];
    uint8_t record[MIB_OBJECT_RECORD];
    put_u32(record, (uint32_t)writing->oids.size);
    put_u32(record + 4, writing->name_at[number]);
    put_u32(record + 8, pool_at(writing, object->is.units));
    put_u32(record + 12, pool_at(writing, object->is.description));
    put_u32(record + 16, object->parent);
    put_u32(record + 20, object->type);
    put_u32(record + 24, object->first_link);
    put_u16(record + 28, (uint16_t)object->links);
    put_u16(record + 30, object->module);
    put_u16(record + 32, object->is.oid.size);
    record[34] = object->is.kind;
    record[35] = (uint8_t)(object->is.access | (object->is.implied ? MIB_IMPLIED_FLAG : 0));
    (void)buf_append(&writing->oids, object->is.oid.bytes, object->is.oid.size);
    (void)buf_append(writing->out, record, sizeof(record));
}

static void write_tables(struct writing *writing, const uint32_t *order)
{
    struct mib_draft *draft = writing->draft;
    for (size_t i = 0; i < draft->module_count; i++) {
        uint8_t record[MIB_MODULE_RECORD] = { 0 };
        put_u32(record, add_text(writing, draft->modules[i].name));
        put_u32(record + 4, add_text(writing, draft->modules[i].file));
        put_u32(record + 8, draft->modules[i].objects);
        (void)buf_append(writing->out, record, sizeof(record));
    }
    write_types(writing);
    for (size_t i = 0; i < draft->object_count; i++) {
        write_object(writing, order[i]);
    }
    for (size_t i = 0; i < draft->name_count; i++) {
        uint8_t record[MIB_NAME_RECORD] = { 0 };
        put_u32(record, draft->objects[draft->names[i].object].place);
        put_u16(record + 4, draft->names[i].module);
        (void)buf_append(writing->out, record, sizeof(record));
    }
    for (size_t i = 0; i < draft->link_count; i++) {
        uint8_t record[MIB_LINK_RECORD];
        put_u32(record, draft->objects[draft->links[i]].place);
        (void)buf_append(writing->out, record, sizeof(record));
    }
}

static int write_header(struct writing *writing, uint64_t hash)
{
    const struct mib_draft *draft = writing->draft;
    struct buf *out = writing->out;
    (void)buf_append(out, writing->oids.data, writing->oids.size);
    (void)buf_append(out, writing->texts.data, writing->texts.size);
    if (out->overflow || writing->texts.overflow || writing->oids.overflow ||
        out->size > UINT32_MAX) {
        return BUSBAR_ELIMIT;
    }
    uint32_t numbers[] = { MIB_VERSION,
                           (uint32_t)out->size,
                           (uint32_t)draft->module_count,
                           draft->type_count,
                           draft->enum_count,
                           draft->range_count,
                           (uint32_t)draft->object_count,
                           (uint32_t)draft->name_count,
                           (uint32_t)draft->link_count,
                           (uint32_t)writing->oids.size,
                           (uint32_t)writing->texts.size };
    memcpy(out->data, MIB_MAGIC, 8);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        put_u32(out->data + 12 + 4 * i, numbers[i]);
    }
    put_u64(out->data + 56, hash);
    put_u32(out->data + 8, crc32c(0, out->data + 12, out->size - 12));
    return 0;
}

int mib_draft_finish(struct mib_draft *draft, uint64_t hash, struct buf *out)
{
    struct writing writing = { .draft = draft, .out = out };
    uint8_t empty[MIB_HEADER] = { 0 };
    uint32_t *order = sorted(draft);
    writing.pool_at = busbar_try_alloc(draft->pool_count * sizeof(*writing.pool_at));
    writing.name_at = busbar_try_alloc(draft->object_count * sizeof(*writing.name_at));
    int error = order != NULL && writing.pool_at != NULL && writing.name_at != NULL ? 0
                                                                                    : BUSBAR_ENOMEM;
    buf_init(&writing.texts, TEXT_MAX);
    buf_init(&writing.oids, TEXT_MAX);
    if (error == 0) {
        if (draft->name_count > 0) {
            qsort(draft->names, draft->name_count, sizeof(*draft->names), by_name);
        }
        (void)buf_append(out, empty, sizeof(empty));
        write_texts(&writing);
        write_tables(&writing, order);
        error = write_header(&writing, hash);
    }
    buf_fini(&writing.texts);
    buf_fini(&writing.oids);
    busbar_free(writing.pool_at);
    busbar_free(writing.name_at);
    busbar_free(order);
    return error;
}
