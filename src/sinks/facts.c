/* SPDX-License-Identifier: Apache-2.0 */
/* What a target is told of a series that it has not heard of: of points that are configured by the registry, on the loop
 * and in slices; labels, and all of what is no point any more, by the index, in the job that encodes. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "history/index.h"
#include "model/registry.h"
#include "sinks/machine.h"

enum { SLICE = 500, ENUMS_BYTES_MAX = 64 * 1024 };

static const char *copy(struct arena *arena, const char *text, bool *good)
{
    if (text == NULL || text[0] == '\0') {
        return "";
    }
    const char *made = arena_strdup(arena, text);
    *good = *good && made != NULL;
    return made != NULL ? made : "";
}

/* {"0":"off","1":"on"} */
static const char *enums_of(struct arena *arena, const struct point_class *cls, bool *good)
{
    struct buf text;
    if (cls->enum_count == 0) {
        return "";
    }
    buf_init(&text, ENUMS_BYTES_MAX);
    struct json_writer json = json_writer(&text);
    json_begin_object(&json);
    for (size_t i = 0; i < cls->enum_count; i++) {
        char key[24];
        (void)str_format(key, sizeof(key), "%lld", (long long)cls->enums[i].value);
        json_put_string(&json, key, cls->enums[i].name);
    }
    json_end_object(&json);
    const char *made = json_complete(&json) ? copy(arena, buf_text(&text), good) : "";
    buf_fini(&text);
    return made;
}

static bool describe(struct arena *arena, const struct point *pt, struct sink_series *series)
{
    const struct device *dev = pt->device;
    bool good = true;
    const char *path = arena_printf(arena, "%s/%s", dev->name, pt->name);
    good = path != NULL;
    series->path = good ? path : "";
    series->device = copy(arena, dev->name, &good);
    series->point = copy(arena, pt->name, &good);
    series->title = copy(arena, pt->title, &good);
    series->units = copy(arena, pt->cls->units, &good);
    series->protocol = copy(arena, dev->protocol, &good);
    series->place = copy(arena, dev->place, &good);
    series->profile = copy(arena, dev->profile, &good);
    series->enums = enums_of(arena, pt->cls, &good);
    series->value_type = pt->value_type;
    series->writable = pt->writable;
    series->counter = pt->cls->counter;
    return good;
}

static struct sink_series nothing(uint32_t id)
{
    return (struct sink_series){ .id = id,
                                 .path = "",
                                 .device = "",
                                 .point = "",
                                 .title = "",
                                 .units = "",
                                 .protocol = "",
                                 .place = "",
                                 .profile = "",
                                 .enums = "" };
}

/* A slice of them. BUSBAR_ENOMEM. */
static int describe_some(struct sink *sink, struct load *load)
{
    struct load_memory *memory = load->memory;
    const struct registry *registry = sink->sinks->config.registry;
    size_t end = sink->facts_done + SLICE < memory->fresh_count ? sink->facts_done + SLICE
                                                                : memory->fresh_count;
    for (; sink->facts_done < end; sink->facts_done++) {
        uint32_t id = memory->fresh[sink->facts_done];
        struct sink_series *series = &memory->series[sink->facts_done];
        *series = nothing(id);
        const struct point *pt = registry != NULL ? registry_point_by_id(registry, id) : NULL;
        if (pt != NULL && !describe(&memory->facts, pt, series)) {
            return BUSBAR_ENOMEM;
        }
    }
    return 0;
}

static void end_facts(struct sink *sink, struct load *load, int error)
{
    sink->making = NULL;
    if (load->dead) {
        sink_remove_load(sink, load);
    } else if (error != 0) {
        sink_break(sink, error, "no memory for what the target is told of points");
        return;
    } else {
        load->batch.series = load->memory->series;
        load->batch.series_count = load->memory->fresh_count;
        load->stage = LOAD_ENCODING;
    }
    sink_pump(sink);
}

static void slice(struct timer *timer, void *ctx)
{
    (void)timer;
    struct sink *sink = ctx;
    struct load *load = sink->making;
    int error = load->dead ? 0 : load->error;
    if (error == 0 && !load->dead) {
        error = describe_some(sink, load);
    }
    if (error == 0 && !load->dead && sink->facts_done < load->memory->fresh_count) {
        timer_start(&sink->facts, 0, 0);
        return;
    }
    end_facts(sink, load, error);
}

void sink_facts_begin(struct sink *sink, struct load *load)
{
    struct load_memory *memory = load->memory;
    sink->making = load;
    load->stage = LOAD_FACTS;
    sink->facts_done = 0;
    memory->series = arena_alloc_array(&memory->facts, memory->fresh_count,
                                       sizeof(*memory->series));
    timer_init(&sink->facts, sink->sinks->config.loop, slice, sink);
    if (memory->series == NULL) {
        load->error = BUSBAR_ENOMEM;
    }
    timer_start(&sink->facts, 0, 0);
}

/* The point left the configuration: what its labels say. */
static bool describe_left(struct arena *arena, struct sink_series *series)
{
    char path[SINK_PATH_SIZE];
    bool good = true;
    if (sink_path_of(series->labels, series->label_count, path) > 0) {
        series->path = copy(arena, path, &good);
        const char *slash = strchr(series->path, '/');
        if (slash != NULL) {
            const char *device = arena_strndup(arena, series->path, (size_t)(slash - series->path));
            good = good && device != NULL;
            series->device = device != NULL ? device : "";
            series->point = slash + 1;
        }
    }
    return good;
}

int sink_facts_labels(struct sink *sink, struct load *load)
{
    struct load_memory *memory = load->memory;
    struct history *history = sink->sinks->config.history;
    for (size_t i = 0; i < load->batch.series_count; i++) {
        struct sink_series *series = &memory->series[i];
        struct label labels[LABELS_MAX];
        size_t count = history_index_labels(history_index(history), series->id, labels);
        struct label *kept = arena_alloc_array(&memory->facts, count, sizeof(*kept));
        if (kept == NULL) {
            return BUSBAR_ENOMEM;
        }
        memcpy(kept, labels, count * sizeof(*kept)); /* their texts live as long as the index */
        series->labels = kept;
        series->label_count = count;
        if (series->path[0] == '\0' && history_is_point(history, series->id) &&
            !describe_left(&memory->facts, series)) {
            return BUSBAR_ENOMEM;
        }
    }
    return 0;
}
