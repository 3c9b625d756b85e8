/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a stream (HTML standard, section 9.2: server-sent events), one at a time, written
 * only when the client can take them:
 *
 *   event: points      data: [{"path":...}, ...]    until LIVE_EVENT_BYTES, the rest in the next
 *   event: devices     data: [{"name":...}, ...]
 *   event: health      data: {"status":...}
 *   event: events      data: [{"id":...}, ...]       of the journal, new or changed
 *   event: missed      data: {"events":7}            the reader was too slow for so many */
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "server/health.h"
#include "server/live_private.h"

static struct json_writer begin(struct live_stream *stream, const char *event)
{
    buf_clear(&stream->out);
    stream->out_sent = 0;
    (void)buf_printf(&stream->out, "event: %s\ndata: ", event);
    return json_writer(&stream->out);
}

/* An event that did not fit (a row cannot be that long) is dropped whole. */
static bool end(struct live_stream *stream)
{
    (void)buf_append_text(&stream->out, "\n\n");
    if (stream->out.overflow) {
        buf_clear(&stream->out);
        return false;
    }
    return true;
}

static bool points_event(struct live_stream *stream)
{
    const struct server *server = stream->live->server;
    struct json_writer json = begin(stream, "points");
    struct shape shape;
    uint32_t id = 0;
    size_t rows = 0;
    shape_init(&shape, server);
    json_begin_array(&json);
    while (stream->allowed > 0 && stream->out.size < LIVE_EVENT_BYTES &&
           live_set_next(&stream->set, &id)) {
        stream->allowed--;
        const struct point *pt = registry_point_by_id(server->config.registry, id);
        if (pt != NULL) {
            json_begin_object(&json);
            shape_live_point(&shape, &json, pt);
            json_end_object(&json);
            rows++;
        }
    }
    json_end_array(&json);
    shape_fini(&shape);
    if (stream->set.queued == 0) {
        stream->allowed = 0;
    }
    return end(stream) && rows > 0;
}

static bool is_told(const struct live_stream *stream, const struct live_device *device)
{
    return stream->filter.device[0] == '\0' || strcmp(stream->filter.device, device->name) == 0;
}

/* The first device in the order of changes that the stream was not told of. The newest changes are
 * at the end, so the walk goes from there. */
static struct list *first_untold(const struct live_stream *stream)
{
    struct list *at = &stream->live->devices;
    while (at->prev != &stream->live->devices &&
           list_entry(at->prev, struct live_device, link)->sequence > stream->device_sequence) {
        at = at->prev;
    }
    return at;
}

static bool devices_event(struct live_stream *stream)
{
    struct live *live = stream->live;
    struct json_writer json = begin(stream, "devices");
    struct shape shape;
    size_t rows = 0;
    shape_init(&shape, live->server);
    json_begin_array(&json);
    for (struct list *at = first_untold(stream);
         at != &live->devices && stream->out.size < LIVE_EVENT_BYTES; at = at->next) {
        const struct live_device *told = list_entry(at, struct live_device, link);
        const struct device *dev = registry_device(live->server->config.registry, told->name);
        stream->device_sequence = told->sequence;
        if (dev != NULL && is_told(stream, told)) {
            json_begin_object(&json);
            shape_device(&shape, &json, dev);
            json_end_object(&json);
            rows++;
        }
    }
    json_end_array(&json);
    shape_fini(&shape);
    return end(stream) && rows > 0;
}

static bool health_event(struct live_stream *stream)
{
    struct json_writer json = begin(stream, "health");
    stream->health_due = false;
    health_put(stream->live->server, &json);
    return end(stream);
}

static bool untold_events(const struct live_stream *stream)
{
    return stream->wants_events && stream->journal_sequence < stream->live->journal_sequence;
}

/* The first that is still there was not the next. */
static bool missed_event(struct live_stream *stream, uint64_t oldest)
{
    struct json_writer json = begin(stream, "missed");
    json_begin_object(&json);
    json_put_u64(&json, "events", oldest - stream->journal_sequence - 1);
    json_end_object(&json);
    stream->journal_sequence = oldest - 1;
    return end(stream);
}

static bool journal_event(struct live_stream *stream)
{
    struct live *live = stream->live;
    uint64_t oldest = live->journal_sequence + 1;
    if (live->journal_count > 0) {
        oldest = list_entry(live->journal.next, struct live_told, link)->sequence;
    }
    if (oldest > stream->journal_sequence + 1) {
        return missed_event(stream, oldest);
    }
    struct json_writer json = begin(stream, "events");
    json_begin_array(&json);
    list_each(at, &live->journal) {
        const struct live_told *told = list_entry(at, struct live_told, link);
        if (told->sequence > stream->journal_sequence && stream->out.size < LIVE_EVENT_BYTES) {
            json_raw(&json, told->json, told->size);
            stream->journal_sequence = told->sequence;
        }
    }
    json_end_array(&json);
    return end(stream);
}

static bool untold_devices(const struct live_stream *stream)
{
    return stream->wants_devices && stream->device_sequence < stream->live->device_sequence;
}

bool live_has_news(const struct live_stream *stream)
{
    return stream->health_due || stream->allowed > 0 || untold_devices(stream) ||
           untold_events(stream) || stream->quiet_ticks >= LIVE_QUIET_TICKS ||
           stream->live->stopped;
}

bool live_next_event(struct live_stream *stream)
{
    while (stream->health_due || untold_devices(stream) || untold_events(stream) ||
           stream->allowed > 0) {
        bool told = stream->health_due       ? health_event(stream)
                    : untold_events(stream)  ? journal_event(stream)
                    : untold_devices(stream) ? devices_event(stream)
                                             : points_event(stream);
        if (told) {
            stream->quiet_ticks = 0;
            return true;
        }
    }
    buf_clear(&stream->out);
    stream->out_sent = 0;
    if (stream->quiet_ticks >= LIVE_QUIET_TICKS) {
        stream->quiet_ticks = 0;
        return buf_append_text(&stream->out, ":\n\n") == 0;
    }
    return false;
}

/* ---- events of the journal ---- */

static void forget_oldest(struct live *live)
{
    struct live_told *told = list_entry(list_shift(&live->journal), struct live_told, link);
    live->journal_count--;
    live->journal_bytes -= told->size;
    busbar_free(told);
}

void live_forget_journal(struct live *live)
{
    while (live->journal_count > 0) {
        forget_oldest(live);
    }
}

void live_event(struct live *live, const char *json, size_t size)
{
    struct live_told *told = busbar_try_alloc(sizeof(*told) + size);
    live->journal_sequence++;
    if (told == NULL) {
        live_forget_journal(live); /* told as missed */
        return;
    }
    told->sequence = live->journal_sequence;
    told->size = size;
    memcpy(told->json, json, size);
    list_append(&live->journal, &told->link);
    live->journal_count++;
    live->journal_bytes += size;
    while (live->journal_count > LIVE_JOURNAL_EVENTS ||
           (live->journal_bytes > LIVE_JOURNAL_BYTES && live->journal_count > 1)) {
        forget_oldest(live);
    }
}

/* ---- which devices changed ---- */

/* What a person should see change; not the counters, which move with every poll. */
static uint64_t mark_of(const struct device *dev, const struct device_stats *stats)
{
    uint64_t mark = hash_u64((uint64_t)stats->link + 1);
    mark = hash_u64(mark ^ hash_text(stats->detail));
    mark = hash_u64(mark ^ (uint64_t)(int64_t)stats->error);
    mark = hash_u64(mark ^ stats->points_good);
    mark = hash_u64(mark ^ stats->points_bad);
    mark = hash_u64(mark ^ stats->reads_failed_hour);
    mark = hash_u64(mark ^ (uint64_t)stats->next_try_us);
    return hash_u64(mark ^ dev->hash);
}

static bool on_device(void *ctx, struct device *dev)
{
    struct live *live = ctx;
    uint64_t mark = mark_of(dev, shape_stats(&live->shape, dev));
    struct live_device *device = map_get(&live->device_by_name, dev->name);
    if (device == NULL) {
        device = busbar_alloc(sizeof(*device));
        str_copy(device->name, sizeof(device->name), dev->name);
        list_init(&device->link);
        (void)map_set(&live->device_by_name, device->name, device);
    }
    if (device->mark != mark) {
        device->mark = mark;
        device->sequence = ++live->device_sequence;
        list_remove(&device->link);
        list_append(&live->devices, &device->link);
    }
    device->seen = true;
    return false;
}

static void on_turned(void *ctx)
{
    struct live *live = ctx;
    shape_forget(&live->shape);
}

static void forget(struct live *live, struct live_device *device)
{
    (void)map_remove(&live->device_by_name, device->name);
    list_remove(&device->link);
    busbar_free(device);
}

static void on_looked(void *ctx)
{
    struct live *live = ctx;
    live->walking = false;
    shape_fini(&live->shape);
    list_each_safe(at, &live->devices) {
        struct live_device *device = list_entry(at, struct live_device, link);
        if (!device->seen) {
            forget(live, device);
        }
    }
}

void live_look_at_devices(struct live *live)
{
    static const struct walk_visitor visitor = { .device = on_device,
                                                 .turned = on_turned,
                                                 .done = on_looked };
    if (live->walking) {
        return;
    }
    live->walking = true;
    list_each(at, &live->devices) {
        list_entry(at, struct live_device, link)->seen = false;
    }
    shape_init(&live->shape, live->server);
    walk_start(&live->walk, live->server->config.loop, live->server->config.registry, NULL, false,
               &visitor, live);
}

void live_forget_devices(struct live *live)
{
    if (live->walking) {
        walk_stop(&live->walk);
        live->walking = false;
        shape_fini(&live->shape);
    }
    list_each_safe(at, &live->devices) {
        forget(live, list_entry(at, struct live_device, link));
    }
    map_fini(&live->device_by_name);
}
