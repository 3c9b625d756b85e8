/* SPDX-License-Identifier: Apache-2.0 */
/* Order, removal while walking, moving. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include <cmocka.h>

struct item {
    int number;
    struct list link;
};

static void check(const struct list *head, const int *numbers, size_t count)
{
    size_t i = 0;
    list_each(at, head) {
        assert_true(i < count);
        assert_int_equal(list_entry(at, struct item, link)->number, numbers[i]);
        assert_ptr_equal(at->next->prev, at);
        i++;
    }
    assert_int_equal(i, count);
}

static void elements_keep_their_order(void **state)
{
    (void)state;
    struct list head;
    struct item items[5];
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_shift(&head));
    for (int i = 0; i < 5; i++) {
        items[i].number = i;
        list_init(&items[i].link);
        if (i % 2 == 0) {
            list_append(&head, &items[i].link);
        } else {
            list_prepend(&head, &items[i].link);
        }
    }
    check(&head, (const int[]){ 3, 1, 0, 2, 4 }, 5);
    list_each_safe(at, &head) {
        if (list_entry(at, struct item, link)->number % 2 == 1) {
            list_remove(at);
            list_remove(at); /* harmless */
        }
    }
    check(&head, (const int[]){ 0, 2, 4 }, 3);
    list_insert_before(&items[2].link, &items[1].link);
    check(&head, (const int[]){ 0, 1, 2, 4 }, 4);
    assert_ptr_equal(list_shift(&head), &items[0].link);
    check(&head, (const int[]){ 1, 2, 4 }, 3);
}

static void all_elements_move(void **state)
{
    (void)state;
    struct list from;
    struct list to;
    struct item items[4];
    list_init(&from);
    list_init(&to);
    for (int i = 0; i < 4; i++) {
        items[i].number = i;
        list_append(i < 2 ? &to : &from, &items[i].link);
    }
    list_move_all(&to, &from);
    check(&to, (const int[]){ 0, 1, 2, 3 }, 4);
    assert_true(list_empty(&from));
    list_move_all(&to, &from);
    check(&to, (const int[]){ 0, 1, 2, 3 }, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_keep_their_order),
        cmocka_unit_test(all_elements_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
