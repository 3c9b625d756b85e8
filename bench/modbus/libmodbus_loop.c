/* SPDX-License-Identifier: Apache-2.0 */
/* The peer: a bare libmodbus client that reads 1,000 registers of each of many devices, 125 a request (the most the
 * protocol allows), device after device, for some seconds. It decodes nothing and stores nothing.
 *
 * usage: bench_modbus_loop FIRST_PORT COUNT SECONDS
 * Prints: registers, CPU seconds (user + system), wall seconds. */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { REGISTERS = 1000, STEP = 125 };

static double wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    int first = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 16000;
    int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 100;
    double seconds = argc > 3 ? strtod(argv[3], NULL) : 5;
    modbus_t **devices = calloc((size_t)count, sizeof *devices);
    uint16_t registers[STEP];
    for (int i = 0; devices != NULL && i < count; i++) {
        devices[i] = modbus_new_tcp("127.0.0.1", first + i);
        if (devices[i] == NULL || modbus_connect(devices[i]) != 0) {
            fprintf(stderr, "cannot connect to port %d: %s\n", first + i, modbus_strerror(errno));
            return 1;
        }
    }
    double began = wall(), cpu_began = cpu();
    long long total = 0;
    while (wall() - began < seconds) {
        for (int i = 0; i < count; i++) {
            for (int at = 0; at < REGISTERS; at += STEP) {
                if (modbus_read_registers(devices[i], at, STEP, registers) != STEP) {
                    fprintf(stderr, "read failed: %s\n", modbus_strerror(errno));
                    return 1;
                }
                total += STEP;
            }
        }
    }
    printf("%lld %.6f %.6f\n", total, cpu() - cpu_began, wall() - began);
    return 0;
}
