/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts. A thread turns the library's event loop and runs what was posted between two turns, so that nothing of a
 * server is touched while it works. */
#include <signal.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "sim/sim_opcua.h"

struct call {
    struct list link; /* host->calls */
    sim_opcua_cb cb;
    void *ctx;
};

/* ---- posted calls ---- */

void sim_opcua_do(struct sim_opcua_host *host, sim_opcua_cb cb, void *ctx)
{
    if (!host->running) {
        cb(ctx);
        return;
    }
    struct call *call = busbar_alloc(sizeof(*call));
    *call = (struct call){ .cb = cb, .ctx = ctx };
    pthread_mutex_lock(&host->lock);
    list_append(&host->calls, &call->link);
    pthread_cond_signal(&host->wake);
    pthread_mutex_unlock(&host->lock);
}

/* False: the thread shall end. */
static bool run_calls(struct sim_opcua_host *host)
{
    for (;;) {
        pthread_mutex_lock(&host->lock);
        bool stop = host->stop;
        struct list *first = host->calls.next;
        bool none = first == &host->calls;
        if (!none) {
            list_remove(first);
        }
        pthread_mutex_unlock(&host->lock);
        if (none) {
            return !stop;
        }
        struct call *call = list_entry(first, struct call, link);
        call->cb(call->ctx);
        busbar_free(call);
    }
}

/* Until something is posted, or the time is over. */
static void wait_ms(struct sim_opcua_host *host, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&host->lock);
    while (host->calls.next == &host->calls && !host->stop &&
           pthread_cond_timedwait(&host->wake, &host->lock, &until) == 0) {
    }
    pthread_mutex_unlock(&host->lock);
}

/* ---- turns ---- */

bool sim_opcua_host_has(const struct sim_opcua_host *host, enum sim_fault_kind kind)
{
    list_each(at, &host->devices) {
        if (list_entry(at, struct sim_opcua_device, link)->now == kind) {
            return true;
        }
    }
    return false;
}

static int64_t slow_ms(const struct sim_opcua_host *host)
{
    int64_t slowest_us = 0;
    list_each(at, &host->devices) {
        const struct sim_opcua_device *device = list_entry(at, struct sim_opcua_device, link);
        if (device->now == SIM_FAULT_SLOW && device->fault.argument > slowest_us) {
            slowest_us = device->fault.argument;
        }
    }
    return slowest_us / 1000;
}

/* The library runs what is due, its samplings among it, then calls this, then waits for the network. */
static void sampled(void *application, void *context)
{
    (void)application;
    ((struct sim_opcua_host *)context)->sampling = false;
}

static void turn(struct sim_opcua_host *host)
{
    UA_EventLoop *loop = UA_Server_getConfig(host->server)->eventLoop;
    int64_t slow = slow_ms(host);
    host->sampled = (UA_DelayedCallback){ .callback = sampled, .context = host };
    host->sampling = true;
    loop->addDelayedCallback(loop, &host->sampled);
    (void)loop->run(loop, slow > 0 ? 0 : SIM_OPCUA_TURN_MS);
    if (slow > 0) {
        wait_ms(host, slow);
    }
}

static void *serve(void *ctx)
{
    struct sim_opcua_host *host = ctx;
    while (run_calls(host)) {
        if (host->server == NULL || sim_opcua_host_has(host, SIM_FAULT_SILENCE)) {
            wait_ms(host, SIM_OPCUA_TURN_MS);
        } else {
            turn(host);
        }
    }
    sim_opcua_host_down(host);
    return NULL;
}

/* ---- the server ---- */

static void look(UA_Server *server, void *ctx)
{
    struct sim_opcua_host *host = ctx;
    (void)server;
    list_each(at, &host->devices) {
        sim_opcua_alarms_look(list_entry(at, struct sim_opcua_device, link));
    }
}

int sim_opcua_host_up(struct sim_opcua_host *host, struct err *err)
{
    int error = sim_opcua_server_new(host, err);
    if (error != 0) {
        return error;
    }
    sim_opcua_namespaces_move(host);
    sim_opcua_alarms_methods(host);
    list_each(at, &host->devices) {
        sim_opcua_space_add(list_entry(at, struct sim_opcua_device, link));
    }
    sim_opcua_limit(host);
    host->starts++;
    (void)UA_Server_addRepeatedCallback(host->server, look, host, SIM_OPCUA_LOOK_MS, &host->look);
    sim_opcua_host_register(host);
    return 0;
}

void sim_opcua_host_register(struct sim_opcua_host *host)
{
    if (host->state->discovery != NULL && !host->discovery && host->server != NULL) {
        (void)UA_Server_addRepeatedCallback(host->server, sim_opcua_register, host,
                                            SIM_OPCUA_REGISTER_MS, &host->registers);
    }
}

void sim_opcua_host_down(struct sim_opcua_host *host)
{
    if (host->server == NULL) {
        return;
    }
    (void)UA_Server_run_shutdown(host->server);
    (void)UA_Server_delete(host->server);
    host->server = NULL;
    host->last_uri = NULL;
    host->types = 0;
    list_each(at, &host->devices) {
        struct sim_opcua_device *device = list_entry(at, struct sim_opcua_device, link);
        UA_NodeId_clear(&device->object);
        for (size_t i = 0; i < device->node_count; i++) {
            sim_opcua_shape_leave(device->nodes[i].shape);
        }
    }
}

/* ---- life ---- */

static struct sim_opcua_host *host_new(struct opcua_sim_state *state, const char *name,
                                       uint16_t port, bool discovery)
{
    struct sim_opcua_host *host = busbar_alloc(sizeof(*host));
    pthread_condattr_t clock;
    host->state = state;
    host->port = port;
    host->discovery = discovery;
    host->sessions = busbar_alloc_array(SIM_OPCUA_SESSIONS_MAX, sizeof(UA_NodeId));
    (void)str_copy(host->name, sizeof(host->name), name);
    list_init(&host->devices);
    list_init(&host->calls);
    pthread_mutex_init(&host->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&host->wake, &clock);
    pthread_condattr_destroy(&clock);
    list_append(&state->hosts, &host->link);
    state->host_count++;
    return host;
}

int sim_opcua_host_get(struct opcua_sim_state *state, const char *name, uint16_t port,
                       bool discovery, struct sim_opcua_host **out, struct err *err)
{
    list_each(at, &state->hosts) {
        struct sim_opcua_host *host = list_entry(at, struct sim_opcua_host, link);
        if (host->port == port && str_equal(host->name, name)) {
            *out = host;
            return 0;
        }
    }
    if (state->host_count >= SIM_OPCUA_HOSTS_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "more than %d servers", SIM_OPCUA_HOSTS_MAX);
    }
    struct sim_opcua_host *host = host_new(state, name, port, discovery);
    int error = sim_opcua_host_up(host, err);
    if (error != 0) {
        sim_opcua_host_free(host);
        return error;
    }
    *out = host;
    return 0;
}

/* Signals are the loop's. */
void sim_opcua_host_begin(struct sim_opcua_host *host)
{
    sigset_t all, before;
    if (host->running) {
        return;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    host->running = pthread_create(&host->thread, NULL, serve, host) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!host->running) {
        busbar_log(LOG_LEVEL_ERROR, "sim", host->name, "cannot start a thread");
    }
}

void sim_opcua_host_end(struct sim_opcua_host *host)
{
    if (host->running) {
        pthread_mutex_lock(&host->lock);
        host->stop = true;
        pthread_cond_signal(&host->wake);
        pthread_mutex_unlock(&host->lock);
        pthread_join(host->thread, NULL);
        host->running = false;
    }
    sim_opcua_host_down(host);
}

void sim_opcua_host_free(struct sim_opcua_host *host)
{
    sim_opcua_host_end(host);
    busbar_free(host->sessions);
    UA_ByteString_clear(&host->certificate);
    UA_ByteString_clear(&host->key);
    pthread_cond_destroy(&host->wake);
    pthread_mutex_destroy(&host->lock);
    list_remove(&host->link);
    host->state->host_count--;
    busbar_free(host);
}
