/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of the Prometheus API from any text: times, durations, escaped names, and a form. What is taken
 * is bounded; a form that is taken has what its pieces say. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "server/prometheus/params.h"
#include "server/prometheus/prometheus.h"

static void check_form(const char *text, size_t size)
{
    struct server_url url;
    struct err err = { 0 };
    assert(server_url_parse("/a?x=last", &url, NULL) == 0);
    if (server_url_add_form(&url, text, size, &err) == 0) {
        assert(url.arg_count >= 1 && url.arg_count <= SERVER_URL_ARGS_MAX);
        assert(strcmp(url.args[url.arg_count - 1].value, "last") == 0);
        for (size_t i = 0; i < url.arg_count; i++) {
            assert(str_is_utf8(url.args[i].value, strlen(url.args[i].value)));
            assert(server_url_arg(&url, url.args[i].name) != NULL);
        }
    } else {
        assert(err.code < 0 && err.message[0] != '\0' && url.arg_count == 1);
    }
    server_url_fini(&url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[40];
    int64_t us = 0;
    char *text = busbar_strndup((const char *)data, size);
    check_form((const char *)data, size);
    if (prometheus_parse_time(text, &us) == 0) {
        assert(us >= -INT64_C(1000000000000000000) && us <= INT64_C(1000000000000000000));
    }
    if (prometheus_parse_duration(text, &us) == 0) {
        assert(us >= 0);
    }
    prometheus_unescape_name(text, name, sizeof(name));
    assert(strlen(name) < sizeof(name));
    busbar_free(text);
    return 0;
}
