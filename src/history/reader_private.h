/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by reader.c and reader_windows.c only. */
#ifndef BUSBAR_HISTORY_READER_PRIVATE_H
#define BUSBAR_HISTORY_READER_PRIVATE_H

#include "history/merge.h"
#include "history/reader.h"
#include "history/view.h"

/* Chunks of series in a row lie in a row: when the second of them is asked for, some more are read at once. */
struct history_ahead {
    uint64_t block; /* id; 0: none */
    uint64_t next;  /* offset behind the chunk that was asked for last */
    uint64_t offset;
    size_t size; /* of data */
    uint8_t *data;
};

/* Numbers of the read in turn; the arrays only grow. */
struct history_reader {
    struct history_ahead ahead;
    struct history_view view;
    struct history_sources sources;
    struct history_merge merge; /* also coder, column and bytes of what needs no merging */
    int64_t *times;
    double *values;
    size_t count, capacity;
    size_t max;       /* numbers of one read at most */
    uint64_t damaged; /* of the reads before; this one's are in sources */
};

/* history_merge_read(), by what was read ahead where that has it. */
int history_reader_bytes(struct history_reader *reader, const struct history_source *source,
                         const uint8_t **data, size_t *size);
/* Sources of a series in [*from_us, to_us), sorted by their first time. */
int history_reader_collect(struct history_reader *reader, uint32_t series, int64_t *from_us,
                           int64_t to_us);
/* How many of the sources from `at` on are mixed with one another; 1: that one stands alone. */
size_t history_reader_mixed(const struct history_reader *reader, size_t at);
/* Appends what `mixed` sources from `at` on have in [from_us, to_us) to the reader's numbers. */
int history_reader_append(struct history_reader *reader, size_t at, size_t mixed, int64_t from_us,
                          int64_t to_us);

#endif
