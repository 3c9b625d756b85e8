/* SPDX-License-Identifier: Apache-2.0 */
/* What points are called in PromQL, from the start on, and as the configuration changes. */
#include "app/labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/apply.h"
#include "base/str.h"
#include "history/index.h"
#include "unit/config/folder.h"

#define HEAD "version: 1\n"
#define DEVICES                                                                    \
    "devices:\n"                                                                   \
    "  ahu-1:\n    place: hq/roof\n    labels: { kind: ahu, device: mine }\n"      \
    "    modbus: { tcp: 127.0.0.1:1 }\n    points:\n"                              \
    "      sat: { holding: 1, units: degC, labels: { kind: air, units: mine } }\n" \
    "      fan: { holding: 2 }\n"                                                  \
    "  pump: { modbus: { tcp: 127.0.0.1:2 }, points: { run: { holding: 1 } } }\n"

struct plant {
    struct folder folder;
    char config[128], data[128];
    struct app_options options;
    struct gateway gw;
    bool done;
    int error;
    bool restart;
};

static int open_plant(void **state)
{
    struct plant *plant = test_calloc(1, sizeof *plant);
    folder_make(&plant->folder);
    snprintf(plant->config, sizeof plant->config, "%s", folder_path(&plant->folder, "site.yaml"));
    snprintf(plant->data, sizeof plant->data, "%s", folder_path(&plant->folder, "data"));
    folder_put(&plant->folder, "site.yaml",
               HEAD
               "history: { policies: { airy: { match: '{kind=\"air\"}', keep: 3d } } }\n" DEVICES);
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

static void wait_for_labels(struct plant *plant)
{
    while (plant->gw.labeling || !history_index_loaded(plant->gw.history)) {
        loop_turn(plant->gw.loop, plant->gw.labeling);
    }
}

static void ended(void *ctx, const struct apply_result *result)
{
    struct plant *plant = ctx;
    plant->error = result->error;
    plant->restart = result->restart_needed;
    plant->done = true;
}

static void apply(struct plant *plant, const char *yaml)
{
    struct apply_request request = { .mode = APPLY_FILES, .who = "tester", .from = "here" };
    folder_put(&plant->folder, "site.yaml", yaml);
    plant->done = false;
    assert_int_equal(apply_begin(&plant->gw, &request, ended, plant), 0);
    while (!plant->done) {
        loop_turn(plant->gw.loop, true);
    }
    assert_int_equal(plant->error, 0);
    wait_for_labels(plant);
}

static uint32_t id_of(const struct plant *plant, const char *path)
{
    uint32_t id = 0;
    (void)state_id_find(plant->gw.state, path, &id);
    return id;
}

static void check_labels(struct plant *plant, const char *path, const char *wanted)
{
    struct label labels[LABELS_MAX];
    struct buf text;
    buf_init(&text, 4096);
    size_t count = history_index_labels(history_index(plant->gw.history), id_of(plant, path),
                                        labels);
    labels_print(labels, count, &text);
    assert_string_equal(buf_text(&text), wanted);
    buf_fini(&text);
}

static void from_the_start_on(void **state)
{
    struct plant *plant = *state;
    wait_for_labels(plant);
    check_labels(plant, "ahu-1/sat",
                 "sat{device=\"ahu-1\", kind=\"air\", place=\"hq/roof\", protocol=\"modbus\", "
                 "units=\"degC\"}");
    check_labels(plant, "ahu-1/fan",
                 "fan{device=\"ahu-1\", kind=\"ahu\", place=\"hq/roof\", protocol=\"modbus\"}");
    check_labels(plant, "pump/run", "run{device=\"pump\", protocol=\"modbus\"}");
}

/* An apply that is asked for while the first labels are given waits for them. */
static void as_the_configuration_changes(void **state)
{
    struct plant *plant = *state;
    apply(plant, HEAD "devices:\n  ahu-1:\n    profile: p\n    modbus: { tcp: 127.0.0.1:1 }\n"
                      "    points: { sat: { holding: 1, units: K } }\n"
                      "profiles: { p: { points: { new: { holding: 5 } } } }\n");
    check_labels(plant, "ahu-1/sat",
                 "sat{device=\"ahu-1\", profile=\"p\", protocol=\"modbus\", units=\"K\"}");
    check_labels(plant, "ahu-1/new", "new{device=\"ahu-1\", profile=\"p\", protocol=\"modbus\"}");
    check_labels(plant, "ahu-1/fan", "fan{device=\"ahu-1\"}");
    check_labels(plant, "pump/run", "run{device=\"pump\"}");
    apply(plant, HEAD DEVICES);
    check_labels(plant, "pump/run", "run{device=\"pump\", protocol=\"modbus\"}");
}

/* A policy counts at once; nothing is said of a restart. */
static void policies_change_while_running(void **state)
{
    struct plant *plant = *state;
    struct history_policy_status status[3];
    wait_for_labels(plant);
    assert_int_equal(history_policy_status(plant->gw.history, status, 3), 2);
    assert_string_equal(status[1].name, "airy");
    apply(plant, HEAD "history: { policies: { x: { match: fan, keep: forever },"
                      " y: { match: '{device=~\"p.*\"}', keep: 2d } } }\n" DEVICES);
    assert_false(plant->restart);
    assert_int_equal(history_policy_status(plant->gw.history, status, 3), 3);
    assert_string_equal(status[1].name, "x");
    assert_int_equal(status[1].keep_us, HISTORY_KEEP_FOREVER);
    apply(plant, HEAD "history: { keep: 1y }\n" DEVICES);
    assert_true(plant->restart);
    assert_int_equal(history_policy_status(plant->gw.history, status, 3), 1);
}

/* Free labels never push a fixed one out, and what does not fit is left out. */
static void too_many_labels(void **state)
{
    (void)state;
    static char names[LABELS_MAX][8], big[LABEL_VALUE_BYTES_MAX + 2];
    struct free_label free_labels[LABELS_MAX + 1];
    for (size_t i = 0; i < LABELS_MAX; i++) {
        str_format(names[i], sizeof names[i], "l%02zu", i);
        free_labels[i] = (struct free_label){ names[i], "x" };
    }
    struct point_class cls = { .units = "", .labels = free_labels, .label_count = LABELS_MAX };
    struct device dev = { .name = "d", .protocol = "modbus", .place = "", .profile = "" };
    struct point pt = { .name = "p", .cls = &cls };
    struct label labels[LABELS_MAX];
    bool cut = false;
    assert_int_equal(labels_of_point(&dev, &pt, labels, &cut), LABELS_MAX);
    assert_true(cut);
    assert_string_equal(labels_get(labels, LABELS_MAX, "device")->value, "d");
    memset(big, 'x', sizeof big - 1);
    free_labels[0].value = big;
    cls.label_count = 2;
    cut = false;
    assert_int_equal(labels_of_point(&dev, &pt, labels, &cut), 4);
    assert_true(cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_the_start_on, open_plant, close_plant),
        cmocka_unit_test_setup_teardown(as_the_configuration_changes, open_plant, close_plant),
        cmocka_unit_test_setup_teardown(policies_change_while_running, open_plant, close_plant),
        cmocka_unit_test(too_many_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
