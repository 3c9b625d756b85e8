/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/text/status.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <open62541/types.h>
#include <open62541/util.h>

#include "base/err.h"
#include "drivers/opcua/text/status_table.h"
#include "model/quality.h"

/* The library's own list is made from the standard's: the same numbers have the same names, and none of it is
 * missing here. */
static void as_the_library_has_it(void **state)
{
    (void)state;
    size_t known = 0;
    for (uint32_t code = 0; code <= UINT16_MAX; code++) {
        uint32_t status = code << 16;
        const char *theirs = UA_StatusCode_name(status);
        const char *ours = opcua_status_name(status);
        if (strcmp(theirs, "Unknown StatusCode") == 0) {
            continue;
        }
        if (ours == NULL || strcmp(theirs, ours) != 0) {
            fail_msg("0x%08x is %s, not %s", (unsigned)status, theirs, ours);
        }
        known++;
    }
    assert_int_equal(known, 264);
}

static void every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < opcua_status_row_count; i++) {
        const struct opcua_status_row *row = &opcua_status_rows[i];
        uint32_t status = opcua_status_of_detail(row->code);
        assert_true(i == 0 || row[-1].code < row->code);
        assert_true(quality_known(row->quality));
        assert_int_equal(quality_class(row->quality) == QUALITY_CLASS_BAD,
                         opcua_status_bad(status));
        assert_int_equal(row->error != 0, opcua_status_bad(status));
        assert_true(row->error == 0 || strcmp(err_name(row->error), "EUNKNOWN") != 0);
        assert_true(strlen(row->words) > 10 && strlen(row->words) < 200);
        assert_true(!isupper((unsigned char)row->words[0]) ||
                    isupper((unsigned char)row->words[1]));
        assert_true(row->words[strlen(row->words) - 1] != '.');
        assert_ptr_equal(opcua_status_words(status | 0x480), row->words);
        assert_int_equal(opcua_status_quality(status | 0x480), row->quality);
        assert_int_equal(opcua_status_error(status | 0x480), row->error);
    }
}

static void unknown_codes(void **state)
{
    (void)state;
    assert_null(opcua_status_name(0x8fff0000));
    assert_null(opcua_status_words(0x8fff0000));
    assert_int_equal(opcua_status_quality(0x8fff0000), QUALITY_FAULT);
    assert_int_equal(opcua_status_error(0x8fff0000), BUSBAR_EREFUSED);
    assert_int_equal(opcua_status_quality(0x4fff0000), QUALITY_UNCERTAIN);
    assert_int_equal(opcua_status_quality(0x0fff0000), QUALITY_GOOD);
    assert_int_equal(opcua_status_error(0x4fff0000), 0);
    assert_int_equal(opcua_status_quality(0xffffffff), QUALITY_FAULT);
}

static void examples(void **state)
{
    (void)state;
    assert_string_equal(opcua_status_name(UA_STATUSCODE_BADNODEIDUNKNOWN), "BadNodeIdUnknown");
    assert_int_equal(opcua_status_quality(UA_STATUSCODE_BADNODEIDUNKNOWN), QUALITY_CONFIGURATION);
    assert_int_equal(opcua_status_detail(UA_STATUSCODE_BADNODEIDUNKNOWN), 0x8034);
    assert_int_equal(opcua_status_error(UA_STATUSCODE_BADTIMEOUT), BUSBAR_ETIMEOUT);
    assert_int_equal(opcua_status_error(UA_STATUSCODE_BADTOOMANYOPERATIONS), BUSBAR_ETOOBIG);
    assert_int_equal(opcua_status_error(UA_STATUSCODE_BADCERTIFICATEUNTRUSTED), BUSBAR_EUNTRUSTED);
    assert_int_equal(opcua_status_quality(UA_STATUSCODE_UNCERTAINLASTUSABLEVALUE),
                     QUALITY_UNCERTAIN);
    assert_int_equal(opcua_status_quality(UA_STATUSCODE_GOODLOCALOVERRIDE), QUALITY_HELD);
    /* What we find ourselves has words, but no name of the standard's. */
    assert_null(opcua_status_name(opcua_status_of_detail(OPCUA_FOUND_NO_MEMBER)));
    assert_non_null(opcua_status_words(opcua_status_of_detail(OPCUA_FOUND_NO_MEMBER)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_library_has_it),
        cmocka_unit_test(every_row),
        cmocka_unit_test(unknown_codes),
        cmocka_unit_test(examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
