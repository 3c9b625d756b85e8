/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the client: agents, their questions, and what the client's files call of each other.
 *
 *   snmp_client.c   slots, time-outs, and which question a datagram answers
 *   snmp_agent.c    agents: a queue, and as many questions under way as may be
 *   snmp_ask.c      one question: made, sent, sent again, answered
 *   snmp_engine.c   v3: the agent's engine, its keys and its clock; what Reports mean
 *
 * A request id (v3: message id) is a slot and 15 random bits, so that an answer finds its question without a search:
 *   bits 30-16 random, never those of the question before it in this slot   bits 15-0 slot
 * All questions of one time-out stand in the order in which they were sent, hence in that of their end: a lane. Sending and
 * answering are list operations; only the first of each lane has a timer. */
#ifndef BUSBAR_DRIVERS_SNMP_SNMP_AGENT_H
#define BUSBAR_DRIVERS_SNMP_SNMP_AGENT_H

#include "base/list.h"
#include "drivers/snmp/snmp_sockets.h"
#include "net/timer.h"

enum {
    SNMP_LANES_MAX = 64,       /* different time-outs; more take the next longer one */
    SNMP_RESYNCS_MAX = 3,      /* of one question: engine, clock, clock again */
    SNMP_ENGINE_CHANGE_S = 10, /* an agent's engine may not change more often */
    SNMP_UNSENT_MS = 1,        /* the system's send buffer was full: tried again */
};

struct snmp_lane {
    struct snmp_client *client;
    int64_t timeout_us;
    struct list asked; /* oldest first */
    struct timer timer;
};

enum snmp_asked_state {
    SNMP_ASKED_FREE,
    SNMP_ASKED_WAITING, /* in agent->waiting */
    SNMP_ASKED_UNSENT,  /* in client->unsent */
    SNMP_ASKED_SENT,    /* in its lane */
    SNMP_ASKED_FAILED,  /* in client->failed: told in the next turn */
};

struct snmp_asked {
    struct list link;     /* see state */
    struct list of_agent; /* agent->asked */
    struct snmp_agent *agent;
    snmp_answer_cb cb;
    void *ctx;
    int64_t sent_us, due_us, deadline_us;
    uint8_t *data; /* v1, v2c: the message; v3: the PDU */
    size_t size, capacity;
    uint32_t slot;
    int32_t id, previous; /* previous: of this slot, for late answers */
    int tries;            /* transmissions left */
    int error;            /* SNMP_ASKED_FAILED */
    uint32_t engine;      /* v3: agent->engines when it was sealed */
    uint8_t state;
    uint8_t resyncs;
    uint8_t
        trouble; /* enum usm_trouble: a Report said so, which may be forged; SNMP_ASKED_FAILED: why */
    bool once;
    bool discovery; /* asks for the engine: nobody else's */
};

struct snmp_client {
    struct loop *loop;
    struct snmp_sockets sockets;
    struct snmp_drops drops;
    struct snmp_asked **slots;
    size_t slot_count, slot_capacity, used;
    struct list free;
    struct snmp_lane lanes[SNMP_LANES_MAX];
    size_t lane_count;
    struct list unsent, failed;
    struct timer unsent_timer;
    struct loop_deferred failing;
    uint64_t random, salt;
    size_t agents;
    uint8_t room[SNMP_MESSAGE_MAX];   /* what is being sent */
    uint8_t clear[SNMP_MESSAGE_MAX];  /* and the same before it is encrypted */
    uint8_t opened[SNMP_MESSAGE_MAX]; /* what came, decrypted */
};

struct snmp_agent {
    struct snmp_client *client;
    struct snmp_agent_options options;
    const struct snmp_login *login;
    struct datagram *socket; /* NULL: `error` says why */
    int error;
    struct snmp_lane *lane;
    struct list waiting, asked;
    unsigned under_way; /* sent, or being so; without the discovery */
    bool closing;
    /* v3 */
    struct usm_engine engine;
    struct usm_keys keys;
    uint32_t engines;     /* how many there were */
    int64_t engine_us;    /* monotonic: since when it is this one */
    bool engine_untold;   /* ops->engine is told when something authentic came of it */
    bool engine_replaces; /* there was another one before */
    struct snmp_asked *discovery;
};

/* ---- snmp_client.c ---- */
struct snmp_asked *snmp_slot_take(struct snmp_client *client); /* NULL: SNMP_ASKED_MAX */
void snmp_slot_give(struct snmp_client *client, struct snmp_asked *asked);
struct snmp_lane *snmp_lane_for(struct snmp_client *client, int64_t timeout_us);
/* Its time-out begins now. */
void snmp_lane_add(struct snmp_lane *lane, struct snmp_asked *asked, int64_t now_us);

/* ---- snmp_agent.c ---- */
/* Sends what waits and may be sent. */
void snmp_agent_pump(struct snmp_agent *agent);

/* ---- snmp_ask.c ---- */
void snmp_asked_send(struct snmp_asked *asked);
/* Takes it out, sends what waited for it, and answers: nothing of agent or asked may be touched afterwards. */
void snmp_asked_end(struct snmp_asked *asked, struct snmp_answer *answer);
void snmp_asked_end_error(struct snmp_asked *asked, int error, enum usm_trouble trouble);
/* The same in the next turn. */
void snmp_asked_fail(struct snmp_asked *asked, int error);
void snmp_asked_timed_out(struct snmp_asked *asked);

/* ---- snmp_engine.c ---- */
/* Whether questions can be sealed; if not, its engine is asked for. */
bool snmp_engine_ready(struct snmp_agent *agent);
/* A sealed message of it in client->room; its size, or a BUSBAR_ error. *clear: as in snmp_agent_ops. */
int snmp_engine_seal(struct snmp_asked *asked, struct ber_out *out, struct bytes *clear);
/* A v3 message that has the id of `asked` and came from its address. */
void snmp_engine_take(struct snmp_asked *asked, const struct snmp_message *message);
/* The engine could not be asked for: all that wait for it are told. */
void snmp_engine_failed(struct snmp_agent *agent, int error, enum usm_trouble trouble);

#endif
