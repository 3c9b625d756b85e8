/* SPDX-License-Identifier: Apache-2.0 */
/* The ingest's lines of /metrics. */
#include "server/ingest/ingest.h"

static void put(struct buf *out, const char *name, const char *help, uint64_t value)
{
    (void)buf_printf(out,
                     "# HELP busbar_ingest_%s %s\n# TYPE busbar_ingest_%s counter\n"
                     "busbar_ingest_%s %llu\n",
                     name, help, name, name, (unsigned long long)value);
}

void ingest_put_metrics(const struct ingest *ingest, struct buf *out)
{
    struct ingest_counts counts;
    ingest_counts(ingest, &counts);
    put(out, "requests_total", "Requests that brought samples.", counts.requests);
    put(out, "failed_requests_total", "Of them, those that could not be read or stored.",
        counts.failed);
    put(out, "bytes_total", "Bytes of their bodies, as they came.", counts.bytes);
    put(out, "received_samples_total", "Samples that were in them.", counts.received);
    put(out, "stored_samples_total", "Samples that went to the log.", counts.appended);
    (void)buf_append_text(out, "# HELP busbar_ingest_refused_samples_total Samples that were not "
                               "stored, by reason.\n"
                               "# TYPE busbar_ingest_refused_samples_total counter\n");
    for (unsigned i = 0; i < INGEST_REFUSAL_COUNT; i++) {
        (void)buf_printf(out, "busbar_ingest_refused_samples_total{reason=\"%s\"} %llu\n",
                         ingest_refusal_text((enum ingest_refusal)i),
                         (unsigned long long)counts.refused[i]);
    }
}
