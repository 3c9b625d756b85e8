/* SPDX-License-Identifier: Apache-2.0 */
/* A record that is on disk goes into the head: usual samples as columns, the others one by one. */
#include "history/history_private.h"
#include "history/usual.h"

int history_feed(struct history *history, uint64_t sequence, const uint8_t *body, size_t size)
{
    struct sample samples[HISTORY_BATCH_SAMPLES];
    struct history_usual usual;
    struct history_record_reader reader;
    int count = 1;
    history_record_open(&reader, body, size);
    history_head_begin(&history->head);
    while (count > 0) {
        if (history_record_usual(&reader, &usual)) {
            history_head_add_usual(&history->head, &usual);
            continue;
        }
        count = history_record_next(&reader, samples);
        if (count > 0) {
            history_head_add(&history->head, samples, (size_t)count);
        }
    }
    history_head_end(&history->head, sequence);
    return count;
}
