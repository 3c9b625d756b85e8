/* SPDX-License-Identifier: Apache-2.0 */
/* One Modbus unit: four tables of memory that the points' values are put into, and the answers of
 * the function codes 1-6, 15, 16, 22, 23 and 43/14 over them. What is written stays: the points it
 * touches live no longer. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/modbus/modbus_value.h"
#include "sim/sim_modbus.h"

static const uint8_t type_values[] = {
#define TYPE_VALUE(name, word, registers, value) [MODBUS_##name] = (value),
    MODBUS_TYPES(TYPE_VALUE)
#undef TYPE_VALUE
};

/* ---- memory ---- */

static bool bit_get(const uint8_t *map, uint32_t index)
{
    return (map[index / 8] >> (index % 8) & 1) != 0;
}

static void bit_set(uint8_t *map, uint32_t index, bool on)
{
    uint8_t bit = (uint8_t)(1u << (index % 8));
    map[index / 8] = (uint8_t)(on ? map[index / 8] | bit : map[index / 8] & ~bit);
}

static size_t cell_bytes(uint8_t table)
{
    return modbus_table_is_bits(table) ? 1 : 2;
}

static uint8_t *cell(const struct sim_unit *unit, uint8_t table, uint32_t address)
{
    const struct sim_table *memory = &unit->tables[table];
    assert(address >= memory->start && address < memory->start + memory->count);
    return memory->data + (address - memory->start) * cell_bytes(table);
}

static void measure_tables(struct sim_unit *unit)
{
    for (size_t i = 0; i < unit->dev->point_count; i++) {
        const struct modbus_address *at = &unit->addresses[i];
        struct sim_table *memory = &unit->tables[at->table];
        uint32_t end = (uint32_t)at->start + at->count;
        uint32_t old_end = memory->start + memory->count;
        if (memory->count == 0) {
            memory->start = at->start;
            old_end = end;
        }
        memory->start = at->start < memory->start ? at->start : memory->start;
        memory->count = (end > old_end ? end : old_end) - memory->start;
    }
}

int sim_unit_init(struct sim_unit *unit, const struct device *dev, uint64_t seed)
{
    *unit = (struct sim_unit){ .dev = dev, .addresses = dev->addresses };
    measure_tables(unit);
    unit->values = busbar_try_alloc((dev->point_count + 1) * sizeof(*unit->values));
    unit->held = busbar_try_alloc(dev->point_count / 8 + 1);
    bool whole = unit->values != NULL && unit->held != NULL;
    for (uint8_t table = 0; table < MODBUS_TABLES && whole; table++) {
        struct sim_table *memory = &unit->tables[table];
        memory->data = busbar_try_alloc(memory->count * cell_bytes(table) + 1);
        memory->used = busbar_try_alloc(memory->count / 8 + 1);
        whole = memory->data != NULL && memory->used != NULL;
    }
    if (!whole) {
        sim_unit_fini(unit);
        return BUSBAR_ENOMEM;
    }
    for (size_t i = 0; i < dev->point_count; i++) {
        const struct modbus_address *at = &unit->addresses[i];
        struct sim_table *memory = &unit->tables[at->table];
        for (uint32_t j = 0; j < at->count; j++) {
            bit_set(memory->used, at->start - memory->start + j, true);
        }
        unit->values[i] = sim_value_make(&dev->points[i], type_values[at->type], seed);
    }
    return 0;
}

void sim_unit_fini(struct sim_unit *unit)
{
    for (uint8_t table = 0; table < MODBUS_TABLES; table++) {
        busbar_free(unit->tables[table].data);
        busbar_free(unit->tables[table].used);
    }
    busbar_free(unit->values);
    busbar_free(unit->held);
    *unit = (struct sim_unit){ 0 };
}

/* ---- values ---- */

static int put(struct sim_unit *unit, uint32_t point, uint8_t type, union value raw)
{
    const struct modbus_address *at = &unit->addresses[point];
    return modbus_value_put(at, type, raw, cell(unit, at->table, at->start));
}

static void put_text(struct sim_unit *unit, uint32_t point)
{
    char words[256];
    size_t room = 2 * (size_t)unit->addresses[point].count;
    size_t size = sim_value_text(&unit->values[point], &unit->dev->points[point], words,
                                 sizeof(words));
    struct text *text = text_new(words, size < room ? size : room);
    (void)put(unit, point, VALUE_TEXT, (union value){ .text = text });
    busbar_free(text);
}

/* A number that is too big for its register is shown in tenths, hundredths ... of itself. */
static void put_number(struct sim_unit *unit, uint32_t point, int64_t wall_us)
{
    uint8_t type;
    union value raw;
    sim_value_raw(&unit->values[point], &unit->dev->points[point],
                  type_values[unit->addresses[point].type], wall_us, &type, &raw);
    for (int i = 0; i < 20 && put(unit, point, type, raw) == BUSBAR_ERANGE; i++) {
        if (type == VALUE_INT) {
            raw.i = raw.i < 0 ? -raw.i : raw.i / 10;
        } else {
            raw.d = raw.d < 0 ? -raw.d : raw.d / 10;
        }
    }
}

void sim_unit_refresh(struct sim_unit *unit, int64_t wall_us)
{
    bool first = unit->refreshed_us == 0;
    int64_t age_us = wall_us - unit->refreshed_us;
    if (!first && age_us >= 0 && age_us < SIM_UNIT_REFRESH_US) {
        return;
    }
    unit->refreshed_us = wall_us;
    for (uint32_t i = 0; i < unit->dev->point_count; i++) {
        if (bit_get(unit->held, i)) {
            continue;
        }
        if (unit->values[i].kind != SIM_TEXT) {
            put_number(unit, i, wall_us);
        } else if (first) {
            put_text(unit, i);
        }
    }
}

int sim_unit_hold(struct sim_unit *unit, uint32_t point, uint8_t type, union value raw)
{
    int error = type != VALUE_NONE ? put(unit, point, type, raw) : 0;
    if (error == 0) {
        bit_set(unit->held, point, type != VALUE_NONE);
        if (type == VALUE_NONE && unit->values[point].kind == SIM_TEXT) {
            put_text(unit, point);
        }
    }
    return error;
}

/* ---- answers ---- */

static bool exists(const struct sim_unit *unit, uint8_t table, uint32_t address, uint32_t count,
                   bool holes)
{
    const struct sim_table *memory = &unit->tables[table];
    if (address < memory->start || address + count > memory->start + memory->count) {
        return false;
    }
    for (uint32_t i = 0; i < count && holes; i++) {
        if (!bit_get(memory->used, address - memory->start + i)) {
            return false;
        }
    }
    return true;
}

/* Whoever writes an address takes the points there out of the simulator's hands. */
static void hold_written(struct sim_unit *unit, uint8_t table, uint32_t address, uint32_t count)
{
    for (uint32_t i = 0; i < unit->dev->point_count; i++) {
        const struct modbus_address *at = &unit->addresses[i];
        if (at->table == table && at->start < address + count &&
            address < (uint32_t)at->start + at->count) {
            bit_set(unit->held, i, true);
        }
    }
}

static uint8_t table_read_by(uint8_t function)
{
    switch (function) {
    case MODBUS_READ_COILS: return MODBUS_COIL;
    case MODBUS_READ_DISCRETE: return MODBUS_DISCRETE;
    case MODBUS_READ_INPUT: return MODBUS_INPUT;
    default: return MODBUS_HOLDING;
    }
}

static uint8_t read_cells(const struct sim_unit *unit, uint8_t table, const struct modbus_ask *ask,
                          uint8_t *scratch, struct modbus_reply *reply)
{
    const uint8_t *from = cell(unit, table, ask->address);
    if (!modbus_table_is_bits(table)) {
        reply->data = from;
        reply->size = (uint8_t)(ask->count * 2);
        return 0;
    }
    reply->size = (uint8_t)((ask->count + 7) / 8);
    memset(scratch, 0, reply->size);
    for (uint32_t i = 0; i < ask->count; i++) {
        bit_set(scratch, i, from[i] != 0);
    }
    reply->data = scratch;
    return 0;
}

static void write_bits(struct sim_unit *unit, const struct modbus_ask *ask)
{
    uint8_t *to = cell(unit, MODBUS_COIL, ask->address);
    for (uint32_t i = 0; i < ask->count; i++) {
        to[i] = ask->function == MODBUS_WRITE_COIL ? ask->data[0] != 0 : bit_get(ask->data, i);
    }
    hold_written(unit, MODBUS_COIL, ask->address, ask->count);
}

static void write_registers(struct sim_unit *unit, uint16_t address, uint16_t count,
                            const uint8_t *data)
{
    memcpy(cell(unit, MODBUS_HOLDING, address), data, 2 * (size_t)count);
    hold_written(unit, MODBUS_HOLDING, address, count);
}

static void mask_write(struct sim_unit *unit, const struct modbus_ask *ask)
{
    uint8_t *at = cell(unit, MODBUS_HOLDING, ask->address);
    uint16_t old = (uint16_t)((unsigned)at[0] << 8 | at[1]);
    uint16_t new = (uint16_t)((old & ask->and_mask) | (ask->or_mask & ~ask->and_mask));
    uint8_t data[2] = { (uint8_t)(new >> 8), (uint8_t) new };
    write_registers(unit, ask->address, 1, data);
}

/* One object of the identification; NULL when there is none of that number. */
static const char *object_text(const struct sim_unit *unit, unsigned object)
{
    switch (object) {
    case 0: return "busbar";
    case 1: return unit->dev->profile[0] != '\0' ? unit->dev->profile : "simulated";
    case 2: return BUSBAR_VERSION;
    case 4: return "simulated device";
    case 5: return "modbus";
    case 6: return unit->dev->name;
    default: return NULL;
    }
}

static uint8_t identify(const struct sim_unit *unit, const struct modbus_ask *ask, uint8_t *scratch,
                        struct modbus_reply *reply)
{
    bool one = ask->id_code == 4;
    unsigned first = ask->id_object, last = one ? first : ask->id_code == 1 ? 2u : 6u;
    if (ask->id_code < 1 || ask->id_code > 4) {
        return MODBUS_EXCEPTION_VALUE;
    }
    if (one && object_text(unit, first) == NULL) {
        return MODBUS_EXCEPTION_ADDRESS;
    }
    first = first > last ? 0 : first; /* an unknown start begins again (section 6.21) */
    reply->id_code = ask->id_code;
    reply->id_conformity = 0x82; /* regular, single objects too */
    reply->data = scratch;
    for (unsigned i = first; i <= last; i++) {
        const char *text = object_text(unit, i);
        if (text == NULL) {
            continue;
        }
        size_t size = strnlen(text, 30); /* all seven fit in one answer */
        scratch[reply->size] = (uint8_t)i;
        scratch[reply->size + 1] = (uint8_t)size;
        memcpy(&scratch[reply->size + 2], text, size);
        reply->size = (uint8_t)(reply->size + 2 + size);
        reply->id_count++;
    }
    return 0;
}

/* Returns an exception, or 0 with reply filled. */
static uint8_t run(struct sim_unit *unit, const struct modbus_ask *ask, bool holes,
                   uint8_t *scratch, struct modbus_reply *reply)
{
    uint8_t table = ask->function == MODBUS_WRITE_COIL || ask->function == MODBUS_WRITE_COILS
                        ? MODBUS_COIL
                        : table_read_by(ask->function);
    if (ask->function == MODBUS_IDENTIFY) {
        return identify(unit, ask, scratch, reply);
    }
    if (!exists(unit, table, ask->address, ask->count, holes) ||
        (ask->function == MODBUS_READ_WRITE &&
         !exists(unit, table, ask->write_address, ask->write_count, holes))) {
        return MODBUS_EXCEPTION_ADDRESS;
    }
    reply->address = ask->address;
    reply->count = ask->count;
    reply->and_mask = ask->and_mask;
    reply->or_mask = ask->or_mask;
    reply->data = ask->data;
    reply->size = ask->size;
    switch (ask->function) {
    case MODBUS_WRITE_COIL:
    case MODBUS_WRITE_COILS: write_bits(unit, ask); return 0;
    case MODBUS_WRITE_REGISTER:
    case MODBUS_WRITE_REGISTERS:
        write_registers(unit, ask->address, ask->count, ask->data);
        return 0;
    case MODBUS_MASK_WRITE: mask_write(unit, ask); return 0;
    case MODBUS_READ_WRITE: /* writes first (section 6.17) */
        write_registers(unit, ask->write_address, ask->write_count, ask->data);
        return read_cells(unit, table, ask, scratch, reply);
    default: return read_cells(unit, table, ask, scratch, reply);
    }
}

size_t sim_unit_answer(struct sim_unit *unit, const uint8_t *pdu, size_t size, bool holes,
                       uint8_t reply_bytes[MODBUS_PDU_MAX])
{
    uint8_t scratch[MODBUS_PDU_MAX];
    struct bytes in = bytes_of(pdu, size);
    struct bytes_out out = bytes_out_of(reply_bytes, MODBUS_PDU_MAX);
    struct modbus_ask ask;
    int error = modbus_get_ask(&in, &ask);
    if (size == 0) {
        return 0;
    }
    struct modbus_reply reply = { .function = ask.function };
    if (error == BUSBAR_EUNSUPPORTED) {
        reply.function = ask.function & 0x7f;
        reply.exception = MODBUS_EXCEPTION_FUNCTION;
    } else if (error != 0) {
        reply.exception = MODBUS_EXCEPTION_VALUE;
    } else {
        uint8_t exception = run(unit, &ask, holes, scratch, &reply);
        if (exception != 0) {
            reply = (struct modbus_reply){ .function = ask.function, .exception = exception };
        }
    }
    modbus_put_reply(&out, &reply);
    return bytes_out_size(&out);
}
