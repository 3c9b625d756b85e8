/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are formatted on the caller's stack, then, under the one lock, numbered, kept in the ring and given
 * to the sink. The ring is static: logging works when memory is out, which is when it matters.
 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

static void write_stderr(void *ctx, const struct log_line *line);

static struct {
    pthread_mutex_t lock;
    log_sink_cb sink;
    void *ctx;
    uint64_t sequence;
    struct log_line recent[LOG_RECENT_MAX];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .sink = write_stderr };

static atomic_int level_min = LOG_LEVEL_INFO;

static const char *const level_names[] = { "debug", "info", "warn", "error" };

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

int log_level_parse(const char *text, enum log_level *level)
{
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++) {
        if (str_equal(text, level_names[i])) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return BUSBAR_EINVAL;
}

void busbar_log_level(enum log_level level)
{
    atomic_store(&level_min, (int)level);
}

bool busbar_log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&level_min, memory_order_relaxed);
}

void busbar_log_sink(log_sink_cb sink, void *ctx)
{
    pthread_mutex_lock(&state.lock);
    state.sink = sink != NULL ? sink : write_stderr;
    state.ctx = sink != NULL ? ctx : NULL;
    pthread_mutex_unlock(&state.lock);
}

/* A peer's text in a message must not make a second line or move the terminal's cursor. */
static void clean(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = ' ';
        }
    }
}

void busbar_log(enum log_level level, const char *module, const char *device, const char *format,
                ...)
{
    if (!busbar_log_enabled(level)) {
        return;
    }
    struct log_line line = { .time_us = clock_wall_us(), .level = level };
    (void)str_copy(line.module, sizeof(line.module), module);
    (void)str_copy(line.device, sizeof(line.device), device != NULL ? device : "");
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line.text, sizeof(line.text), format, args);
    va_end(args);
    line.text[str_utf8_cut(line.text, strlen(line.text), sizeof(line.text))] = '\0';
    clean(line.text);
    clean(line.device);

    pthread_mutex_lock(&state.lock);
    line.sequence = ++state.sequence;
    state.recent[line.sequence % LOG_RECENT_MAX] = line;
    state.sink(state.ctx, &line);
    pthread_mutex_unlock(&state.lock);
}

size_t busbar_log_recent(uint64_t after, struct log_line *lines, size_t max)
{
    pthread_mutex_lock(&state.lock);
    uint64_t oldest = state.sequence > LOG_RECENT_MAX ? state.sequence - LOG_RECENT_MAX : 0;
    uint64_t from = after > oldest ? after : oldest;
    size_t count = 0;
    for (uint64_t sequence = from + 1; sequence <= state.sequence && count < max; sequence++) {
        lines[count++] = state.recent[sequence % LOG_RECENT_MAX];
    }
    pthread_mutex_unlock(&state.lock);
    return count;
}

size_t log_line_format(const struct log_line *line, bool with_time, char *text, size_t size)
{
    char time[STR_TIME_MAX + 1] = "";
    if (with_time) {
        size_t length = str_format_time(time, STR_TIME_MAX, line->time_us, 0, false);
        time[length] = ' ';
        time[length + 1] = '\0';
    }
    return str_format(text, size, "%s%s %s%s%s: %s", time, log_level_name(line->level),
                      line->module, line->device[0] != '\0' ? " " : "", line->device, line->text);
}

static void write_stderr(void *ctx, const struct log_line *line)
{
    (void)ctx;
    char text[LOG_TEXT_MAX + 160];
    bool with_time = getenv("JOURNAL_STREAM") == NULL;
    size_t length = log_line_format(line, with_time, text, sizeof(text) - 1);
    text[length] = '\n';
    ssize_t written = write(STDERR_FILENO, text, length + 1);
    (void)written; /* nobody is left to tell */
}
