/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a point: what takes its value out of a message, what asks for it, what writes it. Pure. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_POINT_H
#define BUSBAR_DRIVERS_TCP_TCP_POINT_H

#include "drivers/tcp/tcp_state.h"

int tcp_point_resolve(const struct setup *setup, const struct settings *device,
                      const struct settings *point, struct tcp_address *address,
                      struct point_facts *facts, struct err *err);
/* "match ^T=(.*)$", "match ^T=(.*)$ asked by T?\r\n" */
void tcp_point_print(const struct tcp_address *address, struct buf *out);
/* "match ^T=(.*)$" */
void tcp_point_rule(const struct tcp_address *address, struct buf *out);

#endif
