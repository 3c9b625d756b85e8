/* SPDX-License-Identifier: Apache-2.0 */
/* From matchers to series. Matchers on the metric give a set of metrics; all others are asked about values and
 * give a set of rests:
 *
 *   a matcher that an empty value fails     only rests with a value that it likes
 *   a matcher that an empty value passes    no rests with a value that it does not like
 *
 * What both sides leave is found from the smaller one: the series of the metrics whose rest is in the set, or
 * the series of the rests whose metric is. */
#include <stdlib.h>
#include <string.h>

#include "history/index_private.h"
#include "history/sieve.h"

enum { CANCEL_EVERY = 1024 };

struct ask {
    const struct history_index *index;
    const atomic_bool *cancel;
    struct err *err;
    bool by_metric, by_rest; /* the sieve below counts */
    struct sieve metrics;    /* pairs */
    struct sieve rests;
    uint32_t *found; /* series, in the order of ids */
    size_t found_count;
};

/* A matcher made ready. */
struct condition {
    const struct label_matcher *matcher;
    struct regex *regex;
    struct regex_text equal;
    bool wanted; /* what the test must give for the matcher to match */
};

static int out_of_memory(struct ask *ask)
{
    return err_set(ask->err, BUSBAR_ENOMEM, "out of memory");
}

static bool is_canceled(const struct ask *ask)
{
    return ask->cancel != NULL && atomic_load_explicit(ask->cancel, memory_order_relaxed);
}

static int canceled(struct ask *ask)
{
    return err_set(ask->err, BUSBAR_ECANCELED, "canceled");
}

/* --- one matcher --- */

static int condition_init(struct condition *condition, const struct label_matcher *matcher,
                          struct err *err)
{
    bool expression = matcher->match == LABEL_MATCHES || matcher->match == LABEL_NOT_MATCHES;
    *condition = (struct condition){
        .matcher = matcher,
        .equal = { matcher->value, strlen(matcher->value) },
        .wanted = matcher->match == LABEL_EQUAL || matcher->match == LABEL_MATCHES,
    };
    if (!expression) {
        return 0;
    }
    int error = regex_new(matcher->value, condition->equal.size, &condition->regex, err);
    if (error != 0) {
        err_prefix(err, "wrong regular expression of label '%.100s'", matcher->name);
    }
    return error;
}

/* 1: the matcher likes the value, 0: it does not, or an error. */
static int likes(struct ask *ask, const struct condition *condition, const char *value, size_t size)
{
    int matches = 0;
    if (condition->regex != NULL) {
        matches = regex_match(condition->regex, value, size);
    } else {
        matches = size == condition->equal.size && memcmp(value, condition->equal.text, size) == 0;
    }
    if (matches < 0) {
        return err_set(
            ask->err, matches,
            "the regular expression of label '%.100s' takes too many steps for the value "
            "'%.40s'",
            condition->matcher->name, value);
    }
    return (matches != 0) == condition->wanted;
}

/* What the matcher asks for by name: the value itself, or the alternatives of the expression. */
static size_t named_values(const struct condition *condition, const struct regex_text **values)
{
    if (condition->regex != NULL) {
        return regex_literals(condition->regex, values);
    }
    *values = &condition->equal;
    return 1;
}

static int add_pair(struct ask *ask, uint32_t pair, bool metric, struct sieve *to)
{
    const struct postings *members = &index_pair(ask->index, pair)->members;
    bool added = members->count == 0 || (metric ? sieve_add(to, pair) : postings_into(members, to));
    return added ? 0 : out_of_memory(ask);
}

/* Adds the pairs of a name whose value passes (or fails) the matcher: metrics themselves, else their rests. */
static int add_pairs(struct ask *ask, const struct condition *condition, uint32_t number,
                     bool passing, struct sieve *to)
{
    const struct index_name *name = index_name(ask->index, number);
    const struct regex_text *values;
    size_t named = named_values(condition, &values);
    bool metric = number == INDEX_METRIC;
    int error = 0;
    if (named > 0 && passing == condition->wanted) {
        for (size_t i = 0; i < named && error == 0; i++) {
            uint32_t pair;
            if (index_find_pair(ask->index, number, values[i].text, values[i].size, &pair)) {
                error = add_pair(ask, pair, metric, to);
            }
        }
        return error;
    }
    for (uint32_t i = 0; i < name->count && error == 0; i++) {
        const struct index_pair *pair = index_pair(ask->index, name->pairs[i]);
        if (i % CANCEL_EVERY == 0 && is_canceled(ask)) {
            return canceled(ask);
        }
        if (pair->members.count == 0) {
            continue;
        }
        error = likes(ask, condition, pair->value, pair->size);
        if (error >= 0) {
            error = (error != 0) == passing ? add_pair(ask, name->pairs[i], metric, to) : 0;
        }
    }
    return error;
}

/* All rests that are in use. */
static int add_all_rests(struct ask *ask)
{
    for (uint32_t i = 0; i < ask->index->rests.count; i++) {
        if (index_rest(ask->index, i)->series.count > 0 && !sieve_add(&ask->rests, i)) {
            return out_of_memory(ask);
        }
    }
    return 0;
}

/* Keeps in `kept` what is (or is not) in `other`; the first of its kind makes it. */
static int narrow(struct ask *ask, struct sieve *kept, bool *counts, struct sieve *other, bool with)
{
    if (!*counts && with) {
        *kept = *other;
        *other = (struct sieve){ 0 };
    } else {
        int error = *counts ? 0 : add_all_rests(ask);
        if (error != 0) {
            return error;
        }
        sieve_keep(kept, other, with);
    }
    *counts = true;
    return 0;
}

static int apply(struct ask *ask, const struct condition *condition)
{
    const char *name = condition->matcher->name;
    uint32_t number;
    bool known = index_find_name(ask->index, name, strlen(name), &number);
    int empty = likes(ask, condition, "", 0);
    if (empty < 0) {
        return empty;
    }
    struct sieve picked = { 0 };
    int error = 0;
    if (known && number == INDEX_METRIC) {
        error = add_pairs(ask, condition, number, true, &picked);
        error = error == 0 ? narrow(ask, &ask->metrics, &ask->by_metric, &picked, true) : error;
    } else if (known || empty == 0) {
        error = known ? add_pairs(ask, condition, number, empty == 0, &picked) : 0;
        error = error == 0 ? narrow(ask, &ask->rests, &ask->by_rest, &picked, empty == 0) : error;
    }
    sieve_fini(&picked);
    return error;
}

/* --- both sides --- */

static uint64_t size_of_metrics(const struct ask *ask)
{
    uint64_t size = 0;
    uint32_t at = 0, number;
    while (sieve_next(&ask->metrics, &at, &number)) {
        size += index_pair(ask->index, number)->members.count;
    }
    return size;
}

static uint64_t size_of_rests(const struct ask *ask)
{
    uint64_t size = 0;
    uint32_t at = 0, number;
    while (sieve_next(&ask->rests, &at, &number)) {
        size += index_rest(ask->index, number)->series.count;
    }
    return size;
}

/* Where found series go: one set of postings is in order already, several meet in a sieve. */
struct finding {
    struct ask *ask;
    bool by_metric; /* the series' metric must be in the set, else its rest */
    bool failed;
    bool straight; /* to ask->found */
    struct sieve sieve;
};

static bool keep_series(void *ctx, uint32_t id)
{
    struct finding *finding = ctx;
    struct ask *ask = finding->ask;
    const struct index_series *series = index_at(&ask->index->series, sizeof(struct index_series),
                                                 id);
    bool kept = finding->by_metric ? sieve_holds(&ask->metrics, series->metric)
                                   : sieve_holds(&ask->rests, series->rest - 1);
    if (kept && finding->straight) {
        ask->found[ask->found_count++] = id;
    } else if (kept) {
        finding->failed = !sieve_add(&finding->sieve, id);
    }
    return !finding->failed;
}

static bool take_series(void *ctx, uint32_t id)
{
    struct ask *ask = ctx;
    ask->found[ask->found_count++] = id;
    return true;
}

static int make_room(struct ask *ask, size_t count)
{
    ask->found = busbar_try_alloc(count * sizeof(*ask->found));
    return ask->found != NULL ? 0 : out_of_memory(ask);
}

static int list_all_series(struct ask *ask)
{
    int error = make_room(ask, ask->index->series_count);
    for (uint32_t id = 0; id < ask->index->series.count && error == 0; id++) {
        if (index_series(ask->index, id) != NULL) {
            ask->found[ask->found_count++] = id;
        }
    }
    return error;
}

static const struct postings *series_of(const struct ask *ask, bool from_metrics, uint32_t number)
{
    return from_metrics ? &index_pair(ask->index, number)->members
                        : &index_rest(ask->index, number)->series;
}

/* The one member of a side; false: it has none or several. */
static bool is_single(const struct sieve *side, uint32_t *number)
{
    uint32_t at = 0, second;
    return sieve_next(side, &at, number) && !sieve_next(side, &at, &second);
}

static int list_single(struct ask *ask, const struct postings *series, struct finding *finding,
                       bool filtered)
{
    int error = make_room(ask, series->count);
    if (error == 0) {
        postings_each(series, filtered ? keep_series : take_series,
                      filtered ? (void *)finding : ask);
    }
    return error;
}

static int list_sieve(struct ask *ask, const struct sieve *sieve)
{
    int error = make_room(ask, sieve_count(sieve));
    for (uint32_t i = 0; i < sieve->count && error == 0; i++) {
        const uint64_t *piece = sieve->pieces[i];
        for (uint32_t word = 0; piece != NULL && word < SIEVE_WORDS; word++) {
            for (uint64_t bits = piece[word]; bits != 0; bits &= bits - 1) {
                uint32_t lower = word * 64 + (uint32_t)__builtin_ctzll(bits);
                ask->found[ask->found_count++] = i << 16 | lower;
            }
        }
    }
    return error;
}

static int gather_side(struct ask *ask, const struct sieve *side, bool from_metrics, bool filtered,
                       struct finding *finding)
{
    uint32_t at = 0, number;
    for (size_t i = 0; sieve_next(side, &at, &number); i++) {
        const struct postings *series = series_of(ask, from_metrics, number);
        if (i % CANCEL_EVERY == 0 && is_canceled(ask)) {
            return canceled(ask);
        }
        if (!filtered) {
            finding->failed = !postings_into(series, &finding->sieve);
        } else {
            postings_each(series, keep_series, finding);
        }
        if (finding->failed) {
            return out_of_memory(ask);
        }
    }
    return 0;
}

/* The series of one side, those that the other side likes too. */
static int list_side(struct ask *ask, bool from_metrics, bool filtered)
{
    struct finding finding = { .ask = ask, .by_metric = !from_metrics };
    const struct sieve *side = from_metrics ? &ask->metrics : &ask->rests;
    uint32_t number;
    if (is_single(side, &number)) {
        finding.straight = true;
        return list_single(ask, series_of(ask, from_metrics, number), &finding, filtered);
    }
    int error = gather_side(ask, side, from_metrics, filtered, &finding);
    error = error == 0 ? list_sieve(ask, &finding.sieve) : error;
    sieve_fini(&finding.sieve);
    return error;
}

static int find(struct ask *ask)
{
    if (!ask->by_metric && !ask->by_rest) {
        return list_all_series(ask);
    }
    if (!ask->by_metric || !ask->by_rest) {
        return list_side(ask, ask->by_metric, false);
    }
    return list_side(ask, size_of_metrics(ask) <= size_of_rests(ask), true);
}

/* Read lock held. */
static int select_series(struct ask *ask, struct condition *conditions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int error = apply(ask, &conditions[i]);
        if (error != 0) {
            return error;
        }
    }
    return find(ask);
}

/* --- calls --- */

struct question {
    struct ask ask;
    struct condition conditions[HISTORY_MATCHERS_MAX];
    size_t count;
};

static void question_free(struct question *question)
{
    for (size_t i = 0; i < question->count; i++) {
        regex_free(question->conditions[i].regex);
    }
    sieve_fini(&question->ask.metrics);
    sieve_fini(&question->ask.rests);
    busbar_free(question->ask.found);
    busbar_free(question);
}

static int question_new(const struct history_index *index, const struct label_matcher *matchers,
                        size_t count, const atomic_bool *cancel, struct err *err,
                        struct question **made)
{
    *made = NULL;
    if (count > HISTORY_MATCHERS_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "a selector has %zu matchers; at most %d", count,
                       HISTORY_MATCHERS_MAX);
    }
    struct question *question = busbar_try_alloc(sizeof(*question));
    if (question == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    question->ask.index = index;
    question->ask.cancel = cancel;
    question->ask.err = err;
    for (; question->count < count; question->count++) {
        int error = condition_init(&question->conditions[question->count],
                                   &matchers[question->count], err);
        if (error != 0) {
            question_free(question);
            return error;
        }
    }
    *made = question;
    return 0;
}

int history_index_select(struct history_index *index, const struct label_matcher *matchers,
                         size_t matcher_count, size_t limit, const atomic_bool *cancel,
                         uint32_t **series, size_t *count, struct err *err)
{
    struct question *question;
    *series = NULL;
    *count = 0;
    int error = question_new(index, matchers, matcher_count, cancel, err, &question);
    if (error != 0) {
        return error;
    }
    pthread_rwlock_rdlock(&index->lock);
    error = select_series(&question->ask, question->conditions, question->count);
    pthread_rwlock_unlock(&index->lock);
    struct ask *ask = &question->ask;
    if (error == 0 && ask->found_count > limit) {
        error = err_set(err, BUSBAR_ELIMIT, "%zu series match; at most %zu are allowed",
                        ask->found_count, limit);
    }
    if (error == 0) {
        *series = ask->found;
        *count = ask->found_count;
        ask->found = NULL;
    }
    question_free(question);
    return error;
}

/* --- texts --- */

struct texts {
    struct regex_text *all;
    size_t count, capacity;
};

static int add_text(struct texts *texts, const char *text, size_t size)
{
    if (texts->count == texts->capacity) {
        size_t capacity = texts->capacity == 0 ? 256 : 2 * texts->capacity;
        struct regex_text *all = busbar_try_realloc(texts->all, capacity * sizeof(*all));
        if (all == NULL) {
            return BUSBAR_ENOMEM;
        }
        texts->all = all;
        texts->capacity = capacity;
    }
    texts->all[texts->count++] = (struct regex_text){ text, size };
    return 0;
}

/* Every name (wanted NULL) or every value of a name. */
static int add_all_texts(const struct history_index *index, const uint32_t *wanted,
                         struct texts *texts)
{
    int error = 0;
    if (wanted == NULL) {
        for (uint32_t i = 0; i < index->names.count && error == 0; i++) {
            const struct index_name *name = index_name(index, i);
            error = name->live > 0 ? add_text(texts, name->text, name->size) : 0;
        }
        return error;
    }
    const struct index_name *name = index_name(index, *wanted);
    for (uint32_t i = 0; i < name->count && error == 0; i++) {
        const struct index_pair *pair = index_pair(index, name->pairs[i]);
        bool live = pair->members.count > 0 && name->pairs[i] != INDEX_NO_METRIC;
        error = live ? add_text(texts, pair->value, pair->size) : 0;
    }
    return error;
}

/* The pairs (values) or names that the series have, each once. `seen` is by pair or by name. */
static int add_seen(const struct history_index *index, uint32_t number, const uint32_t *wanted,
                    struct sieve *seen, struct texts *texts)
{
    const struct index_pair *pair = index_pair(index, number);
    const struct index_name *name = index_name(index, pair->name);
    uint32_t key = wanted != NULL ? number : pair->name;
    if (number == INDEX_NO_METRIC || (wanted != NULL && pair->name != *wanted) ||
        sieve_holds(seen, key)) {
        return 0;
    }
    if (!sieve_add(seen, key)) {
        return BUSBAR_ENOMEM;
    }
    return wanted != NULL ? add_text(texts, pair->value, pair->size)
                          : add_text(texts, name->text, name->size);
}

/* The metrics and rests of the found series, into the sieves of the question. */
static int gather(struct ask *ask)
{
    sieve_fini(&ask->metrics);
    sieve_fini(&ask->rests);
    for (size_t i = 0; i < ask->found_count; i++) {
        const struct index_series *series = index_series(ask->index, ask->found[i]);
        if (!sieve_add(&ask->metrics, series->metric) ||
            !sieve_add(&ask->rests, series->rest - 1)) {
            return BUSBAR_ENOMEM;
        }
    }
    return 0;
}

static int add_found_texts(struct ask *ask, const uint32_t *wanted, struct texts *texts)
{
    struct sieve seen = { 0 };
    int error = gather(ask);
    uint32_t at = 0, number;
    while (error == 0 && sieve_next(&ask->metrics, &at, &number)) {
        error = add_seen(ask->index, number, wanted, &seen, texts);
    }
    at = 0;
    while (error == 0 && sieve_next(&ask->rests, &at, &number)) {
        const struct index_rest *rest = index_rest(ask->index, number);
        for (uint32_t i = 0; i < rest->count && error == 0; i++) {
            error = add_seen(ask->index, rest->pairs[i], wanted, &seen, texts);
        }
    }
    sieve_fini(&seen);
    return error;
}

static int by_text(const void *a, const void *b)
{
    const struct regex_text *left = a, *right = b;
    size_t size = left->size < right->size ? left->size : right->size;
    int order = memcmp(left->text, right->text, size);
    return order != 0 ? order : left->size < right->size ? -1 : left->size > right->size;
}

/* Read lock held. */
static int gather_texts(struct question *question, const char *name, struct texts *texts)
{
    struct ask *ask = &question->ask;
    uint32_t number;
    bool known = name == NULL || index_find_name(ask->index, name, strlen(name), &number);
    const uint32_t *wanted = name == NULL ? NULL : &number;
    int error = 0;
    if (known && question->count == 0) {
        error = add_all_texts(ask->index, wanted, texts);
    } else if (known) {
        error = select_series(ask, question->conditions, question->count);
        if (error != 0) {
            return error;
        }
        error = add_found_texts(ask, wanted, texts);
    }
    return error != 0 ? out_of_memory(ask) : 0;
}

int history_index_texts(struct history_index *index, const char *name,
                        const struct label_matcher *matchers, size_t matcher_count,
                        const atomic_bool *cancel, history_index_text_cb cb, void *ctx,
                        struct err *err)
{
    struct question *question;
    struct texts texts = { 0 };
    int error = question_new(index, matchers, matcher_count, cancel, err, &question);
    if (error != 0) {
        return error;
    }
    pthread_rwlock_rdlock(&index->lock);
    error = gather_texts(question, name, &texts);
    pthread_rwlock_unlock(&index->lock);
    question_free(question);
    if (error == 0 && texts.count > 0) {
        qsort(texts.all, texts.count, sizeof(*texts.all), by_text);
        for (size_t i = 0; i < texts.count && cb(ctx, texts.all[i].text, texts.all[i].size); i++) {
        }
    }
    busbar_free(texts.all);
    return error;
}
