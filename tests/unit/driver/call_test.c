/* SPDX-License-Identifier: Apache-2.0 */
/* Commands: the protocol's own and presets, each answered exactly once. */
#include "unit/driver/fake_driver.h"

#define SECOND CLOCK_US_PER_S

struct called {
    int calls;
    struct host_call_result result;
    char results[128];
};

static void on_called(void *ctx, const struct host_call_result *result)
{
    struct called *called = ctx;
    called->calls++;
    called->result = *result;
    str_copy(called->results, sizeof(called->results), result->results);
}

/* Two commands: "reset" of the protocol, "boost" that writes p0 and p1. */
static struct device *add_device(struct site *site)
{
    static const int settings = 1; /* any: the fake driver looks at none */
    static const struct device_preset presets[] = { { 0, "23" }, { 1, "on" } };
    static const struct device_command commands[] = {
        { .name = "reset", .title = "", .settings = &settings },
        { .name = "boost", .title = "", .presets = presets, .preset_count = 2 },
    };
    static const struct point_enum enums[] = { { 0, "off" }, { 1, "on" } };
    site->cls.write.allowed = true;
    site->cls.every_us = SECOND;
    struct device *dev = site_device(site, "ahu-1", 2);
    struct point_class cls = site->cls;
    cls.enums = enums;
    cls.enum_count = 2;
    dev->points[1].cls = registry_class(site->registry, &cls);
    dev->commands = commands;
    dev->command_count = 2;
    assert_int_equal(host_add(site->host, dev, &site->settings, NULL), 0);
    return dev;
}

static int run(struct site *site, struct device *dev, size_t command, const char *argument,
               struct called *called, struct err *err)
{
    struct host_call_how how = { .arguments = &argument,
                                 .argument_count = argument != NULL ? 1 : 0,
                                 .who = "eva" };
    *called = (struct called){ 0 };
    *err = (struct err){ 0 };
    return host_call(site->host, dev, &dev->commands[command], &how, on_called, called, err);
}

static void a_command_of_the_protocol(void **state)
{
    (void)state;
    struct site site;
    struct called called;
    struct err err;
    site_init(&site);
    struct device *dev = add_device(&site);
    assert_int_equal(run(&site, dev, 0, "5", &called, &err), 0);
    assert_int_equal(called.calls, 0);
    assert_string_equal(fake_of(dev)->call->arguments[0], "5");
    assert_ptr_equal(fake_of(dev)->call->command, &dev->commands[0]);
    fake_called(dev, 0, 0, "{\"sum\":7}", NULL);
    assert_int_equal(called.calls, 1);
    assert_int_equal(called.result.error, 0);
    assert_string_equal(called.results, "{\"sum\":7}");
    assert_string_equal(called.result.message, "done");

    assert_int_equal(run(&site, dev, 0, "at once", &called, &err), 0);
    assert_int_equal(called.calls, 0); /* never from inside */
    site_advance(&site, 1000);
    assert_int_equal(called.calls, 1);
    assert_string_equal(called.results, "{\"sum\":3}");

    run(&site, dev, 0, "5", &called, &err);
    fake_called(dev, BUSBAR_EREFUSED, 2, NULL, NULL);
    assert_string_equal(called.result.message, "refused: there is no such address in the device");
    run(&site, dev, 0, "5", &called, &err);
    fake_called(dev, BUSBAR_EREFUSED, 0, NULL, "argument 'speed' does not fit");
    assert_string_equal(called.result.message, "argument 'speed' does not fit");
    site_fini(&site);
}

static void a_late_driver_is_told_once(void **state)
{
    (void)state;
    struct site site;
    struct called called;
    struct err err;
    site_init(&site);
    struct device *dev = add_device(&site);
    run(&site, dev, 0, NULL, &called, &err);
    site_advance(&site, 13 * SECOND);
    assert_int_equal(called.calls, 1);
    assert_int_equal(called.result.error, BUSBAR_ETIMEOUT);
    assert_non_null(strstr(called.result.message, "is not known"));
    fake_called(dev, 0, 0, "{}", NULL);
    assert_int_equal(called.calls, 1);

    run(&site, dev, 0, NULL, &called, &err); /* and a stop ends one that is open */
    host_pause(site.host, dev);
    site_advance(&site, SECOND);
    assert_int_equal(called.calls, 1);
    assert_int_equal(called.result.error, BUSBAR_ECANCELED);
    assert_int_equal(run(&site, dev, 0, NULL, &called, &err), BUSBAR_EBUSY);
    assert_non_null(strstr(err.hint, "busbar device resume ahu-1"));
    assert_int_equal(called.calls, 0);
    site_fini(&site);
}

static void presets_are_written_one_after_another(void **state)
{
    (void)state;
    struct site site;
    struct called called;
    struct err err;
    site_init(&site);
    struct device *dev = add_device(&site);
    site_advance(&site, 2 * SECOND);
    assert_int_equal(run(&site, dev, 1, NULL, &called, &err), 0);
    site_advance(&site, SECOND);
    assert_int_equal(called.calls, 1);
    assert_string_equal(called.result.message, "2 values written");
    assert_int_equal(fake_of(dev)->raw[0].value.i, 23);
    assert_int_equal(fake_of(dev)->raw[1].value.i, 1);
    assert_int_equal(fake_of(dev)->writes, 2);
    assert_int_equal(run(&site, dev, 1, "5", &called, &err), BUSBAR_EINVAL);
    assert_non_null(strstr(err.message, "'boost' takes 0 arguments, not 1"));

    fake_of(dev)->mode = FAKE_REFUSE; /* the first that fails is the last that is tried */
    run(&site, dev, 1, NULL, &called, &err);
    site_advance(&site, SECOND);
    assert_int_equal(called.result.error, BUSBAR_EREFUSED);
    assert_non_null(strstr(called.result.message, "0 of 2 values written; p0: refused"));
    assert_int_equal(fake_of(dev)->writes, 3);
    site_fini(&site);
}

static void a_stop_between_two_presets(void **state)
{
    (void)state;
    struct site site;
    struct called called;
    struct err err;
    site_init(&site);
    struct device *dev = add_device(&site);
    site_advance(&site, 2 * SECOND);
    run(&site, dev, 1, NULL, &called, &err);
    host_pause(site.host, dev);
    site_advance(&site, SECOND);
    assert_int_equal(called.calls, 1);
    assert_int_not_equal(called.result.error, 0);
    assert_true(fake_of(dev)->writes <= 1);
    site_fini(&site);
}

static void what_the_device_tells_of_it(void **state)
{
    (void)state;
    struct site site;
    struct called called;
    struct err err;
    static const struct driver_argument inputs[] = { { "speed", "Double", "in rpm" },
                                                     { "mode", "Int32", NULL } };
    static const struct driver_argument output = { "sum", "Int32", "" };
    struct driver_signature signature = { .inputs = inputs,
                                          .outputs = &output,
                                          .input_count = 2,
                                          .output_count = 1,
                                          .description = "starts it" };
    site_init(&site);
    struct device *dev = add_device(&site);
    assert_null(host_signature(dev, &dev->commands[0]));
    driver_signed(dev, &dev->commands[0], &signature);
    const struct driver_signature *known = host_signature(dev, &dev->commands[0]);
    assert_int_equal(known->input_count, 2);
    assert_string_equal(known->inputs[0].description, "in rpm");
    assert_string_equal(known->inputs[1].description, "");
    assert_string_equal(known->outputs[0].name, "sum");
    assert_int_equal(run(&site, dev, 0, "5", &called, &err), BUSBAR_EINVAL);
    assert_string_equal(err.message, "'reset' takes 2 arguments, not 1");
    assert_int_equal(fake_of(dev)->calls, 0);

    signature = (struct driver_signature){ .trouble = "there is no such method" };
    driver_signed(dev, &dev->commands[0], &signature);
    known = host_signature(dev, &dev->commands[0]);
    assert_int_equal(known->input_count, 0);
    assert_string_equal(known->trouble, "there is no such method");
    assert_int_equal(run(&site, dev, 0, "5", &called, &err), 0); /* let the device say it */
    assert_int_equal(fake_of(dev)->calls, 1);
    fake_called(dev, BUSBAR_EREFUSED, 0, NULL, "no");
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_of_the_protocol),
        cmocka_unit_test(a_late_driver_is_told_once),
        cmocka_unit_test(presets_are_written_one_after_another),
        cmocka_unit_test(a_stop_between_two_presets),
        cmocka_unit_test(what_the_device_tells_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
