/* SPDX-License-Identifier: Apache-2.0 */
/* Looking up in the tables of names. Numbers are found by halving (most rows sit at their own number);
 * names are compared one by one, as that happens only when a configuration is read. */
#include "drivers/bacnet/wire/names.h"

#include <stdlib.h>

#include "base/str.h"
#include "drivers/bacnet/wire/names_tables.h"

enum {
    NAMES_MAX = 640,
    TYPE_TEXT_MAX = 48
}; /* rows of the longest list; a type's name as written */

/* A list, whichever kind of rows it has. */
struct list_of {
    const struct bacnet_table *names;
    const struct bacnet_problems *problems;
};

static struct list_of list_of(enum bacnet_list list)
{
    switch (list) {
    case BACNET_LIST_OBJECT_TYPES: return (struct list_of){ .names = &bacnet_table_objects };
    case BACNET_LIST_PROPERTIES: return (struct list_of){ .names = &bacnet_table_properties };
    case BACNET_LIST_UNITS: return (struct list_of){ .names = &bacnet_table_units };
    case BACNET_LIST_ERROR_CLASSES: return (struct list_of){ .names = &bacnet_table_error_classes };
    case BACNET_LIST_ERROR_CODES: return (struct list_of){ .problems = &bacnet_problems_codes };
    case BACNET_LIST_REJECT_REASONS:
        return (struct list_of){ .problems = &bacnet_problems_rejects };
    case BACNET_LIST_ABORT_REASONS: return (struct list_of){ .problems = &bacnet_problems_aborts };
    case BACNET_LIST_RELIABILITY:
        return (struct list_of){ .problems = &bacnet_problems_reliabilities };
    default:
        assert(list < BACNET_LISTS);
        return (struct list_of){ .names = &bacnet_enum_tables[list] };
    }
}

bool bacnet_name_at(enum bacnet_list list, size_t row, struct bacnet_name *name)
{
    struct list_of of = list_of(list);
    if (of.names != NULL && row < of.names->count) {
        *name = of.names->rows[row];
        return true;
    }
    if (of.problems != NULL && row < of.problems->count) {
        const struct bacnet_problem *problem = &of.problems->rows[row];
        *name = (struct bacnet_name){ problem->number, problem->name };
        return true;
    }
    return false;
}

/* Both kinds of rows begin with their number. */
static int compare_number(const void *key, const void *row)
{
    uint32_t a = *(const uint32_t *)key;
    uint32_t b = *(const uint32_t *)row;
    return a < b ? -1 : a > b;
}

static const struct bacnet_name *find_name(const struct bacnet_table *table, uint32_t number)
{
    if (number < table->count && table->rows[number].number == number) {
        return &table->rows[number];
    }
    if (table->count == 0) {
        return NULL;
    }
    return bsearch(&number, table->rows, table->count, sizeof(table->rows[0]), compare_number);
}

static const struct bacnet_problem *find_problem(const struct bacnet_problems *table,
                                                 uint32_t number)
{
    return bsearch(&number, table->rows, table->count, sizeof(table->rows[0]), compare_number);
}

const char *bacnet_name(enum bacnet_list list, uint32_t number)
{
    struct list_of of = list_of(list);
    if (of.names != NULL) {
        const struct bacnet_name *name = find_name(of.names, number);
        return name != NULL ? name->name : NULL;
    }
    const struct bacnet_problem *problem = find_problem(of.problems, number);
    return problem != NULL ? problem->name : NULL;
}

size_t bacnet_format_name(char *to, size_t size, enum bacnet_list list, uint32_t number)
{
    const char *name = bacnet_name(list, number);
    return name != NULL ? str_format(to, size, "%s", name)
                        : str_format(to, size, "%u", (unsigned)number);
}

/* ---- by name ---- */

static char plain(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c == '_' || c == ' ' ? '-' : c;
}

static bool same_name(const char *text, const char *name)
{
    while (*text != '\0' && plain(*text) == plain(*name)) {
        text++;
        name++;
    }
    return *text == '\0' && *name == '\0';
}

static int object_of_short(const char *text, uint32_t *out)
{
    for (uint32_t type = 0; type < BACNET_OBJECT_TYPES_STANDARD; type++) {
        const char *name = bacnet_object_shorts[type];
        if (name != NULL && same_name(text, name)) {
            *out = type;
            return 0;
        }
    }
    return BUSBAR_ENOENT;
}

int bacnet_number(enum bacnet_list list, const char *text, uint32_t *out)
{
    struct bacnet_name name;
    for (size_t row = 0; bacnet_name_at(list, row, &name); row++) {
        if (same_name(text, name.name)) {
            *out = name.number;
            return 0;
        }
    }
    uint64_t number = 0;
    if (text[0] >= '0' && text[0] <= '9' && str_parse_u64(text, &number) == 0 &&
        number <= UINT32_MAX) {
        *out = (uint32_t)number;
        return 0;
    }
    return list == BACNET_LIST_OBJECT_TYPES ? object_of_short(text, out) : BUSBAR_ENOENT;
}

const char *bacnet_name_near(enum bacnet_list list, const char *text)
{
    char word[BACNET_NAME_TEXT_MAX];
    const char *names[NAMES_MAX];
    size_t count = 0;
    struct bacnet_name name;
    (void)str_copy(word, sizeof(word), text);
    for (char *c = word; *c != '\0'; c++) {
        *c = plain(*c);
    }
    while (count < NAMES_MAX && bacnet_name_at(list, count, &name)) {
        names[count++] = name.name;
    }
    return str_nearest(word, names, count);
}

/* ---- objects ---- */

const char *bacnet_object_short(uint16_t type)
{
    return type < BACNET_OBJECT_TYPES_STANDARD ? bacnet_object_shorts[type] : NULL;
}

size_t bacnet_format_object(char *to, size_t size, struct bacnet_object object)
{
    char type[BACNET_NAME_TEXT_MAX];
    (void)bacnet_format_name(type, sizeof(type), BACNET_LIST_OBJECT_TYPES, object.type);
    return str_format(to, size, "%s:%u", type, (unsigned)object.instance);
}

static int unknown_type(const char *type, struct err *err)
{
    const char *near = bacnet_name_near(BACNET_LIST_OBJECT_TYPES, type);
    (void)err_set(err, BUSBAR_EINVAL, "'%s' is no type of BACnet object", type);
    if (near != NULL) {
        (void)err_hint(err, "did you mean '%s'?", near);
    } else {
        (void)err_hint(err, "a name like analog-input, a short name like AI, or a number up to %d",
                       BACNET_OBJECT_TYPE_MAX);
    }
    return BUSBAR_EINVAL;
}

int bacnet_parse_object(const char *text, struct bacnet_object *out, struct err *err)
{
    static const char form[] = "write the object as TYPE:INSTANCE, like analog-input:1 or AI:1";
    const char *mark = strrchr(text, ':');
    mark = mark != NULL ? mark : strrchr(text, ',');
    char type[TYPE_TEXT_MAX];
    if (mark == NULL || mark == text || (size_t)(mark - text) >= sizeof(type)) {
        (void)err_set(err, BUSBAR_EINVAL, "'%s' is no BACnet object", text);
        (void)err_hint(err, "%s", form);
        return BUSBAR_EINVAL;
    }
    memcpy(type, text, (size_t)(mark - text));
    type[mark - text] = '\0';
    uint32_t number;
    if (bacnet_number(BACNET_LIST_OBJECT_TYPES, type, &number) != 0 ||
        number > BACNET_OBJECT_TYPE_MAX) {
        return unknown_type(type, err);
    }
    uint64_t instance;
    if (mark[1] < '0' || mark[1] > '9' || str_parse_u64(mark + 1, &instance) != 0 ||
        instance > BACNET_INSTANCE_MAX) {
        (void)err_set(err, BUSBAR_EINVAL, "'%s' is no instance of a BACnet object", mark + 1);
        (void)err_hint(err, "a number from 0 to %u, as in %s:1", BACNET_INSTANCE_MAX, type);
        return BUSBAR_EINVAL;
    }
    *out = (struct bacnet_object){ .type = (uint16_t)number, .instance = (uint32_t)instance };
    return 0;
}

/* ---- units ---- */

const char *bacnet_unit_symbol(uint32_t unit)
{
    const struct bacnet_name *name = find_name(&bacnet_table_units, unit);
    return name != NULL ? bacnet_unit_symbols[name - bacnet_table_units.rows] : NULL;
}

int bacnet_unit_of(const char *text, uint32_t *unit)
{
    for (size_t i = 0; i < bacnet_table_units.count; i++) {
        if (strcmp(bacnet_unit_symbols[i], text) == 0) {
            *unit = bacnet_table_units.rows[i].number;
            return 0;
        }
    }
    return bacnet_number(BACNET_LIST_UNITS, text, unit);
}

/* ---- problems ---- */

const struct bacnet_problem *bacnet_error_code(uint32_t code)
{
    return find_problem(&bacnet_problems_codes, code);
}

const struct bacnet_problem *bacnet_reject_reason(uint32_t reason)
{
    return find_problem(&bacnet_problems_rejects, reason);
}

const struct bacnet_problem *bacnet_abort_reason(uint32_t reason)
{
    return find_problem(&bacnet_problems_aborts, reason);
}

const struct bacnet_problem *bacnet_reliability(uint32_t reliability)
{
    return find_problem(&bacnet_problems_reliabilities, reliability);
}
