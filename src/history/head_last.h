/* SPDX-License-Identifier: Apache-2.0 */
/* The last sample of a series after a delete: it may be what was deleted. What the head itself holds came
 * after the delete (the head is written into a block first) and stays. Any thread. */
#ifndef BUSBAR_HISTORY_HEAD_LAST_H
#define BUSBAR_HISTORY_HEAD_LAST_H

#include "history/head.h"

/* The last sample is in [from, to) and nothing of it is in the head any more. */
bool history_head_last_in(struct history_head *head, uint32_t series, int64_t from_us,
                          int64_t to_us);
/* When it still is: the newest sample that is left (its text is copied) takes its place; NULL: none. */
void history_head_replace_last(struct history_head *head, uint32_t series, int64_t from_us,
                               int64_t to_us, const struct sample *newest);

#endif
