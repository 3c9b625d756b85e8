/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing over a table of keys; a label set is hashed as one text with its sizes, in
 * pieces. */
#include "promql/keys.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { PIECE_BYTES = 512, SLOTS_MIN = 16 };

struct hasher {
    uint8_t piece[PIECE_BYTES];
    size_t size;
};

/* What was taken so far becomes the first 8 bytes of the next piece. */
static void fold(struct hasher *hasher)
{
    uint64_t hash = hash_keyed(hasher->piece, hasher->size);
    memcpy(hasher->piece, &hash, sizeof(hash));
    hasher->size = sizeof(hash);
}

static void take(struct hasher *hasher, const char *text, uint32_t text_size)
{
    if (hasher->size + sizeof(text_size) > PIECE_BYTES) {
        fold(hasher);
    }
    memcpy(hasher->piece + hasher->size, &text_size, sizeof(text_size));
    hasher->size += sizeof(text_size);
    size_t left = text_size;
    while (left > 0) {
        if (hasher->size == PIECE_BYTES) {
            fold(hasher);
        }
        size_t room = PIECE_BYTES - hasher->size;
        size_t part = left < room ? left : room;
        memcpy(hasher->piece + hasher->size, text, part);
        hasher->size += part;
        text += part;
        left -= part;
    }
}

static uint64_t hash_labels(const struct label *labels, size_t count)
{
    struct hasher hasher;
    hasher.size = 0;
    for (size_t i = 0; i < count; i++) {
        take(&hasher, labels[i].name, labels[i].name_size);
        take(&hasher, labels[i].value, labels[i].value_size);
    }
    return hash_keyed(hasher.piece, hasher.size);
}

static bool equal_text(const char *a, uint32_t a_size, const char *b, uint32_t b_size)
{
    return a_size == b_size && (a == b || memcmp(a, b, a_size) == 0);
}

static bool equal_labels(const struct label *a, size_t a_count, const struct label *b,
                         size_t b_count)
{
    if (a_count != b_count) {
        return false;
    }
    for (size_t i = 0; i < a_count; i++) {
        if (!equal_text(a[i].name, a[i].name_size, b[i].name, b[i].name_size) ||
            !equal_text(a[i].value, a[i].value_size, b[i].value, b[i].value_size)) {
            return false;
        }
    }
    return true;
}

static bool is_named(const struct label *label, const char *name)
{
    return strncmp(name, label->name, label->name_size) == 0 && name[label->name_size] == '\0';
}

bool promql_rule_names(const struct promql_rule *rule, const struct label *label)
{
    for (size_t i = 0; i < rule->name_count; i++) {
        if (is_named(label, rule->names[i])) {
            return true;
        }
    }
    return false;
}

size_t promql_rule_pick(const struct promql_rule *rule, const struct label *labels,
                        size_t label_count, struct label picked[LABELS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < label_count && count < LABELS_MAX; i++) {
        bool named = promql_rule_names(rule, &labels[i]) ||
                     (!rule->with && is_named(&labels[i], LABEL_METRIC));
        if (named == rule->with) {
            picked[count++] = labels[i];
        }
    }
    return count;
}

int promql_keys_init(struct promql_eval *eval, struct promql_keys *keys, size_t expected)
{
    *keys = (struct promql_keys){ 0 };
    size_t slots = SLOTS_MIN;
    while (slots < expected * 2) {
        slots *= 2;
    }
    keys->slots = busbar_try_alloc(slots * sizeof(*keys->slots));
    if (keys->slots == NULL) {
        return promql_eval_no_memory(eval);
    }
    keys->slot_count = slots;
    return 0;
}

void promql_keys_fini(struct promql_keys *keys)
{
    busbar_free(keys->keys);
    busbar_free(keys->slots);
    *keys = (struct promql_keys){ 0 };
}

/* The slot of a set, or the empty one where it belongs. */
static size_t find(const struct promql_keys *keys, uint64_t hash, const struct label *labels,
                   size_t label_count)
{
    size_t mask = keys->slot_count - 1;
    size_t slot = hash & mask;
    for (; keys->slots[slot] != 0; slot = (slot + 1) & mask) {
        const struct promql_key *key = &keys->keys[keys->slots[slot] - 1];
        if (key->hash == hash && equal_labels(key->labels, key->label_count, labels, label_count)) {
            break;
        }
    }
    return slot;
}

static int grow(struct promql_eval *eval, struct promql_keys *keys)
{
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity == 0 ? SLOTS_MIN : keys->capacity * 2;
        struct promql_key *more = busbar_try_realloc(keys->keys, capacity * sizeof(*more));
        if (more == NULL) {
            return promql_eval_no_memory(eval);
        }
        keys->keys = more;
        keys->capacity = capacity;
    }
    if (keys->count * 2 < keys->slot_count) {
        return 0;
    }
    size_t slot_count = keys->slot_count * 2;
    uint32_t *slots = busbar_try_alloc(slot_count * sizeof(*slots));
    if (slots == NULL) {
        return promql_eval_no_memory(eval);
    }
    for (size_t i = 0; i < keys->count; i++) {
        size_t slot = keys->keys[i].hash & (slot_count - 1);
        while (slots[slot] != 0) {
            slot = (slot + 1) & (slot_count - 1);
        }
        slots[slot] = (uint32_t)i + 1;
    }
    busbar_free(keys->slots);
    keys->slots = slots;
    keys->slot_count = slot_count;
    return 0;
}

int promql_keys_put(struct promql_eval *eval, struct promql_keys *keys, const struct label *labels,
                    size_t label_count, size_t *ordinal, bool *found)
{
    int error = grow(eval, keys);
    if (error != 0) {
        return error;
    }
    uint64_t hash = hash_labels(labels, label_count);
    size_t slot = find(keys, hash, labels, label_count);
    *found = keys->slots[slot] != 0;
    if (!*found) {
        keys->keys[keys->count] = (struct promql_key){ labels, label_count, hash };
        keys->slots[slot] = (uint32_t)++keys->count;
    }
    *ordinal = keys->slots[slot] - 1;
    return 0;
}

int promql_keys_of_rows(struct promql_eval *eval, struct promql_keys *keys,
                        const struct promql_rule *rule, const struct promql_matrix *matrix,
                        uint32_t **ordinals)
{
    *ordinals = busbar_try_alloc((matrix->count + 1) * sizeof(**ordinals));
    if (*ordinals == NULL) {
        return promql_eval_no_memory(eval);
    }
    struct label picked[LABELS_MAX];
    int error = 0;
    for (size_t i = 0; i < matrix->count && error == 0; i++) {
        const struct promql_row *row = &matrix->rows[i];
        size_t count = promql_rule_pick(rule, row->labels, row->label_count, picked);
        size_t ordinal = 0;
        bool found = false;
        error = promql_keys_put(eval, keys, picked, count, &ordinal, &found);
        if (error == 0 && !found) {
            struct label *copy = arena_alloc_array(eval->arena, count, sizeof(*copy));
            if (copy == NULL) {
                error = promql_eval_no_memory(eval);
            } else if (count > 0) {
                memcpy(copy, picked, count * sizeof(*copy));
            }
            keys->keys[ordinal].labels = copy;
        }
        (*ordinals)[i] = (uint32_t)ordinal;
    }
    return error;
}

int promql_keys_members(struct promql_eval *eval, const uint32_t *ordinals, size_t row_count,
                        size_t key_count, size_t **starts, uint32_t **members)
{
    size_t *at = busbar_try_alloc((key_count + 2) * sizeof(*at));
    uint32_t *rows = busbar_try_alloc((row_count + 1) * sizeof(*rows));
    *starts = at;
    *members = rows;
    if (at == NULL || rows == NULL) {
        return promql_eval_no_memory(eval);
    }
    for (size_t i = 0; i < row_count; i++) {
        at[ordinals[i] + 2]++;
    }
    for (size_t i = 2; i < key_count + 2; i++) {
        at[i] += at[i - 1];
    }
    for (size_t i = 0; i < row_count; i++) {
        rows[at[ordinals[i] + 1]++] = (uint32_t)i;
    }
    return 0;
}
