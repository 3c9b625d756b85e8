/* SPDX-License-Identifier: Apache-2.0 */
/* What waits to be published, and who waits for the disk. Samples of a device stand in chunks, each a batch of the bus,
 * small enough to stay in the nearest cache on their way down to the log. One call at the end (driver_sync) tells when all
 * of it is on disk: the log keeps the order, so the last is enough, and a turn costs one completion. */
#include <string.h>

#include "base/alloc.h"
#include "feed/feed_private.h"

enum { ASK_EACH = 16 /* chunks */ };

/* ---- memory ---- */

static struct block *block_new(struct gather *gather, size_t size)
{
    struct block *block = gather->spare;
    if (block != NULL && size <= FEED_BLOCK_BYTES) {
        gather->spare = block->next;
        gather->spare_count--;
    } else {
        size_t room = size > FEED_BLOCK_BYTES ? size : FEED_BLOCK_BYTES;
        block = busbar_alloc(sizeof(*block) + room);
        block->size = room;
    }
    block->used = 0;
    block->next = gather->blocks;
    gather->blocks = block;
    return block;
}

void *gather_room(struct gather *gather, size_t size)
{
    struct block *block = gather->blocks;
    size = (size + 7) & ~(size_t)7;
    if (block == NULL || block->size - block->used < size) {
        block = block_new(gather, size);
    }
    void *room = (char *)block->data + block->used;
    block->used += size;
    gather->bytes += size;
    return room;
}

static void reset(struct gather *gather)
{
    while (gather->blocks != NULL) {
        struct block *block = gather->blocks;
        gather->blocks = block->next;
        if (block->size > FEED_BLOCK_BYTES || gather->spare_count == FEED_BLOCKS_KEPT) {
            busbar_free(block);
        } else {
            block->next = gather->spare;
            gather->spare = block;
            gather->spare_count++;
        }
    }
    gather->bytes = 0;
    gather->error = 0;
    gather->first_event = NULL;
    gather->next_event = &gather->first_event;
}

void gather_init(struct gather *gather, struct feed *feed, unsigned number)
{
    gather->feed = feed;
    gather->number = number;
    list_init(&gather->parts);
    gather->next_event = &gather->first_event;
}

void gather_fail(struct gather *gather, int error)
{
    struct list *at;
    while ((at = list_shift(&gather->parts)) != NULL) {
        struct part *part = list_entry(at, struct part, link);
        part->first = part->last = NULL;
    }
    gather->feed->waiting -= gather->message_count;
    for (size_t i = 0; i < gather->message_count; i++) {
        gather->messages[i].done(gather->messages[i].ctx, error);
    }
    gather->message_count = 0;
    reset(gather);
}

void gather_fini(struct gather *gather)
{
    gather_fail(gather, BUSBAR_ECANCELED);
    while (gather->spare != NULL) {
        struct block *block = gather->spare;
        gather->spare = block->next;
        busbar_free(block);
    }
    busbar_free(gather->messages);
}

/* ---- filling ---- */

struct chunk *gather_chunk(struct gather *gather, struct part *part, size_t count)
{
    struct chunk *last = part->last;
    if (last != NULL && last->capacity - last->count >= count) {
        return last;
    }
    size_t capacity = last == NULL                           ? FEED_CHUNK_MIN
                      : 4 * last->capacity <= FEED_CHUNK_MAX ? 4 * last->capacity
                                                             : FEED_CHUNK_MAX;
    capacity = capacity > count ? capacity : count;
    struct chunk *chunk = gather_room(gather, sizeof(*chunk));
    chunk->next = NULL;
    chunk->count = 0;
    chunk->capacity = (uint32_t)capacity;
    chunk->samples = gather_room(gather, capacity * sizeof(*chunk->samples));
    chunk->points = gather_room(gather, capacity * sizeof(*chunk->points));
    if (last == NULL) {
        part->first = chunk;
        list_append(&gather->parts, &part->link);
    } else {
        last->next = chunk;
    }
    part->last = chunk;
    return chunk;
}

static const char *copy_text(struct gather *gather, const char *text)
{
    size_t size = text != NULL ? strlen(text) + 1 : 0;
    return size > 0 ? memcpy(gather_room(gather, size), text, size) : NULL;
}

static void copy_argument(struct gather *gather, struct event_argument *to,
                          const struct event_argument *from)
{
    *to = *from;
    to->name = copy_text(gather, from->name);
    if (from->type == VALUE_TEXT) {
        const struct text *text = from->value.text;
        size_t size = sizeof(*text) + text->size + 1;
        to->value.text = memcpy(gather_room(gather, size), text, size);
    }
}

void gather_event(struct gather *gather, struct feed_device *fd, const struct event *event)
{
    struct waiting_event *waiting = gather_room(gather, sizeof(*waiting));
    struct event *own = &waiting->event;
    waiting->next = NULL;
    waiting->fd = fd;
    *own = *event;
    own->source = NULL; /* the device */
    own->kind = copy_text(gather, event->kind);
    own->text = copy_text(gather, event->text);
    own->key = copy_text(gather, event->key);
    own->once = copy_text(gather, event->once);
    struct event_argument *arguments = gather_room(gather,
                                                   event->argument_count * sizeof(*arguments));
    for (size_t i = 0; i < event->argument_count; i++) {
        copy_argument(gather, &arguments[i], &event->arguments[i]);
    }
    own->arguments = arguments;
    *gather->next_event = waiting;
    gather->next_event = &waiting->next;
}

void gather_message(struct gather *gather, feed_done_cb done, void *ctx, struct part *only,
                    bool several)
{
    if (gather->message_count == gather->message_capacity) {
        gather->message_capacity = gather->message_capacity > 0 ? 2 * gather->message_capacity : 64;
        gather->messages = busbar_realloc(gather->messages,
                                          gather->message_capacity * sizeof(*gather->messages));
    }
    gather->messages[gather->message_count++] = (struct waiting_message){
        .done = done, .ctx = ctx, .only = only, .several = several
    };
    gather->feed->waiting++;
}

/* ---- who waits for the disk ---- */

static struct receipt *receipt_new(struct feed *feed)
{
    struct list *spare = list_shift(&feed->spare_receipts);
    struct receipt *receipt = spare != NULL ? list_entry(spare, struct receipt, link)
                                            : busbar_alloc(sizeof(*receipt));
    receipt->feed = feed;
    list_append(&feed->receipts, &receipt->link);
    return receipt;
}

/* That a device was paused counts least: whoever is told so may rely on the disk having all the rest. */
static int worse_of(int error, int other)
{
    return error == 0 || (error == BUSBAR_ECANCELED && other != 0) ? other : error;
}

static void on_disk(void *ctx, int error)
{
    struct receipt *receipt = ctx;
    struct feed *feed = receipt->feed;
    if (feed == NULL) {
        busbar_free(receipt->messages);
        busbar_free(receipt);
        return;
    }
    feed->waiting -= receipt->count;
    for (size_t i = 0; i < receipt->count; i++) {
        const struct waiting_message *message = &receipt->messages[i];
        message->done(message->ctx, worse_of(message->error, error));
    }
    receipt->count = 0;
    list_remove(&receipt->link);
    list_append(&feed->spare_receipts, &receipt->link);
}

static void fail_later(void *ctx)
{
    struct receipt *receipt = ctx;
    on_disk(receipt, receipt->error);
}

/* The parts' errors were told. */
static void clear_errors(struct gather *gather)
{
    size_t at = 0;
    void *value;
    while (map64_next(&gather->feed->devices, &at, NULL, &value)) {
        struct feed_device *fd = value;
        fd->parts[gather->number].error = 0;
    }
}

static void hand_over(struct gather *gather)
{
    struct feed *feed = gather->feed;
    struct receipt *receipt = receipt_new(feed);
    struct waiting_message *messages = receipt->messages;
    size_t capacity = receipt->capacity;
    for (size_t i = 0; i < gather->message_count && gather->error != 0; i++) {
        struct waiting_message *message = &gather->messages[i];
        int error = message->several ? gather->error : 0;
        error = message->only != NULL ? message->only->error : error;
        message->error = worse_of(message->error, error);
    }
    receipt->messages = gather->messages;
    receipt->count = gather->message_count;
    receipt->capacity = gather->message_capacity;
    gather->messages = messages;
    gather->message_count = 0;
    gather->message_capacity = capacity;
    receipt->error = driver_sync(feed->drv, on_disk, receipt);
    if (receipt->error != 0) {
        loop_deferred_init(&receipt->fail, fail_later, receipt);
        loop_defer(feed->loop, &receipt->fail);
    }
}

/* ---- publishing ---- */

static void note_error(struct gather *gather, struct part *part, int error)
{
    part->error = worse_of(part->error, error);
    gather->error = worse_of(gather->error, error);
}

/* Asked now and then, so that what the log would refuse is not given to it, and counted, again and again. */
static bool log_has_room(struct gather *gather)
{
    if (gather->given % ASK_EACH == 0 && driver_ready(gather->feed->drv) == BUSBAR_EBUSY) {
        return false;
    }
    gather->given++;
    return true;
}

/* False: the log is full for the moment. */
static bool publish_part(struct gather *gather, struct part *part)
{
    for (; part->first != NULL; part->first = part->first->next) {
        struct chunk *chunk = part->first;
        if (!log_has_room(gather)) {
            return false;
        }
        int error = driver_publish(part->fd->dev, chunk->points, chunk->samples, chunk->count, NULL,
                                   NULL);
        if (error == BUSBAR_EBUSY) {
            return false;
        }
        if (error != 0) {
            note_error(gather, part, error);
        }
    }
    part->last = NULL;
    list_remove(&part->link);
    return true;
}

static bool publish_event(struct gather *gather, struct waiting_event *event)
{
    struct feed_device *fd = event->fd;
    int error = fd != NULL ? driver_event(gather->feed->drv, fd->dev, &event->event, NULL, NULL)
                           : 0;
    if (error == BUSBAR_EBUSY) {
        return false;
    }
    if (error != 0) {
        note_error(gather, &fd->parts[gather->number], error);
    }
    event->fd = NULL;
    return true;
}

bool gather_publish(struct gather *gather)
{
    gather->given = 0;
    list_each_safe(at, &gather->parts) {
        if (!publish_part(gather, list_entry(at, struct part, link))) {
            return false;
        }
    }
    for (; gather->first_event != NULL; gather->first_event = gather->first_event->next) {
        if (!publish_event(gather, gather->first_event)) {
            return false;
        }
    }
    gather->next_event = &gather->first_event;
    bool failed = gather->error != 0;
    if (gather->message_count > 0) {
        hand_over(gather);
    }
    if (failed) {
        clear_errors(gather);
    }
    reset(gather);
    return true;
}

/* What the device has here goes out now, keys on disk or not: the device is about to be stopped. */
void gather_leave(struct gather *gather, struct feed_device *fd)
{
    struct part *part = &fd->parts[gather->number];
    if (!publish_part(gather, part)) {
        note_error(gather, part, BUSBAR_EBUSY);
        part->first = part->last = NULL;
        list_remove(&part->link);
    }
    for (struct waiting_event *event = gather->first_event; event != NULL; event = event->next) {
        if (event->fd == fd && !publish_event(gather, event)) {
            note_error(gather, part, BUSBAR_EBUSY);
            event->fd = NULL;
        }
    }
    for (size_t i = 0; i < gather->message_count; i++) {
        struct waiting_message *message = &gather->messages[i];
        if (message->only == part) {
            message->only = NULL;
            message->error = part->error;
        }
    }
}
