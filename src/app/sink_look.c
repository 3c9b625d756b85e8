/* SPDX-License-Identifier: Apache-2.0 */
#include "app/sink_look.h"

#include <string.h>

#include "app/protocols.h"
#include "base/alloc.h"
#include "base/str.h"
#include "config/secrets.h"
#include "net/loop.h"
#include "sinks/catalog.h"
#include "sinks/sinks.h"

enum { FILES_MAX = 1024, NAMES_MAX = 200 };

/* No log is asked about: a test looks at what any log would meet. */
static const char no_log[] = "00000000000000000000000000000000";

struct look {
    struct loop *loop;
    struct secrets *secrets; /* NULL: none */
    const struct config *config;
    char files[FILES_MAX];
    const char *folder;
    sink_look_cb cb;
    void *ctx;
    size_t waiting;
};

struct look_one {
    struct look *look;
    const struct config_sink *sink;
    struct sink_env env;
};

static const char *find_secret(void *ctx, const char *name)
{
    const struct look *look = ctx;
    return look->secrets != NULL ? secrets_get(look->secrets, name) : NULL;
}

static void look_init(struct look *look, const struct config *config, const char *config_path,
                      const char *data_folder)
{
    *look = (struct look){ .config = config,
                           .loop = loop_new(),
                           .folder = data_folder != NULL ? data_folder : "" };
    (void)protocols_files(look->files, sizeof(look->files), config_path);
    if (data_folder != NULL && secrets_open(data_folder, &look->secrets, NULL) != 0) {
        look->secrets = NULL; /* the check of the configuration has said why */
    }
}

static void look_fini(struct look *look)
{
    loop_free(look->loop);
    secrets_close(look->secrets);
}

static struct sink_env env_of(struct look *look, const struct config_sink *sink)
{
    const struct config_site *site = &look->config->site;
    bool named = site->id != NULL && site->id[0] != '\0';
    return (struct sink_env){ .loop = look->loop,
                              .name = sink->name,
                              .timeout_us = settings_int(&sink->common->settings, SINK_TIMEOUT),
                              .site = named ? site->id : "busbar",
                              .site_title = site->name != NULL ? site->name : "",
                              .log_id = no_log,
                              .folder = look->folder,
                              .files = look->files,
                              .secret = find_secret,
                              .secret_ctx = look };
}

static const struct sink_ops *ops_of(const struct config_sink *sink)
{
    return sink_kind(sinks_catalog(), sink->kind->name);
}

static void on_tested(void *ctx, const struct sink_finding *findings, size_t count)
{
    struct look_one *one = ctx;
    struct look *look = one->look;
    look->cb(look->ctx, one->sink, findings, count);
    if (--look->waiting == 0) {
        loop_stop(look->loop);
    }
}

static int no_sink(const struct config *config, const char *name, struct err *err)
{
    char names[NAMES_MAX] = "";
    size_t used = 0;
    for (size_t i = 0; i < config->sink_count && used < sizeof(names); i++) {
        used += str_format(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "",
                           config->sinks[i].name);
    }
    err_set(err, BUSBAR_ENOENT, "there is no sink '%.63s' in these files", name);
    if (config->sink_count == 0) {
        return err_hint(err, "write one: sinks: { plant: { postgres: \"host=db.example.org "
                             "dbname=plant\" } }");
    }
    return err_hint(err, "there is: %s", names);
}

int sink_look(const struct config *config, const char *config_path, const char *data_folder,
              const char *name, sink_look_cb cb, void *ctx, struct err *err)
{
    struct look look;
    struct look_one ones[CONFIG_SINKS_MAX];
    if (name != NULL && config_sink(config, name) == NULL) {
        return no_sink(config, name, err);
    }
    look_init(&look, config, config_path, data_folder);
    look.cb = cb;
    look.ctx = ctx;
    for (size_t i = 0; i < config->sink_count; i++) {
        const struct config_sink *sink = &config->sinks[i];
        bool enabled = settings_bool(&sink->common->settings, SINK_ENABLED);
        if (name != NULL ? strcmp(name, sink->name) == 0 : enabled) {
            struct look_one *one = &ones[look.waiting++];
            *one = (struct look_one){ .look = &look, .sink = sink, .env = env_of(&look, sink) };
        }
    }
    size_t count = look.waiting;
    for (size_t i = 0; i < count; i++) {
        ops_of(ones[i].sink)->test(&ones[i].env, &ones[i].sink->own->settings, on_tested, &ones[i]);
    }
    if (look.waiting > 0) {
        loop_run(look.loop);
    }
    look_fini(&look);
    return 0;
}

int sink_look_sql(const struct config *config, const char *config_path, const char *data_folder,
                  const char *name, struct buf *out, struct err *err)
{
    const struct config_sink *sink = config_sink(config, name);
    struct look look;
    if (sink == NULL) {
        return no_sink(config, name, err);
    }
    const struct sink_ops *ops = ops_of(sink);
    if (ops->sql == NULL) {
        return err_set(err, BUSBAR_EUNSUPPORTED, "nothing is to be run at the target of sink '%s'",
                       name);
    }
    look_init(&look, config, config_path, data_folder);
    struct sink_env env = env_of(&look, sink);
    int error = ops->sql(&env, &sink->own->settings, out, err);
    look_fini(&look);
    return error;
}
