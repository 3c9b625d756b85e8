/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of events: read from the log by the cursor of events, put into state.db together with the mark of how
 * far it came. After a crash it goes on there, so that each event that was acknowledged is in it exactly once.
 *
 * One thread at a time, never the loop. */
#ifndef BUSBAR_HISTORY_JOURNAL_H
#define BUSBAR_HISTORY_JOURNAL_H

#include "history/history.h"

struct history_journal;

/* The record to open the history with (history_config.events_from). */
int history_journal_from(struct state *state, uint64_t *events_from, struct err *err);

/* history was opened so, and nothing was appended yet: a mark that is beyond the log's end (of a backup that was taken
 * while the journal went on) is put right first. On an error *journal is NULL. */
int history_journal_new(struct history *history, struct state *state,
                        struct history_journal **journal, struct err *err);
void history_journal_free(struct history_journal *journal); /* before the history; NULL is fine */

struct history_journal_event {
    uint64_t id;        /* in state.db */
    struct bytes event; /* for event_decode() */
};

/* What one step did; valid until the next. */
struct history_journal_step {
    const struct history_journal_event *events; /* that are in the journal now */
    size_t count;
    bool more;     /* there may be more: call again */
    uint64_t lost; /* records that were gone before they were read */
};

/* Takes what is new in the log, about 1 MiB at most, in one transaction. Without new events the mark is moved only with
 * keep_mark (now and then: it costs a disk write, and until then the segments stay). On an error nothing is lost: call
 * again later. BUSBAR_ENOSPC, BUSBAR_EIO, BUSBAR_ENOMEM ... */
int history_journal_step(struct history_journal *journal, bool keep_mark,
                         struct history_journal_step *step);

#endif
