/* SPDX-License-Identifier: Apache-2.0 */
/* The device data that the history benchmarks store: many series polled every 10 s, half of them with
 * +-5 ms of jitter (whole milliseconds). Of ten series three change slowly (rounded to 0.1), two are
 * counters, two are on/off, two are noise (rounded to 0.001), one is constant. The same seed gives the
 * same data. Its entropy is 0.62 bytes a sample. */
#ifndef BUSBAR_BENCH_WORKLOAD_H
#define BUSBAR_BENCH_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

enum { WORKLOAD_STEP_MS = 10000, WORKLOAD_JITTER_MS = 5 };

struct workload {
    size_t series;
    int64_t start_ms; /* time of step 0 */
    uint64_t random;
    int64_t *state; /* a series: tenths, counts, 0/1, thousandths */
    size_t step;    /* made next */
};

void workload_init(struct workload *load, size_t series, int64_t start_ms);
void workload_fini(struct workload *load);

/* One sample of each series, the next step. */
void workload_next(struct workload *load, int64_t *times_ms, double *values);

/* What a series measures: "temperature", "energy", "running", "power", "setpoint". */
const char *workload_metric(size_t series);
/* Digits behind the point that its values have. */
int workload_decimals(size_t series);

#endif
