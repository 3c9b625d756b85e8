/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says of itself when a session begins: namespaces, state, limits (Part 5, 6.3). */
#ifndef BUSBAR_DRIVERS_OPCUA_LINK_FACTS_H
#define BUSBAR_DRIVERS_OPCUA_LINK_FACTS_H

#include "base/arena.h"
#include "drivers/opcua/link/session.h"

/* All zero is a fine empty one. */
struct opcua_facts {
    struct opcua_server_facts
        server; /* namespaces, state, started, limits; the rest is the session's */
    struct arena texts;
};

void opcua_facts_fini(struct opcua_facts *facts);
/* Whether what may change while a session lives is the same. */
bool opcua_facts_same(const struct opcua_facts *a, const struct opcua_facts *b);

struct opcua_facts_reading; /* under way */
/* facts: borrowed for the call, to be moved from; NULL when trouble says so. */
typedef void (*opcua_facts_cb)(void *ctx, struct opcua_facts *facts,
                               const struct opcua_trouble *trouble);

/* Reads in as few requests as the server bears. `done` follows once, never from inside, also when the channel is
 * lost. */
struct opcua_facts_reading *opcua_facts_read(struct opcua_channel *channel, struct loop *loop,
                                             int64_t timeout_us, opcua_facts_cb done, void *ctx);
/* No callback after this. NULL is fine. */
void opcua_facts_cancel(struct opcua_facts_reading *reading);

/* Asks only for what may change while a session lives: state, start, namespaces. */
struct opcua_call *opcua_facts_ask(struct opcua_channel *channel, struct loop *loop,
                                   struct list *owner, int64_t timeout_us, opcua_called_cb called,
                                   void *ctx);
/* Whether the answer to that says the same as what is known. What the server does not say is the same. */
bool opcua_facts_answer_same(const struct opcua_facts *facts, const UA_ReadResponse *answer);

#endif
