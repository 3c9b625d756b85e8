/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/postgres/archive.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sinks/postgres/schema.h"

#define SPAN_US  (INT64_C(60) * CLOCK_US_PER_S) /* so long it is believed what days there are */
#define DOWN_US  (INT64_C(30) * CLOCK_US_PER_S) /* so long it is not tried again */
#define LEAST_US (INT64_C(-62135596800) * CLOCK_US_PER_S) /* year 1 */
#define MOST_US  (INT64_C(253402300799) * CLOCK_US_PER_S) /* year 9999 */

enum { NUMBER_MAX = 24 };

struct pg_archive {
    struct history_archive base;
    struct pg_target target;
    char schema[2 * PG_SCHEMA_NAME_MAX + 3];
    char site[SINK_NAME_MAX + 1];
    struct err wrong; /* of the login; code 0: it can be tried */

    pthread_mutex_t lock; /* of all that follows */
    struct pg_ask *idle[PG_ARCHIVE_IDLE_MAX];
    size_t idle_count;
    int64_t down_until_us; /* monotonic */
    struct err down;
    bool known; /* the span, at looked_us (monotonic) */
    int64_t looked_us, since_us, until_us;
    char number[NUMBER_MAX]; /* of the site */
};

static struct pg_archive *archive_of(struct history_archive *archive)
{
    return (struct pg_archive *)archive; /* its first member */
}

/* ---- connections ---- */

static struct pg_ask *take_idle(struct pg_archive *archive, struct err *err)
{
    struct pg_ask *ask = NULL;
    pthread_mutex_lock(&archive->lock);
    if (archive->down.code != 0 && clock_mono_us() < archive->down_until_us) {
        *err = archive->down;
    } else if (archive->idle_count > 0) {
        ask = archive->idle[--archive->idle_count];
    }
    pthread_mutex_unlock(&archive->lock);
    return ask;
}

static void set_down(struct pg_archive *archive, const struct err *err)
{
    pthread_mutex_lock(&archive->lock);
    archive->down = *err;
    archive->down_until_us = clock_mono_us() + DOWN_US;
    pthread_mutex_unlock(&archive->lock);
}

static struct pg_ask *take(struct pg_archive *archive, struct pg_patience patience, bool *fresh,
                           struct err *err)
{
    *fresh = false;
    if (archive->wrong.code != 0) {
        *err = archive->wrong;
        return NULL;
    }
    struct pg_ask *ask = take_idle(archive, err);
    if (ask != NULL || err->code != 0) {
        return ask;
    }
    *fresh = true;
    ask = pg_ask_open(&archive->target, archive->schema, patience, err);
    if (ask == NULL && err->code != BUSBAR_ECANCELED) {
        set_down(archive, err);
    }
    return ask;
}

static void give_back(struct pg_archive *archive, struct pg_ask *ask, bool good)
{
    pthread_mutex_lock(&archive->lock);
    if (good && archive->idle_count < PG_ARCHIVE_IDLE_MAX) {
        archive->idle[archive->idle_count++] = ask;
        ask = NULL;
    }
    if (good) {
        archive->down = (struct err){ 0 };
    }
    pthread_mutex_unlock(&archive->lock);
    pg_ask_close(ask);
}

/* One that was kept may have broken meanwhile: then once more with a fresh one, unless rows came already. */
static int put(struct pg_archive *archive, const struct pg_question *question,
               struct pg_patience patience, const bool *rows, struct err *err)
{
    for (;;) {
        bool fresh;
        struct pg_ask *ask = take(archive, patience, &fresh, err);
        if (ask == NULL) {
            return err->code;
        }
        int error = pg_ask(ask, question->sql, question->params, question->count, PG_BINARY,
                           patience, question->row, question->ctx, err);
        give_back(archive, ask, error == 0);
        if (error == 0 || fresh || *rows || error == BUSBAR_ETIMEOUT || error == BUSBAR_ECANCELED) {
            return error;
        }
        *err = (struct err){ 0 };
    }
}

static struct pg_patience patience_of(const struct history_archive_ask *ask)
{
    return (struct pg_patience){ .deadline_us = ask->deadline_us, .cancel = ask->cancel };
}

int pg_archive_put(struct history_archive *archive, const struct pg_question *question,
                   struct history_archive_ask *ask, const bool *rows, struct err *err)
{
    return put(archive_of(archive), question, patience_of(ask), rows, err);
}

const char *pg_archive_site(const struct history_archive *archive)
{
    return ((const struct pg_archive *)archive)->site;
}

/* ---- the span ---- */

struct spanning {
    bool rows, any;
    int64_t number, since_us, until_us;
};

int64_t pg_cell_i64(const struct pg_answer *answer, size_t column)
{
    size_t size;
    const uint8_t *bytes = pg_cell_bytes(answer, 0, column, &size);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < size && size <= 8; i++) {
        value = value << 8 | bytes[i];
    }
    return (int64_t)value;
}

static int take_span(void *ctx, const struct pg_answer *answer)
{
    struct spanning *work = ctx;
    work->rows = true;
    work->number = pg_cell_i64(answer, 0);
    work->any = pg_cell(answer, 0, 1) != NULL;
    work->since_us = pg_cell_i64(answer, 1);
    work->until_us = pg_cell_i64(answer, 2);
    return 0;
}

static int span(struct history_archive *base, struct history_archive_ask *ask, int64_t *since_us,
                int64_t *until_us, struct err *err)
{
    static const char sql[] =
        "select number::int8, (extract(epoch from (select min(day) from chunk where site = "
        "number)) * 1000000)::int8, "
        "(extract(epoch from (select max(day) + 1 from chunk where site = number)) * "
        "1000000)::int8 from site where name = $1";
    struct pg_archive *archive = archive_of(base);
    struct spanning work = { 0 };
    const struct pg_param name = { .text = archive->site };
    const struct pg_question question = { sql, &name, 1, take_span, &work };
    int error = 0;
    pthread_mutex_lock(&archive->lock);
    bool known = archive->known && clock_mono_us() - archive->looked_us < SPAN_US;
    pthread_mutex_unlock(&archive->lock);
    if (!known) {
        error = put(archive, &question, patience_of(ask), &work.rows, err);
    }
    pthread_mutex_lock(&archive->lock);
    if (!known && error == 0) {
        archive->known = true;
        archive->looked_us = clock_mono_us();
        archive->since_us = work.any ? work.since_us : INT64_MAX;
        archive->until_us = work.any ? work.until_us : INT64_MIN;
        str_format(archive->number, sizeof(archive->number), "%lld", (long long)work.number);
    }
    *since_us = archive->since_us;
    *until_us = archive->until_us;
    pthread_mutex_unlock(&archive->lock);
    return error;
}

/* ---- samples ---- */

struct reading {
    struct history_sealer *sealer;
    uint32_t series;
    int64_t from_us, to_us;
    size_t max;
    struct history_samples *found;
    struct err *err;
    bool rows;
};

int pg_archive_unseal(struct history_sealer *sealer, const struct pg_answer *answer, size_t column,
                      uint32_t series, int64_t from_us, int64_t to_us, size_t max,
                      struct history_samples *found, struct err *err)
{
    size_t size;
    const void *data = pg_cell_bytes(answer, 0, column, &size);
    int error = history_unseal(sealer, data, size, series, from_us, to_us, max, found);
    if (error == BUSBAR_EDAMAGED) {
        err_set(err, error, "a row of the table chunk is damaged (series %u)", (unsigned)series);
    } else if (error == BUSBAR_EUNSUPPORTED) {
        err_set(err, error, "a row of the table chunk is of a later version of busbar");
    } else if (error == BUSBAR_ELIMIT) {
        err_set(err, error, "the question needs more samples of the archive than one may take");
        err_hint(err, "ask for fewer series or less time at once");
    } else if (error != 0) {
        err_set(err, error, "%s", err_text(error));
    }
    return error;
}

static int take_row(void *ctx, const struct pg_answer *answer)
{
    struct reading *work = ctx;
    work->rows = true;
    return pg_archive_unseal(work->sealer, answer, 0, work->series, work->from_us, work->to_us,
                             work->max, work->found, work->err);
}

void pg_time_text(int64_t time_us, char *text, size_t size)
{
    char time[STR_TIME_MAX];
    time_us = time_us < LEAST_US ? LEAST_US : time_us > MOST_US ? MOST_US : time_us;
    (void)str_format_time(time, sizeof(time), time_us, 0, false);
    str_format(text, size, "%s", time);
}

static int read_series(struct history_archive *base, struct history_archive_ask *ask,
                       uint32_t series, int64_t from_us, int64_t to_us, size_t max,
                       struct history_samples *found, struct err *err)
{
    struct pg_archive *archive = archive_of(base);
    char point[NUMBER_MAX], first[STR_TIME_MAX], last[STR_TIME_MAX];
    str_format(point, sizeof(point), "%u", (unsigned)series);
    int64_t since_us, until_us;
    int error = span(base, ask, &since_us, &until_us, err); /* also the site's number */
    if (error != 0) {
        return error;
    }
    from_us = from_us > since_us ? from_us : since_us;
    to_us = to_us < until_us ? to_us : until_us;
    if (from_us >= to_us) {
        return 0;
    }
    pg_time_text(from_us, first, sizeof(first));
    pg_time_text(to_us - 1, last, sizeof(last));
    const struct pg_param params[] = {
        { .text = archive->number }, { .text = point }, { .text = first }, { .text = last }
    };
    struct reading work = { .sealer = history_sealer_new(),
                            .series = series,
                            .from_us = from_us,
                            .to_us = to_us,
                            .max = max,
                            .found = found,
                            .err = err };
    const struct pg_question question = {
        "select data from chunk where site = $1::int2 and point = $2::int4 and "
        "day between $3::timestamp::date and $4::timestamp::date order by day, part",
        params, 4, take_row, &work
    };
    error = work.sealer == NULL ? err_set(err, BUSBAR_ENOMEM, "out of memory")
                                : put(archive, &question, patience_of(ask), &work.rows, err);
    history_sealer_free(work.sealer);
    return error;
}

/* ---- its life ---- */

static void free_archive(struct history_archive *base)
{
    struct pg_archive *archive = archive_of(base);
    for (size_t i = 0; i < archive->idle_count; i++) {
        pg_ask_close(archive->idle[i]);
    }
    pthread_mutex_destroy(&archive->lock);
    busbar_free(archive);
}

struct history_archive *pg_archive_new(const struct sink_env *env, const struct settings *settings)
{
    struct pg_archive *archive = busbar_alloc(sizeof(*archive));
    struct pg_login login;
    archive->base.span = span;
    archive->base.read = read_series;
    archive->base.fetch = pg_import_step;
    archive->base.free = free_archive;
    atomic_init(&archive->base.users, 1);
    pthread_mutex_init(&archive->lock, NULL);
    postgres_login(env, settings, &login);
    (void)pg_target_parse(&login, &archive->target, &archive->wrong);
    (void)pg_quote(archive->schema, sizeof(archive->schema),
                   settings_text(settings, POSTGRES_SCHEMA));
    str_copy(archive->site, sizeof(archive->site), env->site);
    return &archive->base;
}
