/* SPDX-License-Identifier: Apache-2.0 */
/* Makers by enterprise number, out of a sysObjectID and out of an engine id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/snmp/snmp_vendor.h"

static uint32_t of_oid(const char *text)
{
    struct snmp_oid_buf oid;
    struct err err = { 0 };
    assert_int_equal(snmp_oid_parse(text, &oid, &err), 0);
    return snmp_vendor_of_oid(oid.oid);
}

static void numbers_have_names(void **state)
{
    (void)state;
    assert_string_equal(snmp_vendor_name(2), "IBM"); /* the first and the last of the table */
    assert_string_equal(snmp_vendor_name(47196), "HPE Aruba");
    assert_string_equal(snmp_vendor_name(9), "Cisco");
    assert_string_equal(snmp_vendor_name(318), "APC");
    assert_string_equal(snmp_vendor_name(8072), "net-snmp");
    assert_null(snmp_vendor_name(0));
    assert_null(snmp_vendor_name(1));
    assert_null(snmp_vendor_name(319));
    assert_null(snmp_vendor_name(47197));
    assert_null(snmp_vendor_name(UINT32_MAX));
}

/* Looked up by halving: every number of the table has to be found, so it has to ascend. */
static void the_table_ascends(void **state)
{
    unsigned found = 0;
    (void)state;
    for (uint32_t number = 0; number < 65536; number++) {
        found += snmp_vendor_name(number) != NULL;
    }
    assert_int_equal(found, 91);
}

static void an_object_id_names_its_maker(void **state)
{
    (void)state;
    assert_int_equal(of_oid("1.3.6.1.4.1.9.1.1208"), 9);
    assert_int_equal(of_oid("1.3.6.1.4.1.8072.3.2.10"), 8072);
    assert_int_equal(of_oid("1.3.6.1.4.1.4294967295"), UINT32_MAX);
    assert_int_equal(of_oid("1.3.6.1.4.1"), 0);
    assert_int_equal(of_oid("1.3.6.1.2.1.1"), 0);
    assert_int_equal(of_oid("0.0"), 0);
    assert_int_equal(snmp_vendor_of_oid((struct snmp_oid){ .size = 0 }), 0);
}

static void an_engine_id_names_its_maker(void **state)
{
    static const uint8_t modern[] = { 0x80, 0x00, 0x1f, 0x88, 0x04, 'a' };
    static const uint8_t old[] = { 0x00, 0x00, 0x00, 0x09, 0, 0, 0, 0, 0, 0, 0, 0 };
    (void)state;
    assert_int_equal(snmp_vendor_of_engine(bytes_of(modern, sizeof(modern))), 8072);
    assert_int_equal(snmp_vendor_of_engine(bytes_of(old, sizeof(old))), 9);
    for (size_t size = 0; size < 4; size++) {
        assert_int_equal(snmp_vendor_of_engine(bytes_of(modern, size)), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_names),
        cmocka_unit_test(the_table_ascends),
        cmocka_unit_test(an_object_id_names_its_maker),
        cmocka_unit_test(an_engine_id_names_its_maker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
