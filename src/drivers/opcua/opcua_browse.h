/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at what a device has, from the gateway's loop: data/browse.h on the other thread does the work, what it tells
 * comes home by posting. Loop thread only. */
#ifndef BUSBAR_DRIVERS_OPCUA_BROWSE_H
#define BUSBAR_DRIVERS_OPCUA_BROWSE_H

#include "driver/driver.h"
#include "drivers/opcua/link/session.h"

struct opcua_browses; /* of one device */

/* config: of the device's link; must live until the looks were stopped. */
struct opcua_browses *opcua_browses_new(struct opcua_thread *thread, struct trust *trust,
                                        const struct opcua_link_config *config);
/* None may be under way. NULL is fine. */
void opcua_browses_free(struct opcua_browses *browses);

/* ops->browse and ops->browse_stop. */
void opcua_browses_begin(struct opcua_browses *browses, struct driver_browse *browse);
void opcua_browses_end(struct opcua_browses *browses, struct driver_browse *browse);

/* Ends all. Returns true when none is under way; else stopped(ctx) follows once, later, when the last has ended. */
bool opcua_browses_stop(struct opcua_browses *browses, void (*stopped)(void *ctx), void *ctx);

#endif
