/* SPDX-License-Identifier: Apache-2.0 */
/* From the log into a batch, on a job's thread. What is done for each sample is kept small: a byte of the filter, a bit
 * of what the target was told, two copies. A record is decoded once, however many batches it fills. */
#include <string.h>

#include "base/alloc.h"
#include "sinks/machine.h"

enum {
    TOLD_PAGE_BITS = 16,
    TOLD_WORDS = (1 << TOLD_PAGE_BITS) / 64,
    RECORDS_MAX = 65536,  /* of one batch: it ends also when the filter takes little */
    PASSED_MAX = 1000000, /* the same of samples */
    FRESH_FIRST = 1024,
};

/* ---- what the target was told ---- */

static uint64_t *told_page(struct sink_told *told, uint32_t page)
{
    if (page >= told->count) {
        uint64_t **pages = busbar_try_realloc(told->pages, (page + 1) * sizeof(*pages));
        if (pages == NULL) {
            return NULL;
        }
        memset(pages + told->count, 0, (page + 1 - told->count) * sizeof(*pages));
        told->pages = pages;
        told->count = page + 1;
    }
    if (told->pages[page] == NULL) {
        told->pages[page] = busbar_try_alloc(TOLD_WORDS * sizeof(uint64_t));
    }
    return told->pages[page];
}

bool sink_told_add(struct sink_told *told, uint32_t series, bool *fresh)
{
    uint64_t *page = told_page(told, series >> TOLD_PAGE_BITS);
    if (page == NULL) {
        return false;
    }
    uint64_t *word = &page[(series & ((1u << TOLD_PAGE_BITS) - 1)) / 64];
    uint64_t bit = UINT64_C(1) << (series % 64);
    *fresh = (*word & bit) == 0;
    *word |= bit;
    return true;
}

void sink_told_fini(struct sink_told *told)
{
    for (uint32_t i = 0; i < told->count; i++) {
        busbar_free(told->pages[i]);
    }
    busbar_free(told->pages);
    *told = (struct sink_told){ 0 };
}

static int add_fresh(struct load_memory *memory, uint32_t series)
{
    if (memory->fresh_count == memory->fresh_capacity) {
        size_t capacity = memory->fresh_capacity > 0 ? 2 * memory->fresh_capacity : FRESH_FIRST;
        uint32_t *fresh = busbar_try_realloc(memory->fresh, capacity * sizeof(*fresh));
        if (fresh == NULL) {
            return BUSBAR_ENOMEM;
        }
        memory->fresh = fresh;
        memory->fresh_capacity = capacity;
    }
    memory->fresh[memory->fresh_count++] = series;
    return 0;
}

int sink_note_fresh(struct sink_reader *reader, struct load *load)
{
    int error = 0;
    for (size_t i = 0; i < load->batch.sample_count && error == 0; i++) {
        bool fresh = false;
        uint32_t series = load->batch.samples[i].point;
        if (!sink_told_add(&reader->told, series, &fresh)) {
            error = BUSBAR_ENOMEM;
        } else if (fresh) {
            error = add_fresh(load->memory, series);
        }
    }
    return error;
}

/* ---- the reader ---- */

void sink_reader_seek(struct sink_reader *reader, struct sink_place place)
{
    if (reader->holding && reader->record.sequence == place.sequence && reader->events_taken == 0) {
        reader->at = place; /* it is still here */
        return;
    }
    bool there = !reader->holding && history_cursor_at(reader->cursor) + 1 == place.sequence;
    reader->holding = false;
    reader->at = place;
    if (!there) {
        history_cursor_back(reader->cursor, place.sequence);
    }
}

void sink_reader_fini(struct sink_reader *reader)
{
    history_cursor_close(reader->cursor);
    sink_told_fini(&reader->told);
    reader->cursor = NULL;
}

/* The next record into reader->record; it may have been begun. */
static int next_record(struct sink_reader *reader, uint64_t *lost)
{
    if (reader->holding) {
        return 0;
    }
    uint64_t before = history_cursor_lost(reader->cursor);
    int error = history_cursor_next(reader->cursor, &reader->record);
    *lost += history_cursor_lost(reader->cursor) - before;
    if (error == BUSBAR_EDAMAGED || error == 0) {
        uint64_t at = history_cursor_at(reader->cursor);
        uint64_t sequence = error == 0 ? reader->record.sequence : at + 1;
        if (sequence != reader->at.sequence) {
            reader->at = (struct sink_place){ .sequence = sequence };
        }
    }
    reader->holding = error == 0;
    reader->events_taken = 0;
    return error;
}

static void end_record(struct sink_reader *reader)
{
    reader->holding = false;
    reader->at = (struct sink_place){ .sequence = reader->record.sequence + 1 };
}

/* ---- samples ---- */

static bool copy_text(struct load_memory *memory, struct sample *sample)
{
    const struct text *from = sample->value.text;
    struct text *text = arena_alloc(&memory->texts, sizeof(*text) + from->size + 1);
    if (text == NULL) {
        return false;
    }
    text->size = from->size;
    memcpy(text->bytes, from->bytes, from->size);
    sample->value.text = text;
    return true;
}

/* Takes samples of the record from *taken on until the batch is full. *taken is behind the last that was looked at. */
static int take_samples(struct sink_reader *reader, struct load *load, size_t max, size_t *taken)
{
    struct load_memory *memory = load->memory;
    struct sink_filter *filter = reader->filter;
    const struct history_record *record = &reader->record;
    size_t count = load->batch.sample_count, at = *taken;
    const uint8_t *page = NULL;
    uint32_t page_number = UINT32_MAX;
    int error = 0;
    for (; at < record->count && count < max; at++) {
        const struct sample *from = &record->samples[at];
        if (from->point >> SINK_FILTER_PAGE_BITS != page_number || page == NULL) {
            page_number = from->point >> SINK_FILTER_PAGE_BITS;
            page = sink_filter_page(filter, from->point);
        }
        uint8_t known = page != NULL ? page[from->point & ((1u << SINK_FILTER_PAGE_BITS) - 1)]
                                     : SINK_FILTER_UNKNOWN;
        if (known == SINK_FILTER_NO ||
            (known == SINK_FILTER_UNKNOWN && !sink_filter_wants(filter, from->point))) {
            continue;
        }
        bool fresh;
        struct sample *to = &memory->samples[count];
        *to = *from;
        if ((from->type == VALUE_TEXT && !copy_text(memory, to)) ||
            !sink_told_add(&reader->told, from->point, &fresh) ||
            (fresh && add_fresh(memory, from->point) != 0)) {
            error = BUSBAR_ENOMEM;
            break;
        }
        memory->places[count++] = (struct sink_place){ record->sequence, (uint32_t)at + 1 };
    }
    load->batch.sample_count = count;
    load->passed += at - *taken;
    *taken = at;
    return error;
}

/* ---- events ---- */

static int take_event(struct sink_reader *reader, struct load *load, struct bytes event)
{
    struct load_memory *memory = load->memory;
    size_t size = bytes_left(&event), count = load->batch.event_count;
    if (memory->events == NULL) {
        memory->events = busbar_try_alloc(SINK_EVENTS_MAX * sizeof(*memory->events));
    }
    if (memory->event_places == NULL) {
        memory->event_places = busbar_try_alloc(SINK_EVENTS_MAX * sizeof(*memory->event_places));
    }
    bool room = memory->events != NULL && memory->event_places != NULL;
    void *copy = room ? arena_alloc(&memory->texts, size) : NULL;
    if (copy == NULL) {
        return BUSBAR_ENOMEM;
    }
    memcpy(copy, event.at, size);
    memory->events[count] = bytes_of(copy, size);
    memory->event_places[count] = (struct sink_place){
        reader->record.sequence, (uint32_t)(reader->record.count + reader->events_taken)
    };
    load->batch.event_count++;
    return 0;
}

/* Those of the record that were not taken yet. *full: some are left. */
static int take_events(struct sink_reader *reader, struct load *load, bool *full)
{
    struct bytes event, before;
    size_t skip = reader->at.taken > reader->record.count + reader->events_taken
                      ? reader->at.taken - reader->record.count - reader->events_taken
                      : 0;
    *full = false;
    if (!sink_filter_events(reader->filter)) {
        return 0;
    }
    for (;;) {
        before = reader->record.events;
        int error = history_next_event_bytes(&reader->record, &event);
        if (error != 0) {
            load->lost += error == BUSBAR_EDAMAGED; /* what is left of it cannot be read */
            return 0;
        }
        *full = skip == 0 && (load->batch.event_count == SINK_EVENTS_MAX ||
                              load->memory->texts.used_bytes > SINK_TEXT_BYTES_MAX);
        reader->events_taken += !*full;
        error = !*full && skip == 0 ? take_event(reader, load, event) : 0;
        reader->events_taken -= error != 0;
        skip -= skip > 0;
        if (*full || error != 0) {
            reader->record.events = before;
            return error;
        }
    }
}

/* ---- a batch ---- */

/* What is left of the record. *full: it goes on with the next batch. */
static int take_record(struct sink_reader *reader, struct load *load, size_t max, bool *full)
{
    size_t taken = reader->at.taken < reader->record.count ? reader->at.taken
                                                           : reader->record.count;
    int error = take_samples(reader, load, max, &taken);
    bool samples_left = taken < reader->record.count;
    bool events_left = false;
    if (!samples_left && error == 0) {
        error = take_events(reader, load, &events_left);
    }
    if (error == 0 && !samples_left && !events_left) {
        end_record(reader);
    } else if (!samples_left) {
        taken = reader->record.count + reader->events_taken;
    }
    if (reader->holding) {
        reader->at = (struct sink_place){ reader->record.sequence, (uint32_t)taken };
    }
    *full = samples_left || events_left;
    return error;
}

static void finish(struct sink_reader *reader, struct load *load)
{
    struct load_memory *memory = load->memory;
    load->batch.samples = memory->samples;
    load->batch.events = memory->events;
    load->places = memory->places;
    load->event_places = memory->event_places;
    load->batch.to = reader->at;
    load->batch.oldest_us = load->batch.sample_count > 0 ? memory->samples[0].receive_us
                                                         : INT64_MAX;
}

void sink_read(struct sink_reader *reader, struct load *load, struct sink_read *read)
{
    bool full = false;
    int error = 0;
    read->end = false;
    for (int i = 0; i < RECORDS_MAX && error == 0 && !full; i++) {
        error = next_record(reader, &load->lost);
        if (error == BUSBAR_EDAMAGED) {
            error = 0;
            continue;
        }
        if (error == 0) {
            if (reader->record.sequence > reader->counted) {
                read->uncounted += reader->record.count;
                reader->counted = reader->record.sequence;
            }
            error = take_record(reader, load, read->samples_max, &full);
            full = full || load->batch.sample_count == read->samples_max ||
                   load->passed >= PASSED_MAX ||
                   load->memory->texts.used_bytes > SINK_TEXT_BYTES_MAX;
        }
    }
    read->end = error == BUSBAR_EAGAIN;
    load->error = error == BUSBAR_EAGAIN ? 0 : error;
    finish(reader, load);
}

/* ---- passing ---- */

static void count_record(struct sink_reader *reader, struct sink_pass *pass)
{
    const struct history_record *record = &reader->record;
    size_t at = reader->at.taken < record->count ? reader->at.taken : record->count;
    size_t events_before = reader->at.taken > record->count ? reader->at.taken - record->count : 0;
    struct bytes event;
    pass->passed += record->count - at;
    for (; at < record->count; at++) {
        pass->samples += sink_filter_wants(reader->filter, record->samples[at].point);
    }
    size_t events = reader->events_taken;
    while (sink_filter_events(reader->filter) &&
           history_next_event_bytes(&reader->record, &event) == 0) {
        pass->events += ++events > events_before;
    }
}

int sink_pass(struct sink_reader *reader, struct sink_pass *pass)
{
    for (;;) {
        int error = next_record(reader, &pass->lost);
        if (error == BUSBAR_EDAMAGED) {
            continue;
        }
        if (error != 0) {
            pass->end = error == BUSBAR_EAGAIN;
            return pass->end ? 0 : error;
        }
        int64_t receive_us = reader->record.count > 0 ? reader->record.samples[0].receive_us
                                                      : INT64_MIN;
        if (pass->enough(pass->ctx, reader->at, receive_us)) {
            return 0;
        }
        count_record(reader, pass);
        if (reader->record.sequence > reader->counted) {
            pass->passed -= reader->record.count; /* nobody counted it as waiting */
            reader->counted = reader->record.sequence;
        }
        end_record(reader);
    }
}
