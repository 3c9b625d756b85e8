/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a connection, for the journal. */
#ifndef BUSBAR_SERVER_PEER_H
#define BUSBAR_SERVER_PEER_H

#include <stddef.h>

/* TCP: who "local" (there is no login yet), from the numeric address. Unix socket: the peer's user
 * name as in /etc/passwd (else "uid 1000"), from "unix". */
void peer_name(int fd, char *who, size_t who_size, char *from, size_t from_size);

#endif
