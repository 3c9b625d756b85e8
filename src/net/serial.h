/* SPDX-License-Identifier: Apache-2.0 */
/* Private to net/: opening a serial line. */
#ifndef BUSBAR_NET_SERIAL_H
#define BUSBAR_NET_SERIAL_H

#include <stddef.h>

#include "net/stream.h"

/* Opens, takes for us alone, and sets the line to raw bytes. fd, or a BUSBAR_ code and a reason for a person:
 * BUSBAR_ENOENT, BUSBAR_EPERM (with the group to join), BUSBAR_EBUSY, BUSBAR_EUNSUPPORTED (baud rate). */
int serial_open(const struct stream_serial *serial, char *reason, size_t reason_size);

/* Throws away what was not sent, lets others open the line, closes. */
void serial_close(int fd);

/* Forgets what the kernel has received. */
void serial_discard_input(int fd);

#endif
