/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregations that pick rows instead of making new ones, anew at each step: topk, bottomk,
 * limitk, limit_ratio. A picked row keeps its labels; it has values where it was picked. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "promql/evaluator.h"
#include "promql/keys.h"
#include "promql/xxhash.h"

struct pick {
    struct promql_eval *eval;
    const struct promql_groups *groups;
    uint32_t *heap; /* row numbers, the least wanted on top */
    size_t heap_count;
    size_t step;
    double *places;   /* limit_ratio: of each row, in 0 to 1 */
    double **results; /* of each row, NULL until it is picked */
};

static double value_of(const struct pick *pick, uint32_t row)
{
    return pick->groups->input->rows[row].values[pick->step];
}

/* True when a is less wanted than b: NaN is never wanted. */
static bool is_worse(const struct pick *pick, uint32_t a, uint32_t b)
{
    double left = value_of(pick, a), right = value_of(pick, b);
    if (isnan(left) || isnan(right)) {
        return isnan(left) && !isnan(right);
    }
    return pick->groups->node->aggregation == PROMQL_AGG_TOPK ? left < right : left > right;
}

static void sift_down(struct pick *pick, size_t at, size_t count)
{
    uint32_t *heap = pick->heap;
    uint32_t row = heap[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_worse(pick, heap[child + 1], heap[child])) {
            child++;
        }
        if (!is_worse(pick, heap[child], row)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = row;
}

static void sift_up(struct pick *pick, size_t at)
{
    uint32_t *heap = pick->heap;
    uint32_t row = heap[at];
    while (at > 0 && is_worse(pick, row, heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = row;
}

static void offer(struct pick *pick, uint32_t row, size_t k)
{
    if (pick->heap_count < k) {
        pick->heap[pick->heap_count] = row;
        sift_up(pick, pick->heap_count++);
    } else if (is_worse(pick, pick->heap[0], row)) {
        pick->heap[0] = row;
        sift_down(pick, 0, k);
    }
}

/* The heap becomes a list, the most wanted first. */
static void sort_heap(struct pick *pick)
{
    for (size_t left = pick->heap_count; left > 1; left--) {
        uint32_t worst = pick->heap[0];
        pick->heap[0] = pick->heap[left - 1];
        sift_down(pick, 0, left - 1);
        pick->heap[left - 1] = worst;
    }
}

static int take(struct pick *pick, uint32_t row)
{
    int error = 0;
    if (pick->results[row] == NULL) {
        pick->results[row] = promql_new_values(pick->eval, &error);
        if (pick->results[row] == NULL) {
            return error;
        }
        promql_fill_absent(pick->results[row], pick->eval->steps);
    }
    pick->results[row][pick->step] = value_of(pick, row);
    return 0;
}

/* The parameter at this step as a count. A step without any value needs none. */
static int read_count(struct pick *pick, size_t *k)
{
    double param = pick->groups->param[pick->step];
    size_t rows = pick->groups->input->count;
    *k = 0;
    for (size_t i = 0; i < rows; i++) {
        if (promql_is_absent(value_of(pick, (uint32_t)i))) {
            continue;
        }
        if (!(param > -9223372036854775808.0 && param < 9223372036854774784.0)) {
            char text[PROMQL_NUMBER_MAX];
            return promql_eval_fail(pick->eval, BUSBAR_EINVAL, "Scalar value %s overflows int64",
                                    promql_number_text(param, text));
        }
        *k = param < 1 ? 0 : param < (double)rows ? (size_t)param : rows;
        break;
    }
    return 0;
}

/* --- limit_ratio --- */

/* Where a label set stands between 0 and 1: the same place as in Prometheus, which hashes the
 * labels in its own encoding: size and text of each name and value, sizes from 255 on in four
 * bytes. */
static int hash_place(struct pick *pick, const struct promql_row *row, double *place)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < row->label_count; i++) {
        const struct label *label = &row->labels[i];
        const char *texts[] = { label->name, label->value };
        const uint32_t sizes[] = { label->name_size, label->value_size };
        for (size_t j = 0; j < 2; j++) {
            uint8_t head[] = { 255, (uint8_t)sizes[j], (uint8_t)(sizes[j] >> 8),
                               (uint8_t)(sizes[j] >> 16) };
            if (sizes[j] < 255) {
                buf_append_byte(&text, (uint8_t)sizes[j]);
            } else {
                buf_append(&text, head, sizeof(head));
            }
            buf_append(&text, texts[j], sizes[j]);
        }
    }
    *place = (double)xxhash64(text.data, text.size) / 18446744073709551616.0;
    bool failed = text.overflow;
    buf_fini(&text);
    return failed ? promql_eval_no_memory(pick->eval) : 0;
}

static int find_places(struct pick *pick)
{
    const struct promql_matrix *input = pick->groups->input;
    pick->places = busbar_try_alloc(input->count * sizeof(*pick->places));
    int error = pick->places == NULL ? promql_eval_no_memory(pick->eval) : 0;
    for (size_t i = 0; i < input->count && error == 0; i++) {
        error = hash_place(pick, &input->rows[i], &pick->places[i]);
    }
    return error;
}

static bool is_in_ratio(double ratio, double place)
{
    return ratio >= 0 ? place < ratio : place >= 1 + ratio;
}

static void warn_ratios(struct promql_eval *eval, const struct promql_groups *groups)
{
    double low = -1, high = 1;
    for (size_t i = 0; i < eval->steps; i++) {
        low = groups->param[i] < low ? groups->param[i] : low;
        high = groups->param[i] > high ? groups->param[i] : high;
    }
    char text[PROMQL_NUMBER_MAX];
    if (high > 1) {
        promql_eval_warn(eval, groups->node->param,
                         "PromQL warning: ratio value should be between -1 and 1, got %s, capping "
                         "to 1",
                         promql_number_text(high, text));
    }
    if (low < -1) {
        promql_eval_warn(eval, groups->node->param,
                         "PromQL warning: ratio value should be between -1 and 1, got %s, capping "
                         "to -1",
                         promql_number_text(low, text));
    }
}

static int pick_ratio(struct pick *pick)
{
    double ratio = pick->groups->param[pick->step];
    int error = 0;
    for (size_t i = 0; i < pick->groups->input->count && error == 0; i++) {
        if (promql_is_absent(value_of(pick, (uint32_t)i))) {
            continue;
        }
        if (isnan(ratio)) {
            return promql_eval_fail(pick->eval, BUSBAR_EINVAL, "Ratio value NaN is NaN");
        }
        if (ratio != 0 && is_in_ratio(ratio, pick->places[i])) {
            error = take(pick, (uint32_t)i);
        }
    }
    return error;
}

/* --- a step --- */

static int pick_group(struct pick *pick, size_t group, size_t k, struct promql_matrix *out)
{
    const struct promql_groups *groups = pick->groups;
    pick->heap_count = 0;
    bool limits = groups->node->aggregation == PROMQL_AGG_LIMITK;
    for (size_t i = groups->starts[group]; i < groups->starts[group + 1]; i++) {
        uint32_t row = groups->members[i];
        if (promql_is_absent(value_of(pick, row))) {
            continue;
        }
        if (!limits) {
            offer(pick, row, k);
        } else if (pick->heap_count < k) {
            pick->heap[pick->heap_count++] = row;
        }
    }
    if (!limits) {
        sort_heap(pick);
    }
    int error = 0;
    for (size_t i = 0; i < pick->heap_count && error == 0; i++) {
        uint32_t row = pick->heap[i];
        error = take(pick, row);
        if (error == 0 && pick->eval->steps == 1) { /* in this very order */
            struct promql_row picked = groups->input->rows[row];
            picked.values = pick->results[row];
            error = promql_matrix_put(pick->eval, out, &picked);
        }
    }
    return error;
}

static int pick_step(struct pick *pick, struct promql_matrix *out)
{
    if (pick->groups->node->aggregation == PROMQL_AGG_LIMIT_RATIO) {
        return pick_ratio(pick);
    }
    size_t k;
    int error = read_count(pick, &k);
    for (size_t group = 0; k > 0 && group < pick->groups->count && error == 0; group++) {
        error = pick_group(pick, group, k, out);
    }
    return error;
}

int promql_pick_rows(struct promql_eval *eval, const struct promql_groups *groups,
                     struct promql_matrix *out)
{
    const struct promql_matrix *input = groups->input;
    bool ratio = groups->node->aggregation == PROMQL_AGG_LIMIT_RATIO;
    struct pick pick = { .eval = eval, .groups = groups };
    pick.heap = busbar_try_alloc((input->count + 1) * sizeof(*pick.heap));
    pick.results = busbar_try_alloc((input->count + 1) * sizeof(*pick.results));
    int error = pick.heap == NULL || pick.results == NULL ? promql_eval_no_memory(eval) : 0;
    if (error == 0 && ratio) {
        warn_ratios(eval, groups);
        error = find_places(&pick);
    }
    for (; pick.step < eval->steps && error == 0; pick.step++) {
        error = promql_eval_check(eval);
        error = error != 0 ? error : pick_step(&pick, out);
    }
    for (size_t i = 0; i < input->count && error == 0 && (ratio || eval->steps > 1); i++) {
        if (pick.results[i] != NULL) {
            struct promql_row picked = input->rows[i];
            picked.values = pick.results[i];
            error = promql_matrix_put(eval, out, &picked);
        }
    }
    busbar_free(pick.heap);
    busbar_free(pick.results);
    busbar_free(pick.places);
    out->ordered = !ratio && groups->node->aggregation != PROMQL_AGG_LIMITK && eval->steps == 1;
    out->one_name = input->one_name;
    return error;
}
