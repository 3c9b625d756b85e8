/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of a thing as text: what can be configured is listed here, in one place, so that nothing of it can be
 * forgotten in a comparison. */
#include "config/diff_leaves.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "model/event.h"

/* ---- keys as text ---- */

static void leaves_begin(struct leaves *leaves)
{
    leaves->count = 0;
    buf_clear(&leaves->text);
}

/* Begins a value; what is appended to leaves->text until the next call belongs to it. */
static struct buf *leaf(struct leaves *leaves, const char *key)
{
    if (leaves->count > 0) {
        buf_append_byte(&leaves->text, '\0');
    }
    if (leaves->count < DIFF_LEAVES_MAX) {
        leaves->list[leaves->count++] = (struct leaf){ .key = key, .value = leaves->text.size };
    }
    return &leaves->text;
}

static void leaf_text(struct leaves *leaves, const char *key, const char *text)
{
    if (text[0] != '\0') {
        buf_append_text(leaf(leaves, key), text);
    }
}

static void leaf_double(struct leaves *leaves, const char *key, double value)
{
    char text[64];
    str_format_double(text, sizeof(text), value);
    leaf_text(leaves, key, text);
}

static void leaf_duration(struct leaves *leaves, const char *key, int64_t us)
{
    char text[64] = "forever";
    if (us != -1) {
        str_format_duration(text, sizeof(text), us);
    }
    leaf_text(leaves, key, text);
}

static void leaf_labels(struct leaves *leaves, const struct free_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(i == 0 ? leaf(leaves, "labels") : &leaves->text, "%s%s=%s", i > 0 ? ", " : "",
                   labels[i].key, labels[i].value);
    }
}

static void leaf_settings(struct leaves *leaves, const struct option *options,
                          const struct setting *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct option *option = &options[set[i].option];
        option_print(option, set[i].value, leaf(leaves, option->key));
    }
}

static void leaf_write(struct leaves *leaves, const struct point_write *write)
{
    if (!write->allowed) {
        return;
    }
    leaf_text(leaves, "write", "true");
    if (write->has_min) {
        leaf_double(leaves, "write.min", write->min);
    }
    if (write->has_max) {
        leaf_double(leaves, "write.max", write->max);
    }
    if (write->confirm) {
        leaf_text(leaves, "write.confirm", "true");
    }
    if (write->priority != 0) {
        buf_printf(leaf(leaves, "write.priority"), "%u", write->priority);
    }
    if (write->max_time_us != 0) {
        leaf_duration(leaves, "write.max_time", write->max_time_us);
    }
}

static void list_class(struct leaves *leaves, const struct point_class *cls)
{
    leaf_text(leaves, "units", cls->units);
    for (size_t i = 0; i < cls->enum_count; i++) {
        buf_printf(i == 0 ? leaf(leaves, "enum") : &leaves->text, "%s%" PRId64 "=%s",
                   i > 0 ? "|" : "", cls->enums[i].value, cls->enums[i].name);
    }
    leaf_double(leaves, "scale", cls->scale);
    leaf_double(leaves, "offset", cls->offset);
    if (cls->has_clamp) {
        leaf_double(leaves, "clamp.min", cls->clamp_min);
        leaf_double(leaves, "clamp.max", cls->clamp_max);
    }
    leaf_double(leaves, "deadband", cls->deadband);
    leaf_text(leaves, "counter", cls->counter ? "true" : "");
    leaf_duration(leaves, "every", cls->every_us);
    if (cls->stale_after_us != 0) {
        leaf_duration(leaves, "stale_after", cls->stale_after_us);
    }
    if (cls->keep_us != 0) {
        leaf_duration(leaves, "history", cls->keep_us);
    }
    leaf_write(leaves, &cls->write);
    leaf_labels(leaves, cls->labels, cls->label_count);
}

void diff_list_point(struct leaves *leaves, const struct config *config,
                     const struct config_device *dev, const struct config_point *point)
{
    struct setting set[CONFIG_OPTIONS_MAX];
    struct point_class cls;
    leaves_begin(leaves);
    leaf_text(leaves, "name", point->title);
    struct settings settings = config_point_settings(config, dev, point, set);
    leaf_settings(leaves, settings.options, settings.set, settings.count);
    config_effective_class(dev->parts, point, &cls);
    list_class(leaves, &cls);
}

void diff_list_device(struct leaves *leaves, const struct config_device *dev)
{
    leaves_begin(leaves);
    leaf_text(leaves, "name", dev->title);
    leaf_text(leaves, "place", dev->place);
    leaf_text(leaves, "profile", dev->profile);
    leaf_text(leaves, "protocol", dev->protocol->name);
    leaf_text(leaves, "enabled", dev->enabled ? "true" : "false");
    leaf_duration(leaves, "timeout", dev->timeout_us);
    buf_printf(leaf(leaves, "retries"), "%" PRId32, dev->retries);
    buf_printf(leaf(leaves, "in_flight"), "%" PRId32, dev->in_flight);
    leaf_labels(leaves, dev->parts->labels, dev->parts->label_count);
    leaf_settings(leaves, dev->protocol->device_options, dev->parts->set, dev->parts->set_count);
}

void diff_list_command(struct leaves *leaves, const struct config_device *dev,
                       const struct config_named *named)
{
    const struct config_command *command = (const void *)named;
    leaves_begin(leaves);
    leaf_text(leaves, "name", named->title);
    leaf_text(leaves, "confirm", command->confirm ? "true" : "");
    leaf_settings(leaves, dev->protocol->command_options, named->set, named->set_count);
    for (size_t i = 0; i < command->preset_count; i++) {
        leaf_text(leaves, command->presets[i].point, command->presets[i].value);
    }
}

void diff_list_event(struct leaves *leaves, const struct config_device *dev,
                     const struct config_named *named)
{
    const struct config_event *event = (const void *)named;
    leaves_begin(leaves);
    leaf_text(leaves, "name", named->title);
    leaf_text(leaves, "text", event->text);
    leaf_text(leaves, "severity", event_severity_word(event->severity));
    leaf_settings(leaves, dev->protocol->event_options, named->set, named->set_count);
}

const char *diff_leaf_value(const struct leaves *leaves, size_t index)
{
    return buf_text(&leaves->text) + leaves->list[index].value;
}

/* The value of the same key as number `index` of `of` has; where a key is there twice (the host's timeout, the
 * protocol's timeout), the same one of them. "" = not set. */
const char *diff_leaf_find(const struct leaves *leaves, const struct leaves *of, size_t index)
{
    const char *key = of->list[index].key;
    size_t before = 0;
    for (size_t i = 0; i < index; i++) {
        before += strcmp(of->list[i].key, key) == 0;
    }
    for (size_t i = 0; i < leaves->count; i++) {
        if (strcmp(leaves->list[i].key, key) == 0 && before-- == 0) {
            return diff_leaf_value(leaves, i);
        }
    }
    return "";
}

/* work->before against work->after; what: the path before the key. Returns how many differ. */
void diff_list_settings(struct leaves *leaves, const struct settings *settings)
{
    leaves_begin(leaves);
    leaf_settings(leaves, settings->options, settings->set, settings->count);
}

/* Both lists are sorted by name. what: "drivers.bacnet.networks" */
/* ---- the sections ---- */

static void leaf_place(struct leaves *leaves, const char *key, const struct config_place *place)
{
    if (place->port == 0) {
        leaf_text(leaves, key, "off");
        return;
    }
    bool v6 = strchr(place->host, ':') != NULL;
    buf_printf(leaf(leaves, key), "%s%s%s:%u", v6 ? "[" : "", place->host, v6 ? "]" : "",
               place->port);
}

/* Its place counts too: the first that matches is the one. */
static void leaf_policy(struct leaves *leaves, const struct config_policy *policy, size_t place)
{
    char keep[64] = "forever";
    struct buf *out = leaf(leaves, policy->path);
    buf_printf(out, "%zu. %s", place, policy->match);
    if (policy->keep_us != 0) {
        if (policy->keep_us > 0) {
            str_format_duration(keep, sizeof(keep), policy->keep_us);
        }
        buf_printf(out, " keep %s", keep);
    }
    if (policy->max_bytes > 0) {
        buf_printf(out, " max_bytes %" PRIu64, policy->max_bytes);
    }
}

static void list_history(struct leaves *leaves, const struct config_history *history)
{
    leaf_duration(leaves, "history.keep", history->keep_us);
    buf_printf(leaf(leaves, "history.max_bytes"), "%" PRIu64, history->max_bytes);
    buf_printf(leaf(leaves, "history.free_bytes"), "%" PRIu64, history->free_bytes);
    leaf_duration(leaves, "history.commit", history->commit_us);
    if (history->tiers_keep_us == CONFIG_TIERS_OFF) {
        leaf_text(leaves, "history.tiers", "off");
    } else {
        leaf_duration(leaves, "history.tiers", history->tiers_keep_us);
    }
    leaf_duration(leaves, "history.cold_after", history->cold_after_us);
    leaf_duration(leaves, "history.events_keep", history->events_keep_us);
    leaf_text(leaves, "history.archive", history->archive);
    for (size_t i = 0; i < history->policy_count; i++) {
        leaf_policy(leaves, &history->policies[i], i + 1);
    }
}

void diff_list_sections(struct leaves *leaves, const struct config *config)
{
    leaves_begin(leaves);
    leaf_text(leaves, "site.id", config->site.id);
    leaf_text(leaves, "site.name", config->site.name);
    leaf_text(leaves, "site.timezone", config->site.timezone);
    leaf_place(leaves, "server.http", &config->server.http);
    leaf_place(leaves, "server.time_series", &config->server.series);
    leaf_text(leaves, "server.socket", config->server.socket);
    leaf_text(leaves, "server.insecure", config->server.insecure ? "allow" : "");
    list_history(leaves, &config->history);
}

/* As compare_leaves(), but the keys are whole paths. */
