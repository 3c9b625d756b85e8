/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a session share: link/session.c (seats), link/connect.c (bringing it up), link/create.c and
 * link/activate.c (the session itself), link/watch.c (keeping it alive). */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_SESSION_PRIVATE_H
#define BUSBAR_DRIVERS_OPCUA_LINK_SESSION_PRIVATE_H

#include "drivers/opcua/link/facts.h"
#include "drivers/opcua/link/lookup.h"
#include "drivers/opcua/link/secure.h"
#include "drivers/opcua/link/session.h"
#include "drivers/opcua/link/user.h"
#include "net/timer.h"

/* Down until up; each phase waits for one answer. */
enum opcua_session_phase {
    OPCUA_SESSION_DOWN,
    OPCUA_SESSION_ASKING,  /* GetEndpoints */
    OPCUA_SESSION_OPENING, /* the secure channel */
    OPCUA_SESSION_CREATING,
    OPCUA_SESSION_ACTIVATING,
    OPCUA_SESSION_READING, /* its facts */
    OPCUA_SESSION_UP,
};

/* A channel with what it stands on: one try to come up at one URL, or the session that lives on it. */
struct opcua_attempt {
    struct opcua_session *session;
    struct opcua_channel *channel;
    struct opcua_server_id server;
    struct opcua_own own;
    bool uses_own;
    struct opcua_user user;
    enum opcua_mode mode;
    enum opcua_policy policy;
    unsigned url; /* index */
    char application_uri[256], product_uri[256], name[256];
    UA_ByteString nonce;        /* ours, of CreateSession */
    UA_ByteString server_nonce; /* the last one of the server */
};

struct opcua_session {
    struct list link; /* of the thread's, while it takes new seats */
    struct opcua_thread *thread;
    struct loop *loop;
    struct trust *trust;
    struct opcua_link_config config;
    struct arena texts; /* of config */
    struct list seats;
    size_t turn; /* of telling all seats */
    void *slot;

    enum opcua_session_phase phase;
    unsigned url;               /* that is tried */
    struct opcua_trouble first; /* of this round; error 0: none yet */
    struct opcua_lookup *lookup;
    struct opcua_attempt *attempt; /* NULL: none; down: its session can be taken up again */
    bool resuming;
    unsigned hung_up; /* times in a row that the server did so when it was taken up again */
    int least;        /* the strongest security it ever had; 0: none yet, or it was named */
    int64_t lost_us, session_timeout_us;
    size_t attempts; /* not freed yet, this one and former ones */

    struct list calls; /* of the session itself */
    struct opcua_facts_reading *reading;
    struct opcua_facts facts;
    struct opcua_server_limits learned; /* 0: nothing */
    uint32_t generation;
    struct timer keep_alive;
    int64_t up_us, asked_us; /* since when; for the state. Of the loop's clock */
    bool asking;
    uint64_t trust_generation; /* in which the server was trusted */
    int64_t trusted_until_us;  /* wall; then its certificate is looked at again */

    struct loop_deferred welcome; /* seats that came when it was up */
    struct loop_deferred ending;  /* the last seat left */
    struct opcua_seat *last;      /* waits for the session to end */
};

/* ---- connect.c ---- */
void opcua_session_begin(struct opcua_session *session);
/* This try has failed: the next URL, or down. why: copied. */
void opcua_session_next(struct opcua_session *session, const struct opcua_trouble *why);
/* Lets the attempt go; the session there is closed. */
void opcua_session_drop(struct opcua_session *session);
/* Its session is active. */
void opcua_session_activated(struct opcua_session *session);

/* ---- create.c, activate.c: end in the channel closed, or the next phase ---- */
void opcua_session_create(struct opcua_session *session);
void opcua_session_activate(struct opcua_session *session);

/* ---- watch.c ---- */
void opcua_session_watch(struct opcua_session *session);
void opcua_session_unwatch(struct opcua_session *session);
/* Asks now, where nothing is asked yet. */
void opcua_session_look(struct opcua_session *session);
/* The facts as they are told to seats: with what was learned, and where we are. */
void opcua_session_take_facts(struct opcua_session *session, struct opcua_facts *facts);
void opcua_session_learn(struct opcua_session *session, size_t offset, uint32_t most);

/* ---- session.c ---- */
void opcua_session_tell_up(struct opcua_session *session, bool resumed);
void opcua_session_tell_down(struct opcua_session *session, const struct opcua_trouble *why);
void opcua_session_tell_changed(struct opcua_session *session);
/* An attempt is gone. */
void opcua_session_attempt_freed(struct opcua_session *session);

#endif
