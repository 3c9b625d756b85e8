/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by head.c and head_read.c only; the lock is held (or there is one thread). */
#ifndef BUSBAR_HISTORY_HEAD_PRIVATE_H
#define BUSBAR_HISTORY_HEAD_PRIVATE_H

#include "history/head.h"

struct history_series *history_head_find(const struct history_head *head,
                                         uint32_t id); /* or NULL */
struct history_series *history_head_make(struct history_head *head, uint32_t id);
struct history_base *history_head_base(struct history_head *head, uint32_t id);
void history_head_free_open(struct history_head *head, struct history_series *series);
/* One sample of any kind. */
void history_head_insert(struct history_head *head, const struct sample *sample);
/* One usual sample, newer than all the series has; counts nothing and leaves the last sample alone. */
void history_head_append(struct history_head *head, struct history_series *series, uint8_t type,
                         int64_t time_us, union value value);
/* The same for many at once: they become a chunk. Nothing may be open. */
void history_head_seal_column(struct history_head *head, struct history_series *series,
                              uint8_t type, const int64_t *times, const union value *values,
                              size_t count);
/* Moves what is open into sealed chunks. */
void history_head_seal(struct history_head *head, struct history_series *series);
/* Moves a series into the present generation; what it had is sealed and counted in the old one. */
void history_head_thaw(struct history_head *head, struct history_series *series, uint32_t id);
/* Entries from..to of the open buffer; texts stay the buffer's. */
void history_open_column(const struct history_series *series, size_t from, size_t to,
                         struct history_column *column);

#endif
