/* SPDX-License-Identifier: Apache-2.0 */
/* Head, tail and page of a block; shared by block_write.c and block_read.c only. */
#ifndef BUSBAR_HISTORY_BLOCK_PRIVATE_H
#define BUSBAR_HISTORY_BLOCK_PRIVATE_H

#include "history/block.h"

enum { HISTORY_PAGE_HEAD = 4 + 2 + 2 + 8 + 8 };

struct history_block_tail {
    uint64_t id, index_offset;
    uint32_t pages, series;
    uint64_t samples;
    int64_t from_us, to_us;
    uint32_t sparse_check;
};

void history_block_put_head(uint8_t to[HISTORY_BLOCK_HEAD], uint64_t id);
void history_block_put_tail(uint8_t to[HISTORY_BLOCK_TAIL], const struct history_block_tail *tail);

#endif
