/* SPDX-License-Identifier: Apache-2.0 */
/* `busbar sim` as a process: it listens, ends cleanly on SIGTERM, and its exit codes. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "drivers/catalog.h"
#include "sim/sim.h"
#include "support/free_port.h"

static char path[64];

static void write_site(const char *format, int port)
{
    str_format(path, sizeof(path), "/tmp/busbar-sim-run-XXXXXX.yaml");
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    for (const char *at = format; *at != '\0'; at++) { /* $: the port */
        if (*at == '$') {
            fprintf(file, "%d", port);
        } else {
            fputc(*at, file);
        }
    }
    assert_int_equal(fclose(file), 0);
}

/* In the child: never returns. */
static void run_child(const char *const *faults)
{
    const struct driver_ops *modbus = drivers_catalog()[0];
    struct config_protocol protocol = {
        .name = modbus->name,
        .device_options = modbus->device_options,
        .point_options = modbus->point_options,
        .address_bytes = modbus->address_bytes,
        .check = modbus->check,
        .resolve = modbus->resolve,
    };
    if (freopen("/dev/null", "r", stdin) == NULL || freopen("/dev/null", "w", stderr) == NULL) {
        _exit(99);
    }
    _exit(sim_run(&(struct sim_options){
        .path = path, .protocols = &protocol, .protocol_count = 1, .faults = faults, .seed = 1 }));
}

static pid_t start(const char *const *faults)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run_child(faults);
    }
    return pid;
}

static int exit_code(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Asks one register; -1 while nobody listens. */
static int ask(int port, uint8_t reply[16])
{
    static const uint8_t question[] = { 0, 1, 0, 0, 0, 6, 1, 3, 0, 100, 0, 1 };
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int size = -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, question, sizeof(question), MSG_NOSIGNAL) == (ssize_t)sizeof(question)) {
        size = (int)recv(fd, reply, 16, 0);
    }
    (void)close(fd);
    return size;
}

static const char site[] = "version: 1\n"
                           "devices:\n"
                           "  meter-1:\n"
                           "    modbus: { tcp: '127.0.0.1:$', unit_id: 1 }\n"
                           "    points: { volt: { holding: 100, type: uint16, units: V } }\n";

static void it_serves_until_it_is_told_to_end(void **state)
{
    (void)state;
    int port = test_free_port(), size = -1;
    uint8_t reply[16];
    write_site(site, port);
    pid_t pid = start(NULL);
    for (int i = 0; i < 500 && size < 0; i++) {
        (void)usleep(10000);
        size = ask(port, reply);
    }
    assert_int_equal(size, 11);
    assert_int_equal(reply[7], 3);
    assert_in_range(reply[9] << 8 | reply[10], 220, 240);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(exit_code(pid), 0);
    assert_int_equal(ask(port, reply), -1);
}

static void a_wrong_configuration_ends_with_3(void **state)
{
    (void)state;
    write_site("version: 1\ndevices: { x: { modbus: { tpc: $ } } }\n", 1);
    assert_int_equal(exit_code(start(NULL)), 3);
}

static void a_wrong_fault_ends_with_1(void **state)
{
    (void)state;
    const char *const faults[] = { "meter-1=silense", NULL };
    write_site(site, test_free_port());
    assert_int_equal(exit_code(start(faults)), 1);
}

static void nothing_to_serve_ends_with_1(void **state)
{
    (void)state;
    write_site("version: 1\ndevices: { x: { modbus: { tcp: '192.0.2.1:$' },\n"
               "                points: { a: { coil: 1 } } } }\n",
               20000);
    assert_int_equal(exit_code(start(NULL)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_serves_until_it_is_told_to_end),
        cmocka_unit_test(a_wrong_configuration_ends_with_3),
        cmocka_unit_test(a_wrong_fault_ends_with_1),
        cmocka_unit_test(nothing_to_serve_ends_with_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
