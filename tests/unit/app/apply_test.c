/* SPDX-License-Identifier: Apache-2.0 */
/* A whole gateway without its server's addresses: what an apply keeps, replaces, takes away and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/apply.h"
#include "base/str.h"
#include "config/secrets.h"
#include "model/registry.h"
#include "unit/config/folder.h"

#define HEAD "version: 1\ndevices:\n"
#define A    "  a: { modbus: { tcp: 127.0.0.1:1 }, points: { x: { holding: 1 } } }\n"
#define A2 \
    "  a: { modbus: { tcp: 127.0.0.1:1 }, points: { x: { holding: 2 }, y: { holding: 3 } } }\n"
#define B "  b: { modbus: { tcp: 127.0.0.1:2 }, points: { x: { holding: 1 } } }\n"
#define C "  c: { modbus: { tcp: 127.0.0.1:3 }, points: { x: { holding: 1 } } }\n"

struct plant {
    struct folder folder;
    char config[128], data[128];
    struct app_options options;
    struct gateway gw;
    bool waited;
    bool done;
    int error;
    bool applied;
    size_t changes, errors;
    uint32_t version;
    char message[128];
};

static int open_plant(void **state)
{
    struct plant *plant = test_calloc(1, sizeof *plant);
    folder_make(&plant->folder);
    snprintf(plant->config, sizeof plant->config, "%s", folder_path(&plant->folder, "site.yaml"));
    snprintf(plant->data, sizeof plant->data, "%s", folder_path(&plant->folder, "data"));
    folder_put(&plant->folder, "site.yaml", HEAD A B);
    plant->options = (struct app_options){ .config_path = plant->config,
                                           .data_folder = plant->data };
    assert_int_equal(gateway_open(&plant->gw, &plant->options), 0);
    *state = plant;
    return 0;
}

static int close_plant(void **state)
{
    struct plant *plant = *state;
    gateway_close(&plant->gw);
    folder_drop(&plant->folder);
    test_free(plant);
    return 0;
}

static void ended(void *ctx, const struct apply_result *result)
{
    struct plant *plant = ctx;
    plant->done = true;
    plant->error = result->error;
    plant->applied = result->applied;
    plant->changes = result->diff != NULL ? result->diff->count : 0;
    plant->errors = result->problems->errors;
    plant->version = result->version;
    (void)str_copy(plant->message, sizeof plant->message, result->err->message);
}

static void waited(void *ctx, const struct apply_result *result)
{
    struct plant *plant = ctx;
    assert_true(plant->done); /* first in line, first answered */
    assert_false(result->applied);
    plant->waited = true;
}

/* Applies; a check that is asked for meanwhile waits in line. */
static void apply(struct plant *plant, struct apply_request request)
{
    request.who = "tester";
    request.from = "here";
    plant->done = false;
    assert_int_equal(apply_begin(&plant->gw, &request, ended, plant), 0);
    struct apply_request check = { .mode = APPLY_CHECK, .who = "other", .from = "there" };
    plant->waited = false;
    assert_int_equal(apply_begin(&plant->gw, &check, waited, plant), 0);
    while (!plant->waited) {
        loop_turn(plant->gw.loop, true);
    }
}

static const struct device *device(const struct plant *plant, const char *name)
{
    return registry_device(plant->gw.registry, name);
}

static void an_unchanged_device_is_the_same_one(void **state)
{
    struct plant *plant = *state;
    const struct device *a = device(plant, "a"), *b = device(plant, "b");
    uint32_t b_id = b->points[0].last.point;
    folder_put(&plant->folder, "site.yaml", HEAD A2 B C);
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_int_equal(plant->error, 0);
    assert_true(plant->applied);
    assert_int_equal(plant->version, 2);
    assert_int_equal(registry_device_count(plant->gw.registry), 3);
    assert_ptr_equal(device(plant, "b"), b);
    assert_int_equal(b->points[0].last.point, b_id);
    assert_ptr_not_equal(device(plant, "a"), a);
    assert_int_equal(device(plant, "a")->point_count, 2);
    assert_non_null(device(plant, "c"));
}

/* A series keeps its id when its device is made new, and when it comes back after having been taken away. */
static void ids_stay(void **state)
{
    struct plant *plant = *state;
    uint32_t id = device(plant, "a")->points[0].last.point;
    assert_int_not_equal(id, 0);
    folder_put(&plant->folder, "site.yaml", HEAD A2 B);
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_int_equal(device(plant, "a")->points[0].last.point, id);
    folder_put(&plant->folder, "site.yaml", HEAD B);
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_null(device(plant, "a"));
    folder_put(&plant->folder, "site.yaml", HEAD A B);
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_int_equal(device(plant, "a")->points[0].last.point, id);
}

/* A driver gets its new setup between its old devices and its new ones; other drivers' devices stay. */
static void a_new_setup_makes_its_devices_anew(void **state)
{
    static const char net[] =
        "version: 1\ndrivers: { bacnet: { networks: { n: { address: %s } } } }\n"
        "devices:\n" A "  f: { bacnet: { network: n, device: 1, address: 127.77.0.9 },\n"
        "       points: { x: { object: \"AI:1\" } } }\n";
    struct plant *plant = *state;
    char yaml[1024];
    const struct device *a = device(plant, "a");
    assert_false(host_setup_of(plant->gw.host, "bacnet")->given);
    snprintf(yaml, sizeof yaml, net, "127.77.0.1");
    folder_put(&plant->folder, "site.yaml", yaml);
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_int_equal(plant->error, 0);
    assert_true(host_setup_of(plant->gw.host, "bacnet")->given);
    const struct device *f = device(plant, "f");
    uint64_t hash = f->hash;
    assert_ptr_equal(device(plant, "a"), a);

    snprintf(yaml, sizeof yaml, net, "127.77.0.2");
    folder_put(&plant->folder, "site.yaml", yaml);
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_int_equal(plant->error, 0);
    assert_true(plant->applied);
    assert_int_equal(plant->changes, 1); /* the address; not the device */
    assert_true(device(plant, "f")->hash != hash);
    assert_non_null(device(plant, "f")->host);
    assert_ptr_equal(device(plant, "a"), a);
    const struct setup_part *n = setup_part(host_setup_of(plant->gw.host, "bacnet"), "n");
    assert_string_equal(n->settings.set[0].value.text, "127.77.0.2");

    folder_put(&plant->folder, "site.yaml", HEAD A); /* no section, no devices: closed */
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_int_equal(plant->error, 0);
    assert_null(device(plant, "f"));
    assert_false(host_setup_of(plant->gw.host, "bacnet")->given);
    assert_ptr_equal(device(plant, "a"), a);
}

static void wrong_files_change_nothing(void **state)
{
    struct plant *plant = *state;
    const struct device *a = device(plant, "a");
    folder_put(&plant->folder, "site.yaml", HEAD A2 "  d: { modbuss: { tcp: x } }\n");
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_int_equal(plant->error, BUSBAR_ECONFIG);
    assert_int_equal(plant->errors, 1);
    assert_false(plant->applied);
    assert_ptr_equal(device(plant, "a"), a);
    assert_int_equal(registry_device_count(plant->gw.registry), 2);
    assert_int_equal(plant->gw.version, 1);
}

static void check_diff_and_dry_run_only_look(void **state)
{
    struct plant *plant = *state;
    const struct device *a = device(plant, "a");
    folder_put(&plant->folder, "site.yaml", HEAD A2 B);
    apply(plant, (struct apply_request){ .mode = APPLY_CHECK });
    assert_int_equal(plant->error, 0);
    apply(plant, (struct apply_request){ .mode = APPLY_DIFF });
    assert_int_equal(plant->changes, 2);
    apply(plant, (struct apply_request){ .mode = APPLY_FILES, .dry_run = true });
    assert_int_equal(plant->changes, 2);
    assert_false(plant->applied);
    assert_ptr_equal(device(plant, "a"), a);
    assert_int_equal(plant->gw.version, 1);
}

static void the_same_files_are_no_new_version(void **state)
{
    struct plant *plant = *state;
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_int_equal(plant->error, 0);
    assert_false(plant->applied);
    assert_int_equal(plant->gw.version, 1);
}

static void set_secret(const struct plant *plant, const char *value)
{
    struct secrets *secrets = NULL;
    assert_int_equal(secrets_open(plant->data, &secrets, NULL), 0);
    assert_int_equal(secrets_set(secrets, "ro", value, NULL), 0);
    secrets_close(secrets);
}

/* Nothing in the files says so: the devices that use it are made anew, and it is told. */
static void a_secret_that_was_set_anew_is_a_change(void **state)
{
    struct plant *plant = *state;
    set_secret(plant, "one");
    folder_put(&plant->folder, "site.yaml",
               HEAD A "  s: { snmp: { host: 127.0.0.1, community: !secret ro }, points: { x: { "
                      "oid: sysName.0 } } }\n");
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_int_equal(plant->error, 0);
    const struct device *a = device(plant, "a");
    const struct device *s = device(plant, "s");
    set_secret(plant, "two");
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_true(plant->applied);
    assert_int_equal(plant->changes, 1);
    assert_ptr_equal(device(plant, "a"), a);
    assert_ptr_not_equal(device(plant, "s"), s);
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_false(plant->applied);
}

static void rollback_brings_files_and_devices_back(void **state)
{
    struct plant *plant = *state;
    folder_put(&plant->folder, "site.yaml", HEAD C);
    apply(plant, (struct apply_request){ .mode = APPLY_FILES });
    assert_null(device(plant, "a"));
    apply(plant, (struct apply_request){ .mode = APPLY_ROLLBACK, .version = 1 });
    assert_int_equal(plant->error, 0);
    assert_true(plant->applied);
    assert_non_null(device(plant, "a"));
    assert_non_null(device(plant, "b"));
    assert_null(device(plant, "c"));
    assert_string_equal(folder_get(&plant->folder, "site.yaml"), HEAD A B);
}

static void an_unknown_version_is_not_found(void **state)
{
    struct plant *plant = *state;
    apply(plant, (struct apply_request){ .mode = APPLY_ROLLBACK, .version = 9 });
    assert_int_equal(plant->error, BUSBAR_ENOENT);
    assert_non_null(strstr(plant->message, "no version 9"));
    assert_int_equal(registry_device_count(plant->gw.registry), 2);
}

/* Stopping while an apply runs waits for it, then ends. */
static void a_stop_waits_for_an_apply(void **state)
{
    struct plant *plant = *state;
    struct apply_request request = { .mode = APPLY_FILES, .who = "tester", .from = "here" };
    folder_put(&plant->folder, "site.yaml", HEAD A2 B C);
    assert_int_equal(apply_begin(&plant->gw, &request, ended, plant), 0);
    gateway_stop(&plant->gw);
    loop_run(plant->gw.loop);
    assert_true(plant->done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_unchanged_device_is_the_same_one, open_plant,
                                        close_plant),
        cmocka_unit_test_setup_teardown(ids_stay, open_plant, close_plant),
        cmocka_unit_test_setup_teardown(a_new_setup_makes_its_devices_anew, open_plant,
                                        close_plant),
        cmocka_unit_test_setup_teardown(wrong_files_change_nothing, open_plant, close_plant),
        cmocka_unit_test_setup_teardown(check_diff_and_dry_run_only_look, open_plant, close_plant),
        cmocka_unit_test_setup_teardown(the_same_files_are_no_new_version, open_plant, close_plant),
        cmocka_unit_test_setup_teardown(a_secret_that_was_set_anew_is_a_change, open_plant,
                                        close_plant),
        cmocka_unit_test_setup_teardown(rollback_brings_files_and_devices_back, open_plant,
                                        close_plant),
        cmocka_unit_test_setup_teardown(an_unknown_version_is_not_found, open_plant, close_plant),
        cmocka_unit_test_setup_teardown(a_stop_waits_for_an_apply, open_plant, close_plant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
