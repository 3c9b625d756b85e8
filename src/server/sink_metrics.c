/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of the sinks for GET /metrics, each with the labels sink and kind. */
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "server/sinks.h"

enum metric_kind { METRIC_U64, METRIC_US, METRIC_UP };

struct metric {
    const char *name, *type, *help;
    enum metric_kind kind;
    size_t at; /* in struct sink_status */
};

#define AT(field) offsetof(struct sink_status, field)
static const struct metric metrics[] = {
    { "sink_up", "gauge", "1 while the sink is connected and publishes.", METRIC_UP, 0 },
    { "sink_published_total", "counter", "Samples that the target acknowledged.", METRIC_U64,
      AT(counts.published) },
    { "sink_repeated_total", "counter", "Samples of these that the target had already.", METRIC_U64,
      AT(counts.repeated) },
    { "sink_events_total", "counter", "Events that the target acknowledged.", METRIC_U64,
      AT(counts.events) },
    { "sink_waiting", "gauge", "Samples on disk that wait to be published.", METRIC_U64,
      AT(waiting) },
    { "sink_waiting_bytes", "gauge", "Bytes of the log that wait to be published.", METRIC_U64,
      AT(waiting_bytes) },
    { "sink_quota_bytes", "gauge", "Bytes of the log that may wait.", METRIC_U64, AT(keep_bytes) },
    { "sink_lag_seconds", "gauge", "Age of the oldest sample that waits.", METRIC_US, AT(lag_us) },
    { "sink_aside", "gauge", "Rows that the target refused and that are set aside.", METRIC_U64,
      AT(aside) },
    { "sink_released_total", "counter", "Samples that the quota let go unpublished.", METRIC_U64,
      AT(counts.released) },
    { "sink_batches_total", "counter", "Batches acknowledged since the start.", METRIC_U64,
      AT(batches) },
    { "sink_failures_total", "counter", "Failures since the start.", METRIC_U64, AT(failures) },
};
#undef AT

static void put_value(struct buf *out, const struct metric *metric,
                      const struct sink_status *status)
{
    const char *at = (const char *)status + metric->at;
    uint64_t count = 0;
    int64_t us = 0;
    char text[40];
    switch (metric->kind) {
    case METRIC_UP: count = status->phase == SINK_LIVE || status->phase == SINK_CATCHING_UP; break;
    case METRIC_U64: memcpy(&count, at, sizeof(count)); break;
    case METRIC_US:
        memcpy(&us, at, sizeof(us));
        str_format_double(text, sizeof(text), (double)us / 1e6);
        (void)buf_printf(out, "%s\n", text);
        return;
    }
    (void)buf_printf(out, "%llu\n", (unsigned long long)count);
}

void server_sinks_metrics(const struct server *server, struct buf *out)
{
    struct sinks *sinks = server->config.sinks;
    size_t count = sinks != NULL ? sinks_count(sinks) : 0;
    if (count == 0) {
        return;
    }
    struct sink_status *rows = busbar_alloc_array(count, sizeof(*rows));
    for (size_t i = 0; i < count; i++) {
        (void)sinks_status_at(sinks, i, &rows[i]);
    }
    for (size_t m = 0; m < sizeof(metrics) / sizeof(metrics[0]); m++) {
        (void)buf_printf(out, "# HELP busbar_%s %s\n# TYPE busbar_%s %s\n", metrics[m].name,
                         metrics[m].help, metrics[m].name, metrics[m].type);
        for (size_t i = 0; i < count; i++) {
            (void)buf_printf(out, "busbar_%s{sink=\"%s\",kind=\"%s\"} ", metrics[m].name,
                             rows[i].name, rows[i].ops->name);
            put_value(out, &metrics[m], &rows[i]);
        }
    }
    busbar_free(rows);
}
