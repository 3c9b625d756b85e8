/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/health and /api/v1/status. Both come from figures at hand: nothing here waits. */
#include "server/health.h"

#include <math.h>

#include "base/clock.h"
#include "base/hash.h"
#include "server/shape.h"
#include "server/sinks.h"

static const char *log_word(const struct server *server)
{
    static const char *const words[] = {
        [HISTORY_LOG_OK] = "ok", [HISTORY_LOG_FULL] = "full", [HISTORY_LOG_FAILED] = "failed"
    };
    return words[server->gauges.history.log_state];
}

static const char *log_error(const struct server *server)
{
    int error = server->gauges.history.log_error;
    return error != 0 ? err_text(error) : "";
}

static void ask(struct server *server, struct server_facts *facts)
{
    *facts = (struct server_facts){ 0 };
    if (server->config.facts != NULL) {
        server->config.facts(server->config.ctx, facts);
    }
}

static void put_problem(struct json_writer *json, const char *what, const char *why,
                        const char *hint)
{
    json_begin_object(json);
    json_put_string(json, "what", what != NULL ? what : "");
    json_put_string(json, "why", why != NULL ? why : "");
    json_put_string(json, "hint", hint != NULL ? hint : "");
    json_end_object(json);
}

static void put_sink_problems(const struct server *server, struct json_writer *json)
{
    struct sinks *sinks = server->config.sinks;
    struct sink_status status;
    struct sink_trouble trouble;
    for (size_t i = 0; sinks != NULL && sinks_status_at(sinks, i, &status); i++) {
        if (sink_trouble(server, &status, &trouble)) {
            put_problem(json, trouble.what, trouble.why, trouble.hint);
        }
    }
}

/* Of which sinks something is wrong, as a mark that changes with it; 0: of none. */
static uint64_t sinks_mark(const struct server *server)
{
    struct sinks *sinks = server->config.sinks;
    struct sink_status status;
    struct sink_trouble trouble;
    uint64_t mark = 0;
    for (size_t i = 0; sinks != NULL && sinks_status_at(sinks, i, &status); i++) {
        if (sink_trouble(server, &status, &trouble)) {
            mark = hash_u64(mark ^ hash_text(status.name) ^ ((uint64_t)status.phase + 1));
        }
    }
    return mark;
}

/* What the figures themselves say, beside what the app knows. */
static void put_problems(struct server *server, const struct server_facts *facts,
                         struct json_writer *json)
{
    const struct history_status *history = &server->gauges.history;
    json_put_array(json, "problems");
    if (history->log_state == HISTORY_LOG_FULL) {
        put_problem(json, "disk full", "new samples are not stored until there is space",
                    "free space on the disk of the data folder; polling goes on");
    } else if (history->log_state == HISTORY_LOG_FAILED) {
        put_problem(json, "log cannot be written", log_error(server),
                    "check the disk of the data folder; polling goes on");
    }
    if (history->keeper_error != 0) {
        put_problem(json, "history upkeep failed", err_text(history->keeper_error),
                    "busbar doctor looks closer");
    }
    put_sink_problems(server, json);
    for (size_t i = 0; i < facts->problem_count; i++) {
        put_problem(json, facts->problems[i].what, facts->problems[i].why, facts->problems[i].hint);
    }
    json_end_array(json);
}

static const char *status_word(const struct server *server, const struct server_facts *facts)
{
    const struct history_status *history = &server->gauges.history;
    if (facts->stopping) {
        return "stopping";
    }
    bool fine = history->log_state == HISTORY_LOG_OK && history->keeper_error == 0 &&
                facts->problem_count == 0 && sinks_mark(server) == 0;
    return fine ? "ok" : "degraded";
}

static void put_site(const struct server *server, struct json_writer *json)
{
    const struct server_config *config = &server->config;
    json_put_object(json, "site");
    json_put_string(json, "id", config->site_id != NULL ? config->site_id : "");
    json_put_string(json, "name", config->site_name != NULL ? config->site_name : "");
    json_put_string(json, "timezone",
                    config->site_timezone != NULL ? config->site_timezone : "UTC");
    json_end_object(json);
}

void health_put(struct server *server, struct json_writer *json)
{
    const struct history_status *history = &server->gauges.history;
    struct server_facts facts;
    ask(server, &facts);
    int64_t up_us = clock_wall_us() - server->config.started_us;
    json_begin_object(json);
    json_put_string(json, "status", status_word(server, &facts));
    json_put_string(json, "version", BUSBAR_VERSION);
    json_put_time(json, "started", server->config.started_us);
    json_put_double(json, "uptime_s", round((double)up_us / 1e5) / 10);
    put_site(server, json);
    json_put_object(json, "log");
    json_put_string(json, "state", log_word(server));
    json_put_string(json, "error", log_error(server));
    json_put_u64(json, "waiting_samples", history->waiting);
    json_put_u64(json, "commits", history->commits);
    json_put_i64(json, "fsync_us", history->fsync_us);
    json_put_i64(json, "fsync_longest_us", history->fsync_longest_us);
    json_end_object(json);
    json_put_object(json, "disk");
    json_put_u64(json, "free_bytes", facts.disk_free_bytes);
    json_put_u64(json, "total_bytes", facts.disk_total_bytes);
    json_put_u64(json, "history_bytes", history->log_bytes + history->block_bytes);
    json_end_object(json);
    json_put_object(json, "config");
    json_put_i64(json, "version", facts.config_version);
    json_put_bool(json, "differs", facts.config_differs);
    json_end_object(json);
    put_problems(server, &facts, json);
    json_end_object(json);
}

static uint64_t mix(uint64_t mark, uint64_t value)
{
    return hash_u64(mark ^ value);
}

uint64_t health_mark(struct server *server)
{
    const struct history_status *history = &server->gauges.history;
    struct server_facts facts;
    ask(server, &facts);
    uint64_t mark = mix(0, (uint64_t)history->log_state);
    mark = mix(mark, (uint64_t)(int64_t)history->keeper_error);
    mark = mix(mark, facts.stopping);
    mark = mix(mark, (uint64_t)facts.config_version);
    mark = mix(mark, facts.config_differs);
    mark = mix(mark, sinks_mark(server));
    for (size_t i = 0; i < facts.problem_count; i++) {
        const char *what = facts.problems[i].what;
        mark = mix(mark, hash_text(what != NULL ? what : ""));
    }
    return mark;
}

static void get_health(struct server_request *req)
{
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    health_put(server_of(req), &json);
    server_reply_json(req, 200, &out);
}

static void put_totals(const struct server *server, struct json_writer *json)
{
    const struct server_config *config = &server->config;
    struct host_totals totals;
    host_totals(config->host, &totals);
    size_t devices = registry_device_count(config->registry);
    size_t known = totals.devices_up + totals.devices_down + totals.devices_paused;
    json_put_object(json, "devices");
    json_put_u64(json, "up", totals.devices_up);
    json_put_u64(json, "down", totals.devices_down);
    json_put_u64(json, "connecting", devices > known ? devices - known : 0);
    json_put_u64(json, "paused", totals.devices_paused);
    json_put_u64(json, "total", devices);
    json_end_object(json);
    json_put_object(json, "points");
    json_put_u64(json, "good", totals.points_good);
    json_put_u64(json, "bad", totals.points_bad);
    json_put_u64(json, "total", registry_point_count(config->registry));
    json_end_object(json);
}

static void put_policy(struct json_writer *json, const struct history_policy_status *policy)
{
    json_begin_object(json);
    json_put_string(json, "name", policy->name);
    if (policy->keep_us == HISTORY_KEEP_FOREVER) {
        json_put_null(json, "keep_s");
    } else {
        json_put_i64(json, "keep_s", policy->keep_us / 1000000);
    }
    json_put_u64(json, "bytes", policy->bytes);
    json_put_u64(json, "max_bytes", policy->max_bytes);
    json_put_u64(json, "removed_days", policy->removed_days);
    if (policy->oldest_us == INT64_MAX) {
        json_put_null(json, "oldest");
    } else {
        json_put_time(json, "oldest", policy->oldest_us);
    }
    json_end_object(json);
}

/* What the history holds and what it costs. */
static void put_history(const struct gauges *gauges, struct json_writer *json)
{
    const struct history_status *history = &gauges->history;
    json_put_object(json, "history");
    json_put_u64(json, "series", history->series);
    json_put_u64(json, "head_samples", history->head_samples);
    json_put_u64(json, "block_samples", history->block_samples);
    json_put_u64(json, "blocks", history->blocks);
    json_put_u64(json, "block_bytes", history->block_bytes);
    json_put_u64(json, "log_bytes", history->log_bytes);
    json_put_u64(json, "head_bytes", history->head_bytes);
    json_put_u64(json, "written_bytes", history->written_bytes);
    json_put_u64(json, "expired_samples", history->expired_samples);
    json_put_u64(json, "deleted_samples", history->deleted_samples);
    json_put_u64(json, "damaged_chunks", history->damaged_chunks);
    json_put_u64(json, "tier_bytes", history->tier_bytes);
    json_put_u64(json, "days", history->days);
    json_put_u64(json, "cold_days", history->cold_days);
    json_put_u64(json, "unmerged_samples", history->unmerged_samples);
    json_put_u64(json, "pending_deletes", history->pending_deletes);
    json_put_string(json, "doing", history->doing != NULL ? history->doing : "nothing");
    json_put_array(json, "policies");
    for (size_t i = 0; i < gauges->policy_count; i++) {
        put_policy(json, &gauges->policies[i]);
    }
    json_end_array(json);
    json_end_object(json);
}

/* The ledger of events, and what the journal has. */
static void put_events(struct server *server, struct json_writer *json)
{
    struct bus_event_counts counts;
    struct server_facts facts;
    uint64_t refused = 0;
    bus_event_counts(server->config.bus, &counts);
    ask(server, &facts);
    for (unsigned i = 0; i < BUS_REFUSAL_COUNT; i++) {
        refused += counts.refused[i];
    }
    uint64_t stored = server->config.history != NULL
                          ? history_events_committed(server->config.history)
                          : 0;
    json_put_object(json, "events");
    json_put_u64(json, "received", counts.received);
    json_put_u64(json, "stored", stored);
    json_put_u64(json, "refused", refused);
    json_put_u64(json, "waiting", counts.received - refused - stored);
    json_put_u64(json, "kept", facts.events_kept);
    json_put_u64(json, "unacked", facts.events_open);
    json_end_object(json);
}

static void get_status(struct server_request *req)
{
    struct server *server = server_of(req);
    const struct gauges *gauges = &server->gauges;
    const struct history_counts *stored = &gauges->history.totals;
    uint64_t known = gauges->refused + stored->stored_start + stored->repeated_start;
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    put_site(server, &json);
    put_totals(server, &json);
    json_put_double(&json, "samples_per_s", round(gauges->samples_per_s * 10) / 10);
    json_put_double(&json, "polls_per_s", round(gauges->polls_per_s * 10) / 10);
    json_put_u64(&json, "holds", host_hold_count(server->config.host));
    json_put_u64(&json, "memory_bytes", gauges->memory_bytes);
    json_put_double(&json, "cpu_percent", round(gauges->cpu_percent * 10) / 10);
    json_put_i64(&json, "loop_longest_us", gauges->loop_longest_us);
    json_put_u64(&json, "received", gauges->received);
    json_put_u64(&json, "stored", stored->stored_start);
    json_put_u64(&json, "repeated", stored->repeated_start);
    json_put_u64(&json, "refused", gauges->refused);
    json_put_u64(&json, "waiting", gauges->received > known ? gauges->received - known : 0);
    put_events(server, &json);
    put_history(gauges, &json);
    server_put_sinks(server, &json);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

void server_health_routes(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/health",
          .handler = get_health,
          .summary = "is all well, in one look",
          .answer = "Health" },
        { .method = "GET",
          .path = "/api/v1/status",
          .handler = get_status,
          .summary = "counts for an overview",
          .answer = "Status" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
