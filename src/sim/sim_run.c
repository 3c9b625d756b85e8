/* SPDX-License-Identifier: Apache-2.0 */
/* `busbar sim`: from a configuration to running devices, and down again. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/log.h"
#include "sim/sim_opcua.h"
#include "sim/sim_private.h"

enum { EXIT_FAILED = 1, EXIT_PROBLEMS = 3, SHOWN_MAX = 20, WORDS_MAX = 1 << 20 };

struct run {
    const struct sim_options *options;
    struct loop *loop;
    struct sim *sim;
    struct registry *registry;
    struct device **devices;
    size_t device_count, point_count, left_out;
};

static void say(const char *what, const struct err *err)
{
    fprintf(stderr, "%s%s%s\n", what, what[0] != '\0' ? ": " : "", err->message);
    if (err->hint[0] != '\0') {
        fprintf(stderr, "    hint: %s\n", err->hint);
    }
}

static void say_problems(const struct problems *problems)
{
    struct buf words;
    buf_init(&words, WORDS_MAX);
    problems_print(problems, &words);
    fputs(buf_text(&words), stderr);
    buf_fini(&words);
}

/* Each address needs a descriptor, each connection one more. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int load(struct run *run, struct config **config)
{
    struct config_env env = {
        .protocols = run->options->protocols,
        .protocol_count = run->options->protocol_count,
        .sink_kinds = run->options->sink_kinds,
        .sink_kind_count = run->options->sink_kind_count,
        .cache = run->options->cache,
    };
    struct problems problems;
    problems_init(&problems);
    int error = config_load(run->options->path, &env, config, &problems);
    if (error != 0) {
        say_problems(&problems);
    }
    problems_fini(&problems);
    return error;
}

/* Serves what can be served; what cannot is named and left out. */
static void add_devices(struct run *run, const struct config *config)
{
    run->devices = busbar_alloc_array(config->device_count + 1, sizeof(struct device *));
    for (size_t i = 0; i < config->device_count; i++) {
        struct err err = { 0 };
        struct device *dev = NULL;
        int error = config_make_device(config, &config->devices[i], run->registry, &dev, &err);
        error = error == 0 ? sim_add(run->sim, dev, &err) : error;
        if (error != 0) {
            say(config->devices[i].name, &err);
            device_free(dev);
            run->left_out++;
            continue;
        }
        run->devices[run->device_count++] = dev;
        run->point_count += dev->point_count;
    }
}

static void say_devices(const struct run *run)
{
    size_t shown = 0;
    fprintf(stderr, "simulating %zu devices, %zu points", run->device_count, run->point_count);
    if (run->left_out > 0) {
        fprintf(stderr, " (%zu left out)", run->left_out);
    }
    fputs("\n", stderr);
    list_each(at, &run->sim->devices) {
        const struct sim_device *sd = list_entry(at, struct sim_device, link);
        struct buf where;
        if (shown++ == SHOWN_MAX) {
            fputs("  ...\n", stderr);
            break;
        }
        buf_init(&where, WORDS_MAX);
        sd->protocol->ops->describe(sd, &where);
        fprintf(stderr, "  %-24s %s\n", sd->dev->name, buf_text(&where));
        buf_fini(&where);
    }
}

static int set_up(struct run *run)
{
    struct err err = { 0 };
    const char *const *faults = run->options->faults;
    for (; faults != NULL && *faults != NULL; faults++) {
        if (sim_fault(run->sim, *faults, &err) != 0) {
            say("--fault", &err);
            return EXIT_FAILED;
        }
    }
    if (run->options->discovery != NULL &&
        sim_opcua_discovery(run->sim, run->options->discovery, &err) != 0) {
        say("--discovery", &err);
        return EXIT_FAILED;
    }
    if (run->options->control != NULL &&
        sim_control_open(run->sim, run->options->control, &err) != 0) {
        say("--control", &err);
        return EXIT_FAILED;
    }
    sim_control_stdin(run->sim);
    return 0;
}

static void on_signal(void *ctx, int signal_number)
{
    (void)signal_number;
    loop_stop(ctx);
}

/* What a gateway and its devices both know: where such devices are simulated, its secrets are read. */
static int use_secrets(const struct run *run, struct secrets **out)
{
    struct err err = { 0 };
    if (run->options->data == NULL) {
        return 0;
    }
    int error = secrets_open(run->options->data, out, &err);
    if (error != 0) {
        say("--data", &err);
        return error;
    }
    sim_use_secrets(run->sim, *out);
    return 0;
}

static int serve(struct run *run)
{
    struct config *config = NULL;
    struct secrets *secrets = NULL;
    if (load(run, &config) != 0) {
        return EXIT_PROBLEMS;
    }
    if (use_secrets(run, &secrets) != 0) {
        config_free(config);
        return EXIT_FAILED;
    }
    sim_use_config(run->sim, config);
    add_devices(run, config);
    sim_use_config(run->sim, NULL);
    sim_use_secrets(run->sim, NULL);
    secrets_close(secrets);
    config_free(config);
    if (run->device_count == 0) {
        fputs("error: no device could be simulated\n", stderr);
        return EXIT_FAILED;
    }
    int rc = set_up(run);
    if (rc != 0) {
        return rc;
    }
    if (!run->options->quiet) {
        say_devices(run);
    }
    (void)loop_signal(run->loop, SIGINT, on_signal, run->loop);
    (void)loop_signal(run->loop, SIGTERM, on_signal, run->loop);
    loop_run(run->loop);
    return 0;
}

int sim_run(const struct sim_options *options)
{
    struct run run = { .options = options };
    raise_descriptors();
    run.loop = loop_new();
    run.registry = registry_new();
    run.sim = sim_new(run.loop, options->seed);
    int rc = serve(&run);
    sim_free(run.sim);
    loop_free(run.loop);
    for (size_t i = 0; i < run.device_count; i++) {
        device_free(run.devices[i]);
    }
    busbar_free(run.devices);
    registry_free(run.registry);
    return rc;
}
