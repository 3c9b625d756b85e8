/* SPDX-License-Identifier: Apache-2.0 */
/* The codec by itself: the device data, a chunk of 1,000 samples a series, by kind of series: bytes a sample,
 * and how long encoding, decoding of samples and decoding of numbers take on one core.
 *
 *   bench_history_codec [--series 1000] [--rounds 20] [--microseconds] [--cold]
 *
 * --cold: packed as small as can be, as old blocks are. --microseconds: the jitter is in whole microseconds instead of milliseconds. Under a profiler that counts
 * instructions, --rounds 1 and the counts of the history_chunk_* functions say the same without a clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "history/chunk.h"
#include "history/workload.h"

enum { SAMPLES = 1000, ENTRY_BYTES = 13 /* check and index entry of a chunk in a block */ };
#define START_MS INT64_C(1790000000000)

struct options {
    size_t series;
    unsigned rounds;
    bool microseconds, cold;
};

struct kind {
    const char *name;
    uint64_t samples, bytes;
    double encode_s, decode_s, numbers_s;
};

struct bench {
    struct options options;
    struct workload load;
    int64_t *times_ms;
    double *values;
    struct history_column *columns; /* GROUP of them */
    struct history_column *back;
    int64_t *times;
    struct history_coder *coder;
    struct buf out;
    struct kind kinds[12];
    size_t kind_count;
    uint64_t random;
};

enum { GROUP = 20 };

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_history_codec: %s\n", what);
    exit(1);
}

static struct kind *kind_of(struct bench *bench, size_t series)
{
    char name[40];
    snprintf(name, sizeof(name), "%s%s", workload_metric(series),
             series % 2 == 1 ? ", jitter" : "");
    for (size_t i = 0; i < bench->kind_count; i++) {
        if (strcmp(bench->kinds[i].name, name) == 0) {
            return &bench->kinds[i];
        }
    }
    struct kind *kind = &bench->kinds[bench->kind_count++];
    *kind = (struct kind){ .name = busbar_strdup(name) };
    return kind;
}

static void fill(struct bench *bench)
{
    for (size_t i = 0; i < GROUP; i++) {
        bench->columns[i].count = SAMPLES;
        bench->columns[i].type = VALUE_DOUBLE;
    }
    for (size_t at = 0; at < SAMPLES; at++) {
        workload_next(&bench->load, bench->times_ms, bench->values);
        for (size_t i = 0; i < GROUP; i++) {
            int64_t time_us = bench->times_ms[i] * 1000;
            if (bench->options.microseconds && i % 2 == 1) {
                time_us += (int64_t)(hash_random(&bench->random) % 1000);
            }
            bench->columns[i].times[at] = time_us;
            bench->columns[i].values[at].d = bench->values[i];
        }
    }
}

static void run_series(struct bench *bench, size_t i)
{
    struct kind *kind = kind_of(bench, i);
    const struct history_column *column = &bench->columns[i];
    struct history_chunk_info info;
    struct history_part part;
    double start = cpu_s();
    for (unsigned round = 0; round < bench->options.rounds; round++) {
        buf_clear(&bench->out);
        if (history_chunk_encode(bench->coder, column, &bench->out) != 0) {
            die("cannot encode");
        }
    }
    double encoded = cpu_s();
    for (unsigned round = 0; round < bench->options.rounds; round++) {
        if (history_chunk_decode(bench->coder, bench->out.data, bench->out.size, bench->back) !=
            0) {
            die("cannot decode");
        }
    }
    double decoded = cpu_s();
    bool same = memcmp(column->times, bench->back->times, SAMPLES * sizeof(int64_t)) == 0 &&
                memcmp(column->values, bench->back->values, SAMPLES * sizeof(union value)) == 0;
    double compared = cpu_s();
    for (unsigned round = 0; round < bench->options.rounds; round++) {
        if (history_chunk_numbers(bench->coder, bench->out.data, bench->out.size, INT64_MIN,
                                  INT64_MAX, bench->times, bench->values, &info, &part) != 0) {
            die("cannot decode");
        }
    }
    kind->numbers_s += cpu_s() - compared;
    same = same && memcmp(column->times, bench->times, SAMPLES * sizeof(int64_t)) == 0 &&
           memcmp(column->values, bench->values, SAMPLES * sizeof(double)) == 0;
    if (!same) {
        die("what came back is not what went in");
    }
    kind->encode_s += encoded - start;
    kind->decode_s += decoded - encoded;
    kind->samples += SAMPLES;
    kind->bytes += bench->out.size + ENTRY_BYTES;
}

static void report(const struct kind *kind, unsigned rounds)
{
    double samples = (double)kind->samples * rounds / 1e6;
    printf("%-22s %8.3f %10.0f %10.0f %10.0f\n", kind->name,
           (double)kind->bytes / (double)kind->samples, samples / kind->encode_s,
           samples / kind->decode_s, samples / kind->numbers_s);
}

static void run(struct bench *bench)
{
    struct kind all = { .name = "all" };
    for (size_t done = 0; done < bench->options.series; done += GROUP) {
        workload_init(&bench->load, GROUP, START_MS);
        bench->load.random += done;
        fill(bench);
        workload_fini(&bench->load);
        for (size_t i = 0; i < GROUP; i++) {
            run_series(bench, i);
        }
    }
    printf("%-22s %8s %10s %10s %10s\n", "", "B/sample", "encode M/s", "decode M/s", "numbers M/s");
    for (size_t i = 0; i < bench->kind_count; i++) {
        const struct kind *kind = &bench->kinds[i];
        report(kind, bench->options.rounds);
        all.samples += kind->samples;
        all.bytes += kind->bytes;
        all.encode_s += kind->encode_s;
        all.decode_s += kind->decode_s;
        all.numbers_s += kind->numbers_s;
    }
    report(&all, bench->options.rounds);
}

static void parse(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--microseconds") == 0) {
            options->microseconds = true;
        } else if (strcmp(argv[i], "--cold") == 0) {
            options->cold = true;
        } else if (strcmp(argv[i], "--series") == 0 && i + 1 < argc) {
            options->series = (size_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
            options->rounds = (unsigned)strtoul(argv[++i], NULL, 10);
        } else {
            die("usage: bench_history_codec [--series N] [--rounds N] [--microseconds] [--cold]");
        }
    }
}

int main(int argc, char **argv)
{
    struct bench bench = { .options = { .series = 1000, .rounds = 20 }, .random = 7 };
    parse(&bench.options, argc, argv);
    bench.times_ms = busbar_alloc_array(SAMPLES + 16, sizeof(int64_t));
    bench.times = busbar_alloc_array(SAMPLES + 16, sizeof(int64_t));
    bench.values = busbar_alloc_array(SAMPLES + 16, sizeof(double));
    bench.columns = busbar_alloc_array(GROUP, sizeof(*bench.columns));
    bench.back = history_column_new();
    bench.coder = history_coder_new();
    history_coder_cold(bench.coder, bench.options.cold);
    buf_init(&bench.out, 1 << 20);
    run(&bench);
    for (size_t i = 0; i < bench.kind_count; i++) {
        busbar_free((void *)(uintptr_t)bench.kinds[i].name);
    }
    buf_fini(&bench.out);
    history_coder_free(bench.coder);
    busbar_free(bench.back);
    busbar_free(bench.columns);
    busbar_free(bench.values);
    busbar_free(bench.times);
    busbar_free(bench.times_ms);
    return 0;
}
