/* SPDX-License-Identifier: Apache-2.0 */
/* The store of what a device told: deep copies, and a bound on their size. */
#include "server/nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"

static void a_copy_outlives_what_it_was_made_of(void **state)
{
    char id[] = "ai:1", name[] = "SAT", state_name[] = "on";
    struct text *text = text_new("hello", 5);
    struct point_enum states[] = { { 1, state_name } };
    struct driver_node node = { .id = id,
                                .name = name,
                                .enums = states,
                                .enum_count = 1,
                                .value = { .type = VALUE_TEXT, .value.text = text } };
    struct nodes nodes;
    (void)state;
    nodes_init(&nodes, 1 << 20);
    assert_true(nodes_add(&nodes, &node));
    id[0] = name[0] = state_name[0] = 'X';
    states[0].value = 9;
    busbar_free(text);
    const struct driver_node *kept = nodes.list[0];
    assert_string_equal(kept->id, "ai:1");
    assert_string_equal(kept->name, "SAT");
    assert_string_equal(kept->parent, "");
    assert_string_equal(kept->enums[0].name, "on");
    assert_int_equal(kept->enums[0].value, 1);
    assert_string_equal(kept->value.value.text->bytes, "hello");
    assert_null(kept->point);
    assert_null(kept->value_text);
    nodes_fini(&nodes);
}

static void what_has_no_room_is_counted(void **state)
{
    enum { ROOM = 64 * 1024, TRIED = 1000 };
    struct nodes nodes;
    char id[512];
    (void)state;
    nodes_init(&nodes, ROOM);
    memset(id, 'a', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    for (int i = 0; i < TRIED; i++) {
        (void)nodes_add(&nodes, &(struct driver_node){ .id = id });
    }
    assert_true(nodes.count > 20);
    assert_int_equal(nodes.count + nodes.left_out, TRIED);
    assert_string_equal(nodes.list[nodes.count - 1]->id, id);
    assert_true(nodes_bytes(&nodes) <= 2 * ROOM);
    nodes_fini(&nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_outlives_what_it_was_made_of),
        cmocka_unit_test(what_has_no_room_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
