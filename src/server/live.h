/* SPDX-License-Identifier: Apache-2.0 */
/* The live stream: values, devices and health as they change, as server-sent events.
 *
 * What a stream has to say is a set of points that changed, not a queue of messages: the newest
 * value is written out when the client can take it. So a slow reader costs a mark for each of its
 * points and gets the newest values, and memory is bounded by the number of points it asked for. */
#ifndef BUSBAR_SERVER_LIVE_H
#define BUSBAR_SERVER_LIVE_H

#include "server/core.h"

struct live *live_new(struct server *server);
/* Ends all streams: they are told with their next run of the listener. */
void live_stop(struct live *live);
/* After the last connection is gone. */
void live_free(struct live *live);
void live_changed(struct live *live);
/* An event that came, or changed, as JSON; copied. A reader that is too slow for all of them is told how many it missed. */
void live_event(struct live *live, const char *json, size_t size);
size_t live_stream_count(const struct live *live);

#endif
