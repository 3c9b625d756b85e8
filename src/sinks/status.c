/* SPDX-License-Identifier: Apache-2.0 */
/* How a sink stands, for people and programs. */
#include "base/clock.h"
#include "base/str.h"
#include "sinks/machine.h"

const char *sink_phase_word(enum sink_phase phase)
{
    static const char *const words[] = {
        [SINK_STARTING] = "starting", [SINK_CONNECTING] = "connecting",
        [SINK_LIVE] = "live",         [SINK_CATCHING_UP] = "catching up",
        [SINK_WAITING] = "waiting",   [SINK_STUCK] = "stuck",
        [SINK_PAUSED] = "paused",
    };
    return words[phase];
}

void sink_rate_add(struct sink *sink, uint64_t samples)
{
    int64_t second = clock_mono_us() / CLOCK_US_PER_S;
    size_t at = (size_t)(second % SINK_RATE_SECONDS);
    if (sink->rate[at].second != second) {
        sink->rate[at].second = second;
        sink->rate[at].samples = 0;
    }
    sink->rate[at].samples += samples;
}

static double rate_of(const struct sink *sink)
{
    int64_t second = clock_mono_us() / CLOCK_US_PER_S;
    uint64_t samples = 0;
    for (size_t i = 0; i < SINK_RATE_SECONDS; i++) {
        bool recent = second - sink->rate[i].second < SINK_RATE_SECONDS;
        samples += recent ? sink->rate[i].samples : 0;
    }
    return (double)samples / SINK_RATE_SECONDS;
}

/* Receive time of the first that is not acknowledged; INT64_MAX: not known, or there is none. */
static int64_t oldest_of(const struct sink *sink)
{
    int64_t oldest_us = sink->left > 0 ? sink->oldest_us : INT64_MAX;
    if (!list_empty(&sink->queue)) {
        const struct load *load = list_entry(sink->queue.next, struct load, link);
        bool mine = load != sink->making && load->push == NULL; /* no job has it */
        oldest_us = mine && load->batch.oldest_us != INT64_MAX ? load->batch.oldest_us : oldest_us;
    }
    return oldest_us;
}

static int64_t lag_of(const struct sink *sink)
{
    int64_t oldest_us = oldest_of(sink);
    int64_t lag_us = oldest_us != INT64_MAX ? clock_wall_us() - oldest_us : 0;
    return lag_us > 0 ? lag_us : 0;
}

bool sink_is_behind(const struct sink *sink)
{
    if (sink_all_is_sent(sink)) {
        return false;
    }
    int64_t oldest_us = oldest_of(sink);
    return oldest_us == INT64_MAX || clock_wall_us() - oldest_us > SINK_BEHIND_S * CLOCK_US_PER_S;
}

static void put_words(const struct sink *sink, char *text, size_t size)
{
    struct buf words;
    buf_init(&words, 4096);
    sink_filter_words(sink->filter, &words);
    (void)str_copy(text, size, buf_text(&words));
    buf_fini(&words);
}

static void fill(struct sink *sink, struct sink_status *status)
{
    *status = (struct sink_status){ .ops = sink->ops,
                                    .phase = sink->phase,
                                    .since_us = sink->since_us,
                                    .place = sink->place,
                                    .counts = sink->counts,
                                    .lost = sink->lost,
                                    .waiting = sink->left > 0 ? (uint64_t)sink->left : 0,
                                    .lag_us = lag_of(sink),
                                    .keep_bytes = sink->keep_bytes,
                                    .keep_us = sink->keep_us,
                                    .over_quota = sink->over,
                                    .aside = sink->counts.aside + sink->counts.events_aside,
                                    .samples_per_second = rate_of(sink),
                                    .batches = sink->batches,
                                    .failures = sink->failures,
                                    .published_us = sink->published_us,
                                    .error = sink->error,
                                    .error_us = sink->error_us,
                                    .next_try_us = sink->next_try_us };
    (void)str_copy(status->name, sizeof(status->name), sink->name);
    put_words(sink, status->points, sizeof(status->points));
    sink->ops->where(&sink->own->settings, status->where, sizeof(status->where));
    if (sink->row_known && sink->enabled) {
        status->waiting_bytes = history_log_bytes_behind(sink->env.history,
                                                         sink->place.sequence - 1);
    }
    if (sink->target != NULL && sink->ops->details != NULL) {
        status->detail_count = sink->ops->details(sink->target, status->details);
    }
}

size_t sinks_count(const struct sinks *sinks)
{
    return sinks->count;
}

bool sinks_status_at(struct sinks *sinks, size_t index, struct sink_status *status)
{
    if (index >= sinks->count) {
        return false;
    }
    sink_phase(sinks->all[index]);
    fill(sinks->all[index], status);
    return true;
}

bool sinks_status(struct sinks *sinks, const char *name, struct sink_status *status)
{
    struct sink *sink = sinks_find(sinks, name, NULL);
    if (sink != NULL) {
        sink_phase(sink);
        fill(sink, status);
    }
    return sink != NULL;
}

bool sinks_takes_path(const struct sinks *sinks, const char *name, const char *path)
{
    const struct sink *sink = sinks_find(sinks, name, NULL);
    return sink != NULL && sink->enabled && sink_filter_takes_path(sink->filter, path);
}
