/* SPDX-License-Identifier: Apache-2.0 */
/* A pseudo terminal as the line: bytes both ways, raw, exclusive, released, unplugged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/termbits.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "net/loop.h"
#include "net/stream.h"
#include "support/end.h"
#include "support/wait.h"

struct fixture {
    struct loop *loop;
    int master;
    char path[64];
    struct end line;
    struct end second;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->loop = loop_new();
    f->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    assert_true(f->master >= 0);
    assert_int_equal(grantpt(f->master), 0);
    assert_int_equal(unlockpt(f->master), 0);
    assert_int_equal(ptsname_r(f->master, f->path, sizeof(f->path)), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->line.stream != NULL) {
        stream_close(f->line.stream);
        wait_for(f->loop, &f->line.closed, 1);
    }
    loop_free(f->loop);
    if (f->master >= 0) {
        close(f->master);
    }
    free(f);
    return 0;
}

static struct stream_target target_of(struct fixture *f)
{
    return (struct stream_target){ .kind = STREAM_SERIAL, .serial = { .path = f->path } };
}

static size_t read_master(struct fixture *f, uint8_t *data, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < 500 && used < size; i++) {
        loop_turn(f->loop, false);
        ssize_t got = read(f->master, data + used, size - used);
        used += got > 0 ? (size_t)got : 0;
        if (got <= 0) {
            usleep(1000);
        }
    }
    return used;
}

static void all_bytes_pass_unchanged(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = target_of(f);
    target.serial.baud = 19200;
    uint8_t all[256];
    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (uint8_t)i; /* XON, XOFF, CR, NL, EOF, interrupt: none may mean anything */
    }
    end_open(&f->line, f->loop, &target);
    wait_for(f->loop, &f->line.opened, 1);
    assert_string_equal(stream_peer(f->line.stream), f->path);
    assert_int_equal(stream_send(f->line.stream, all, sizeof(all)), 0);
    uint8_t got[256];
    assert_int_equal(read_master(f, got, sizeof(got)), sizeof(got));
    assert_memory_equal(got, all, sizeof(all));
    assert_int_equal(write(f->master, all, sizeof(all)), sizeof(all));
    while (f->line.size < sizeof(all)) {
        loop_turn(f->loop, true);
    }
    assert_int_equal(f->line.size, sizeof(all));
    assert_int_equal(read(f->master, got, sizeof(got)), -1); /* no echo */
}

static void the_line_is_set_as_asked(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = target_of(f);
    target.serial.baud = 38400;
    target.serial.stop_bits = 2;
    end_open(&f->line, f->loop, &target);
    wait_for(f->loop, &f->line.opened, 1);
    struct termios2 line;
    assert_int_equal(ioctl(f->master, TCGETS2, &line), 0);
    assert_int_equal(line.c_ospeed, 38400);
    assert_int_equal(line.c_ispeed, 38400);
    assert_int_equal(line.c_cflag & CSTOPB, CSTOPB);
    assert_int_equal(line.c_lflag & (ICANON | ECHO | ISIG), 0);
    assert_int_equal(line.c_oflag & OPOST, 0);
}

static void any_baud_rate_is_taken(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = target_of(f);
    target.serial.baud = 31250;
    end_open(&f->line, f->loop, &target);
    wait_for(f->loop, &f->line.opened, 1);
    struct termios2 line;
    assert_int_equal(ioctl(f->master, TCGETS2, &line), 0);
    assert_int_equal(line.c_ospeed, 31250);
}

static void the_line_is_ours_alone_until_closed(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = target_of(f);
    end_open(&f->line, f->loop, &target);
    wait_for(f->loop, &f->line.opened, 1);
    end_open(&f->second, f->loop, &target);
    wait_for(f->loop, &f->second.closed, 1);
    assert_int_equal(f->second.error, BUSBAR_EBUSY);
    assert_non_null(strstr(f->second.detail, "in use by another program"));
    stream_close(f->line.stream);
    wait_for(f->loop, &f->line.closed, 1);
    memset(&f->second, 0, sizeof(f->second));
    end_open(&f->second, f->loop, &target);
    wait_for(f->loop, &f->second.opened, 1);
    stream_close(f->second.stream);
    wait_for(f->loop, &f->second.closed, 1);
}

static void an_unplugged_line_is_told(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = target_of(f);
    end_open(&f->line, f->loop, &target);
    wait_for(f->loop, &f->line.opened, 1);
    close(f->master);
    f->master = -1;
    wait_for(f->loop, &f->line.closed, 1);
    assert_true(f->line.error == BUSBAR_ECLOSED || f->line.error == BUSBAR_EIO);
    assert_non_null(strstr(f->line.detail, f->path));
}

static void what_came_before_can_be_forgotten(void **state)
{
    struct fixture *f = *state;
    struct stream_target target = target_of(f);
    end_open(&f->line, f->loop, &target);
    wait_for(f->loop, &f->line.opened, 1);
    assert_int_equal(write(f->master, "noise", 5), 5);
    usleep(10000);
    stream_discard_input(f->line.stream);
    assert_int_equal(write(f->master, "frame", 5), 5);
    wait_for(f->loop, &f->line.received, 1);
    wait_ms(f->loop, 5);
    assert_int_equal(f->line.size, 5);
    assert_memory_equal(f->line.data, "frame", 5);
}

static void what_is_no_line_is_told(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        int error;
        const char *reason;
    } rows[] = {
        { "/dev/no-such-line", BUSBAR_ENOENT, "plugged in" },
        { "/dev/null", BUSBAR_EINVAL, "not a serial line" },
    };
    for (size_t i = 0; i < 2; i++) {
        struct stream_target target = { .kind = STREAM_SERIAL, .serial = { .path = rows[i].path } };
        memset(&f->second, 0, sizeof(f->second));
        end_open(&f->second, f->loop, &target);
        wait_for(f->loop, &f->second.closed, 1);
        assert_int_equal(f->second.error, rows[i].error);
        assert_non_null(strstr(f->second.detail, rows[i].reason));
        assert_int_equal(f->second.opened, 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(all_bytes_pass_unchanged),  TEST(the_line_is_set_as_asked),
        TEST(any_baud_rate_is_taken),    TEST(the_line_is_ours_alone_until_closed),
        TEST(an_unplugged_line_is_told), TEST(what_came_before_can_be_forgotten),
        TEST(what_is_no_line_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
