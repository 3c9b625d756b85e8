/* SPDX-License-Identifier: Apache-2.0 */
/* A server that was found, as a find: facts, settings, words. Pure but for the telling. */
#ifndef BUSBAR_DRIVERS_OPCUA_FIND_H
#define BUSBAR_DRIVERS_OPCUA_FIND_H

#include "driver/driver.h"
#include "drivers/opcua/link/search.h"

/* discovery NULL: heard without asking. */
void opcua_find_tell(struct driver *drv, struct driver_discovery *discovery,
                     const struct opcua_found *found);

/* "encrypt Basic256Sha256; users: anonymous, password", and what is not as the server as a whole: "; certificate
 * 3f2a91c0; opc.tcp://plc-3:48250". */
void opcua_find_endpoint(const struct opcua_found_endpoint *endpoint, const char *url,
                         const char *fingerprint, struct buf *out);

#endif
