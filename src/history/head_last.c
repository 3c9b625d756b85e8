/* SPDX-License-Identifier: Apache-2.0 */
#include "history/head_last.h"

#include "base/alloc.h"
#include "history/head_private.h"

/* The lock is held. */
static bool is_covered(struct history_head *head, uint32_t id, int64_t from_us, int64_t to_us,
                       struct history_series **found)
{
    history_stage_settle(head, id);
    struct history_series *series = history_head_find(head, id);
    *found = series;
    if (series == NULL || !series->has_last || series->last_us < from_us ||
        (series->last_us >= to_us && to_us != INT64_MAX)) {
        return false;
    }
    for (const struct history_node *node = series->sealed; node != NULL; node = node->older) {
        if (node->last_us == series->last_us) {
            return false;
        }
    }
    size_t count = series->open_count;
    return count == 0 || series->open[count - 1].time_us != series->last_us;
}

bool history_head_last_in(struct history_head *head, uint32_t id, int64_t from_us, int64_t to_us)
{
    struct history_series *series;
    pthread_mutex_lock(&head->lock);
    bool covered = is_covered(head, id, from_us, to_us, &series);
    pthread_mutex_unlock(&head->lock);
    return covered;
}

void history_head_replace_last(struct history_head *head, uint32_t id, int64_t from_us,
                               int64_t to_us, const struct sample *newest)
{
    struct history_series *series;
    struct text *text = NULL;
    if (newest != NULL && newest->type == VALUE_TEXT) {
        text = text_new(newest->value.text->bytes, newest->value.text->size);
    }
    pthread_mutex_lock(&head->lock);
    if (is_covered(head, id, from_us, to_us, &series)) {
        if (series->last_type == VALUE_TEXT) {
            busbar_free((void *)(uintptr_t)series->last.text);
        }
        series->has_last = newest != NULL;
        head->series_count -= newest == NULL;
        series->last_type = newest != NULL ? newest->type : VALUE_NONE;
        series->last.bits = 0;
        if (newest != NULL) {
            series->last_us = newest->time_us;
            series->last_receive_us = newest->receive_us;
            series->last = newest->value;
            series->last_detail = newest->detail;
            series->last_quality = newest->quality;
        }
        if (text != NULL) {
            series->last.text = text;
            text = NULL;
        }
    }
    pthread_mutex_unlock(&head->lock);
    busbar_free(text);
}
