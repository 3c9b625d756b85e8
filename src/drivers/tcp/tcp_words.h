/* SPDX-License-Identifier: Apache-2.0 */
/* For people: ports, status, messages in words, tests. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_WORDS_H
#define BUSBAR_DRIVERS_TCP_TCP_WORDS_H

#include "drivers/tcp/tcp_state.h"

void tcp_ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx);
void tcp_status(struct driver *drv, driver_status_cb cb, void *ctx);
/* Printable as it is, else in hexadecimal. */
void tcp_describe(const void *data, size_t size, struct buf *out);
void tcp_print_link(const struct device *dev, struct buf *out);

/* ---- tcp_test.c ---- */
void tcp_test_begin(struct tcp_device *device, struct driver_test *test);
void tcp_test_stop_all(struct tcp_device *device);

#endif
