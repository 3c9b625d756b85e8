/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_propose.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "drivers/snmp/mib/hint.h"
#include "drivers/snmp/snmp_known.h"

enum { SETTINGS_MAX = 4096, UNITS_MAX = 32, SCALE_MAX = 40, UP = 1 };

/* ---- what is worth a point ---- */

enum when {
    ALWAYS,
    PORT,      /* of ports that shall be up */
    PORT_UP,   /* of ports that are up */
    PORT_SLOW, /* of ports that are up and have no counters of 64 bits */
    STORAGE,   /* of storage that there is; scaled by its allocation units */
    SENSOR,    /* scaled by its type, scale and precision */
    LEVEL,     /* of supplies: not where the agent tells less than a number */
};

struct rule {
    struct snmp_known oid; /* of the scalar or column */
    uint8_t when;
    const char *name;  /* of the point, behind the name of its row */
    const char *as;    /* "rate" */
    double scale;      /* of the point; 0: none */
    const char *units; /* of it; NULL: as the catalogue says */
};

static const struct rule rules[] = {
    { SNMP_KNOWN(SNMP_MIB2, 1, 3), ALWAYS, "uptime", NULL, 0, "s" }, /* sysUpTime */
    /* IF-MIB */
    { SNMP_KNOWN(SNMP_IF, 8), PORT, "status", NULL, 0, NULL },
    { SNMP_KNOWN(SNMP_IFX, 6), PORT_UP, "in", "rate", 8, "bit/s" },    /* ifHCInOctets */
    { SNMP_KNOWN(SNMP_IFX, 10), PORT_UP, "out", "rate", 8, "bit/s" },  /* ifHCOutOctets */
    { SNMP_KNOWN(SNMP_IF, 10), PORT_SLOW, "in", "rate", 8, "bit/s" },  /* ifInOctets */
    { SNMP_KNOWN(SNMP_IF, 16), PORT_SLOW, "out", "rate", 8, "bit/s" }, /* ifOutOctets */
    { SNMP_KNOWN(SNMP_IF, 14), PORT_UP, "in errors", "rate", 0, "1/s" },
    { SNMP_KNOWN(SNMP_IF, 20), PORT_UP, "out errors", "rate", 0, "1/s" },
    /* ENTITY-SENSOR-MIB */
    { SNMP_KNOWN(SNMP_SENSOR, 4), SENSOR, "", NULL, 0, NULL },
    /* HOST-RESOURCES-MIB, UCD-SNMP-MIB */
    { SNMP_KNOWN(SNMP_STORAGE, 6), STORAGE, "used", NULL, 0, "B" },
    { SNMP_KNOWN(SNMP_MIB2, 25, 3, 3, 1, 2), ALWAYS, "load", NULL, 0, "%" }, /* hrProcessorLoad */
    { SNMP_KNOWN(SNMP_UCD, 10, 1, 5), ALWAYS, "", NULL, 0.01, "" },          /* laLoadInt */
    { SNMP_KNOWN(SNMP_UCD, 4, 6), ALWAYS, "memory available", NULL, 1024, "B" },
    /* UPS-MIB */
    { SNMP_KNOWN(SNMP_UPS, 2, 1), ALWAYS, "battery status", NULL, 0, NULL },
    { SNMP_KNOWN(SNMP_UPS, 2, 2), ALWAYS, "on battery", NULL, 0, "s" },
    { SNMP_KNOWN(SNMP_UPS, 2, 3), ALWAYS, "minutes left", NULL, 0, "min" },
    { SNMP_KNOWN(SNMP_UPS, 2, 4), ALWAYS, "battery charge", NULL, 0, "%" },
    { SNMP_KNOWN(SNMP_UPS, 2, 5), ALWAYS, "battery voltage", NULL, 0.1, "V" },
    { SNMP_KNOWN(SNMP_UPS, 2, 7), ALWAYS, "battery temperature", NULL, 0, "degC" },
    { SNMP_KNOWN(SNMP_UPS, 3, 3, 1, 2), ALWAYS, "input frequency", NULL, 0.1, "Hz" },
    { SNMP_KNOWN(SNMP_UPS, 3, 3, 1, 3), ALWAYS, "input voltage", NULL, 0, "V" },
    { SNMP_KNOWN(SNMP_UPS, 4, 1), ALWAYS, "output source", NULL, 0, NULL },
    { SNMP_KNOWN(SNMP_UPS, 4, 4, 1, 2), ALWAYS, "output voltage", NULL, 0, "V" },
    { SNMP_KNOWN(SNMP_UPS, 4, 4, 1, 3), ALWAYS, "output current", NULL, 0.1, "A" },
    { SNMP_KNOWN(SNMP_UPS, 4, 4, 1, 4), ALWAYS, "output power", NULL, 0, "W" },
    { SNMP_KNOWN(SNMP_UPS, 4, 4, 1, 5), ALWAYS, "output load", NULL, 0, "%" },
    { SNMP_KNOWN(SNMP_UPS, 6, 1), ALWAYS, "alarms", NULL, 0, "" },
    /* Printer-MIB */
    { SNMP_KNOWN(SNMP_SUPPLIES, 9), LEVEL, "level", NULL, 0, NULL },
    { SNMP_KNOWN(SNMP_MIB2, 43, 10, 2, 1, 4), ALWAYS, "pages", NULL, 0, "" }, /* LifeCount */
    { SNMP_KNOWN(SNMP_MIB2, 25, 3, 5, 1, 1), ALWAYS, "status", NULL, 0, NULL },
    /* APC rPDU2: device, phases, outlets */
    { SNMP_KNOWN(SNMP_PDU, 4, 3, 1, 5), ALWAYS, "power", NULL, 0.01, "kW" },
    { SNMP_KNOWN(SNMP_PDU, 4, 3, 1, 9), ALWAYS, "energy", NULL, 0.1, "kWh" },
    { SNMP_KNOWN(SNMP_PDU, 6, 3, 1, 4), ALWAYS, "phase load state", NULL, 0, NULL },
    { SNMP_KNOWN(SNMP_PDU, 6, 3, 1, 5), ALWAYS, "phase current", NULL, 0.1, "A" },
    { SNMP_KNOWN(SNMP_PDU, 6, 3, 1, 6), ALWAYS, "phase voltage", NULL, 0, "V" },
    { SNMP_KNOWN(SNMP_PDU, 9, 2, 3, 1, 5), ALWAYS, "outlet", NULL, 0, NULL },
};

static const struct rule *rule_of(struct snmp_oid oid)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (snmp_known_is(&rules[i].oid, oid)) {
            return &rules[i];
        }
    }
    return NULL;
}

/* The number in a column of the same row; fallback: there is none. */
static int64_t in_row(const struct snmp_row *row, const struct snmp_known *column, int64_t fallback)
{
    int64_t number = fallback;
    if (row != NULL) {
        (void)snmp_row_number(row, snmp_known_oid(column), &number);
    }
    return number;
}

static bool is_due(const struct rule *rule, const struct snmp_row *row,
                   const struct snmp_cell *cell)
{
    static const struct snmp_known admin = SNMP_KNOWN(SNMP_IF, 7);
    static const struct snmp_known oper = SNMP_KNOWN(SNMP_IF, 8);
    static const struct snmp_known wide = SNMP_KNOWN(SNMP_IFX, 6);
    static const struct snmp_known size = SNMP_KNOWN(SNMP_STORAGE, 5);
    bool up = in_row(row, &oper, UP) == UP;
    int64_t level = 0;
    switch (rule->when) {
    case PORT: return in_row(row, &admin, UP) == UP;
    case PORT_UP: return up;
    case PORT_SLOW: return up && row != NULL && snmp_row_cell(row, snmp_known_oid(&wide)) == NULL;
    case STORAGE: return in_row(row, &size, 0) > 0;
    case LEVEL: return ber_int(cell->value.content, &level) && level >= 0;
    default: return true;
    }
}

/* ---- units and scales ---- */

/* "0.1 RMS Volts" of a module: a tenth, V. */
static const struct {
    const char *word, *units;
} unit_words[] = {
    { "RMS Volts", "V" },
    { "RMS Volt", "V" },
    { "Volt DC", "V" },
    { "Volts", "V" },
    { "Volt", "V" },
    { "RMS Amp", "A" },
    { "Amp DC", "A" },
    { "Amps", "A" },
    { "Amp", "A" },
    { "Watts", "W" },
    { "Hertz", "Hz" },
    { "degrees Centigrade", "degC" },
    { "degrees Celsius", "degC" },
    { "percent", "%" },
    { "minutes", "min" },
    { "seconds", "s" },
    { "octets", "B" },
    { "bytes", "B" },
};

static void units_of_module(const char *text, double *scale, char units[UNITS_MAX])
{
    char *end = NULL;
    double number = strtod(text, &end);
    const char *word = end != text && number > 0 && *end == ' ' ? end + 1 : text;
    for (size_t i = 0; i < sizeof(unit_words) / sizeof(unit_words[0]); i++) {
        if (strcasecmp(word, unit_words[i].word) == 0) {
            *scale = word != text ? number : 1;
            (void)str_copy(units, UNITS_MAX, unit_words[i].units);
            return;
        }
    }
    (void)str_copy(units, UNITS_MAX, text);
}

static double power_of_ten(int exponent)
{
    double power = 1;
    for (int i = 0; i < abs(exponent); i++) {
        power *= 10;
    }
    return exponent < 0 ? 1 / power : power;
}

/* EntitySensorDataType, -DataScale and -Precision (RFC 3433). */
static void units_of_sensor(const struct snmp_row *row, double *scale, char units[UNITS_MAX])
{
    static const struct snmp_known type_at = SNMP_KNOWN(SNMP_SENSOR, 1);
    static const struct snmp_known scale_at = SNMP_KNOWN(SNMP_SENSOR, 2);
    static const struct snmp_known precision_at = SNMP_KNOWN(SNMP_SENSOR, 3);
    static const char *const words[] = { "",   "",     "",    "V",     "V",      "A", "W",
                                         "Hz", "degC", "%RH", "1/min", "m3/min", "" };
    static const int exponents[] = { 0, -24, -21, -18, -15, -12, -9, -6, -3,
                                     0, 3,   6,   9,   12,  18,  15, 21, 24 };
    int64_t type = in_row(row, &type_at, 0);
    int64_t exponent = in_row(row, &scale_at, 9);
    int64_t precision = in_row(row, &precision_at, 0);
    bool known = exponent > 0 && exponent < (int64_t)(sizeof(exponents) / sizeof(exponents[0])) &&
                 precision >= -8 && precision <= 9;
    if (type > 0 && type < (int64_t)(sizeof(words) / sizeof(words[0]))) {
        (void)str_copy(units, UNITS_MAX, words[type]);
    }
    *scale = known ? power_of_ten(exponents[exponent] - (precision > 0 ? (int)precision : 0)) : 1;
}

struct measure {
    double scale; /* 1: none */
    char units[UNITS_MAX];
    bool told; /* not what the catalogue says */
};

static struct measure measure_of(const struct rule *rule, const struct snmp_row *row,
                                 const struct snmp_cell *cell)
{
    static const struct snmp_known allocation = SNMP_KNOWN(SNMP_STORAGE, 4);
    struct measure measure = { .scale = 1 };
    if (rule != NULL && rule->when == SENSOR) {
        units_of_sensor(row, &measure.scale, measure.units);
        measure.told = true;
    } else if (rule != NULL && rule->when == STORAGE) {
        measure.scale = (double)in_row(row, &allocation, 1);
        (void)str_copy(measure.units, UNITS_MAX, rule->units);
        measure.told = true;
    } else if (rule != NULL && rule->units != NULL) {
        measure.scale = rule->scale > 0 ? rule->scale : 1;
        (void)str_copy(measure.units, UNITS_MAX, rule->units);
        measure.told = true;
    } else if (cell->object != NULL && cell->object->units[0] != '\0') {
        units_of_module(cell->object->units, &measure.scale, measure.units);
        measure.told = strcmp(measure.units, cell->object->units) != 0;
    }
    return measure;
}

/* ---- the settings ---- */

/* Plain where YAML takes it as it is, else in quotes. */
static void put_word(struct buf *out, const char *text)
{
    struct json_writer json = json_writer(out);
    bool plain = isalpha((unsigned char)text[0]) != 0;
    for (const char *at = text; *at != '\0'; at++) {
        plain = plain && (isalnum((unsigned char)*at) || strchr("._-/", *at) != NULL);
    }
    static const char *const taken[] = {
        "true", "false", "yes", "no", "on", "off", "null", "y", "n"
    };
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        plain = plain && strcasecmp(text, taken[i]) != 0;
    }
    if (plain) {
        (void)buf_append_text(out, text);
    } else {
        json_string(&json, text);
    }
}

/* "ifOperStatus.7"; with its module where another one has such a name too. */
static void put_oid(const struct mib *mib, const struct mib_object *object, struct snmp_oid oid,
                    struct buf *out)
{
    struct buf text;
    buf_init(&text, SETTINGS_MAX);
    mib_print(mib, oid, &text);
    const char *apart = strstr(buf_text(&text), "::");
    bool alone = apart != NULL && object != NULL && mib_named(mib, object->name) == object;
    put_word(out, alone ? apart + 2 : buf_text(&text));
    buf_fini(&text);
}

static void put_place(const struct snmp_table *table, const struct snmp_row *row,
                      const struct snmp_cell *cell, struct buf *out)
{
    static const struct snmp_known if_name = SNMP_KNOWN(SNMP_IFX, 1);
    bool by_name = row != NULL && row->named != NULL && row->unique && cell != row->named;
    (void)buf_append_text(out, "{ oid: ");
    put_oid(table->mib, cell->object, by_name ? cell->object->oid : cell->oid, out);
    if (!by_name) {
        return;
    }
    (void)buf_append_text(out, ", row: ");
    if (snmp_known_is(&if_name, row->named->object->oid) && strchr(row->title, '=') == NULL) {
        put_word(out, row->title);
        return;
    }
    struct buf text;
    buf_init(&text, SETTINGS_MAX);
    (void)buf_printf(&text, "%s=%s", row->named->object->name, row->title);
    put_word(out, buf_text(&text));
    buf_fini(&text);
}

static void put_settings(const struct snmp_table *table, const struct snmp_row *row,
                         const struct snmp_cell *cell, const struct rule *rule,
                         const struct measure *measure, struct buf *out)
{
    char scale[SCALE_MAX];
    bool hinted = cell->object != NULL && mib_hint_divisor(cell->object->hint) != 1;
    put_place(table, row, cell, out);
    if (rule != NULL && rule->as != NULL) {
        (void)buf_printf(out, ", as: %s", rule->as);
    }
    if (measure->scale != 1 && !hinted) {
        (void)str_format_double(scale, sizeof(scale), measure->scale);
        (void)buf_printf(out, ", scale: %s", scale);
    }
    if (measure->told && measure->units[0] != '\0') {
        (void)buf_append_text(out, ", units: ");
        put_word(out, measure->units);
    }
    (void)buf_append_text(out, " }");
}

static const char *name_of(struct snmp_table *table, const struct snmp_row *row,
                           const struct snmp_cell *cell, const struct rule *rule)
{
    const char *last = rule != NULL           ? rule->name
                       : cell->object != NULL ? cell->object->name
                                              : "value";
    struct buf index;
    if (row != NULL && row->title[0] != '\0') {
        return arena_printf(&table->arena, "%s %s", row->title, last);
    }
    if (row == NULL && cell->object != NULL) {
        return arena_strdup(&table->arena, last);
    }
    buf_init(&index, SETTINGS_MAX);
    (void)buf_append_text(&index, last);
    struct snmp_oid tail = row != NULL ? row->index : (struct snmp_oid){ .size = 0 };
    uint32_t part = 0;
    while (snmp_oid_next(&tail, &part)) {
        (void)buf_printf(&index, " %u", part);
    }
    if (row == NULL) {
        (void)buf_append_byte(&index, ' ');
        snmp_oid_print(cell->oid, &index);
    }
    const char *name = arena_strdup(&table->arena, buf_text(&index));
    buf_fini(&index);
    return name;
}

bool snmp_propose(struct snmp_table *table, const struct snmp_row *row,
                  const struct snmp_cell *cell, struct snmp_proposal *out)
{
    const struct rule *rule = cell->object != NULL ? rule_of(cell->object->oid) : NULL;
    struct measure measure = measure_of(rule, row, cell);
    struct buf settings;
    buf_init(&settings, SETTINGS_MAX);
    put_settings(table, row, cell, rule, &measure, &settings);
    bool rate = rule != NULL && rule->as != NULL;
    *out = (struct snmp_proposal){
        .name = name_of(table, row, cell, rule),
        .point = settings.overflow ? NULL : arena_strdup(&table->arena, buf_text(&settings)),
        .units = rate || !measure.told ? "" : arena_strdup(&table->arena, measure.units),
        .scale = rate ? 1 : measure.scale,
        .proposed = rule != NULL && is_due(rule, row, cell),
    };
    buf_fini(&settings);
    return out->name != NULL && out->point != NULL && out->units != NULL;
}
