/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as people write them -> OIDs and back, with the standard modules that busbar knows by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/snmp/mib/mib.h"

enum { TEXT_MAX = 1 << 16 };

struct names_case {
    const char *text, *digits, *printed; /* printed NULL: as `text` */
};

static const struct names_case cases[] = {
    { "sysUpTime", "1.3.6.1.2.1.1.3.0", "SNMPv2-MIB::sysUpTime.0" },
    { "SNMPv2-MIB::sysUpTime.0", "1.3.6.1.2.1.1.3.0", NULL },
    { "RFC1213-MIB::sysUpTime", "1.3.6.1.2.1.1.3.0", "SNMPv2-MIB::sysUpTime.0" },
    { "sysUpTimeInstance", "1.3.6.1.2.1.1.3.0", "SNMPv2-MIB::sysUpTime.0" },
    { "DISMAN-EVENT-MIB::sysUpTimeInstance", "1.3.6.1.2.1.1.3.0", "SNMPv2-MIB::sysUpTime.0" },
    { "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.3.0", "SNMPv2-MIB::sysUpTime.0" },
    { ".1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.3.0", "SNMPv2-MIB::sysUpTime.0" },
    { "iso.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.3.0", "SNMPv2-MIB::sysUpTime.0" },
    { ".iso.org.dod.internet.mgmt.mib-2.system.sysUpTime", "1.3.6.1.2.1.1.3.0",
      "SNMPv2-MIB::sysUpTime.0" },
    { "IF-MIB::ifOperStatus.7", "1.3.6.1.2.1.2.2.1.8.7", NULL },
    { "ifHCInOctets", "1.3.6.1.2.1.31.1.1.1.6", "IF-MIB::ifHCInOctets" },
    { "enterprises.99999.1", "1.3.6.1.4.1.99999.1", "SNMPv2-SMI::enterprises.99999.1" },
    { "mib-2.ip.ipForwarding", "1.3.6.1.2.1.4.1.0", "IP-MIB::ipForwarding.0" },
    { "IP-MIB::ipAdEntAddr.10.0.0.1", "1.3.6.1.2.1.4.20.1.1.10.0.0.1", NULL },
    { "IP-MIB::ipAddressIfIndex.ipv4.\"10.0.0.1\"", "1.3.6.1.2.1.4.34.1.3.1.4.10.0.0.1", NULL },
    { "ipAddressIfIndex.1.4.10.0.0.1", "1.3.6.1.2.1.4.34.1.3.1.4.10.0.0.1",
      "IP-MIB::ipAddressIfIndex.ipv4.\"10.0.0.1\"" },
    { "ipAddressIfIndex.ipv6.\"fe80::1\"",
      "1.3.6.1.2.1.4.34.1.3.2.16.254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1",
      "IP-MIB::ipAddressIfIndex.ipv6.\"fe80:0:0:0:0:0:0:1\"" },
    { "SNMP-VIEW-BASED-ACM-MIB::vacmGroupName.3.\"wes\"", "1.3.6.1.6.3.16.1.2.1.3.3.3.119.101.115",
      NULL },
    /* the last index is IMPLIED: no length before it */
    { "SNMP-TARGET-MIB::snmpTargetAddrTDomain.\"abc\"", "1.3.6.1.6.3.12.1.2.1.2.97.98.99", NULL },
    { "snmpTargetAddrTDomain.'abc'", "1.3.6.1.6.3.12.1.2.1.2.97.98.99",
      "SNMP-TARGET-MIB::snmpTargetAddrTDomain.\"abc\"" },
    /* octets of one size, by DISPLAY-HINT */
    { "BRIDGE-MIB::dot1dTpFdbPort.\"00:1a:2b:3c:4d:5e\"", "1.3.6.1.2.1.17.4.3.1.2.0.26.43.60.77.94",
      NULL },
    { "SNMP-VIEW-BASED-ACM-MIB::vacmAccessStatus.\"g\".\"\".3.authPriv",
      "1.3.6.1.6.3.16.1.4.1.9.1.103.0.3.3", NULL },
    { "SNMP-VIEW-BASED-ACM-MIB::vacmGroupName.1.\"a\\\"b\\\\c\"",
      "1.3.6.1.6.3.16.1.2.1.3.1.5.97.34.98.92.99", NULL },
    /* what cannot be read stays digits */
    { "SNMP-VIEW-BASED-ACM-MIB::vacmGroupName.1.2.1.2", "1.3.6.1.6.3.16.1.2.1.3.1.2.1.2", NULL },
    { "RFC1213-MIB::atPhysAddress.1.1.10.0.0.1", "1.3.6.1.2.1.3.1.1.2.1.1.10.0.0.1", NULL },
    { "ifDescr.1.2", "1.3.6.1.2.1.2.2.1.2.1.2", "IF-MIB::ifDescr.1.2" },
    { "UPS-MIB::upsBatteryStatus.0", "1.3.6.1.2.1.33.1.2.1.0", NULL },
    { "upsBattery", "1.3.6.1.2.1.33.1.2", "UPS-MIB::upsBattery" },
    { "PowerNet-MIB::upsBattery", "1.3.6.1.4.1.318.1.1.1.2", NULL },
    { "IF-MIB::linkDown", "1.3.6.1.6.3.1.1.5.3", NULL },
    { "2.999.1", "2.999.1", "2.999.1" },
};

static void both_ways(void **state)
{
    (void)state;
    const struct mib *mib = mib_builtin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct snmp_oid_buf oid;
        struct snmp_oid_buf again;
        const struct mib_object *object;
        struct err err = { 0 };
        struct buf digits;
        struct buf printed;
        buf_init(&digits, TEXT_MAX);
        buf_init(&printed, TEXT_MAX);
        assert_int_equal(mib_resolve(mib, cases[i].text, &oid, &object, &err), 0);
        snmp_oid_print(oid.oid, &digits);
        assert_string_equal(buf_text(&digits), cases[i].digits);
        mib_print(mib, oid.oid, &printed);
        assert_string_equal(buf_text(&printed),
                            cases[i].printed != NULL ? cases[i].printed : cases[i].text);
        assert_int_equal(mib_resolve(mib, buf_text(&printed), &again, &object, &err), 0);
        assert_true(snmp_oid_equal(oid.oid, again.oid));
        buf_fini(&digits);
        buf_fini(&printed);
    }
}

struct names_bad {
    const char *text, *message, *hint; /* parts of them */
};

static const struct names_bad bads[] = {
    { "", "", "" },
    { "sysUptime", "no MIB module knows 'sysUptime'", "did you mean 'sysUpTime'" },
    { "IF-MIB::ifOperstatus.7", "IF-MIB has no 'ifOperstatus'", "did you mean 'ifOperStatus'" },
    { "IFMIB::ifOperStatus", "no MIB module 'IFMIB'", "did you mean 'IF-MIB'" },
    { "ACME-THING-MIB::x", "no MIB module 'ACME-THING-MIB'", "drivers: snmp: mibs" },
    { "acmeThing.1", "no MIB module knows 'acmeThing'", "OID in digits" },
    { "1.3.6.x", "", "" },
    { "sysUpTime..0", "", "" },
    { "sysUpTime.0.", "", "" },
    { "sysUpTime 0", "not separated by points", "IF-MIB::ifOperStatus.7" },
    { "sysUpTime.4294967296", "over 4294967295", "" },
    { "ifDescr.\"eth0", "quote is not closed", "" },
    { "ifDescr.eth0", "'eth0' is not a value of the index 'ifIndex'", "it is a number" },
    { "ipAddressIfIndex.ipv5", "'ipv5' is not a value", "did you mean 'ipv4'" },
    { "dot1dTpFdbPort.\"00:1a\"", "the index 'dot1dTpFdbAddress' has 6 octets", "" },
    { "dot1dTpFdbPort.\"hello\"", "is not a value of the index", "1x:" },
    { "ifDescr.1.\"x\"", "does not fit into the index", "1 value" },
    { "IF-MIB::", "a name is missing", "" },
    { "::ifDescr", "", "" },
};

static void errors_say_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        struct snmp_oid_buf oid;
        const struct mib_object *object;
        struct err err = { 0 };
        int error = mib_resolve(mib_builtin(), bads[i].text, &oid, &object, &err);
        assert_int_not_equal(error, 0);
        assert_non_null(strstr(err.message, bads[i].message));
        assert_non_null(strstr(err.hint, bads[i].hint));
        assert_true(err.message[0] != '\0');
    }
}

static void what_an_oid_is_of(void **state)
{
    (void)state;
    struct snmp_oid_buf oid;
    const struct mib_object *object;
    assert_int_equal(mib_resolve(mib_builtin(), "ifOperStatus.7", &oid, &object, NULL), 0);
    assert_string_equal(object->name, "ifOperStatus");
    assert_int_equal(mib_resolve(mib_builtin(), "ifTable", &oid, &object, NULL), 0);
    assert_int_equal(object->kind, MIB_TABLE);
    assert_int_equal(mib_resolve(mib_builtin(), "1.3.6.1.4.1.99999.1", &oid, &object, NULL), 0);
    assert_null(object);
}

static void too_long(void **state)
{
    (void)state;
    struct snmp_oid_buf oid;
    const struct mib_object *object;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    (void)buf_append_text(&text, "sysUpTime");
    for (int i = 0; i < SNMP_OID_PARTS_MAX; i++) {
        (void)buf_append_text(&text, ".1");
    }
    assert_int_not_equal(mib_resolve(mib_builtin(), buf_text(&text), &oid, &object, NULL), 0);
    buf_clear(&text);
    (void)buf_append_text(&text, "vacmGroupName.3.\"");
    for (int i = 0; i < SNMP_OID_PARTS_MAX; i++) {
        (void)buf_append_byte(&text, 'x');
    }
    (void)buf_append_byte(&text, '"');
    assert_int_not_equal(mib_resolve(mib_builtin(), buf_text(&text), &oid, &object, NULL), 0);
    buf_clear(&text);
    for (int i = 0; i < MIB_NAME_MAX + 5; i++) {
        (void)buf_append_byte(&text, 'x');
    }
    assert_int_not_equal(mib_resolve(mib_builtin(), buf_text(&text), &oid, &object, NULL), 0);
    buf_fini(&text);
}

static void the_standard_modules(void **state)
{
    (void)state;
    const struct mib *mib = mib_builtin();
    const struct mib_object *status = mib_named(mib, "ifOperStatus");
    assert_int_equal(status->enum_count, 7);
    assert_string_equal(status->enums[6].name, "lowerLayerDown");
    assert_string_equal(mib_named(mib, "ifXEntry")->indexes[0]->name, "ifIndex");
    assert_string_equal(mib_named(mib, "upsBatteryVoltage")->units, "0.1 Volt DC");
    assert_string_equal(mib_named(mib, "ifPhysAddress")->hint, "1x:");
    assert_string_equal(mib_named(mib, "ifPhysAddress")->convention, "PhysAddress");
    assert_int_equal(mib_named(mib, "hrProcessorLoad")->ranges[0].high, 100);
    assert_int_equal(mib_named(mib, "upsShutdownAfterDelay")->access, MIB_READ_WRITE);
    assert_true(mib_named(mib, "upsShutdownAfterDelay")->ranges[0].low == -1);
    assert_true(mib_named(mib, "upsShutdownAfterDelay")->ranges[0].high == 2147483648);
    assert_string_equal(mib_named(mib, "hrStorageRam")->description, "");
    assert_int_equal(mib_named(mib, "linkDown")->object_count, 3);
    assert_string_equal(mib_named(mib, "linkDown")->objects[2]->name, "ifOperStatus");
    assert_int_equal(mib_named(mib, "lldpRemSysCapEnabled")->syntax, MIB_BITS);
    assert_int_equal(mib_named(mib, "sysUpTime")->kind, MIB_SCALAR);
    assert_true(mib_named(mib, "snmpTargetAddrEntry")->implied);
    for (size_t i = 0; i < mib_count(mib); i++) {
        const struct mib_object *object = mib_at(mib, i);
        bool row_has_indexes = object->kind != MIB_ROW || object->index_count > 0;
        assert_true(row_has_indexes);
        bool column_has_row = object->kind != MIB_COLUMN || mib_row_of(object) != NULL;
        assert_true(column_has_row);
        bool value_has_syntax = (object->kind != MIB_COLUMN && object->kind != MIB_SCALAR) ||
                                object->syntax != MIB_NONE;
        assert_true(value_has_syntax);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(errors_say_what_to_do),
        cmocka_unit_test(what_an_oid_is_of),
        cmocka_unit_test(too_long),
        cmocka_unit_test(the_standard_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
