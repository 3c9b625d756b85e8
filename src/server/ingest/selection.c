/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ingest/selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "promql/promql.h"

static int parse_one(struct ingest_selection *selection, const char *text, struct err *err)
{
    size_t count = 0;
    struct label_matcher *matchers = arena_alloc_array(&selection->arena, HISTORY_MATCHERS_MAX,
                                                       sizeof(*matchers));
    if (matchers == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    int error = promql_matchers(text, &selection->arena, matchers, &count, err);
    if (error != 0) {
        err_prefix(err, "match[]");
        return error;
    }
    selection->matchers[selection->count] = matchers;
    selection->counts[selection->count++] = count;
    return 0;
}

int ingest_selection_parse(struct ingest_selection *selection, const struct server_request *req,
                           struct err *err)
{
    const char *text;
    int error = 0;
    *selection = (struct ingest_selection){ 0 };
    arena_init(&selection->arena, 0);
    for (size_t i = 0; error == 0 && (text = server_query_at(req, "match[]", i)) != NULL; i++) {
        error = i == INGEST_MATCHES_MAX
                    ? err_set(err, BUSBAR_ELIMIT, "more than %d match[]", INGEST_MATCHES_MAX)
                    : parse_one(selection, text, err);
    }
    if (error == 0 && selection->count == 0) {
        error = err_set(err, BUSBAR_EINVAL, "no match[]: which series?");
        err_hint(err, "match[]={__name__!=\"\"} is all of them");
    }
    if (error != 0) {
        ingest_selection_fini(selection);
    }
    return error;
}

void ingest_selection_fini(struct ingest_selection *selection)
{
    arena_fini(&selection->arena);
    selection->count = 0;
}

static int by_id(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* Adds `more` to the sorted set. */
static int unite(uint32_t **series, size_t *count, const uint32_t *more, size_t more_count,
                 struct err *err)
{
    uint32_t *all = busbar_try_realloc(*series, (*count + more_count + 1) * sizeof(*all));
    if (all == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    memcpy(all + *count, more, more_count * sizeof(*all));
    *series = all;
    size_t total = *count + more_count;
    qsort(all, total, sizeof(*all), by_id);
    *count = 0;
    for (size_t i = 0; i < total; i++) {
        if (*count == 0 || all[*count - 1] != all[i]) {
            all[(*count)++] = all[i];
        }
    }
    return 0;
}

int ingest_selection_series(const struct ingest_selection *selection, struct history_index *index,
                            const atomic_bool *cancel, uint32_t **series, size_t *count,
                            struct err *err)
{
    int error = 0;
    *series = NULL;
    *count = 0;
    for (size_t i = 0; error == 0 && i < selection->count; i++) {
        uint32_t *found = NULL;
        size_t found_count = 0;
        error = history_index_select(index, selection->matchers[i], selection->counts[i],
                                     INGEST_SELECTED_MAX, cancel, &found, &found_count, err);
        if (error == 0 && *series == NULL) {
            *series = found;
            *count = found_count;
            continue;
        }
        if (error == 0) {
            error = unite(series, count, found, found_count, err);
        }
        busbar_free(found);
    }
    if (error != 0) {
        busbar_free(*series);
        *series = NULL;
        *count = 0;
    }
    return error;
}
