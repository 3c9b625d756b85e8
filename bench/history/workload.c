/* SPDX-License-Identifier: Apache-2.0 */
#include "history/workload.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"

enum kind { SLOW, COUNTER, ON_OFF, NOISE, CONSTANT };

/* What the series 0..9 of each ten are. */
static const enum kind kinds[10] = { SLOW,   COUNTER, ON_OFF, SLOW,  NOISE,
                                     ON_OFF, COUNTER, SLOW,   NOISE, CONSTANT };

static enum kind kind_of(size_t series)
{
    return kinds[series % 10];
}

static double uniform(struct workload *load)
{
    return ((double)(hash_random(&load->random) >> 11) + 0.5) * 0x1p-53;
}

static double normal(struct workload *load)
{
    return sqrt(-2 * log(uniform(load))) * cos(6.283185307179586 * uniform(load));
}

void workload_init(struct workload *load, size_t series, int64_t start_ms)
{
    *load = (struct workload){ .series = series, .start_ms = start_ms, .random = 1 };
    load->state = busbar_alloc(series * sizeof(*load->state));
    for (size_t i = 0; i < series; i++) {
        switch (kind_of(i)) {
        case SLOW: load->state[i] = 150 + (int64_t)(uniform(load) * 200); break;
        case COUNTER: load->state[i] = (int64_t)(uniform(load) * 1e6); break;
        case ON_OFF: load->state[i] = uniform(load) < 0.5; break;
        case NOISE: load->state[i] = 1000 + (int64_t)(uniform(load) * 400000); break;
        case CONSTANT: load->state[i] = (int64_t)(uniform(load) * 1000); break;
        }
    }
}

void workload_fini(struct workload *load)
{
    busbar_free(load->state);
}

static double next_value(struct workload *load, size_t series)
{
    int64_t *state = &load->state[series];
    switch (kind_of(series)) {
    case SLOW: *state += (int64_t)lround(normal(load)); return (double)*state / 10;
    case COUNTER: *state += (int64_t)(uniform(load) * 20); return (double)*state;
    case ON_OFF: *state ^= uniform(load) < 0.01; return (double)*state;
    case NOISE: return (double)(*state + lround(normal(load) * 100)) / 1000;
    default: return (double)*state / 10;
    }
}

void workload_next(struct workload *load, int64_t *times_ms, double *values)
{
    int64_t now = load->start_ms + (int64_t)load->step++ * WORKLOAD_STEP_MS;
    for (size_t i = 0; i < load->series; i++) {
        times_ms[i] = now;
        if (i % 2 == 1) {
            times_ms[i] += (int64_t)(uniform(load) * (2 * WORKLOAD_JITTER_MS + 1)) -
                           WORKLOAD_JITTER_MS;
        }
        values[i] = next_value(load, i);
    }
}

const char *workload_metric(size_t series)
{
    static const char *const names[] = { "temperature", "energy", "running", "power", "setpoint" };
    return names[kind_of(series)];
}

int workload_decimals(size_t series)
{
    static const int decimals[] = { 1, 0, 0, 3, 1 };
    return decimals[kind_of(series)];
}
