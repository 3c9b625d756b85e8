/* SPDX-License-Identifier: Apache-2.0 */
#include "server/prometheus/selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "promql/promql.h"
#include "server/prometheus/prometheus.h"

static int parse_one(struct prometheus_selection *selection, const char *text, struct err *err)
{
    struct prometheus_selector *selector = &selection->selectors[selection->count];
    selector->matchers = arena_alloc_array(&selection->arena, HISTORY_MATCHERS_MAX,
                                           sizeof(*selector->matchers));
    if (selector->matchers == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    int error = promql_matchers(text, &selection->arena, selector->matchers, &selector->count, err);
    prometheus_word_syntax(err, "match[]");
    selection->count += error == 0;
    return error;
}

int prometheus_selection_parse(struct prometheus_selection *selection,
                               const struct server_request *req, size_t least, struct err *err)
{
    const char *text;
    size_t bytes = 0;
    int error = 0;
    *selection = (struct prometheus_selection){ 0 };
    arena_init(&selection->arena, 0);
    for (size_t i = 0; error == 0 && (text = server_query_at(req, "match[]", i)) != NULL; i++) {
        bytes += strlen(text);
        error = i == PROMETHEUS_SELECTORS_MAX
                    ? err_set(err, BUSBAR_EINVAL, "more than %d match[] parameters",
                              PROMETHEUS_SELECTORS_MAX)
                : bytes > PROMETHEUS_SELECTORS_BYTES_MAX
                    ? err_set(err, BUSBAR_ELIMIT, "the match[] parameters are over %d bytes",
                              PROMETHEUS_SELECTORS_BYTES_MAX)
                    : parse_one(selection, text, err);
    }
    if (error == 0 && selection->count < least) {
        error = err_set(err, BUSBAR_EINVAL, "no match[] parameter provided");
        err_hint(err, "match[]={__name__!=\"\"} is all of them");
    }
    if (error != 0) {
        prometheus_selection_fini(selection);
    }
    return error;
}

void prometheus_selection_fini(struct prometheus_selection *selection)
{
    arena_fini(&selection->arena);
    selection->count = 0;
}

static int by_id(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* Adds `more` to the sorted set. */
static int unite(uint32_t **series, size_t *count, const uint32_t *more, size_t more_count,
                 struct err *err)
{
    size_t total = *count + more_count, kept = 0;
    uint32_t *all = busbar_try_realloc(*series, (total + 1) * sizeof(*all));
    if (all == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    memcpy(all + *count, more, more_count * sizeof(*all));
    qsort(all, total, sizeof(*all), by_id);
    for (size_t i = 0; i < total; i++) {
        if (kept == 0 || all[kept - 1] != all[i]) {
            all[kept++] = all[i];
        }
    }
    *series = all;
    *count = kept;
    return 0;
}

int prometheus_selection_series(const struct prometheus_selection *selection,
                                struct history_index *index, size_t max, const atomic_bool *cancel,
                                uint32_t **series, size_t *count, struct err *err)
{
    int error = 0;
    *series = NULL;
    *count = 0;
    for (size_t i = 0; error == 0 && i < selection->count; i++) {
        const struct prometheus_selector *selector = &selection->selectors[i];
        uint32_t *found = NULL;
        size_t found_count = 0;
        error = history_index_select(index, selector->matchers, selector->count, max - *count,
                                     cancel, &found, &found_count, err);
        if (error == 0 && *count == 0) {
            busbar_free(*series);
            *series = found;
            *count = found_count;
        } else {
            error = error != 0 ? error : unite(series, count, found, found_count, err);
            busbar_free(found);
        }
    }
    if (error != 0) {
        busbar_free(*series);
        *series = NULL;
        *count = 0;
    }
    return error;
}
