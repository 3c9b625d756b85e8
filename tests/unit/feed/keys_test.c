/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of messages: kept over a restart, removed, cut where damaged, written anew when mostly dead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "feed/keys.h"
#include "net/jobs.h"
#include "support/quiet.h"

#define NOW INT64_C(1790000000000000)

struct site {
    struct loop *loop;
    struct feed_keys *keys;
    char folder[64], path[96];
};

static void site_init(struct site *site)
{
    str_copy(site->folder, sizeof(site->folder), "/tmp/feed_keys_XXXXXX");
    assert_non_null(mkdtemp(site->folder));
    assert_true(file_join(site->path, sizeof(site->path), site->folder, "mqtt-keys"));
    clock_fake_set(1000000, NOW);
    quiet_log();
    site->loop = loop_new();
    assert_int_equal(feed_keys_open(site->loop, site->path, &site->keys, NULL), 0);
}

static void reopen(struct site *site)
{
    feed_keys_close(site->keys);
    assert_int_equal(feed_keys_open(site->loop, site->path, &site->keys, NULL), 0);
}

static void site_fini(struct site *site)
{
    feed_keys_close(site->keys);
    jobs_drain(site->loop);
    loop_free(site->loop);
    (void)unlink(site->path);
    assert_int_equal(rmdir(site->folder), 0);
    clock_fake_off();
}

static void kept(void *ctx, int error)
{
    int *told = ctx;
    *told = error == 0 ? 1 : error;
}

static int commit(struct site *site)
{
    int told = 0;
    feed_keys_commit(site->keys, kept, &told);
    assert_int_equal(told, 0); /* never inside */
    for (int i = 0; i < 1000 && told == 0; i++) {
        loop_turn(site->loop, false);
        usleep(told == 0 ? 1000 : 0);
    }
    return told;
}

static void add(struct site *site, const char *key, int64_t time_us)
{
    feed_keys_add(site->keys, key, strlen(key), time_us);
}

/* 0: not known. */
static int64_t find(const struct site *site, const char *key)
{
    int64_t time_us = 0;
    return feed_keys_find(site->keys, key, strlen(key), &time_us) ? time_us : 0;
}

static size_t file_size(const struct site *site)
{
    struct stat info;
    return stat(site->path, &info) == 0 ? (size_t)info.st_size : 0;
}

static void what_is_committed_is_known_after_a_restart(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    add(&site, "a", NOW);
    add(&site, "b", NOW + 1);
    assert_int_equal(find(&site, "a"), NOW); /* at once */
    assert_int_equal(file_size(&site), 0);
    assert_int_equal(commit(&site), 1);
    assert_int_equal(file_size(&site), 96);
    add(&site, "c", NOW + 2);
    feed_keys_remove(site.keys, "a", 1);
    feed_keys_remove(site.keys, "never there", 11);
    assert_int_equal(commit(&site), 1);
    assert_int_equal(file_size(&site), 160);
    reopen(&site);
    assert_int_equal(find(&site, "a"), 0);
    assert_int_equal(find(&site, "b"), NOW + 1);
    assert_int_equal(find(&site, "c"), NOW + 2);
    assert_int_equal(feed_keys_count(site.keys), 2);
    add(&site, "d", NOW + 3);
    assert_int_equal(commit(&site), 1);
    assert_int_equal(file_size(&site), 192); /* added to: it is sound */
    struct stat info;
    assert_int_equal(stat(site.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    site_fini(&site);
}

static void commits_end_in_order_many_in_one_write(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    int told[100] = { 0 };
    for (int i = 0; i < 100; i++) {
        char key[16];
        str_format(key, sizeof(key), "k%d", i);
        add(&site, key, NOW + i);
        feed_keys_commit(site.keys, kept, &told[i]);
        if (i == 50) {
            loop_turn(site.loop, false);
        }
    }
    for (int turn = 0; turn < 1000 && told[99] == 0; turn++) {
        loop_turn(site.loop, false);
        for (int i = 1; i < 100; i++) {
            assert_true(told[i] <= told[i - 1]);
        }
        usleep(1000);
    }
    assert_int_equal(told[99], 1);
    assert_int_equal(file_size(&site), 32 * 101);
    told[0] = 0;
    feed_keys_commit(site.keys, kept, &told[0]); /* nothing to write: told all the same */
    loop_turn(site.loop, false);
    assert_int_equal(told[0], 1);
    site_fini(&site);
}

static void who_waits_at_the_end_is_told(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    int told[2] = { 0 };
    add(&site, "a", NOW);
    feed_keys_commit(site.keys, kept, &told[0]);
    loop_turn(site.loop, false); /* under way */
    add(&site, "b", NOW);
    feed_keys_commit(site.keys, kept, &told[1]);
    reopen(&site);
    assert_int_equal(told[0], BUSBAR_ECANCELED);
    assert_int_equal(told[1], BUSBAR_ECANCELED);
    assert_int_equal(find(&site, "a"), NOW); /* that was waited for */
    site_fini(&site);
}

/* Every prefix and every flipped byte: what stands before the damage is known, nothing wrong ever is. */
static void damage_costs_only_what_stands_behind_it(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    add(&site, "a", NOW);
    add(&site, "b", NOW + 1);
    add(&site, "c", NOW + 2);
    assert_int_equal(commit(&site), 1);
    char *data;
    size_t size;
    assert_int_equal(file_read(file_ops_real(), site.path, 4096, &data, &size, NULL), 0);
    assert_int_equal(size, 128);
    static const char *const names[] = { "a", "b", "c" };
    for (size_t at = 0; at < 2 * size; at++) {
        struct bytes in = bytes_dup(data, at < size ? at : size);
        size_t damaged = at < size ? at : at - size;
        if (at >= size) {
            uint8_t *byte = (uint8_t *)(uintptr_t)&in.start[damaged];
            *byte = (uint8_t)(*byte ^ 0x10);
        }
        struct feed_keys *keys;
        feed_keys_read(site.loop, in, &keys);
        for (size_t i = 0; i < 3; i++) {
            int64_t time_us = 0;
            bool known = feed_keys_find(keys, names[i], 1, &time_us);
            bool whole = damaged >= 32 * (i + 2) || (damaged >= 28 && damaged < 32 && at >= size);
            assert_int_equal(known, whole);
            assert_true(!known || time_us == NOW + (int64_t)i);
        }
        feed_keys_close(keys);
        bytes_fini(&in);
    }
    busbar_free(data);
    site_fini(&site);
}

static void a_damaged_end_is_cut_off_by_the_next_write(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    add(&site, "a", NOW);
    assert_int_equal(commit(&site), 1);
    assert_int_equal(truncate(site.path, 60), 0); /* a write that ended in the middle */
    reopen(&site);
    assert_int_equal(find(&site, "a"), 0);
    add(&site, "b", NOW + 1);
    assert_int_equal(commit(&site), 1);
    reopen(&site);
    assert_int_equal(find(&site, "b"), NOW + 1);
    assert_int_equal(file_size(&site), 64);
    site_fini(&site);
}

static void a_file_that_is_mostly_dead_is_written_anew(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    for (int i = 0; i < 20000; i++) {
        char key[16];
        str_format(key, sizeof(key), "k%d", i);
        add(&site, key, NOW + i);
        if (i >= 10) {
            feed_keys_remove(site.keys, key, strlen(key));
        }
        if (i % 1000 == 999) {
            assert_int_equal(commit(&site), 1);
        }
    }
    assert_true(file_size(&site) < 32 * 12000);
    reopen(&site);
    assert_int_equal(feed_keys_count(site.keys), 10);
    assert_int_equal(find(&site, "k9"), NOW + 9);
    site_fini(&site);
}

static void the_oldest_go(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    for (uint64_t i = 0; i < FEED_KEYS_MAX + 1000; i++) {
        feed_keys_add(site.keys, &i, sizeof(i), NOW + (int64_t)i);
    }
    assert_int_equal(feed_keys_count(site.keys), FEED_KEYS_MAX);
    uint64_t first = 0, last = FEED_KEYS_MAX + 999;
    int64_t time_us;
    assert_false(feed_keys_find(site.keys, &first, sizeof(first), &time_us));
    assert_true(feed_keys_find(site.keys, &last, sizeof(last), &time_us));
    clock_fake_advance(FEED_KEYS_KEEP_US + 10 * CLOCK_US_PER_S);
    add(&site, "new", clock_wall_us());
    assert_int_equal(feed_keys_count(site.keys), 1);
    site_fini(&site);
}

static void what_cannot_be_written_is_told_and_written_later(void **state)
{
    (void)state;
    struct site site;
    site_init(&site);
    add(&site, "a", NOW);
    assert_int_equal(commit(&site), 1);
    assert_int_equal(unlink(site.path), 0); /* so that it cannot be added to */
    add(&site, "b", NOW + 1);
    assert_true(commit(&site) < 0);
    assert_int_equal(find(&site, "b"),
                     NOW + 1);          /* stays known: its repetition gets the same time */
    assert_int_equal(commit(&site), 1); /* and all of it is written now */
    reopen(&site);
    assert_int_equal(find(&site, "a"), NOW);
    assert_int_equal(find(&site, "b"), NOW + 1);
    site_fini(&site);
}

/* Against a plain array: random adds, removals, commits and restarts. */
static void a_random_run_is_as_its_twin(void **state)
{
    (void)state;
    enum { KEYS = 50 };
    struct site site;
    site_init(&site);
    int64_t twin[KEYS] = { 0 };
    uint64_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        uint64_t key = hash_random(&seed) % KEYS;
        switch (hash_random(&seed) % 10) {
        case 0: assert_int_equal(commit(&site), 1); break;
        case 1:
            if (hash_random(&seed) % 4 == 0) {
                assert_int_equal(commit(&site), 1);
                reopen(&site);
            }
            break;
        case 2:
        case 3:
        case 4:
            feed_keys_remove(site.keys, &key, sizeof(key));
            twin[key] = 0;
            break;
        default: twin[key] = NOW + i + 1; feed_keys_add(site.keys, &key, sizeof(key), twin[key]);
        }
        for (uint64_t k = 0; k < KEYS; k++) {
            int64_t time_us = 0;
            assert_int_equal(feed_keys_find(site.keys, &k, sizeof(k), &time_us), twin[k] != 0);
            assert_int_equal(time_us, twin[k]);
        }
    }
    site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_committed_is_known_after_a_restart),
        cmocka_unit_test(commits_end_in_order_many_in_one_write),
        cmocka_unit_test(who_waits_at_the_end_is_told),
        cmocka_unit_test(damage_costs_only_what_stands_behind_it),
        cmocka_unit_test(a_damaged_end_is_cut_off_by_the_next_write),
        cmocka_unit_test(a_file_that_is_mostly_dead_is_written_anew),
        cmocka_unit_test(the_oldest_go),
        cmocka_unit_test(what_cannot_be_written_is_told_and_written_later),
        cmocka_unit_test(a_random_run_is_as_its_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
