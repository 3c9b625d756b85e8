/* SPDX-License-Identifier: Apache-2.0 */
/* Our own device object: BACnet wants every node to have one (ASHRAE 135, clause 12.11), so that tools see who
 * is on the network. It answers Who-Is, Who-Has, ReadProperty and ReadPropertyMultiple about itself, only
 * to whoever asked, and nothing else: any other confirmed request is refused. Nothing can be
 * written to it and nothing it is told makes us do anything.
 *
 * Each address gets BACNET_OWN_A_SECOND answers in a second, all together BACNET_OWN_ALL_A_SECOND, so that nobody can be
 * flooded through us; an answer to Who-Is is hardly longer than the question. */
#ifndef BUSBAR_DRIVERS_BACNET_OWN_H
#define BUSBAR_DRIVERS_BACNET_OWN_H

#include "drivers/bacnet/bacnet_device.h"

enum {
    BACNET_OWN_A_SECOND = 20,
    BACNET_OWN_ALL_A_SECOND = 200,
    BACNET_OWN_SOURCES = 256,     /* addresses told apart */
    BACNET_OWN_ANSWER_MAX = 4096, /* bytes of an answer */
    BACNET_OWN_NAME_MAX = 80,
    BACNET_OWN_REVISION = 14, /* of the protocol: the last without a network port object */
};

struct bacnet_own;

struct bacnet_own_counts {
    uint64_t answered; /* Who-Is, Who-Has, reads */
    uint64_t
        refused; /* requests of services that we do not execute, properties that are not there */
    uint64_t malformed; /* could not be read */
    uint64_t capped;    /* over the rate */
};

/* Its node is open. Settings are those of network->state->own at each answer. */
struct bacnet_own *bacnet_own_new(struct bacnet_network *network);
void bacnet_own_free(struct bacnet_own *own); /* NULL is fine */

/* Who-Is, Who-Has. */
void bacnet_own_told(struct bacnet_own *own, const struct bacnet_notice *notice);
/* Any confirmed request that nobody else of the driver wants; it is replied to. */
void bacnet_own_asked(struct bacnet_own *own, struct bacnet_request *request);

void bacnet_own_counts(const struct bacnet_own *own, struct bacnet_own_counts *counts);

/* ---- its properties: bacnet_own_object.c ---- */

/* "busbar gateway-1" when no name is set. */
void bacnet_own_name(const struct bacnet_setup *setup, char *to, size_t size);
/* All of a kind: BACNET_PROP_ALL, BACNET_PROP_REQUIRED, BACNET_PROP_OPTIONAL; NULL: it is none of them. */
const uint32_t *bacnet_own_properties(uint32_t which, size_t *count);
/* Appends the value of a property, or of an element of it. error->code is set when there is none. */
bool bacnet_own_put(const struct bacnet_network *network, uint32_t property, uint32_t index,
                    struct buf *out, uint16_t *error_class, uint16_t *error_code);

#endif
