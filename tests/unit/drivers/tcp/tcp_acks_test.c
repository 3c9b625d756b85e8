/* SPDX-License-Identifier: Apache-2.0 */
/* Acknowledgements and refusals come in the order of the messages, whatever is on disk first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/err.h"
#include "drivers/tcp/tcp_acks.h"

static bool deaf;

static bool tell(void *ctx, bool refused, const void *text, size_t size)
{
    struct buf *out = ctx;
    if (deaf) {
        return false;
    }
    (void)buf_append_text(out, refused ? "no" : text == NULL ? "ok" : "");
    (void)buf_append(out, text, size);
    (void)buf_append_byte(out, '|');
    return true;
}

static void refuse(struct tcp_acks *acks, struct buf *out)
{
    assert_int_equal(tcp_acks_refuse(acks), 0);
    assert_true(tcp_acks_tell(acks, tell, out));
}

static void store(struct tcp_acks *acks, struct buf *out)
{
    tcp_acks_stored(acks);
    assert_true(tcp_acks_tell(acks, tell, out));
}

static void in_the_order_of_the_messages(void **state)
{
    (void)state;
    struct tcp_acks acks;
    struct buf out;
    buf_init(&out, 1000);
    tcp_acks_init(&acks);
    assert_true(tcp_acks_empty(&acks));
    refuse(&acks, &out); /* nothing before it: at once */
    assert_string_equal(buf_text(&out), "no|");
    assert_int_equal(tcp_acks_wait(&acks, "a", 1), 0);
    refuse(&acks, &out);
    assert_int_equal(tcp_acks_wait(&acks, NULL, 0), 0);
    assert_int_equal(tcp_acks_wait(&acks, "long one", 8), 0);
    assert_string_equal(buf_text(&out), "no|");
    store(&acks, &out);
    assert_string_equal(buf_text(&out), "no|a|no|");
    deaf = true; /* what is not wanted now is told later */
    tcp_acks_stored(&acks);
    tcp_acks_stored(&acks);
    assert_false(tcp_acks_tell(&acks, tell, &out));
    assert_string_equal(buf_text(&out), "no|a|no|");
    deaf = false;
    assert_true(tcp_acks_tell(&acks, tell, &out));
    assert_string_equal(buf_text(&out), "no|a|no|ok|long one|");
    assert_true(tcp_acks_empty(&acks));
    tcp_acks_fini(&acks);
    buf_fini(&out);
}

static void what_waits_is_bounded_and_tidied(void **state)
{
    (void)state;
    enum { MANY = 100000, TOGETHER = 1000 };
    static char text[60000];
    struct tcp_acks acks;
    struct buf out;
    buf_init(&out, 16);
    tcp_acks_init(&acks);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(tcp_acks_wait(&acks, "0123456789", 10), 0);
        if (i >= TOGETHER) {
            buf_clear(&out);
            store(&acks, &out);
            assert_string_equal(buf_text(&out), "0123456789|");
        }
    }
    assert_true(acks.rows.capacity < 64 * 1024 && acks.texts.capacity < 128 * 1024);
    int error = 0;
    for (int i = 0; i < 1000 && error == 0; i++) {
        error = tcp_acks_wait(&acks, text, sizeof(text));
    }
    assert_int_equal(error, BUSBAR_ELIMIT);
    assert_int_equal(tcp_acks_wait(&acks, text, UINT16_MAX), BUSBAR_ELIMIT);
    tcp_acks_fini(&acks);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_order_of_the_messages),
        cmocka_unit_test(what_waits_is_bounded_and_tidied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
