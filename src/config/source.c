/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a configuration: which there are, their bytes, and afterwards their lines, to show what
 * a problem points at. Lines are fetched at the end, in one pass a file, so that nothing but the
 * problems has to be kept while a gigabyte of CSV goes by. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/str.h"
#include "config/load.h"

enum { SOURCE_SHOWN_MAX = 160, SOURCE_BEFORE_MARK = 100 };

static struct position nowhere(const char *name)
{
    return (struct position){ .file = name };
}

static struct source *add_source(struct load *load, const char *name)
{
    if (load->source_count == CONFIG_FILES_MAX) {
        problems_error(load->problems, nowhere(name), NULL, "more than %d files",
                       (int)CONFIG_FILES_MAX);
        return NULL;
    }
    char *copy = (char *)(uintptr_t)load_text(load, name);
    if (copy == NULL) {
        return NULL;
    }
    struct source *source = &load->sources[load->source_count++];
    *source = (struct source){ .name = copy };
    return source;
}

static int find_in_folder(struct load *load, const char *path)
{
    char **names = NULL;
    size_t count = 0;
    struct err err = { 0 };
    int error = file_list(path, NULL, 100000, &names, &count, &err);
    if (error != 0) {
        problems_err(load->problems, &err, nowhere(""));
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        if (names[i][0] == '.') {
            continue;
        }
        if (str_ends(names[i], ".yaml")) {
            if (add_source(load, names[i]) == NULL) {
                break;
            }
        } else if (str_ends(names[i], ".yml")) {
            problems_warning(load->problems, nowhere(names[i]), "rename it to .yaml",
                             "this file is not read, only *.yaml is");
        }
    }
    busbar_free(names);
    if (load->source_count == 0 && load->problems->errors == 0) {
        problems_error(load->problems, nowhere(path), "put a site.yaml there",
                       "no *.yaml file in this folder");
    }
    return 0;
}

int source_find_all(struct load *load, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        int error = err_from_errno(errno);
        problems_error(load->problems, nowhere(path), NULL, "cannot be read: %s", err_text(error));
        return error;
    }
    if (S_ISDIR(info.st_mode)) {
        load->config->folder = load_text(load, path);
        return find_in_folder(load, path);
    }
    const char *slash = strrchr(path, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - path);
    load->config->single_file = true;
    load->config->folder = slash == NULL
                               ? "."
                               : arena_strndup(&load->store->arena, path, folder > 0 ? folder : 1);
    return add_source(load, slash == NULL ? path : slash + 1) != NULL ? 0 : BUSBAR_ENOMEM;
}

int source_take_texts(struct load *load, const struct config_text *texts, size_t count)
{
    load->config->folder = "";
    for (size_t i = 0; i < count; i++) {
        struct source *source = add_source(load, texts[i].name);
        if (source == NULL) {
            return load->out_of_memory ? BUSBAR_ENOMEM : BUSBAR_ELIMIT;
        }
        source->text = texts[i].text;
        source->size = texts[i].size;
        source->csv = str_ends(texts[i].name, ".csv");
    }
    return 0;
}

static bool path_of(struct load *load, const struct source *source, char path[PATH_MAX])
{
    bool fits = file_join(path, PATH_MAX, load->config->folder, source->name);
    if (!fits) {
        problems_error(load->problems, nowhere(source->name), NULL, "the path is too long");
    }
    return fits;
}

int source_read(struct load *load, uint16_t file, char **text, size_t *size)
{
    struct source *source = &load->sources[file];
    if (source->text != NULL) {
        *text = busbar_try_alloc(source->size + 1);
        if (*text == NULL) {
            return BUSBAR_ENOMEM;
        }
        memcpy(*text, source->text, source->size);
        *size = source->size;
    } else {
        char path[PATH_MAX];
        if (!path_of(load, source, path)) {
            return BUSBAR_ECONFIG;
        }
        struct err err = { 0 };
        int error = file_read(file_ops_real(), path, CONFIG_YAML_BYTES_MAX, text, size, &err);
        if (error != 0) {
            if (error == BUSBAR_ELIMIT) {
                err_hint(&err, "keep long point lists in CSV files");
            }
            problems_err(load->problems, &err, nowhere(source->name));
            return error == BUSBAR_ENOMEM ? error : BUSBAR_ECONFIG;
        }
    }
    source->bytes = *size;
    source->crc = crc32c(0, *text, *size);
    return 0;
}

/* "lists/meter-1.csv" is fine; what leaves the folder is not. */
static bool stays_inside(const char *name)
{
    if (name[0] == '/' || name[0] == '\0') {
        return false;
    }
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')) {
            return false;
        }
    }
    return true;
}

bool source_csv(struct load *load, struct position at, const char *name, uint16_t *file)
{
    if (!stays_inside(name)) {
        problems_error(load->problems, at, "put it beside the YAML files",
                       "'%s' is outside the configuration folder", name);
        return false;
    }
    for (size_t i = 0; i < load->source_count; i++) {
        if (strcmp(load->sources[i].name, name) == 0) {
            if (!load->sources[i].csv) {
                problems_error(load->problems, at, NULL, "'%s' is not a CSV file", name);
                return false;
            }
            *file = (uint16_t)i;
            return true;
        }
    }
    struct source *source = NULL;
    char path[PATH_MAX];
    if (load->config->folder[0] == '\0' ||
        !file_join(path, sizeof(path), load->config->folder, name) || !file_exists(path)) {
        problems_error(load->problems, at, "the name is relative to the configuration folder",
                       "there is no file '%s'", name);
        return false;
    }
    source = add_source(load, name);
    if (source == NULL) {
        return false;
    }
    source->csv = true;
    *file = (uint16_t)(load->source_count - 1);
    return true;
}

FILE *source_open(struct load *load, uint16_t file)
{
    struct source *source = &load->sources[file];
    if (source->text != NULL) {
        /* fmemopen() takes no empty buffer; an empty file reads the same. */
        return source->size > 0 ? fmemopen((void *)(uintptr_t)source->text, source->size, "r")
                                : fopen("/dev/null", "re");
    }
    char path[PATH_MAX];
    struct stat info;
    if (!path_of(load, source, path)) {
        return NULL;
    }
    FILE *stream = fopen(path, "re");
    if (stream == NULL || fstat(fileno(stream), &info) != 0) {
        problems_error(load->problems, nowhere(source->name), NULL, "cannot be read: %s",
                       err_text(err_from_errno(errno)));
    } else if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size > CONFIG_CSV_BYTES_MAX) {
        problems_error(load->problems, nowhere(source->name), NULL, "not a file of at most 1 GiB");
    } else {
        return stream;
    }
    if (stream != NULL) {
        fclose(stream);
    }
    return NULL;
}

/* The word at a column: up to what ends words in YAML and CSV, or to its closing quote. */
static int width_at(const char *text, size_t size)
{
    size_t i = 0;
    if (size > 0 && (text[0] == '"' || text[0] == '\'')) {
        const char *close = memchr(text + 1, text[0], size - 1);
        i = close != NULL ? (size_t)(close - text) + 1 : size;
    } else {
        while (i < size && strchr(" \t,]}\r#", text[i]) == NULL &&
               !(text[i] == ':' && (i + 1 == size || text[i + 1] == ' '))) {
            i++;
        }
    }
    size_t width = str_utf8_length(text, i);
    return width > 0 ? (int)width : 1;
}

/* Byte offset of a column. */
static size_t offset_of(const char *line, size_t size, int column)
{
    size_t at = 0;
    for (int i = 1; i < column && at < size; i++) {
        at++;
        while (at < size && ((unsigned char)line[at] & 0xc0) == 0x80) {
            at++;
        }
    }
    return at;
}

static void quote_line(struct load *load, struct problem *problem, const char *line, size_t size)
{
    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r')) {
        size--;
    }
    if (problem->at.column <= 0) {
        problem->at.column = 1;
    }
    size_t mark = offset_of(line, size, problem->at.column);
    if (problem->at.width <= 0) {
        problem->at.width = width_at(line + mark, size - mark);
    }
    size_t from = 0;
    int cut_columns = 0;
    if (mark > SOURCE_BEFORE_MARK) {
        cut_columns = problem->at.column - SOURCE_BEFORE_MARK / 2;
        from = offset_of(line, size, cut_columns + 1);
    }
    size_t shown = str_utf8_cut(line + from, size - from, SOURCE_SHOWN_MAX);
    char *copy = arena_strndup(&load->problems->arena, line + from, shown);
    if (copy == NULL) {
        return;
    }
    for (char *p = copy; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20) {
            *p = ' '; /* tabs would move the mark */
        }
    }
    problem->source = copy;
    problem->source_column = problem->at.column - cut_columns;
    int room = (int)str_utf8_length(copy, shown) + 1 - problem->source_column;
    if (problem->at.width > room) {
        problem->at.width = room > 1 ? room : 1;
    }
}

/* Problems [from, to) are of one file, sorted by line. */
static void quote_file(struct load *load, uint16_t file, size_t from, size_t to)
{
    struct problem *list = load->problems->list;
    FILE *stream = source_open(load, file);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    int number = 0;
    while (stream != NULL && from < to && (size = getline(&line, &capacity, stream)) >= 0) {
        number++;
        while (from < to && list[from].at.line <= number) {
            if (list[from].at.line == number) {
                bool mark = number == 1 && size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0;
                quote_line(load, &list[from], line + (mark ? 3 : 0), (size_t)size - (mark ? 3 : 0));
            }
            from++;
        }
    }
    free(line);
    if (stream != NULL) {
        fclose(stream);
    }
}

void source_quote_lines(struct load *load)
{
    struct problems *problems = load->problems;
    problems_sort(problems);
    for (size_t from = 0, to; from < problems->count; from = to) {
        const char *name = problems->list[from].at.file;
        to = from;
        while (to < problems->count && strcmp(problems->list[to].at.file, name) == 0) {
            to++;
        }
        for (size_t i = 0; i < load->source_count; i++) {
            if (strcmp(load->sources[i].name, name) == 0) {
                quote_file(load, (uint16_t)i, from, to);
                break;
            }
        }
    }
}
