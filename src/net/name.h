/* SPDX-License-Identifier: Apache-2.0 */
/* Host name -> numeric addresses, off the loop, for those who send datagrams (streams look names up themselves). Loop
 * thread only. */
#ifndef BUSBAR_NET_NAME_H
#define BUSBAR_NET_NAME_H

#include "net/address.h"
#include "net/loop.h"

enum { NAME_ADDRESSES_MAX = 8 };

struct name;

/* error: 0, BUSBAR_EHOST ...; the addresses are borrowed until it returns, in the order in which to try them. */
typedef void (*name_cb)(void *ctx, int error, const struct endpoint *addresses, size_t count);

/* cb runs once, unless cancelled; never before this returned. NULL: the name is longer than names may be. A numeric
 * address needs none: endpoint_parse(). */
struct name *name_find(struct loop *loop, const char *host, uint16_t port, name_cb cb, void *ctx);
void name_cancel(struct name *name); /* NULL is fine */

#endif
