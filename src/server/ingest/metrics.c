/* SPDX-License-Identifier: Apache-2.0 */
/* The ingest's figures: lines of /metrics, and its part of the ledger. */
#include "base/json.h"
#include "server/ingest/ingest.h"

uint64_t ingest_refused(const struct ingest *ingest)
{
    struct ingest_counts counts;
    uint64_t sum = 0;
    ingest_counts(ingest, &counts);
    for (unsigned i = 0; i < INGEST_REFUSAL_COUNT; i++) {
        sum += counts.refused[i];
    }
    return sum;
}

uint64_t ingest_received(const struct ingest *ingest)
{
    struct ingest_counts counts;
    ingest_counts(ingest, &counts);
    return counts.appended + ingest_refused(ingest);
}

void ingest_put_ledger(const struct ingest *ingest, struct json_writer *json)
{
    struct ingest_counts counts;
    ingest_counts(ingest, &counts);
    json_put_object(json, "ingest");
    json_put_u64(json, "received", ingest_received(ingest));
    json_put_array(json, "refused");
    for (unsigned i = 0; i < INGEST_REFUSAL_COUNT; i++) {
        if (counts.refused[i] > 0) {
            json_begin_object(json);
            json_put_string(json, "reason", ingest_refusal_text((enum ingest_refusal)i));
            json_put_u64(json, "count", counts.refused[i]);
            json_end_object(json);
        }
    }
    json_end_array(json);
    json_end_object(json);
}

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
