/* SPDX-License-Identifier: Apache-2.0 */
/* What the BBMD knows that a network is registered with as a foreign device: its table of the other BBMDs
 * (annex J.2.3), which says the devices of which subnets can be heard. Read once a registration, for people. */
#ifndef BUSBAR_DRIVERS_BACNET_BBMD_H
#define BUSBAR_DRIVERS_BACNET_BBMD_H

#include "drivers/bacnet/node/node.h"

enum { BACNET_BBMD_KEPT = 8 }; /* of its table; the others are counted */

struct bacnet_bbmd {
    bool asked; /* since it registered us */
    bool known;
    size_t count;
    struct endpoint others[BACNET_BBMD_KEPT];
};

/* The registration of the node changed (bacnet_node_events.foreign). bbmd: alive until the node is closed. */
void bacnet_bbmd_changed(struct bacnet_bbmd *bbmd, struct bacnet_node *node);
/* "10.0.1.2:47808, 10.0.2.2:47808, 3 more". False: nothing is known. */
bool bacnet_bbmd_words(const struct bacnet_bbmd *bbmd, char *to, size_t size);

#endif
