/* SPDX-License-Identifier: Apache-2.0 */
/* The last frames of a device: order, cutting, bad ones with their reason, no memory before the
 * first. */
#include "fake_driver.h"

#include "driver/host_private.h"

struct seen {
    size_t count, bad;
    int64_t last_us;
    uint8_t first_byte, last_byte;
    size_t last_size, last_full;
    char reason[HOST_FRAME_REASON_MAX + 8];
};

static void look(void *ctx, const struct host_frame *frame)
{
    struct seen *seen = ctx;
    assert_true(frame->time_us >= seen->last_us);
    seen->last_us = frame->time_us;
    if (seen->count++ == 0) {
        seen->first_byte = frame->data[0];
    }
    seen->last_byte = frame->size > 0 ? frame->data[frame->size - 1] : 0;
    seen->last_size = frame->size;
    seen->last_full = frame->full_size;
    if (frame->bad != NULL) {
        seen->bad++;
        str_copy(seen->reason, sizeof(seen->reason), frame->bad);
    }
}

static void frames_are_kept_in_order_and_bounded(void **state)
{
    (void)state;
    struct site site;
    struct seen seen = { 0 };
    site_init(&site);
    struct device *dev = site_device(&site, "ahu-1", 1);
    dev->paused = true; /* no frames but ours */
    assert_int_equal(host_add(site.host, dev, &site.settings, NULL), 0);
    struct ring *ring = &((struct host_device *)dev->host)->frames;
    assert_null(ring->data);
    host_frames(dev, look, &seen);
    assert_int_equal(seen.count, 0);
    uint8_t frame[260];
    for (int i = 0; i < 500; i++) {
        memset(frame, i % 256, sizeof(frame));
        driver_frame(dev, i % 2 == 0, frame, sizeof(frame));
        clock_fake_advance(1000);
    }
    host_frames(dev, look, &seen);
    assert_int_equal(seen.count, HOST_FRAMES_MAX);
    assert_int_equal(seen.first_byte, (500 - HOST_FRAMES_MAX) % 256);
    assert_int_equal(seen.last_byte, 499 % 256);
    assert_int_equal(seen.bad, 0);
    assert_true(ring->capacity <= HOST_FRAMES_BYTES);
    struct device_stats stats = site_stats(dev);
    assert_int_equal(stats.sent_bytes, 250 * 260);
    assert_int_equal(stats.received_bytes, 250 * 260);
    site_fini(&site);
}

static void bad_and_long_frames_keep_what_explains_them(void **state)
{
    (void)state;
    struct site site;
    struct seen seen = { 0 };
    site_init(&site);
    struct device *dev = site_device(&site, "ahu-1", 1);
    dev->paused = true;
    assert_int_equal(host_add(site.host, dev, &site.settings, NULL), 0);
    static uint8_t frame[5000];
    frame[HOST_FRAME_BYTES_MAX - 1] = 77;
    driver_bad_frame(dev, frame, sizeof(frame), "transaction 7 was not asked");
    host_frames(dev, look, &seen);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last_size, HOST_FRAME_BYTES_MAX);
    assert_int_equal(seen.last_full, sizeof(frame));
    assert_int_equal(seen.last_byte, 77);
    assert_string_equal(seen.reason, "transaction 7 was not asked");
    char reason[300];
    memset(reason, 'x', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    driver_bad_frame(dev, frame, 3, reason);
    driver_bad_frame(dev, NULL, 0, "closed in the middle of a frame");
    host_frames(dev, look, &seen);
    assert_int_equal(seen.bad, 4); /* one before, three now */
    assert_string_equal(seen.reason, "closed in the middle of a frame");
    assert_int_equal(seen.last_size, 0);
    assert_int_equal(site_stats(dev).bad_frames, 3);
    site_fini(&site);
}

static void many_devices_share_the_memory(void **state)
{
    (void)state;
    assert_int_equal(host_frames_bytes(1), HOST_FRAMES_BYTES);
    assert_int_equal(host_frames_bytes(2048), HOST_FRAMES_BYTES);
    assert_true(host_frames_bytes(4096) == HOST_FRAMES_BYTES_ALL / 4096);
    assert_int_equal(host_frames_bytes(10000), HOST_FRAMES_BYTES_MIN);
    /* The longest frame that is kept has room in the smallest ring. */
    assert_true(HOST_FRAMES_BYTES_MIN > HOST_FRAME_BYTES_MAX + HOST_FRAME_REASON_MAX + 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_kept_in_order_and_bounded),
        cmocka_unit_test(bad_and_long_frames_keep_what_explains_them),
        cmocka_unit_test(many_devices_share_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
