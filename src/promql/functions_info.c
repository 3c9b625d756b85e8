/* SPDX-License-Identifier: Apache-2.0 */
/* info(vector, {labels}): adds to each series the labels of the info series (target_info) that has the same
 * `instance` and `job`. With a second argument only the labels that it names are added, and series without
 * them are left out unless its matchers let an empty label pass. Of several info series of one name the one
 * with the newest sample counts. */
#include <string.h>

#include "base/alloc.h"
#include "model/regex.h"
#include "promql/evaluator.h"
#include "promql/functions_private.h"
#include "promql/keys.h"

enum { INFO_NAMES_MAX = 16, SETS_MAX = 64 };

static const char *identifying[] = { LABEL_METRIC, "instance", "job" };

struct join {
    struct promql_eval *eval;
    struct promql_node selector;        /* of the info series */
    const struct promql_node *wanted;   /* second argument, or NULL */
    bool wants_labels;                  /* it names labels other than __name__ */
    bool empty_is_fine;                 /* all of them may be empty */
    struct promql_matrix info, times;   /* the same series in the same order */
    struct label names[INFO_NAMES_MAX]; /* names of info metrics that were found */
    size_t name_count;
    struct promql_keys keys; /* of info series */
    size_t group_count;      /* the keys before those of the series to join */
    size_t *starts;
    uint32_t *members;
};

/* --- which info series --- */

static int make_selector(struct join *join)
{
    size_t count = join->wanted != NULL ? join->wanted->matcher_count : 0;
    struct label_matcher *matchers = arena_alloc_array(join->eval->arena, count + 1,
                                                       sizeof(*matchers));
    bool named = false;
    if (matchers == NULL) {
        return promql_eval_no_memory(join->eval);
    }
    for (size_t i = 0; i < count; i++) {
        matchers[i] = join->wanted->matchers[i];
        named = named || strcmp(matchers[i].name, LABEL_METRIC) == 0;
    }
    if (!named) {
        matchers[count++] = (struct label_matcher){ .match = LABEL_EQUAL,
                                                    .name = LABEL_METRIC,
                                                    .value = "target_info" };
    }
    join->selector = (struct promql_node){ .kind = PROMQL_NODE_SELECTOR,
                                           .type = PROMQL_VECTOR,
                                           .matchers = matchers,
                                           .matcher_count = count };
    return 0;
}

static int matcher_takes(struct promql_eval *eval, const struct label_matcher *matcher,
                         const char *text, size_t size, bool *takes)
{
    if (matcher->match == LABEL_EQUAL || matcher->match == LABEL_NOT_EQUAL) {
        bool same = strlen(matcher->value) == size && memcmp(matcher->value, text, size) == 0;
        *takes = same == (matcher->match == LABEL_EQUAL);
        return 0;
    }
    struct regex *regex;
    int error = regex_new(matcher->value, strlen(matcher->value), &regex, eval->err);
    if (error != 0) {
        return error;
    }
    int matches = regex_match(regex, text, size);
    regex_free(regex);
    *takes = (matches > 0) == (matcher->match == LABEL_MATCHES);
    return matches < 0 ? promql_eval_fail(eval, matches, "a regular expression took too long") : 0;
}

/* What the second argument asks for. */
static int look_at_wanted(struct join *join)
{
    join->empty_is_fine = true;
    for (size_t i = 0; join->wanted != NULL && i < join->wanted->matcher_count; i++) {
        const struct label_matcher *matcher = &join->wanted->matchers[i];
        bool takes = true;
        if (strcmp(matcher->name, LABEL_METRIC) != 0) {
            int error = matcher_takes(join->eval, matcher, "", 0, &takes);
            if (error != 0) {
                return error;
            }
            join->wants_labels = true;
            join->empty_is_fine = join->empty_is_fine && takes;
        }
    }
    return 0;
}

/* A series that is itself an info series passes as it is. */
static int is_info(struct join *join, const struct promql_row *row, bool *is)
{
    const struct label *name = labels_get(row->labels, row->label_count, LABEL_METRIC);
    *is = false;
    for (size_t i = 0; i < join->selector.matcher_count && !*is; i++) {
        const struct label_matcher *matcher = &join->selector.matchers[i];
        bool given = join->wanted == NULL || i < join->wanted->matcher_count;
        if (given && strcmp(matcher->name, LABEL_METRIC) == 0) {
            int error = matcher_takes(join->eval, matcher, name != NULL ? name->value : "",
                                      name != NULL ? name->value_size : 0, is);
            if (error != 0) {
                return error;
            }
        }
    }
    return 0;
}

static int collect_names(struct join *join)
{
    for (size_t i = 0; i < join->info.count; i++) {
        const struct promql_row *row = &join->info.rows[i];
        const struct label *name = labels_get(row->labels, row->label_count, LABEL_METRIC);
        size_t at = 0;
        while (name != NULL && at < join->name_count &&
               (join->names[at].value_size != name->value_size ||
                memcmp(join->names[at].value, name->value, name->value_size) != 0)) {
            at++;
        }
        if (name == NULL || at < join->name_count) {
            continue;
        }
        if (join->name_count == INFO_NAMES_MAX) {
            return promql_eval_fail(join->eval, BUSBAR_ELIMIT,
                                    "info() would join more than %d info metrics", INFO_NAMES_MAX);
        }
        join->names[join->name_count++] = *name;
    }
    return 0;
}

static int find_info(struct join *join)
{
    struct promql_eval *eval = join->eval;
    uint32_t *ordinals = NULL;
    struct promql_rule rule = { .names = identifying, .name_count = 3, .with = true };
    int error = make_selector(join);
    error = error == 0 ? look_at_wanted(join) : error;
    error = error == 0 ? promql_evaluate_selector(eval, &join->selector, &join->info) : error;
    error = error == 0 ? promql_evaluate_times(eval, &join->selector, &join->times) : error;
    error = error == 0 ? collect_names(join) : error;
    if (error == 0 && join->info.count != join->times.count) {
        return promql_eval_fail(eval, BUSBAR_EAGAIN, "info series changed while they were read");
    }
    error = error == 0 ? promql_keys_of_rows(eval, &join->keys, &rule, &join->info, &ordinals)
                       : error;
    error = error == 0 ? promql_keys_members(eval, ordinals, join->info.count, join->keys.count,
                                             &join->starts, &join->members)
                       : error;
    join->group_count = join->keys.count;
    busbar_free(ordinals);
    return error;
}

/* --- joining --- */

/* The info series of one name for a row: its group of keys, or false. */
static int find_group(struct join *join, const struct promql_row *row, const struct label *name,
                      size_t *group, bool *found)
{
    struct label labels[3];
    size_t count = 0;
    labels[count] = label_of(LABEL_METRIC, "");
    labels[count].value = name->value;
    labels[count++].value_size = name->value_size;
    for (size_t i = 1; i < 3; i++) {
        const struct label *label = labels_get(row->labels, row->label_count, identifying[i]);
        if (label != NULL) {
            labels[count++] = *label;
        }
    }
    struct label *copy = arena_alloc_array(join->eval->arena, count, sizeof(*copy));
    if (copy == NULL) {
        return promql_eval_no_memory(join->eval);
    }
    memcpy(copy, labels, count * sizeof(*copy));
    int error = promql_keys_put(join->eval, &join->keys, copy, count, group, found);
    *found = *found && *group < join->group_count;
    return error;
}

/* The newest of a group at a step; info.count: none. */
static int newest(struct join *join, size_t group, size_t step, uint32_t *row)
{
    *row = (uint32_t)join->info.count;
    for (size_t i = join->starts[group]; i < join->starts[group + 1]; i++) {
        uint32_t member = join->members[i];
        double time = join->times.rows[member].values[step];
        if (promql_is_absent(time)) {
            continue;
        }
        double best = *row < join->info.count ? join->times.rows[*row].values[step] : -1e300;
        if (time == best) {
            return promql_eval_fail(join->eval, BUSBAR_EINVAL,
                                    "found duplicate series for info metric: two info series have "
                                    "the same name, instance, job and time");
        }
        *row = time > best ? member : *row;
    }
    return 0;
}

static bool is_wanted(const struct join *join, const struct label *label)
{
    bool wanted = !join->wants_labels;
    for (size_t i = 0; !wanted && i < join->wanted->matcher_count; i++) {
        const char *name = join->wanted->matchers[i].name;
        wanted = strlen(name) == label->name_size &&
                 memcmp(name, label->name, label->name_size) == 0;
    }
    return wanted && !(label->name_size == sizeof(LABEL_METRIC) - 1 &&
                       memcmp(label->name, LABEL_METRIC, label->name_size) == 0);
}

/* Adds the labels of an info series that the base does not have. */
static int add_labels(struct join *join, const struct promql_row *base,
                      const struct promql_row *info, struct promql_row *row, bool *added)
{
    for (size_t i = 0; i < info->label_count; i++) {
        const struct label *label = &info->labels[i];
        if (!is_wanted(join, label)) {
            continue;
        }
        const char *name = arena_strndup(join->eval->arena, label->name, label->name_size);
        if (name == NULL) {
            return promql_eval_no_memory(join->eval);
        }
        const struct label *there = labels_get(row->labels, row->label_count, name);
        if (labels_get(base->labels, base->label_count, name) != NULL) {
            continue;
        }
        if (there != NULL && (there->value_size != label->value_size ||
                              memcmp(there->value, label->value, label->value_size) != 0)) {
            return promql_eval_fail(join->eval, BUSBAR_EINVAL, "conflicting label: %s", name);
        }
        *added = true;
        int error = promql_labels_with(join->eval, row, name, label->value, label->value_size);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* The info series of all names at one step, and the row of the answer they make with the base. */
struct combination {
    uint32_t rows[INFO_NAMES_MAX];
    size_t out; /* SIZE_MAX: the series is left out */
};

static int make_row(struct join *join, const struct promql_row *base,
                    struct combination *combination, struct promql_matrix *out)
{
    struct promql_row row = *base;
    bool added = false;
    int error = 0;
    for (size_t i = 0; i < join->name_count && error == 0; i++) {
        if (combination->rows[i] < join->info.count) {
            error = add_labels(join, base, &join->info.rows[combination->rows[i]], &row, &added);
        }
    }
    combination->out = SIZE_MAX;
    if (error == 0 && (added || join->empty_is_fine)) {
        combination->out = out->count;
        (void)promql_matrix_add(join->eval, out, row.labels, row.label_count, &error);
    }
    return error;
}

static int join_row(struct join *join, const struct promql_row *base, struct promql_matrix *out)
{
    size_t groups[INFO_NAMES_MAX];
    bool found[INFO_NAMES_MAX];
    struct combination made[SETS_MAX];
    size_t made_count = 0;
    int error = 0;
    for (size_t i = 0; i < join->name_count && error == 0; i++) {
        error = find_group(join, base, &join->names[i], &groups[i], &found[i]);
    }
    for (size_t step = 0; step < join->eval->steps && error == 0; step++) {
        struct combination now = { 0 };
        if (promql_is_absent(base->values[step])) {
            continue;
        }
        for (size_t i = 0; i < join->name_count && error == 0; i++) {
            now.rows[i] = (uint32_t)join->info.count;
            error = found[i] ? newest(join, groups[i], step, &now.rows[i]) : 0;
        }
        size_t at = 0;
        while (at < made_count && memcmp(made[at].rows, now.rows, sizeof(now.rows)) != 0) {
            at++;
        }
        if (at == made_count && error == 0) {
            at = made_count < SETS_MAX ? made_count++ : SETS_MAX - 1;
            error = make_row(join, base, &now, out);
            made[at] = now;
        }
        if (error == 0 && made[at].out != SIZE_MAX) {
            out->rows[made[at].out].values[step] = base->values[step];
        }
    }
    return error;
}

int promql_special_info(struct promql_eval *eval, const struct promql_node *call,
                        struct promql_matrix *out)
{
    struct promql_matrix base;
    struct join join = { .eval = eval, .wanted = call->arg_count > 1 ? call->args[1] : NULL };
    *out = (struct promql_matrix){ 0 };
    int error = promql_evaluate(eval, call->args[0], &base);
    if (error != 0) {
        return error;
    }
    error = promql_keys_init(eval, &join.keys, base.count);
    error = error == 0 ? find_info(&join) : error;
    for (size_t i = 0; i < base.count && error == 0; i++) {
        bool passes;
        error = is_info(&join, &base.rows[i], &passes);
        if (error == 0) {
            error = passes ? promql_matrix_put(eval, out, &base.rows[i])
                           : join_row(&join, &base.rows[i], out);
        }
        error = error == 0 && i % 256 == 0 ? promql_eval_check(eval) : error;
    }
    promql_keys_fini(&join.keys);
    busbar_free(join.starts);
    busbar_free(join.members);
    if (error == 0) {
        promql_matrix_prune(eval, out);
        error = promql_matrix_check(eval, out);
    }
    return error;
}
