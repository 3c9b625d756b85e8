/* SPDX-License-Identifier: Apache-2.0 */
/* Each different column of names is walked once for all rows in it: text -> row by a map, so that 10,000 rows by name
 * cost one walk. */
#include "drivers/snmp/snmp_rows.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_driver.h"
#include "drivers/snmp/snmp_read.h"
#include "drivers/snmp/snmp_walk.h"

enum { NONE = UINT32_MAX, NAME_MAX_BYTES = 256 };

struct column {
    struct snmp_rows *rows;
    struct snmp_oid oid;
    struct map by_text; /* -> struct row_name */
    struct snmp_walk *walk;
    int64_t walked_us; /* monotonic: when the last walk ended; 0: none did */
    bool read;         /* once, from end to end */
    bool wanted;       /* again: rows have moved, or are not there */
};

/* A row that points are in. Its OIDs are made of a column and the index. */
struct row_name {
    const struct snmp_row_name *name;
    struct column *column;
    uint8_t *index, *cell; /* of the row now; cell: the OID of its name */
    uint16_t index_size, cell_size;
    uint8_t *found; /* of the walk under way */
    uint16_t found_size;
    unsigned times;  /* it was found in this walk */
    uint16_t detail; /* 0: it is where `index` says */
    bool lost;
};

struct snmp_rows {
    struct snmp_device *device;
    struct column *columns;
    struct row_name *names;
    uint32_t column_count, name_count;
    uint32_t *name_of;     /* of each point; NONE: its index is fixed */
    struct snmp_oid *oids; /* of each point that has a row: where it is now */
    unsigned walking;
    struct snmp_answer silent; /* error not 0: what a walk of this round came to */
    bool moved;                /* plans are wrong now */
    bool found_again; /* points had no value for want of their row, and would have one now */
};

/* ---- which there are ---- */

static struct column *column_of(struct snmp_rows *rows, struct snmp_oid oid)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        if (snmp_oid_equal(rows->columns[i].oid, oid)) {
            return &rows->columns[i];
        }
    }
    struct column *column = &rows->columns[rows->column_count++];
    *column = (struct column){ .rows = rows, .oid = oid };
    map_init(&column->by_text);
    return column;
}

static uint32_t name_of(struct snmp_rows *rows, const struct snmp_row_name *name)
{
    struct column *column = column_of(rows, name->column);
    struct row_name *known = map_get(&column->by_text, name->text);
    if (known == NULL) {
        known = &rows->names[rows->name_count++];
        *known = (struct row_name){ .name = name,
                                    .column = column,
                                    .detail = SNMP_DETAIL_ROWS_UNREAD };
        (void)map_set(&column->by_text, name->text, known);
    }
    return (uint32_t)(known - rows->names);
}

struct snmp_rows *snmp_rows_new(struct snmp_device *device)
{
    const struct device *dev = device->dev;
    size_t count = 0;
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct snmp_address *address = driver_address(dev, i);
        count += address->row != NULL;
    }
    if (count == 0) {
        return NULL;
    }
    struct snmp_rows *rows = busbar_alloc(sizeof(*rows));
    rows->device = device;
    rows->columns = busbar_alloc_array(count, sizeof(*rows->columns));
    rows->names = busbar_alloc_array(count, sizeof(*rows->names));
    rows->name_of = busbar_alloc_array(dev->point_count, sizeof(*rows->name_of));
    rows->oids = busbar_alloc_array(dev->point_count, sizeof(*rows->oids));
    for (uint32_t i = 0; i < dev->point_count; i++) {
        const struct snmp_address *address = driver_address(dev, i);
        rows->name_of[i] = address->row != NULL ? name_of(rows, address->row) : NONE;
    }
    return rows;
}

void snmp_rows_free(struct snmp_rows *rows)
{
    if (rows == NULL) {
        return;
    }
    for (size_t i = 0; i < rows->device->dev->point_count; i++) {
        busbar_free((void *)(uintptr_t)rows->oids[i].bytes);
    }
    for (uint32_t i = 0; i < rows->name_count; i++) {
        busbar_free(rows->names[i].index);
        busbar_free(rows->names[i].cell);
        busbar_free(rows->names[i].found);
    }
    for (uint32_t i = 0; i < rows->column_count; i++) {
        map_fini(&rows->columns[i].by_text);
    }
    busbar_free(rows->columns);
    busbar_free(rows->names);
    busbar_free(rows->name_of);
    busbar_free(rows->oids);
    busbar_free(rows);
}

/* ---- names ---- */

/* A cell as a text, NUL-terminated; its size, or 0: it is none that a row can be called by. */
static size_t text_of(const struct snmp_value *value, char text[NAME_MAX_BYTES])
{
    int64_t number;
    const uint8_t *at = value->content.at;
    size_t size = bytes_left(&value->content);
    switch (value->tag) {
    case BER_OCTETS:
        while (size > 0 && at[size - 1] == 0) {
            size--; /* some agents count the NUL */
        }
        if (size >= NAME_MAX_BYTES) {
            return 0;
        }
        if (size > 0) {
            memcpy(text, at, size);
        }
        text[size] = '\0';
        return size;
    case BER_IP_ADDRESS:
        return size == 4
                   ? str_format(text, NAME_MAX_BYTES, "%u.%u.%u.%u", at[0], at[1], at[2], at[3])
                   : 0;
    case BER_INTEGER:
    case BER_GAUGE32:
        return ber_int(value->content, &number)
                   ? str_format(text, NAME_MAX_BYTES, "%lld", (long long)number)
                   : 0;
    default: return 0;
    }
}

/* column + index, in memory of its own. */
static uint8_t *join(struct snmp_oid column, const uint8_t *index, uint16_t index_size,
                     uint16_t *size)
{
    uint8_t *bytes = busbar_alloc((size_t)column.size + index_size);
    memcpy(bytes, column.bytes, column.size);
    memcpy(bytes + column.size, index, index_size);
    *size = (uint16_t)(column.size + index_size);
    return bytes;
}

/* "7", "10.0.0.1". */
static void print_index(const uint8_t *index, uint16_t size, struct buf *out)
{
    struct snmp_oid tail = { .bytes = index, .size = size };
    uint32_t part;
    for (const char *between = ""; snmp_oid_next(&tail, &part); between = ".") {
        buf_printf(out, "%s%u", between, part);
    }
}

/* ---- what a walk found ---- */

static bool on_cell(void *ctx, const struct snmp_varbind *varbind)
{
    struct column *column = ctx;
    char text[NAME_MAX_BYTES];
    size_t size = text_of(&varbind->value, text);
    struct row_name *row = size > 0 ? map_get_n(&column->by_text, text, size) : NULL;
    struct snmp_oid index = snmp_oid_tail(varbind->oid, column->oid);
    if (row == NULL || index.size == 0) {
        return true;
    }
    if (row->times++ == 0) {
        row->found = busbar_realloc(row->found, index.size);
        memcpy(row->found, index.bytes, index.size);
        row->found_size = index.size;
    }
    return true;
}

static void place_points(struct snmp_rows *rows, uint32_t name)
{
    const struct row_name *row = &rows->names[name];
    for (uint32_t i = 0; i < rows->device->dev->point_count; i++) {
        if (rows->name_of[i] == name) {
            const struct snmp_address *address = driver_address(rows->device->dev, i);
            busbar_free((void *)(uintptr_t)rows->oids[i].bytes);
            rows->oids[i].bytes = join(address->oid, row->index, row->index_size,
                                       &rows->oids[i].size);
        }
    }
}

static void warn(const struct snmp_rows *rows, const struct row_name *row, const char *what)
{
    struct buf words;
    buf_init(&words, 512);
    buf_printf(&words, "row '%s' %s", row->name->text, what);
    busbar_log(LOG_LEVEL_WARN, "snmp", rows->device->dev->name, "%s", buf_text(&words));
    driver_note(rows->device->dev, false, buf_text(&words), words.size);
    buf_fini(&words);
}

static void say_moved(const struct snmp_rows *rows, const struct row_name *row)
{
    const struct snmp_device *device = rows->device;
    struct buf words;
    buf_init(&words, 512);
    buf_printf(&words, "row '%s' has number ", row->name->text);
    print_index(row->found, row->found_size, &words);
    buf_printf(&words, " now, it had ");
    print_index(row->index, row->index_size, &words);
    const struct event event = { .kind = "row-moved",
                                 .text = buf_text(&words),
                                 .severity = EVENT_LOW };
    busbar_log(LOG_LEVEL_INFO, "snmp", device->dev->name, "%s", buf_text(&words));
    driver_note(device->dev, false, buf_text(&words), words.size);
    (void)driver_event(device->drv, device->dev, &event, NULL, NULL);
    buf_fini(&words);
}

static bool same_index(const struct row_name *row)
{
    return row->index != NULL && row->index_size == row->found_size &&
           memcmp(row->index, row->found, row->index_size) == 0;
}

/* The column was walked to its end: what is known of this row now. */
static void settle(struct snmp_rows *rows, uint32_t name)
{
    struct row_name *row = &rows->names[name];
    uint16_t before = row->detail;
    row->detail = row->times == 0 ? SNMP_DETAIL_NO_ROW : row->times > 1 ? SNMP_DETAIL_ROW_TWICE : 0;
    if (row->detail == SNMP_DETAIL_NO_ROW && before != row->detail) {
        warn(rows, row, "is not in the table: 'busbar snmp walk' shows the names");
    } else if (row->detail == SNMP_DETAIL_ROW_TWICE && before != row->detail) {
        warn(rows, row, "is there more than once: name a column in which they differ");
    }
    bool moved = row->detail == 0 && !same_index(row);
    if (moved) {
        if (row->index != NULL) {
            say_moved(rows, row);
        }
        busbar_free(row->index);
        busbar_free(row->cell);
        row->index = row->found;
        row->index_size = row->found_size;
        row->found = NULL;
        row->cell = join(row->column->oid, row->index, row->index_size, &row->cell_size);
        place_points(rows, name);
    }
    rows->moved = rows->moved || moved || row->lost || before != row->detail;
    rows->found_again = rows->found_again ||
                        (row->detail == 0 && (row->lost || before == SNMP_DETAIL_NO_ROW));
    row->lost = false;
}

/* Points whose row was lost had no value of this poll: they are read at once. */
static void poll_found(struct snmp_rows *rows)
{
    const struct device *dev = rows->device->dev;
    uint32_t *points = busbar_alloc_array(dev->point_count, sizeof(*points));
    size_t count = 0;
    for (uint32_t i = 0; i < dev->point_count; i++) {
        if (rows->name_of[i] != NONE && rows->names[rows->name_of[i]].detail == 0) {
            points[count++] = i;
        }
    }
    driver_poll_now(rows->device->dev, points, count);
    busbar_free(points);
}

static void end_round(struct snmp_rows *rows)
{
    bool moved = rows->moved;
    struct snmp_answer silent = rows->silent;
    bool found_again = rows->found_again;
    rows->moved = false;
    rows->found_again = false;
    rows->silent = (struct snmp_answer){ .error = 0 };
    snmp_rows_ready(rows->device, silent.error != 0 ? &silent : NULL, moved);
    if (found_again) {
        poll_found(rows);
    }
}

static void on_end(void *ctx, const struct snmp_walk_end *end)
{
    struct column *column = ctx;
    struct snmp_rows *rows = column->rows;
    column->walk = NULL;
    if (end->error == 0) {
        bool missing = false;
        for (uint32_t i = 0; i < rows->name_count; i++) {
            if (rows->names[i].column == column) {
                settle(rows, i);
                missing = missing || rows->names[i].detail != 0;
            }
        }
        column->read = true;
        column->wanted = missing;
    } else if (end->values == 0 && end->error != BUSBAR_EPROTO && end->error != BUSBAR_EREFUSED) {
        rows->silent = (struct snmp_answer){ .error = end->error, .trouble = end->trouble };
    } else {
        column->wanted = true;
        busbar_log(LOG_LEVEL_WARN, "snmp", rows->device->dev->name,
                   "names of rows cannot be read: %s", end->words);
    }
    column->walked_us = rows->silent.error == 0 ? clock_mono_us() : column->walked_us;
    if (--rows->walking == 0) {
        end_round(rows);
    }
}

/* ---- looking for them ---- */

static bool begin_walk(struct column *column)
{
    struct snmp_rows *rows = column->rows;
    const struct snmp_config *config = &rows->device->config;
    struct snmp_walk_options options = {
        .root = column->oid,
        .max_repetitions = config->bulk ? config->max_repetitions : 1,
        .values_max = SNMP_ROWS_MAX,
        .deadline_us = clock_mono_us() + SNMP_ROWS_WALK_S * CLOCK_US_PER_S,
        .value = on_cell,
        .done = on_end,
        .ctx = column,
    };
    for (uint32_t i = 0; i < rows->name_count; i++) {
        if (rows->names[i].column == column) {
            rows->names[i].times = 0;
        }
    }
    column->walk = snmp_walk_begin(rows->device->agent, &options);
    rows->walking += column->walk != NULL;
    return column->walk != NULL;
}

static bool is_due(const struct column *column)
{
    bool lost = false;
    const struct snmp_rows *rows = column->rows;
    for (uint32_t i = 0; i < rows->name_count && column->wanted; i++) {
        lost = lost || (rows->names[i].column == column && rows->names[i].lost);
    }
    int64_t pause_s = lost ? SNMP_ROWS_PAUSE_S : SNMP_ROWS_AGAIN_S;
    return column->wanted && clock_mono_us() - column->walked_us >= pause_s * CLOCK_US_PER_S;
}

bool snmp_rows_wake(struct snmp_rows *rows)
{
    bool wait = false;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        struct column *column = &rows->columns[i];
        bool first = !column->read && column->walked_us == 0;
        if (column->walk == NULL && (first || is_due(column)) && !begin_walk(column)) {
            continue;
        }
        wait = wait || (first && column->walk != NULL);
    }
    return wait;
}

void snmp_rows_stop(struct snmp_rows *rows)
{
    for (uint32_t i = 0; rows != NULL && i < rows->column_count; i++) {
        snmp_walk_cancel(rows->columns[i].walk);
        rows->columns[i].walk = NULL;
    }
    if (rows != NULL) {
        rows->walking = 0;
    }
}

/* ---- where they are ---- */

uint16_t snmp_rows_place(const struct snmp_rows *rows, uint32_t point, struct snmp_row_place *out)
{
    uint32_t name = rows->name_of[point];
    const struct row_name *row = &rows->names[name];
    if (row->lost) {
        return SNMP_DETAIL_ROW_MOVED;
    }
    if (row->detail == 0) {
        out->oid = rows->oids[point];
        out->name = (struct snmp_oid){ .bytes = row->cell, .size = row->cell_size };
        out->row = name;
    }
    return row->detail;
}

void snmp_rows_gone(struct snmp_rows *rows, uint32_t name)
{
    struct row_name *row = &rows->names[name];
    if (row->lost) {
        return;
    }
    row->lost = true;
    row->column->wanted = true;
    snmp_reads_changed(rows->device);
    if (row->column->walk == NULL && is_due(row->column)) {
        (void)begin_walk(row->column);
    }
}

bool snmp_rows_check(struct snmp_rows *rows, uint32_t name, const struct snmp_value *value)
{
    char text[NAME_MAX_BYTES];
    const struct row_name *row = &rows->names[name];
    size_t size = text_of(value, text);
    if (size > 0 && size == strlen(row->name->text) && memcmp(text, row->name->text, size) == 0) {
        return true;
    }
    snmp_rows_gone(rows, name);
    return false;
}

bool snmp_rows_lost(const struct snmp_rows *rows, uint32_t name)
{
    return rows->names[name].lost;
}
