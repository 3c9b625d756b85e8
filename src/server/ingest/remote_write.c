/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ingest/remote_write.h"

#include "base/str.h"
#include "server/ingest/proto.h"

enum { KIND = 2 };

#define TAG_LABEL     PROTO_TAG(1, PROTO_BYTES)
#define TAG_SAMPLE    PROTO_TAG(2, PROTO_BYTES)
#define TAG_HISTOGRAM PROTO_TAG(4, PROTO_BYTES)
#define TAG_SERIES    PROTO_TAG(1, PROTO_BYTES)
#define TAG_METADATA  PROTO_TAG(3, PROTO_BYTES)

/* A Sample as every sender writes it: 12 size 09 value 10 time, times of 6 bytes. */
enum { USUAL_SIZE = 16, USUAL_TIME = 10 };

/* ---- labels ---- */

static void get_label(struct bytes in, struct label *label)
{
    *label = (struct label){ .name = "", .value = "" };
    while (bytes_left(&in) > 0) {
        uint64_t tag = proto_varint(&in);
        if (tag == PROTO_TAG(1, PROTO_BYTES) || tag == PROTO_TAG(2, PROTO_BYTES)) {
            struct bytes text = proto_bytes(&in);
            if (bytes_short(&in)) {
                return;
            }
            if (tag == PROTO_TAG(1, PROTO_BYTES)) {
                label->name = (const char *)text.at;
                label->name_size = (uint32_t)bytes_left(&text);
            } else {
                label->value = (const char *)text.at;
                label->value_size = (uint32_t)bytes_left(&text);
            }
        } else {
            proto_skip(&in, tag);
        }
        if (bytes_short(&in)) {
            return;
        }
    }
}

/* All labels of the series' message, wherever in it they stand. */
static int labels_of(const struct ingest_ref *ref, struct arena *arena,
                     struct label labels[LABELS_MAX], size_t *count, struct err *err)
{
    struct bytes in = bytes_of(ref->name, ref->name_size);
    (void)arena;
    *count = 0;
    while (bytes_left(&in) > 0 && !bytes_short(&in)) {
        uint64_t tag = proto_varint(&in);
        if (tag != TAG_LABEL) {
            proto_skip(&in, tag);
            continue;
        }
        struct bytes message = proto_bytes(&in);
        if (*count == LABELS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "more than %d labels", LABELS_MAX);
        }
        if (!bytes_short(&message)) {
            get_label(message, &labels[(*count)++]);
        }
    }
    return 0;
}

/* ---- a series ---- */

/* Hashes the labels, one run of bytes at a time (senders write one run). False: broken. */
static bool key_of(struct ingest_remote_write *request, struct ingest_rows *rows, struct bytes in)
{
    request->key = rows->start;
    const uint8_t *run = in.at;
    bool in_run = false;
    request->name = (const char *)in.at;
    request->name_size = (uint32_t)bytes_left(&in);
    request->series = in;
    while (bytes_left(&in) > 0) {
        const uint8_t *at = in.at;
        uint64_t tag = proto_varint(&in);
        if (tag == TAG_LABEL) {
            run = in_run ? run : at;
            in_run = true;
        } else if (in_run) {
            request->key = ingest_key_add(rows->cache, request->key, (const char *)run,
                                          (size_t)(at - run));
            in_run = false;
        }
        proto_skip(&in, tag);
        if (bytes_short(&in)) {
            return false;
        }
    }
    if (in_run) {
        request->key = ingest_key_add(rows->cache, request->key, (const char *)run,
                                      (size_t)(in.end - run));
    }
    return true;
}

static int64_t ms_to_us(int64_t ms)
{
    const int64_t most = INT64_MAX / 1000;
    return ms > most ? INT64_MAX : ms < -most ? INT64_MIN : ms * 1000;
}

static void get_sample(struct bytes *in, union value *value, int64_t *time_us)
{
    int64_t ms = 0;
    value->d = 0;
    while (bytes_left(in) > 0 && !bytes_short(in)) {
        uint64_t tag = proto_varint(in);
        if (tag == PROTO_TAG(1, PROTO_FIXED64)) {
            value->bits = bytes_get_u64le(in);
        } else if (tag == PROTO_TAG(2, PROTO_VARINT)) {
            ms = (int64_t)proto_varint(in);
        } else {
            proto_skip(in, tag);
        }
    }
    *time_us = ms_to_us(ms);
}

/* A sample in its usual form; false: look at it the slow way. */
static inline bool get_usual(struct bytes *in, union value *value, int64_t *time_us)
{
    const uint8_t *at = in->at;
    if (bytes_left(in) < 2 + USUAL_SIZE || at[0] != TAG_SAMPLE || at[1] != USUAL_SIZE ||
        at[2] != PROTO_TAG(1, PROTO_FIXED64) || at[11] != PROTO_TAG(2, PROTO_VARINT)) {
        return false;
    }
    uint64_t ms = 0;
    for (int i = 0; i < 5; i++) {
        if (at[12 + i] < 0x80) {
            return false;
        }
        ms |= (uint64_t)(at[12 + i] & 0x7f) << (7 * i);
    }
    if (at[17] >= 0x80) {
        return false;
    }
    ms |= (uint64_t)at[17] << 35;
    value->bits = 0;
    for (int i = 7; i >= 0; i--) {
        value->bits = value->bits << 8 | at[3 + i];
    }
    *time_us = (int64_t)ms * 1000;
    in->at += 2 + USUAL_SIZE;
    return true;
}

/* The samples of the series in work. False: the turn is over. */
static bool get_samples(struct ingest_remote_write *request, struct ingest_rows *rows)
{
    struct bytes *in = &request->series;
    struct ingest_ref *ref = ingest_rows_series(rows, request->key);
    ref->name = request->name;
    ref->name_size = request->name_size;
    ref->line = 0;
    ingest_rows_take(rows);
    while (bytes_left(in) > 0) {
        union value value;
        int64_t time_us = 0;
        const uint8_t *before = in->at;
        if (!get_usual(in, &value, &time_us)) {
            uint64_t tag = proto_varint(in);
            if (tag != TAG_SAMPLE) {
                proto_skip(in, tag);
                if (tag == TAG_HISTOGRAM) {
                    rows->received++;
                    ingest_rows_refuse(rows, INGEST_KIND, 1, 0, 0, NULL);
                }
                continue;
            }
            struct bytes message = proto_bytes(in);
            get_sample(&message, &value, &time_us);
            if (bytes_short(&message)) {
                rows->received++;
                ingest_rows_refuse(rows, INGEST_SYNTAX, 1, 0, 0, "a sample whose bytes are broken");
                continue;
            }
        }
        if (!ingest_rows_add(rows, ref, time_us, value)) {
            in->at = before;
            return false;
        }
    }
    request->in_series = false;
    return true;
}

/* ---- metadata ---- */

static void get_metadata(const struct ingest_remote_write *request, struct bytes in)
{
    struct bytes metric = { 0 }, help = { 0 }, unit = { 0 };
    unsigned type = 0;
    while (bytes_left(&in) > 0 && !bytes_short(&in)) {
        uint64_t tag = proto_varint(&in);
        switch (tag) {
        case PROTO_TAG(1, PROTO_VARINT): type = (unsigned)proto_varint(&in); break;
        case PROTO_TAG(2, PROTO_BYTES): metric = proto_bytes(&in); break;
        case PROTO_TAG(4, PROTO_BYTES): help = proto_bytes(&in); break;
        case PROTO_TAG(5, PROTO_BYTES): unit = proto_bytes(&in); break;
        default: proto_skip(&in, tag);
        }
    }
    if (bytes_short(&in) || request->metadata == NULL || bytes_left(&metric) == 0) {
        return;
    }
    const char *word = ingest_metadata_type(type);
    const char *name = (const char *)metric.at;
    ingest_metadata_set(request->metadata, INGEST_METADATA_TYPE, name, bytes_left(&metric), word,
                        strlen(word));
    if (bytes_left(&help) > 0) {
        ingest_metadata_set(request->metadata, INGEST_METADATA_HELP, name, bytes_left(&metric),
                            (const char *)help.at, bytes_left(&help));
    }
    if (bytes_left(&unit) > 0) {
        ingest_metadata_set(request->metadata, INGEST_METADATA_UNIT, name, bytes_left(&metric),
                            (const char *)unit.at, bytes_left(&unit));
    }
}

/* ---- the request ---- */

void ingest_remote_write_begin(struct ingest_remote_write *request, struct ingest_rows *rows,
                               const void *data, size_t size, struct ingest_metadata *metadata)
{
    *request = (struct ingest_remote_write){ .in = bytes_of(data, size), .metadata = metadata };
    ingest_rows_begin(rows, KIND, labels_of);
}

static void broken(struct ingest_remote_write *request, struct ingest_rows *rows)
{
    rows->received++;
    ingest_rows_refuse(rows, INGEST_SYNTAX, 1, 0, 0,
                       "the message is broken at byte %zu; what comes after it is not read",
                       bytes_offset(&request->in));
    request->in.at = request->in.end;
}

static void get_field(struct ingest_remote_write *request, struct ingest_rows *rows)
{
    struct bytes *in = &request->in;
    uint64_t tag = proto_varint(in);
    if (tag == TAG_SERIES) {
        struct bytes series = proto_bytes(in);
        request->in_series = !bytes_short(in) && key_of(request, rows, series);
        if (!request->in_series) {
            bytes_fail(in);
        }
    } else if (tag == TAG_METADATA) {
        struct bytes message = proto_bytes(in);
        if (!bytes_short(in)) {
            get_metadata(request, message);
        }
    } else {
        proto_skip(in, tag);
    }
    if (bytes_short(in)) {
        broken(request, rows);
    }
}

bool ingest_remote_write_turn(struct ingest_remote_write *request, struct ingest_rows *rows)
{
    ingest_rows_turn(rows);
    while ((request->in_series || bytes_left(&request->in) > 0) && !ingest_rows_full(rows)) {
        if (!request->in_series) {
            get_field(request, rows);
        }
        if (request->in_series && !get_samples(request, rows)) {
            break;
        }
    }
    return request->in_series || bytes_left(&request->in) > 0;
}
