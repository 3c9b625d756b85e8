/* SPDX-License-Identifier: Apache-2.0 */
/* The sender keeps [base, sent) under way, at most a window of it. The receiver takes segments in
 * order only: after a gap it says once where to go on (more would make the sender repeat more than
 * once), and drops until that comes. */
#include "drivers/bacnet/node/segment.h"

#include "base/err.h"

bool segment_sender_init(struct segment_sender *sender, const void *data, size_t size, size_t piece,
                         unsigned segments_max)
{
    size_t count = (size + piece - 1) / piece;
    if (count == 0 || count > segments_max || count > BACNET_SEGMENTS_MAX) {
        return false;
    }
    *sender = (struct segment_sender){
        .data = data, .size = size, .piece = (uint16_t)piece, .count = (uint16_t)count, .window = 1
    };
    return true;
}

bool segment_sender_next(struct segment_sender *sender, struct bacnet_apdu *apdu)
{
    if (sender->sent >= sender->count || sender->sent >= sender->base + sender->window) {
        return false;
    }
    size_t from = (size_t)sender->sent * sender->piece;
    size_t size = sender->size - from < sender->piece ? sender->size - from : sender->piece;
    apdu->segmented = true;
    apdu->sequence = (uint8_t)sender->sent;
    apdu->window = BACNET_WINDOW;
    apdu->data = bytes_of(sender->data + from, size);
    sender->sent++;
    apdu->more = sender->sent < sender->count;
    return true;
}

bool segment_sender_acknowledged(struct segment_sender *sender, const struct bacnet_apdu *ack)
{
    /* A negative one says what was taken last, which may be the last of the window before. */
    unsigned low = sender->base > 0 ? sender->base - 1U : 0;
    if (ack->sequence < low || ack->sequence >= sender->sent) {
        return false;
    }
    sender->base = (uint16_t)(ack->sequence + 1);
    sender->window = ack->window;
    if (ack->negative) {
        sender->sent = sender->base;
    }
    return true;
}

void segment_sender_again(struct segment_sender *sender)
{
    sender->sent = sender->base;
}

bool segment_sender_done(const struct segment_sender *sender)
{
    return sender->base >= sender->count;
}

void segment_receiver_init(struct segment_receiver *receiver)
{
    *receiver = (struct segment_receiver){ 0 };
    buf_init(&receiver->message, BACNET_MESSAGE_MAX);
}

void segment_receiver_fini(struct segment_receiver *receiver)
{
    buf_fini(&receiver->message);
}

/* The last of what was repeated is acknowledged again: our acknowledgement was lost. */
static enum segment_step take_repeated(struct segment_receiver *receiver, uint8_t sequence)
{
    receiver->repeated++;
    if (sequence + 1 == receiver->count || receiver->repeated >= receiver->window) {
        receiver->repeated = 0;
        return SEGMENT_ACK;
    }
    return SEGMENT_DROP;
}

enum segment_step segment_receiver_take(struct segment_receiver *receiver,
                                        const struct bacnet_apdu *segment, size_t size_max)
{
    if (segment->sequence < receiver->count) {
        return take_repeated(receiver, segment->sequence);
    }
    if (segment->sequence > receiver->count) {
        bool tell = !receiver->refused && receiver->count > 0;
        receiver->refused = true;
        return tell ? SEGMENT_NAK : SEGMENT_DROP;
    }
    size_t size = bytes_left(&segment->data);
    if (receiver->count + (segment->more ? 2 : 1) > BACNET_SEGMENTS_MAX ||
        receiver->message.size + size > size_max ||
        buf_append(&receiver->message, segment->data.at, size) != 0) {
        return SEGMENT_FULL;
    }
    receiver->count++;
    receiver->in_window++;
    receiver->repeated = 0;
    receiver->refused = false;
    receiver->window = segment->window < BACNET_WINDOW ? segment->window : BACNET_WINDOW;
    if (!segment->more) {
        return SEGMENT_LAST;
    }
    return receiver->count == 1 || receiver->in_window >= receiver->window ? SEGMENT_ACK
                                                                           : SEGMENT_KEEP;
}

void segment_receiver_acknowledge(struct segment_receiver *receiver, enum segment_step step,
                                  struct bacnet_apdu *ack)
{
    receiver->in_window = 0;
    ack->type = BACNET_PDU_SEGMENT_ACK;
    ack->negative = step == SEGMENT_NAK;
    ack->sequence = (uint8_t)(receiver->count - 1);
    ack->window = receiver->window;
}
