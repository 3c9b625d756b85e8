/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated point reads: a value that someone who knows such devices would believe.
 * Protocol-blind and pure: a function of the point, a seed and the time, so that two readers see
 * the same and a restart goes on where it was.
 *
 *   by enum       one of its states, another one from time to time
 *   by type       a switch goes on and off, a text names the device
 *   by counter    grows, at a pace that fits its units
 *   by write      a set point stands still inside its limits until it is written
 *   by units      degC, %, kW, V ... swing around what is usual; the name tells supply air from
 *   outdoor else          swings around a number of its own */
#ifndef BUSBAR_SIM_SIM_VALUE_H
#define BUSBAR_SIM_SIM_VALUE_H

#include "model/device.h"

enum sim_value_kind { SIM_STATE, SIM_SWITCH, SIM_TEXT, SIM_COUNTER, SIM_CONSTANT, SIM_SWING };

struct sim_value {
    float center, span; /* engineering units; counter: start and growth a second */
    float step;         /* what the sensor resolves */
    uint32_t seed;
    uint8_t kind; /* enum sim_value_kind */
};

/* raw_type: enum value_type of the address, before conversion. */
struct sim_value sim_value_make(const struct point *pt, uint8_t raw_type, uint64_t seed);

/* By its name it is off, or 0, most of the time: an alarm, a fault, a window. */
bool sim_value_rare(const struct point *pt);

/* The raw value at a time (the inverse of scale and offset applied). Not for SIM_TEXT. */
void sim_value_raw(const struct sim_value *value, const struct point *pt, uint8_t raw_type,
                   int64_t wall_us, uint8_t *type, union value *raw);

/* The text of a SIM_TEXT point; size of `to` is TEXT_BYTES_MAX at most. Returns its length. */
size_t sim_value_text(const struct sim_value *value, const struct point *pt, char *to, size_t size);

#endif
