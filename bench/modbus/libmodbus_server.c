/* SPDX-License-Identifier: Apache-2.0 */
/* The devices of the benchmark: libmodbus as the server on many loopback ports, one process, epoll. Each port is a
 * device with 1,000 holding registers, one of which changes at every read. Both clients read the same server.
 *
 * usage: bench_modbus_server FIRST_PORT COUNT
 * Prints "ready" when it listens, and "first TIME" (monotonic seconds) when the first request comes. */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REGISTERS = 1000, EVENTS = 256, DESCRIPTORS = 16384 };

struct device {
    modbus_t *modbus;
    modbus_mapping_t *registers;
    int listener;
};

struct slot {
    struct device *device; /* NULL: free */
    int listens;
};

static struct slot slots[DESCRIPTORS];

static int watch(int epoll, int fd, struct device *device, int listens)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (fd < 0 || fd >= DESCRIPTORS) {
        return -1;
    }
    slots[fd] = (struct slot){ device, listens };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int open_device(struct device *device, int epoll, int port)
{
    device->modbus = modbus_new_tcp("127.0.0.1", port);
    device->registers = modbus_mapping_new(0, 0, REGISTERS, 0);
    if (device->modbus == NULL || device->registers == NULL) {
        return -1;
    }
    for (int i = 0; i < REGISTERS; i++) {
        device->registers->tab_registers[i] = (uint16_t)(port + i);
    }
    device->listener = modbus_tcp_listen(device->modbus, 16);
    return device->listener < 0 ? -1 : watch(epoll, device->listener, device, 1);
}

static void tell_first(void)
{
    static int told = 0;
    if (!told) {
        struct timespec now;
        told = 1;
        clock_gettime(CLOCK_MONOTONIC, &now);
        printf("first %lld.%06ld\n", (long long)now.tv_sec, now.tv_nsec / 1000);
        fflush(stdout);
    }
}

static void serve(int epoll, int fd)
{
    struct device *device = slots[fd].device;
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    if (slots[fd].listens) {
        int listener = device->listener;
        int accepted = modbus_tcp_accept(device->modbus, &listener);
        if (accepted >= 0) {
            watch(epoll, accepted, device, 0);
        }
        return;
    }
    modbus_set_socket(device->modbus, fd);
    int size = modbus_receive(device->modbus, query);
    if (size > 0) {
        tell_first();
        device->registers->tab_registers[0]++;
        modbus_reply(device->modbus, query, size, device->registers);
    } else if (size < 0) {
        slots[fd].device = NULL;
        close(fd);
    }
}

int main(int argc, char **argv)
{
    int first = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 16000;
    int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 100;
    struct rlimit limit = { DESCRIPTORS, DESCRIPTORS };
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct device *devices = calloc((size_t)count, sizeof *devices);
    for (int i = 0; devices != NULL && i < count; i++) {
        if (open_device(&devices[i], epoll, first + i) != 0) {
            fprintf(stderr, "cannot listen on port %d: %s\n", first + i, modbus_strerror(errno));
            return 1;
        }
    }
    puts("ready");
    fflush(stdout);
    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (slots[events[i].data.fd].device != NULL) {
                serve(epoll, events[i].data.fd);
            }
        }
    }
}
