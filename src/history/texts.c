/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of a chunk: what devices say in words repeats, so each text is written once.
 *
 *   varint  different texts
 *   varint  bytes of all of them
 *   varint  bytes of the zstd frame they are in; 0: not compressed, they follow as they are
 *   bytes
 *   column  lengths (integers.c)
 *   column  which text each sample has (integers.c) */
#include "history/coder.h"

#include <zstd.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"

enum {
    SLOTS = 2 * HISTORY_CHUNK_SAMPLES, /* of the hash table, a power of two */
    COMPRESS_FROM_BYTES = 256,
    ZSTD_LEVEL = 3,
    BLOB_BYTES_MAX = HISTORY_CHUNK_SAMPLES * TEXT_BYTES_MAX,
};

size_t history_texts_size(const union value *values, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += values[i].text->size;
    }
    return ZSTD_compressBound(bytes) + 3 * BYTES_VARINT_MAX;
}

static bool same(const struct text *a, const struct text *b)
{
    return a == b || (a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0);
}

/* Index of each value's text to `which`; one sample of each text to `heads`. Returns their count. */
static size_t find_texts(const union value *values, size_t samples, int64_t *which, int64_t *heads)
{
    uint16_t slots[SLOTS] = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < samples; i++) {
        const struct text *text = values[i].text;
        uint32_t at = hash_bytes(text->bytes, text->size) % SLOTS;
        while (slots[at] != 0 && !same(values[heads[slots[at] - 1]].text, text)) {
            at = (at + 1) % SLOTS;
        }
        if (slots[at] == 0) {
            heads[count++] = (int64_t)i;
            slots[at] = (uint16_t)count;
        }
        which[i] = slots[at] - 1;
    }
    return count;
}

static int make_room(uint8_t **space, size_t *bytes, size_t wanted)
{
    if (wanted > *bytes) {
        uint8_t *grown = busbar_try_realloc(*space, wanted);
        if (grown == NULL) {
            return BUSBAR_ENOMEM;
        }
        *space = grown;
        *bytes = wanted;
    }
    return 0;
}

static void put_blob(struct bytes_out *out, const uint8_t *blob, size_t bytes)
{
    bytes_put_varint(out, bytes);
    if (bytes >= COMPRESS_FROM_BYTES) {
        size_t room = bytes_out_left(out) - BYTES_VARINT_MAX;
        uint8_t *to = out->at + BYTES_VARINT_MAX;
        size_t packed = ZSTD_compress(to, room, blob, bytes, ZSTD_LEVEL);
        if (!ZSTD_isError(packed) && packed < bytes - bytes / 8) {
            bytes_put_varint(out, packed);
            memmove(bytes_put_space(out, packed), to, packed);
            return;
        }
    }
    bytes_put_varint(out, 0);
    bytes_put_block(out, blob, bytes);
}

int history_texts_put(struct bytes_out *out, struct history_coder *coder, const union value *values,
                      size_t samples)
{
    int64_t heads[HISTORY_CHUNK_SAMPLES];
    int64_t lengths[HISTORY_CHUNK_SAMPLES];
    size_t count = find_texts(values, samples, coder->numbers, heads);
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        lengths[i] = values[heads[i]].text->size;
        bytes += (size_t)lengths[i];
    }
    int error = make_room(&coder->blob, &coder->blob_bytes, bytes);
    if (error != 0) {
        return error;
    }
    size_t at = 0;
    for (size_t i = 0; i < count && bytes > 0; i++) {
        memcpy(coder->blob + at, values[heads[i]].text->bytes, (size_t)lengths[i]);
        at += (size_t)lengths[i];
    }
    bytes_put_varint(out, count);
    put_blob(out, coder->blob, bytes);
    history_integers_put(out, coder, lengths, count);
    history_integers_put(out, coder, coder->numbers, samples);
    return 0;
}

static int get_blob(struct bytes *in, struct history_coder *coder, size_t *size)
{
    uint64_t bytes = bytes_get_varint(in);
    uint64_t packed = bytes_get_varint(in);
    if (bytes_short(in) || bytes > BLOB_BYTES_MAX || packed > bytes_left(in)) {
        return BUSBAR_EDAMAGED;
    }
    if (packed == 0 && bytes > bytes_left(in)) {
        return BUSBAR_EDAMAGED;
    }
    int error = make_room(&coder->blob, &coder->blob_bytes, (size_t)bytes);
    if (error != 0) {
        return error;
    }
    if (packed == 0) {
        bytes_get_copy(in, coder->blob, (size_t)bytes);
    } else {
        const uint8_t *frame = bytes_get_block(in, (size_t)packed);
        if (ZSTD_decompress(coder->blob, (size_t)bytes, frame, (size_t)packed) != bytes) {
            return BUSBAR_EDAMAGED;
        }
    }
    *size = (size_t)bytes;
    return 0;
}

static size_t text_space(uint64_t size)
{
    return (sizeof(struct text) + (size_t)size + 1 + 7) / 8 * 8;
}

/* Lays out one struct text after the other in coder->texts; offsets of them to `offsets`. */
static int lay_out(struct history_coder *coder, const int64_t *lengths, size_t count, size_t bytes,
                   int64_t *offsets)
{
    size_t space = 0;
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (lengths[i] < 0 || lengths[i] > TEXT_BYTES_MAX) {
            return BUSBAR_EDAMAGED;
        }
        offsets[i] = (int64_t)space;
        space += text_space((uint64_t)lengths[i]);
        sum += (size_t)lengths[i];
    }
    if (sum != bytes) {
        return BUSBAR_EDAMAGED;
    }
    int error = make_room(&coder->texts, &coder->text_bytes, space);
    if (error != 0) {
        return error;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        struct text *text = (struct text *)(void *)(coder->texts + offsets[i]);
        text->size = (uint32_t)lengths[i];
        if (text->size > 0) {
            memcpy(text->bytes, coder->blob + at, text->size);
        }
        text->bytes[text->size] = '\0';
        at += text->size;
    }
    return 0;
}

int history_texts_get(struct bytes *in, struct history_coder *coder, union value *values,
                      size_t count)
{
    int64_t lengths[HISTORY_CHUNK_SAMPLES];
    int64_t offsets[HISTORY_CHUNK_SAMPLES];
    uint64_t texts = bytes_get_varint(in);
    if (bytes_short(in) || texts == 0 || texts > count) {
        return BUSBAR_EDAMAGED;
    }
    size_t bytes = 0;
    int error = get_blob(in, coder, &bytes);
    if (error != 0) {
        return error;
    }
    history_integers_get(in, coder, lengths, (size_t)texts, history_all((size_t)texts));
    history_integers_get(in, coder, coder->numbers, count, history_all(count));
    if (bytes_short(in)) {
        return BUSBAR_EDAMAGED;
    }
    error = lay_out(coder, lengths, (size_t)texts, bytes, offsets);
    for (size_t i = 0; i < count && error == 0; i++) {
        if (coder->numbers[i] < 0 || (uint64_t)coder->numbers[i] >= texts) {
            return BUSBAR_EDAMAGED;
        }
        values[i].text = (const struct text *)(const void *)(coder->texts +
                                                             offsets[coder->numbers[i]]);
    }
    return error;
}
