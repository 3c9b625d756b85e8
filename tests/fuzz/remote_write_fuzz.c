/* SPDX-License-Identifier: Apache-2.0 */
/* Remote write and remote read. First byte: 0 a WriteRequest, 1 the same under snappy, gzip (2) or zstd (3), 4 a
 * ReadRequest. */
#include "ingest_rig.h"

#include "payload/coding.h"
#include "server/ingest/remote_read.h"
#include "server/ingest/remote_write.h"

static void write_request(const void *data, size_t size)
{
    struct ingest_metadata *metadata = ingest_metadata_new();
    struct ingest_remote_write in;
    size_t taken = 0;
    bool more = true;
    rig_start();
    ingest_remote_write_begin(&in, &rows, data, size, metadata);
    while (more) {
        more = ingest_remote_write_turn(&in, &rows);
        rig_look(&taken);
    }
    ingest_metadata_free(metadata);
}

static void read_request(const void *data, size_t size)
{
    struct ingest_read_query *queries = NULL;
    struct arena arena;
    size_t count = 0;
    arena_init(&arena, 0);
    if (ingest_read_get(data, size, &arena, &queries, &count, NULL) == 0) {
        assert(count <= INGEST_READ_QUERIES_MAX);
        for (size_t i = 0; i < count; i++) {
            assert(queries[i].matcher_count <= HISTORY_MATCHERS_MAX);
        }
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum payload_coding codings[] = { PAYLOAD_SNAPPY, PAYLOAD_GZIP, PAYLOAD_ZSTD };
    if (size < 1) {
        return 0;
    }
    struct bytes copy = bytes_dup(data + 1, size - 1);
    if (data[0] % 5 == 0) {
        write_request(copy.start, size - 1);
    } else if (data[0] % 5 == 4) {
        read_request(copy.start, size - 1);
    } else {
        struct buf out;
        buf_init(&out, 1 << 20);
        if (payload_decode(codings[data[0] % 5 - 1], copy.start, size - 1, &out, NULL) == 0) {
            assert(out.size <= out.max);
            write_request(buf_text(&out), out.size);
        }
        buf_fini(&out);
    }
    bytes_fini(&copy);
    return 0;
}
