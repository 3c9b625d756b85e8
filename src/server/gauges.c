/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gauges.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/jobs.h"
#include "server/ingest/ingest.h"

enum { TICK_MS = 1000, WINDOW_TICKS = 10 };

/* Outlives the gauges when the server is freed while it runs. */
struct gauges_job {
    struct gauges *gauges; /* NULL: freed */
    struct history *history;
    struct history_status status;
    struct history_policy_status policies[HISTORY_POLICIES_MAX + 1];
    size_t policy_count;
};

static void job_work(void *ctx)
{
    struct gauges_job *job = ctx;
    history_status(job->history, &job->status);
    job->policy_count = history_policy_status(job->history, job->policies,
                                              HISTORY_POLICIES_MAX + 1);
}

static void take_history(struct gauges *gauges, const struct history_status *status)
{
    gauges->history = *status;
    gauges->received = bus_received_all(gauges->config->bus) + ingest_received(gauges->ingest);
    gauges->refused = ingest_refused(gauges->ingest);
    for (unsigned i = 0; i < BUS_REFUSAL_COUNT; i++) {
        gauges->refused += bus_refused_all(gauges->config->bus, (enum bus_refusal)i);
    }
}

static void job_done(void *ctx, int error)
{
    struct gauges_job *job = ctx;
    if (job->gauges != NULL) {
        job->gauges->job = NULL;
        if (error == 0) {
            take_history(job->gauges, &job->status);
            job->gauges->policy_count = job->policy_count;
            memcpy(job->gauges->policies, job->policies, sizeof(job->policies));
        }
    }
    busbar_free(job);
}

static void ask_history(struct gauges *gauges)
{
    if (gauges->config->history == NULL) {
        take_history(gauges, &gauges->history);
        return;
    }
    if (gauges->job != NULL) {
        return;
    }
    gauges->job = busbar_alloc(sizeof(*gauges->job));
    gauges->job->gauges = gauges;
    gauges->job->history = gauges->config->history;
    jobs_submit(gauges->config->loop, job_work, job_done, gauges->job);
}

/* Resident memory; a read of the kernel's own file, no disk. */
static uint64_t resident_bytes(void)
{
    unsigned long long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%llu %llu", &size, &resident) != 2) {
        resident = 0;
    }
    (void)fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double processor_s(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void take_loop(struct gauges *gauges)
{
    struct loop_stats stats;
    loop_stats(gauges->config->loop, &stats);
    if (stats.longest_us > gauges->loop_window_us) {
        gauges->loop_window_us = stats.longest_us;
    }
    if (stats.longest_us > gauges->loop_longest_us) {
        gauges->loop_longest_us = stats.longest_us;
    }
    gauges->busy_us = stats.busy_us;
    loop_stats_reset_longest(gauges->config->loop);
    if (++gauges->ticks % WINDOW_TICKS == 0) {
        gauges->loop_longest_us = gauges->loop_window_us;
        gauges->loop_window_us = 0;
    }
}

static void take(struct gauges *gauges)
{
    struct host_totals totals;
    int64_t now = clock_mono_us();
    double span_s = (double)(now - gauges->taken_us) / 1e6;
    double cpu_s = processor_s();
    uint64_t samples = bus_received_all(gauges->config->bus) + ingest_received(gauges->ingest);
    host_totals(gauges->config->host, &totals);
    if (gauges->taken_us != 0 && span_s > 0) {
        gauges->samples_per_s = (double)(samples - gauges->samples) / span_s;
        gauges->polls_per_s = (double)(totals.polls - gauges->polls) / span_s;
        gauges->cpu_percent = 100 * (cpu_s - gauges->cpu_s) / span_s;
    }
    gauges->samples = samples;
    gauges->polls = totals.polls;
    gauges->cpu_s = cpu_s;
    gauges->taken_us = now;
    gauges->memory_bytes = resident_bytes();
    take_loop(gauges);
}

static void on_tick(struct timer *timer, void *ctx)
{
    (void)timer;
    take(ctx);
    ask_history(ctx);
}

void gauges_init(struct gauges *gauges, const struct server_config *config,
                 const struct ingest *ingest)
{
    *gauges = (struct gauges){ .config = config, .ingest = ingest };
    struct history_status status = { 0 };
    if (config->history != NULL) {
        history_status(config->history, &status);
    }
    take_history(gauges, &status);
    take(gauges);
    timer_init(&gauges->timer, config->loop, on_tick, gauges);
    timer_start(&gauges->timer, TICK_MS, TICK_MS);
}

void gauges_fini(struct gauges *gauges)
{
    timer_stop(&gauges->timer);
    if (gauges->job != NULL) {
        gauges->job->gauges = NULL;
    }
}
