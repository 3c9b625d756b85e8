/* SPDX-License-Identifier: Apache-2.0 */
/* A session at a server: connecting, choosing an endpoint, security, the user, keeping it alive, calling
 * services. OPC UA thread only.
 *
 * Devices whose settings of the link are the same share one session: a server stands for many devices, and
 * servers allow few sessions. Each holds a *seat* in it and hears by its own events.
 *
 * Endpoint (Part 4, 5.4.4; 7.14): GetEndpoints is asked over an unsecured channel without a session; of what
 * the server offers the strongest that the settings allow is taken. `security: auto` never takes None, never a
 * deprecated policy, and nothing weaker than what this session had once since the settings were made. The address
 * connected to is always the configured one: the host a server writes into its endpoints is ignored. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_SESSION_H
#define BUSBAR_DRIVERS_OPCUA_LINK_SESSION_H

#include <open62541/types_generated.h>

#include "driver/trust.h"
#include "drivers/opcua/link/channel.h"
#include "drivers/opcua/link/thread.h"
#include "drivers/opcua/link/trouble.h"
#include "drivers/opcua/text/security.h"

enum {
    OPCUA_URLS_MAX = 8,          /* redundant endpoints of one device */
    OPCUA_ENDPOINTS_MAX = 64,    /* that a server may offer; more are passed over */
    OPCUA_NAMESPACES_MAX = 4096, /* of a server */
};

/* How a link is made. Texts are borrowed for opcua_seat_take(), which copies them. */
struct opcua_link_config {
    const char *urls[OPCUA_URLS_MAX]; /* "opc.tcp://10.0.3.5:48250/path", tried in this order */
    size_t url_count;
    bool automatic; /* security: auto; else exactly this mode and policy */
    enum opcua_mode mode;
    enum opcua_policy policy;
    /* For messages: who takes the seat. Not compared: others may share the session. */
    const char *device;
    const char *server_name; /* to be in the server's certificate; NULL: the host of the URL */
    const char *user;        /* NULL: anonymous, or by certificate */
    const char *password;    /* NULL: none */
    bool clear_password;     /* a person has said: the password may be sent for all to read */
    const char *user_certificate, *user_key; /* PEM or DER, the bytes; NULL: none */
    size_t user_certificate_bytes, user_key_bytes;
    const char *locale; /* "en"; NULL: the server's own */
    int64_t timeout_us; /* of connecting and of a service call */
    int64_t session_timeout_us;
    int64_t keep_alive_us; /* silence after which the server is asked for its state */
};

/* What a server allows and has (Part 5, 6.3.2 and 6.3.11); 0 = no limit told. What was refused though it was
 * told to be allowed is learned and kept in here too. */
struct opcua_server_limits {
    uint32_t nodes_per_read, nodes_per_write, nodes_per_browse, nodes_per_method_call;
    uint32_t nodes_per_history_read, nodes_per_translate, monitored_items_per_call;
    uint32_t browse_continuation_points, array_length, string_length;
    double min_sampling_ms;
};

/* What is known of the server while the link is up. Borrowed until it goes down. */
struct opcua_server_facts {
    const char *url;                                  /* connected to */
    const char *application_uri, *product_uri, *name; /* of its description */
    enum opcua_mode mode;
    enum opcua_policy policy;
    UA_ServerState state; /* of the server: RUNNING, SUSPENDED, ... */
    UA_DateTime started;  /* of the server; 0: not told */
    struct opcua_server_limits limits;
    const char *const *namespaces; /* by index */
    size_t namespace_count;
    uint32_t generation; /* grows each time the session is a new one (not resumed) */
};

struct opcua_session;
struct opcua_seat;

struct opcua_seat_events {
    /* The session is active; namespaces and limits are read. resumed: it is the session from before the link was
     * lost, with its subscriptions in it; else all is new. */
    void (*up)(void *ctx, const struct opcua_server_facts *facts, bool resumed);
    /* It failed to come up, or was lost. All calls of the seat were answered before. */
    void (*down)(void *ctx, const struct opcua_trouble *why);
    /* The namespaces or the server's state changed, or it started again: look at everything anew. */
    void (*changed)(void *ctx, const struct opcua_server_facts *facts);
    /* After opcua_seat_leave(), last. */
    void (*left)(void *ctx);
};

/* Takes a seat; nothing is connected yet. */
struct opcua_seat *opcua_seat_take(struct opcua_thread *thread, struct trust *trust,
                                   const struct opcua_link_config *config,
                                   const struct opcua_seat_events *events, void *ctx);
/* Begins to connect where the link is down and nobody does yet; ends in up or down of all seats. */
void opcua_seat_connect(struct opcua_seat *seat);
/* Answers its calls with BUSBAR_ECANCELED; the last seat closes the session. `left` follows, never from inside. */
void opcua_seat_leave(struct opcua_seat *seat);

/* The facts, or NULL while the link is down. */
const struct opcua_server_facts *opcua_seat_facts(const struct opcua_seat *seat);

/* One pointer of the session, NULL at first, for what all its seats share above it; the same place from take
 * to leave, for all that share the session. */
void **opcua_seat_slot(struct opcua_seat *seat);

/* Calls a service of the session: any request of the standard, &UA_TYPES[...] of both sides; see
 * opcua_channel_call(). Publish may be open for long: timeout_us 0 = never by time. */
struct opcua_call *opcua_call(struct opcua_seat *seat, const void *request,
                              const UA_DataType *request_type, const UA_DataType *response_type,
                              int64_t timeout_us, opcua_called_cb called, void *ctx);

/* Looks now whether the namespaces or the server's state have changed; `changed` follows where they have. For who
 * misses something that a server may load later: at a pace of its own. */
void opcua_seat_look(struct opcua_seat *seat);

/* Learned: the server refused this many of something at once; facts->limits is lowered to what it bears. */
void opcua_seat_learn(struct opcua_seat *seat, const uint32_t *limit, uint32_t most);

#endif
