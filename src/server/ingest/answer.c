/* SPDX-License-Identifier: Apache-2.0 */
/* `error` is a text for InfluxDB 1 senders, `code` and `message` are for those of InfluxDB 2; the rest
 * is for a person. */
#include "server/ingest/answer.h"

#include "base/json.h"
#include "base/str.h"

static uint64_t refused_of(const struct ingest_result *result)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < INGEST_REFUSAL_COUNT; i++) {
        sum += i != INGEST_KIND ? result->refused[i] : 0;
    }
    return sum;
}

static void place_of(const struct ingest_problem *problem, char *text, size_t size)
{
    if (problem->line == 0) {
        text[0] = '\0';
    } else if (problem->column == 0) {
        str_format(text, size, "line %llu: ", (unsigned long long)problem->line);
    } else {
        str_format(text, size, "line %llu, column %u: ", (unsigned long long)problem->line,
                   problem->column);
    }
}

static void put_problems(struct json_writer *json, const struct ingest_result *result)
{
    json_put_array(json, "errors");
    for (size_t i = 0; i < result->problem_count; i++) {
        const struct ingest_problem *problem = &result->problems[i];
        json_begin_object(json);
        json_put_u64(json, "line", problem->line);
        json_put_u64(json, "column", problem->column);
        json_put_string(json, "message", problem->text);
        json_end_object(json);
    }
    json_end_array(json);
    json_put_object(json, "reasons");
    for (unsigned i = 0; i < INGEST_REFUSAL_COUNT; i++) {
        if (result->refused[i] > 0) {
            json_put_u64(json, ingest_refusal_text((enum ingest_refusal)i), result->refused[i]);
        }
    }
    json_end_object(json);
}

void ingest_answer(struct server_request *req, const struct ingest_result *result)
{
    uint64_t refused = refused_of(result);
    char place[64] = "";
    char text[INGEST_PROBLEM_BYTES + 160];
    if (refused == 0) {
        server_reply_empty(req, 204);
        return;
    }
    if (result->problem_count > 0) {
        place_of(&result->problems[0], place, sizeof(place));
    }
    uint64_t kept = result->received - refused - result->refused[INGEST_KIND];
    str_format(text, sizeof(text), "partial write: %llu samples kept, %llu refused: %s%s",
               (unsigned long long)kept, (unsigned long long)refused, place,
               result->problem_count > 0 ? result->problems[0].text : "");
    struct buf out;
    buf_init(&out, SERVER_ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_string(&json, "error", text);
    json_put_string(&json, "code", "invalid");
    json_put_string(&json, "message", text);
    json_put_u64(&json, "kept", kept);
    json_put_u64(&json, "refused", refused);
    put_problems(&json, result);
    json_end_object(&json);
    server_reply_json(req, 400, &out);
    buf_fini(&out);
}

void ingest_answer_err(struct server_request *req, const struct err *err)
{
    struct err said = *err;
    if (err->code == BUSBAR_EPROTO) {
        said.code = BUSBAR_EINVAL; /* the body, not a device: 400 */
    }
    server_reply_err(req, &said);
}
