/* SPDX-License-Identifier: Apache-2.0 */
/* A message is read first, by all devices it is for, and only then given to their gathers: so it is taken whole or not at
 * all without anything to be undone. What was read stays in the reader until the next message. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "feed/feed_private.h"
#include "model/bus.h"
#include "model/quality.h"

enum { MANY = 32 /* parts of a message: each device keeps only its beginning to be looked at */ };

/* ---- reading a message ---- */

/* A message while it is read. */
struct taking {
    struct feed *feed;
    const struct feed_message *message;
    struct feed_verdict *verdict;
    struct feed_route *route;
    struct source *source;
    struct feed_device *wrong; /* whose rule did not fit */
    size_t readings, events;
    bool left_out; /* by `only` */
};

static void stage(struct feed *feed, struct feed_device *fd, const struct payload_taken *taken)
{
    if (feed->staged_count == feed->staged_capacity) {
        feed->staged_capacity = feed->staged_capacity > 0 ? 2 * feed->staged_capacity : 64;
        feed->staged = busbar_realloc(feed->staged, feed->staged_capacity * sizeof(*feed->staged));
    }
    feed->staged[feed->staged_count++] = (struct staged){ .fd = fd, .taken = *taken };
}

static int fail(struct taking *taking, const struct member *member, uint32_t point, int error)
{
    const struct device *dev = member->fd->dev;
    taking->wrong = member->fd;
    taking->verdict->device = dev->name;
    taking->verdict->point = point < dev->point_count ? dev->points[point].name : NULL;
    return error;
}

/* What in its settings makes a point a number, though nobody said its type; NULL: nothing. */
static const char *number_by(const struct point_class *cls)
{
    return cls->units[0] != '\0'                      ? cls->units
           : cls->scale != 1.0 || cls->offset != 0.0  ? "a scale"
           : cls->has_clamp                           ? "a clamp"
           : cls->deadband > 0                        ? "a deadband"
           : cls->counter                             ? "counter"
           : cls->write.has_min || cls->write.has_max ? "limits for writing"
                                                      : NULL;
}

/* A point that takes whatever comes must not turn from a number into a text: "W" would become "x". */
static int check_texts(struct taking *taking, const struct member *member,
                       const struct payload_taken *taken)
{
    for (size_t i = 0; i < taken->reading_count; i++) {
        const struct payload_reading *reading = &taken->readings[i];
        const struct point *pt = &member->fd->dev->points[reading->index];
        if (reading->type != VALUE_TEXT || !pt->learns || pt->cls->enum_count > 0) {
            continue;
        }
        const char *by = number_by(pt->cls);
        if (by != NULL) {
            size_t size = reading->value.text.size;
            err_set(&taking->verdict->err, BUSBAR_EPROTO,
                    "'%s' is a number (it has %s%s), but '%.*s' stands there", pt->name,
                    by == pt->cls->units ? "units " : "", by, size < 60 ? (int)size : 60,
                    reading->value.text.bytes);
            err_hint(&taking->verdict->err,
                     "name such texts in 'none' or 'enum', or take the units away: type: text");
            return fail(taking, member, reading->index, BUSBAR_EPROTO);
        }
    }
    return 0;
}

/* What the bus would refuse one by one, when the message is acknowledged. */
static int check_times(struct taking *taking, const struct member *member,
                       const struct payload_taken *taken)
{
    char time[STR_TIME_MAX];
    for (size_t i = 0; i < taken->reading_count; i++) {
        const struct payload_reading *reading = &taken->readings[i];
        if (reading->time_us == 0 ||
            bus_time_possible(reading->time_us, taking->message->payload.receive_us)) {
            continue;
        }
        (void)str_format_time(time, sizeof(time), reading->time_us, 0, true);
        err_set(&taking->verdict->err, BUSBAR_EPROTO, "its time is %s: %s",
                reading->time_us < 0 ? "before 1970" : time,
                reading->time_us < 0 ? "that cannot be"
                                     : "more than a day ahead of this gateway's clock");
        err_hint(&taking->verdict->err,
                 "set the clock of the device, or of this gateway; without 'time' it is that of "
                 "receipt");
        return fail(taking, member, reading->index, BUSBAR_EPROTO);
    }
    return 0;
}

static int take_member(struct taking *taking, const struct member *member, size_t element)
{
    struct payload_taken taken = { .wrong = UINT32_MAX };
    int error = payload_reader_take(taking->feed->reader, member->program, element, &taken,
                                    &taking->verdict->err);
    if (error != 0) {
        return fail(taking, member, taken.wrong, error);
    }
    error = check_texts(taking, member, &taken);
    error = error == 0 ? check_times(taking, member, &taken) : error;
    if (error != 0) {
        return error;
    }
    taking->readings += taken.reading_count;
    taking->events += taken.event_count;
    if (taking->readings > PAYLOAD_READINGS_MAX) {
        return err_set(&taking->verdict->err, BUSBAR_ELIMIT,
                       "the message has more than %d values for its devices", PAYLOAD_READINGS_MAX);
    }
    stage(taking->feed, member->fd, &taken);
    return 0;
}

/* The member whose id the element tells. */
static int take_by_id(struct taking *taking, size_t element)
{
    struct feed_route *route = taking->route;
    const char *id = NULL;
    size_t size = 0;
    int error = payload_reader_id(taking->feed->reader, route->shape, element, &id, &size,
                                  &taking->verdict->err);
    if (error != 0 && error != BUSBAR_ENOENT) {
        return error;
    }
    const struct member *member = error == 0 ? map_get_n(&route->by_id, id, size) : NULL;
    if (member != NULL) {
        return take_member(taking, member, element);
    }
    if (list_empty(&route->all)) {
        if (error == 0 && taking->message->whole) {
            return err_set(&taking->verdict->err, BUSBAR_EBUSY,
                           "the configuration is being applied: device '%.*s' may be about to come",
                           size < 100 ? (int)size : 100, id);
        }
        if (error == 0 && taking->verdict->strangers == 0) {
            err_set(&taking->verdict->err, BUSBAR_ENOENT, "no device has the id '%.*s' (%s)",
                    size < 100 ? (int)size : 100, id, route->name);
            err_hint(&taking->verdict->err, "configure one with this id; Discover shows it");
        }
        taking->verdict->strangers++;
        people_stranger(taking->feed, route, id, error == 0 ? size : 0, taking->message);
    }
    return 0;
}

static int take_element(struct taking *taking, size_t element)
{
    struct feed_route *route = taking->route;
    int error = 0;
    if (taking->message->device != NULL) {
        struct feed_device *fd = feed_device_of(taking->feed, taking->message->device);
        if (fd == NULL) {
            return 0;
        }
        list_each(at, &fd->members) {
            const struct member *member = list_entry(at, struct member, by_device);
            error = member->route == route && error == 0 ? take_member(taking, member, element)
                                                         : error;
        }
        return error;
    }
    if (route->by_id.count > 0 || payload_shape_has_id(route->shape)) {
        error = take_by_id(taking, element);
    }
    list_each(at, &route->all) {
        error = error == 0 ? take_member(taking, list_entry(at, struct member, by_route), element)
                           : error;
    }
    return error;
}

static int take_route(struct taking *taking)
{
    size_t count = 0;
    int error = payload_reader_elements(taking->feed->reader, taking->route->shape, &count,
                                        &taking->verdict->err);
    taking->left_out |= error == 0 && count == 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        error = take_element(taking, i);
    }
    return error;
}

/* ---- giving it to the gathers ---- */

/* The time of the readings that have none: that of receipt, but later than the last one given. A clock set back is not
 * waited for. */
static int64_t stamp(const struct feed_device *fd, int64_t receive_us)
{
    bool stepped = fd->last_us - receive_us > FEED_STEP_BACK_US;
    return fd->last_us >= receive_us && !stepped ? fd->last_us + 1 : receive_us;
}

static const struct text *copy_text(struct gather *gather, const char *bytes, uint32_t size)
{
    struct text *text = gather_room(gather, sizeof(*text) + size + 1);
    text->size = size;
    memcpy(text->bytes, bytes, size);
    text->bytes[size] = '\0';
    return text;
}

static void put_value(struct gather *gather, struct sample *sample,
                      const struct payload_reading *reading)
{
    sample->type = reading->type;
    sample->quality = reading->quality;
    switch (reading->type) {
    case VALUE_TEXT:
        if (reading->value.text.size > TEXT_BYTES_MAX) {
            sample->type = VALUE_NONE;
            sample->quality = QUALITY_OUT_OF_RANGE;
            sample->value.bits = 0;
        } else {
            sample->value.text = copy_text(gather, reading->value.text.bytes,
                                           reading->value.text.size);
        }
        break;
    case VALUE_BOOL:
        sample->value.bits = 0;
        sample->value.b = reading->value.b;
        break;
    default: sample->value.i = reading->value.i;
    }
}

/* Returns by how much more than one the stamps went on: a rule may find several values. */
static int64_t put_readings(struct gather *gather, struct feed_device *fd,
                            const struct payload_reading *readings, size_t count, int64_t time_us,
                            uint8_t quality)
{
    struct chunk *chunk = gather_chunk(gather, &fd->parts[gather->number], count);
    struct sample *sample = chunk->samples + chunk->count;
    uint32_t *point = chunk->points + chunk->count;
    int64_t more_us = 0, most_us = 0;
    for (size_t i = 0; i < count; i++, sample++, point++) {
        const struct payload_reading *reading = &readings[i];
        assert(reading->index < fd->dev->point_count);
        more_us = i > 0 && reading->index == readings[i - 1].index ? more_us + 1 : 0;
        most_us = more_us > most_us ? more_us : most_us;
        *point = reading->index;
        *sample = (struct sample){ .time_us = reading->time_us };
        put_value(gather, sample, reading);
        if (reading->time_us == 0) {
            sample->time_us = time_us + more_us;
            sample->quality = sample->quality == QUALITY_GOOD ? quality : sample->quality;
        }
    }
    chunk->count += (uint32_t)count;
    return most_us;
}

/* A text that tells an event of a message with a key from all others. */
static void event_key(const struct feed_message *message, size_t number, char *to, size_t size)
{
    str_format(to, size, "message %016llx %zu",
               (unsigned long long)hash_bytes(message->key, message->key_size), number);
}

static void put_events(struct gather *gather, const struct staged *staged, int64_t time_us,
                       const struct feed_message *message, size_t *number)
{
    for (size_t i = 0; i < staged->taken.event_count; i++) {
        struct event event = staged->taken.events[i];
        char key[64], once[32];
        event.time_us = event.time_us != 0 ? event.time_us : time_us;
        event.receive_us = message->payload.receive_us;
        if (message->key_size > 0 && (event.key == NULL || event.key[0] == '\0')) {
            event_key(message, *number, key, sizeof(key));
            str_format(once, sizeof(once), "%lld", (long long)event.time_us);
            event.key = key;
            event.once = once;
        }
        ++*number;
        gather_event(gather, staged->fd, &event);
    }
}

/* What is the same for all of a message with a key, so that its repetition gets the same. */
static int64_t keyed_base(const struct feed *feed, int64_t receive_us)
{
    int64_t base_us = receive_us;
    for (size_t i = 0; i < feed->staged_count; i++) {
        base_us = stamp(feed->staged[i].fd, base_us);
    }
    return base_us;
}

/* base_us 0: each device its own. Returns how many devices it is for. */
static unsigned give(struct feed *feed, struct gather *gather, const struct feed_message *message,
                     int64_t base_us, bool repeated)
{
    unsigned devices = 0;
    size_t event_number = 0;
    const void *frame = message->frame != NULL ? message->frame : message->payload.body;
    size_t frame_size = message->frame != NULL ? message->frame_size : message->payload.size;
    if (feed->staged_count > MANY && frame_size > FEED_EXCERPT_MAX) {
        frame_size = FEED_EXCERPT_MAX; /* not all of a big message a thousand times */
    }
    feed->serial++;
    for (size_t i = 0; i < feed->staged_count; i++) {
        const struct staged *staged = &feed->staged[i];
        struct feed_device *fd = staged->fd;
        if (fd->serial != feed->serial) {
            fd->serial = feed->serial;
            fd->offset_us = 0;
            fd->base_us = base_us != 0 ? base_us : stamp(fd, message->payload.receive_us);
            devices++;
            driver_frame(fd->dev, false, frame, frame_size);
        }
        int64_t time_us = fd->base_us + fd->offset_us;
        if (staged->taken.reading_count > 0) {
            fd->offset_us += put_readings(gather, fd, staged->taken.readings,
                                          staged->taken.reading_count, time_us, message->quality);
        }
        if (staged->taken.event_count > 0) {
            put_events(gather, staged, time_us, message, &event_number);
        }
        int64_t last_us = fd->base_us + fd->offset_us++;
        fd->last_us = repeated && fd->last_us > last_us ? fd->last_us : last_us;
    }
    return devices;
}

static bool log_is_full(const struct feed *feed)
{
    return feed->waiting >= FEED_WAITING_MAX || feed->now->bytes > FEED_GATHER_MAX ||
           feed->open->bytes > FEED_GATHER_MAX;
}

static void keep_message(struct feed *feed, struct gather *gather, feed_done_cb done, void *ctx)
{
    struct part *only = NULL;
    bool several = false;
    for (size_t i = 0; i < feed->staged_count && !several; i++) {
        struct part *part = &feed->staged[i].fd->parts[gather->number];
        several = only != NULL && part != only;
        only = part;
    }
    if (done != NULL) {
        gather_message(gather, done, ctx, several ? NULL : only, several);
    }
    if (gather == feed->now && gather->bytes > FEED_GATHER_BYTES && !timer_running(&feed->retry)) {
        if (!gather_publish(gather)) {
            timer_start(&feed->retry, FEED_RETRY_MS, 0);
        }
    } else {
        loop_defer(feed->loop, &feed->flush);
    }
}

/* ---- the calls ---- */

static void refuse(struct taking *taking, int error)
{
    struct feed *feed = taking->feed;
    struct feed_verdict *verdict = taking->verdict;
    const struct feed_message *message = taking->message;
    char where[FEED_WHERE_MAX];
    if (verdict->err.code == 0) {
        err_set(&verdict->err, error, "%s", err_text(error));
    }
    if (taking->wrong != NULL) {
        bool framed = message->frame != NULL;
        driver_bad_frame(taking->wrong->dev, framed ? message->frame : message->payload.body,
                         framed ? message->frame_size : message->payload.size,
                         verdict->err.message);
    }
    str_format(where, sizeof(where), "%s%s%s%s%s", taking->route != NULL ? taking->route->name : "",
               verdict->device != NULL ? ", device " : "",
               verdict->device != NULL ? verdict->device : "", verdict->point != NULL ? "/" : "",
               verdict->point != NULL ? verdict->point : "");
    people_refuse(&feed->people, taking->source, where, message->payload.body,
                  message->payload.size, verdict->err.message);
}

static int read_message(struct taking *taking, struct feed_route *const *routes, size_t route_count)
{
    struct feed *feed = taking->feed;
    feed->staged_count = 0;
    int error = payload_reader_open(feed->reader, &taking->message->payload, &taking->verdict->err);
    for (size_t i = 0; i < route_count && error == 0; i++) {
        taking->route = routes[i];
        error = take_route(taking);
    }
    if (error == 0 && feed->staged_count == 0 && !taking->left_out) {
        error = BUSBAR_ENOENT;
        if (taking->verdict->strangers == 0 || taking->verdict->err.code == 0) {
            err_set(&taking->verdict->err, error,
                    "no device is configured for it, or it tells no id");
        }
    }
    return error;
}

static void count(struct taking *taking)
{
    struct driver_message_counts *counts = &taking->feed->people.counts;
    struct feed_verdict *verdict = taking->verdict;
    verdict->readings = (unsigned)taking->readings;
    verdict->events = (unsigned)taking->events;
    counts->readings += taking->readings;
    counts->events += taking->events;
    if (taking->readings + taking->events == 0) {
        people_unused(&taking->feed->people, taking->source, verdict->dev,
                      taking->feed->staged_count == 0, &taking->message->payload);
    }
    counts->repeated += verdict->repeated;
}

/* Not all of the texts in it: that would be a kilobyte a message. */
static void clear(struct feed_verdict *verdict)
{
    struct err *err = &verdict->err;
    verdict->devices = verdict->readings = verdict->events = verdict->strangers = 0;
    verdict->repeated = false;
    verdict->dev = NULL;
    verdict->device = verdict->point = NULL;
    err->code = err->line = err->column = err->width = 0;
    err->file[0] = err->message[0] = err->hint[0] = '\0';
}

int feed_take(struct feed *feed, struct feed_route *const *routes, size_t route_count,
              const struct feed_message *message, feed_done_cb done, void *ctx,
              struct feed_verdict *verdict)
{
    struct taking taking = { .feed = feed, .message = message, .verdict = verdict };
    clear(verdict);
    if (log_is_full(feed)) {
        return err_set(&verdict->err, BUSBAR_EBUSY, "too many messages wait for the disk");
    }
    taking.source = people_source(&feed->people, message->source);
    taking.source->view.messages++;
    taking.source->view.last_us = message->payload.receive_us;
    feed->people.counts.messages++;
    int error = read_message(&taking, routes, route_count);
    if (error != 0 && error != BUSBAR_EBUSY) {
        refuse(&taking, error);
    }
    if (error != 0) {
        return error;
    }
    verdict->err.code = 0;
    int64_t base_us = 0;
    bool keyed = message->key_size > 0;
    struct gather *gather = keyed ? feed->open : feed->now;
    if (keyed) {
        verdict->repeated = feed_keys_find(feed->keys, message->key, message->key_size, &base_us);
        if (!verdict->repeated) {
            base_us = keyed_base(feed, message->payload.receive_us);
            feed_keys_add(feed->keys, message->key, message->key_size, base_us);
        }
    }
    verdict->devices = give(feed, gather, message, base_us, verdict->repeated);
    verdict->dev = verdict->devices == 1 ? feed->staged[0].fd->dev : NULL;
    count(&taking);
    keep_message(feed, gather, done, ctx);
    return 0;
}

static void mend_times(struct payload_reading *readings, size_t count, int64_t now_us)
{
    for (size_t i = 0; i < count; i++) {
        if (readings[i].time_us != 0 && !bus_time_possible(readings[i].time_us, now_us)) {
            readings[i].time_us = 0;
            readings[i].quality = readings[i].quality == QUALITY_GOOD ? QUALITY_UNCERTAIN
                                                                      : readings[i].quality;
        }
    }
}

int feed_give(struct feed *feed, struct device *dev, const char *source,
              struct payload_reading *readings, size_t reading_count, feed_done_cb done, void *ctx)
{
    struct feed_device *fd = feed_device_of(feed, dev);
    assert(fd != NULL && "it joined, or was added");
    if (log_is_full(feed)) {
        return BUSBAR_EBUSY;
    }
    struct source *from = people_source(&feed->people, source);
    int64_t now_us = clock_wall_us();
    mend_times(readings, reading_count, now_us);
    from->view.messages++;
    from->view.last_us = now_us;
    feed->people.counts.messages++;
    feed->people.counts.readings += reading_count;
    fd->base_us = stamp(fd, now_us);
    if (reading_count > 0) {
        fd->last_us = fd->base_us + put_readings(feed->now, fd, readings, reading_count,
                                                 fd->base_us, QUALITY_GOOD);
    }
    feed->staged_count = 0;
    stage(feed, fd, &(struct payload_taken){ .reading_count = reading_count });
    keep_message(feed, feed->now, done, ctx);
    return 0;
}
