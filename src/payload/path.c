/* SPDX-License-Identifier: Apache-2.0 */
/* What a path finds in a tree. Recursion goes down the steps and the message together, so it is no deeper than both;
 * every node that is looked at is counted, so that no path makes more of a message than the limit. */
#include "payload/path.h"

#include <string.h>

#include "payload/path_parts.h"

struct walk {
    const struct payload_node *root;
    payload_found_cb found;
    void *ctx;
    int count;
    bool stop;
    uint32_t *visits; /* shared with the filters' own walks */
};

static bool spend(struct walk *walk, uint32_t visits)
{
    *walk->visits += visits;
    walk->stop = walk->stop || *walk->visits > PAYLOAD_PATH_VISITS_MAX;
    return !walk->stop;
}

static bool is_container(const struct payload_node *node)
{
    return node->type == PAYLOAD_ARRAY || node->type == PAYLOAD_OBJECT;
}

/* ---- single queries ---- */

/* From the end when it is negative; false: the array has no such place. */
static bool at_place(const struct payload_node *array, int64_t index, uint32_t *place)
{
    index = index < 0 ? index + array->size : index;
    *place = (uint32_t)index;
    return array->type == PAYLOAD_ARRAY && index >= 0 && index < array->size;
}

static const struct payload_node *element(const struct payload_node *array, uint32_t place)
{
    const struct payload_node *node = array + 1;
    for (uint32_t i = 0; i < place; i++) {
        node += node->next;
    }
    return node;
}

static const struct payload_node *find_single(const struct path_query *query,
                                              const struct payload_node *node, uint32_t *visits)
{
    for (size_t i = 0; i < query->count && node != NULL; i++) {
        const struct path_selector *selector = &query->steps[i].selectors[0];
        uint32_t place;
        *visits += is_container(node) ? node->size : 1;
        if (selector->type == PATH_NAME) {
            node = payload_node_get(node, selector->name, selector->name_size);
        } else {
            node = at_place(node, selector->index, &place) ? element(node, place) : NULL;
        }
    }
    return node;
}

/* ---- filters ---- */

static bool is_number(const struct payload_node *node)
{
    return node->type == PAYLOAD_INT || node->type == PAYLOAD_DOUBLE;
}

static double as_double(const struct payload_node *node)
{
    return node->type == PAYLOAD_INT ? (double)node->value.i : node->value.d;
}

static bool equal_text(const struct payload_node *a, const struct payload_node *b)
{
    return a->size == b->size &&
           (a->size == 0 || memcmp(a->value.text, b->value.text, a->size) == 0);
}

static bool equal(struct walk *walk, const struct payload_node *a, const struct payload_node *b)
{
    if (!spend(walk, 1)) {
        return false;
    }
    if (is_number(a) && is_number(b)) {
        return a->type == PAYLOAD_INT && b->type == PAYLOAD_INT ? a->value.i == b->value.i
                                                                : as_double(a) == as_double(b);
    }
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case PAYLOAD_NULL: return true;
    case PAYLOAD_BOOL: return a->value.b == b->value.b;
    case PAYLOAD_TEXT:
    case PAYLOAD_BYTES: return equal_text(a, b);
    default: break;
    }
    bool same = a->size == b->size;
    const struct payload_node *member = a + 1;
    const struct payload_node *other = b + 1;
    for (uint32_t i = 0; i < a->size && same; i++, member += member->next) {
        if (a->type == PAYLOAD_ARRAY) {
            same = equal(walk, member, other);
            other += other->next;
        } else {
            other = spend(walk, b->size) ? payload_node_get(b, member->key, member->key_size)
                                         : NULL;
            same = other != NULL && equal(walk, member, other);
        }
    }
    return same;
}

/* Only numbers and texts have an order. */
static bool less(const struct payload_node *a, const struct payload_node *b)
{
    if (is_number(a) && is_number(b)) {
        return a->type == PAYLOAD_INT && b->type == PAYLOAD_INT ? a->value.i < b->value.i
                                                                : as_double(a) < as_double(b);
    }
    if (a->type != PAYLOAD_TEXT || b->type != PAYLOAD_TEXT) {
        return false;
    }
    uint32_t common = a->size < b->size ? a->size : b->size;
    int order = common > 0 ? memcmp(a->value.text, b->value.text, common) : 0;
    return order < 0 || (order == 0 && a->size < b->size);
}

static const struct payload_node *side(struct walk *walk, const struct path_operand *operand,
                                       const struct payload_node *node)
{
    if (operand->literal) {
        return &operand->value;
    }
    return find_single(&operand->query, operand->query.absolute ? walk->root : node, walk->visits);
}

/* What is not there is equal only to what is not there either (RFC 9535, 2.3.5.2.2). */
static bool compare(struct walk *walk, const struct path_test *test,
                    const struct payload_node *node)
{
    const struct payload_node *a = side(walk, &test->left_side, node);
    const struct payload_node *b = side(walk, &test->right_side, node);
    bool both = a != NULL && b != NULL;
    switch (test->type) {
    case PATH_EQUAL: return both ? equal(walk, a, b) : a == b;
    case PATH_UNEQUAL: return both ? !equal(walk, a, b) : a != b;
    case PATH_LESS: return both && less(a, b);
    case PATH_LESS_EQUAL: return both ? less(a, b) || equal(walk, a, b) : a == b;
    case PATH_MORE: return both && less(b, a);
    default: return both ? less(b, a) || equal(walk, a, b) : a == b;
    }
}

static void follow(struct walk *walk, const struct path_query *query, size_t step,
                   const struct payload_node *node);

static bool stop_at_first(void *ctx, const struct payload_node *node)
{
    (void)ctx;
    (void)node;
    return false;
}

static bool there(struct walk *walk, const struct path_query *query,
                  const struct payload_node *node)
{
    const struct payload_node *from = query->absolute ? walk->root : node;
    if (query->single) {
        return find_single(query, from, walk->visits) != NULL;
    }
    struct walk inner = { .root = walk->root, .found = stop_at_first, .visits = walk->visits };
    follow(&inner, query, 0, from);
    return inner.count > 0;
}

static bool passes(struct walk *walk, const struct path_test *test, const struct payload_node *node)
{
    if (!spend(walk, 1)) {
        return false;
    }
    switch (test->type) {
    case PATH_OR: return passes(walk, test->left, node) || passes(walk, test->right, node);
    case PATH_AND: return passes(walk, test->left, node) && passes(walk, test->right, node);
    case PATH_NOT: return !passes(walk, test->left, node);
    case PATH_THERE: return there(walk, &test->left_side.query, node);
    default: return compare(walk, test, node);
    }
}

/* ---- steps ---- */

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* RFC 9535, 2.3.4.2.2 */
static void follow_slice(struct walk *walk, const struct path_query *query, size_t step,
                         const struct path_selector *slice, const struct payload_node *array)
{
    int64_t size = array->size;
    int64_t by = slice->index;
    if (array->type != PAYLOAD_ARRAY || by == 0) {
        return;
    }
    int64_t from = slice->has_from ? slice->from : by > 0 ? 0 : size - 1;
    int64_t to = slice->has_to ? slice->to : by > 0 ? size : -size - 1;
    from = from < 0 ? from + size : from;
    to = to < 0 ? to + size : to;
    from = by > 0 ? clamp(from, 0, size) : clamp(from, -1, size - 1);
    to = by > 0 ? clamp(to, 0, size) : clamp(to, -1, size - 1);
    by = clamp(by, -size - 1, size + 1);
    const struct payload_node *node = array + 1;
    int64_t place = 0;
    for (int64_t i = from; (by > 0 ? i < to : i > to) && !walk->stop; i += by) {
        if (i < place) { /* backwards: from the start again */
            node = array + 1;
            place = 0;
        }
        if (!spend(walk, (uint32_t)(i - place + 1))) {
            return;
        }
        for (; place < i; place++) {
            node += node->next;
        }
        follow(walk, query, step + 1, node);
    }
}

static void follow_members(struct walk *walk, const struct path_query *query, size_t step,
                           const struct path_test *filter, const struct payload_node *container)
{
    if (!is_container(container)) {
        return;
    }
    const struct payload_node *node = container + 1;
    for (uint32_t i = 0; i < container->size && spend(walk, 1); i++, node += node->next) {
        if (filter == NULL || passes(walk, filter, node)) {
            follow(walk, query, step + 1, node);
        }
    }
}

static void follow_selector(struct walk *walk, const struct path_query *query, size_t step,
                            const struct path_selector *selector, const struct payload_node *node)
{
    const struct payload_node *next = NULL;
    uint32_t place;
    switch (selector->type) {
    case PATH_NAME:
        next = spend(walk, node->size) ? payload_node_get(node, selector->name, selector->name_size)
                                       : NULL;
        break;
    case PATH_INDEX:
        if (at_place(node, selector->index, &place) && spend(walk, place + 1)) {
            next = element(node, place);
        }
        break;
    case PATH_SLICE: follow_slice(walk, query, step, selector, node); return;
    case PATH_ANY: follow_members(walk, query, step, NULL, node); return;
    case PATH_FILTER: follow_members(walk, query, step, selector->filter, node); return;
    }
    if (next != NULL) {
        follow(walk, query, step + 1, next);
    }
}

static void follow(struct walk *walk, const struct path_query *query, size_t step,
                   const struct payload_node *node)
{
    if (walk->stop) {
        return;
    }
    if (step == query->count) {
        walk->count++;
        walk->stop = !walk->found(walk->ctx, node);
        return;
    }
    const struct path_step *here = &query->steps[step];
    /* At any depth: all that is inside stands in a row behind it. */
    const struct payload_node *end = node + (here->deep ? node->next : 1);
    for (; node < end && spend(walk, 1); node++) {
        for (size_t i = 0; i < here->count && !walk->stop && is_container(node); i++) {
            follow_selector(walk, query, step, &here->selectors[i], node);
        }
    }
}

int payload_path_each(const struct payload_path *path, const struct payload_node *root,
                      payload_found_cb found, void *ctx)
{
    uint32_t visits = 0;
    struct walk walk = { .root = root, .found = found, .ctx = ctx, .visits = &visits };
    follow(&walk, &path->query, 0, root);
    return visits > PAYLOAD_PATH_VISITS_MAX ? BUSBAR_ELIMIT : walk.count;
}

static bool keep_first(void *ctx, const struct payload_node *node)
{
    const struct payload_node **first = ctx;
    *first = node;
    return false;
}

const struct payload_node *payload_path_first(const struct payload_path *path,
                                              const struct payload_node *root)
{
    const struct payload_node *first = NULL;
    uint32_t visits = 0;
    if (path->query.single) {
        return find_single(&path->query, root, &visits);
    }
    (void)payload_path_each(path, root, keep_first, &first);
    return first;
}
