/* SPDX-License-Identifier: Apache-2.0 */
/* The line protocol. First byte: the precision. */
#include "ingest_rig.h"

#include "server/ingest/influx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t units[] = { 0, 1, 1000, 1000000, 1000000000 };
    struct ingest_influx in;
    size_t taken = 0;
    bool more = true;
    if (size < 1) {
        return 0;
    }
    struct bytes copy = bytes_dup(data + 1, size - 1);
    rig_start();
    ingest_influx_begin(&in, &rows, (const char *)copy.start, size - 1, units[data[0] % 5]);
    while (more) {
        more = ingest_influx_turn(&in, &rows);
        rig_look(&taken);
    }
    bytes_fini(&copy);
    return 0;
}
