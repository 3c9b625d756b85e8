/* SPDX-License-Identifier: Apache-2.0 */
/* The last frames of a device, in a ring of bytes taken with its first frame. An entry:
 *
 *     [ struct entry ][ kept bytes of the frame ][ reason, when it was a bad one ]
 */
#include <string.h>

#include "base/clock.h"
#include "driver/host_private.h"

struct entry {
    uint32_t time_low, time_high; /* wall clock; entries are aligned to 4 bytes only */
    uint32_t full_size;
    uint16_t size;
    uint8_t reason_size; /* with its NUL; 0 = the frame is fine */
    bool sent;
};

size_t host_frames_bytes(size_t devices)
{
    size_t share = HOST_FRAMES_BYTES_ALL / (devices > 0 ? devices : 1);
    return share > HOST_FRAMES_BYTES       ? HOST_FRAMES_BYTES
           : share < HOST_FRAMES_BYTES_MIN ? HOST_FRAMES_BYTES_MIN
                                           : share;
}

static void keep(struct host_device *hd, bool sent, const void *data, size_t size,
                 const char *reason)
{
    size_t kept = size < HOST_FRAME_BYTES_MAX ? size : HOST_FRAME_BYTES_MAX;
    size_t reason_size = reason != NULL ? strnlen(reason, HOST_FRAME_REASON_MAX - 1) + 1 : 0;
    if (hd->frames.pushed == 0) {
        ring_init(&hd->frames, host_frames_bytes(hd->driver->devices));
    }
    struct entry *entry = ring_push(&hd->frames, sizeof(*entry) + kept + reason_size);
    if (entry == NULL) {
        return;
    }
    int64_t now_us = clock_wall_us();
    *entry = (struct entry){
        .time_low = (uint32_t)now_us,
        .time_high = (uint32_t)(now_us >> 32),
        .full_size = (uint32_t)size,
        .size = (uint16_t)kept,
        .reason_size = (uint8_t)reason_size,
        .sent = sent,
    };
    char *bytes = (char *)(entry + 1);
    if (kept > 0) {
        memcpy(bytes, data, kept);
    }
    if (reason_size > 0) {
        memcpy(bytes + kept, reason, reason_size - 1);
        bytes[kept + reason_size - 1] = '\0';
    }
}

void driver_frame(struct device *dev, bool sent, const void *data, size_t size)
{
    struct host_device *hd = host_of(dev);
    if (sent) {
        hd->stats.sent_bytes += size;
    } else {
        hd->stats.received_bytes += size;
    }
    keep(hd, sent, data, size, NULL);
}

void driver_note(struct device *dev, bool sent, const char *words, size_t size)
{
    keep(host_of(dev), sent, words, size, NULL);
}

void driver_bad_frame(struct device *dev, const void *data, size_t size, const char *reason)
{
    struct host_device *hd = host_of(dev);
    hd->stats.received_bytes += size;
    hd->stats.bad_frames++;
    keep(hd, false, data, size, reason != NULL ? reason : "broken");
}

void host_frames(const struct device *dev, void (*cb)(void *ctx, const struct host_frame *frame),
                 void *ctx)
{
    const struct host_device *hd = host_of(dev);
    size_t skip = hd->frames.count > HOST_FRAMES_MAX ? hd->frames.count - HOST_FRAMES_MAX : 0;
    struct ring_cursor cursor = { 0 };
    const struct entry *entry;
    size_t size;
    while ((entry = ring_next(&hd->frames, &cursor, &size)) != NULL) {
        if (skip > 0) {
            skip--;
            continue;
        }
        const uint8_t *bytes = (const uint8_t *)(entry + 1);
        struct host_frame frame = {
            .time_us = (int64_t)((uint64_t)entry->time_high << 32 | entry->time_low),
            .sent = entry->sent,
            .bad = entry->reason_size > 0 ? (const char *)bytes + entry->size : NULL,
            .data = bytes,
            .size = entry->size,
            .full_size = entry->full_size,
        };
        cb(ctx, &frame);
    }
}
