/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of segmented messages that are put together: one ceiling for the whole node, and a few
 * buffers that are kept for the next message, so that a device whose answers are always segmented
 * costs no allocation. */
#include "drivers/bacnet/node/node_private.h"

enum segment_step segments_take(struct bacnet_node *node, struct segment_receiver *receiver,
                                const struct bacnet_apdu *segment)
{
    if (receiver->message.data == NULL && node->spare_count > 0) {
        receiver->message = node->spares[--node->spare_count];
    }
    size_t before = receiver->message.size;
    size_t room = BACNET_REASSEMBLY_MAX - node->counts.reassembly_bytes;
    enum segment_step step = segment_receiver_take(receiver, segment, before + room);
    node->counts.reassembly_bytes += receiver->message.size - before;
    return step;
}

void segments_drop(struct bacnet_node *node, struct segment_receiver *receiver)
{
    node->counts.reassembly_bytes -= receiver->message.size;
    if (receiver->message.data != NULL && node->spare_count < NODE_SPARES && !node->closed) {
        buf_clear(&receiver->message);
        node->spares[node->spare_count++] = receiver->message;
        buf_init(&receiver->message, BACNET_MESSAGE_MAX);
    }
    segment_receiver_fini(receiver);
    segment_receiver_init(receiver);
}

void segments_fini(struct bacnet_node *node)
{
    while (node->spare_count > 0) {
        buf_fini(&node->spares[--node->spare_count]);
    }
}
