/* SPDX-License-Identifier: Apache-2.0 */
#include "app/routes.h"

#include <string.h>

#include "app/apply.h"
#include "app/ports.h"
#include "base/alloc.h"
#include "base/str.h"
#include "config/versions.h"
#include "net/jobs.h"

/* ---- what apply.c answers, as JSON ---- */

static void put_diff(struct json_writer *json, const struct config_diff *diff)
{
    json_key(json, "changes");
    if (diff == NULL) {
        json_begin_array(json);
        json_end_array(json);
    } else {
        config_diff_json(diff, json);
    }
    json_put_i64(json, "changes_total", diff != NULL ? (int64_t)diff->total : 0);
    json_put_array(json, "stopped");
    for (size_t i = 0; diff != NULL && i < diff->stopped_count; i++) {
        json_string(json, diff->stopped[i]);
    }
    json_end_array(json);
}

static void put_problems(struct json_writer *json, const struct problems *problems)
{
    json_put_i64(json, "errors", (int64_t)problems->errors);
    json_put_i64(json, "warnings", (int64_t)problems->warnings);
    json_key(json, "problems");
    problems_json(problems, json);
}

/* check, diff, apply and rollback answer with one shape. */
static void answer(void *ctx, const struct apply_result *result)
{
    struct server_request *req = ctx;
    struct buf out;
    if (result->error != 0 && result->problems->errors == 0) {
        server_reply_err(req, result->err);
        return;
    }
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_bool(&json, "applied", result->applied);
    json_put_i64(&json, "version", result->version);
    if (result->undo != 0) {
        json_put_i64(&json, "undo", result->undo);
    } else {
        json_put_null(&json, "undo");
    }
    json_put_bool(&json, "restart_needed", result->restart_needed);
    json_put_double(&json, "took_ms", (double)result->took_us / 1000);
    json_put_bool(&json, "differs", result->diff != NULL && result->diff->total > 0);
    put_diff(&json, result->diff);
    put_problems(&json, result->problems);
    json_end_object(&json);
    server_reply_json(req, result->problems->errors > 0 ? 422 : 200, &out);
}

static void begin(struct server_request *req, struct apply_request *request)
{
    struct gateway *gw = server_ctx(req);
    request->who = server_who(req);
    request->from = server_from(req);
    if (apply_begin(gw, request, answer, req) != 0) {
        server_reply_error(req, BUSBAR_EBUSY, "too many configuration requests wait in line");
    }
}

static bool wants_dry_run(const struct server_request *req)
{
    bool dry_run = false;
    (void)json_get_bool(json_get(server_body(req), "dry_run"), &dry_run);
    return dry_run;
}

static void post_check(struct server_request *req)
{
    begin(req, &(struct apply_request){ .mode = APPLY_CHECK });
}

static void get_diff(struct server_request *req)
{
    begin(req, &(struct apply_request){ .mode = APPLY_DIFF });
}

static void post_apply(struct server_request *req)
{
    begin(req, &(struct apply_request){ .mode = APPLY_FILES, .dry_run = wants_dry_run(req) });
}

static void post_rollback(struct server_request *req)
{
    int64_t version = 0;
    if (json_get_i64(json_get(server_body(req), "version"), &version) != 0 || version < 1 ||
        version > UINT32_MAX) {
        server_reply_error(req, BUSBAR_EINVAL, "'version' must be the number of a version");
        return;
    }
    begin(req, &(struct apply_request){ .mode = APPLY_ROLLBACK,
                                        .version = (uint32_t)version,
                                        .dry_run = wants_dry_run(req) });
}

/* ---- what is on the disk, by a job ---- */

struct listing {
    struct gateway *gw;
    struct server_request *req;
    char data_folder[GATEWAY_PATH_MAX];
    uint32_t running;
    struct version *versions;
    size_t count;
    int error;
    struct err err;
};

static void work_list(void *ctx)
{
    struct listing *listing = ctx;
    listing->error = versions_list(listing->data_folder, &listing->versions, &listing->count,
                                   &listing->err);
}

static void put_version(struct json_writer *json, const struct version *version, uint32_t running)
{
    json_begin_object(json);
    json_put_i64(json, "version", version->number);
    json_put_time(json, "time", version->time_us);
    json_put_string(json, "who", version->who);
    json_put_string(json, "summary", version->summary);
    json_put_i64(json, "files", (int64_t)version->files);
    json_put_bool(json, "running", version->number == running);
    json_end_object(json);
}

static void listed(void *ctx, int error)
{
    struct listing *listing = ctx;
    struct buf out;
    if (error != 0 || listing->error != 0) {
        server_reply_err(listing->req, &listing->err);
    } else {
        buf_init(&out, SERVER_ANSWER_MAX);
        struct json_writer json = json_writer(&out);
        json_begin_object(&json);
        json_put_array(&json, "versions");
        for (size_t i = listing->count; i-- > 0;) {
            put_version(&json, &listing->versions[i], listing->running);
        }
        json_end_array(&json);
        json_end_object(&json);
        server_reply_json(listing->req, 200, &out);
    }
    busbar_free(listing->versions);
    busbar_free(listing);
}

static void get_versions(struct server_request *req)
{
    struct gateway *gw = server_ctx(req);
    struct listing *listing = busbar_alloc(sizeof *listing);
    listing->req = req;
    listing->running = gw->version;
    str_copy(listing->data_folder, sizeof listing->data_folder, gw->data_folder);
    jobs_submit(gw->loop, work_list, listed, listing);
}

static void get_config(struct server_request *req)
{
    struct gateway *gw = server_ctx(req);
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_string(&json, "folder", gw->config_path);
    json_put_i64(&json, "version", gw->version);
    json_put_time(&json, "applied", gw->applied_us);
    json_put_string(&json, "who", gw->applied_by);
    json_put_bool(&json, "differs", gw->upkeep.files_now != gw->upkeep.files_loaded);
    json_put_i64(&json, "devices", (int64_t)registry_device_count(gw->registry));
    json_put_i64(&json, "points", (int64_t)registry_point_count(gw->registry));
    json_put_array(&json, "files");
    for (size_t i = 0; i < gw->file_count; i++) {
        char hash[16];
        str_format(hash, sizeof hash, "%08x", gw->files[i].crc);
        json_begin_object(&json);
        json_put_string(&json, "file", gw->files[i].name);
        json_put_u64(&json, "bytes", gw->files[i].bytes);
        json_put_string(&json, "hash", hash);
        json_put_string(&json, "written_by", "hand");
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

/* ---- ports ---- */

struct porting {
    struct server_request *req;
    char format[8];
    struct port_table table;
};

static void work_ports(void *ctx)
{
    ports_find_owners(&((struct porting *)ctx)->table);
}

static void ported(void *ctx, int error)
{
    struct porting *porting = ctx;
    struct buf out;
    (void)error;
    buf_init(&out, SERVER_ANSWER_MAX);
    if (strcmp(porting->format, "nft") == 0) {
        ports_nft(&porting->table, &out);
        server_reply_as(porting->req, 200, "text/plain; charset=utf-8", &out);
    } else if (strcmp(porting->format, "ufw") == 0) {
        ports_ufw(&porting->table, &out);
        server_reply_as(porting->req, 200, "text/plain; charset=utf-8", &out);
    } else {
        ports_json(&porting->table, &out);
        server_reply_json(porting->req, 200, &out);
    }
    busbar_free(porting);
}

static void get_ports(struct server_request *req)
{
    struct gateway *gw = server_ctx(req);
    const char *format = server_query(req, "format");
    if (format != NULL && strcmp(format, "nft") != 0 && strcmp(format, "ufw") != 0) {
        server_reply_error(req, BUSBAR_EINVAL, "'format' is nft or ufw");
        return;
    }
    struct porting *porting = busbar_alloc(sizeof *porting);
    porting->req = req;
    str_copy(porting->format, sizeof porting->format, format != NULL ? format : "");
    ports_gather(gw, &porting->table);
    jobs_submit(gw->loop, work_ports, ported, porting);
}

static const struct server_query_param port_query[] = {
    { "format", "string", "nft or ufw: firewall rules as text" },
    { 0 },
};

static const struct server_route routes[] = {
    { .method = "GET",
      .path = "/api/v1/config",
      .handler = get_config,
      .summary = "the running version and where its files are" },
    { .method = "POST",
      .path = "/api/v1/config/check",
      .handler = post_check,
      .summary = "check the files, change nothing" },
    { .method = "GET",
      .path = "/api/v1/config/diff",
      .handler = get_diff,
      .summary = "the files against what is running" },
    { .method = "POST",
      .path = "/api/v1/config/apply",
      .handler = post_apply,
      .summary = "make the files the running configuration" },
    { .method = "GET",
      .path = "/api/v1/config/versions",
      .handler = get_versions,
      .summary = "applied versions, newest first" },
    { .method = "POST",
      .path = "/api/v1/config/rollback",
      .handler = post_rollback,
      .summary = "bring an earlier version back, files included" },
    { .method = "GET",
      .path = "/api/v1/ports",
      .handler = get_ports,
      .query = port_query,
      .summary = "ports in use, their owners, conflicts, firewall rules" },
};

void routes_add(struct gateway *gw)
{
    server_add_routes(gw->server, routes, sizeof routes / sizeof routes[0], gw);
}
