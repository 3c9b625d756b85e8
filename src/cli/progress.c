/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum { QUIET_US = 500000, REDRAW_US = 100000, BAR_CELLS = 20 };

void progress_text(char *to, size_t size, const char *what, uint64_t done, uint64_t total,
                   bool share, int64_t elapsed_us)
{
    double seconds = (double)elapsed_us / 1e6;
    if (total == 0 || done == 0 || done > total) {
        str_format(to, size, "%s: %.0f s", what, seconds);
        return;
    }
    char bar[BAR_CELLS + 1];
    uint64_t full = done * BAR_CELLS / total;
    for (uint64_t i = 0; i < BAR_CELLS; i++) {
        bar[i] = i < full ? '#' : '-';
    }
    bar[BAR_CELLS] = '\0';
    double left = seconds * (double)(total - done) / (double)done;
    if (share) {
        str_format(to, size, "%s: %s %llu%%, %.0f s left", what, bar,
                   (unsigned long long)(done * 100 / total), left);
        return;
    }
    str_format(to, size, "%s: %s %llu of %llu, %.0f s left", what, bar, (unsigned long long)done,
               (unsigned long long)total, left);
}

void progress_begin(struct progress *progress, const struct cli *cli)
{
    *progress = (struct progress){ .shown = !cli->quiet && isatty(STDERR_FILENO) != 0,
                                   .began_us = clock_mono_us() };
    str_format(progress->what, sizeof progress->what, "%s%s%s",
               cli->command->noun != NULL ? cli->command->noun : "",
               cli->command->noun != NULL ? " " : "", cli->command->verb);
}

void progress_at(struct progress *progress, uint64_t done, uint64_t total)
{
    int64_t now_us = clock_mono_us();
    if (!progress->shown || now_us - progress->began_us < QUIET_US ||
        now_us - progress->drawn_us < REDRAW_US) {
        return;
    }
    char text[160];
    progress_text(text, sizeof text, progress->what, done, total, progress->share,
                  now_us - progress->began_us);
    fprintf(stderr, "\r%s\033[K", text);
    progress->drawn = true;
    progress->drawn_us = now_us;
}

void progress_end(struct progress *progress)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        progress->drawn = false;
    }
}
