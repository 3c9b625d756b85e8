/* SPDX-License-Identifier: Apache-2.0 */
/* A batch is gathered from whole records, because the mark can only move past whole ones. One that state.db did not take
 * is kept and given again: the cursor has passed its records by then. */
#include "history/journal.h"

#include "base/alloc.h"
#include "base/err.h"
#include "history/record.h"
#include "state/state.h"

enum { BATCH_BYTES = 1024 * 1024, READS_MAX = 1024 };

struct place {
    size_t offset, size;
};

struct history_journal {
    struct state *state;
    struct history_cursor *cursor;
    uint64_t at;      /* records up to it are in the batch, or had nothing */
    uint64_t mark;    /* in state.db */
    uint64_t lost;    /* told to state.db */
    struct buf bytes; /* the batch */
    struct place *places;
    size_t count, capacity;
    struct history_journal_event *events; /* as told to the caller */
    struct bytes *inputs;
    uint64_t *ids;
    bool retry; /* the batch is as it was when state.db did not take it */
};

int history_journal_from(struct state *state, uint64_t *events_from, struct err *err)
{
    uint64_t mark = 0;
    uint64_t lost = 0;
    int error = state_events_mark(state, &mark, &lost);
    *events_from = mark + 1;
    return error == 0 ? 0
                      : err_set(err, error, "cannot read the journal's mark: %s", err_text(error));
}

int history_journal_new(struct history *history, struct state *state,
                        struct history_journal **opened, struct err *err)
{
    struct history_journal *journal = busbar_alloc(sizeof(*journal));
    journal->state = state;
    journal->cursor = history_events(history);
    journal->at = history_cursor_at(journal->cursor);
    buf_init(&journal->bytes, BATCH_BYTES + HISTORY_RECORD_EVENTS_MAX);
    uint64_t lost;
    int error = state_events_mark(state, &journal->mark, &lost);
    if (error == 0 && journal->mark != journal->at) {
        error = state_events_add(state, NULL, 0, journal->at, 0, NULL);
        journal->mark = journal->at;
    }
    if (error != 0) {
        history_journal_free(journal);
        journal = NULL;
        err_set(err, error, "cannot set the journal's mark: %s", err_text(error));
    }
    *opened = journal;
    return error;
}

void history_journal_free(struct history_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    buf_fini(&journal->bytes);
    busbar_free(journal->places);
    busbar_free(journal->events);
    busbar_free(journal->inputs);
    busbar_free(journal->ids);
    busbar_free(journal);
}

static int make_room(struct history_journal *journal)
{
    if (journal->count < journal->capacity) {
        return 0;
    }
    size_t capacity = journal->capacity > 0 ? 2 * journal->capacity : 64;
    struct place *places = busbar_try_realloc(journal->places, capacity * sizeof(*places));
    journal->places = places != NULL ? places : journal->places;
    struct history_journal_event *events = busbar_try_realloc(journal->events,
                                                              capacity * sizeof(*events));
    journal->events = events != NULL ? events : journal->events;
    struct bytes *inputs = busbar_try_realloc(journal->inputs, capacity * sizeof(*inputs));
    journal->inputs = inputs != NULL ? inputs : journal->inputs;
    uint64_t *ids = busbar_try_realloc(journal->ids, capacity * sizeof(*ids));
    journal->ids = ids != NULL ? ids : journal->ids;
    if (places == NULL || events == NULL || inputs == NULL || ids == NULL) {
        return BUSBAR_ENOMEM;
    }
    journal->capacity = capacity;
    return 0;
}

/* All events of a record, or none of them. */
static int take_record(struct history_journal *journal, struct history_record *record)
{
    size_t count = journal->count;
    size_t size = journal->bytes.size;
    struct bytes event;
    int error;
    while ((error = history_next_event_bytes(record, &event)) == 0) {
        size_t bytes = bytes_left(&event);
        error = make_room(journal);
        error = error == 0 ? buf_append(&journal->bytes, event.at, bytes) : error;
        if (error != 0) {
            journal->count = count;
            journal->bytes.size = size;
            journal->bytes.overflow = false;
            return error;
        }
        journal->places[journal->count++] = (struct place){ .offset = journal->bytes.size - bytes,
                                                            .size = bytes };
    }
    return error == BUSBAR_EDAMAGED ? error : 0;
}

/* Reads until there is nothing new or the batch is full. */
static int gather(struct history_journal *journal, bool *more)
{
    struct history_record record;
    int error = 0;
    *more = true;
    for (int i = 0; i < READS_MAX && journal->bytes.size < BATCH_BYTES; i++) {
        error = history_cursor_next_events(journal->cursor, &record);
        if (error == BUSBAR_EDAMAGED) {
            continue; /* the cursor counts what is lost */
        }
        if (error != 0) {
            *more = false;
            break;
        }
        error = take_record(journal, &record);
        if (error == BUSBAR_ENOMEM) {
            history_cursor_back(journal->cursor, record.sequence);
            break;
        }
    }
    journal->at = history_cursor_at(journal->cursor);
    return error == BUSBAR_EAGAIN || error == BUSBAR_EDAMAGED ? 0 : error;
}

static int put(struct history_journal *journal)
{
    uint64_t lost = history_cursor_lost(journal->cursor);
    for (size_t i = 0; i < journal->count; i++) {
        const struct place *place = &journal->places[i];
        journal->inputs[i] = bytes_of(journal->bytes.data + place->offset, place->size);
    }
    int error = state_events_add(journal->state, journal->inputs, journal->count, journal->at,
                                 lost - journal->lost, journal->ids);
    if (error == 0) {
        journal->lost = lost;
        journal->mark = journal->at;
        history_cursor_done(journal->cursor, journal->mark);
    }
    return error;
}

/* An error of the commit may hide that it is on disk all the same. */
static bool was_put(struct history_journal *journal)
{
    uint64_t mark = 0;
    uint64_t lost = 0;
    return journal->retry && journal->at != journal->mark &&
           state_events_mark(journal->state, &mark, &lost) == 0 && mark == journal->at;
}

static void tell(struct history_journal *journal, struct history_journal_step *step)
{
    for (size_t i = 0; i < journal->count; i++) {
        if (journal->ids[i] != 0) {
            journal->events[step->count++] = (struct history_journal_event){
                .id = journal->ids[i], .event = journal->inputs[i]
            };
        }
    }
    step->events = journal->events;
}

int history_journal_step(struct history_journal *journal, bool keep_mark,
                         struct history_journal_step *step)
{
    *step = (struct history_journal_step){ .lost = history_cursor_lost(journal->cursor) };
    int error = 0;
    if (was_put(journal)) {
        journal->mark = journal->at;
        journal->lost = history_cursor_lost(journal->cursor);
        history_cursor_done(journal->cursor, journal->mark);
        journal->retry = false;
    }
    if (!journal->retry) {
        journal->count = 0;
        buf_clear(&journal->bytes);
        error = gather(journal, &step->more);
        step->lost = history_cursor_lost(journal->cursor);
    }
    bool worth = journal->count > 0 || step->lost != journal->lost ||
                 (keep_mark && journal->at != journal->mark);
    if (error != 0 && journal->count == 0) {
        return error;
    }
    error = worth ? put(journal) : 0;
    journal->retry = error != 0;
    if (error != 0) {
        step->more = false;
    } else if (worth) {
        tell(journal, step);
    }
    return error;
}
