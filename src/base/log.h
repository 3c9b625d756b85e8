/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text log: one line a call, safe from every thread, kept in a ring of the last lines.
 *
 * State changes are info, what a person should look at is a warning, what stops a part of the
 * gateway is an error. No secrets, no full stop at the end. Data structures never log.
 * This and the clock are the only global state; one lock of this module guards it.
 */
#ifndef BUSBAR_BASE_LOG_H
#define BUSBAR_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

enum { LOG_RECENT_MAX = 500, LOG_MODULE_MAX = 16, LOG_DEVICE_MAX = 64, LOG_TEXT_MAX = 400 };

/* One line as it was logged; texts are cut to fit, control characters replaced by spaces. */
struct log_line {
    uint64_t sequence; /* counts from 1 over all lines that passed the filter */
    int64_t time_us;   /* wall clock */
    enum log_level level;
    char module[LOG_MODULE_MAX];
    char device[LOG_DEVICE_MAX]; /* empty: not about one device */
    char text[LOG_TEXT_MAX];
};

/* Called with the lock held, in the order of sequence; must not log. */
typedef void (*log_sink_cb)(void *ctx, const struct log_line *line);

/* Logs one line: `level module device: text`. device may be NULL. Any thread. */
void busbar_log(enum log_level level, const char *module, const char *device, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

/* Lines below this level are dropped before they are formatted. Default: LOG_LEVEL_INFO. */
void busbar_log_level(enum log_level level);
bool busbar_log_enabled(enum log_level level);

/* "debug" "info" "warn" "error"; parse returns 0 or BUSBAR_EINVAL. */
const char *log_level_name(enum log_level level);
int log_level_parse(const char *text, enum log_level *level);

/* Replaces where lines go; NULL: back to stderr (`TIME level module device: text`; without TIME under
 * systemd, whose journal has its own). */
void busbar_log_sink(log_sink_cb sink, void *ctx);

/* Copies lines with sequence > after, oldest first, at most `max`. Returns how many. */
size_t busbar_log_recent(uint64_t after, struct log_line *lines, size_t max);

/* Writes one line as text, NUL-terminated, cut to size. Returns the length written. */
size_t log_line_format(const struct log_line *line, bool with_time, char *text, size_t size);

#endif
