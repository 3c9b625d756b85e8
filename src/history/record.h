/* SPDX-License-Identifier: Apache-2.0 */
/* A log record: what one commit writes. Low byte first.
 *
 *    0  u32  mark        "BBr1"
 *    4  u32  body bytes  padding not counted
 *    8  u64  sequence    grows by 1
 *   16  u32  samples
 *   20  u32  head check  crc32c, seeded with the segment's salt, of bytes 0..19 and, if they are not 0, 28..31
 *   24  u32  body check  crc32c, seeded with the head check, of the body
 *   28  u32  event bytes the last so many of the body are events; 0 in most records, and in all of older logs
 *   32  body: batches, then events, then zeros up to a multiple of 8
 *
 * An event is a varint of its size and the bytes that model/event.c draws. Who looks for events reads heads
 * only, until one says that there are some.
 *
 * A batch is up to 1,024 samples in columns. Usual samples (good, received at their own time, a number)
 * have the batch drawn in usual.h, which begins with 0x0e. In the other one, what is alike in all samples
 * stands once:
 *
 *   u8      shape        value type (15: mixed) and IDS, TIMES, RECEIVED, MARKS: a column each
 *   varint  count
 *   varint  first id     without IDS the ids are consecutive
 *   varint  first time   zigzag, less the time of the batch before it in the record
 *   IDS       varints: id - (id before + 1), zigzag          (count - 1)
 *   TIMES     varints: time - time before, zigzag            (count - 1)
 *   RECEIVED  varints: receive time - time, zigzag           (count); else they are equal
 *   MARKS     u8 quality, varint detail                      (count); else one for all
 *   values    BOOL bits · INT words (words.h) · DOUBLE u8 width 4 8, floats or doubles ·
 *             TEXT struct text, aligned to 4, with its NUL ·
 *             mixed: u8 type each, then each value (BOOL u8, INT zigzag varint, DOUBLE, TEXT)
 *
 * Older logs have usual samples in the second kind of batch too.
 *
 * The loop writes the columns straight into the open record, so that a poll of neighbouring points
 * costs some nanoseconds and bytes a sample. */
#ifndef BUSBAR_HISTORY_RECORD_H
#define BUSBAR_HISTORY_RECORD_H

#include "base/buf.h"
#include "base/bytes.h"
#include "model/event.h"
#include "model/sample.h"

enum {
    HISTORY_RECORD_HEAD = 32,
    HISTORY_BATCH_SAMPLES = 1024,
    HISTORY_RECORD_EVENTS_MAX = 4 * 1024 * 1024 /* bytes of events in a record */
};

/* A record being filled: the buffer holds room for the head, then batches; events wait beside it. */
struct history_record_writer {
    struct buf buf;
    size_t max; /* of buf without the events */
    struct buf events;
    uint32_t event_count;
    uint32_t samples;
    int64_t before_us; /* time of the last batch */
};

void history_record_init(struct history_record_writer *writer, size_t max);
void history_record_fini(struct history_record_writer *writer);
/* Empties; memory is kept unless it is much. */
void history_record_clear(struct history_record_writer *writer);

/* Adds samples. On error nothing was added: BUSBAR_EINVAL, BUSBAR_ELIMIT (the record is full),
 * BUSBAR_ENOMEM. */
int history_record_add(struct history_record_writer *writer, const struct sample *samples,
                       size_t count);

/* Adds an event. On error nothing was added: BUSBAR_ELIMIT (the record is full), BUSBAR_ENOMEM. */
int history_record_add_event(struct history_record_writer *writer, const struct event *event);

static inline bool history_record_empty(const struct history_record_writer *writer)
{
    return writer->samples == 0 && writer->event_count == 0;
}

/* Puts the events behind the batches, pads, writes the head. Returns all bytes of the record, and may be called
 * again. 0: no memory. */
size_t history_record_seal(struct history_record_writer *writer, uint64_t sequence, uint32_t salt);

struct history_record_head {
    uint64_t sequence;
    uint32_t samples;
    uint32_t body_bytes;
    uint32_t event_bytes; /* of these */
    uint32_t body_check;
    uint32_t head_check;
};

/* The part of the body that has batches. */
static inline size_t history_record_batch_bytes(const struct history_record_head *head)
{
    return head->body_bytes - head->event_bytes;
}

#define HISTORY_RECORD_MARK 0x31724242u /* "BBr1" */

/* A quick look: with these four bytes a record may begin. */
static inline bool history_record_may_begin(const uint8_t bytes[4])
{
    uint32_t mark;
    memcpy(&mark, bytes, sizeof(mark));
    return mark == HISTORY_RECORD_MARK;
}

/* Reads and checks the first 32 bytes of a record. BUSBAR_ESHORT, BUSBAR_EDAMAGED. */
int history_record_get_head(struct bytes *in, uint32_t salt, struct history_record_head *head);
/* Bytes of the whole record, with padding. */
size_t history_record_bytes(const struct history_record_head *head);
/* Does the body fit its checksum? */
bool history_record_body_good(const struct history_record_head *head, const uint8_t *body);

/* The bytes of the next of a record's events. 0; BUSBAR_ENOENT: that was all; BUSBAR_EDAMAGED: what is left cannot be
 * read. */
int history_record_next_event_bytes(struct bytes *events, struct bytes *event);
/* The next of a record's events. 0; BUSBAR_ENOENT: that was all; BUSBAR_EDAMAGED; BUSBAR_ENOMEM: call again. After
 * 0 the caller calls event_decoded_fini(). */
int history_record_next_event(struct bytes *events, struct event_decoded *event);

/* Walks the batches of a body, which must be aligned to 8 and stay while the texts are used. */
struct history_record_reader {
    struct bytes in;
    int64_t before_us;
};
void history_record_open(struct history_record_reader *reader, const uint8_t *body, size_t size);
/* The next batch into samples[HISTORY_BATCH_SAMPLES]. Returns their count; 0 at the end; or
 * BUSBAR_EDAMAGED (the checksum was right: a record of another program). */
int history_record_next(struct history_record_reader *reader, struct sample *samples);
/* The next batch in columns, when it is one of usual samples (usual.h). False: it is not, or the end, or
 * damage; history_record_next() tells. */
struct history_usual;
bool history_record_usual(struct history_record_reader *reader, struct history_usual *usual);

#endif
