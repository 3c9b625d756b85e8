/* SPDX-License-Identifier: Apache-2.0 */
/* What a server tells about a value beside it: its units, its range, the names of its numbers (Part 8, 5.6; Part 3,
 * 5.6.2). OPC UA thread only. Every function takes what was read of the property, whatever it is, and says false when it
 * is not what it should be. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_UNITS_H
#define BUSBAR_DRIVERS_OPCUA_DATA_UNITS_H

#include <open62541/types_generated.h>

#include "base/arena.h"
#include "model/point.h"

enum { OPCUA_UNITS_MAX = 64 }; /* bytes of a text of units, and its NUL */

/* EngineeringUnits (EUInformation): "degC" of the usual UNECE codes, as busbar writes units everywhere; else what the
 * server displays. "" where the value has no units. */
bool opcua_units(const UA_Variant *value, char to[OPCUA_UNITS_MAX]);

/* EURange, InstrumentRange (Range): finite, min below max. */
bool opcua_limits(const UA_Variant *value, double *min, double *max);

/* EnumStrings (LocalizedText[], by index) or EnumValues (EnumValueType[]): at most POINT_ENUM_MAX names, in the arena. */
bool opcua_enum_names(const UA_Variant *value, struct arena *arena, const struct point_enum **enums,
                      size_t *count);

/* FalseState and TrueState of a two-state value: 0 and 1. */
bool opcua_two_state_names(const UA_Variant *false_state, const UA_Variant *true_state,
                           struct arena *arena, const struct point_enum **enums, size_t *count);

#endif
