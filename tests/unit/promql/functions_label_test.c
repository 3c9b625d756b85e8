/* SPDX-License-Identifier: Apache-2.0 */
/* Labels replaced, joined, and sorted by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/promql/fake_source.h"

static int set_up(void **state)
{
    struct fake *fake = busbar_alloc(sizeof(*fake));
    fake_init(fake);
    fake_load(fake, 60, "a{d=\"ahu-10\",z=\"n\"} 1");
    fake_load(fake, 60, "a{d=\"ahu-2\",z=\"s\"} 2");
    fake_load(fake, 60, "a{d=\"ahu-2\",z=\"n\"} 3");
    fake_load(fake, 60, "a{d=\"fan\"} 4");
    fake_load(fake, 60, "a{z=\"n\"} 5");
    fake_load(fake, 60, "p{x=\"1\"} 1 _ stale");
    fake_load(fake, 60, "p{x=\"2\"} _ _ 2");
    *state = fake;
    return 0;
}

static int tear_down(void **state)
{
    fake_fini(*state);
    busbar_free(*state);
    return 0;
}

static void labels_are_replaced(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "label_replace(a{d=\"fan\"}, \"e\", \"$1-$2\", \"d\", \"(f)(.*)\")", 60,
               "a{d=\"fan\", e=\"f-an\"} 4@60");
    fake_check(fake, "label_replace(a{d=\"fan\"}, \"e\", \"$1\", \"d\", \"(f)\")", 60,
               "a{d=\"fan\"} 4@60");
    fake_check(fake, "label_replace(a{d=\"fan\"}, \"d\", \"\", \"d\", \".*\")", 60, "a 4@60");
    fake_check(fake, "label_replace(a{d=\"fan\"}, \"e\", \"x\", \"missing\", \"\")", 60,
               "a{d=\"fan\", e=\"x\"} 4@60");
    fake_check(fake, "label_replace(a{d=\"fan\"}, \"__name__\", \"b_$1\", \"__name__\", \"(.*)\")",
               60, "b_a{d=\"fan\"} 4@60");
    fake_check(fake, "label_replace(a{d=\"fan\"}, \"free word\", \"é\", \"\", \"\")", 60,
               "a{d=\"fan\", \"free word\"=\"é\"} 4@60");
    fake_check(fake, "label_replace(a{z=\"n\"}, \"d\", \"x\", \"\", \"\")", 60,
               "error: vector cannot contain metrics with the same labelset");
    fake_check_range(fake, "label_replace(p, \"x\", \"\", \"\", \"\")", 0, 120, 60,
                     "p 1@0 1@60 2@120");
    fake_check(fake, "label_replace(a, \"e\", \"x\", \"d\", \"(\")", 60,
               "error: invalid regular expression in label_replace(): (");
    fake_check(fake, "label_replace(a, \"\", \"x\", \"d\", \"\")", 60,
               "error: invalid destination label name in label_replace(): ");
    fake_check(fake, "label_replace(missing, \"e\", \"x\", \"d\", \"\")", 60, "");
}

static void labels_are_joined(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "label_join(a{d=\"fan\"}, \"e\", \"/\", \"d\", \"z\", \"d\")", 60,
               "a{d=\"fan\", e=\"fan//fan\"} 4@60");
    fake_check(fake, "label_join(a{d=\"fan\"}, \"d\", \"\")", 60, "a 4@60");
    fake_check(fake, "label_join(a{d=\"fan\"}, \"e\", \"-\", \"missing\")", 60,
               "a{d=\"fan\"} 4@60");
    fake_check(fake, "label_join(a, \"\", \"-\", \"d\")", 60,
               "error: invalid destination label name in label_join(): ");
    fake_check(fake, "label_join(a, \"e\", \"-\", \"\")", 60,
               "error: invalid source label name in label_join(): ");
    fake_check(fake, "label_join(a, \"d\", \"\", \"z\")", 60,
               "error: vector cannot contain metrics with the same labelset");
    fake_check(fake, "label_join(missing, \"e\", \"-\", \"d\")", 60, "");
}

static void numbers_in_labels_sort_by_value(void **state)
{
    struct fake *fake = *state;
    fake_check_order(fake, "sort_by_label(a{d!=\"\"}, \"d\")", 60,
                     "a{d=\"ahu-2\", z=\"n\"} 3@60\na{d=\"ahu-2\", z=\"s\"} 2@60\na{d=\"ahu-10\", "
                     "z=\"n\"} 1@60\na{d=\"fan\"} 4@60");
    fake_check_order(fake, "sort_by_label_desc(a{d!=\"\"}, \"d\", \"z\")", 60,
                     "a{d=\"fan\"} 4@60\na{d=\"ahu-10\", z=\"n\"} 1@60\na{d=\"ahu-2\", z=\"s\"} "
                     "2@60\na{d=\"ahu-2\", z=\"n\"} 3@60");
    fake_check_order(
        fake, "sort_by_label(a{z=\"n\"}, \"d\")", 60,
        "a{z=\"n\"} 5@60\na{d=\"ahu-2\", z=\"n\"} 3@60\na{d=\"ahu-10\", z=\"n\"} 1@60");
    fake_check_order(fake, "sort_by_label(a{d=\"ahu-2\"}, \"z\")", 60,
                     "a{d=\"ahu-2\", z=\"n\"} 3@60\na{d=\"ahu-2\", z=\"s\"} 2@60");
    fake_check_order(fake, "sort_by_label(missing, \"z\")", 60, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(labels_are_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(labels_are_joined, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_in_labels_sort_by_value, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
