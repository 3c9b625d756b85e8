/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a point: its OID, its row, what its values mean, and each mistake with what to write instead. By the
 * standard modules that busbar knows by itself. */
#include "../modbus/settings_make.h"

#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_config.h"
#include "drivers/snmp/snmp_trap_hooks.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct made {
    struct arena arena;
    struct settings_made settings;
    struct snmp_address address;
    struct point_facts facts;
};

static void resolve(struct made *made, const char *const *pairs)
{
    struct err err = { 0 };
    *made = (struct made){ 0 };
    arena_init(&made->arena, 0);
    made->facts.arena = &made->arena;
    const struct settings *point = settings_make(&made->settings, snmp_point_options, pairs);
    int error = snmp_address_resolve(NULL, point, &made->address, &made->facts, &err);
    if (error != 0) {
        fail_msg("%s", err.message);
    }
}

static void fini(struct made *made)
{
    arena_fini(&made->arena);
}

static void is_oid(struct snmp_oid oid, const char *text)
{
    struct buf out;
    buf_init(&out, SNMP_OID_TEXT_MAX);
    snmp_oid_print(oid, &out);
    assert_string_equal(buf_text(&out), text);
    buf_fini(&out);
}

static void prints(const char *const *pairs, const char *words)
{
    struct made made;
    struct buf out;
    resolve(&made, pairs);
    buf_init(&out, 512);
    snmp_address_print(&made.address, &out);
    assert_string_equal(buf_text(&out), words);
    buf_fini(&out);
    fini(&made);
}

static void wrong(const char *const *pairs, const char *message, const char *hint)
{
    struct settings_made settings;
    struct snmp_address address = { 0 };
    struct point_facts facts = { 0 };
    struct err err = { 0 };
    const struct settings *point = settings_make(&settings, snmp_point_options, pairs);
    assert_int_equal(snmp_address_resolve(NULL, point, &address, &facts, &err), BUSBAR_ECONFIG);
    assert_string_equal(err.message, message);
    assert_non_null(strstr(err.hint, hint));
    assert_string_equal(err.file, "site.yaml");
    assert_true(err.line > 0 && err.column > 0);
}

/* ---- OIDs ---- */

static void scalars_and_cells(void **state)
{
    struct made made;
    (void)state;
    resolve(&made, PAIRS("oid", "sysName.0"));
    is_oid(made.address.oid, "1.3.6.1.2.1.1.5.0");
    assert_null(made.address.row);
    assert_int_equal(made.facts.value_type, VALUE_TEXT);
    assert_true(made.facts.readable && made.facts.writable);
    fini(&made);
    resolve(&made, PAIRS("oid", "sysName")); /* of a scalar the instance goes without saying */
    is_oid(made.address.oid, "1.3.6.1.2.1.1.5.0");
    fini(&made);
    resolve(&made, PAIRS("oid", "IF-MIB::ifOperStatus.7"));
    is_oid(made.address.oid, "1.3.6.1.2.1.2.2.1.8.7");
    assert_false(made.facts.writable);
    fini(&made);
    resolve(&made, PAIRS("oid", "1.3.6.1.2.1.1.3.0"));
    is_oid(made.address.oid, "1.3.6.1.2.1.1.3.0");
    fini(&made);
}

static void of_no_module(void **state)
{
    struct made made;
    (void)state;
    resolve(&made, PAIRS("oid", "1.3.6.1.4.1.32473.1.2.0"));
    assert_int_equal(made.facts.value_type, VALUE_NONE);
    assert_true(made.facts.readable);
    assert_false(made.facts.writable); /* as what should it be sent? */
    assert_non_null(strstr(made.facts.unwritable, "type"));
    fini(&made);
    resolve(&made, PAIRS("oid", "1.3.6.1.4.1.32473.1.2.0", "type", "int"));
    assert_int_equal(made.facts.value_type, VALUE_INT);
    assert_true(made.facts.writable);
    fini(&made);
}

static void oid_mistakes(void **state)
{
    (void)state;
    wrong(PAIRS("type", "int"), "an SNMP point needs its oid", "busbar snmp walk");
    wrong(PAIRS("oid", "sysNam.0"), "no MIB module knows 'sysNam'", "did you mean 'sysName'?");
    wrong(PAIRS("oid", "IF-MI::ifIndex.1"), "there is no MIB module 'IF-MI'",
          "did you mean 'IF-MIB'?");
    wrong(PAIRS("oid", "ifTable"), "ifTable is a table, not a value", "'row'");
    wrong(PAIRS("oid", "ifEntry"), "ifEntry is the rows of a table, not a value", "'row'");
    wrong(PAIRS("oid", "system"), "system is a place in the tree of names, not a value", "below");
    wrong(PAIRS("oid", "linkUp"), "linkUp is a trap, not a value", "'trap' or 'poll_on'");
    wrong(PAIRS("oid", "ifOperStatus"), "ifOperStatus is a column of a table: which row is meant?",
          "'ifOperStatus.1'");
    wrong(PAIRS("oid", "sysName.1"),
          "sysName is one value of the whole device: it has no other instance", "'sysName.0'");
    wrong(PAIRS("oid", "1.3.6.1.2.1.1.5"),
          "the instance is missing: sysName is one value of the whole device", "'sysName.0'");
    wrong(PAIRS("oid", "snmpTrapOID.0"), "snmpTrapOID comes in traps only, it cannot be read",
          "argument");
}

/* ---- rows ---- */

static void rows_by_their_name(void **state)
{
    struct made made;
    (void)state;
    resolve(&made, PAIRS("oid", "ifHCInOctets", "row", "eth0"));
    is_oid(made.address.oid, "1.3.6.1.2.1.31.1.1.1.6");
    assert_non_null(made.address.row);
    is_oid(made.address.row->column, "1.3.6.1.2.1.31.1.1.1.1"); /* ifName */
    assert_string_equal(made.address.row->text, "eth0");
    fini(&made);
    resolve(&made, PAIRS("oid", "ifOperStatus", "row", "ifAlias=uplink to core"));
    is_oid(made.address.row->column, "1.3.6.1.2.1.31.1.1.1.18");
    assert_string_equal(made.address.row->text, "uplink to core");
    fini(&made);
    resolve(&made, PAIRS("oid", "ifOperStatus", "row", "IF-MIB::ifDescr=a=b"));
    is_oid(made.address.row->column, "1.3.6.1.2.1.2.2.1.2");
    assert_string_equal(made.address.row->text, "a=b");
    fini(&made);
    resolve(&made, PAIRS("oid", "hrStorageUsed", "row", "/"));
    is_oid(made.address.row->column, "1.3.6.1.2.1.25.2.3.1.3"); /* hrStorageDescr */
    fini(&made);
    /* a table that names nothing is counted by one that does */
    resolve(&made, PAIRS("oid", "entPhySensorValue", "row", "Fan 1"));
    is_oid(made.address.row->column, "1.3.6.1.2.1.47.1.1.1.1.7"); /* entPhysicalName */
    fini(&made);
}

static void row_mistakes(void **state)
{
    (void)state;
    wrong(PAIRS("oid", "sysDescr.0", "row", "lo"),
          "sysDescr is one value of the whole device, it has no rows", "take it out");
    wrong(PAIRS("oid", "ifOperStatus.1", "row", "lo"), "the 'oid' says already which row it is",
          "'oid: ifOperStatus'");
    wrong(PAIRS("oid", "ifOperStatus", "row", "ifAliass=x"), "no MIB module knows 'ifAliass'",
          "did you mean 'ifAlias'?");
    wrong(PAIRS("oid", "ifOperStatus", "row", "hrStorageDescr=x"),
          "the rows of hrStorageDescr are not those of ifOperStatus", "same table");
    wrong(PAIRS("oid", "ifOperStatus", "row", "ifTable=x"), "'ifTable' is no column of a table",
          "COLUMN=text");
    wrong(PAIRS("oid", "ifOperStatus", "row", "ifAlias="), "the text behind 'ifAlias=' is missing",
          "text");
    wrong(PAIRS("oid", "1.3.6.1.4.1.32473.1.2", "row", "x"),
          "a row by its name needs the column's name from a MIB", "MIB module");
}

/* ---- meaning ---- */

static void names_and_units_of_the_mib(void **state)
{
    struct made made;
    (void)state;
    resolve(&made, PAIRS("oid", "ifOperStatus.1"));
    assert_int_equal(made.facts.value_type, VALUE_INT);
    assert_true(made.facts.enum_count >= 7);
    assert_int_equal(made.facts.enums[0].value, 1);
    assert_string_equal(made.facts.enums[0].name, "up");
    assert_false(made.facts.counter);
    fini(&made);
    resolve(&made, PAIRS("oid", "sysUpTime.0"));
    assert_string_equal(made.facts.units, "s");
    assert_int_equal(made.facts.value_type, VALUE_DOUBLE);
    fini(&made);
    resolve(&made, PAIRS("oid", "ifPromiscuousMode.1")); /* TruthValue */
    assert_int_equal(made.facts.value_type, VALUE_BOOL);
    assert_int_equal(made.facts.enum_count, 0);
    fini(&made);
}

static void counters(void **state)
{
    struct made made;
    (void)state;
    resolve(&made, PAIRS("oid", "ifHCInOctets.1"));
    assert_true(made.facts.counter);
    assert_int_equal(made.facts.value_type, VALUE_INT);
    fini(&made);
    resolve(&made, PAIRS("oid", "ifHCInOctets.1", "as", "rate"));
    assert_false(made.facts.counter);
    assert_int_equal(made.facts.value_type, VALUE_DOUBLE);
    assert_true(str_ends(made.facts.units, "/s"));
    assert_int_equal(made.address.as, SNMP_RATE);
    fini(&made);
    resolve(&made, PAIRS("oid", "ifInOctets.1", "as", "total"));
    assert_true(made.facts.counter);
    fini(&made);
    wrong(PAIRS("oid", "ifOperStatus.1", "as", "rate"),
          "'as: rate' is for counters, and ifOperStatus is an INTEGER", "take it out");
}

static void bits_and_hints(void **state)
{
    struct made made;
    (void)state;
    resolve(&made, PAIRS("oid", "1.3.6.1.4.1.32473.1.2.0", "bit", "3"));
    assert_int_equal(made.address.meaning->type, SNMP_BITS);
    assert_int_equal(made.address.meaning->bit, 3);
    assert_int_equal(made.facts.value_type, VALUE_BOOL);
    assert_false(made.facts.writable);
    fini(&made);
    resolve(&made, PAIRS("oid", "1.3.6.1.4.1.32473.1.2.0", "hint", "d-2"));
    assert_true(made.address.meaning->divisor == 100);
    fini(&made);
    wrong(PAIRS("oid", "1.3.6.1.4.1.32473.1.2.0", "type", "bits"),
          "the bits of this value have no names that the MIB would tell", "bit: 0");
    wrong(PAIRS("oid", "ifOperStatus.1", "bit", "3"), "'bit' of a value that is an INTEGER",
          "type: bits");
    wrong(PAIRS("oid", "sysName.0", "hint", "zz"), "'zz' is no DISPLAY-HINT", "d-2");
}

/* ---- traps ---- */

static void set_by_traps(void **state)
{
    struct made made;
    (void)state;
    resolve(&made, PAIRS("trap", "linkUp=1, linkDown=2"));
    assert_false(made.facts.readable);
    assert_false(made.facts.writable);
    assert_int_equal(made.address.oid.size, 0);
    assert_true(snmp_trap_only(made.address.hooks));
    fini(&made);
    resolve(&made, PAIRS("argument", "ifAdminStatus"));
    assert_false(made.facts.readable);
    is_oid(made.address.oid, "1.3.6.1.2.1.2.2.1.7");
    fini(&made);
    resolve(&made, PAIRS("oid", "ifOperStatus.7", "traps", "true"));
    assert_true(made.facts.readable);
    assert_non_null(made.address.hooks);
    fini(&made);
    wrong(PAIRS("trap", "linkUp=1", "type", "int"), "'type' without 'oid'", "oid");
}

/* ---- as it is kept ---- */

static void what_is_alike_is_kept_once(void **state)
{
    struct made made;
    struct snmp_address second = { 0 };
    struct settings_made settings;
    (void)state;
    resolve(&made, PAIRS("oid", "ifInOctets", "row", "eth0"));
    made.facts.before = &made.address;
    const struct settings *point = settings_make(&settings, snmp_point_options,
                                                 PAIRS("oid", "ifInOctets", "row", "eth0"));
    assert_int_equal(snmp_address_resolve(NULL, point, &second, &made.facts, NULL), 0);
    assert_ptr_equal(second.meaning, made.address.meaning);
    assert_ptr_equal(second.row, made.address.row);
    assert_ptr_not_equal(second.oid.bytes, made.address.oid.bytes);
    fini(&made);
}

static void no_memory(void **state)
{
    struct settings_made settings;
    struct err err = { 0 };
    const struct settings *point = settings_make(
        &settings, snmp_point_options, PAIRS("oid", "ifInOctets", "row", "eth0", "traps", "true"));
    size_t most = 0;
    int error = BUSBAR_ENOMEM;
    (void)state;
    for (; error != 0; most += 8) {
        struct arena arena;
        struct snmp_address address = { 0 };
        struct point_facts facts = { .arena = &arena };
        arena_init(&arena, most + 1);
        error = snmp_address_resolve(NULL, point, &address, &facts, &err);
        assert_true(error == 0 || error == BUSBAR_ENOMEM);
        arena_fini(&arena);
    }
    assert_true(most > 64);
}

static void in_words(void **state)
{
    (void)state;
    prints(PAIRS("oid", "IF-MIB::ifOperStatus.7"), "IF-MIB::ifOperStatus.7");
    prints(PAIRS("oid", "ifHCInOctets", "row", "eth0", "as", "rate"), "ifHCInOctets row eth0 rate");
    prints(PAIRS("trap", "linkUp=1"), "traps");
    prints(PAIRS("argument", "ifAdminStatus"), "traps ifAdminStatus");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_and_cells), cmocka_unit_test(of_no_module),
        cmocka_unit_test(oid_mistakes),      cmocka_unit_test(rows_by_their_name),
        cmocka_unit_test(row_mistakes),      cmocka_unit_test(names_and_units_of_the_mib),
        cmocka_unit_test(counters),          cmocka_unit_test(bits_and_hints),
        cmocka_unit_test(set_by_traps),      cmocka_unit_test(what_is_alike_is_kept_once),
        cmocka_unit_test(no_memory),         cmocka_unit_test(in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
