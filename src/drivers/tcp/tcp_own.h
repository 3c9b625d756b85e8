/* SPDX-License-Identifier: Apache-2.0 */
/* Busbar's own certificate for listeners that name no other (driver/trust.h). Reading or making it is a job: it may take
 * a second. Loop thread. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_OWN_H
#define BUSBAR_DRIVERS_TCP_TCP_OWN_H

#include "driver/driver.h"

struct tcp_own;

/* ready runs once, later: the certificate is there, or it cannot be made. */
struct tcp_own *tcp_own_new(struct driver *drv, void (*ready)(void *ctx), void *ctx);
void tcp_own_free(struct tcp_own *own); /* NULL is fine; ready does not run any more */

/* DER; BUSBAR_EAGAIN: not yet, ready will run. Else why there is none. */
int tcp_own_get(struct tcp_own *own, const struct buf **certificate, const struct buf **key,
                struct err *err);

#endif
