/* SPDX-License-Identifier: Apache-2.0 */
#include "config/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/hash.h"

static struct csv *open_text(const char *text, size_t size)
{
    struct csv *csv = malloc(sizeof(*csv));
    FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)text, size, "r") : fopen("/dev/null", "r");
    assert_non_null(csv);
    assert_non_null(file);
    assert_int_equal(csv_init(csv, file), 0);
    return csv;
}

static void close_csv(struct csv *csv)
{
    csv_fini(csv);
    free(csv);
}

/* Every row as "line:cell|cell|\n", problems as "line!\n". */
static void read_all(const char *text, size_t size, struct buf *out)
{
    struct csv *csv = open_text(text, size);
    struct position at = { .file = "a.csv" };
    const char *reason = NULL;
    for (;;) {
        int got = csv_next(csv, &at, &reason);
        if (got == 0) {
            break;
        }
        if (got < 0) {
            buf_printf(out, "%d!\n", at.line);
            if (got == BUSBAR_ELIMIT) {
                break;
            }
            continue;
        }
        buf_printf(out, "%d:", csv->line);
        for (size_t i = 0; i < csv->count; i++) {
            buf_printf(out, "%s|", csv->cells[i].text);
        }
        buf_append_byte(out, '\n');
    }
    close_csv(csv);
}

static void assert_reads(const char *text, const char *wanted)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    read_all(text, strlen(text), &out);
    assert_string_equal(buf_text(&out), wanted);
    buf_fini(&out);
}

static void rows_and_cells(void **state)
{
    (void)state;
    assert_reads("", "");
    assert_reads("a", "1:a|\n");
    assert_reads("a,b\n1,2\n", "1:a|b|\n2:1|2|\n");
    assert_reads("a,b\r\n1,2\r\n", "1:a|b|\n2:1|2|\n");
    assert_reads("\xef\xbb\xbf\"a\",b\n", "1:a|b|\n");
    assert_reads("a;b\n1,5;2\n", "1:a|b|\n2:1,5|2|\n");
    assert_reads("a\tb\n1\t\n", "1:a|b|\n2:1||\n");
    assert_reads("a,b\n\n  \n# no\n 1 , 2 \n", "1:a|b|\n5:1|2|\n");
    assert_reads("a,b\n\"1,\"\"x\"\"\",2\n", "1:a|b|\n2:1,\"x\"|2|\n");
    assert_reads("a,b\n\"x\ny\",2\nz,3\n", "1:a|b|\n2:x\ny|2|\n4:z|3|\n");
    assert_reads("a,b\n# it's \"open\nz,3\n", "1:a|b|\n3:z|3|\n");
    assert_reads("a,b\n5\" pipe,2\nz,3\n", "1:a|b|\n2:5\" pipe|2|\n3:z|3|\n");
    assert_reads("a,b\nx\"\"y,2\nz,3\n", "1:a|b|\n2:x\"\"y|2|\n3:z|3|\n");
}

static void cells_know_their_place(void **state)
{
    (void)state;
    static const char text[] = "a,b,c\n\xc5\xbe, x ,\"q\"\n\"m\nn\",o\n";
    struct csv *csv = open_text(text, sizeof(text) - 1);
    struct position at = { 0 };
    const char *reason;
    assert_int_equal(csv_next(csv, &at, &reason), 1);
    assert_int_equal(csv->cells[2].column, 5);
    assert_int_equal(csv_next(csv, &at, &reason), 1);
    assert_int_equal(csv->cells[0].width, 1);
    assert_int_equal(csv->cells[1].line, 2);
    assert_int_equal(csv->cells[1].column, 4);
    assert_int_equal(csv->cells[2].column, 7);
    assert_int_equal(csv_next(csv, &at, &reason), 1);
    assert_int_equal(csv->cells[1].line, 4);
    assert_int_equal(csv->cells[1].column, 4);
    assert_int_equal(csv->bytes, sizeof(text) - 1);
    close_csv(csv);
}

static void limits_are_errors(void **state)
{
    (void)state;
    struct buf text, out;
    buf_init(&text, 1 << 20);
    buf_init(&out, 1 << 20);
    buf_append_text(&text, "a,b\n\"");
    for (int i = 0; i < CSV_ROW_MAX; i++) {
        buf_append_byte(&text, i % 100 == 0 ? '\n' : 'x');
    }
    read_all(buf_text(&text), text.size, &out);
    assert_string_equal(buf_text(&out), "1:a|b|\n2!\n");
    buf_clear(&text);
    buf_clear(&out);
    for (int i = 0; i <= CSV_CELLS_MAX; i++) {
        buf_append_text(&text, "1,");
    }
    buf_append_text(&text, "\nx\n\xff\n");
    read_all(buf_text(&text), text.size, &out);
    assert_string_equal(buf_text(&out), "1!\n2:x|\n3!\n");
    buf_fini(&text);
    buf_fini(&out);
}

/* ---- a naive twin: one character at a time over the whole text, commas only ---- */

struct twin {
    const char *at, *end;
    int line;
};

static void twin_cell(struct twin *twin, struct buf *cell)
{
    buf_clear(cell);
    while (twin->at < twin->end && *twin->at == ' ') {
        twin->at++;
    }
    if (twin->at < twin->end && *twin->at == '"') {
        twin->at++;
        while (twin->at < twin->end) {
            if (*twin->at == '"') {
                if (twin->at + 1 < twin->end && twin->at[1] == '"') {
                    twin->at++;
                } else {
                    break;
                }
            }
            twin->line += *twin->at == '\n';
            buf_append_byte(cell, (uint8_t)*twin->at++);
        }
        while (twin->at < twin->end && *twin->at != ',' && *twin->at != '\n') {
            twin->at++;
        }
        return;
    }
    while (twin->at < twin->end && *twin->at != ',' && *twin->at != '\n') {
        buf_append_byte(cell, (uint8_t)*twin->at++);
    }
    while (cell->size > 0 && cell->data[cell->size - 1] == ' ') {
        cell->size--;
        cell->data[cell->size] = '\0';
    }
}

static void twin_read(const char *text, size_t size, struct buf *out)
{
    struct twin twin = { .at = text, .end = text + size, .line = 1 };
    struct buf cell;
    buf_init(&cell, 1 << 20);
    while (twin.at < twin.end) {
        const char *row = twin.at;
        while (row < twin.end && *row == ' ') {
            row++;
        }
        if (row == twin.end || *row == '\n') {
            twin.at = row == twin.end ? row : row + 1;
            twin.line++;
            continue;
        }
        buf_printf(out, "%d:", twin.line);
        for (;;) {
            twin_cell(&twin, &cell);
            buf_printf(out, "%s|", buf_text(&cell));
            if (twin.at == twin.end || *twin.at == '\n') {
                break;
            }
            twin.at++;
        }
        buf_append_byte(out, '\n');
        twin.line++;
        twin.at = twin.at == twin.end ? twin.at : twin.at + 1;
    }
    buf_fini(&cell);
}

/* A random text of well-formed cells, as programs write them. */
static void random_text(uint64_t *seed, struct buf *text)
{
    static const char *const cells[] = { "a",        "",        "  x y ",   "\"\"",
                                         "\"a,b\"",  "7",       "\"a\nb\"", "\"\"\"q\"\"\"",
                                         "5\" pipe", " \"z\" ", "\xc5\xbe" };
    size_t rows = hash_random(seed) % 30;
    for (size_t r = 0; r < rows; r++) {
        size_t count = 1 + hash_random(seed) % 6;
        for (size_t c = 0; c < count; c++) {
            buf_printf(text, "%s%s", c > 0 ? "," : "",
                       cells[hash_random(seed) % (sizeof(cells) / sizeof(cells[0]))]);
        }
        if (r + 1 < rows || hash_random(seed) % 2 == 0) {
            buf_append_byte(text, '\n');
        }
    }
}

static void agrees_with_its_twin(void **state)
{
    (void)state;
    uint64_t seed = 7;
    struct buf text, ours, twins;
    buf_init(&text, 1 << 20);
    buf_init(&ours, 1 << 20);
    buf_init(&twins, 1 << 20);
    for (int round = 0; round < 3000; round++) {
        buf_clear(&text);
        buf_clear(&ours);
        buf_clear(&twins);
        random_text(&seed, &text);
        read_all(buf_text(&text), text.size, &ours);
        twin_read(buf_text(&text), text.size, &twins);
        assert_string_equal(buf_text(&ours), buf_text(&twins));
    }
    buf_fini(&text);
    buf_fini(&ours);
    buf_fini(&twins);
}

/* Rows that lie across the edges of the buffer. */
static void long_files_are_whole(void **state)
{
    (void)state;
    enum { ROWS = 60000 };
    struct buf text;
    buf_init(&text, 8 << 20);
    buf_append_text(&text, "point,value\n");
    for (int i = 0; i < ROWS; i++) {
        buf_printf(&text, i % 7 == 0 ? "\"p-%d\",%d\n" : "p-%d,%d\n", i, i * 3);
    }
    struct csv *csv = open_text(buf_text(&text), text.size);
    struct position at = { 0 };
    const char *reason;
    char name[32];
    assert_int_equal(csv_next(csv, &at, &reason), 1);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(csv_next(csv, &at, &reason), 1);
        snprintf(name, sizeof(name), "p-%d", i);
        assert_string_equal(csv->cells[0].text, name);
        assert_int_equal(csv->line, i + 2);
    }
    assert_int_equal(csv_next(csv, &at, &reason), 0);
    assert_int_equal(csv->bytes, text.size);
    close_csv(csv);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_cells),       cmocka_unit_test(cells_know_their_place),
        cmocka_unit_test(limits_are_errors),    cmocka_unit_test(agrees_with_its_twin),
        cmocka_unit_test(long_files_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
