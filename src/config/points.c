/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of points: the map under `points:`, and CSV files, one row a point.
 *
 *   points: { csv: meter-1.csv }     of a device or profile: columns point, and the keys of a point
 *   points: { csv: [a.csv, b.csv] }  at the top: one more column, device
 *
 * A row is turned into a point at once; nothing of the file stays but the points. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "config/csv.h"
#include "config/load.h"

enum { NEAREST_DEVICES_MAX = 10000, NEAREST_TOLD_MAX = 100 };

struct csv_request {
    uint16_t file;
    struct position at;
    struct csv_request *next;
};

/* The header line as one protocol understands it. */
struct header {
    const struct config_protocol *protocol;
    struct point_column columns[CSV_CELLS_MAX];
    bool known[CSV_CELLS_MAX];
    struct header *next;
};

struct table {
    struct load *load;
    uint16_t file;
    struct csv csv;
    const char *names[CSV_CELLS_MAX];
    size_t count;
    int point, device; /* columns; device -1 = all rows are of one device */
    struct header *headers;
    /* of one device: */
    const struct config_protocol *protocol;
    const struct map *base;
    struct point_list *list;
    /* of many: the device of the row before */
    struct device_build *last;
};

void point_list_fini(struct point_list *list)
{
    if (!list->kept) {
        busbar_free(list->points);
    }
    *list = (struct point_list){ 0 };
}

static struct position cell_at(const struct table *table, const struct csv_cell *cell)
{
    return (struct position){ .file = table->load->sources[table->file].name,
                              .line = cell->line,
                              .column = cell->column,
                              .width = cell->width };
}

static const struct header *header_for(struct table *table, const struct config_protocol *protocol)
{
    for (const struct header *at = table->headers; at != NULL; at = at->next) {
        if (at->protocol == protocol) {
            return at;
        }
    }
    struct header *header = load_alloc(table->load, sizeof(*header));
    if (header == NULL) {
        return NULL;
    }
    header->protocol = protocol;
    for (size_t i = 0; i < table->count; i++) {
        header->known[i] = (int)i != table->point && (int)i != table->device &&
                           point_column_find(protocol, table->names[i], &header->columns[i]);
    }
    header->next = table->headers;
    table->headers = header;
    return header;
}

/* The words a header may have, for the hint. */
static void tell_unknown_column(struct table *table, const struct csv_cell *cell)
{
    struct load *load = table->load;
    const char *words[CONFIG_OPTIONS_MAX + 24];
    const struct config_protocol *protocol = table->protocol != NULL ? table->protocol
                                                                     : &load->env->protocols[0];
    size_t count = 0;
    words[count++] = "point";
    words[count++] = "device";
    count += point_words(protocol, &words[count], sizeof(words) / sizeof(words[0]) - count);
    char hint[HINT_MAX];
    load_hint(hint, cell->text, words);
    problems_error(load->problems, cell_at(table, cell), hint, "unknown column '%.60s'",
                   cell->text);
}

static bool column_known(struct table *table, const char *name)
{
    struct point_column column;
    if (table->protocol != NULL) {
        return point_column_find(table->protocol, name, &column);
    }
    for (size_t i = 0; i < table->load->env->protocol_count; i++) {
        if (point_column_find(&table->load->env->protocols[i], name, &column)) {
            return true;
        }
    }
    return false;
}

static bool read_header(struct table *table)
{
    struct load *load = table->load;
    bool wants_device = table->list == NULL, good = true;
    table->point = table->device = -1;
    table->count = table->csv.count;
    for (size_t i = 0; i < table->count; i++) {
        const struct csv_cell *cell = &table->csv.cells[i];
        table->names[i] = load_text(load, cell->text);
        if (table->names[i] == NULL) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (cell->text[0] != '\0' && strcmp(table->names[k], cell->text) == 0) {
                problems_error(load->problems, cell_at(table, cell), NULL,
                               "the column '%.60s' is here twice", cell->text);
                good = false;
            }
        }
        if (strcmp(cell->text, "point") == 0) {
            table->point = (int)i;
        } else if (strcmp(cell->text, "device") == 0 && wants_device) {
            table->device = (int)i;
        } else if (cell->text[0] != '\0' && !column_known(table, cell->text)) {
            tell_unknown_column(table, cell);
            good = false;
        }
    }
    struct position at = cell_at(table, &table->csv.cells[0]);
    if (table->point < 0) {
        problems_error(load->problems, at, "the first line names the columns: point,register,type",
                       "there is no column 'point'");
        good = false;
    }
    if (wants_device && table->device < 0) {
        problems_error(load->problems, at,
                       "add one, or name the file in 'points: { csv: ... }' of a device",
                       "there is no column 'device'");
        good = false;
    }
    return good;
}

static const char *nearest_device(const struct load *load, const char *name)
{
    if (load->device_count > NEAREST_DEVICES_MAX || load->problems->errors > NEAREST_TOLD_MAX) {
        return NULL;
    }
    const char **names = busbar_alloc_array(load->device_count, sizeof(*names));
    for (size_t i = 0; i < load->device_count; i++) {
        names[i] = load->order[i]->name;
    }
    const char *nearest = str_nearest(name, names, load->device_count);
    busbar_free(names);
    return nearest;
}

static void tell_no_device(struct table *table, const struct csv_cell *cell)
{
    struct load *load = table->load;
    char hint[HINT_MAX] = "";
    const char *nearest = nearest_device(load, cell->text);
    if (nearest != NULL) {
        const struct device_build *build = map_get(&load->devices, nearest);
        str_format(hint, sizeof(hint), "nearest is '%s' (%s:%d)", nearest, build->at.file,
                   build->at.line);
    }
    problems_error(load->problems, cell_at(table, cell), hint[0] != '\0' ? hint : NULL,
                   "no device '%.100s'", cell->text);
}

/* Where the point of this row belongs. False: told, or the device has its own error. */
static bool pick_device(struct table *table)
{
    const struct csv_cell *cell = &table->csv.cells[table->device];
    struct device_build *build = table->last;
    if (build == NULL || strcmp(build->name, cell->text) != 0) {
        build = map_get(&table->load->devices, cell->text);
        if (build == NULL) {
            tell_no_device(table, cell);
            return false;
        }
        table->last = build;
    }
    if (build->protocol == NULL) {
        return false;
    }
    table->protocol = build->protocol;
    table->list = &build->own;
    table->base = build->use != NULL ? &build->use->by_name : NULL;
    return true;
}

static void read_cells(struct table *table, const struct header *header)
{
    struct load *load = table->load;
    for (size_t i = 0; i < table->csv.count; i++) {
        struct csv_cell *cell = &table->csv.cells[i];
        if (cell->text[0] == '\0') {
            continue;
        }
        if (i >= table->count) {
            problems_error(load->problems, cell_at(table, cell),
                           "a text with a separator in it needs \"quotes\"",
                           "more cells than the first line has columns");
            return;
        }
        if (header->known[i]) {
            draft_cell(load, header->protocol, &header->columns[i], cell->text,
                       cell_at(table, cell));
        } else if ((int)i != table->point && (int)i != table->device &&
                   table->names[i][0] != '\0') {
            problems_error(load->problems, cell_at(table, cell), NULL, "a %s point has no '%s'",
                           header->protocol->name, table->names[i]);
        }
    }
}

static bool count_point(struct load *load, struct position at)
{
    if (++load->point_count <= REGISTRY_POINTS_MAX) {
        return true;
    }
    problems_error(load->problems, at, NULL, "more than %u points", REGISTRY_POINTS_MAX);
    return false;
}

/* False: stop reading. */
static bool read_row(struct table *table)
{
    struct load *load = table->load;
    bool many = table->device >= 0;
    size_t needed = (size_t)(many && table->device > table->point ? table->device : table->point);
    struct csv_cell *first = &table->csv.cells[0];
    if (table->csv.count <= needed) {
        problems_error(load->problems, cell_at(table, first), NULL, "too few cells in this row");
        return true;
    }
    struct csv_cell *name = &table->csv.cells[table->point];
    if ((many && !pick_device(table)) ||
        !load_name(load, "point", name->text, cell_at(table, name))) {
        return true;
    }
    const struct header *header = header_for(table, table->protocol);
    if (header == NULL || !count_point(load, cell_at(table, name))) {
        return false;
    }
    const struct config_point *base = table->base != NULL ? map_get(table->base, name->text) : NULL;
    draft_begin(load, base, table->file, cell_at(table, name), name->text);
    read_cells(table, header);
    return draft_end(load, table->list);
}

static void read_table(struct table *table)
{
    struct load *load = table->load;
    struct source *source = &load->sources[table->file];
    struct position at = { .file = source->name, .line = 1 };
    const char *reason = NULL;
    bool header = false;
    for (;;) {
        int got = csv_next(&table->csv, &at, &reason);
        if (got == 0) {
            break;
        }
        if (got == BUSBAR_ESYNTAX || got == BUSBAR_ELIMIT) {
            problems_error(load->problems, at, NULL, "%s", reason);
            if (got == BUSBAR_ESYNTAX) {
                continue;
            }
            return;
        }
        if (got < 0) {
            problems_error(load->problems, at, NULL, "cannot be read: %s", err_text(got));
            return;
        }
        if (!header) {
            header = true;
            if (!read_header(table)) {
                return;
            }
        } else if (!read_row(table)) {
            return;
        }
    }
    if (!header) {
        problems_error(load->problems, at, "the first line names the columns: point,register,type",
                       "this CSV file is empty");
    }
    source->bytes = table->csv.bytes;
    source->crc = table->csv.crc;
}

/* list NULL: rows name their device. */
static void read_csv(struct load *load, uint16_t file, const struct config_protocol *protocol,
                     const struct map *base, struct point_list *list)
{
    FILE *stream = source_open(load, file);
    if (stream == NULL) {
        return;
    }
    struct table *table = busbar_try_alloc(sizeof(*table));
    if (table == NULL) {
        fclose(stream);
        load->out_of_memory = true;
        return;
    }
    table->load = load;
    table->file = file;
    table->protocol = protocol;
    table->base = base;
    table->list = list;
    if (csv_init(&table->csv, stream) == 0) {
        read_table(table);
    } else {
        load->out_of_memory = true;
    }
    csv_fini(&table->csv);
    busbar_free(table);
}

/* The files a `csv:` names, one or a list; `each` for every good one. */
static void csv_names(struct load *load, uint16_t file, const struct yaml_node *node,
                      void (*each)(struct load *load, uint16_t csv, struct position at, void *ctx),
                      void *ctx)
{
    if (node->kind == YAML_MAP || yaml_is_null(node)) {
        problems_error(load->problems, load_at(load, file, node), NULL,
                       "'csv' wants the name of a file or a list of names");
        return;
    }
    const struct yaml_node *at = node->kind == YAML_LIST ? node->first : node;
    for (; at != NULL; at = node->kind == YAML_LIST ? at->next : NULL) {
        uint16_t csv;
        if (at->kind != YAML_SCALAR || at->secret) {
            problems_error(load->problems, load_at(load, file, at), NULL,
                           "the name of a CSV file is one text");
        } else if (source_csv(load, load_at(load, file, at), at->text, &csv)) {
            each(load, csv, load_at(load, file, at), ctx);
        }
    }
}

struct into {
    const struct config_protocol *protocol;
    const struct map *base;
    struct point_list *list;
};

static void read_now(struct load *load, uint16_t csv, struct position at, void *ctx)
{
    (void)at;
    const struct into *into = ctx;
    read_csv(load, csv, into->protocol, into->base, into->list);
}

static void read_later(struct load *load, uint16_t csv, struct position at, void *ctx)
{
    (void)ctx;
    struct csv_request *request = load_alloc(load, sizeof(*request));
    if (request != NULL) {
        *request = (struct csv_request){ .file = csv, .at = at };
        *load->csv_last = request;
        load->csv_last = &request->next;
    }
}

static void read_point(struct load *load, uint16_t file, const struct yaml_node *node,
                       const struct into *into)
{
    const char *name = node->key->text;
    struct position at = load_at(load, file, node->key);
    if (!load_name(load, "point", name, at) || !load_is_map(load, file, node, name) ||
        !count_point(load, at)) {
        return;
    }
    draft_begin(load, into->base != NULL ? map_get(into->base, name) : NULL, file, at, name);
    for (const struct yaml_node *key = node->first; key != NULL; key = key->next) {
        draft_key(load, into->protocol, key);
    }
    draft_end(load, into->list);
}

void points_read(struct load *load, uint16_t file, const struct yaml_node *node,
                 const struct config_protocol *protocol, const struct map *base,
                 struct point_list *list)
{
    struct into into = { .protocol = protocol, .base = base, .list = list };
    if (!load_is_map(load, file, node, "points")) {
        return;
    }
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        if (strcmp(at->key->text, "csv") == 0 && at->kind != YAML_MAP) {
            csv_names(load, file, at, read_now, &into);
        } else {
            read_point(load, file, at, &into);
        }
        if (load->out_of_memory) {
            return;
        }
    }
}

void points_top(struct load *load, uint16_t file, const struct yaml_node *node)
{
    if (!load_is_map(load, file, node, "points")) {
        return;
    }
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        if (strcmp(at->key->text, "csv") == 0) {
            csv_names(load, file, at, read_later, NULL);
        } else {
            problems_error(load->problems, load_at(load, file, at->key),
                           "points belong to a device: devices: { NAME: { points: ... } }",
                           "only 'csv' can stand here, not '%.60s'", at->key->text);
        }
    }
}

void points_read_top(struct load *load)
{
    for (const struct csv_request *at = load->csv_first; at != NULL && !load->out_of_memory;
         at = at->next) {
        read_csv(load, at->file, NULL, NULL, NULL);
    }
}
