/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/remote_write/series.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
    SLOT_BITS_LEAST = 10,
    TAG_LABEL = 1 << 3 | 2, /* in a TimeSeries */
    TAG_NAME = 1 << 3 | 2,  /* in a Label */
    TAG_VALUE = 2 << 3 | 2,
    LABEL_ROOM = 4 + 3 * BYTES_VARINT_MAX, /* of a label beside its texts */
};

static size_t slot_of(const struct remote_known *known, uint32_t id)
{
    return (uint32_t)(id * UINT32_C(2654435769)) >> (32 - known->slot_bits);
}

/* ---- labels ---- */

static int by_name(const struct label *a, const struct label *b)
{
    size_t least = a->name_size < b->name_size ? a->name_size : b->name_size;
    int order = memcmp(a->name, b->name, least);
    return order != 0                     ? order
           : a->name_size == b->name_size ? 0
           : a->name_size < b->name_size  ? -1
                                          : 1;
}

static void put_label(struct buf *out, const struct label *label)
{
    size_t name = 1 + bytes_varint_size(label->name_size) + label->name_size;
    size_t value = 1 + bytes_varint_size(label->value_size) + label->value_size;
    size_t room = LABEL_ROOM + name + value;
    uint8_t *to = buf_reserve(out, room);
    if (to == NULL) {
        return;
    }
    struct bytes_out bytes = bytes_out_of(to, room);
    bytes_put_u8(&bytes, TAG_LABEL);
    bytes_put_varint(&bytes, name + value);
    bytes_put_u8(&bytes, TAG_NAME);
    bytes_put_varint(&bytes, label->name_size);
    bytes_put_block(&bytes, label->name, label->name_size);
    bytes_put_u8(&bytes, TAG_VALUE);
    bytes_put_varint(&bytes, label->value_size);
    bytes_put_block(&bytes, label->value, label->value_size);
    buf_commit(out, bytes_out_size(&bytes));
}

/* Both sets as one, sorted; of a name in both the series' value counts. */
static void put_labels(struct remote_known *known, const struct label *labels, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < known->own_count; i++) {
        int order = 1;
        while (at < count && (order = by_name(&labels[at], &known->own[i])) < 0) {
            put_label(&known->labels, &labels[at++]);
        }
        if (at == count || order != 0) {
            put_label(&known->labels, &known->own[i]);
        }
    }
    while (at < count) {
        put_label(&known->labels, &labels[at++]);
    }
}

static int learn(struct remote_known *known, struct remote_series *series,
                 const struct sink_series *spare)
{
    struct label labels[LABELS_MAX];
    size_t count = known->names.labels(known->names.ctx, series->id, labels);
    series->labels_at = known->labels.size;
    if (count > 0) {
        put_labels(known, labels, count);
    } else if (spare != NULL && spare->label_count > 0) {
        put_labels(known, spare->labels, spare->label_count);
    }
    if (known->labels.overflow) {
        return BUSBAR_ELIMIT;
    }
    series->label_bytes = (uint32_t)(known->labels.size - series->labels_at);
    return 0;
}

/* ---- series ---- */

static bool grow_slots(struct remote_known *known)
{
    unsigned bits = known->slots == NULL ? SLOT_BITS_LEAST : known->slot_bits + 1;
    uint32_t *slots = busbar_try_alloc(sizeof(*slots) << bits);
    if (slots == NULL) {
        return false;
    }
    busbar_free(known->slots);
    known->slots = slots;
    known->slot_bits = bits;
    size_t mask = ((size_t)1 << bits) - 1;
    for (size_t i = 0; i < known->count; i++) {
        size_t slot = slot_of(known, known->series[i].id);
        while (slots[slot] != 0) {
            slot = (slot + 1) & mask;
        }
        slots[slot] = (uint32_t)i + 1;
    }
    return true;
}

static bool grow_series(struct remote_known *known)
{
    size_t capacity = known->capacity == 0 ? 512 : known->capacity * 2;
    struct remote_series *series = busbar_try_realloc(known->series, capacity * sizeof(*series));
    if (series == NULL) {
        return false;
    }
    known->series = series;
    known->capacity = capacity;
    return true;
}

static int add(struct remote_known *known, uint32_t id, const struct sink_series *spare,
               size_t slot, uint32_t *index)
{
    if (known->count == REMOTE_SERIES_MAX) {
        return BUSBAR_ELIMIT;
    }
    if (known->count == known->capacity && !grow_series(known)) {
        return BUSBAR_ENOMEM;
    }
    struct remote_series *series = &known->series[known->count];
    *series = (struct remote_series){ .id = id, .newest_us = INT64_MIN };
    int error = learn(known, series, spare);
    if (error == 0) {
        *index = (uint32_t)known->count++;
        known->slots[slot] = *index + 1;
    }
    return error;
}

int remote_known_find(struct remote_known *known, uint32_t id, const struct sink_series *spare,
                      uint32_t *index)
{
    if ((known->slots == NULL || known->count >= (size_t)1 << (known->slot_bits - 1)) &&
        !grow_slots(known)) {
        return BUSBAR_ENOMEM;
    }
    size_t mask = ((size_t)1 << known->slot_bits) - 1;
    size_t slot = slot_of(known, id);
    while (known->slots[slot] != 0) {
        struct remote_series *series = &known->series[known->slots[slot] - 1];
        if (series->id == id) {
            *index = known->slots[slot] - 1;
            return series->label_bytes == 0 ? learn(known, series, spare) : 0;
        }
        slot = (slot + 1) & mask;
    }
    return add(known, id, spare, slot, index);
}

void remote_known_forget(struct remote_known *known)
{
    known->count = 0;
    buf_clear(&known->labels);
    if (known->slots != NULL) {
        memset(known->slots, 0, sizeof(*known->slots) << known->slot_bits);
    }
}

void remote_known_renew(struct remote_known *known)
{
    uint64_t changes = known->names.changes(known->names.ctx);
    if (changes != known->changes || known->count >= REMOTE_SERIES_MAX / 2 ||
        known->labels.size >= REMOTE_LABEL_BYTES_MAX / 2) {
        known->changes = changes;
        remote_known_forget(known);
    }
}

/* ---- life ---- */

void remote_known_init(struct remote_known *known, const struct remote_names *names,
                       const struct label *own, size_t own_count)
{
    assert(own_count <= REMOTE_LABELS_MAX);
    *known = (struct remote_known){ .names = *names, .own_count = own_count };
    buf_init(&known->labels, REMOTE_LABEL_BYTES_MAX);
    buf_init(&known->own_texts, REMOTE_LABELS_MAX * LABELS_BYTES_MAX);
    known->changes = names->changes(names->ctx);
    for (size_t i = 0; i < own_count; i++) {
        (void)buf_append(&known->own_texts, own[i].name, own[i].name_size);
        (void)buf_append(&known->own_texts, own[i].value, own[i].value_size);
    }
    const char *text = buf_text(&known->own_texts);
    for (size_t i = 0; i < own_count && !known->own_texts.overflow; i++) {
        known->own[i] = own[i];
        known->own[i].name = text;
        known->own[i].value = text + own[i].name_size;
        text += own[i].name_size + own[i].value_size;
    }
}

void remote_known_fini(struct remote_known *known)
{
    busbar_free(known->series);
    busbar_free(known->slots);
    buf_fini(&known->labels);
    buf_fini(&known->own_texts);
}
