/* SPDX-License-Identifier: Apache-2.0 */
/* Against a naive twin: an array that is searched for its smallest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/heap.h"
#include <cmocka.h>

enum { ITEMS = 200, ROUNDS = 20000 };

struct item {
    int64_t key;
    struct heap_node node;
};

static bool before(const struct heap_node *a, const struct heap_node *b)
{
    return heap_entry(a, struct item, node)->key < heap_entry(b, struct item, node)->key;
}

static struct item *naive_first(struct item *items)
{
    struct item *first = NULL;
    for (size_t i = 0; i < ITEMS; i++) {
        if (heap_holds(&items[i].node) && (first == NULL || items[i].key < first->key)) {
            first = &items[i];
        }
    }
    return first;
}

static void check(const struct heap *heap, struct item *items)
{
    struct item *first = naive_first(items);
    if (first == NULL) {
        assert_null(heap_first(heap));
    } else {
        assert_int_equal(heap_entry(heap_first(heap), struct item, node)->key, first->key);
    }
    for (size_t i = 0; i < heap->count; i++) {
        assert_int_equal(heap->nodes[i]->place, i + 1);
    }
}

static void random_operations_match_the_naive_twin(void **state)
{
    (void)state;
    struct heap heap;
    static struct item items[ITEMS];
    uint64_t seed = 42;
    heap_init(&heap, before);
    for (int round = 0; round < ROUNDS; round++) {
        struct item *item = &items[hash_random(&seed) % ITEMS];
        uint64_t action = hash_random(&seed) % 4;
        if (!heap_holds(&item->node)) {
            item->key = (int64_t)(hash_random(&seed) % 1000);
            heap_insert(&heap, &item->node);
        } else if (action == 0) {
            heap_remove(&heap, &item->node);
        } else if (action == 1) {
            item->key = (int64_t)(hash_random(&seed) % 1000);
            heap_update(&heap, &item->node);
        } else if (action == 2) {
            int64_t key = naive_first(items)->key;
            assert_int_equal(heap_entry(heap_pop(&heap), struct item, node)->key, key);
        }
        if (round % 16 == 0) {
            check(&heap, items);
        }
    }
    int64_t last = INT64_MIN;
    for (struct heap_node *node = heap_pop(&heap); node != NULL; node = heap_pop(&heap)) {
        int64_t key = heap_entry(node, struct item, node)->key;
        assert_true(key >= last);
        assert_false(heap_holds(node));
        last = key;
    }
    assert_int_equal(heap.count, 0);
    heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_match_the_naive_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
