/* SPDX-License-Identifier: Apache-2.0 */
/* Values of OPC UA into samples and back. OPC UA thread only (types of the library).
 *
 * All built-in types (Part 6, 5.1.2) come out as bool, int64, double or text: dates as RFC 3339 texts, GUIDs and
 * node ids as written, byte strings as base64, localized texts as their text, enumerations as integers (their names are
 * the point's `enum`), status codes by their names. UInt64 above 2^63-1 is out of range, not wrong. An array
 * without a range, and a structure without a member, come out as JSON text within TEXT_BYTES_MAX. */
#ifndef BUSBAR_DRIVERS_OPCUA_DATA_VALUE_H
#define BUSBAR_DRIVERS_OPCUA_DATA_VALUE_H

#include <open62541/types_generated.h>

#include "base/arena.h"
#include "model/sample.h"

struct opcua_types; /* structures and enumerations of one server, data/types.h */

/* What of a value a point wants. Immutable. */
struct opcua_want {
    const char *member; /* "Position.X": of a structure, as in data/decode.h; NULL: all of it */
    /* How many elements the range names at most (opcua_range_count): the answer may not have more, and with 1 it is that
     * element itself. 0: there is no range. */
    uint32_t elements;
};

/* A DataValue: value, status into quality and detail (text/status.h), source time (else server time, else 0).
 * Texts live in `texts` until its owner resets it. Never fails: what cannot be said has a bad quality. Good values have
 * detail 0, but for a structure kept raw (OPCUA_FOUND_NO_DEFINITION). OPCUA_FOUND_LOADING: its structure is being asked
 * for: look again when types->loaded says so. types may be NULL. */
void opcua_sample(const UA_DataValue *value, const struct opcua_want *want,
                  struct opcua_types *types, struct arena *texts, struct sample *out);

/* A value to write, as the node's DataType and ValueRank want it; an array is a text with a JSON array in it, one
 * element of one (want->elements 1) the element. value_type: of the value that is there now, for DataTypes that take
 * any (Number); NULL or a null id: not known. Returns 0 (caller clears out), BUSBAR_ERANGE (does not fit),
 * BUSBAR_EUNSUPPORTED (a type nobody writes by hand, a member), BUSBAR_EINVAL (text that is no such),
 * BUSBAR_EWRONGTYPE, BUSBAR_EAGAIN (the type is being asked for: again after types->loaded). */
int opcua_variant(const struct sample *sample, const struct opcua_want *want,
                  const UA_NodeId *data_type, const UA_NodeId *value_type, int32_t value_rank,
                  struct opcua_types *types, UA_Variant *out);

/* UA_DateTime (100 ns since 1601) to microseconds UTC since 1970 and back. What is not after 1970 and before 10000 is no
 * time of a sample: 0. */
int64_t opcua_time_us(UA_DateTime time);
UA_DateTime opcua_time_of(int64_t time_us);

#endif
