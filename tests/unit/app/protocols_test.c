/* SPDX-License-Identifier: Apache-2.0 */
/* Every driver of the catalog is one that the configuration knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/protocols.h"
#include "drivers/catalog.h"

static void the_catalog_is_taken_over(void **state)
{
    (void)state;
    struct protocols protocols;
    const struct driver_ops *const *catalog = drivers_catalog();
    protocols_fill(&protocols);
    assert_true(protocols.count > 0);
    for (size_t i = 0; i < protocols.count; i++) {
        const struct config_protocol *protocol = &protocols.list[i];
        assert_non_null(catalog[i]);
        assert_string_equal(protocol->name, catalog[i]->name);
        assert_ptr_equal(protocol->device_options, catalog[i]->device_options);
        assert_ptr_equal(protocol->resolve, catalog[i]->resolve);
        assert_ptr_equal(protocol->prepare, catalog[i]->prepare);
        assert_true(protocol->address_bytes > 0);
    }
    assert_null(catalog[protocols.count]);
}

static void where_files_are_and_what_is_made_of_them(void **state)
{
    (void)state;
    char to[64];
    assert_string_equal(protocols_files(to, sizeof(to), "/tmp"), "/tmp");
    assert_string_equal(protocols_files(to, sizeof(to), "/etc/nosuch/site.yaml"), "/etc/nosuch");
    assert_string_equal(protocols_files(to, sizeof(to), "/site.yaml"), "/");
    assert_string_equal(protocols_files(to, sizeof(to), "site.yaml"), ".");
    assert_string_equal(protocols_cache(to, sizeof(to), "/tmp"), "/tmp/cache");
    assert_null(protocols_cache(to, sizeof(to), "/no/such/folder"));
    assert_null(protocols_cache(to, sizeof(to), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalog_is_taken_over),
        cmocka_unit_test(where_files_are_and_what_is_made_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
