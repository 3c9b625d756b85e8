/* SPDX-License-Identifier: Apache-2.0 */
/* Questions and writes on a link: one at a time, for nothing in the answer says what it answers. A message is an answer
 * when the rule of a point that was asked for takes something out of it; all others are what the device sends by itself.
 *
 * After an answer that did not come in time nothing is asked for as long again: it may still come, and would be taken for
 * the answer to the next question. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_ASK_H
#define BUSBAR_DRIVERS_TCP_TCP_ASK_H

#include "drivers/tcp/tcp_link.h"

/* Groups the points by what they ask. */
int tcp_ask_plan(struct tcp_device *device, struct err *err);
void tcp_ask_unplan(struct tcp_device *device);

void tcp_ask_init(struct tcp_link *link);
void tcp_ask_fini(struct tcp_link *link);
void tcp_ask_begin(struct tcp_device *device, struct request *req, bool write);
void tcp_ask_cancel(struct tcp_device *device, struct request *req);
/* Answers all of the device. */
void tcp_ask_stop(struct tcp_device *device);
/* Answers what was finished; for finishing. */
void tcp_ask_finish(void *ctx);
/* A job that cannot be done at all. */
void tcp_ask_refuse(struct tcp_device *device, struct request *req, bool write, int error);

/* The link came up, or went down. */
void tcp_ask_next(struct tcp_link *link);
void tcp_ask_down(struct tcp_link *link, int error);
/* Whether the message was an answer, also a late one. */
bool tcp_ask_answered(struct tcp_link *link, const uint8_t *data, size_t size);

#endif
