/* SPDX-License-Identifier: Apache-2.0 */
/* The peer of the OPC UA bench: open62541's own client, with its own subscriptions, that counts what comes and forgets it.
 * `bench_opcua_loop PORT NODES SUBSCRIPTIONS PUBLISHING_MS SECONDS` prints: seconds until all values had come once, then of SECONDS:
 * changes, CPU seconds, wall seconds, latency p50 and p99 in milliseconds (of the first STAMPS, which hold the time of
 * their change), and at the end bytes of memory. */
#include <open62541/client_config_default.h>
#include <open62541/client_highlevel.h>
#include <open62541/client_subscriptions.h>
#include <open62541/plugin/log_stdout.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { STAMPS = 100, BATCH = 1000, LATENCIES = 1000000 };

struct bench {
    unsigned nodes, seen;
    unsigned char *had; /* of each node: its first value came */
    unsigned long changes;
    double *latencies; /* ms */
    size_t latency_count;
    UA_Boolean measuring;
};

static UA_Int64 now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (UA_Int64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct bench bench;

static void changed(UA_Client *client, UA_UInt32 subscription, void *subscription_context,
                    UA_UInt32 item, void *context, UA_DataValue *value)
{
    size_t node = (size_t)context;
    (void)client;
    (void)subscription;
    (void)subscription_context;
    (void)item;
    bench.changes++;
    bench.seen += bench.had[node] == 0;
    bench.had[node] = 1;
    if (bench.measuring && node < STAMPS && bench.latency_count < LATENCIES && value->hasValue) {
        bench.latencies[bench.latency_count++] = (double)(now_us() -
                                                          *(UA_Int64 *)value->value.data) /
                                                 1000.0;
    }
}

/* Nodes from `from` to below `to`. */
static int subscribe(UA_Client *client, double publishing_ms, unsigned from, unsigned to)
{
    UA_CreateSubscriptionRequest request = UA_CreateSubscriptionRequest_default();
    request.requestedPublishingInterval = publishing_ms;
    UA_CreateSubscriptionResponse made = UA_Client_Subscriptions_create(client, request, NULL, NULL,
                                                                        NULL);
    if (made.responseHeader.serviceResult != 0) {
        return 1;
    }
    UA_MonitoredItemCreateRequest items[BATCH];
    UA_Client_DataChangeNotificationCallback calls[BATCH];
    UA_Client_DeleteMonitoredItemCallback deleted[BATCH] = { NULL };
    void *contexts[BATCH];
    for (unsigned first = from; first < to; first += BATCH) {
        unsigned count = to - first < BATCH ? to - first : BATCH;
        for (unsigned i = 0; i < count; i++) {
            items[i] = UA_MonitoredItemCreateRequest_default(UA_NODEID_NUMERIC(1, first + i + 1));
            items[i].requestedParameters.samplingInterval = 0.0; /* as it changes */
            items[i].requestedParameters.queueSize = 1;
            calls[i] = changed;
            contexts[i] = (void *)(size_t)(first + i);
        }
        UA_CreateMonitoredItemsRequest create = {
            .subscriptionId = made.subscriptionId,
            .timestampsToReturn = UA_TIMESTAMPSTORETURN_BOTH,
            .itemsToCreateSize = count,
            .itemsToCreate = items,
        };
        UA_CreateMonitoredItemsResponse response = UA_Client_MonitoredItems_createDataChanges(
            client, create, contexts, calls, deleted);
        UA_StatusCode status = response.responseHeader.serviceResult;
        UA_CreateMonitoredItemsResponse_clear(&response);
        if (status != 0) {
            return 1;
        }
    }
    return 0;
}

static int subscribe_all(UA_Client *client, unsigned subscriptions, double publishing_ms)
{
    unsigned each = bench.nodes / subscriptions;
    for (unsigned i = 0; i < subscriptions; i++) {
        unsigned to = i + 1 == subscriptions ? bench.nodes : (i + 1) * each;
        if (subscribe(client, publishing_ms, i * each, to) != 0) {
            return 1;
        }
    }
    return 0;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double quantile(double q)
{
    size_t at = (size_t)(q * (double)bench.latency_count);
    return bench.latency_count > 0
               ? bench.latencies[at < bench.latency_count ? at : bench.latency_count - 1]
               : 0.0;
}

static long rss_bytes(void)
{
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm != NULL) {
        if (fscanf(statm, "%*s %ld", &pages) != 1) {
            pages = 0;
        }
        (void)fclose(statm);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

static void measure(UA_Client *client, double seconds, double start_seconds)
{
    UA_Int64 settle = now_us() + 2000000;
    while (now_us() < settle) {
        (void)UA_Client_run_iterate(client, 100);
    }
    unsigned long changes = bench.changes;
    double cpu = cpu_seconds();
    UA_Int64 begin = now_us(), end = begin + (UA_Int64)(seconds * 1e6);
    bench.measuring = true;
    while (now_us() < end) {
        (void)UA_Client_run_iterate(client, 100);
    }
    qsort(bench.latencies, bench.latency_count, sizeof(double), by_size);
    printf("%.3f %lu %.3f %.3f %.1f %.1f %ld\n", start_seconds, bench.changes - changes,
           cpu_seconds() - cpu, (double)(now_us() - begin) / 1e6, quantile(0.5), quantile(0.99),
           rss_bytes());
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: %s PORT NODES SUBSCRIPTIONS PUBLISHING_MS SECONDS\n", argv[0]);
        return 2;
    }
    char url[64];
    UA_Int64 began = now_us();
    UA_Client *client = UA_Client_new();
    UA_ClientConfig *config = UA_Client_getConfig(client);
    UA_ClientConfig_setDefault(config);
    config->logging->context = (void *)(uintptr_t)UA_LOGLEVEL_FATAL;
    bench.nodes = (unsigned)strtoul(argv[2], NULL, 10);
    bench.had = calloc(bench.nodes, 1);
    bench.latencies = calloc(LATENCIES, sizeof(double));
    (void)snprintf(url, sizeof(url), "opc.tcp://127.0.0.1:%s", argv[1]);
    if (bench.had == NULL || bench.latencies == NULL ||
        UA_Client_connect(client, url) != UA_STATUSCODE_GOOD ||
        subscribe_all(client, (unsigned)strtoul(argv[3], NULL, 10), strtod(argv[4], NULL)) != 0) {
        fputs("cannot subscribe\n", stderr);
        return 1;
    }
    while (bench.seen < bench.nodes && now_us() - began < 120000000) {
        (void)UA_Client_run_iterate(client, 100);
    }
    if (bench.seen < bench.nodes) {
        fprintf(stderr, "only %u of %u values came\n", bench.seen, bench.nodes);
        return 1;
    }
    measure(client, strtod(argv[5], NULL), (double)(now_us() - began) / 1e6);
    UA_Client_delete(client);
    free(bench.had);
    free(bench.latencies);
    return 0;
}
