/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/series, /api/v1/labels, /api/v1/label/{name}/values: what there is, from the index. start and end
 * are taken and checked, but the index knows no times: what has samples at any time is told. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "history/history.h"
#include "server/prometheus/answer.h"
#include "server/prometheus/params.h"
#include "server/prometheus/prometheus.h"
#include "server/prometheus/selection.h"

/* ---- series ---- */

static int read_span(struct prometheus_job *job, size_t *limit)
{
    static const int64_t any = 0;
    int64_t start, end;
    int error = prometheus_time(job->req, "start", &any, &start, &job->err);
    error = error != 0 ? error : prometheus_time(job->req, "end", &any, &end, &job->err);
    return error != 0 ? error : prometheus_limit(job->req, limit, &job->err);
}

static void mark_cut(struct prometheus_job *job)
{
    job->warning = "results truncated due to limit";
}

static int list_series(struct prometheus_job *job)
{
    uint32_t *series = NULL;
    size_t count = 0, limit = 0;
    struct history_index *index = history_index(job->history);
    int error = read_span(job, &limit);
    error = error != 0 ? error : prometheus_series(job, &series, &count);
    if (error != 0) {
        return error;
    }
    (void)buf_append_byte(&job->out, '[');
    size_t told = 0;
    for (size_t i = 0; i < count && !atomic_load(job->cancel); i++) {
        struct label labels[LABELS_MAX];
        size_t label_count = history_index_labels(index, series[i], labels);
        if (label_count == 0) {
            continue; /* it left meanwhile */
        }
        if (limit > 0 && told == limit) {
            mark_cut(job);
            break;
        }
        (void)buf_append_text(&job->out, told++ > 0 ? "," : "");
        answer_labels(&job->out, labels, label_count);
    }
    (void)buf_append_byte(&job->out, ']');
    busbar_free(series);
    return 0;
}

static void get_series(struct server_request *req)
{
    prometheus_ask(req, list_series);
}

/* ---- names and values ---- */

struct texts {
    struct prometheus_job *job;
    size_t limit, told;
};

static bool put_text(void *ctx, const char *text, size_t size)
{
    struct texts *texts = ctx;
    if (texts->limit > 0 && texts->told == texts->limit) {
        mark_cut(texts->job);
        return false;
    }
    (void)buf_append_text(&texts->job->out, texts->told++ > 0 ? "," : "");
    answer_text(&texts->job->out, text, size);
    return true;
}

/* Names (name NULL) or values in the series of a selector (NULL: all series). */
static int each_text(struct prometheus_job *job, const char *name,
                     const struct prometheus_selector *selector, history_index_text_cb each,
                     void *ctx)
{
    const struct prometheus_selector all = { 0 };
    selector = selector != NULL ? selector : &all;
    int error = history_index_check(job->history, &job->err);
    if (error != 0) {
        return error;
    }
    error = history_index_texts(history_index(job->history), name, selector->matchers,
                                selector->count, job->cancel, each, ctx, &job->err);
    return error != 0 ? prometheus_failed(job) : 0;
}

struct gathered {
    struct arena arena;
    const char **items;
    size_t count, capacity;
    bool failed;
};

static bool gather(void *ctx, const char *text, size_t size)
{
    struct gathered *all = ctx;
    if (all->count == all->capacity) {
        size_t capacity = all->capacity > 0 ? all->capacity * 2 : 64;
        const char **items = busbar_try_realloc(all->items, capacity * sizeof(*items));
        all->failed = items == NULL;
        if (all->failed) {
            return false;
        }
        all->items = items;
        all->capacity = capacity;
    }
    const char *copy = arena_strndup(&all->arena, text, size);
    all->failed = copy == NULL;
    if (copy != NULL) {
        all->items[all->count++] = copy;
    }
    return copy != NULL;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Several match[]: their lists, merged. */
static int list_merged(struct prometheus_job *job, const char *name,
                       const struct prometheus_selection *selection, struct texts *texts)
{
    struct gathered all = { 0 };
    int error = 0;
    arena_init(&all.arena, 0);
    for (size_t i = 0; error == 0 && i < selection->count; i++) {
        error = each_text(job, name, &selection->selectors[i], gather, &all);
        if (error == 0 && all.failed) {
            error = err_set(&job->err, BUSBAR_ENOMEM, "out of memory");
        }
    }
    if (error == 0 && all.count > 0) {
        qsort(all.items, all.count, sizeof(*all.items), by_bytes);
    }
    for (size_t i = 0; error == 0 && i < all.count; i++) {
        bool again = i > 0 && strcmp(all.items[i], all.items[i - 1]) == 0;
        if (!again && !put_text(texts, all.items[i], strlen(all.items[i]))) {
            break;
        }
    }
    busbar_free(all.items);
    arena_fini(&all.arena);
    return error;
}

static int list_texts(struct prometheus_job *job, const char *name)
{
    struct prometheus_selection selection;
    struct texts texts = { .job = job };
    int error = read_span(job, &texts.limit);
    error = error != 0 ? error : prometheus_selection_parse(&selection, job->req, 0, &job->err);
    if (error != 0) {
        return error;
    }
    (void)buf_append_byte(&job->out, '[');
    error = selection.count > 1
                ? list_merged(job, name, &selection, &texts)
                : each_text(job, name, selection.count > 0 ? selection.selectors : NULL, put_text,
                            &texts);
    (void)buf_append_byte(&job->out, ']');
    prometheus_selection_fini(&selection);
    return error;
}

static int list_names(struct prometheus_job *job)
{
    return list_texts(job, NULL);
}

static void get_labels(struct server_request *req)
{
    prometheus_ask(req, list_names);
}

static int hex_value(const char *at, size_t size)
{
    int value = 0;
    for (size_t i = 0; i < size; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = at[i] != '\0' ? strchr(digits, at[i]) : NULL;
        if (digit == NULL) {
            return -1;
        }
        value = value * 16 + (int)(digit - digits);
    }
    return value;
}

/* Names that need no plain letters come escaped: "U__a_2e_b" is "a.b", "__" is "_". A text that is no
 * escaped name stays as it is. */
void prometheus_unescape_name(const char *text, char *to, size_t size)
{
    const char *at = text + 3;
    size_t used = 0;
    if (!str_starts(text, "U__")) {
        str_copy(to, size, text);
        return;
    }
    while (*at != '\0' && used + 4 < size) {
        if (*at != '_') {
            to[used++] = *at++;
        } else if (at[1] == '_') {
            to[used++] = '_';
            at += 2;
        } else {
            size_t digits = strcspn(at + 1, "_");
            int code = digits > 0 && digits <= 6 && at[1 + digits] == '_'
                           ? hex_value(at + 1, digits)
                           : -1;
            if (code <= 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
                str_copy(to, size, text);
                return;
            }
            used += str_put_utf8(to + used, (uint32_t)code);
            at += digits + 2;
        }
    }
    to[used] = '\0';
}

static int list_values(struct prometheus_job *job)
{
    char name[LABEL_NAME_BYTES_MAX + 1];
    prometheus_unescape_name(server_param(job->req, "name"), name, sizeof(name));
    return list_texts(job, name);
}

static void get_values(struct server_request *req)
{
    prometheus_ask(req, list_values);
}

void prometheus_label_routes(struct server *server)
{
    static const struct server_query_param query[] = {
        { "match[]", "string", "a selector such as {device=\"ahu-1\"}; may come again" },
        { "limit", "integer", "at most so many" },
        { NULL, NULL, NULL },
    };
    enum { FLAGS = SERVER_ROUTE_FORM | SERVER_ROUTE_PROMETHEUS };
    static const struct server_route routes[] = {
        { .method = "GET",
          .path = "/api/v1/series",
          .handler = get_series,
          .summary = "series that match, with their labels (Prometheus)",
          .query = query,
          .on = SERVER_ON_BOTH,
          .flags = FLAGS },
        { .method = "POST",
          .path = "/api/v1/series",
          .handler = get_series,
          .summary = "the same, parameters as a form",
          .query = query,
          .on = SERVER_ON_BOTH,
          .flags = FLAGS },
        { .method = "GET",
          .path = "/api/v1/labels",
          .handler = get_labels,
          .summary = "names of labels (Prometheus)",
          .query = query,
          .on = SERVER_ON_BOTH,
          .flags = FLAGS },
        { .method = "POST",
          .path = "/api/v1/labels",
          .handler = get_labels,
          .summary = "the same, parameters as a form",
          .query = query,
          .on = SERVER_ON_BOTH,
          .flags = FLAGS },
        { .method = "GET",
          .path = "/api/v1/label/{name}/values",
          .handler = get_values,
          .summary = "values of a label (Prometheus)",
          .query = query,
          .on = SERVER_ON_BOTH,
          .flags = FLAGS },
    };
    server_add_routes(server, routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
