/* SPDX-License-Identifier: Apache-2.0 */
/* A log that the database does not know: are its points those that the database has of the site? By two jobs, which outlive
 * the step:
 *
 *   last     the last number that this gateway gave to a point or series
 *   compare  the points of the site, the first ones and those up to that number (in the database a restored gateway may have
 *            had more since the backup): each is what it is called here, else nothing is written; then the numbers that
 *            the database has beyond are given to no others (state_ids_reserve) */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "model/labels.h"
#include "net/jobs.h"
#include "sinks/postgres/schema_private.h"
#include "state/state.h"

enum { SETS_AT_ONCE = 4096, LABELS_TEXT_MAX = 2 * LABELS_BYTES_MAX };

struct schema_known {
    struct pg_schema *schema; /* NULL: the step is over */
    bool working;             /* a job has it */
    struct state *state;
    uint32_t last, most; /* number here, in the database */
    size_t count, named, unknown;
    uint32_t *ids; /* sorted */
    char **paths;  /* "": a series with labels */
    char **labels; /* "a=b, c=d" of these */
    bool *found;
    uint32_t after; /* in the walk through the label sets */
    size_t seen;
    int error;
    struct err err; /* the first that differs */
};

static void known_free(struct schema_known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        busbar_free(known->paths[i]);
        busbar_free(known->labels[i]);
    }
    busbar_free(known->ids);
    busbar_free(known->paths);
    busbar_free(known->labels);
    busbar_free(known->found);
    busbar_free(known);
}

void schema_forget_known(struct pg_schema *schema)
{
    struct schema_known *known = schema->known;
    schema->known = NULL;
    if (known != NULL && known->working) {
        known->schema = NULL;
    } else if (known != NULL) {
        known_free(known);
    }
}

static void start_job(struct schema_known *known, jobs_work_cb job, jobs_done_cb done)
{
    known->working = true;
    jobs_submit(known->schema->config.env->loop, job, done, known);
}

/* ---- the jobs ---- */

/* Its place; SIZE_MAX: the database has it not. */
static size_t place_of(const struct schema_known *known, uint32_t id)
{
    size_t low = 0, high = known->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (known->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < known->count && known->ids[low] == id ? low : SIZE_MAX;
}

static void differs(struct schema_known *known, size_t at, const char *text, size_t size)
{
    if (known->err.code == 0) {
        const char *there = known->paths[at][0] != '\0' ? known->paths[at] : known->labels[at];
        err_set(&known->err, BUSBAR_ECONFLICT, "its point %u is %.80s, that of this gateway %.*s",
                (unsigned)known->ids[at], there, (int)(size < 80 ? size : 80), text);
    }
}

static void got_path(void *ctx, uint32_t id, const char *text, size_t size)
{
    struct schema_known *known = ctx;
    size_t at = place_of(known, id);
    if (at == SIZE_MAX) {
        return;
    }
    known->found[at] = true;
    const char *path = known->paths[at];
    bool told = path[0] != '\0' || known->labels[at][0] != '\0'; /* else it says nothing */
    if (told && (strlen(path) != size || memcmp(path, text, size) != 0)) {
        differs(known, at, text, size);
    }
}

/* As the database is asked for them. */
static int print_labels(const char *text, size_t size, struct buf *out)
{
    struct label labels[LABELS_MAX];
    struct buf store;
    struct err err;
    size_t count;
    buf_init(&store, LABELS_TEXT_MAX);
    int error = labels_parse(text, size, labels, &count, &store, &err);
    error = error == 0 ? labels_sort(labels, &count, &err) : error;
    for (size_t i = 0; i < count && error == 0; i++) {
        error = buf_printf(out, "%s%.*s=%.*s", i > 0 ? ", " : "", (int)labels[i].name_size,
                           labels[i].name, (int)labels[i].value_size, labels[i].value);
    }
    buf_fini(&store);
    return error;
}

static void got_set(void *ctx, uint32_t id, const char *text, size_t size)
{
    struct schema_known *known = ctx;
    struct buf out;
    known->after = id;
    known->seen++;
    size_t at = place_of(known, id);
    if (at == SIZE_MAX || (known->paths[at][0] == '\0' && known->labels[at][0] == '\0')) {
        return;
    }
    buf_init(&out, LABELS_TEXT_MAX);
    bool same = known->paths[at][0] == '\0' && print_labels(text, size, &out) == 0 &&
                str_equal(buf_text(&out), known->labels[at]);
    buf_fini(&out);
    if (!same) {
        differs(known, at, text, size);
    }
}

static void compare(void *ctx)
{
    struct schema_known *known = ctx;
    known->error = state_paths_of(known->state, known->ids, known->count, got_path, known);
    do {
        known->seen = 0;
        known->error = known->error != 0 ? known->error
                                         : state_label_sets(known->state, known->after,
                                                            SETS_AT_ONCE, got_set, known);
    } while (known->error == 0 && known->seen == SETS_AT_ONCE);
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < known->count; i++) {
        bool named = known->paths[i][0] != '\0';
        first = named && first == SIZE_MAX ? i : first;
        known->named += named;
        known->unknown += named && !known->found[i];
    }
    if (known->err.code == 0 && known->named > 0 && known->unknown == known->named) {
        err_set(&known->err, BUSBAR_ECONFLICT, "this gateway has none of its points, such as %.80s",
                known->paths[first]);
    }
    if (known->error == 0 && known->err.code == 0) {
        known->error = state_ids_reserve(known->state, known->last, known->most);
    }
}

static void look_up_last(void *ctx)
{
    struct schema_known *known = ctx;
    known->error = state_ids_last(known->state, &known->last);
}

/* ---- the step ---- */

static void tell_foreign(struct pg_schema *schema, const struct err *why)
{
    struct err err = *why;
    const char *site = schema->config.env->site;
    err_prefix(&err, "the site '%.63s' in this database is that of another gateway", site);
    err_hint(&err,
             "give this one another site.id; or, to go on from an old one that is no more: update "
             "%s.site set name = '%.40s-old' where name = '%.40s'",
             schema->quoted, site, site);
    schema_end(schema, SINK_WRONG, &err);
}

static void tell_failed(struct pg_schema *schema, int error)
{
    struct err err;
    if (error == BUSBAR_EAGAIN) {
        err_set(&err, error, "points came while they were compared with those of the database");
    } else if (error == BUSBAR_ELIMIT) {
        err_set(&err, error,
                "the numbers of points in the database are beyond those that there are");
    } else {
        err_set(&err, error, "the points of this gateway cannot be read: %s", err_text(error));
    }
    schema_end(schema, SINK_AGAIN, &err);
}

static void compared(void *ctx, int error)
{
    struct schema_known *known = ctx;
    struct pg_schema *schema = known->schema;
    struct err err = known->err;
    error = error != 0 ? error : known->error;
    known_free(known);
    if (schema == NULL) {
        return;
    }
    schema->known = NULL;
    if (error != 0) {
        tell_failed(schema, error);
    } else if (err.code != 0) {
        tell_foreign(schema, &err);
    } else {
        schema_take_over(schema);
    }
}

static void got_points(void *ctx, const struct pg_answer *answer)
{
    struct pg_schema *schema = ctx;
    struct schema_known *known = schema->known;
    if (answer->error != 0) {
        schema_forget_known(schema);
        schema_end_answer(schema, answer);
        return;
    }
    known->count = answer->rows;
    known->ids = busbar_alloc_array(answer->rows + 1, sizeof(*known->ids));
    known->paths = busbar_alloc_array(answer->rows + 1, sizeof(*known->paths));
    known->labels = busbar_alloc_array(answer->rows + 1, sizeof(*known->labels));
    known->found = busbar_alloc_array(answer->rows + 1, sizeof(*known->found));
    for (size_t row = 0; row < answer->rows; row++) {
        known->ids[row] = (uint32_t)schema_int(answer, row, 0);
        known->paths[row] = busbar_strdup(schema_text(answer, row, 1));
        known->labels[row] = busbar_strdup(schema_text(answer, row, 2));
        known->most = (uint32_t)schema_int(answer, row, 3);
    }
    start_job(known, compare, compared);
}

static void ask_points(struct pg_schema *schema)
{
    char sql[800], number[16], last[16];
    str_format(number, sizeof(number), "%d", (int)schema->config.facts->site);
    str_format(last, sizeof(last), "%u", (unsigned)schema->known->last);
    const struct pg_param params[] = { { .text = number }, { .text = last } };
    str_format(sql, sizeof(sql),
               "with k as ((select point from point where site = $1::int2 order by point limit %d) "
               "union (select point from point where site = $1::int2 and point <= $2::int4 "
               "order by point desc limit %d)) select p.point, p.path, "
               "case when p.path = '' then (select string_agg(key || '=' || value, ', ' order by "
               "key collate \"C\") from jsonb_each_text(p.labels)) end, "
               "(select max(point) from point where site = $1::int2) "
               "from point p where p.site = $1::int2 and p.point in (select point from k) "
               "order by p.point",
               (int)SCHEMA_POINTS_MAX, (int)SCHEMA_POINTS_MAX);
    pg_query(schema->config.link, sql, params, 2, 0, got_points, schema);
}

static void got_last(void *ctx, int error)
{
    struct schema_known *known = ctx;
    struct pg_schema *schema = known->schema;
    error = error != 0 ? error : known->error;
    known->working = false;
    if (schema != NULL && error == 0) {
        ask_points(schema);
        return;
    }
    known_free(known);
    if (schema != NULL) {
        schema->known = NULL;
        tell_failed(schema, error);
    }
}

void schema_compare_points(struct pg_schema *schema)
{
    struct schema_known *known = busbar_alloc(sizeof(*known));
    known->schema = schema;
    known->state = schema->config.env->state;
    schema->known = known;
    start_job(known, look_up_last, got_last);
}
