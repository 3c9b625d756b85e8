/* SPDX-License-Identifier: Apache-2.0 */
/* Private to node/: cutting a message into segments and putting one together (ASHRAE 135, clauses
 * 5.2 to 5.4). Pure: no socket, no clock. A message has at most BACNET_SEGMENTS_MAX segments, so a
 * sequence number never wraps. */
#ifndef BUSBAR_DRIVERS_BACNET_NODE_SEGMENT_H
#define BUSBAR_DRIVERS_BACNET_NODE_SEGMENT_H

#include "base/buf.h"
#include "drivers/bacnet/node/peer.h"
#include "drivers/bacnet/wire/apdu.h"

/* ---- sending ---- */

struct segment_sender {
    const uint8_t *data; /* borrowed */
    size_t size;
    uint16_t piece; /* bytes of the message in one segment */
    uint16_t count; /* segments; 0: not sending in segments */
    uint16_t base;  /* the first that is not acknowledged */
    uint16_t sent;  /* the first that was not sent yet */
    uint8_t window; /* segments that may be under way; 1 until the other side said how many */
};

/* False: more than segments_max. piece > 0. */
bool segment_sender_init(struct segment_sender *sender, const void *data, size_t size, size_t piece,
                         unsigned segments_max);
/* The next segment that may be sent now: fills sequence, more, window (proposed) and data of apdu.
 */
bool segment_sender_next(struct segment_sender *sender, struct bacnet_apdu *apdu);
/* A SegmentACK. False: of nothing that is under way; nothing is changed. */
bool segment_sender_acknowledged(struct segment_sender *sender, const struct bacnet_apdu *ack);
/* Nothing came in time: what is under way is sent again. */
void segment_sender_again(struct segment_sender *sender);
bool segment_sender_done(const struct segment_sender *sender);

/* ---- receiving ---- */

struct segment_receiver {
    struct buf message;
    uint16_t count;    /* segments taken in order; 0: none yet */
    uint8_t window;    /* as we acknowledge */
    uint8_t in_window; /* taken since the last acknowledgement */
    uint8_t repeated;  /* since then, seen before */
    bool refused;      /* the gap was told */
};

enum segment_step {
    SEGMENT_KEEP, /* taken, nothing to say */
    SEGMENT_ACK,  /* taken or seen before: acknowledge */
    SEGMENT_NAK,  /* a gap: acknowledge negatively */
    SEGMENT_DROP, /* nothing to say */
    SEGMENT_LAST, /* the message is whole: acknowledge */
    SEGMENT_FULL, /* too many, too long, or no memory: abort */
};

void segment_receiver_init(struct segment_receiver *receiver);
void segment_receiver_fini(struct segment_receiver *receiver);
/* size_max: what the message may grow to. */
enum segment_step segment_receiver_take(struct segment_receiver *receiver,
                                        const struct bacnet_apdu *segment, size_t size_max);
/* sequence, window and negative of the acknowledgement for a step. At least one segment was taken.
 */
void segment_receiver_acknowledge(struct segment_receiver *receiver, enum segment_step step,
                                  struct bacnet_apdu *ack);

#endif
