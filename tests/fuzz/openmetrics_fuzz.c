/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' and OpenMetrics' text, metadata included. First byte: which of them. */
#include "ingest_rig.h"

#include "server/ingest/openmetrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ingest_openmetrics in;
    struct ingest_metadata *metadata = ingest_metadata_new();
    size_t taken = 0;
    bool more = size > 0;
    struct bytes copy = bytes_dup(data + (size > 0), size - (size > 0));
    rig_start();
    ingest_openmetrics_begin(&in, &rows, (const char *)copy.start, bytes_left(&copy),
                             size > 0 && (data[0] & 1) != 0, metadata);
    while (more) {
        more = ingest_openmetrics_turn(&in, &rows);
        rig_look(&taken);
    }
    ingest_metadata_free(metadata);
    bytes_fini(&copy);
    return 0;
}
