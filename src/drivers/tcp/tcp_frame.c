/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting. What is whole inside of the bytes given is told from where it stands; only a rest is copied, to be joined
 * with what comes next. The rest is bounded by the rule's `max`. */
#include "drivers/tcp/tcp_frame.h"

#include <string.h>

#include "base/str.h"

enum { KEPT_BYTES = 2048, SLACK = TCP_DELIMITER_MAX + 2 * TCP_OFFSET_MAX };
enum { STX = 0x02, ETX = 0x03, DLE = 0x10 };
enum { OUTSIDE, INSIDE, CHECK, SKIPPING };

#define TOO_LONG "too long"

void tcp_frame_init(struct tcp_frame *frame, const struct tcp_frame_rule *rule)
{
    *frame = (struct tcp_frame){ .rule = rule };
    buf_init(&frame->part, (size_t)rule->max + SLACK);
}

void tcp_frame_fini(struct tcp_frame *frame)
{
    buf_fini(&frame->part);
}

bool tcp_frame_begun(const struct tcp_frame *frame)
{
    return frame->part.size > 0 || frame->state != OUTSIDE;
}

static void forget(struct tcp_frame *frame)
{
    if (frame->part.capacity > KEPT_BYTES) {
        size_t max = frame->part.max;
        buf_fini(&frame->part);
        buf_init(&frame->part, max);
    }
    buf_clear(&frame->part);
}

/* What is being cut, and who is told. */
struct cut {
    struct tcp_frame *frame;
    const uint8_t *data;
    size_t size;
    const struct tcp_frame_events *events;
    void *ctx;
};

static bool tell(const struct cut *cut, const uint8_t *data, size_t size)
{
    return size == 0 || cut->events->message(cut->ctx, data, size);
}

static bool tell_bad(const struct cut *cut, const char *why)
{
    const struct buf *part = &cut->frame->part;
    return part->size > 0 ? cut->events->bad(cut->ctx, part->data, part->size, why, false)
                          : cut->events->bad(cut->ctx, cut->data, cut->size, why, false);
}

static void pass(struct cut *cut, size_t size)
{
    cut->data += size;
    cut->size -= size;
}

/* ---- up to a delimiter ---- */

/* Whether the delimiter ends at data[at]; it may have begun in the part before. */
static bool ends_at(const struct cut *cut, size_t at)
{
    const struct tcp_frame_rule *rule = cut->frame->rule;
    const struct buf *part = &cut->frame->part;
    size_t before = rule->delimiter_size - 1u;
    size_t here = before < at ? before : at;
    size_t there = before - here;
    return there <= part->size &&
           memcmp(cut->data + at - here, rule->delimiter + there, here) == 0 &&
           (there == 0 || memcmp(part->data + part->size - there, rule->delimiter, there) == 0);
}

/* Where the delimiter ends, or NULL. */
static const uint8_t *find_end(const struct cut *cut)
{
    const struct tcp_frame_rule *rule = cut->frame->rule;
    uint8_t last = rule->delimiter[rule->delimiter_size - 1];
    const uint8_t *from = cut->data;
    const uint8_t *end = cut->data + cut->size;
    const uint8_t *at;
    while ((at = memchr(from, last, (size_t)(end - from))) != NULL) {
        if (rule->delimiter_size == 1 || ends_at(cut, (size_t)(at - cut->data))) {
            return at;
        }
        from = at + 1;
    }
    return NULL;
}

/* Without the delimiter, and of a line without \r. */
static bool tell_delimited(const struct cut *cut, const uint8_t *data, size_t size)
{
    const struct tcp_frame_rule *rule = cut->frame->rule;
    size -= rule->delimiter_size;
    if (rule->kind == TCP_FRAME_LINE && size > 0 && data[size - 1] == '\r') {
        size--;
    }
    return size > rule->max ? cut->events->bad(cut->ctx, data, size, TOO_LONG, false)
                            : tell(cut, data, size);
}

/* What is passed over leaves only what may be the beginning of the delimiter. */
static void keep_tail(struct cut *cut)
{
    struct buf *part = &cut->frame->part;
    size_t keep = cut->frame->rule->delimiter_size - 1u;
    size_t here = cut->size < keep ? cut->size : keep;
    if (part->size + here > keep) {
        buf_consume(part, part->size + here - keep);
    }
    (void)buf_append(part, cut->data + cut->size - here, here);
    pass(cut, cut->size);
}

/* No end yet. */
static bool keep_rest(struct cut *cut)
{
    struct tcp_frame *frame = cut->frame;
    if (frame->state == SKIPPING) {
        keep_tail(cut);
        return true;
    }
    size_t whole = frame->part.size + cut->size;
    if (whole <= (size_t)frame->rule->max + frame->rule->delimiter_size) {
        int error = buf_append(&frame->part, cut->data, cut->size);
        pass(cut, cut->size);
        return error == 0 || cut->events->bad(cut->ctx, NULL, 0, "out of memory", true);
    }
    bool more = tell_bad(cut, TOO_LONG);
    frame->state = SKIPPING;
    keep_tail(cut);
    return more;
}

static bool cut_delimited(struct cut *cut)
{
    struct tcp_frame *frame = cut->frame;
    const uint8_t *end = find_end(cut);
    if (end == NULL) {
        return keep_rest(cut);
    }
    size_t size = (size_t)(end - cut->data) + 1;
    bool more = true;
    if (frame->state == SKIPPING) {
        frame->state = OUTSIDE;
        forget(frame);
    } else if (frame->part.size == 0) {
        more = tell_delimited(cut, cut->data, size);
    } else if (frame->part.size + size > (size_t)frame->rule->max + SLACK) {
        more = tell_bad(cut, TOO_LONG);
        forget(frame);
    } else {
        more = buf_append(&frame->part, cut->data, size) == 0 &&
               tell_delimited(cut, frame->part.data, frame->part.size);
        forget(frame);
    }
    pass(cut, size);
    return more;
}

/* ---- of a size that is known ---- */

/* The next `need` bytes in one piece, from where they stand or from the part; NULL: they are not all here yet. */
static const uint8_t *gather(struct cut *cut, size_t need)
{
    struct buf *part = &cut->frame->part;
    if (part->size == 0 && cut->size >= need) {
        return cut->data;
    }
    size_t missing = part->size < need ? need - part->size : 0;
    size_t here = cut->size < missing ? cut->size : missing;
    (void)buf_append(part, cut->data, here);
    pass(cut, here);
    return part->size >= need && !part->overflow ? part->data : NULL;
}

/* Of `total` bytes that gather() gave. */
static void pass_gathered(struct cut *cut, size_t total)
{
    if (cut->frame->part.size > 0) {
        forget(cut->frame);
    } else {
        pass(cut, total);
    }
}

static bool cut_fixed(struct cut *cut)
{
    size_t size = cut->frame->rule->fixed;
    const uint8_t *data = gather(cut, size);
    if (data == NULL) {
        return true;
    }
    bool more = tell(cut, data, size);
    pass_gathered(cut, size);
    return more;
}

static uint64_t read_length(const struct tcp_frame_rule *rule, const uint8_t *at)
{
    uint64_t length = 0;
    for (unsigned i = 0; i < rule->length_bytes; i++) {
        unsigned from = rule->little ? rule->length_bytes - 1u - i : i;
        length = length << 8 | at[from];
    }
    return length;
}

static bool cut_length(struct cut *cut)
{
    const struct tcp_frame_rule *rule = cut->frame->rule;
    size_t head = (size_t)rule->offset + rule->length_bytes;
    const uint8_t *data = gather(cut, head);
    if (data == NULL) {
        return true;
    }
    uint64_t length = read_length(rule, data + rule->offset);
    if (rule->included && length < head) {
        (void)cut->events->bad(cut->ctx, data, head, "its length is less than its own head", true);
        return false;
    }
    uint64_t body = (rule->included ? length - head : length) + rule->extra;
    if (body > rule->max) {
        (void)cut->events->bad(cut->ctx, data, head, TOO_LONG, true);
        return false;
    }
    size_t total = head + (size_t)body;
    data = gather(cut, total);
    if (data == NULL) {
        return true;
    }
    bool more = rule->whole ? tell(cut, data, total) : tell(cut, data + head, (size_t)body);
    pass_gathered(cut, total);
    return more;
}

/* ---- between STX and ETX ---- */

static void begin(struct tcp_frame *frame)
{
    frame->state = INSIDE;
    frame->check = 0;
    forget(frame);
}

static bool end(struct cut *cut)
{
    struct tcp_frame *frame = cut->frame;
    frame->state = OUTSIDE;
    bool more = tell(cut, frame->part.data, frame->part.size);
    forget(frame);
    return more;
}

static bool give_up(struct cut *cut, const char *why)
{
    struct tcp_frame *frame = cut->frame;
    frame->state = OUTSIDE;
    bool more = cut->events->bad(cut->ctx, frame->part.data, frame->part.size, why, false);
    forget(frame);
    return more;
}

static bool add_byte(struct cut *cut, uint8_t byte)
{
    struct tcp_frame *frame = cut->frame;
    if (frame->state != INSIDE) {
        return true;
    }
    frame->check ^= byte;
    if (frame->part.size < frame->rule->max) {
        return buf_append_byte(&frame->part, byte) == 0 || give_up(cut, "out of memory");
    }
    return give_up(cut, TOO_LONG);
}

static bool on_mark(struct cut *cut, uint8_t byte)
{
    struct tcp_frame *frame = cut->frame;
    if (byte == STX) {
        bool more = frame->state != INSIDE ||
                    cut->events->bad(cut->ctx, frame->part.data, frame->part.size,
                                     "another one begins before its end", false);
        begin(frame);
        return more;
    }
    if (frame->state != INSIDE) {
        return true;
    }
    frame->check ^= ETX;
    if (frame->rule->bcc) {
        frame->state = CHECK;
        return true;
    }
    return end(cut);
}

static bool take_byte(struct cut *cut, uint8_t byte)
{
    struct tcp_frame *frame = cut->frame;
    if (frame->state == CHECK) {
        return frame->check == byte ? end(cut) : give_up(cut, "its check character is wrong");
    }
    if (!frame->rule->dle) {
        return byte == STX || byte == ETX ? on_mark(cut, byte) : add_byte(cut, byte);
    }
    if (!frame->escaped) {
        frame->escaped = byte == DLE;
        return byte == DLE || add_byte(cut, byte);
    }
    frame->escaped = false;
    if (byte == DLE) {
        return add_byte(cut, byte);
    }
    if (byte == STX || byte == ETX) {
        return on_mark(cut, byte);
    }
    return frame->state != INSIDE || give_up(cut, "a DLE stands before what is no DLE, STX or ETX");
}

static bool cut_stx_etx(struct cut *cut)
{
    uint8_t byte = cut->data[0];
    pass(cut, 1);
    return take_byte(cut, byte);
}

/* ---- all ---- */

static bool keep_for_gap(struct cut *cut)
{
    struct tcp_frame *frame = cut->frame;
    bool more = true;
    if (frame->state != SKIPPING && frame->part.size + cut->size > frame->rule->max) {
        more = tell_bad(cut, TOO_LONG);
        frame->state = SKIPPING;
        forget(frame);
    } else if (frame->state != SKIPPING) {
        more = buf_append(&frame->part, cut->data, cut->size) == 0;
    }
    pass(cut, cut->size);
    return more;
}

static bool cut_datagram(struct cut *cut)
{
    size_t size = cut->size;
    bool more = size > cut->frame->rule->max
                    ? cut->events->bad(cut->ctx, cut->data, size, TOO_LONG, false)
                    : tell(cut, cut->data, size);
    pass(cut, size);
    return more;
}

bool tcp_frame_feed(struct tcp_frame *frame, const uint8_t *data, size_t size,
                    const struct tcp_frame_events *events, void *ctx, size_t *taken)
{
    static bool (*const cutters[])(struct cut * cut) = {
        [TCP_FRAME_LINE] = cut_delimited,  [TCP_FRAME_DELIMITER] = cut_delimited,
        [TCP_FRAME_FIXED] = cut_fixed,     [TCP_FRAME_LENGTH] = cut_length,
        [TCP_FRAME_STX_ETX] = cut_stx_etx, [TCP_FRAME_GAP] = keep_for_gap,
        [TCP_FRAME_NONE] = cut_datagram,
    };
    struct cut cut = { frame, data, size, events, ctx };
    bool more = true;
    while (cut.size > 0 && more) {
        more = cutters[frame->rule->kind](&cut);
    }
    if (taken != NULL) {
        *taken = size - cut.size;
    }
    return more;
}

bool tcp_frame_gap(struct tcp_frame *frame, const struct tcp_frame_events *events, void *ctx)
{
    bool more = true;
    if (frame->state != SKIPPING && frame->part.size > 0) {
        more = events->message(ctx, frame->part.data, frame->part.size);
    }
    frame->state = OUTSIDE;
    forget(frame);
    return more;
}

void tcp_frame_rest(struct tcp_frame *frame, const struct tcp_frame_events *events, void *ctx)
{
    const struct buf *part = &frame->part;
    bool delimited = frame->rule->kind == TCP_FRAME_LINE ||
                     frame->rule->kind == TCP_FRAME_DELIMITER;
    if (frame->state == SKIPPING || !tcp_frame_begun(frame)) {
        return;
    }
    if (delimited) {
        (void)events->message(ctx, part->data, part->size);
    } else {
        (void)events->bad(ctx, part->data, part->size, "the datagram ends before it does", false);
    }
    frame->state = OUTSIDE;
    forget(frame);
}
