/* SPDX-License-Identifier: Apache-2.0 */
/* The server of the OPC UA bench: `bench_opcua_server PORT NODES CHANGES` (a second). Variables ns=1;i=1 to NODES, written
 * one after another, so that subscriptions that sample as values change see CHANGES of them a second. The first
 * STAMPS hold the monotonic time of their change in microseconds, for latencies; they change once a second each. Prints
 * "ready" when it listens. No security: what is measured is values. */
#include <open62541/plugin/log_stdout.h>
#include <open62541/server.h>
#include <open62541/server_config_default.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { STAMPS = 100, TICK_MS = 10, PUBLISH_MS_MIN = 10, NOTIFICATIONS = 10000 };

struct bench {
    UA_Server *server;
    unsigned nodes, changes;
    unsigned next, next_stamp; /* to be written */
    double owed, owed_stamps;  /* parts of a change */
    long round;
};

static volatile UA_Boolean running = true;

static void stop(int signal_number)
{
    (void)signal_number;
    running = false;
}

static UA_Int64 now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (UA_Int64)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void write_node(struct bench *bench, unsigned id, void *data, const UA_DataType *type)
{
    UA_DataValue value = { .hasValue = true,
                           .hasSourceTimestamp = true,
                           .sourceTimestamp = UA_DateTime_now() };
    UA_Variant_setScalar(&value.value, data, type);
    (void)UA_Server_writeDataValue(bench->server, UA_NODEID_NUMERIC(1, id), value);
}

static void tick(UA_Server *server, void *ctx)
{
    struct bench *bench = ctx;
    (void)server;
    bench->owed_stamps += STAMPS * TICK_MS / 1000.0;
    for (; bench->owed_stamps >= 1.0; bench->owed_stamps -= 1.0) {
        UA_Int64 stamp = now_us();
        write_node(bench, 1 + bench->next_stamp, &stamp, &UA_TYPES[UA_TYPES_INT64]);
        bench->next_stamp = (bench->next_stamp + 1) % STAMPS;
    }
    bench->owed += (bench->changes - STAMPS) * TICK_MS / 1000.0;
    for (; bench->owed >= 1.0; bench->owed -= 1.0) {
        UA_Double value = 20.0 + (double)((bench->next * 7 + (unsigned)bench->round) % 100) / 10.0;
        write_node(bench, 1 + bench->next, &value, &UA_TYPES[UA_TYPES_DOUBLE]);
        if (++bench->next == bench->nodes) {
            bench->next = STAMPS;
            bench->round++;
        }
    }
}

static void add_nodes(struct bench *bench)
{
    for (unsigned i = 0; i < bench->nodes; i++) {
        UA_VariableAttributes attributes = UA_VariableAttributes_default;
        UA_Double number = 20.0;
        UA_Int64 stamp = now_us();
        char name[16];
        (void)snprintf(name, sizeof(name), "n%u", i + 1);
        attributes.displayName = UA_LOCALIZEDTEXT("en", name);
        if (i < STAMPS) {
            UA_Variant_setScalar(&attributes.value, &stamp, &UA_TYPES[UA_TYPES_INT64]);
        } else {
            UA_Variant_setScalar(&attributes.value, &number, &UA_TYPES[UA_TYPES_DOUBLE]);
        }
        attributes.dataType = attributes.value.type->typeId;
        (void)UA_Server_addVariableNode(
            bench->server, UA_NODEID_NUMERIC(1, i + 1),
            UA_NODEID_NUMERIC(0, UA_NS0ID_OBJECTSFOLDER), UA_NODEID_NUMERIC(0, UA_NS0ID_ORGANIZES),
            UA_QUALIFIEDNAME(1, name), UA_NODEID_NUMERIC(0, UA_NS0ID_BASEDATAVARIABLETYPE),
            attributes, NULL, NULL);
    }
}

int main(int argc, char **argv)
{
    struct bench bench = { .next = STAMPS };
    UA_ServerConfig config = { 0 };
    static UA_Logger logger;
    if (argc != 4) {
        fprintf(stderr, "usage: %s PORT NODES CHANGES\n", argv[0]);
        return 2;
    }
    (void)signal(SIGTERM, stop);
    logger = UA_Log_Stdout_withLevel(UA_LOGLEVEL_FATAL);
    config.logging = &logger;
    bench.nodes = (unsigned)strtoul(argv[2], NULL, 10);
    bench.changes = (unsigned)strtoul(argv[3], NULL, 10);
    if (UA_ServerConfig_setMinimal(&config, (UA_UInt16)strtoul(argv[1], NULL, 10), NULL) != 0) {
        return 1;
    }
    config.publishingIntervalLimits.min = PUBLISH_MS_MIN;
    config.samplingIntervalLimits.min = PUBLISH_MS_MIN;
    config.maxNotificationsPerPublish = NOTIFICATIONS;
    bench.server = UA_Server_newWithConfig(&config);
    if (bench.server == NULL) {
        return 1;
    }
    add_nodes(&bench);
    (void)UA_Server_addRepeatedCallback(bench.server, tick, &bench, TICK_MS, NULL);
    if (UA_Server_run_startup(bench.server) != 0) {
        return 1;
    }
    puts("ready");
    (void)fflush(stdout);
    while (running) {
        (void)UA_Server_run_iterate(bench.server, true);
    }
    (void)UA_Server_run_shutdown(bench.server);
    (void)UA_Server_delete(bench.server);
    return 0;
}
