/* SPDX-License-Identifier: Apache-2.0 */
/* What a device may tell of at a moment:
 *
 *   events:
 *     door: { match: '^DOOR (?<door>\d+) (?<what>OPEN|SHUT)$', text: "door {door} {what}", severity: high }
 *
 * How an event is found in what the device sends is the protocol's; its words and its weight are ours. */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "config/load.h"
#include "model/event.h"

static const char *const severities[] = { "info", "low", "medium", "high", "critical", NULL };

static const struct option common[] = {
    { .key = "name", .type = OPTION_TEXT, .max = 200, .help = "a title for people" },
    { .key = "text",
      .type = OPTION_TEXT,
      .max = EVENT_TEXT_MAX,
      .help = "what the event says; {name} stands for an argument" },
    { .key = "severity",
      .type = OPTION_CHOICE,
      .choices = severities,
      .fallback = "info",
      .help = "info, low, medium, high or critical" },
    { 0 },
};
enum { COMMON_NAME, COMMON_TEXT, COMMON_SEVERITY };

static void read_common(struct load *load, uint16_t file, const struct yaml_node *at, int row,
                        struct config_event *event)
{
    union setting_value value;
    if (!load_scalar(load, file, &common[row], at, &value)) {
        return;
    }
    switch (row) {
    case COMMON_NAME: event->named.title = load_text(load, value.text); break;
    case COMMON_TEXT: event->text = load_text(load, value.text); break;
    default: event->severity = (uint8_t)value.i; break;
    }
}

static void tell_unknown(struct load *load, uint16_t file, const struct yaml_node *key,
                         const struct option *options, const char *event)
{
    const char *words[CONFIG_OPTIONS_MAX + sizeof(common) / sizeof(common[0])];
    char hint[HINT_MAX];
    size_t count = 0;
    for (const struct option *at = options; at->key != NULL; at++) {
        words[count++] = at->key;
    }
    for (const struct option *at = common; at->key != NULL; at++) {
        words[count++] = at->key;
    }
    words[count] = NULL;
    load_hint(hint, key->text, words);
    problems_error(load->problems, load_at(load, file, key), hint,
                   "unknown key '%.60s' in event '%s'", key->text, event);
}

static void read_event(struct load *load, uint16_t file, const struct yaml_node *node,
                       const struct option *options, struct config_event *event)
{
    struct named_draft *draft = busbar_alloc(sizeof(*draft));
    draft->errors = load->problems->errors;
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        int row = option_find(common, at->key->text);
        int own = option_find(options, at->key->text);
        if (row >= 0) {
            read_common(load, file, at, row, event);
        } else if (own >= 0) {
            named_option(load, file, at, options, own, draft);
        } else {
            tell_unknown(load, file, at->key, options, event->named.name);
        }
    }
    named_end(load, draft, &event->named);
    busbar_free(draft);
}

struct config_event_list events_read(struct load *load, uint16_t file, const struct yaml_node *node,
                                     const struct config_protocol *protocol)
{
    struct config_event_list list = { 0 };
    if (!load_is_map(load, file, node, "events")) {
        return list;
    }
    if (protocol->event_options == NULL) {
        problems_error(load->problems, load_at(load, file, node->key), "take 'events' out",
                       "what a device reports by '%s' becomes an event by itself", protocol->name);
        return list;
    }
    struct config_event *events = load_alloc(load, named_count(node) * sizeof(*events));
    for (const struct yaml_node *at = node->first; at != NULL && events != NULL; at = at->next) {
        struct config_event *event = &events[list.count];
        if (list.count == CONFIG_EVENTS_MAX) {
            problems_error(load->problems, load_at(load, file, at->key), NULL,
                           "a device has at most %d events", (int)CONFIG_EVENTS_MAX);
            break;
        }
        *event = (struct config_event){ .text = "" };
        if (named_begin(load, file, at, "event", &event->named)) {
            read_event(load, file, at, protocol->event_options, event);
            list.count++;
        }
    }
    list.events = events;
    return list;
}

struct config_event_list events_merge(struct load *load, struct config_event_list base,
                                      struct config_event_list own)
{
    struct config_event_list merged = { 0 };
    if (base.count == 0 || own.count == 0) {
        return base.count == 0 ? own : base;
    }
    merged.events = named_merge(load, (struct named_list){ base.events, base.count },
                                (struct named_list){ own.events, own.count }, sizeof(*own.events),
                                &merged.count);
    return merged;
}

void events_check(struct load *load, const struct config_device *dev)
{
    struct config_event_list list = dev->parts->events;
    const struct config_protocol *protocol = dev->protocol;
    struct settings device = config_device_settings(dev);
    for (size_t i = 0; i < list.count; i++) {
        const struct config_named *named = &list.events[i].named;
        struct settings settings = config_named_settings(protocol->event_options, named);
        struct err err = { 0 };
        if (!named->broken && protocol->check_event != NULL &&
            protocol->check_event(dev->setup, &device, &settings, &err) != 0) {
            problems_err(load->problems, &err, named->at);
        }
    }
}

uint64_t events_hash(const struct load *load, const struct config_device *dev, uint64_t hash)
{
    struct config_event_list list = dev->parts->events;
    for (size_t i = 0; i < list.count; i++) {
        const struct config_event *event = &list.events[i];
        hash = named_hash(load, dev->protocol->event_options, &event->named, hash);
        hash = load_mix(load_mix(hash, hash_text(event->text)), event->severity);
    }
    return hash;
}
