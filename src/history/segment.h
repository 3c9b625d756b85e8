/* SPDX-License-Identifier: Apache-2.0 */
/* A segment: one file of the log, `log/NUMBER.log`. Low byte first.
 *
 *    0  head, twice (a flipped bit in one of them does no harm), each 64 bytes:
 *         0 u64 "BBSEGM1\0" · 8 u32 version · 12 u32 salt (random) · 16 u64 first sequence ·
 *        24 u64 made at (us) · 32 u64 number · 40 u64 size of the file when it was
 *        taken over from a segment that was done with · 48 zeros · 60 u32 crc32c of bytes 0..59
 *  128  records (record.h), each at a multiple of 8
 *
 * The salt goes into every record's checksum, so neither what an older file left on the disk nor
 * what a device put into a text can look like a record. */
#ifndef BUSBAR_HISTORY_SEGMENT_H
#define BUSBAR_HISTORY_SEGMENT_H

#include "base/file.h"
#include "history/record.h"

enum { HISTORY_SEGMENT_HEAD = 128, HISTORY_PATH_MAX = 1024 };

struct history_segment_head {
    uint32_t salt;
    uint64_t first_sequence;
    int64_t made_us;
    uint64_t number;
    uint64_t old_bytes; /* up to here may be what the file held before; 0: it is new */
};

void history_segment_put_head(uint8_t to[HISTORY_SEGMENT_HEAD],
                              const struct history_segment_head *head);
/* Takes whichever copy is good. BUSBAR_ESHORT: less than 128 bytes; BUSBAR_EDAMAGED. */
int history_segment_get_head(const uint8_t *data, size_t size, struct history_segment_head *head);

/* Walks the records of a segment held in memory (aligned to 8), or read piece by piece (log_read.h). */
struct history_segment_reader {
    const uint8_t *data;
    size_t size, offset;
    size_t filled;                        /* so much of data is there */
    void (*fill)(void *ctx, size_t upto); /* makes more of it be there */
    void *fill_ctx;
    uint32_t salt;
    uint64_t next_sequence; /* a record below it is no record */
};
void history_segment_open(struct history_segment_reader *reader, const uint8_t *data, size_t size,
                          const struct history_segment_head *head);

/* The next good record: 0. BUSBAR_ESHORT: no more; reader->offset is the end of the last good one and what
 * follows it (torn or damaged) is no record. Damage in the middle is skipped: then head->sequence is
 * not reader->next_sequence of before the call. */
int history_segment_next(struct history_segment_reader *reader, struct history_record_head *head,
                         const uint8_t **body);

/* After the last record: bytes behind it that are an unfinished one. */
size_t history_segment_torn(const struct history_segment_reader *reader,
                            const struct history_segment_head *head);

#endif
