/* SPDX-License-Identifier: Apache-2.0 */
/* Devices as targets, points as metrics: /api/v1/targets, /targets/metadata, /metadata, /scrape_pools. A walk over
 * the registry, as all lists of devices are. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "server/ingest/ingest.h"
#include "server/ingest/metadata.h"
#include "server/prometheus/params.h"
#include "server/prometheus/prometheus.h"
#include "server/reply.h"
#include "server/shape.h"
#include "server/walk.h"

struct targets {
    struct server_request *req;
    struct walk walk;
    struct shape shape;
    struct buf out;
    struct json_writer json;
    struct map
        seen; /* metrics that were told, pools; a device may go while the loop turns, hence copies */
    struct arena names;
    size_t limit;     /* 0: no limit */
    const char *only; /* ?metric=, ?scrapePool=; NULL: all */
};

static void targets_free(struct targets *targets)
{
    walk_stop(&targets->walk);
    shape_fini(&targets->shape);
    buf_fini(&targets->out);
    map_fini(&targets->seen);
    arena_fini(&targets->names);
    busbar_free(targets);
}

static void on_cut(void *ctx)
{
    struct targets *targets = ctx;
    server_reply_error(targets->req, BUSBAR_ECANCELED, "busbar is stopping");
    targets_free(targets);
}

static void on_turned(void *ctx)
{
    struct targets *targets = ctx;
    shape_forget(&targets->shape);
}

static void finish(struct targets *targets)
{
    server_reply_json(targets->req, 200, &targets->out);
    targets_free(targets);
}

/* NULL: answered with an error. */
static struct targets *start(struct server_request *req, const char *only)
{
    struct targets *targets = busbar_alloc(sizeof(*targets));
    struct err err = { 0 };
    if (prometheus_limit(req, &targets->limit, &err) != 0) {
        busbar_free(targets);
        server_reply_err(req, &err);
        return NULL;
    }
    targets->req = req;
    targets->only = only != NULL && only[0] != '\0' ? only : NULL;
    shape_init(&targets->shape, server_of(req));
    map_init(&targets->seen);
    arena_init(&targets->names, 0);
    buf_init(&targets->out, SERVER_ANSWER_MAX);
    targets->json = json_writer(&targets->out);
    json_begin_object(&targets->json);
    json_put_string(&targets->json, "status", "success");
    server_request_on_cut(req, on_cut, targets);
    return targets;
}

/* False: it was told already. */
static bool is_new(struct targets *targets, const char *name)
{
    if (map_get(&targets->seen, name) != NULL) {
        return false;
    }
    const char *copy = arena_strdup(&targets->names, name);
    if (copy != NULL) {
        (void)map_set(&targets->seen, copy, targets);
    }
    return copy != NULL;
}

static void walk_all(struct targets *targets, const struct walk_visitor *visitor)
{
    const struct server_config *config = &server_of(targets->req)->config;
    walk_start(&targets->walk, config->loop, config->registry, NULL, false, visitor, targets);
}

/* ---- /api/v1/targets ---- */

static const char *health_word(enum link_state state)
{
    return state == LINK_UP ? "up" : state == LINK_DOWN ? "down" : "unknown";
}

static void put_seconds(struct json_writer *json, const char *key, int64_t us)
{
    char text[48];
    str_format_duration(text, sizeof(text), us);
    json_put_string(json, key, text);
}

static void put_labels(struct json_writer *json, const char *key, const struct device *dev)
{
    json_put_object(json, key);
    json_put_string(json, "device", dev->name);
    if (dev->place[0] != '\0') {
        json_put_string(json, "place", dev->place);
    }
    json_put_string(json, "protocol", dev->protocol);
    json_end_object(json);
}

static const char *last_error(const struct device_stats *stats)
{
    if (stats->link == LINK_UP) {
        return "";
    }
    if (stats->link == LINK_PAUSED) {
        return "paused";
    }
    return stats->detail[0] != '\0' ? stats->detail
           : stats->error != 0      ? err_text(stats->error)
                                    : "";
}

/* "modbus://tcp/10.0.2.15:502/unit/3" */
static void put_url(char *url, size_t size, const char *protocol, const char *link)
{
    str_format(url, size, "%s://%s", protocol, link);
    for (char *at = strchr(url, ' '); at != NULL; at = strchr(at, ' ')) {
        *at = '/';
    }
}

static bool target_device(void *ctx, struct device *dev)
{
    struct targets *targets = ctx;
    struct json_writer *json = &targets->json;
    const struct device_stats *stats = shape_stats(&targets->shape, dev);
    const struct driver_ops *ops = shape_ops(&targets->shape, dev);
    char url[600];
    if (targets->only != NULL && strcmp(targets->only, dev->protocol) != 0) {
        return false;
    }
    buf_clear(&targets->shape.text);
    if (dev->host != NULL && ops != NULL && ops->link != NULL) {
        ops->link(dev, &targets->shape.text);
    }
    put_url(url, sizeof(url), dev->protocol, buf_text(&targets->shape.text));
    json_begin_object(json);
    put_labels(json, "discoveredLabels", dev);
    put_labels(json, "labels", dev);
    json_put_string(json, "scrapePool", dev->protocol);
    json_put_string(json, "scrapeUrl", url);
    json_put_string(json, "globalUrl", url);
    json_put_string(json, "lastError", last_error(stats));
    json_put_time(json, "lastScrape", stats->last_answer_us);
    json_put_double(json, "lastScrapeDuration", (double)stats->poll_us / 1e6);
    json_put_string(json, "health", health_word(stats->link));
    put_seconds(json, "scrapeInterval",
                dev->point_count > 0 ? dev->points[0].cls->every_us : CLOCK_US_PER_S);
    put_seconds(json, "scrapeTimeout", 10 * CLOCK_US_PER_S);
    json_end_object(json);
    return false;
}

static void end_targets(void *ctx)
{
    struct targets *targets = ctx;
    struct json_writer *json = &targets->json;
    json_end_array(json);
    json_put_array(json, "droppedTargets");
    json_end_array(json);
    json_put_object(json, "droppedTargetCounts");
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
    finish(targets);
}

static void get_targets(struct server_request *req)
{
    static const struct walk_visitor visitor = { .device = target_device,
                                                 .turned = on_turned,
                                                 .done = end_targets };
    const char *state = server_query(req, "state");
    struct targets *targets = start(req, server_query(req, "scrapePool"));
    if (targets == NULL) {
        return;
    }
    json_put_object(&targets->json, "data");
    json_put_array(&targets->json, "activeTargets");
    if (state == NULL || state[0] == '\0' || strcmp(state, "any") == 0 ||
        strcmp(state, "active") == 0) {
        walk_all(targets, &visitor);
    } else {
        end_targets(targets);
    }
}

/* ---- /api/v1/scrape_pools ---- */

static bool pool_device(void *ctx, struct device *dev)
{
    struct targets *targets = ctx;
    if (is_new(targets, dev->protocol)) {
        json_string(&targets->json, dev->protocol);
    }
    return false;
}

static void end_pools(void *ctx)
{
    struct targets *targets = ctx;
    json_end_array(&targets->json);
    json_end_object(&targets->json);
    json_end_object(&targets->json);
    finish(targets);
}

static void get_pools(struct server_request *req)
{
    static const struct walk_visitor visitor = { .device = pool_device, .done = end_pools };
    struct targets *targets = start(req, NULL);
    if (targets != NULL) {
        json_put_object(&targets->json, "data");
        json_put_array(&targets->json, "scrapePools");
        walk_all(targets, &visitor);
    }
}

/* ---- /api/v1/metadata: the first point of a name speaks for all; then what senders said ---- */

/* False: enough. *fresh: the metric was not told yet and is wanted. */
static bool take_metric(struct targets *targets, const char *metric, bool *fresh)
{
    size_t most = targets->limit > 0 && targets->limit < PROMETHEUS_METADATA_MAX
                      ? targets->limit
                      : PROMETHEUS_METADATA_MAX;
    *fresh = false;
    if (targets->seen.count >= most) {
        return false;
    }
    *fresh = (targets->only == NULL || strcmp(targets->only, metric) == 0) &&
             is_new(targets, metric);
    return true;
}

static void put_metadata(struct json_writer *json, const char *metric, const char *type,
                         const char *help, const char *unit)
{
    json_put_array(json, metric);
    json_begin_object(json);
    json_put_string(json, "type", type);
    json_put_string(json, "unit", unit != NULL ? unit : "");
    json_put_string(json, "help", help != NULL ? help : "");
    json_end_object(json);
    json_end_array(json);
}

static bool metadata_point(void *ctx, struct point *pt)
{
    struct targets *targets = ctx;
    bool fresh;
    bool more = take_metric(targets, pt->name, &fresh);
    if (more && fresh) {
        put_metadata(&targets->json, pt->name, "gauge", pt->title, pt->cls->units);
    }
    return more;
}

/* What senders said of their metrics. */
static bool sent_metadata(void *ctx, const struct ingest_metadata_entry *entry)
{
    struct targets *targets = ctx;
    bool fresh;
    bool more = take_metric(targets, entry->metric, &fresh);
    if (more && fresh) {
        put_metadata(&targets->json, entry->metric, entry->type, entry->help, entry->unit);
    }
    return more;
}

static void end_metadata(void *ctx)
{
    struct targets *targets = ctx;
    ingest_metadata_each(ingest_metadata(server_of(targets->req)->ingest), sent_metadata, targets);
    json_end_object(&targets->json);
    json_end_object(&targets->json);
    finish(targets);
}

static void get_metadata(struct server_request *req)
{
    static const struct walk_visitor visitor = { .point = metadata_point, .done = end_metadata };
    struct targets *targets = start(req, server_query(req, "metric"));
    if (targets != NULL) {
        json_put_object(&targets->json, "data");
        walk_all(targets, &visitor);
    }
}

static bool target_metadata_point(void *ctx, struct point *pt)
{
    struct targets *targets = ctx;
    struct json_writer *json = &targets->json;
    bool fresh;
    bool more = take_metric(targets, pt->name, &fresh);
    if (more && fresh) {
        json_begin_object(json);
        put_labels(json, "target", pt->device);
        json_put_string(json, "metric", pt->name);
        json_put_string(json, "type", "gauge");
        json_put_string(json, "help", pt->title);
        json_put_string(json, "unit", pt->cls->units);
        json_end_object(json);
    }
    return more;
}

static void end_target_metadata(void *ctx)
{
    struct targets *targets = ctx;
    json_end_array(&targets->json);
    json_end_object(&targets->json);
    finish(targets);
}

static void get_target_metadata(struct server_request *req)
{
    static const struct walk_visitor visitor = { .point = target_metadata_point,
                                                 .done = end_target_metadata };
    struct targets *targets = start(req, server_query(req, "metric"));
    if (targets != NULL) {
        json_put_array(&targets->json, "data");
        walk_all(targets, &visitor);
    }
}

void prometheus_target_routes(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/targets",
          .handler = get_targets,
          .summary = "devices, as targets",
          .on = SERVER_ON_TIME_SERIES },
        { .method = "GET",
          .path = "/api/v1/scrape_pools",
          .handler = get_pools,
          .summary = "protocols in use",
          .on = SERVER_ON_TIME_SERIES },
        { .method = "GET",
          .path = "/api/v1/targets/metadata",
          .handler = get_target_metadata,
          .summary = "units and titles of points, with a device that has each",
          .on = SERVER_ON_TIME_SERIES },
        { .method = "GET",
          .path = "/api/v1/metadata",
          .handler = get_metadata,
          .summary = "units and titles of points",
          .on = SERVER_ON_TIME_SERIES },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
