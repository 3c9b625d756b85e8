/* SPDX-License-Identifier: Apache-2.0 */
/* One line a call, filtered, kept, numbered; many threads at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

static struct log_line last;
static size_t seen;

static void collect(void *ctx, const struct log_line *line)
{
    assert_ptr_equal(ctx, &seen);
    last = *line;
    seen++;
}

static int set_up(void **state)
{
    (void)state;
    seen = 0;
    busbar_log_level(LOG_LEVEL_INFO);
    busbar_log_sink(collect, &seen);
    clock_fake_set(0, 1700000000000000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    busbar_log_sink(NULL, NULL);
    clock_fake_off();
    return 0;
}

static void a_line_has_all_its_parts(void **state)
{
    (void)state;
    busbar_log(LOG_LEVEL_WARN, "modbus", "ahu-1", "no answer for %d s", 5);
    assert_int_equal(seen, 1);
    assert_int_equal(last.level, LOG_LEVEL_WARN);
    assert_int_equal(last.time_us, 1700000000000000);
    char text[200];
    size_t length = log_line_format(&last, false, text, sizeof(text));
    assert_string_equal(text, "warn modbus ahu-1: no answer for 5 s");
    assert_int_equal(length, strlen(text));
    log_line_format(&last, true, text, sizeof(text));
    assert_string_equal(text, "2023-11-14T22:13:20.000000Z warn modbus ahu-1: no answer for 5 s");
    busbar_log(LOG_LEVEL_INFO, "app", NULL, "started");
    log_line_format(&last, false, text, sizeof(text));
    assert_string_equal(text, "info app: started");
}

static void the_level_filters(void **state)
{
    (void)state;
    busbar_log(LOG_LEVEL_DEBUG, "app", NULL, "not shown");
    assert_int_equal(seen, 0);
    assert_false(busbar_log_enabled(LOG_LEVEL_DEBUG));
    busbar_log_level(LOG_LEVEL_DEBUG);
    busbar_log(LOG_LEVEL_DEBUG, "app", NULL, "shown");
    assert_int_equal(seen, 1);
    enum log_level level = LOG_LEVEL_INFO;
    assert_int_equal(log_level_parse("error", &level), 0);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse("loud", &level), BUSBAR_EINVAL);
    assert_string_equal(log_level_name(LOG_LEVEL_WARN), "warn");
}

static void a_line_stays_one_line(void **state)
{
    (void)state;
    char huge[2000];
    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    busbar_log(LOG_LEVEL_INFO, "app", "a\nb", "one\ntwo\x1b[2J%s", huge);
    assert_null(strpbrk(last.text, "\n\x1b"));
    assert_string_equal(last.device, "a b");
    assert_int_equal(strlen(last.text), LOG_TEXT_MAX - 1);
}

static void the_last_lines_can_be_read(void **state)
{
    (void)state;
    static struct log_line lines[LOG_RECENT_MAX + 10];
    for (int i = 0; i < LOG_RECENT_MAX + 7; i++) {
        busbar_log(LOG_LEVEL_INFO, "app", NULL, "line %d", i);
    }
    size_t count = busbar_log_recent(0, lines, LOG_RECENT_MAX + 10);
    assert_int_equal(count, LOG_RECENT_MAX);
    assert_string_equal(lines[0].text, "line 7");
    assert_string_equal(lines[count - 1].text, "line 506");
    for (size_t i = 1; i < count; i++) {
        assert_int_equal(lines[i].sequence, lines[i - 1].sequence + 1);
    }
    uint64_t newest = lines[count - 1].sequence;
    assert_int_equal(busbar_log_recent(newest, lines, 10), 0);
    assert_int_equal(busbar_log_recent(newest - 3, lines, 2), 2);
    assert_string_equal(lines[0].text, "line 504");
}

static void *log_many(void *ctx)
{
    for (int i = 0; i < 500; i++) {
        busbar_log(LOG_LEVEL_INFO, "test", ctx, "%d", i);
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    (void)state;
    pthread_t threads[4];
    static char name[] = "device";
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, name), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(seen, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_all_its_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_level_filters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_stays_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_lines_can_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_share_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
