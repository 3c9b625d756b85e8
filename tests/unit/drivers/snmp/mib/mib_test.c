/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue: what was put in comes out, by OID and by name; no change of a byte gets past the checks in a way that
 * reads outside; searches against a walk through all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "catalogue.h"

enum { BYTES_MAX = 1 << 20 };

struct rig {
    struct buf bytes;
    struct mib *mib;
};

static int set_up(void **state)
{
    struct rig *rig = busbar_alloc(sizeof(*rig));
    buf_init(&rig->bytes, BYTES_MAX);
    catalogue_make(&rig->bytes);
    *state = rig;
    return mib_open(rig->bytes.data, rig->bytes.size, &rig->mib);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    mib_close(rig->mib);
    buf_fini(&rig->bytes);
    busbar_free(rig);
    return 0;
}

static struct snmp_oid oid_of(const char *text, struct snmp_oid_buf *room)
{
    assert_int_equal(snmp_oid_parse(text, room, NULL), 0);
    return room->oid;
}

static void all_of_an_object(void **state)
{
    const struct rig *rig = *state;
    const struct mib_object *object = mib_named(rig->mib, "ACME-MIB::acmeMode");
    assert_non_null(object);
    assert_string_equal(object->name, "acmeMode");
    assert_string_equal(object->module, "ACME-MIB");
    assert_string_equal(object->units, "V");
    assert_string_equal(object->description, "what it is");
    assert_int_equal(object->kind, MIB_SCALAR);
    assert_int_equal(object->syntax, MIB_INTEGER);
    assert_int_equal(object->access, MIB_READ_WRITE);
    assert_int_equal(object->enum_count, 3);
    assert_int_equal(object->enums[2].value, -3);
    assert_string_equal(object->enums[2].name, "broken");
    assert_int_equal(object->range_count, 1);
    assert_int_equal(object->ranges[0].low, -3);
    assert_ptr_equal(object->mib, rig->mib);
}

static void a_table(void **state)
{
    const struct rig *rig = *state;
    const struct mib_object *value = mib_named(rig->mib, "acmeValue");
    const struct mib_object *row = mib_row_of(value);
    assert_non_null(row);
    assert_string_equal(row->name, "acmeEntry");
    assert_true(row->implied);
    assert_int_equal(row->index_count, 2);
    assert_string_equal(row->indexes[0]->name, "acmeSlot");
    assert_string_equal(row->indexes[1]->name, "acmeName");
    assert_null(mib_row_of(row));
    const struct mib_object *failed = mib_named(rig->mib, "acmeFailed");
    assert_int_equal(failed->object_count, 1);
    assert_ptr_equal(failed->objects[0], value);
}

static void modules(void **state)
{
    const struct rig *rig = *state;
    assert_int_equal(mib_module_count(rig->mib), 3);
    assert_string_equal(mib_module_at(rig->mib, 0)->name, "ACME-MIB");
    assert_string_equal(mib_module_at(rig->mib, 0)->file, "mibs/acme.mib");
    assert_int_equal(mib_module_at(rig->mib, 0)->objects, 8);
    assert_int_equal(mib_module_at(rig->mib, 1)->objects, 2);
    assert_null(mib_module_at(rig->mib, 3));
    assert_true(mib_hash(rig->mib) == 77);
}

static void names(void **state)
{
    const struct rig *rig = *state;
    struct snmp_oid_buf oid;
    /* two have it: the module that was put in first */
    assert_string_equal(mib_named(rig->mib, "acmeMode")->module, "ACME-MIB");
    assert_string_equal(mib_named(rig->mib, "OTHER-MIB::acmeMode")->module, "OTHER-MIB");
    assert_ptr_equal(mib_named(rig->mib, "OLD-MIB::acme"), mib_named(rig->mib, "acme"));
    assert_null(mib_named(rig->mib, "OLD-MIB::acmeMode"));
    assert_null(mib_named(rig->mib, "acm"));
    assert_null(mib_named(rig->mib, "acmeModes"));
    assert_null(mib_named(rig->mib, ""));
    assert_null(mib_named(rig->mib, "::"));
    assert_null(mib_named(rig->mib, "::acme"));
    oid_of("1.3.6.1.4.1.5", &oid);
    assert_string_equal(mib_child(rig->mib, oid.oid, "acmeTable")->name, "acmeTable");
    assert_null(mib_child(rig->mib, oid.oid, "acmeEntry"));
    assert_null(mib_child(rig->mib, oid.oid, "acme"));
}

/* The same by looking at each. */
static const struct mib_object *slow_under(const struct mib *mib, struct snmp_oid oid)
{
    const struct mib_object *best = NULL;
    for (size_t i = 0; i < mib_count(mib); i++) {
        const struct mib_object *object = mib_at(mib, i);
        if (snmp_oid_under(oid, object->oid) &&
            (best == NULL || object->oid.size > best->oid.size)) {
            best = object;
        }
    }
    return best;
}

static void searches_find_what_a_walk_finds(void **state)
{
    const struct rig *rig = *state;
    static const uint32_t heads[] = { 1, 3, 6, 1, 4, 1, 5 };
    srand(7);
    for (int i = 0; i < 20000; i++) {
        uint32_t parts[12];
        struct snmp_oid_buf oid;
        size_t count = 5 + (size_t)rand() % 7;
        for (size_t at = 0; at < count; at++) {
            static const uint32_t likely[] = { 0, 1, 2, 200, 300, 127, 128, 4294967295u };
            parts[at] = at < 7 && rand() % 20 != 0 ? heads[at] : likely[rand() % 8];
        }
        parts[0] = 1;
        parts[1] = 3;
        assert_int_equal(snmp_oid_of(parts, count, &oid), 0);
        const struct mib_object *under = slow_under(rig->mib, oid.oid);
        assert_ptr_equal(mib_under(rig->mib, oid.oid), under);
        assert_ptr_equal(mib_exact(rig->mib, oid.oid),
                         under != NULL && under->oid.size == oid.oid.size ? under : NULL);
    }
}

static void in_the_order_of_a_walk(void **state)
{
    const struct rig *rig = *state;
    assert_int_equal(mib_count(rig->mib), CATALOGUE_ROWS);
    for (size_t i = 1; i < mib_count(rig->mib); i++) {
        assert_true(snmp_oid_order(mib_at(rig->mib, i - 1)->oid, mib_at(rig->mib, i)->oid) <= 0);
    }
    assert_null(mib_at(rig->mib, mib_count(rig->mib)));
}

static void the_same_makes_the_same(void **state)
{
    const struct rig *rig = *state;
    struct buf again;
    buf_init(&again, BYTES_MAX);
    catalogue_make(&again);
    assert_int_equal(again.size, rig->bytes.size);
    assert_memory_equal(again.data, rig->bytes.data, again.size);
    buf_fini(&again);
}

static void every_prefix_is_damaged(void **state)
{
    const struct rig *rig = *state;
    for (size_t size = 0; size < rig->bytes.size; size++) {
        uint8_t *copy = malloc(size + 1);
        struct mib *mib;
        memcpy(copy, rig->bytes.data, size);
        catalogue_seal(copy, size);
        assert_int_equal(mib_open(copy, size, &mib), BUSBAR_EDAMAGED);
        assert_null(mib);
        free(copy);
    }
}

static void look_at_all(const struct mib *mib)
{
    struct buf text;
    buf_init(&text, BYTES_MAX);
    for (size_t i = 0; i < mib_count(mib); i++) {
        const struct mib_object *object = mib_at(mib, i);
        (void)mib_under(mib, object->oid);
        (void)mib_named(mib, object->name);
        (void)mib_row_of(object);
        mib_print(mib, object->oid, &text);
        for (size_t e = 0; e < object->enum_count; e++) {
            (void)buf_append_text(&text, object->enums[e].name);
        }
        for (size_t e = 0; e < object->index_count; e++) {
            (void)buf_append_text(&text, object->indexes[e]->name);
        }
        buf_clear(&text);
    }
    buf_fini(&text);
}

/* A flipped bit is seen by the sum; with a right sum it is refused or harmless. */
static void flipped_bits(void **state)
{
    const struct rig *rig = *state;
    for (size_t bit = 0; bit < 8 * rig->bytes.size; bit++) {
        uint8_t *copy = malloc(rig->bytes.size);
        struct mib *mib;
        memcpy(copy, rig->bytes.data, rig->bytes.size);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(mib_open(copy, rig->bytes.size, &mib), BUSBAR_EDAMAGED);
        catalogue_seal(copy, rig->bytes.size);
        if (mib_open(copy, rig->bytes.size, &mib) == 0) {
            look_at_all(mib);
            mib_close(mib);
        }
        free(copy);
    }
}

static void no_memory(void **state)
{
    const struct rig *rig = *state;
    struct mib *mib;
    alloc_fail_nth(0);
    assert_int_equal(mib_open(rig->bytes.data, rig->bytes.size, &mib), 0);
    long tries = alloc_try_count();
    mib_close(mib);
    for (long n = 1; n <= tries; n++) {
        alloc_fail_nth(n);
        assert_int_equal(mib_open(rig->bytes.data, rig->bytes.size, &mib), BUSBAR_ENOMEM);
    }
    alloc_fail_nth(0);
    assert_true(tries > 0);
}

static void an_empty_one(void **state)
{
    (void)state;
    struct mib_draft *draft = mib_draft_new();
    struct buf bytes;
    struct mib *mib;
    struct snmp_oid_buf oid;
    buf_init(&bytes, BYTES_MAX);
    assert_int_equal(mib_draft_finish(draft, 0, &bytes), 0);
    assert_int_equal(mib_open(bytes.data, bytes.size, &mib), 0);
    assert_int_equal(mib_count(mib), 0);
    assert_null(mib_under(mib, oid_of("1.3.6", &oid)));
    assert_null(mib_named(mib, "x"));
    mib_close(mib);
    mib_draft_free(draft);
    buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_an_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(modules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(searches_find_what_a_walk_finds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_the_order_of_a_walk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_makes_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_prefix_is_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flipped_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_memory, set_up, tear_down),
        cmocka_unit_test(an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
