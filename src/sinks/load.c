/* SPDX-License-Identifier: Apache-2.0 */
/* A batch in its life. Its memory goes back to the sink for the next one; parts of a divided batch share it. */
#include <string.h>

#include "base/alloc.h"
#include "sinks/machine.h"

enum { SPARES_MAX = SINK_LOADS_MAX + 1 };
#define BYTES_KEPT ((size_t)8 << 20) /* of an encoded batch, for the next one */

static struct load_memory *memory_new(size_t samples)
{
    struct load_memory *memory = busbar_alloc(sizeof(*memory));
    memory->capacity = samples;
    memory->samples = busbar_try_alloc(samples * sizeof(*memory->samples));
    memory->places = busbar_try_alloc(samples * sizeof(*memory->places));
    arena_init(&memory->texts, 0);
    arena_init(&memory->facts, 0);
    memory->users = 1;
    return memory;
}

static void memory_clear(struct load_memory *memory)
{
    arena_fini(&memory->texts);
    arena_fini(&memory->facts);
    memory->fresh_count = 0;
    memory->series = NULL;
    memory->told = false;
}

static void memory_unuse(struct load_memory *memory)
{
    if (memory == NULL || --memory->users > 0) {
        return;
    }
    memory_clear(memory);
    busbar_free(memory->samples);
    busbar_free(memory->places);
    busbar_free(memory->events);
    busbar_free(memory->event_places);
    busbar_free(memory->fresh);
    busbar_free(memory);
}

static void reset(struct load *load)
{
    struct buf bytes = load->bytes;
    struct load_memory *memory = load->memory;
    buf_clear(&bytes);
    *load = (struct load){ .bytes = bytes, .memory = memory };
    load->batch.oldest_us = INT64_MAX;
}

void sink_load_discard(struct load *load)
{
    memory_unuse(load->memory);
    buf_fini(&load->bytes);
    busbar_free(load);
}

struct load *sink_load_new(struct sink *sink)
{
    struct list *spare = list_shift(&sink->spare);
    struct load *load;
    if (spare != NULL) {
        sink->spares--;
        load = list_entry(spare, struct load, link);
        reset(load);
        return load;
    }
    load = busbar_alloc(sizeof(*load));
    buf_init(&load->bytes, SINK_BATCH_BYTES_MAX);
    load->memory = memory_new(sink->batch);
    reset(load);
    if (load->memory->samples == NULL || load->memory->places == NULL) {
        sink_load_discard(load);
        return NULL;
    }
    return load;
}

void sink_load_free(struct sink *sink, struct load *load)
{
    if (load->memory->users == 1 && load->bytes.capacity <= BYTES_KEPT &&
        sink->spares < SPARES_MAX) {
        memory_clear(load->memory);
        list_append(&sink->spare, &load->link);
        sink->spares++;
        return;
    }
    sink_load_discard(load);
}

/* ---- dividing ---- */

/* How many samples are among the first `rank` things. Those of a push have no places: samples come first. */
static size_t samples_before(const struct load *load, size_t rank)
{
    size_t samples = load->batch.sample_count, events = load->batch.event_count;
    size_t low = rank > events ? rank - events : 0, high = rank < samples ? rank : samples;
    if (load->places == NULL) {
        return high;
    }
    while (low < high) { /* the most samples of which the last is before the first event left out */
        size_t middle = low + (high - low + 1) / 2, event = rank - middle;
        bool fits = event == events ||
                    sink_place_compare(load->places[middle - 1], load->event_places[event]) < 0;
        if (fits) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

size_t sink_load_rank(const struct load *load, size_t index)
{
    size_t samples = load->batch.sample_count;
    if (load->places == NULL) {
        return index;
    }
    bool event = index >= samples;
    struct sink_place place = event ? load->event_places[index - samples] : load->places[index];
    const struct sink_place *others = event ? load->places : load->event_places;
    size_t low = 0, high = event ? samples : load->batch.event_count;
    while (low < high) { /* of the other kind: those that stand before it */
        size_t middle = low + (high - low) / 2;
        if (sink_place_compare(others[middle], place) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (event ? index - samples : index) + low;
}

static void take_rest(struct load *rest, const struct load *whole, size_t samples, size_t events)
{
    struct sink_batch *batch = &rest->batch;
    batch->samples += samples;
    batch->sample_count -= samples;
    batch->events = batch->events != NULL ? batch->events + events : NULL;
    batch->event_count -= events;
    if (whole->places != NULL) {
        rest->places = whole->places + samples;
        rest->event_places = whole->event_places != NULL ? whole->event_places + events : NULL;
    }
    rest->first += samples;
    rest->first_event += events;
}

int sink_load_cut(struct sink *sink, struct load *load, size_t rank)
{
    struct load *rest = busbar_try_alloc(sizeof(*rest));
    if (rest == NULL) {
        return BUSBAR_ENOMEM;
    }
    size_t samples = samples_before(load, rank), events = rank - samples;
    *rest = *load;
    buf_init(&rest->bytes, SINK_BATCH_BYTES_MAX);
    rest->stage = load->stage = LOAD_ENCODING;
    rest->part = load->part = true;
    load->memory->users++;
    take_rest(rest, load, samples, events);
    load->batch.sample_count = samples;
    load->batch.event_count = events;
    if (load->places != NULL) {
        struct sink_place none = { 0 };
        struct sink_place a = samples > 0 ? load->places[samples - 1] : none;
        struct sink_place b = events > 0 ? load->event_places[events - 1] : none;
        load->batch.to = rest->batch.from = sink_place_compare(a, b) > 0 ? a : b;
    }
    load->passed = load->lost = 0; /* the last part has it */
    buf_clear(&load->bytes);
    list_insert_before(load->link.next, &rest->link);
    sink->queued++;
    return 0;
}
