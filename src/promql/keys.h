/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers label sets: sets of the same content get the same ordinal, 0, 1, 2 ... in the order they
 * are seen. What groups rows for aggregations, matching and the search for duplicates. Content is
 * compared, a hash alone decides nothing. Private to promql/. */
#ifndef BUSBAR_PROMQL_KEYS_H
#define BUSBAR_PROMQL_KEYS_H

#include "promql/eval.h"

/* Which labels of a row make its key. */
struct promql_rule {
    const char **names;
    size_t name_count;
    bool with; /* these labels alone; else all but these and __name__ */
};

struct promql_key {
    const struct label *labels;
    size_t label_count;
    uint64_t hash;
};

struct promql_keys {
    struct promql_key *keys; /* by ordinal */
    size_t count, capacity;
    uint32_t *slots; /* ordinal + 1; 0: empty */
    size_t slot_count;
};

/* The label is among the names of the rule. */
bool promql_rule_names(const struct promql_rule *rule, const struct label *label);

/* The labels of the row that make its key by the rule, in order. Returns how many. */
size_t promql_rule_pick(const struct promql_rule *rule, const struct label *labels,
                        size_t label_count, struct label picked[LABELS_MAX]);

/* Room for `expected` keys at once (it grows by itself). BUSBAR_ENOMEM. */
int promql_keys_init(struct promql_eval *eval, struct promql_keys *keys, size_t expected);
void promql_keys_fini(struct promql_keys *keys);

/* The ordinal of a set; *found false: it is new, its labels are kept by reference. */
int promql_keys_put(struct promql_eval *eval, struct promql_keys *keys, const struct label *labels,
                    size_t label_count, size_t *ordinal, bool *found);

/* The ordinals of all rows of a matrix by a rule; labels of new keys are copied into the arena.
 * The array is the caller's to free. */
int promql_keys_of_rows(struct promql_eval *eval, struct promql_keys *keys,
                        const struct promql_rule *rule, const struct promql_matrix *matrix,
                        uint32_t **ordinals);

/* The other way round: key k has rows members[starts[k]] ... members[starts[k + 1] - 1], in order.
 * Both arrays are the caller's to free. */
int promql_keys_members(struct promql_eval *eval, const uint32_t *ordinals, size_t row_count,
                        size_t key_count, size_t **starts, uint32_t **members);

#endif
