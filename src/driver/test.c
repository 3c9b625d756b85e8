/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a device: the driver finds out step by step, the host passes on what it finds. */
#include "base/alloc.h"
#include "driver/host_private.h"

struct driver_test {
    struct list link; /* hd->tests */
    char **options;   /* copies, NULL-terminated */
    int code;         /* the first that was not fine */
    void (*finding)(void *ctx, const struct host_finding *finding);
    void (*done)(void *ctx, int code);
    void *ctx;
};

int host_test(struct host *host, struct device *dev, const char *const *options,
              void (*finding)(void *ctx, const struct host_finding *finding),
              void (*done)(void *ctx, int code), void *ctx)
{
    struct host_device *hd = host_of(dev);
    (void)host;
    if (hd == NULL || !host_running(hd)) {
        return BUSBAR_EBUSY;
    }
    struct driver_test *test = busbar_alloc(sizeof(*test));
    test->options = options_copy(options);
    test->finding = finding;
    test->done = done;
    test->ctx = ctx;
    list_append(&hd->tests, &test->link);
    hd->driver->ops->test(dev, test);
    return 0;
}

void driver_finding(struct driver_test *test, const char *step, bool fine, int code,
                    const char *seen, const char *hint)
{
    struct host_finding finding = {
        .step = step,
        .seen = seen != NULL ? seen : "",
        .hint = hint != NULL ? hint : "",
        .fine = fine,
        .code = code,
    };
    if (!fine && test->code == 0) {
        test->code = code != 0 ? code : BUSBAR_EINTERNAL;
    }
    test->finding(test->ctx, &finding);
}

const char *driver_test_option(const struct driver_test *test, const char *name)
{
    return options_get(test->options, name);
}

void driver_tested(struct driver_test *test)
{
    list_remove(&test->link);
    test->done(test->ctx, test->code);
    options_free(test->options);
    busbar_free(test);
}
