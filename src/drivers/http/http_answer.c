/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender is told: 204 when all of its message is on disk; else why not, as JSON. */
#include <microhttpd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "drivers/http/http_driver.h"

enum { ANSWER_MAX = 8 * 1024 };

static const char json_media_type[] = "application/json";

struct MHD_Response *http_answer_done_new(void)
{
    return MHD_create_response_from_buffer_with_free_callback(0, (void *)(uintptr_t) "", NULL);
}

void http_answer_done(struct http_post *post)
{
    post->http.status = 204;
    post->http.response = post->state->done;
    post->http.shared = true;
    http_answer(&post->http);
}

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

static struct MHD_Response *make_response(struct buf *json)
{
    size_t size = 0;
    uint8_t *data = buf_take(json, &size);
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        size, data != NULL ? (void *)data : (void *)(uintptr_t) "",
        data != NULL ? busbar_free : NULL);
    if (response == NULL) {
        busbar_free(data);
        return NULL;
    }
    add(response, MHD_HTTP_HEADER_CONTENT_TYPE, json_media_type);
    add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add(response, "X-Content-Type-Options", "nosniff");
    return response;
}

void http_answer_error(struct http_post *post, unsigned status, enum http_refusal why,
                       const struct err *err)
{
    struct buf out;
    buf_init(&out, ANSWER_MAX);
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_object(&json, "error");
    json_put_string(&json, "code", err_name(err->code));
    json_put_string(&json, "message", err->message[0] != '\0' ? err->message : err_text(err->code));
    json_put_string(&json, "hint", err->hint);
    if (post->device_text[0] != '\0') {
        json_put_string(&json, "device", post->device_text);
    }
    if (post->point_text[0] != '\0') {
        json_put_string(&json, "point", post->point_text);
    }
    json_end_object(&json);
    json_end_object(&json);
    struct MHD_Response *response = make_response(&out);
    buf_fini(&out);
    if (response != NULL && (status == 429 || status == 503)) {
        char seconds[16];
        str_format(seconds, sizeof(seconds), "%u", post->wait_s > 0 ? post->wait_s : 1);
        add(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    } else if (response != NULL && status == 401) {
        add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"busbar\"");
    } else if (response != NULL && status == 405) {
        add(response, MHD_HTTP_HEADER_ALLOW, "POST, PUT");
    }
    post->state->refused[why]++;
    if (post->connector != NULL) {
        post->connector->refused++;
    }
    post->http.status = status;
    post->http.response = response;
    http_answer(&post->http);
}

unsigned http_answer_stopping(struct MHD_Response **response)
{
    static char text[] = "{\"error\":{\"code\":\"ECANCELED\",\"message\":\"busbar is stopping\","
                         "\"hint\":\"send it again soon\"}}";
    *response = MHD_create_response_from_buffer_with_free_callback(sizeof(text) - 1, text, NULL);
    if (*response != NULL) {
        add(*response, MHD_HTTP_HEADER_CONTENT_TYPE, json_media_type);
        add(*response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    }
    return 503;
}
