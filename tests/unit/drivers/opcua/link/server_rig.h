/* SPDX-License-Identifier: Apache-2.0 */
/* A real server of the library in a thread of its own, on a loopback port, and clients that keep what they hear.
 * Both sides have a store of certificates, in a folder that is removed at the end. The clocks are real. */
#ifndef BUSBAR_TESTS_SERVER_RIG_H
#define BUSBAR_TESTS_SERVER_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <open62541/plugin/accesscontrol_default.h>
#include <open62541/plugin/pki_default.h>
#include <open62541/server.h>
#include <open62541/server_config_default.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "drivers/opcua/link/session.h"
#include "support/free_port.h"
#include "support/quiet.h"
#include "support/wait.h"

#define RIG_SECOND INT64_C(1000000)

/* ---- what all tests share ---- */

struct rig {
    char folder[64];
    struct loop *loop;
    struct opcua_thread *thread;
    struct trust *trust;         /* the client's */
    struct buf certificate, key; /* the server's */
    struct trust_seen server;    /* what its certificate says */
};

static struct rig rig;

static inline int rig_remove(const char *path, const struct stat *about, int flag, struct FTW *at)
{
    (void)about, (void)flag, (void)at;
    return remove(path);
}

/* Once a program: keys take their time. */
static inline int rig_begin(void **state)
{
    (void)state;
    quiet_log();
    (void)str_copy(rig.folder, sizeof(rig.folder), "/tmp/busbar-opcua-XXXXXX");
    assert_non_null(mkdtemp(rig.folder));
    char path[128];
    struct trust *store;
    (void)str_format(path, sizeof(path), "%s/server", rig.folder);
    assert_int_equal(trust_open(path, &store, NULL), 0);
    const char *const hosts[] = { "localhost", "127.0.0.1", NULL };
    const struct trust_own own = {
        .protocol = "opcua", .common_name = "the press", .uri = "urn:acme:press", .hosts = hosts
    };
    buf_init(&rig.certificate, 65536);
    buf_init(&rig.key, 65536);
    assert_int_equal(trust_own(store, &own, &rig.certificate, &rig.key, &rig.server, NULL), 0);
    trust_close(store);
    (void)str_format(path, sizeof(path), "%s/client", rig.folder);
    assert_int_equal(trust_open(path, &rig.trust, NULL), 0);
    rig.loop = loop_new();
    rig.thread = opcua_thread_borrow(rig.loop);
    return 0;
}

static inline int rig_end(void **state)
{
    (void)state;
    opcua_thread_stop(rig.thread);
    loop_free(rig.loop);
    trust_close(rig.trust);
    buf_fini(&rig.certificate);
    buf_fini(&rig.key);
    return nftw(rig.folder, rig_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the server ---- */

struct server {
    UA_Server *server;
    pthread_t thread;
    atomic_bool stop, still; /* still: it answers nothing */
    uint16_t port;
    char url[64];
    /* How it is; set before server_start(). */
    bool distrusts;     /* clients */
    bool users_only;    /* nobody else than "eva" with "secret" */
    bool only_none;     /* offers no security */
    unsigned reads_max; /* nodes in one Read; 0: as many as come */
};

static inline void *server_run(void *ctx)
{
    struct server *server = ctx;
    while (!atomic_load(&server->stop)) {
        if (atomic_load(&server->still)) {
            usleep(1000);
        } else {
            (void)UA_Server_run_iterate(server->server, false);
            usleep(200);
        }
    }
    return NULL;
}

static inline UA_StatusCode rig_distrust(const UA_CertificateVerification *verification,
                                         const UA_ByteString *certificate)
{
    (void)verification, (void)certificate;
    return UA_STATUSCODE_BADCERTIFICATEUNTRUSTED;
}

static inline void rig_no_log(void *ctx, UA_LogLevel level, UA_LogCategory category,
                              const char *text, va_list args)
{
    (void)ctx, (void)level, (void)category, (void)text, (void)args;
}

static inline UA_ByteString rig_bytes(const struct buf *buf)
{
    return (UA_ByteString){ .data = buf->data, .length = buf->size };
}

static UA_Logger rig_logger = { .log = rig_no_log };

static inline void server_configure(struct server *server, UA_ServerConfig *config)
{
    UA_ByteString certificate = rig_bytes(&rig.certificate);
    UA_ByteString key = rig_bytes(&rig.key);
    config->logging = &rig_logger;
    UA_StatusCode status = server->only_none
                               ? UA_ServerConfig_setMinimal(config, server->port, NULL)
                               : UA_ServerConfig_setDefaultWithSecurityPolicies(
                                     config, server->port, &certificate, &key, NULL, 0, NULL, 0,
                                     NULL, 0);
    assert_int_equal(status, UA_STATUSCODE_GOOD);
    UA_String_clear(&config->applicationDescription.applicationUri);
    config->applicationDescription.applicationUri = UA_STRING_ALLOC("urn:acme:press");
    config->secureChannelPKI.clear(&config->secureChannelPKI);
    UA_CertificateVerification_AcceptAll(&config->secureChannelPKI);
    if (server->distrusts) {
        config->secureChannelPKI.verifyCertificate = rig_distrust;
    }
    UA_CertificateVerification_AcceptAll(&config->sessionPKI); /* of users */
    UA_UsernamePasswordLogin login = { UA_STRING_STATIC("eva"), UA_STRING_STATIC("secret") };
    (void)UA_AccessControl_default(config, !server->users_only, NULL, 1, &login);
    for (size_t i = 0; i < config->endpointsSize; i++) {
        UA_String_clear(&config->endpoints[i].server.applicationUri);
        config->endpoints[i].server.applicationUri = UA_STRING_ALLOC("urn:acme:press");
    }
    config->maxNodesPerRead = server->reads_max;
    config->maxNodesPerBrowse = 77;
}

static inline void server_start(struct server *server)
{
    server->port = server->port != 0 ? server->port : test_free_port();
    (void)str_format(server->url, sizeof(server->url), "opc.tcp://127.0.0.1:%u", server->port);
    UA_ServerConfig config = { 0 };
    server_configure(server, &config);
    server->server = UA_Server_newWithConfig(&config);
    assert_non_null(server->server);
    (void)UA_Server_addNamespace(server->server, "urn:acme:press:nodes");
    assert_int_equal(UA_Server_run_startup(server->server), UA_STATUSCODE_GOOD);
    atomic_store(&server->stop, false);
    assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

static inline void server_end(struct server *server)
{
    atomic_store(&server->stop, true);
    pthread_join(server->thread, NULL);
    (void)UA_Server_run_shutdown(server->server);
    (void)UA_Server_delete(server->server);
}

/* ---- a client ---- */

struct client {
    struct opcua_seat *seat;
    int ups, downs, changes, lefts, answers, told;
    bool resumed;
    uint32_t generation;
    struct opcua_trouble why, answer;
    UA_DataValue value;
};

static inline void client_up(void *ctx, const struct opcua_server_facts *facts, bool resumed)
{
    struct client *client = ctx;
    assert_ptr_equal(facts, opcua_seat_facts(client->seat));
    client->ups++;
    client->told++;
    client->resumed = resumed;
    client->generation = facts->generation;
}

static inline void client_down(void *ctx, const struct opcua_trouble *why)
{
    struct client *client = ctx;
    assert_null(opcua_seat_facts(client->seat));
    client->downs++;
    client->told++;
    client->why = *why;
}

static inline void client_changed(void *ctx, const struct opcua_server_facts *facts)
{
    struct client *client = ctx;
    assert_non_null(facts);
    client->changes++;
}

static inline void client_left(void *ctx)
{
    struct client *client = ctx;
    client->lefts++;
}

static const struct opcua_seat_events client_events = {
    .up = client_up, .down = client_down, .changed = client_changed, .left = client_left
};

static inline struct opcua_link_config client_config(const struct server *server)
{
    return (struct opcua_link_config){ .urls = { server->url },
                                       .url_count = 1,
                                       .automatic = true,
                                       .device = "press-1",
                                       .timeout_us = 3 * RIG_SECOND,
                                       .session_timeout_us = 60 * RIG_SECOND,
                                       .keep_alive_us = 5 * RIG_SECOND };
}

static inline void client_take(struct client *client, const struct opcua_link_config *config)
{
    memset(client, 0, sizeof(*client));
    client->seat = opcua_seat_take(rig.thread, rig.trust, config, &client_events, client);
}

/* Connects and waits for the end of it. */
static inline void client_try(struct client *client)
{
    int told = client->told;
    opcua_seat_connect(client->seat);
    assert_int_equal(client->told, told);
    wait_for(rig.loop, &client->told, told + 1);
}

static inline void client_leave(struct client *client)
{
    opcua_seat_leave(client->seat);
    assert_int_equal(client->lefts, 0);
    wait_for(rig.loop, &client->lefts, 1);
    UA_DataValue_clear(&client->value);
}

static inline void client_answer(void *ctx, const void *response,
                                 const struct opcua_trouble *trouble)
{
    struct client *client = ctx;
    client->answers++;
    UA_DataValue_clear(&client->value);
    memset(&client->answer, 0, sizeof(client->answer));
    if (trouble != NULL) {
        assert_null(response);
        client->answer = *trouble;
    } else {
        const UA_ReadResponse *read = response;
        assert_int_equal(read->resultsSize, 1);
        assert_int_equal(UA_DataValue_copy(&read->results[0], &client->value), 0);
    }
}

/* Reads one variable of namespace 0. */
static inline struct opcua_call *client_read(struct client *client, uint32_t id, int64_t timeout_us)
{
    UA_ReadValueId node;
    UA_ReadValueId_init(&node);
    node.nodeId = UA_NODEID_NUMERIC(0, id);
    node.attributeId = UA_ATTRIBUTEID_VALUE;
    UA_ReadRequest request;
    UA_ReadRequest_init(&request);
    request.nodesToRead = &node;
    request.nodesToReadSize = 1;
    return opcua_call(client->seat, &request, &UA_TYPES[UA_TYPES_READREQUEST],
                      &UA_TYPES[UA_TYPES_READRESPONSE], timeout_us, client_answer, client);
}

/* A person trusts the server. */
static inline void rig_trust_server(void)
{
    struct trust_seen seen;
    assert_int_equal(
        trust_import(rig.trust, rig.certificate.data, rig.certificate.size, false, &seen, NULL), 0);
}

static inline void rig_forget_server(void)
{
    struct trust_seen seen;
    assert_int_equal(trust_remove(rig.trust, rig.server.fingerprint, &seen, NULL), 0);
}

#endif
