/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are made piece by piece (server_reply_stream() in server.h). */
#ifndef BUSBAR_SERVER_STREAM_H
#define BUSBAR_SERVER_STREAM_H

#include "server/core.h"

/* Ends all of them with their next run of the listener; those whose job is under way are freed when it
 * comes back. */
void stream_stop_all(struct server *server);

#endif
