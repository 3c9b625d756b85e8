/* SPDX-License-Identifier: Apache-2.0 */
/* Damage: the log cut at every byte, bits flipped anywhere: what was not touched is still there, what was
 * is missing and said, and no value is ever wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "place.h"
#include "support/quiet.h"
#include "support/random.h"

#define NOW INT64_C(1790000000000000)
enum { RECORDS = 12, SERIES = 5 };

static struct place place;

static double value_of(uint32_t series, int64_t i)
{
    return (double)(i * 7 + series) / 10;
}

static void make_log(void)
{
    clock_fake_set(0, NOW + 1000000);
    place_make(&place);
    place_open(&place);
    for (int i = 0; i < RECORDS; i++) {
        struct sample samples[SERIES];
        for (uint32_t s = 1; s <= SERIES; s++) {
            samples[s - 1] = place_number(s, NOW + i, value_of(s, i));
        }
        assert_int_equal(place_append(&place, samples, SERIES), 0);
    }
    place_close(&place);
}

static void file_in(char path[256], const char *below, const char *suffix)
{
    char folder[128];
    char **names;
    size_t count;
    file_join(folder, sizeof(folder), place.folder, below);
    assert_int_equal(file_list(folder, suffix, 100, &names, &count, NULL), 0);
    assert_true(count >= 1);
    file_join(path, 256, folder, names[0]);
    busbar_free(names);
}

static void put_file(const char *path, const char *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* All samples there are must be right. Returns how many of series 1. */
static size_t assert_right(size_t *damaged)
{
    size_t first = 0;
    *damaged = 0;
    for (uint32_t s = 1; s <= SERIES; s++) {
        struct history_samples result;
        assert_int_equal(history_read(place.history, s, INT64_MIN, INT64_MAX, 0, &result), 0);
        for (size_t i = 0; i < result.count; i++) {
            int64_t number = result.samples[i].time_us - NOW;
            assert_true(number >= 0);
            assert_true(result.samples[i].type == VALUE_DOUBLE);
            assert_true(result.samples[i].value.d == value_of(s, number));
        }
        first = s == 1 ? result.count : first;
        *damaged += result.damaged;
        history_samples_free(&result);
    }
    return first;
}

static void every_cut_of_the_log(void **state)
{
    (void)state;
    make_log();
    char path[256];
    char *data;
    size_t size;
    size_t damaged;
    file_in(path, "log", ".log");
    assert_int_equal(file_read(file_ops_real(), path, 1 << 20, &data, &size, NULL), 0);
    size_t before = RECORDS;
    for (size_t end = size; end > 0; end--) {
        put_file(path, data, end);
        place_open(&place);
        size_t count = assert_right(&damaged);
        struct history_recovery recovery;
        history_recovered(place.history, &recovery);
        assert_int_equal(recovery.records, count);
        assert_int_equal(recovery.damaged_records, 0);
        assert_true(count == before || count + 1 == before);
        before = count;
        if (end % 16 == 0) { /* what comes next must not be lost behind the torn end */
            struct sample sample = place_number(1, NOW + 100, value_of(1, 100));
            assert_int_equal(place_append(&place, &sample, 1), 0);
            place_reopen(&place);
            assert_int_equal(assert_right(&damaged), count + 1);
            history_recovered(place.history, &recovery);
            assert_int_equal(recovery.damaged_records, 0);
        }
        place_close(&place);
        char folder[128];
        file_join(folder, sizeof(folder), place.folder, "log");
        place_remove_folder(folder);
        assert_int_equal(file_make_folders(file_ops_real(), folder, 0700, NULL), 0);
    }
    assert_int_equal(before, 0);
    busbar_free(data);
    place_remove_folder(place.folder);
}

static void flipped_bits_in_the_log(void **state)
{
    (void)state;
    make_log();
    char path[256];
    char *data;
    size_t size;
    size_t damaged;
    struct random random = { 5 };
    file_in(path, "log", ".log");
    assert_int_equal(file_read(file_ops_real(), path, 1 << 20, &data, &size, NULL), 0);
    for (int round = 0; round < 150; round++) {
        size_t bit = random_below(&random, 8 * size);
        data[bit / 8] = (char)(data[bit / 8] ^ (1 << bit % 8));
        put_file(path, data, size);
        place_open(&place);
        size_t count = assert_right(&damaged);
        assert_true(count >= RECORDS - 1);
        struct history_recovery recovery;
        history_recovered(place.history, &recovery);
        uint64_t said = recovery.damaged_records + (recovery.torn_bytes > 0);
        assert_int_equal(RECORDS - count, said);
        assert_true(recovery.damaged_records == 0 || recovery.text[0] != '\0');
        place_close(&place);
        data[bit / 8] = (char)(data[bit / 8] ^ (1 << bit % 8));
    }
    busbar_free(data);
    place_remove_folder(place.folder);
}

static void a_head_with_both_copies_damaged_is_set_aside(void **state)
{
    (void)state;
    make_log();
    char path[256];
    char *data;
    size_t size;
    size_t damaged;
    file_in(path, "log", ".log");
    assert_int_equal(file_read(file_ops_real(), path, 1 << 20, &data, &size, NULL), 0);
    data[3] ^= 1;
    data[67] ^= 1;
    put_file(path, data, size);
    place_open(&place);
    assert_int_equal(assert_right(&damaged), 0);
    struct history_recovery recovery;
    history_recovered(place.history, &recovery);
    assert_int_equal(recovery.damaged_files, 1);
    assert_non_null(strstr(recovery.text, "damaged"));
    assert_false(file_exists(path));
    char aside[300];
    snprintf(aside, sizeof(aside), "%s.damaged", path);
    assert_true(file_exists(aside));
    place_remove(&place);
    busbar_free(data);
}

static void flipped_bits_in_a_block(void **state)
{
    (void)state;
    make_log();
    place_open(&place);
    assert_int_equal(history_flush(place.history), 0);
    place_close(&place);
    char path[256];
    char *data;
    size_t size;
    struct random random = { 6 };
    file_in(path, "blocks", ".blk");
    assert_int_equal(file_read(file_ops_real(), path, 1 << 20, &data, &size, NULL), 0);
    for (int round = 0; round < 400; round++) {
        /* half of the flips where the content is, the rest anywhere */
        size_t bit = random_below(&random, 8 * (round % 2 == 0 ? 600 : size));
        size_t damaged;
        data[bit / 8] = (char)(data[bit / 8] ^ (1 << bit % 8));
        put_file(path, data, size);
        place_open(&place);
        struct history_recovery recovery;
        struct history_samples all;
        size_t lost = 0;
        history_recovered(place.history, &recovery);
        (void)assert_right(&damaged);
        for (uint32_t s = 1; s <= SERIES; s++) {
            assert_int_equal(history_read(place.history, s, INT64_MIN, INT64_MAX, 0, &all), 0);
            lost += RECORDS - all.count;
            history_samples_free(&all);
        }
        if (recovery.damaged_files == 0) {
            assert_true(lost == 0 || damaged > 0);
            assert_true(lost <= (bit / 8 < 4096 ? RECORDS : SERIES * RECORDS));
        } else {
            assert_int_equal(lost, SERIES * RECORDS);
            assert_non_null(strstr(recovery.text, ".blk"));
        }
        int verdict = place_verify(&place, NULL);
        assert_true(verdict == BUSBAR_EDAMAGED || lost == 0);
        place_close(&place);
        data[bit / 8] = (char)(data[bit / 8] ^ (1 << bit % 8));
    }
    put_file(path, data, size);
    place_open(&place);
    size_t damaged;
    assert_int_equal(assert_right(&damaged), RECORDS);
    place_remove(&place);
    busbar_free(data);
}

static void flipped_bits_in_the_series_file(void **state)
{
    (void)state;
    make_log();
    place_open(&place);
    assert_int_equal(history_flush(place.history), 0);
    place_close(&place);
    char path[256];
    char *data;
    size_t size;
    file_in(path, "blocks", ".ser");
    assert_int_equal(file_read(file_ops_real(), path, 1 << 20, &data, &size, NULL), 0);
    for (size_t bit = 0; bit < 8 * size; bit += 3) {
        data[bit / 8] = (char)(data[bit / 8] ^ (1 << bit % 8));
        put_file(path, data, size);
        place_open(&place);
        struct history_recovery recovery;
        size_t damaged;
        struct sample last;
        history_recovered(place.history, &recovery);
        assert_int_equal(recovery.damaged_files, 1);
        assert_int_equal(assert_right(&damaged), RECORDS);
        assert_false(history_last(place.history, 1, &last, NULL));
        place_close(&place);
        data[bit / 8] = (char)(data[bit / 8] ^ (1 << bit % 8));
    }
    place_remove_folder(place.folder);
    busbar_free(data);
}

static void a_missing_block_is_said(void **state)
{
    (void)state;
    make_log();
    place_open(&place);
    assert_int_equal(history_flush(place.history), 0);
    place_close(&place);
    char path[256];
    file_in(path, "blocks", ".blk");
    unlink(path);
    place_open(&place);
    struct history_recovery recovery;
    history_recovered(place.history, &recovery);
    assert_int_equal(recovery.damaged_files, 1);
    struct history_findings findings;
    assert_int_equal(place_verify(&place, &findings), BUSBAR_EDAMAGED);
    assert_int_equal(findings.missing_blocks, 1);
    place_remove(&place);
}

static void leftovers_are_removed(void **state)
{
    (void)state;
    make_log();
    static const char *const names[] = { "blocks/00000000000000aa.blk",
                                         "blocks/00000000000000ab.tmp",
                                         "blocks/00000000000000ac.ser",
                                         "blocks/00000000000000ad.ser.tmp" };
    for (size_t i = 0; i < 4; i++) {
        char path[256];
        file_join(path, sizeof(path), place.folder, names[i]);
        put_file(path, "half", 4);
    }
    place_open(&place);
    struct history_recovery recovery;
    size_t damaged;
    history_recovered(place.history, &recovery);
    assert_int_equal(recovery.orphan_files, 4);
    assert_int_equal(assert_right(&damaged), RECORDS);
    for (size_t i = 0; i < 4; i++) {
        char path[256];
        file_join(path, sizeof(path), place.folder, names[i]);
        assert_false(file_exists(path));
    }
    place_remove(&place);
}

static int group_set_up(void **state)
{
    (void)state;
    quiet_log();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_of_the_log),
        cmocka_unit_test(flipped_bits_in_the_log),
        cmocka_unit_test(a_head_with_both_copies_damaged_is_set_aside),
        cmocka_unit_test(flipped_bits_in_a_block),
        cmocka_unit_test(flipped_bits_in_the_series_file),
        cmocka_unit_test(a_missing_block_is_said),
        cmocka_unit_test(leftovers_are_removed),
    };
    return cmocka_run_group_tests(tests, group_set_up, NULL);
}
