/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/drivers: how the protocols themselves are doing, beside their devices: networks,
 * registrations, what was dropped and why. The facts and their words are the drivers'. */
#include "server/core.h"

static void put_fact(void *ctx, const struct driver_status *status)
{
    struct json_writer *json = ctx;
    json_begin_object(json);
    json_put_string(json, "part", status->part != NULL ? status->part : "");
    json_put_string(json, "name", status->name);
    json_put_string(json, "text", status->text != NULL ? status->text : "");
    json_put_string(json, "trouble", status->trouble != NULL ? status->trouble : "");
    json_put_bool(json, "closed", status->closed);
    json_end_object(json);
}

static void put_driver(struct json_writer *json, struct host *host, const struct driver_ops *ops)
{
    size_t kept = 0;
    uint64_t dropped = 0;
    host_find_counts(host, ops->name, &kept, &dropped);
    json_begin_object(json);
    json_put_string(json, "protocol", ops->name);
    json_put_bool(json, "discovers", ops->discover != NULL);
    json_put_u64(json, "finds", kept);
    json_put_u64(json, "finds_left_out", dropped);
    struct driver_messages messages;
    if (host_driver_messages(host, ops->name, &messages)) {
        json_put_object(json, "messages");
        server_put_message_counts(json, &messages.counts);
        json_end_object(json);
    } else {
        json_put_null(json, "messages");
    }
    json_put_array(json, "facts");
    (void)host_driver_status(host, ops->name, put_fact, json);
    json_end_array(json);
    json_end_object(json);
}

static void get_drivers(struct server_request *req)
{
    const struct server_config *config = &server_of(req)->config;
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_array(&json, "drivers");
    for (const struct driver_ops *const *ops = config->catalog; *ops != NULL; ops++) {
        put_driver(&json, config->host, *ops);
    }
    json_end_array(&json);
    json_end_object(&json);
    server_reply_json(req, 200, &out);
}

void server_drivers_routes(struct server *server)
{
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/drivers",
          .handler = get_drivers,
          .summary = "how the protocols are doing: networks, registrations, what was dropped",
          .answer = "DriverList" },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
