/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for servers: discovery servers are asked which servers they know (FindServers, FindServersOnNetwork), each
 * server is asked for its endpoints. A few questions at once, each with its own deadline: who is silent holds up
 * nobody. OPC UA thread only.
 *
 * A server's own word of where it is may not be true from here: a name that does not resolve, an address behind another
 * network, localhost. Where the address that was told does not answer, the host that was asked is tried with the
 * server's port, and taken when the same application answers there; the find says so. */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_SEARCH_H
#define BUSBAR_DRIVERS_OPCUA_LINK_SEARCH_H

#include "base/arena.h"
#include "driver/trust.h"
#include "drivers/opcua/link/thread.h"
#include "drivers/opcua/text/security.h"

enum {
    OPCUA_SEARCH_FLIGHT = 8,          /* questions at once */
    OPCUA_SEARCH_SERVERS_MAX = 1000,  /* looked at in one search; more are counted */
    OPCUA_SEARCH_ENDPOINTS_MAX = 24,  /* told of one server */
    OPCUA_SEARCH_TEXT_MAX = 400,      /* bytes of a text of a server */
    OPCUA_SEARCH_RECORDS_MAX = 10000, /* of one discovery server, 500 in an answer */
};

struct opcua_found_endpoint {
    const char *url; /* as the server told it */
    enum opcua_mode mode;
    const char *policy;      /* "Basic256Sha256", or its URI where we do not know it */
    bool known;              /* the policy is one of ours */
    const char *users;       /* "anonymous, password, certificate" */
    const char *fingerprint; /* of its certificate, SHA-256 in hex; "" = none */
};

/* A server; goes over to who gets it. One that was told may be told again with what is known more: the rest of it is
 * "" then. */
struct opcua_found {
    struct arena arena;
    const char *uri;                   /* of the application; "" = not told: nobody answered */
    const char *name, *product, *kind; /* kind: "server", "discovery server", "client and server" */
    const char *capabilities;          /* "DA,HD"; "" = not told */
    const char *url;                   /* where it answers; "" = nowhere */
    const char *told;    /* where it says it is, when that is another place; else "" */
    const char *trouble; /* why it does not answer, or what to know; "" */
    const char *source;  /* "asked", "discovery server opc.tcp://...", "heard" */
    const char *
        trust; /* "trusted", or what is wrong with its certificate and what to do; "" = not looked at */
    int64_t answer_us;
    struct opcua_found_endpoint *endpoints;
    size_t endpoint_count, endpoints_more;
};
void opcua_found_free(struct opcua_found *found);

struct opcua_search_events {
    void (*found)(void *ctx, struct opcua_found *found);
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    /* Last, once, not after opcua_search_free(). message: what to know of the result; "". */
    void (*ended)(void *ctx, int error, const char *message);
};

struct opcua_search;

/* Idle: it ends by itself when all that was asked is answered and opcua_search_finish() was called.
 * trust: for a word about certificates; NULL: not looked at.
 * timeout_us: of one question, connecting and answer each. */
struct opcua_search *opcua_search_new(struct opcua_thread *thread, struct trust *trust,
                                      int64_t timeout_us, const struct opcua_search_events *events,
                                      void *ctx);
/* Asks whoever is at the URL which servers it knows, itself included. tried: it is one of several places where
 * something might be: that it does not answer is no trouble while another does. */
void opcua_search_ask(struct opcua_search *search, const char *url, bool tried);
/* A server that was heard of by other means. host: where it was heard from. */
void opcua_search_server(struct opcua_search *search, const char *url, const char *host,
                         const char *name, const char *capabilities);
/* Nothing is added any more: `ended` may come, never from inside. */
void opcua_search_finish(struct opcua_search *search);
/* At once, without another event. NULL is fine. */
void opcua_search_free(struct opcua_search *search);

#endif
