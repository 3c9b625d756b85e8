/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects an agent has: the system group, its engine, those of its points, and where a point names the row it is
 * in, that row: for interfaces a whole ifTable and ifXTable.
 *
 * Rows are numbered from 1 in the order in which points name them, turned by agent->turn: so the same number becomes
 * another row, as when a card is plugged. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "sim/sim_snmp_agent.h"

static const uint8_t system_group[] = { 0x2b, 6, 1, 2, 1, 1 };
static const uint8_t if_number[] = { 0x2b, 6, 1, 2, 1, 2, 1, 0 };
static const uint8_t if_entry[] = { 0x2b, 6, 1, 2, 1, 2, 2, 1 };
static const uint8_t if_x_entry[] = { 0x2b, 6, 1, 2, 1, 0x1f, 1, 1, 1 };
static const uint8_t engine_group[] = { 0x2b, 6, 1, 6, 3, 0x0a, 2, 1 };

enum { SYSTEM_OBJECTS = 7, ENGINE_OBJECTS = 4, NAME_MAX = 64 };

static struct snmp_oid oid_of(const uint8_t *bytes, size_t size)
{
    return (struct snmp_oid){ .bytes = bytes, .size = (uint16_t)size };
}

/* ---- finding ---- */

size_t sim_snmp_object_after(const struct sim_snmp_agent *agent, struct snmp_oid oid)
{
    size_t low = 0, high = agent->object_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (snmp_oid_order(agent->objects[middle].oid, oid) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t sim_snmp_object_find(const struct sim_snmp_agent *agent, struct snmp_oid oid)
{
    size_t after = sim_snmp_object_after(agent, oid);
    return after > 0 && snmp_oid_equal(agent->objects[after - 1].oid, oid) ? after - 1 : SIZE_MAX;
}

const struct sim_snmp_object *sim_snmp_point_object(const struct sim_snmp_agent *agent,
                                                    uint32_t point)
{
    uint32_t at = agent->by_point[point];
    return at < agent->object_count ? &agent->objects[at] : NULL;
}

static int interface_oid(const struct sim_snmp_column *column, uint32_t index,
                         struct snmp_oid_buf *out)
{
    if (column->extended != 0) {
        snmp_oid_take(out, oid_of(if_x_entry, sizeof(if_x_entry)));
    } else {
        snmp_oid_take(out, oid_of(if_entry, sizeof(if_entry)));
    }
    int error = snmp_oid_append(out, column->number);
    return error == 0 ? snmp_oid_append(out, index) : error;
}

const struct sim_snmp_object *sim_snmp_interface_object(const struct sim_snmp_agent *agent,
                                                        uint16_t row, uint8_t column)
{
    struct snmp_oid_buf oid;
    if (interface_oid(&sim_snmp_columns[column], agent->rows[row].index, &oid) != 0) {
        return NULL;
    }
    size_t at = sim_snmp_object_find(agent, oid.oid);
    return at != SIZE_MAX ? &agent->objects[at] : NULL;
}

/* ---- making ---- */

/* Objects while they are collected. */
struct maker {
    struct sim_snmp_agent *agent;
    struct sim_snmp_object *objects;
    size_t count, room;
    size_t row_room;
    int error;
};

static struct snmp_oid keep_oid(struct maker *maker, struct snmp_oid oid)
{
    uint8_t *bytes = arena_alloc(&maker->agent->arena, oid.size);
    if (bytes == NULL) {
        maker->error = BUSBAR_ENOMEM;
        return (struct snmp_oid){ 0 };
    }
    memcpy(bytes, oid.bytes, oid.size);
    return (struct snmp_oid){ .bytes = bytes, .size = oid.size };
}

static void put(struct maker *maker, struct snmp_oid oid, struct sim_snmp_object object)
{
    object.oid = keep_oid(maker, oid);
    if (maker->error != 0) {
        return;
    }
    if (maker->count == maker->room) {
        maker->room = maker->room == 0 ? 32 : 2 * maker->room;
        maker->objects = busbar_realloc(maker->objects, maker->room * sizeof(*maker->objects));
    }
    maker->objects[maker->count++] = object;
}

/* An instance .0 of a group. */
static void put_scalars(struct maker *maker, struct snmp_oid group, enum sim_snmp_what what,
                        size_t count, const uint8_t *tags)
{
    for (size_t i = 1; i <= count; i++) {
        struct snmp_oid_buf oid;
        bool writable = what == SIM_SNMP_SYSTEM && i >= 4 && i <= 6; /* contact, name, location */
        snmp_oid_take(&oid, group);
        (void)snmp_oid_append(&oid, (uint32_t)i);
        (void)snmp_oid_append(&oid, 0);
        put(maker, oid.oid,
            (struct sim_snmp_object){ .point = SIM_SNMP_NO_POINT,
                                      .what = (uint8_t)what,
                                      .column = (uint8_t)i,
                                      .tag = tags[i - 1],
                                      .writable = writable });
    }
}

/* ---- rows ---- */

static bool is_interface(struct snmp_oid column)
{
    return snmp_oid_under(column, oid_of(if_entry, sizeof(if_entry))) ||
           snmp_oid_under(column, oid_of(if_x_entry, sizeof(if_x_entry)));
}

static uint16_t add_row(struct maker *maker, struct snmp_oid column, const char *text)
{
    struct sim_snmp_agent *agent = maker->agent;
    if (agent->row_count >= SIM_SNMP_ROWS_MAX) {
        maker->error = BUSBAR_ELIMIT;
        return 0;
    }
    if (agent->row_count == maker->row_room) {
        maker->row_room = maker->row_room == 0 ? 8 : 2 * maker->row_room;
        agent->rows = busbar_realloc(agent->rows, maker->row_room * sizeof(*agent->rows));
    }
    agent->rows[agent->row_count] = (struct sim_snmp_row){
        .column = column,
        .text = text,
        .seed = (uint32_t)hash_u64(hash_text(text) ^ hash_text(agent->dev->name) ^ agent->seed),
        .interface = is_interface(column),
    };
    return (uint16_t)agent->row_count++;
}

static uint16_t get_row(struct maker *maker, const struct snmp_row_name *name)
{
    const struct sim_snmp_agent *agent = maker->agent;
    for (size_t i = 0; i < agent->row_count; i++) {
        if (snmp_oid_equal(agent->rows[i].column, name->column) &&
            strcmp(agent->rows[i].text, name->text) == 0) {
            return (uint16_t)i;
        }
    }
    return add_row(maker, name->column, name->text);
}

/* Some more interfaces beside those that are named: "eth0" -> "eth1" ...; the last of them is down. */
static void pad_interfaces(struct maker *maker)
{
    struct sim_snmp_agent *agent = maker->agent;
    const struct sim_snmp_row *first = NULL;
    size_t interfaces = 0;
    for (size_t i = agent->row_count; i > 0; i--) {
        first = agent->rows[i - 1].interface ? &agent->rows[i - 1] : first;
        interfaces += agent->rows[i - 1].interface ? 1 : 0;
    }
    if (first == NULL) {
        return;
    }
    struct snmp_row_name name = { .column = first->column };
    size_t digits = strlen(first->text);
    const char *like = first->text;
    while (digits > 0 && like[digits - 1] >= '0' && like[digits - 1] <= '9') {
        digits--;
    }
    for (unsigned n = 1; interfaces < SIM_SNMP_INTERFACES_LEAST && maker->error == 0; n++) {
        size_t before = agent->row_count;
        name.text = arena_printf(&agent->arena, "%.*s%u",
                                 (int)(digits < NAME_MAX ? digits : NAME_MAX), like, n);
        if (name.text == NULL) {
            maker->error = BUSBAR_ENOMEM;
            return;
        }
        uint16_t row = get_row(maker, &name);
        if (agent->row_count > before) {
            agent->rows[row].down = ++interfaces == SIM_SNMP_INTERFACES_LEAST;
        }
    }
}

/* Rows of interfaces have numbers of their own, others together. */
static void number_rows(struct sim_snmp_agent *agent)
{
    for (int interface = 0; interface < 2; interface++) {
        uint32_t count = 0, place = 0;
        for (size_t i = 0; i < agent->row_count; i++) {
            count += agent->rows[i].interface == (interface != 0) ? 1 : 0;
        }
        for (size_t i = 0; i < agent->row_count; i++) {
            if (agent->rows[i].interface == (interface != 0)) {
                agent->rows[i].index = 1 + (place++ + agent->turn) % count;
            }
        }
    }
}

static void put_interfaces(struct maker *maker)
{
    const struct sim_snmp_agent *agent = maker->agent;
    bool any = false;
    for (size_t row = 0; row < agent->row_count; row++) {
        for (size_t i = 0; agent->rows[row].interface && i < sim_snmp_column_count; i++) {
            struct snmp_oid_buf oid;
            any = true;
            if (interface_oid(&sim_snmp_columns[i], agent->rows[row].index, &oid) == 0) {
                put(maker, oid.oid,
                    (struct sim_snmp_object){ .point = SIM_SNMP_NO_POINT,
                                              .row = (uint16_t)row,
                                              .what = SIM_SNMP_INTERFACE,
                                              .column = (uint8_t)i,
                                              .tag = sim_snmp_columns[i].tag,
                                              .writable = sim_snmp_columns[i].writable });
            }
        }
    }
    if (any) {
        put(maker, oid_of(if_number, sizeof(if_number)),
            (struct sim_snmp_object){
                .point = SIM_SNMP_NO_POINT, .what = SIM_SNMP_IF_NUMBER, .tag = BER_INTEGER });
    }
}

/* Behind a column: the row's number, and 1 for each further index of the table. */
static int append_index(struct snmp_oid_buf *oid, const struct sim_snmp_row *row)
{
    int error = snmp_oid_append(oid, row->index);
    for (unsigned i = 1; error == 0 && i < row->indexes; i++) {
        error = snmp_oid_append(oid, 1);
    }
    return error;
}

/* ---- points ---- */

static void put_point(struct maker *maker, uint32_t point)
{
    struct sim_snmp_agent *agent = maker->agent;
    const struct snmp_address *address = &agent->addresses[point];
    struct snmp_oid_buf oid;
    if (address->oid.size == 0) {
        return; /* it is set by traps alone */
    }
    struct sim_snmp_object object = { .point = point,
                                      .what = SIM_SNMP_POINT,
                                      .tag = sim_snmp_value_tag(address->meaning),
                                      .writable = agent->dev->points[point].cls->write.allowed };
    snmp_oid_take(&oid, address->oid);
    if (address->row != NULL) {
        object.row = get_row(maker, address->row);
        if (maker->error == 0 && append_index(&oid, &agent->rows[object.row]) != 0) {
            maker->error = BUSBAR_ELIMIT;
        }
    }
    put(maker, oid.oid, object);
}

static void put_row_names(struct maker *maker)
{
    const struct sim_snmp_agent *agent = maker->agent;
    for (size_t row = 0; row < agent->row_count; row++) {
        struct snmp_oid_buf oid;
        if (agent->rows[row].interface) {
            continue;
        }
        snmp_oid_take(&oid, agent->rows[row].column);
        if (append_index(&oid, &agent->rows[row]) == 0) {
            put(maker, oid.oid,
                (struct sim_snmp_object){ .point = SIM_SNMP_NO_POINT,
                                          .row = (uint16_t)row,
                                          .what = SIM_SNMP_ROW_NAME,
                                          .tag = BER_OCTETS });
        }
    }
}

/* ---- all ---- */

static int order(const void *a, const void *b)
{
    const struct sim_snmp_object *one = a, *other = b;
    int by_oid = snmp_oid_order(one->oid, other->oid);
    if (by_oid != 0) {
        return by_oid;
    }
    return one->what != other->what ? (int)one->what - (int)other->what
                                    : (one->point > other->point) - (one->point < other->point);
}

/* One object for each OID: a point in an interface's column is that column. */
static int settle(struct maker *maker)
{
    struct sim_snmp_agent *agent = maker->agent;
    size_t kept = 0;
    agent->objects = arena_alloc_array(&agent->arena, maker->count + 1, sizeof(*agent->objects));
    agent->by_point = arena_alloc_array(&agent->arena, agent->dev->point_count + 1,
                                        sizeof(*agent->by_point));
    if (agent->objects == NULL || agent->by_point == NULL) {
        return BUSBAR_ENOMEM;
    }
    for (size_t i = 0; i < agent->dev->point_count; i++) {
        agent->by_point[i] = SIM_SNMP_NO_POINT;
    }
    qsort(maker->objects, maker->count, sizeof(*maker->objects), order);
    for (size_t i = 0; i < maker->count; i++) {
        const struct sim_snmp_object *from = &maker->objects[i];
        struct sim_snmp_object *last = kept > 0 ? &agent->objects[kept - 1] : NULL;
        if (last == NULL || !snmp_oid_equal(last->oid, from->oid)) {
            agent->objects[kept++] = *from;
        } else if (from->point != SIM_SNMP_NO_POINT) {
            last->point = last->point == SIM_SNMP_NO_POINT ? from->point : last->point;
            last->writable = last->writable || from->writable;
        }
        if (from->point != SIM_SNMP_NO_POINT) {
            agent->by_point[from->point] = (uint32_t)(kept - 1);
        }
    }
    agent->object_count = kept;
    return 0;
}

static void make_rows(struct maker *maker)
{
    struct sim_snmp_agent *agent = maker->agent;
    for (size_t i = 0; i < agent->dev->point_count && maker->error == 0; i++) {
        const struct snmp_address *address = &agent->addresses[i];
        const struct mib_object *column = address->meaning->object;
        const struct mib_object *entry = column != NULL ? mib_row_of(column) : NULL;
        if (address->row != NULL) {
            uint16_t row = get_row(maker, address->row);
            if (maker->error == 0 && entry != NULL && entry->index_count > 1) {
                agent->rows[row].indexes = entry->index_count;
            }
        }
    }
    pad_interfaces(maker);
    number_rows(agent);
}

int sim_snmp_objects_make(struct sim_snmp_agent *agent)
{
    static const uint8_t system_tags[SYSTEM_OBJECTS] = { BER_OCTETS, BER_OID,    BER_TIMETICKS,
                                                         BER_OCTETS, BER_OCTETS, BER_OCTETS,
                                                         BER_INTEGER };
    static const uint8_t engine_tags[ENGINE_OBJECTS] = { BER_OCTETS, BER_INTEGER, BER_INTEGER,
                                                         BER_INTEGER };
    struct maker maker = { .agent = agent };
    arena_fini(&agent->arena);
    arena_init(&agent->arena, 0);
    busbar_free(agent->rows);
    agent->rows = NULL;
    agent->row_count = 0;
    make_rows(&maker);
    put_scalars(&maker, oid_of(system_group, sizeof(system_group)), SIM_SNMP_SYSTEM, SYSTEM_OBJECTS,
                system_tags);
    if (agent->user != NULL) {
        put_scalars(&maker, oid_of(engine_group, sizeof(engine_group)), SIM_SNMP_ENGINE,
                    ENGINE_OBJECTS, engine_tags);
    }
    put_interfaces(&maker);
    put_row_names(&maker);
    for (size_t i = 0; i < agent->dev->point_count && maker.error == 0; i++) {
        put_point(&maker, (uint32_t)i);
    }
    int error = maker.error == 0 ? settle(&maker) : maker.error;
    busbar_free(maker.objects);
    return error;
}
