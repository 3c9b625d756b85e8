/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks in `check`, and what of `busbar sink` works on files alone. */
#include <stdio.h>

#include "app/app.h"
#include "app/check.h"
#include "app/sink_look.h"
#include "base/json.h"
#include "base/str.h"

enum { TEXT_MAX = 16 << 20 };

/* ---- check ---- */

static void warn(void *ctx, const struct config_sink *sink, const struct sink_finding *findings,
                 size_t count)
{
    struct problems *problems = ctx;
    for (size_t i = 0; i < count; i++) {
        if (findings[i].verdict != SINK_GOOD) {
            problems_warning(problems, sink->at, findings[i].hint, "sink %s, %s: %s", sink->name,
                             findings[i].what, findings[i].text);
        }
    }
}

void check_sinks(const struct config *config, const char *config_path, const char *data_folder,
                 struct problems *problems)
{
    (void)sink_look(config, config_path, data_folder, NULL, warn, problems, NULL);
}

/* ---- sink test, sink sql ---- */

static int say(const struct err *err)
{
    fprintf(stderr, "error: %s\n", err->message);
    if (err->hint[0] != '\0') {
        fprintf(stderr, "hint:  %s\n", err->hint);
    }
    return err->code;
}

/* NULL: said. */
static struct config *load(const struct app_options *options, struct protocols *protocols)
{
    struct problems problems;
    struct buf text;
    problems_init(&problems);
    struct config *config = check_load(options->config_path, options->data_folder, protocols,
                                       &problems);
    if (problems.errors > 0) {
        buf_init(&text, TEXT_MAX);
        problems_print(&problems, &text);
        fputs(buf_text(&text), stderr);
        buf_fini(&text);
        config_free(config);
        config = NULL;
    }
    problems_fini(&problems);
    return config;
}

static void put_findings(void *ctx, const struct config_sink *sink,
                         const struct sink_finding *findings, size_t count)
{
    static const char *const verdicts[] = { "good", "warning", "bad" };
    struct json_writer *json = ctx;
    unsigned worst = SINK_GOOD;
    json_begin_object(json);
    json_put_string(json, "sink", sink->name);
    json_put_array(json, "findings");
    for (size_t i = 0; i < count; i++) {
        worst = findings[i].verdict > worst ? findings[i].verdict : worst;
        json_begin_object(json);
        json_put_string(json, "what", findings[i].what);
        json_put_string(json, "verdict", verdicts[findings[i].verdict]);
        json_put_string(json, "text", findings[i].text);
        json_put_string(json, "hint", findings[i].hint);
        json_end_object(json);
    }
    json_end_array(json);
    json_put_bool(json, "fine", worst != SINK_BAD);
    json_put_string(json, "verdict", verdicts[worst]);
    json_end_object(json);
}

int app_sink_test(const struct app_options *options, const char *name, struct buf *json)
{
    struct protocols protocols;
    struct err err = { 0 };
    struct json_writer writer = json_writer(json);
    struct config *config = load(options, &protocols);
    if (config == NULL) {
        return BUSBAR_ECONFIG;
    }
    int error = sink_look(config, options->config_path, options->data_folder, name, put_findings,
                          &writer, &err);
    config_free(config);
    return error != 0 ? say(&err) : 0;
}

int app_sink_sql(const struct app_options *options, const char *name, struct buf *text)
{
    struct protocols protocols;
    struct err err = { 0 };
    struct config *config = load(options, &protocols);
    if (config == NULL) {
        return BUSBAR_ECONFIG;
    }
    int error = sink_look_sql(config, options->config_path, options->data_folder, name, text, &err);
    config_free(config);
    return error != 0 ? say(&err) : 0;
}
