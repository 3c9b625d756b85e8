/* SPDX-License-Identifier: Apache-2.0 */
/* info(): labels of info series join those with the same instance and job. */
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
    fake_load(fake, 60, "m{instance=\"a\",job=\"j\"} 1 2 3");
    fake_load(fake, 60, "m{instance=\"b\",job=\"j\"} 4 5 6");
    fake_load(fake, 60, "m{instance=\"c\",job=\"j\"} 7");
    fake_load(fake, 60, "target_info{instance=\"a\",job=\"j\",version=\"1\",os=\"linux\"} 1");
    fake_load(fake, 60, "target_info{instance=\"b\",job=\"j\",version=\"2\"} 1 stale");
    fake_load(fake, 60, "target_info{instance=\"b\",job=\"j\",version=\"3\"} _ 1 1");
    fake_load(fake, 60, "build_info{instance=\"a\",job=\"j\",branch=\"main\"} 1 1 1");
    fake_load(fake, 60, "dup_info{instance=\"a\",job=\"j\",x=\"1\"} 1");
    fake_load(fake, 60, "dup_info{instance=\"a\",job=\"j\",x=\"2\"} 1");
    fake_load(fake, 60, "lone 1");
    *state = fake;
    return 0;
}

static int tear_down(void **state)
{
    fake_fini(*state);
    busbar_free(*state);
    return 0;
}

static void labels_of_target_info_are_added(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "info(m)", 0,
               "m{instance=\"a\", job=\"j\", os=\"linux\", version=\"1\"} 1@0\nm{instance=\"b\", "
               "job=\"j\", version=\"2\"} 4@0\nm{instance=\"c\", job=\"j\"} 7@0");
    fake_check_range(fake, "info(m{instance=\"b\"})", 0, 120, 60,
                     "m{instance=\"b\", job=\"j\", version=\"2\"} 4@0\nm{instance=\"b\", "
                     "job=\"j\", version=\"3\"} 5@60 6@120");
    fake_check(fake, "info(lone)", 0, "lone 1@0");
    fake_check(fake, "info(missing)", 0, "");
    fake_check(fake, "info(target_info{instance=\"a\"})", 0,
               "target_info{instance=\"a\", job=\"j\", os=\"linux\", version=\"1\"} 1@0");
}

static void a_second_argument_chooses(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "info(m, {version=~\".+\"})", 0,
               "m{instance=\"a\", job=\"j\", version=\"1\"} 1@0\nm{instance=\"b\", job=\"j\", "
               "version=\"2\"} 4@0");
    fake_check(fake, "info(m, {version=~\".*\"})", 0,
               "m{instance=\"a\", job=\"j\", version=\"1\"} 1@0\nm{instance=\"b\", job=\"j\", "
               "version=\"2\"} 4@0\nm{instance=\"c\", job=\"j\"} 7@0");
    fake_check(fake, "info(m{instance=\"a\"}, {__name__=\"build_info\"})", 0,
               "m{branch=\"main\", instance=\"a\", job=\"j\"} 1@0");
    fake_check(fake, "info(m{instance=\"a\"}, {__name__=~\"build_info|target_info\"})", 0,
               "m{branch=\"main\", instance=\"a\", job=\"j\", os=\"linux\", version=\"1\"} 1@0");
    fake_check(fake, "info(m{instance=\"a\"}, {__name__=\"dup_info\"})", 0,
               "error: found duplicate series for info metric: two info series have the same name, "
               "instance, job and time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(labels_of_target_info_are_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_argument_chooses, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
