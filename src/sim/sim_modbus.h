/* SPDX-License-Identifier: Apache-2.0 */
/* The Modbus simulator: units (memory and function codes, pure) behind servers (sim_modbus.c). */
#ifndef BUSBAR_SIM_SIM_MODBUS_H
#define BUSBAR_SIM_SIM_MODBUS_H

#include "drivers/modbus/modbus_address.h"
#include "drivers/modbus/modbus_codec.h"
#include "sim/sim_value.h"

struct sim_ops;
const struct sim_ops *sim_modbus(void);

enum { SIM_UNIT_REFRESH_US = 250000 }; /* values move at most that often */

/* The addresses of one table that exist: from the lowest to the highest that a point has. */
struct sim_table {
    uint32_t start, count; /* registers or bits */
    uint8_t *data; /* registers: two bytes each, as on the wire; bits: one byte each, 0 or 1 */
    uint8_t *used; /* bit map: a point lives here */
};

struct sim_unit {
    const struct device *dev;
    const struct modbus_address *addresses; /* one a point */
    struct sim_table tables[MODBUS_TABLES];
    struct sim_value *values; /* one a point */
    uint8_t *held;            /* bit map of points: written by somebody, stands still */
    int64_t refreshed_us;     /* wall clock */
};

/* BUSBAR_ENOMEM. */
int sim_unit_init(struct sim_unit *unit, const struct device *dev, uint64_t seed);
void sim_unit_fini(struct sim_unit *unit);

/* Moves the values on, when that is due. */
void sim_unit_refresh(struct sim_unit *unit, int64_t wall_us);

/* Answers a PDU; holes: addresses where no point lives are refused. Returns the reply's size, at
 * most MODBUS_PDU_MAX; 0 for a request too broken to be answered. */
size_t sim_unit_answer(struct sim_unit *unit, const uint8_t *pdu, size_t size, bool holes,
                       uint8_t reply[MODBUS_PDU_MAX]);

/* As struct sim_ops. */
int sim_unit_hold(struct sim_unit *unit, uint32_t point, uint8_t type, union value raw);

#endif
