/* SPDX-License-Identifier: Apache-2.0 */
/* Asking agents: one small set of UDP sockets (over the configured range of source ports) for all devices, and for
 * each agent who it is, how to log in, and what is asked of it now. Loop thread only.
 *
 * A question is sent, sent again after `timeout_us` without an answer up to `retries` times with the same request id,
 * and answered exactly once. Answers are found by their request id (v1, v2c) or message id (v3): a slot and a random
 * number, so no search is made; they must come from the address that was asked. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_CLIENT_H
#define BUSBAR_DRIVERS_SNMP_SNMP_CLIENT_H

#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/snmp_login.h"
#include "net/datagram.h"
#include "net/loop.h"

enum {
    SNMP_PORT = 161,
    SNMP_SOURCE_PORTS_MAX = 256,
    SNMP_ASKED_MAX = 65536, /* questions under way in all */
};

struct snmp_client;
struct snmp_agent;

struct snmp_client_options {
    const char *host;               /* numeric local address; NULL: any v4 (v6 agents: any v6) */
    uint16_t first_port, last_port; /* source ports; 0, 0: one that the system chooses */
    int receive_bytes;              /* of each socket; 0: 4 MiB, if the system allows it */
};

/* Dropped datagrams by reason, for status and metrics. */
struct snmp_drops {
    uint64_t broken, unknown_id, wrong_address, wrong_version, wrong_community, security, late;
};

/* Ports of the range that others have are left out, and counted; BUSBAR_EADDRINUSE ... when there is none left: err
 * names the address and port. */
int snmp_client_open(struct loop *loop, const struct snmp_client_options *options,
                     struct snmp_client **out, struct err *err);
void snmp_client_close(struct snmp_client *client); /* there must be no agents; NULL is fine */
const struct snmp_drops *snmp_client_drops(const struct snmp_client *client);
/* Source ports that are used, and those of the range that could not be. */
void snmp_client_ports(const struct snmp_client *client, size_t *open, size_t *missing);
uint64_t snmp_client_lost(const struct snmp_client *client); /* by full receive buffers */
size_t snmp_client_asked(const struct snmp_client *client);  /* questions under way or waiting */
struct loop *snmp_client_loop(const struct snmp_client *client);

/* What an agent tells its owner. */
struct snmp_agent_ops {
    /* Each datagram, for the ring of frames. `clear`: the scoped PDU of an encrypted one, else empty. */
    void (*frame)(void *ctx, bool sent, struct bytes datagram, struct bytes clear);
    void (*bad)(void *ctx, struct bytes datagram, const char *why);
    void (*retried)(void *ctx);
    /* Its engine was found, or is another one than before (v3). */
    void (*engine)(void *ctx, bool changed);
};
struct snmp_agent_options {
    struct endpoint address;
    const struct snmp_login *login; /* held by the agent */
    int64_t timeout_us;             /* of one transmission */
    int retries;                    /* after the first */
    int in_flight;                  /* questions under way; more wait */
    bool any_source; /* answers may come from another address (routers with several) */
    const struct snmp_agent_ops *ops;
    void *ctx;
};
struct snmp_agent *snmp_agent_new(struct snmp_client *client,
                                  const struct snmp_agent_options *options);
void snmp_agent_free(
    struct snmp_agent *agent); /* its questions are answered BUSBAR_ECANCELED before */
/* Its address is another one now. Questions under way go there with their next transmission; its engine is asked for
 * anew. */
void snmp_agent_move(struct snmp_agent *agent, const struct endpoint *address);
const struct usm_engine *snmp_agent_engine(const struct snmp_agent *agent);
const struct snmp_login *snmp_agent_login(const struct snmp_agent *agent);
struct snmp_client *snmp_agent_client(const struct snmp_agent *agent);

/* What came of a question. */
struct snmp_answer {
    int error; /* 0; BUSBAR_ETIMEOUT, BUSBAR_ECANCELED, BUSBAR_EAUTH (trouble says why), BUSBAR_EPROTO,
                              * BUSBAR_ETOOBIG (it does not fit a datagram), BUSBAR_ECONNREFUSED, BUSBAR_EROUTE ... */
    enum usm_trouble trouble;
    const struct snmp_pdu
        *pdu; /* the Response; NULL with an error. Borrowed until the callback returned */
    int64_t sent_us, answered_us; /* monotonic: of the transmission that was answered */
};
typedef void (*snmp_answer_cb)(void *ctx, const struct snmp_answer *answer);

/* A question. The OIDs and values are borrowed until snmp_ask() returns. */
struct snmp_ask {
    uint8_t type; /* SNMP_GET, SNMP_GETNEXT, SNMP_GETBULK, SNMP_SET */
    const struct snmp_varbind *varbinds;
    size_t count;
    struct bytes
        encoded; /* not empty: the varbinds as they go on the wire, instead of those above */
    int32_t non_repeaters, max_repetitions; /* SNMP_GETBULK; to a v1 agent it is asked as GETNEXT */
    int64_t deadline_us;                    /* monotonic; not sent again after it. 0: none */
    bool once; /* never sent again (SET): the answer is waited for until deadline_us */
    snmp_answer_cb cb;
    void *ctx;
};
struct snmp_asked;
/* Never calls back before it returned. NULL: SNMP_ASKED_MAX reached. */
struct snmp_asked *snmp_ask(struct snmp_agent *agent, const struct snmp_ask *ask);
/* Answers it now with BUSBAR_ECANCELED. */
void snmp_asked_cancel(struct snmp_asked *asked);

#endif
