/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: the gateway's own figures as Prometheus text (exposition format 0.0.4). The figures of
 * devices are gathered by a walk, since there may be thousands of them. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "net/lane.h"
#include "server/ingest/ingest.h"
#include "server/live.h"
#include "server/shape.h"
#include "server/sinks.h"
#include "server/walk.h"

struct metrics {
    struct server_request *req;
    struct walk walk;
    struct buf out;
    struct buf answers, timeouts; /* lines that stand behind those of `up` */
};

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    (void)buf_printf(out, "# HELP busbar_%s %s\n# TYPE busbar_%s %s\n", name, help, name, type);
}

static void put(struct buf *out, const char *name, double value)
{
    char text[40];
    str_format_double(text, sizeof(text), value);
    (void)buf_printf(out, "busbar_%s %s\n", name, text);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
    head(out, name, "gauge", help);
    put(out, name, value);
}

static void counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
    head(out, name, "counter", help);
    (void)buf_printf(out, "busbar_%s %llu\n", name, (unsigned long long)value);
}

static void put_host(const struct server *server, struct buf *out)
{
    struct host_totals totals;
    host_totals(server->config.host, &totals);
    counter(out, "polls_total", "Polls begun.", totals.polls);
    counter(out, "poll_answers_total", "Polls that were answered.", totals.answers);
    counter(out, "poll_timeouts_total", "Polls without an answer.", totals.timeouts);
    counter(out, "poll_refusals_total", "Polls the device refused.", totals.refusals);
    counter(out, "bad_frames_total", "Frames that broke the protocol.", totals.bad_frames);
    counter(out, "poll_retries_total", "Polls tried again.", totals.retries);
    counter(out, "poll_lag_total", "Polls skipped because the one before was open.",
            totals.lag_polls);
    head(out, "devices", "gauge", "Devices by state of their link.");
    (void)buf_printf(out,
                     "busbar_devices{link=\"up\"} %zu\nbusbar_devices{link=\"down\"} %zu\n"
                     "busbar_devices{link=\"paused\"} %zu\n",
                     totals.devices_up, totals.devices_down, totals.devices_paused);
    head(out, "points", "gauge", "Points by quality.");
    (void)buf_printf(out,
                     "busbar_points{quality=\"good\"} %zu\nbusbar_points{quality=\"bad\"} %zu\n",
                     totals.points_good, totals.points_bad);
}

/* Of the protocols whose devices send by themselves. */
static void put_messages(const struct server *server, struct buf *out)
{
    static const struct {
        const char *name, *help;
        size_t at;
        bool gauge;
    } rows[] = {
#define AT(field) offsetof(struct driver_message_counts, field)
        { "messages_total", "Messages that devices sent by themselves.", AT(messages), false },
        { "message_readings_total", "Values in them.", AT(readings), false },
        { "message_events_total", "Events in them.", AT(events), false },
        { "messages_repeated_total", "Messages that came again.", AT(repeated), false },
        { "messages_refused_total", "Messages refused.", AT(refused), false },
        { "messages_unused_total", "Messages in which no rule found anything.", AT(unused), false },
        { "messages_unknown_id_total", "Readings of ids that no device has.", AT(strangers),
          false },
        { "messages_waiting", "Messages not yet on disk.", AT(waiting), true },
#undef AT
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        head(out, rows[i].name, rows[i].gauge ? "gauge" : "counter", rows[i].help);
        for (const struct driver_ops *const *ops = server->config.catalog; *ops != NULL; ops++) {
            struct driver_messages messages;
            if (host_driver_messages(server->config.host, (*ops)->name, &messages)) {
                uint64_t value;
                memcpy(&value, (const char *)&messages.counts + rows[i].at, sizeof(value));
                (void)buf_printf(out, "busbar_%s{protocol=\"%s\"} %llu\n", rows[i].name,
                                 (*ops)->name, (unsigned long long)value);
            }
        }
    }
}

static void put_ledger(const struct server *server, struct buf *out)
{
    const struct history_status *history = &server->gauges.history;
    const struct bus *bus = server->config.bus;
    counter(out, "samples_received_total", "Samples that came from devices.",
            bus_received_all(bus));
    counter(out, "samples_stored_total", "Samples on disk.", history->totals.stored_start);
    counter(out, "samples_repeated_total", "Samples that came again.",
            history->totals.repeated_start);
    head(out, "samples_refused_total", "counter", "Samples not stored, by reason.");
    for (unsigned i = 0; i < BUS_REFUSAL_COUNT; i++) {
        (void)buf_printf(out, "busbar_samples_refused_total{reason=\"%s\"} %llu\n",
                         bus_refusal_text((enum bus_refusal)i),
                         (unsigned long long)bus_refused_all(bus, (enum bus_refusal)i));
    }
    gauge(out, "samples_waiting", "Samples not on disk yet.", (double)history->waiting);
}

static void put_events(const struct server *server, struct buf *out)
{
    const struct server_config *config = &server->config;
    struct bus_event_counts counts;
    struct server_facts facts = { 0 };
    bus_event_counts(config->bus, &counts);
    counter(out, "events_received_total", "Events that came from devices.", counts.received);
    if (config->history != NULL) {
        counter(out, "events_stored_total", "Events on disk.",
                history_events_committed(config->history));
    }
    head(out, "events_refused_total", "counter", "Events not stored, by reason.");
    for (unsigned i = BUS_REFUSAL_LOG_FULL; i < BUS_REFUSAL_COUNT; i++) {
        (void)buf_printf(out, "busbar_events_refused_total{reason=\"%s\"} %llu\n",
                         bus_refusal_text((enum bus_refusal)i),
                         (unsigned long long)counts.refused[i]);
    }
    if (config->facts != NULL) {
        config->facts(config->ctx, &facts);
    }
    gauge(out, "events_unacknowledged", "Events that wait for an acknowledgement.",
          (double)facts.events_open);
}

static void put_history(const struct server *server, struct buf *out)
{
    const struct history_status *history = &server->gauges.history;
    gauge(out, "log_state", "Durable log: 0 fine, 1 disk full, 2 cannot be written.",
          (double)history->log_state);
    counter(out, "log_commits_total", "Group commits of the log.", history->commits);
    gauge(out, "log_fsync_seconds", "How long the last fdatasync took.",
          (double)history->fsync_us / 1e6);
    gauge(out, "log_fsync_longest_seconds", "The longest fdatasync since the start.",
          (double)history->fsync_longest_us / 1e6);
    counter(out, "log_failed_syncs_total", "Segments given up after a failed fdatasync.",
            history->failed_syncs);
    gauge(out, "log_bytes", "Size of the log's files.", (double)history->log_bytes);
    gauge(out, "history_bytes", "Size of the history's blocks.", (double)history->block_bytes);
    gauge(out, "history_head_bytes", "Memory of the history's head.", (double)history->head_bytes);
    counter(out, "history_written_bytes_total", "Bytes written to log and history.",
            history->written_bytes);
    counter(out, "history_damaged_chunks_total", "Damaged chunks met by reads.",
            history->damaged_chunks);
    gauge(out, "history_tier_bytes", "Size of the downsampled tiers, of the blocks.",
          (double)history->tier_bytes);
    gauge(out, "history_days", "Days that have a block of their own.", (double)history->days);
    gauge(out, "history_cold_days", "Days of these that are recoded.", (double)history->cold_days);
    gauge(out, "history_unmerged_samples", "Samples in blocks that wait for the merge by day.",
          (double)history->unmerged_samples);
    gauge(out, "history_pending_deletes", "Deletes that are not obeyed on the disk yet.",
          (double)history->pending_deletes);
    counter(out, "history_expired_samples_total", "Samples that retention removed.",
            history->expired_samples);
    counter(out, "history_deleted_samples_total", "Samples that were deleted.",
            history->deleted_samples);
}

static void put_policies(const struct server *server, struct buf *out)
{
    const struct gauges *gauges = &server->gauges;
    head(out, "history_policy_bytes", "gauge", "Size of a policy's samples in blocks.");
    for (size_t i = 0; i < gauges->policy_count; i++) {
        (void)buf_printf(out, "busbar_history_policy_bytes{policy=\"%s\"} %llu\n",
                         gauges->policies[i].name, (unsigned long long)gauges->policies[i].bytes);
    }
    head(out, "history_policy_oldest_seconds", "gauge",
         "Time of a policy's oldest sample in blocks, since 1970.");
    for (size_t i = 0; i < gauges->policy_count; i++) {
        if (gauges->policies[i].oldest_us != INT64_MAX) {
            (void)buf_printf(out, "busbar_history_policy_oldest_seconds{policy=\"%s\"} %.3f\n",
                             gauges->policies[i].name, (double)gauges->policies[i].oldest_us / 1e6);
        }
    }
}

static void put_process(struct server *server, struct buf *out)
{
    static const char *const classes[SERVER_STATUS_CLASSES] = { "0xx", "1xx", "2xx",
                                                                "3xx", "4xx", "5xx" };
    const struct gauges *gauges = &server->gauges;
    gauge(out, "memory_bytes", "Resident memory.", (double)gauges->memory_bytes);
    head(out, "cpu_seconds_total", "counter", "Processor time, user and system.");
    put(out, "cpu_seconds_total", gauges->cpu_s);
    gauge(out, "loop_longest_seconds", "The loop's longest callback of the last 10 to 20 s.",
          (double)gauges->loop_longest_us / 1e6);
    head(out, "loop_busy_seconds_total", "counter", "Time the loop spent in callbacks.");
    put(out, "loop_busy_seconds_total", (double)gauges->busy_us / 1e6);
    gauge(out, "start_time_seconds", "When the gateway started, since 1970.",
          (double)server->config.started_us / 1e6);
    gauge(out, "http_connections", "Open HTTP connections.",
          (double)http_connection_count(&server->http));
    gauge(out, "http_streams", "Open live streams.", (double)live_stream_count(server->live));
    gauge(out, "queries_running", "PromQL questions that run now.",
          (double)lane_running(server->queries));
    gauge(out, "queries_waiting", "PromQL questions that wait for their turn.",
          (double)lane_waiting(server->queries));
    counter(out, "http_slow_connections_total", "Connections closed for taking too long.",
            server->http.cut_slow);
    head(out, "http_answers_total", "counter", "HTTP answers by class of status.");
    for (unsigned i = 2; i < SERVER_STATUS_CLASSES; i++) {
        (void)buf_printf(out, "busbar_http_answers_total{status=\"%s\"} %llu\n", classes[i],
                         (unsigned long long)server->answers[i]);
    }
    head(out, "build_info", "gauge", "The version that runs.");
    (void)buf_printf(out, "busbar_build_info{version=\"%s\"} 1\n", BUSBAR_VERSION);
}

/* A label's value: backslash, quote and line end are escaped. */
static void put_label(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"') {
            (void)buf_append_byte(out, '\\');
        }
        (void)buf_append_byte(out, *text == '\n' ? ' ' : (uint8_t)*text);
    }
}

static void device_line(struct buf *out, const char *name, const struct device *dev, uint64_t value)
{
    (void)buf_printf(out, "busbar_%s{device=\"", name);
    put_label(out, dev->name);
    (void)buf_append_text(out, "\",protocol=\"");
    put_label(out, dev->protocol);
    (void)buf_printf(out, "\"} %llu\n", (unsigned long long)value);
}

static bool on_device(void *ctx, struct device *dev)
{
    struct metrics *metrics = ctx;
    struct device_stats stats;
    shape_host_stats(dev, &stats);
    device_line(&metrics->out, "device_up", dev, stats.link == LINK_UP);
    device_line(&metrics->answers, "device_answers_total", dev, stats.answers);
    device_line(&metrics->timeouts, "device_timeouts_total", dev, stats.timeouts);
    return false;
}

static void metrics_free(struct metrics *metrics)
{
    walk_stop(&metrics->walk);
    buf_fini(&metrics->out);
    buf_fini(&metrics->answers);
    buf_fini(&metrics->timeouts);
    busbar_free(metrics);
}

static void on_done(void *ctx)
{
    struct metrics *metrics = ctx;
    head(&metrics->out, "device_answers_total", "counter", "Answered polls of a device.");
    (void)buf_append(&metrics->out, metrics->answers.data, metrics->answers.size);
    head(&metrics->out, "device_timeouts_total", "counter", "Polls of a device without an answer.");
    (void)buf_append(&metrics->out, metrics->timeouts.data, metrics->timeouts.size);
    server_reply_as(metrics->req, 200, "text/plain; version=0.0.4; charset=utf-8", &metrics->out);
    metrics_free(metrics);
}

static void on_cut(void *ctx)
{
    struct metrics *metrics = ctx;
    server_reply_error(metrics->req, BUSBAR_ECANCELED, "busbar is stopping");
    metrics_free(metrics);
}

static void get_metrics(struct server_request *req)
{
    static const struct walk_visitor visitor = { .device = on_device, .done = on_done };
    struct server *server = server_of(req);
    struct metrics *metrics = busbar_alloc(sizeof(*metrics));
    metrics->req = req;
    buf_init(&metrics->out, SERVER_ANSWER_MAX);
    buf_init(&metrics->answers, SERVER_ANSWER_MAX);
    buf_init(&metrics->timeouts, SERVER_ANSWER_MAX);
    put_process(server, &metrics->out);
    put_host(server, &metrics->out);
    put_messages(server, &metrics->out);
    put_ledger(server, &metrics->out);
    put_events(server, &metrics->out);
    put_history(server, &metrics->out);
    put_policies(server, &metrics->out);
    server_sinks_metrics(server, &metrics->out);
    ingest_put_metrics(server->ingest, &metrics->out);
    head(&metrics->out, "device_up", "gauge", "1 while the device answers.");
    server_request_on_cut(req, on_cut, metrics);
    walk_start(&metrics->walk, server->config.loop, server->config.registry, NULL, false, &visitor,
               metrics);
}

void server_metrics_routes(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/metrics",
          .handler = get_metrics,
          .summary = "the gateway's own figures in Prometheus text",
          .answer = SERVER_ANSWER_TEXT,
          .on = SERVER_ON_BOTH },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
