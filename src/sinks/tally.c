/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/tally.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "history/history.h"
#include "sinks/machine.h"
#include "state/state.h"

/* Samples of a record that are wanted, behind the first `taken`. */
static uint64_t wanted_of(const struct tally *tally, const struct history_record *record,
                          size_t taken)
{
    uint64_t wanted = 0;
    for (size_t i = taken; i < record->count; i++) {
        wanted += tally->wanted(tally->wanted_ctx, record->samples[i].point);
    }
    return wanted;
}

/* The log behind the place, up to the record `last`. */
static int read_log(struct tally *tally, struct history_cursor *cursor, uint64_t last)
{
    struct sink_ledger *ledger = &tally->ledger;
    ledger->waiting = 0;
    while (history_cursor_at(cursor) < last) {
        struct history_record record;
        if (atomic_load(tally->stop)) {
            return BUSBAR_ECANCELED;
        }
        int error = history_cursor_next(cursor, &record);
        if (error == 0) {
            bool begun = record.sequence == tally->place.sequence;
            ledger->waiting += wanted_of(tally, &record, begun ? tally->place.taken : 0);
        } else if (error != BUSBAR_EDAMAGED) {
            return error;
        }
    }
    uint64_t gone = history_cursor_lost(cursor); /* it may be that the sink is done with them */
    ledger->lost_records = tally->lost_records + gone;
    return gone > 0 && !tally->last_try ? BUSBAR_EAGAIN : 0;
}

/* What history has counted, and what of it waits. */
static int count(struct tally *tally, uint64_t *counted)
{
    struct history_cursor *cursor;
    uint64_t last;
    int error = history_cursor_open(tally->history, "ledger", tally->place.sequence, &cursor);
    if (error != 0) {
        return error;
    }
    error = history_count_samples(tally->history, tally->wanted, tally->wanted_ctx, counted, &last);
    if (error == 0 && last + 1 < tally->place.sequence) {
        error = BUSBAR_EAGAIN; /* the sink has read what the counters are just being fed with */
    }
    error = error == 0 ? read_log(tally, cursor, last) : error;
    history_cursor_close(cursor);
    return error;
}

/* Series that are forgotten are counted no more, though their samples were published. */
static int hash_of(struct tally *tally, uint64_t *hash)
{
    uint64_t removed;
    int error = state_label_sets_removed(tally->state, &removed);
    *hash = error == 0 ? hash_u64(tally->filter ^ hash_u64(removed + 1)) : 0;
    return error;
}

/* Done with at the place, by the sink's own counts. */
static uint64_t done_with(const struct sink_counts *counts)
{
    return counts->published + counts->aside + counts->released;
}

/* The baseline that is known; *fits: it is of this filter, and no series were forgotten since. */
static int known_baseline(struct tally *tally, uint64_t *hash, int64_t *baseline, bool *fits)
{
    struct state_sink row;
    int error = state_sink_get(tally->state, tally->name, &row);
    error = error == 0 ? hash_of(tally, hash) : error;
    *fits = error == 0 && row.counted && row.filter == *hash;
    *baseline = *fits ? row.baseline : 0;
    return error;
}

/* One that makes the sum right at this place, and from it on: it is kept with the place, so that no crash leads to one
 * before it. */
static int new_baseline(struct tally *tally, uint64_t counted, uint64_t hash, int64_t *baseline)
{
    struct state_sink_place place = { tally->place.sequence, tally->place.taken };
    struct state_sink_counts counts = sink_state_counts(&tally->counts, tally->lost_records);
    *baseline = (int64_t)(counted - tally->ledger.waiting - done_with(&tally->counts));
    return state_sink_baseline(tally->state, tally->name, *baseline, hash, &place, &counts);
}

static void balance(struct tally *tally, uint64_t counted, int64_t baseline)
{
    struct sink_ledger *ledger = &tally->ledger;
    ledger->stored = counted - (uint64_t)baseline;
    ledger->missing = (int64_t)(ledger->stored - ledger->counts.published - ledger->waiting -
                                ledger->aside - ledger->counts.released);
    ledger->balances = ledger->missing == 0 && ledger->aside == ledger->counts.aside;
}

static int tally_up(struct tally *tally)
{
    struct state_sink_place place = { tally->place.sequence, tally->place.taken };
    struct state_aside_count aside;
    uint64_t counted = 0, hash = 0;
    int64_t baseline;
    bool fits;
    int error = known_baseline(tally, &hash, &baseline, &fits);
    if (error == 0 && !fits) {
        tally->decide_anew(tally->wanted_ctx);
    }
    error = error == 0 ? count(tally, &counted) : error;
    error = error == 0 && !fits ? new_baseline(tally, counted, hash, &baseline) : error;
    error = error == 0 ? state_aside_count(tally->state, tally->name, &place, &aside) : error;
    if (error == 0) {
        tally->ledger.aside = aside.samples;
        balance(tally, counted, baseline);
    }
    return error;
}

void tally_work(struct tally *tally)
{
    struct sink_ledger *ledger = &tally->ledger;
    *ledger = (struct sink_ledger){ .counts = tally->counts };
    (void)str_copy(ledger->name, sizeof(ledger->name), tally->name);
    ledger->error = tally_up(tally);
    if (ledger->error != 0) {
        (void)err_set(&ledger->err, ledger->error,
                      "the ledger of the sink %s cannot be counted: %s", tally->name,
                      err_text(ledger->error));
    }
}

void sink_ledger_words(const struct sink_ledger *ledger, char *text, size_t size)
{
    unsigned long long off = (unsigned long long)(ledger->missing < 0 ? -ledger->missing
                                                                      : ledger->missing);
    if (ledger->error != 0) {
        (void)str_copy(text, size, ledger->err.message);
        return;
    }
    size_t at = str_format(text, size,
                           "%s: %llu stored %s %llu published + %llu waiting + %llu aside + %llu "
                           "released",
                           ledger->balances ? "balances" : "DOES NOT BALANCE",
                           (unsigned long long)ledger->stored, ledger->balances ? "=" : "against",
                           (unsigned long long)ledger->counts.published,
                           (unsigned long long)ledger->waiting, (unsigned long long)ledger->aside,
                           (unsigned long long)ledger->counts.released);
    if (ledger->missing > 0 && ledger->lost_records > 0) {
        str_format(text + at, size - at,
                   "; %llu are missing, %llu records of the log were damaged or gone before the "
                   "sink came to them",
                   off, (unsigned long long)ledger->lost_records);
    } else if (ledger->missing > 0) {
        str_format(text + at, size - at, "; %llu are missing", off);
    } else if (ledger->missing < 0) {
        str_format(text + at, size - at, "; %llu are more than once in it", off);
    } else if (!ledger->balances) {
        str_format(text + at, size - at, "; %llu were set aside by its count",
                   (unsigned long long)ledger->counts.aside);
    }
}
