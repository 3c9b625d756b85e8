/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ingest/remote_read.h"

#include "base/bytes.h"
#include "server/ingest/proto.h"

enum { TYPES = 4, TAG_BYTES = 1, FIXED64_BYTES = 8, US_PER_MS = 1000 };

/* ---- the question ---- */

static const char *text_of(struct arena *arena, const struct bytes *in)
{
    size_t size = bytes_left(in);
    return size > 0 && memchr(in->at, '\0', size) != NULL
               ? NULL
               : arena_strndup(arena, size > 0 ? (const char *)in->at : "", size);
}

static int get_matcher(struct bytes in, struct arena *arena, struct label_matcher *matcher)
{
    static const enum label_match matches[TYPES] = { LABEL_EQUAL, LABEL_NOT_EQUAL, LABEL_MATCHES,
                                                     LABEL_NOT_MATCHES };
    struct bytes name = { 0 }, value = { 0 };
    uint64_t type = 0;
    while (bytes_left(&in) > 0 && !bytes_short(&in)) {
        uint64_t tag = proto_varint(&in);
        switch (tag) {
        case PROTO_TAG(1, PROTO_VARINT): type = proto_varint(&in); break;
        case PROTO_TAG(2, PROTO_BYTES): name = proto_bytes(&in); break;
        case PROTO_TAG(3, PROTO_BYTES): value = proto_bytes(&in); break;
        default: proto_skip(&in, tag);
        }
    }
    if (bytes_short(&in) || type >= TYPES) {
        return BUSBAR_EPROTO;
    }
    *matcher = (struct label_matcher){ .match = matches[type],
                                       .name = text_of(arena, &name),
                                       .value = text_of(arena, &value) };
    return matcher->name != NULL && matcher->value != NULL ? 0 : BUSBAR_EPROTO;
}

static int get_query(struct bytes in, struct arena *arena, struct ingest_read_query *query)
{
    int error = 0;
    while (error == 0 && bytes_left(&in) > 0 && !bytes_short(&in)) {
        uint64_t tag = proto_varint(&in);
        switch (tag) {
        case PROTO_TAG(1, PROTO_VARINT): query->start_ms = (int64_t)proto_varint(&in); break;
        case PROTO_TAG(2, PROTO_VARINT): query->end_ms = (int64_t)proto_varint(&in); break;
        case PROTO_TAG(3, PROTO_BYTES): {
            struct bytes message = proto_bytes(&in);
            error = query->matcher_count == HISTORY_MATCHERS_MAX ? BUSBAR_ELIMIT
                    : bytes_short(&message)
                        ? BUSBAR_EPROTO
                        : get_matcher(message, arena, &query->matchers[query->matcher_count++]);
            break;
        }
        default: proto_skip(&in, tag);
        }
    }
    return error != 0 ? error : bytes_short(&in) ? BUSBAR_EPROTO : 0;
}

int ingest_read_get(const void *data, size_t size, struct arena *arena,
                    struct ingest_read_query **queries, size_t *count, struct err *err)
{
    struct bytes in = bytes_of(data, size);
    *count = 0;
    *queries = arena_alloc_array(arena, INGEST_READ_QUERIES_MAX, sizeof(**queries));
    int error = *queries == NULL ? BUSBAR_ENOMEM : 0;
    while (error == 0 && bytes_left(&in) > 0) {
        uint64_t tag = proto_varint(&in);
        if (tag != PROTO_TAG(1, PROTO_BYTES)) {
            proto_skip(&in, tag);
        } else {
            struct bytes message = proto_bytes(&in);
            error = *count == INGEST_READ_QUERIES_MAX ? BUSBAR_ELIMIT
                    : bytes_short(&message)           ? BUSBAR_EPROTO
                                            : get_query(message, arena, &(*queries)[(*count)++]);
        }
        if (error == 0 && bytes_short(&in)) {
            error = BUSBAR_EPROTO;
        }
    }
    switch (error) {
    case 0: return 0;
    case BUSBAR_ELIMIT:
        return err_set(err, error, "more than %d queries or %d matchers of one",
                       INGEST_READ_QUERIES_MAX, HISTORY_MATCHERS_MAX);
    case BUSBAR_EPROTO: return err_set(err, error, "the body is no ReadRequest");
    default: return err_set(err, error, "out of memory");
    }
}

/* ---- the answer ---- */

static size_t label_size(const struct label *label)
{
    return TAG_BYTES + bytes_varint_size(label->name_size) + label->name_size + TAG_BYTES +
           bytes_varint_size(label->value_size) + label->value_size;
}

static void put_label(struct bytes_out *out, const struct label *label)
{
    bytes_put_varint(out, PROTO_TAG(1, PROTO_BYTES));
    bytes_put_varint(out, label_size(label));
    bytes_put_varint(out, PROTO_TAG(1, PROTO_BYTES));
    bytes_put_varint(out, label->name_size);
    bytes_put_block(out, label->name, label->name_size);
    bytes_put_varint(out, PROTO_TAG(2, PROTO_BYTES));
    bytes_put_varint(out, label->value_size);
    bytes_put_block(out, label->value, label->value_size);
}

/* Floors, so that times before 1970 stay in order. */
static int64_t us_to_ms(int64_t us)
{
    return us / US_PER_MS - (us % US_PER_MS < 0);
}

static size_t sample_size(int64_t ms)
{
    return TAG_BYTES + FIXED64_BYTES + TAG_BYTES + bytes_varint_size((uint64_t)ms);
}

static bool is_hidden(const int64_t *times_us, size_t count, size_t at)
{
    return at + 1 < count && us_to_ms(times_us[at]) == us_to_ms(times_us[at + 1]);
}

void ingest_read_put_series(struct buf *result, const struct label *labels, size_t label_count,
                            const int64_t *times_us, const double *values, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < label_count; i++) {
        size_t bytes = label_size(&labels[i]);
        size += TAG_BYTES + bytes_varint_size(bytes) + bytes;
    }
    for (size_t i = 0; i < count; i++) {
        size += is_hidden(times_us, count, i) ? 0
                                              : TAG_BYTES + 1 + sample_size(us_to_ms(times_us[i]));
    }
    size_t whole = TAG_BYTES + bytes_varint_size(size) + size;
    uint8_t *space = buf_reserve(result, whole);
    if (space == NULL) {
        return; /* the buffer says so */
    }
    struct bytes_out out = bytes_out_of(space, whole);
    bytes_put_varint(&out, PROTO_TAG(1, PROTO_BYTES));
    bytes_put_varint(&out, size);
    for (size_t i = 0; i < label_count; i++) {
        put_label(&out, &labels[i]);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t ms = us_to_ms(times_us[i]);
        if (!is_hidden(times_us, count, i)) {
            bytes_put_varint(&out, PROTO_TAG(2, PROTO_BYTES));
            bytes_put_varint(&out, sample_size(ms));
            bytes_put_varint(&out, PROTO_TAG(1, PROTO_FIXED64));
            bytes_put_f64le(&out, values[i]);
            bytes_put_varint(&out, PROTO_TAG(2, PROTO_VARINT));
            bytes_put_varint(&out, (uint64_t)ms);
        }
    }
    buf_commit(result, bytes_out_size(&out));
}

void ingest_read_put_result(struct buf *response, const struct buf *result)
{
    uint8_t head[TAG_BYTES + BYTES_VARINT_MAX];
    struct bytes_out out = bytes_out_of(head, sizeof(head));
    bytes_put_varint(&out, PROTO_TAG(1, PROTO_BYTES));
    bytes_put_varint(&out, result->size);
    (void)buf_append(response, head, bytes_out_size(&out));
    (void)buf_append(response, result->data, result->size);
}
