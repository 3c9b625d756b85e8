/* SPDX-License-Identifier: Apache-2.0 */
/* Details: each that can be made has words, and none is another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/snmp/snmp_detail.h"

static void error_status(void **state)
{
    (void)state;
    for (int32_t status = SNMP_TOO_BIG; status <= SNMP_INCONSISTENT_NAME; status++) {
        uint16_t detail = snmp_detail_status(status);
        const char *word = snmp_status_word(status);
        assert_int_equal(detail, SNMP_DETAIL_STATUS + status);
        assert_non_null(word);
        assert_int_equal(strncmp(snmp_explain(detail), word, strlen(word)), 0);
    }
    static const int32_t unknown[] = { 19, 999, INT32_MAX, -1, INT32_MIN };
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_int_equal(snmp_detail_status(unknown[i]), 1999);
    }
    assert_non_null(snmp_explain(1999));
    assert_null(snmp_explain(1000));
    assert_null(snmp_explain(1019));
}

static void exceptions_and_troubles(void **state)
{
    (void)state;
    assert_int_equal(snmp_detail_exception(BER_NO_SUCH_OBJECT), 2001);
    assert_int_equal(snmp_detail_exception(BER_END_OF_MIB_VIEW), 2003);
    assert_int_equal(snmp_detail_exception(BER_NULL), 0);
    assert_int_equal(snmp_detail_exception(0x83), 0);
    assert_non_null(strstr(snmp_explain(2002), "noSuchInstance"));
    assert_null(snmp_explain(2000));
    assert_null(snmp_explain(2004));
    for (int trouble = USM_BROKEN; trouble < USM_TROUBLES; trouble++) {
        uint16_t detail = snmp_detail_trouble((enum usm_trouble)trouble);
        assert_string_equal(snmp_explain(detail), usm_trouble_words((enum usm_trouble)trouble));
    }
    assert_null(snmp_explain(SNMP_DETAIL_TROUBLE));
    assert_null(snmp_explain(SNMP_DETAIL_TROUBLE + USM_TROUBLES));
}

static void our_own(void **state)
{
    (void)state;
    assert_non_null(strstr(snmp_explain(SNMP_DETAIL_NO_ROW), "row"));
    assert_null(snmp_explain(0));
    assert_null(snmp_explain(5000));
    assert_null(snmp_explain(UINT16_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_status),
        cmocka_unit_test(exceptions_and_troubles),
        cmocka_unit_test(our_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
