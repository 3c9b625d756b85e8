/* SPDX-License-Identifier: Apache-2.0 */
/* A point's settings into its address, each mistake told with what to write instead. */
#include "drivers/snmp/snmp_address.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "drivers/snmp/mib/hint.h"
#include "drivers/snmp/snmp_config.h"
#include "drivers/snmp/snmp_options.h"
#include "drivers/snmp/snmp_trap_hooks.h"

/* What resolving one point needs. */
struct resolving {
    const struct mib *mib;
    const struct settings *point;
    struct point_facts *facts;
    struct snmp_address *address;
    struct err *err;
    struct snmp_oid_buf oid;
    const struct mib_object *object; /* what the OID is of; NULL: no module knows it */
    struct snmp_row_name row;
    struct snmp_meaning meaning;
};

/* A text of the address: in its arena, or as it stands where it is only checked. */
static int keep(const struct resolving *self, const char *text, const char **out)
{
    *out = self->facts->arena != NULL ? arena_strdup(self->facts->arena, text) : text;
    return *out != NULL ? 0 : BUSBAR_ENOMEM;
}

static int keep_oid(const struct resolving *self, struct snmp_oid oid, struct snmp_oid *out)
{
    if (self->facts->arena == NULL) {
        return 0;
    }
    uint8_t *bytes = arena_alloc(self->facts->arena, oid.size);
    if (bytes == NULL) {
        return BUSBAR_ENOMEM;
    }
    memcpy(bytes, oid.bytes, oid.size);
    *out = (struct snmp_oid){ .bytes = bytes, .size = oid.size };
    return 0;
}

/* ---- the OID ---- */

static bool is_whole(const struct resolving *self)
{
    return self->object != NULL && self->object->oid.size == self->oid.oid.size;
}

/* A column for an example: the first that can be read. */
static const char *column_of(const struct mib_object *table, const struct mib *mib)
{
    for (size_t i = 0; i < mib_count(mib); i++) {
        const struct mib_object *object = mib_at(mib, i);
        if (object->kind == MIB_COLUMN && object->access >= MIB_READ_ONLY &&
            snmp_oid_under(object->oid, table->oid)) {
            return object->name;
        }
    }
    return NULL;
}

static int not_a_value(const struct resolving *self, struct position at)
{
    const struct mib_object *object = self->object;
    bool table = object->kind == MIB_TABLE || object->kind == MIB_ROW;
    const char *column = table ? column_of(object, self->mib) : NULL;
    (void)err_at(self->err, BUSBAR_ECONFIG, at,
                 table                              ? "name a column and a row of it"
                 : object->kind == MIB_NOTIFICATION ? "write it in 'trap' or 'poll_on'"
                                                    : "name a value below it",
                 "%s is %s, not a value", object->name,
                 object->kind == MIB_TABLE          ? "a table"
                 : object->kind == MIB_ROW          ? "the rows of a table"
                 : object->kind == MIB_NOTIFICATION ? "a trap"
                                                    : "a place in the tree of names");
    if (column != NULL) {
        (void)err_hint(self->err,
                       "name a column and a row of it: 'oid: %s.1', or 'oid: %s' and a 'row'",
                       column, column);
    }
    return BUSBAR_ECONFIG;
}

/* Whether the OID, as it is written, is one value of a device. */
static int check_instance(const struct resolving *self, struct position at)
{
    const struct mib_object *object = self->object;
    bool by_row = settings_has(self->point, POINT_ROW);
    size_t tail = self->oid.oid.size - (object != NULL ? object->oid.size : 0u);
    if (object == NULL) {
        return 0;
    }
    if (object->kind != MIB_SCALAR && object->kind != MIB_COLUMN) {
        return not_a_value(self, at);
    }
    if (object->kind == MIB_SCALAR && by_row) {
        return err_at(self->err, BUSBAR_ECONFIG, settings_at(self->point, POINT_ROW), "take it out",
                      "%s is one value of the whole device, it has no rows", object->name);
    }
    if (object->kind == MIB_SCALAR &&
        (tail != 1 || self->oid.oid.bytes[self->oid.oid.size - 1] != 0)) {
        (void)err_at(self->err, BUSBAR_ECONFIG, at, NULL,
                     tail == 0 ? "the instance is missing: %s is one value of the whole device"
                               : "%s is one value of the whole device: it has no other instance",
                     object->name);
        return err_hint(self->err, "write '%s.0'", object->name);
    }
    if (object->kind == MIB_COLUMN && tail == 0 && !by_row) {
        (void)err_at(self->err, BUSBAR_ECONFIG, at, NULL,
                     "%s is a column of a table: which row is meant?", object->name);
        return err_hint(self->err,
                        "write the row's index, '%s.1', or its name: 'row: eth0'; 'busbar "
                        "snmp walk' shows both",
                        object->name);
    }
    return 0;
}

static int check_access(const struct resolving *self, struct position at)
{
    const struct mib_object *object = self->object;
    if (object == NULL || object->access >= MIB_READ_ONLY) {
        return 0;
    }
    if (object->access == MIB_FOR_NOTIFY) {
        (void)err_at(self->err, BUSBAR_ECONFIG, at, NULL,
                     "%s comes in traps only, it cannot be read", object->name);
        return err_hint(self->err, "write 'argument: %s' in place of 'oid'", object->name);
    }
    return err_at(self->err, BUSBAR_ECONFIG, at,
                  "it stands in the OIDs of the other columns; name one of those",
                  "%s is an index of its table and cannot be read", object->name);
}

static int read_oid(struct resolving *self, size_t option)
{
    struct err reason = { 0 };
    const char *text = settings_text(self->point, option);
    struct position at = settings_at(self->point, option);
    if (mib_resolve(self->mib, text, &self->oid, &self->object, &reason) != 0) {
        return err_at(self->err, BUSBAR_ECONFIG, at, reason.hint[0] != '\0' ? reason.hint : NULL,
                      "%s", reason.message);
    }
    if (option == POINT_ARGUMENT) {
        bool value = self->object == NULL || self->object->kind == MIB_SCALAR ||
                     self->object->kind == MIB_COLUMN;
        return value ? 0 : not_a_value(self, at);
    }
    int error = check_instance(self, at);
    return error == 0 ? check_access(self, at) : error;
}

/* ---- the row ---- */

static int read_row(struct resolving *self)
{
    struct err reason = { 0 };
    const struct mib_object *names = NULL;
    const char *name = NULL;
    const char *text = settings_text(self->point, POINT_ROW);
    struct position at = settings_at(self->point, POINT_ROW);
    if (text == NULL) {
        return 0;
    }
    if (self->object == NULL) {
        return err_at(self->err, BUSBAR_ECONFIG, at,
                      "write the OID with the row's index, or give busbar the MIB module",
                      "a row by its name needs the column's name from a MIB");
    }
    if (!is_whole(self)) {
        (void)err_at(self->err, BUSBAR_ECONFIG, at, NULL, "the 'oid' says already which row it is");
        return err_hint(self->err, "write 'oid: %s' with 'row', or take 'row' out",
                        self->object->name);
    }
    if (snmp_row_parse(self->mib, self->object, text, &names, &name, &reason) != 0) {
        return err_at(self->err, BUSBAR_ECONFIG, at, reason.hint, "%s", reason.message);
    }
    self->row.column = names->oid;
    return keep(self, name, &self->row.text);
}

/* ---- the meaning ---- */

static bool is_counter(uint8_t syntax)
{
    return syntax == MIB_COUNTER32 || syntax == MIB_COUNTER64;
}

static const char *syntax_word(uint8_t syntax)
{
    static const char *const words[] = {
        [MIB_NONE] = "of no known type",
        [MIB_INTEGER] = "an INTEGER",
        [MIB_UNSIGNED] = "a Gauge",
        [MIB_COUNTER32] = "a Counter32",
        [MIB_COUNTER64] = "a Counter64",
        [MIB_TIMETICKS] = "TimeTicks",
        [MIB_OCTETS] = "an OCTET STRING",
        [MIB_OID] = "an OID",
        [MIB_BITS] = "BITS",
        [MIB_IP_ADDRESS] = "an IpAddress",
        [MIB_OPAQUE] = "Opaque",
    };
    return words[syntax];
}

static int read_bit(struct resolving *self)
{
    struct snmp_meaning *meaning = &self->meaning;
    bool bits = meaning->type == SNMP_BITS ||
                (meaning->type == SNMP_AUTO && meaning->syntax == MIB_BITS);
    meaning->bit = -1;
    if (settings_has(self->point, POINT_BIT)) {
        meaning->bit = (int16_t)settings_int(self->point, POINT_BIT);
        if (!bits && meaning->type == SNMP_AUTO && meaning->syntax == MIB_NONE) {
            meaning->type = SNMP_BITS;
        } else if (!bits) {
            return err_at(self->err, BUSBAR_ECONFIG, settings_at(self->point, POINT_BIT),
                          "take it out, or add 'type: bits'", "'bit' of a value that is %s",
                          syntax_word(meaning->syntax));
        }
    } else if (bits && (meaning->syntax != MIB_BITS || meaning->enum_count == 0)) {
        return err_at(self->err, BUSBAR_ECONFIG, settings_at(self->point, POINT_TYPE),
                      "add 'bit: 0', one point for each, or 'type: hex'",
                      "the bits of this value have no names that the MIB would tell");
    }
    return 0;
}

static bool good_hint(const char *hint)
{
    uint8_t zero[64] = { 0 };
    struct buf out;
    buf_init(&out, MIB_HINT_TEXT_MAX);
    bool good = mib_hint_int(hint, 0, &out) || mib_hint_octets(hint, zero, 1, &out) ||
                mib_hint_octets(hint, zero, 8, &out) || mib_hint_octets(hint, NULL, 0, &out);
    buf_fini(&out);
    return good;
}

static int read_hint(struct resolving *self)
{
    const char *text = settings_text(self->point, POINT_HINT);
    self->meaning.hint = self->object != NULL ? self->object->hint : "";
    if (text != NULL) {
        if (!good_hint(text)) {
            return err_at(self->err, BUSBAR_ECONFIG, settings_at(self->point, POINT_HINT),
                          "write d-2 (two digits behind the point), 1x: (hexadecimal), 255a (text)",
                          "'%s' is no DISPLAY-HINT", text);
        }
        int error = keep(self, text, &self->meaning.hint);
        if (error != 0) {
            return error;
        }
    }
    bool integer = self->meaning.syntax == MIB_NONE || self->meaning.syntax == MIB_INTEGER ||
                   self->meaning.syntax == MIB_UNSIGNED;
    self->meaning.divisor = integer ? mib_hint_divisor(self->meaning.hint) : 1;
    return 0;
}

static int read_as(struct resolving *self)
{
    const struct snmp_meaning *meaning = &self->meaning;
    bool counter = meaning->type == SNMP_COUNTER ||
                   (meaning->type == SNMP_AUTO &&
                    (is_counter(meaning->syntax) || meaning->syntax == MIB_NONE));
    self->address->as = (uint8_t)settings_int(self->point, POINT_AS);
    if (self->address->as != SNMP_AS_IS && !counter) {
        return err_at(self->err, BUSBAR_ECONFIG, settings_at(self->point, POINT_AS),
                      "take it out; rates of other values are for queries: deriv(), rate()",
                      "'as: %s' is for counters, and %s is %s", snmp_as_words[self->address->as],
                      self->object != NULL ? self->object->name : "this value",
                      syntax_word(meaning->syntax));
    }
    return 0;
}

static bool same_meaning(const struct snmp_meaning *a, const struct snmp_meaning *b)
{
    return a->type == b->type && a->bit == b->bit && a->syntax == b->syntax &&
           a->object == b->object && a->enums == b->enums && str_equal(a->hint, b->hint) &&
           !(a->divisor < b->divisor) && !(a->divisor > b->divisor);
}

/* The same as the point before where it reads alike. */
static int keep_meaning(struct resolving *self)
{
    const struct snmp_address *before = self->facts->before;
    if (self->facts->arena == NULL) {
        return 0;
    }
    if (before != NULL && before->meaning != NULL &&
        same_meaning(before->meaning, &self->meaning)) {
        self->address->meaning = before->meaning;
        return 0;
    }
    struct snmp_meaning *kept = arena_alloc(self->facts->arena, sizeof(*kept));
    if (kept == NULL) {
        return BUSBAR_ENOMEM;
    }
    *kept = self->meaning;
    self->address->meaning = kept;
    return 0;
}

static int read_meaning(struct resolving *self)
{
    const struct mib_object *object = self->object;
    struct snmp_meaning *meaning = &self->meaning;
    meaning->type = (enum snmp_type)settings_int(self->point, POINT_TYPE);
    meaning->syntax = object != NULL ? object->syntax : MIB_NONE;
    meaning->object = object;
    meaning->enums = object != NULL ? object->enums : NULL;
    meaning->enum_count = object != NULL ? object->enum_count : 0;
    int error = read_bit(self);
    error = error == 0 ? read_hint(self) : error;
    error = error == 0 ? read_as(self) : error;
    if (error == 0) {
        snmp_meaning_settle(meaning);
        error = keep_meaning(self);
    }
    return error;
}

/* ---- all of it ---- */

static int keep_address(struct resolving *self)
{
    int error = keep_oid(self, self->oid.oid, &self->address->oid);
    if (error != 0 || self->row.text == NULL || self->facts->arena == NULL) {
        return error;
    }
    const struct snmp_address *before = self->facts->before;
    if (before != NULL && before->row != NULL && str_equal(before->row->text, self->row.text) &&
        snmp_oid_equal(before->row->column, self->row.column)) {
        self->address->row = before->row;
        return 0;
    }
    struct snmp_row_name *row = arena_alloc(self->facts->arena, sizeof(*row));
    if (row == NULL) {
        return BUSBAR_ENOMEM;
    }
    *row = self->row;
    self->address->row = row;
    return 0;
}

static int read_value(struct resolving *self, size_t option)
{
    int error = read_oid(self, option);
    error = error == 0 ? read_row(self) : error;
    error = error == 0 ? read_meaning(self) : error;
    return error == 0 ? keep_address(self) : error;
}

/* Settings that say something of a value, where only traps set the point. */
static int check_no_oid(const struct resolving *self)
{
    static const size_t of_value[] = { POINT_ROW, POINT_TYPE, POINT_BIT, POINT_AS, POINT_HINT };
    for (size_t i = 0; i < sizeof(of_value) / sizeof(of_value[0]); i++) {
        if (settings_has(self->point, of_value[i])) {
            return err_at(self->err, BUSBAR_ECONFIG, settings_at(self->point, of_value[i]),
                          "take it out, or add 'oid'", "'%s' without 'oid'",
                          snmp_point_options[of_value[i]].key);
        }
    }
    return 0;
}

static int read_hooks(struct resolving *self)
{
    const struct settings *point = self->point;
    bool trap = settings_has(point, POINT_TRAP);
    const struct snmp_trap_words words = {
        .traps = settings_bool(point, POINT_TRAPS),
        .poll_on = settings_text(point, POINT_POLL_ON),
        .trap = settings_text(point, POINT_TRAP),
        .argument = settings_text(point, POINT_ARGUMENT),
        .poll_on_at = settings_at(point, POINT_POLL_ON),
        .trap_at = settings_at(point, trap ? POINT_TRAP : POINT_ARGUMENT),
        .written = settings_has(point, POINT_OID),
    };
    return snmp_trap_hook_resolve(self->mib, &words, self->facts->arena, &self->address->hooks,
                                  self->err);
}

static bool writable(const struct resolving *self)
{
    const struct mib_object *object = self->object;
    return (object != NULL ? object->access >= MIB_READ_WRITE : self->meaning.type != SNMP_AUTO) &&
           self->address->as == SNMP_AS_IS && self->meaning.bit < 0;
}

/* Names and units of the MIB, for people. */
static void tell_object(const struct resolving *self)
{
    _Static_assert(sizeof(struct mib_enum) == sizeof(struct point_enum) &&
                       offsetof(struct mib_enum, name) == offsetof(struct point_enum, name),
                   "names of values are the same to both");
    const struct snmp_meaning *meaning = &self->meaning;
    struct point_facts *facts = self->facts;
    const char *units = self->object != NULL ? self->object->units : "";
    uint8_t as = self->address->as;
    if (facts->value_type == VALUE_INT && meaning->syntax == MIB_INTEGER) {
        facts->enums = (const struct point_enum *)(const void *)meaning->enums;
        facts->enum_count = meaning->enum_count < POINT_ENUM_MAX ? meaning->enum_count
                                                                 : POINT_ENUM_MAX;
    }
    if (meaning->type == SNMP_TICKS) {
        facts->units = "s";
    } else if (as == SNMP_RATE && facts->arena != NULL) {
        facts->units = arena_printf(facts->arena, "%s/s", units[0] != '\0' ? units : "1");
    } else if (units[0] != '\0' && facts->value_type != VALUE_TEXT) {
        facts->units = units;
    }
    facts->counter = as == SNMP_TOTAL ||
                     (as == SNMP_AS_IS && facts->value_type == VALUE_INT &&
                      (meaning->type == SNMP_COUNTER || is_counter(meaning->syntax)));
}

static void tell_facts(const struct resolving *self, bool by_traps, bool has_value)
{
    struct point_facts *facts = self->facts;
    facts->readable = !by_traps;
    facts->writable = !by_traps && writable(self);
    if (!by_traps && self->object == NULL && self->meaning.type == SNMP_AUTO) {
        facts->unwritable = "add 'type: int' (or text, oid, ip ...): no MIB says which type this "
                            "value has to be sent as";
    }
    if (by_traps && settings_has(self->point, POINT_TRAP)) {
        facts->value_type = self->address->hooks != NULL ? self->address->hooks->value_type
                                                         : VALUE_NONE;
    } else if (has_value) {
        facts->value_type = snmp_value_type(&self->meaning, (enum snmp_as)self->address->as);
        tell_object(self);
    }
}

int snmp_address_resolve(const struct setup *setup, const struct settings *point,
                         struct snmp_address *address, struct point_facts *facts, struct err *err)
{
    struct resolving self = { .mib = snmp_config_mib(setup),
                              .point = point,
                              .facts = facts,
                              .address = address,
                              .err = err };
    bool argument = settings_has(point, POINT_ARGUMENT);
    bool trap = settings_has(point, POINT_TRAP);
    bool oid = settings_has(point, POINT_OID);
    int error = read_hooks(&self); /* of `argument` beside `oid` too */
    if (error == 0 && !oid && !argument && !trap) {
        error = err_at(err, BUSBAR_ECONFIG, point->at,
                       "add 'oid: IF-MIB::ifOperStatus.7'; 'busbar snmp walk' and 'busbar device "
                       "browse' list what a device has",
                       "an SNMP point needs its oid");
    }
    if (error == 0 && (oid || argument)) {
        error = read_value(&self, oid ? POINT_OID : POINT_ARGUMENT);
    } else if (error == 0) {
        self.meaning.bit = -1;
        error = check_no_oid(&self);
    }
    if (error == 0) {
        const char *written = settings_text(point, oid ? POINT_OID : POINT_ARGUMENT);
        error = keep(&self, written != NULL ? written : "", &address->written);
    }
    if (error != 0) {
        return error == BUSBAR_ENOMEM ? err_set(err, error, "%s", err_text(error)) : error;
    }
    tell_facts(&self, argument || trap, oid || argument);
    return 0;
}

void snmp_address_print(const struct snmp_address *address, struct buf *out)
{
    bool by_traps = snmp_trap_only(address->hooks);
    (void)buf_printf(out, "%s%s", by_traps ? "traps" : "",
                     by_traps && address->written[0] ? " " : "");
    (void)buf_append_text(out, address->written);
    if (address->row != NULL) {
        (void)buf_printf(out, " row %s", address->row->text);
    }
    if (address->as != SNMP_AS_IS) {
        (void)buf_printf(out, " %s", snmp_as_words[address->as]);
    }
}
