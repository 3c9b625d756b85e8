/* SPDX-License-Identifier: Apache-2.0 */
/* A unit's number is its UNECE code (Recommendation 20), the characters as a big-endian number: "CEL" is
 * 0x43454C (Part 8, 5.6.3). */
#include "drivers/opcua/data/units.h"

#include <math.h>
#include <string.h>

#include "base/str.h"

static const char cefact[] = "http://www.opcfoundation.org/UA/units/un/cefact";

static const struct {
    char code[4];
    const char *text;
} units[] = {
    { "CEL", "degC" },   { "FAH", "degF" },   { "KEL", "K" },     { "P1", "%" },
    { "C62", "" },       { "59", "ppm" },     { "61", "ppb" },    { "PAL", "Pa" },
    { "A97", "hPa" },    { "KPA", "kPa" },    { "MPA", "MPa" },   { "BAR", "bar" },
    { "MBR", "mbar" },   { "PS", "psi" },     { "ATM", "atm" },   { "WTT", "W" },
    { "KWT", "kW" },     { "MAW", "MW" },     { "WHR", "Wh" },    { "KWH", "kWh" },
    { "MWH", "MWh" },    { "JOU", "J" },      { "KJO", "kJ" },    { "3B", "MJ" },
    { "GV", "GJ" },      { "D46", "VA" },     { "KVA", "kVA" },   { "MVA", "MVA" },
    { "D44", "var" },    { "KVR", "kvar" },   { "MAR", "Mvar" },  { "KVH", "kvarh" },
    { "AMP", "A" },      { "4K", "mA" },      { "VLT", "V" },     { "2Z", "mV" },
    { "KVT", "kV" },     { "OHM", "Ohm" },    { "SIE", "S" },     { "FAR", "F" },
    { "HTZ", "Hz" },     { "KHZ", "kHz" },    { "MHZ", "MHz" },   { "MTR", "m" },
    { "KMT", "km" },     { "DMT", "dm" },     { "CMT", "cm" },    { "MMT", "mm" },
    { "4H", "um" },      { "INH", "in" },     { "FOT", "ft" },    { "YRD", "yd" },
    { "MTK", "m2" },     { "CMK", "cm2" },    { "MMK", "mm2" },   { "FTK", "ft2" },
    { "MTQ", "m3" },     { "CMQ", "cm3" },    { "MMQ", "mm3" },   { "LTR", "L" },
    { "MLT", "mL" },     { "HLT", "hL" },     { "FTQ", "ft3" },   { "GLL", "gal" },
    { "SEC", "s" },      { "C26", "ms" },     { "B98", "us" },    { "MIN", "min" },
    { "HUR", "h" },      { "DAY", "d" },      { "MTS", "m/s" },   { "KMH", "km/h" },
    { "2X", "m/min" },   { "MSK", "m/s2" },   { "RPM", "rpm" },   { "MQH", "m3/h" },
    { "MQS", "m3/s" },   { "L2", "L/min" },   { "E32", "L/h" },   { "G51", "L/s" },
    { "G2", "gal/min" }, { "2L", "ft3/min" }, { "KGM", "kg" },    { "GRM", "g" },
    { "MGM", "mg" },     { "TNE", "t" },      { "LBR", "lb" },    { "KGS", "kg/s" },
    { "E93", "kg/h" },   { "E87", "t/h" },    { "KMQ", "kg/m3" }, { "23", "g/cm3" },
    { "GL", "g/L" },     { "M1", "mg/L" },    { "GP", "mg/m3" },  { "GQ", "ug/m3" },
    { "NEW", "N" },      { "B47", "kN" },     { "NU", "Nm" },     { "DD", "deg" },
    { "C81", "rad" },    { "2A", "rad/s" },   { "2N", "dB" },     { "LUX", "lx" },
    { "LUM", "lm" },     { "CDL", "cd" },     { "D54", "W/m2" },  { "D10", "S/m" },
};

static uint32_t code_number(const char *code)
{
    uint32_t number = 0;
    for (; *code != '\0'; code++) {
        number = number << 8 | (uint8_t)*code;
    }
    return number;
}

static bool is_text(const UA_String *text, const char *other)
{
    return text->length == strlen(other) && memcmp(text->data, other, text->length) == 0;
}

/* A text of a server that a person will read; NULL: it is none. */
static const char *keep(struct arena *arena, const UA_String *text)
{
    if (text->length == 0 || !str_is_utf8((const char *)text->data, text->length)) {
        return NULL;
    }
    return arena_strndup(arena, (const char *)text->data, text->length);
}

bool opcua_units(const UA_Variant *value, char to[OPCUA_UNITS_MAX])
{
    if (!UA_Variant_hasScalarType(value, &UA_TYPES[UA_TYPES_EUINFORMATION])) {
        return false;
    }
    const UA_EUInformation *told = value->data;
    if (is_text(&told->namespaceUri, cefact)) {
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
            if (told->unitId > 0 && (uint32_t)told->unitId == code_number(units[i].code)) {
                (void)str_copy(to, OPCUA_UNITS_MAX, units[i].text);
                return true;
            }
        }
    }
    const UA_String *shown = &told->displayName.text;
    if (shown->length >= OPCUA_UNITS_MAX ||
        !str_is_utf8((const char *)shown->data, shown->length)) {
        return false;
    }
    if (shown->length > 0) {
        memcpy(to, shown->data, shown->length);
    }
    to[shown->length] = '\0';
    return true;
}

bool opcua_limits(const UA_Variant *value, double *min, double *max)
{
    if (!UA_Variant_hasScalarType(value, &UA_TYPES[UA_TYPES_RANGE])) {
        return false;
    }
    const UA_Range *range = value->data;
    if (!isfinite(range->low) || !isfinite(range->high) || range->low >= range->high) {
        return false;
    }
    *min = range->low;
    *max = range->high;
    return true;
}

/* The number and name at an index of the property. */
static const UA_String *name_at(const UA_Variant *value, size_t index, int64_t *number)
{
    if (value->type == &UA_TYPES[UA_TYPES_ENUMVALUETYPE]) {
        const UA_EnumValueType *row = (const UA_EnumValueType *)value->data + index;
        *number = row->value;
        return &row->displayName.text;
    }
    *number = (int64_t)index;
    return &((const UA_LocalizedText *)value->data)[index].text;
}

bool opcua_enum_names(const UA_Variant *value, struct arena *arena, const struct point_enum **enums,
                      size_t *count)
{
    if (!UA_Variant_hasArrayType(value, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]) &&
        !UA_Variant_hasArrayType(value, &UA_TYPES[UA_TYPES_ENUMVALUETYPE])) {
        return false;
    }
    size_t most = value->arrayLength < POINT_ENUM_MAX ? value->arrayLength : POINT_ENUM_MAX;
    struct point_enum *rows = arena_alloc_array(arena, most, sizeof(*rows));
    size_t kept = 0;
    for (size_t i = 0; rows != NULL && i < most; i++) {
        const UA_String *name = name_at(value, i, &rows[kept].value);
        rows[kept].name = keep(arena, name);
        kept += rows[kept].name != NULL;
    }
    if (kept == 0) {
        return false;
    }
    *enums = rows;
    *count = kept;
    return true;
}

bool opcua_two_state_names(const UA_Variant *false_state, const UA_Variant *true_state,
                           struct arena *arena, const struct point_enum **enums, size_t *count)
{
    const UA_DataType *text = &UA_TYPES[UA_TYPES_LOCALIZEDTEXT];
    if (!UA_Variant_hasScalarType(false_state, text) ||
        !UA_Variant_hasScalarType(true_state, text)) {
        return false;
    }
    struct point_enum *rows = arena_alloc_array(arena, 2, sizeof(*rows));
    if (rows == NULL) {
        return false;
    }
    rows[0].name = keep(arena, &((const UA_LocalizedText *)false_state->data)->text);
    rows[1].name = keep(arena, &((const UA_LocalizedText *)true_state->data)->text);
    rows[1].value = 1;
    if (rows[0].name == NULL || rows[1].name == NULL) {
        return false;
    }
    *enums = rows;
    *count = 2;
    return true;
}
