/* SPDX-License-Identifier: Apache-2.0 */
/* The server half: confirmed requests that others ask of us. Each is replied to exactly once, at
 * once or later (when something is on disk). Segmented requests come whole; long replies go out
 * segmented as far as the requester takes it. Loop thread only. */
#ifndef BUSBAR_DRIVERS_BACNET_NODE_REQUEST_H
#define BUSBAR_DRIVERS_BACNET_NODE_REQUEST_H

#include "base/bytes.h"
#include "drivers/bacnet/node/address.h"

struct bacnet_node;

/* The node's, from asked() until the reply. */
struct bacnet_request {
    uint8_t service;
    uint8_t invoke;
    struct bytes data;                 /* of the service; valid during asked() only */
    const struct bacnet_address *from; /* valid until the reply, as is: */
    const struct bacnet_address *to;   /* network 0: we; else a node of the network that we serve */
    /* What the requester takes. Whoever answers may lower them (a simulated device with limits of
     * its own) before it replies. */
    uint16_t max_apdu;
    uint8_t max_segments; /* 0 = did not say */
    bool segmented;       /* takes a segmented ack */
    void *user;           /* the handler's */
};

/* One of these, once; request is dead afterwards. Data is copied when it is needed longer. A node
 * that was closed meanwhile: nothing is sent. A reply that is too big for the requester becomes an
 * abort (clause 5.4.5.3: "segmentation not supported" or "buffer overflow"). Services have code and
 * data of their own errors: bacnet_reply_error_data. */
void bacnet_reply_ack(struct bacnet_request *request);                                 /* simple */
void bacnet_reply_data(struct bacnet_request *request, const void *data, size_t size); /* complex */
void bacnet_reply_error(struct bacnet_request *request, uint16_t error_class, uint16_t error_code);
void bacnet_reply_error_data(struct bacnet_request *request, const void *data, size_t size);
void bacnet_reply_reject(struct bacnet_request *request, uint8_t reason);
void bacnet_reply_abort(struct bacnet_request *request, uint8_t reason);
/* Says nothing: the requester asks again, or not (what it sent could not be kept). */
void bacnet_reply_none(struct bacnet_request *request);

#endif
