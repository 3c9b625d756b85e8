/* SPDX-License-Identifier: Apache-2.0 */
/* Which policy a series has: the first rule that its labels match. Asked when a series gets labels, and for all
 * of them when the rules change. */
#include <string.h>

#include "base/alloc.h"
#include "history/history_private.h"

enum { MATCH_AT_ONCE = 1024 /* series between two breaths of the lock */ };

void history_naming_match(struct history *history, uint32_t id, const struct label *labels,
                          size_t count)
{
    const struct history_naming *naming = &history->naming;
    unsigned policy = 0;
    for (size_t i = 0; i < naming->rule_count && policy == 0; i++) {
        if (matchers_match(naming->rules[i], labels, count)) {
            policy = (unsigned)i + 1;
        }
    }
    if (naming->rule_count > 0 || naming->had_rules) {
        (void)history_policy_of(history, id, policy);
    }
}

void history_naming_free_rules(struct history_naming *naming)
{
    for (size_t i = 0; i < naming->rule_count; i++) {
        matchers_free(naming->rules[i]);
    }
    naming->rule_count = 0;
}

static void match_some(struct history *history, const uint32_t *ids, size_t count)
{
    struct history_naming *naming = &history->naming;
    pthread_mutex_lock(&naming->lock);
    for (size_t i = 0; i < count; i++) {
        struct label labels[LABELS_MAX];
        size_t label_count = history_index_labels(naming->index, ids[i], labels);
        if (label_count > 0) {
            history_naming_match(history, ids[i], labels, label_count);
        }
    }
    pthread_mutex_unlock(&naming->lock);
}

int history_policy_rules(struct history *history, struct matchers *const *rules, size_t count)
{
    struct history_naming *naming = &history->naming;
    pthread_mutex_lock(&naming->lock);
    naming->had_rules = naming->had_rules || naming->rule_count > 0;
    history_naming_free_rules(naming);
    if (count > 0) {
        memcpy(naming->rules, rules, count * sizeof(*rules));
    }
    naming->rule_count = count;
    pthread_mutex_unlock(&naming->lock);
    uint32_t *ids;
    size_t id_count;
    int error = history_index_select(naming->index, NULL, 0, SIZE_MAX, NULL, &ids, &id_count, NULL);
    for (size_t at = 0; at < id_count; at += MATCH_AT_ONCE) {
        match_some(history, ids + at,
                   id_count - at < MATCH_AT_ONCE ? id_count - at : MATCH_AT_ONCE);
    }
    busbar_free(ids);
    return error;
}
