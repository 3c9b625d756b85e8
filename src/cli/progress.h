/* SPDX-License-Identifier: Apache-2.0 */
/* What a person sees while something takes long: one line on stderr, on a terminal only, from half a second on. */
#ifndef BUSBAR_CLI_PROGRESS_H
#define BUSBAR_CLI_PROGRESS_H

#include "cli/cli.h"

struct progress {
    bool shown; /* may it be */
    bool drawn; /* is it */
    bool share; /* the numbers mean nothing to a person: per cent instead */
    int64_t began_us, drawn_us;
    char what[64];
};

void progress_begin(struct progress *progress, const struct cli *cli);
/* done of total; total 0: not known, the time is shown. May be called as often as one likes. */
void progress_at(struct progress *progress, uint64_t done, uint64_t total);
/* Takes the line away. */
void progress_end(struct progress *progress);

/* The line for `done` of `total` after elapsed_us, without control characters; share: per cent. */
void progress_text(char *to, size_t size, const char *what, uint64_t done, uint64_t total,
                   bool share, int64_t elapsed_us);

#endif
