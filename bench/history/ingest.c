/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest in process: the device data through append, log, head and blocks into a real folder.
 *
 *   bench_history_ingest [--series 10000] [--samples 1000] [--order time|series] [--batch 10000]
 *                        [--replay] [--folder PATH]
 *
 * --order series: one series after the other, as in a bulk load. --replay: no block is written before the
 * history was closed and opened again. What making the data costs is taken away from the CPU time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "history/history.h"
#include "history/workload.h"
#include "state/state.h"

#define START_MS INT64_C(1790000000000)
enum { GROUP = 20 /* series that are made together when they come one after the other */ };
enum { IN_FLIGHT = 8, BATCH_MAX = 1 << 20 };

struct options {
    size_t series, samples, batch;
    bool by_series, replay;
    const char *folder;
};

struct bench {
    struct options options;
    struct state *state;
    struct history *history;
    struct workload load;
    int64_t *times_ms; /* GROUP or all of the series, at one or all of the times */
    double *values;
    struct sample *samples;
    size_t filled;
    int in_flight;
    double made_s; /* CPU that making the data took */
};

static double cpu_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_history_ingest: %s\n", what);
    exit(1);
}

static void stored(void *ctx, int error)
{
    struct bench *bench = ctx;
    bench->in_flight--;
    if (error != 0) {
        die(err_text(error));
    }
}

static void wait_below(struct bench *bench, int in_flight)
{
    while (bench->in_flight >= in_flight) {
        if (history_completed(bench->history) == 0) {
            usleep(200);
        }
    }
}

static void append(struct bench *bench)
{
    int error;
    wait_below(bench, IN_FLIGHT);
    while ((error = history_append(bench->history, bench->samples, bench->filled, stored, bench)) ==
           BUSBAR_EBUSY) {
        usleep(200);
        history_completed(bench->history);
    }
    if (error != 0) {
        die(err_text(error));
    }
    bench->in_flight++;
    bench->filled = 0;
}

static void take(struct bench *bench, size_t series, size_t place)
{
    int64_t time_us = bench->times_ms[place] * 1000;
    bench->samples[bench->filled++] = (struct sample){ .time_us = time_us,
                                                       .receive_us = time_us,
                                                       .value = { .d = bench->values[place] },
                                                       .point = (uint32_t)series + 1,
                                                       .type = VALUE_DOUBLE };
}

/* Runs count workload steps into the arrays, a step after the other. */
static void make(struct bench *bench, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        workload_next(&bench->load, bench->times_ms + i * bench->load.series,
                      bench->values + i * bench->load.series);
    }
}

static void ingest_by_time(struct bench *bench)
{
    const struct options *options = &bench->options;
    for (size_t at = 0; at < options->samples; at++) {
        double start_s = cpu_s(CLOCK_THREAD_CPUTIME_ID);
        make(bench, 1);
        bench->made_s += cpu_s(CLOCK_THREAD_CPUTIME_ID) - start_s;
        for (size_t series = 0; series < options->series; series++) {
            take(bench, series, series);
            if (bench->filled == options->batch || series + 1 == options->series) {
                append(bench);
            }
        }
    }
}

static void ingest_by_series(struct bench *bench)
{
    const struct options *options = &bench->options;
    for (size_t series = 0; series < options->series; series++) {
        if (series % GROUP == 0) {
            double start_s = cpu_s(CLOCK_THREAD_CPUTIME_ID);
            bench->load.step = 0;
            make(bench, options->samples);
            bench->made_s += cpu_s(CLOCK_THREAD_CPUTIME_ID) - start_s;
        }
        for (size_t at = 0; at < options->samples; at++) {
            take(bench, series, at * GROUP + series % GROUP);
            if (bench->filled == options->batch) {
                append(bench);
            }
        }
    }
    if (bench->filled > 0) {
        append(bench);
    }
}

static void ingest(struct bench *bench)
{
    const struct options *options = &bench->options;
    size_t width = options->by_series ? GROUP : options->series;
    size_t places = width * (options->by_series ? options->samples : 1);
    workload_init(&bench->load, width, START_MS);
    bench->times_ms = busbar_alloc_array(places, sizeof(*bench->times_ms));
    bench->values = busbar_alloc_array(places, sizeof(*bench->values));
    bench->samples = busbar_alloc_array(options->batch, sizeof(*bench->samples));
    (options->by_series ? ingest_by_series : ingest_by_time)(bench);
    wait_below(bench, 1);
    busbar_free(bench->times_ms);
    busbar_free(bench->values);
    busbar_free(bench->samples);
    workload_fini(&bench->load);
}

static void open_history(struct bench *bench)
{
    struct err err = { 0 };
    if (state_open(bench->options.folder, &bench->state, &err) != 0) {
        die(err.message);
    }
    struct history_config config = { .folder = bench->options.folder,
                                     .state = bench->state,
                                     .keep_us = HISTORY_KEEP_FOREVER,
                                     .no_keeper = bench->options.replay };
    if (history_open(&config, &bench->history, &err) != 0) {
        die(err.message);
    }
}

static void close_history(struct bench *bench)
{
    history_close(bench->history);
    state_close(bench->state);
}

static double peak_mb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void replay(struct bench *bench, double samples)
{
    struct history_recovery found;
    close_history(bench);
    double start_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
    open_history(bench);
    double took_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - start_s;
    history_recovered(bench->history, &found);
    if ((double)found.samples != samples) {
        die("samples are missing after the replay");
    }
    printf("replay            %8.3f s CPU, %.0f ns a sample, %.3f s wall\n", took_s,
           took_s / samples * 1e9, (double)found.took_us / 1e6);
}

static void write_blocks(struct bench *bench, double samples, uint64_t log_bytes)
{
    struct history_status status;
    bool worked = true;
    double start_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
    if (history_flush(bench->history) != 0) {
        die("cannot write a block");
    }
    double block_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - start_s;
    while (worked && history_step(bench->history, &worked) == 0) {
    }
    history_status(bench->history, &status);
    printf("block             %8.3f s CPU, %.0f ns a sample, %.3f B a sample\n", block_s,
           block_s / samples * 1e9, (double)status.block_bytes / samples);
    printf("log               %8.3f B a sample\n", (double)log_bytes / samples);
    if ((double)status.block_samples != samples) {
        die("samples are missing in the blocks");
    }
}

static void run(struct bench *bench)
{
    struct history_status status;
    double samples = (double)(bench->options.series * bench->options.samples);
    open_history(bench);
    double start_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
    ingest(bench);
    double took_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - start_s - bench->made_s;
    history_status(bench->history, &status);
    printf("append, log, head %8.3f s CPU, %.0f ns a sample, %.2f M samples a CPU second\n", took_s,
           took_s / samples * 1e9, samples / took_s / 1e6);
    printf("head              %8.3f MB for %.0f samples, peak RSS %.1f MB\n",
           (double)status.head_bytes / 1e6, (double)status.head_samples, peak_mb());
    if (bench->options.replay) {
        replay(bench, samples);
    }
    write_blocks(bench, samples, status.written_bytes);
    took_s = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - start_s - bench->made_s;
    printf("all               %8.3f s CPU, %.2f M samples a CPU second, peak RSS %.1f MB\n", took_s,
           samples / took_s / 1e6, peak_mb());
    close_history(bench);
}

static bool parse_pair(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--series") == 0) {
        options->series = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--samples") == 0) {
        options->samples = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--batch") == 0) {
        options->batch = strtoul(value, NULL, 10);
    } else if (strcmp(name, "--order") == 0) {
        options->by_series = strcmp(value, "series") == 0;
    } else if (strcmp(name, "--folder") == 0) {
        options->folder = value;
    } else {
        return false;
    }
    return true;
}

static void parse(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--replay") == 0) {
            options->replay = true;
        } else if (i + 1 == argc || !parse_pair(options, argv[i], argv[i + 1])) {
            die("unknown option; see the head of bench/history/ingest.c");
        } else {
            i++;
        }
    }
    if (options->series == 0 || options->series > HISTORY_SERIES_MAX || options->samples == 0 ||
        options->batch == 0 || options->batch > BATCH_MAX) {
        die("--series, --samples or --batch is out of range");
    }
}

int main(int argc, char **argv)
{
    char folder[] = "bench-history-XXXXXX";
    struct bench bench = { .options = { .series = 10000, .samples = 1000, .batch = 10000 } };
    parse(argc, argv, &bench.options);
    if (bench.options.folder == NULL) {
        bench.options.folder = mkdtemp(folder);
    }
    if (bench.options.folder == NULL) {
        die(strerror(errno));
    }
    run(&bench);
    return 0;
}
