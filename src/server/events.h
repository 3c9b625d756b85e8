/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the journal over REST. */
#ifndef BUSBAR_SERVER_EVENTS_H
#define BUSBAR_SERVER_EVENTS_H

#include "server/core.h"
#include "state/state.h"

/* The members of an event; the caller begins and ends the object. */
void server_put_event(struct json_writer *json, const struct state_event *row);
/* A {id} of the path; false: it was answered. */
bool server_event_id(struct server_request *req, uint64_t *id);
void server_no_event(struct server_request *req, uint64_t id);

void server_events_routes(struct server *server);
void server_acknowledge_routes(struct server *server);

#endif
