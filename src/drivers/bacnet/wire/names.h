/* SPDX-License-Identifier: Apache-2.0 */
/* Names of BACnet's numbers: objects, properties, units, enumerations, services, errors. Tables only;
 * the standard's spelling with hyphens ("analog-input"), numbers where there is no name (proprietary
 * ones). Constants for code are wire/numbers.h. */
#ifndef BUSBAR_DRIVERS_BACNET_WIRE_NAMES_H
#define BUSBAR_DRIVERS_BACNET_WIRE_NAMES_H

#include "base/err.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/value.h"

enum { BACNET_NAME_TEXT_MAX = 64, BACNET_OBJECT_TEXT_MAX = 72 };

struct bacnet_name {
    uint32_t number;
    const char *name;
};

/* "analog-input"; NULL: the list has no such number. */
const char *bacnet_name(enum bacnet_list list, uint32_t number);
/* The same, or the number in digits; returns the length. */
size_t bacnet_format_name(char *to, size_t size, enum bacnet_list list, uint32_t number);
/* By name or digits, in any case, with '-', '_' or ' ' between words; objects also by their short names (AI,
 * BV, MSI ...). BUSBAR_ENOENT: no such name. */
int bacnet_number(enum bacnet_list list, const char *text, uint32_t *out);
/* The name most like `text`, for hints; NULL: none is near. */
const char *bacnet_name_near(enum bacnet_list list, const char *text);
/* The names of a list one by one, ascending by number, from row 0 on; false: there is no such row. */
bool bacnet_name_at(enum bacnet_list list, size_t row, struct bacnet_name *name);

/* What explains an enumerated or bit string value of this property; BACNET_LIST_NONE: nothing. */
enum bacnet_list bacnet_property_list(uint16_t object_type, uint32_t property);

/* "AI" of analog-input; NULL: has none. */
const char *bacnet_object_short(uint16_t type);

/* "analog-input:1" or "130:5"; returns the length. */
size_t bacnet_format_object(char *to, size_t size, struct bacnet_object object);
/* "analog-input:1", "AI:1", "ANALOG_INPUT:1", "analog-input,1", "130:5". BUSBAR_EINVAL with the
 * nearest name as hint. */
int bacnet_parse_object(const char *text, struct bacnet_object *out, struct err *err);

/* The symbol busbar shows for an engineering unit: "degC", "kW", "%"; "" = none (no-units);
 * NULL = not known. */
const char *bacnet_unit_symbol(uint32_t unit);
/* The engineering unit of a symbol or a name; BUSBAR_ENOENT. */
int bacnet_unit_of(const char *text, uint32_t *unit);

/* A refusal in words. */
struct bacnet_problem {
    uint32_t number;
    const char *name;    /* the standard's: "write-access-denied" */
    const char *meaning; /* in plain words */
    const char *next;    /* what to do */
    const char *words;   /* all in one: "NAME: MEANING; NEXT" */
};

/* NULL: not known (then proprietary from 256 on, of reject and abort from 64 on). */
const struct bacnet_problem *bacnet_error_code(uint32_t code);
const struct bacnet_problem *bacnet_reject_reason(uint32_t reason);
const struct bacnet_problem *bacnet_abort_reason(uint32_t reason);
/* Why a device does not trust its own value (Reliability). */
const struct bacnet_problem *bacnet_reliability(uint32_t reliability);

#endif
