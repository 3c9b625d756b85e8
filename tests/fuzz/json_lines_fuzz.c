/* SPDX-License-Identifier: Apache-2.0 */
/* JSON lines; what was read is written and read again, and must be the same. */
#include "ingest_rig.h"

#include "history/reader.h"
#include "server/ingest/json_lines.h"

static void write_and_read(const struct label *label, int64_t time_us, union value value)
{
    struct ingest_json_lines in;
    struct buf out;
    buf_init(&out, 1 << 20);
    ingest_json_lines_put(&out, label, 1, &time_us, &value.d, 1);
    ingest_json_lines_begin(&in, &rows, buf_text(&out), out.size);
    (void)ingest_json_lines_turn(&in, &rows);
    assert(ingest_rows_make(&rows, make_series, NULL, NULL) == 0);
    assert(rows.count == 1 && rows.samples[0].time_us == time_us / 1000 * 1000);
    assert(rows.samples[0].value.bits == value.bits || value.d != value.d);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct label label = label_of(LABEL_METRIC, "x");
    struct ingest_json_lines in;
    struct sample first = { 0 };
    size_t taken = 0;
    bool more = true;
    struct bytes copy = bytes_dup(data, size);
    rig_start();
    ingest_json_lines_begin(&in, &rows, (const char *)copy.start, size);
    while (more) {
        more = ingest_json_lines_turn(&in, &rows);
        rig_look(&taken);
        first = rows.count > 0 ? rows.samples[0] : first;
    }
    if (first.type == VALUE_DOUBLE) {
        write_and_read(&label, first.time_us, first.value);
    }
    bytes_fini(&copy);
    return 0;
}
