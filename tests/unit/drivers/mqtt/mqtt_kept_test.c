/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "net/jobs.h"
#include "support/wait.h"

enum { FILE_MODE = 0600, TEXT = 1024 };

static char folder[64], path[128];
static struct loop *loop;
static struct mqtt_kept *kept;

static int begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/busbar-kept-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/topics", folder);
    loop = loop_new();
    kept = mqtt_kept_new(loop, path);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    mqtt_kept_free(kept);
    jobs_drain(loop);
    loop_free(loop);
    (void)unlink(path);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static void again(void)
{
    mqtt_kept_free(kept);
    jobs_drain(loop);
    kept = mqtt_kept_new(loop, path);
}

static void append(void *ctx, const char *filter)
{
    char *text = ctx;
    size_t size = strlen(text);
    (void)str_format(text + size, TEXT - size, "<%s>", filter);
}

static const char *all(void)
{
    static char text[TEXT];
    text[0] = '\0';
    mqtt_kept_each(kept, append, text);
    return text;
}

static bool is_written(void *ctx)
{
    (void)ctx;
    return access(path, F_OK) == 0;
}

static void what_was_subscribed_to_is_there_after_a_restart(void **state)
{
    (void)state;
    assert_string_equal(all(), "");
    mqtt_kept_add(kept, "a/#");
    mqtt_kept_add(kept, "a/#");
    mqtt_kept_add(kept, "$share/group/b c");
    assert_false(mqtt_kept_remove(kept, "a/#")); /* not of an earlier run */
    again();
    assert_string_equal(all(), "<$share/group/b c>");
    assert_true(mqtt_kept_remove(kept, "$share/group/b c"));
    assert_false(mqtt_kept_remove(kept, "$share/group/b c"));
    again();
    assert_string_equal(all(), "");
}

static void one_that_is_granted_again_is_not_of_an_earlier_run(void **state)
{
    (void)state;
    mqtt_kept_add(kept, "a");
    again();
    mqtt_kept_add(kept, "a");
    assert_false(mqtt_kept_remove(kept, "a"));
}

static void a_new_session_forgets_them(void **state)
{
    (void)state;
    mqtt_kept_add(kept, "a");
    again();
    mqtt_kept_clear(kept);
    again();
    assert_string_equal(all(), "");
}

static void it_is_written_without_a_restart(void **state)
{
    char *text = NULL;
    size_t size;
    (void)state;
    mqtt_kept_add(kept, "a");
    wait_until(loop, is_written, NULL);
    assert_int_equal(file_read(file_ops_real(), path, TEXT, &text, &size, NULL), 0);
    assert_string_equal(text, "a\n");
    busbar_free(text);
}

static void what_changes_while_it_is_written_is_written_too(void **state)
{
    (void)state;
    mqtt_kept_add(kept, "a");
    wait_until(loop, is_written, NULL); /* the job's end may not have been told yet */
    mqtt_kept_add(kept, "b");
    assert_false(mqtt_kept_remove(kept, "a"));
    again();
    assert_string_equal(all(), "<b>");
}

static void lines_that_are_no_filters_are_left_out(void **state)
{
    static const char text[] = "a/#/b\n\nplain\nplain\nno end";
    (void)state;
    assert_int_equal(file_write(file_ops_real(), path, text, sizeof(text) - 1, FILE_MODE, NULL), 0);
    again();
    assert_int_equal(strlen(all()), strlen("<plain><no end>"));
    assert_non_null(strstr(all(), "<plain>"));
    assert_non_null(strstr(all(), "<no end>"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(what_was_subscribed_to_is_there_after_a_restart),
        T(one_that_is_granted_again_is_not_of_an_earlier_run),
        T(a_new_session_forgets_them),
        T(it_is_written_without_a_restart),
        T(what_changes_while_it_is_written_is_written_too),
        T(lines_that_are_no_filters_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
