/* SPDX-License-Identifier: Apache-2.0 */
/* busbar history export | import: between files here, or what a sink keeps, and the running gateway. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/progress.h"

enum {
    PATH_ROOM = 1200,
    PIECE_BYTES = 8 << 20, /* of whole lines, sent at a time */
    BUSY_TRIES = 300,
    BUSY_MS = 200,
    SEND_TIMEOUT_S = 300,
    FETCH_LAST_MAX = 2048, /* the last line of a sink's samples */
};

/* ---- export ---- */

struct exporting {
    FILE *file;
    struct progress progress;
    uint64_t bytes;
    bool failed;
};

static bool write_piece(void *ctx, const char *data, size_t size)
{
    struct exporting *work = ctx;
    work->bytes += size;
    progress_at(&work->progress, 0, 0);
    work->failed = fwrite(data, 1, size, work->file) != size;
    return !work->failed;
}

static void export_path(const struct cli *cli, struct buf *path)
{
    static const char *const times[] = { "start", "end" };
    buf_printf(path, "/api/v1/history/export?format=%s", cli->format == CLI_CSV ? "csv" : "json");
    for (size_t i = 0; i < 2; i++) {
        if (cli_flag(cli, times[i]) != NULL) {
            buf_printf(path, "&%s=", times[i]);
            client_escape(path, cli_flag(cli, times[i]), false);
        }
    }
    if (cli->arg_count > 0) {
        buf_append_text(path, "&match=");
        client_escape(path, cli->args[0], false);
    }
}

/* Closes; true: all of it is written. */
static bool finish_file(struct exporting *work, const char *from, const char *to)
{
    bool good = fflush(work->file) == 0 && !work->failed;
    if (to == NULL) {
        return good;
    }
    good = good && fsync(fileno(work->file)) == 0;
    good = fclose(work->file) == 0 && good;
    return good && rename(from, to) == 0;
}

int cli_history_export(struct cli *cli)
{
    struct exporting work = { .file = stdout };
    const char *to = cli_flag(cli, "output");
    char from[PATH_ROOM];
    struct buf path;
    if (to != NULL) {
        str_format(from, sizeof from, "%s.tmp", to);
        work.file = fopen(from, "w");
        if (work.file == NULL) {
            return cli_fail(CLI_FAILED, NULL, "cannot write %s: %s", from, strerror(errno));
        }
    }
    buf_init(&path, CLIENT_URL_MAX);
    export_path(cli, &path);
    progress_begin(&work.progress, cli);
    int rc = client_fetch(cli, buf_text(&path), write_piece, &work);
    progress_end(&work.progress);
    buf_fini(&path);
    bool written = finish_file(&work, from, rc == 0 ? to : NULL);
    if (rc != 0 && to != NULL) {
        fclose(work.file);
    }
    if (to != NULL && (rc != 0 || !written)) {
        unlink(from);
    }
    if (rc == 0 && !written) {
        return cli_fail(CLI_FAILED, NULL, "cannot write %s: %s", to != NULL ? to : "the output",
                        strerror(errno));
    }
    return rc;
}

/* ---- import ---- */

struct importing {
    const struct cli *cli;
    const char *name; /* of the file, for messages */
    bool csv;
    FILE *file;
    struct progress progress;
    char *data;
    size_t size; /* in data */
    uint64_t line;
    uint64_t done_bytes, total_bytes;
    uint64_t samples, refused;
};

/* Bytes of whole lines at the beginning; a line end inside a quoted CSV cell is none. */
static size_t whole_lines(const struct importing *work, uint64_t *lines)
{
    size_t end = 0;
    uint64_t seen = 0;
    bool quoted = false;
    *lines = 0;
    for (size_t i = 0; i < work->size; i++) {
        if (work->csv && work->data[i] == '"') {
            quoted = !quoted;
        } else if (work->data[i] == '\n') {
            seen++;
            if (!quoted) {
                end = i + 1;
                *lines = seen;
            }
        }
    }
    return end;
}

static void say_errors(struct importing *work, const struct json_value *root)
{
    struct json_iter it = json_iter(json_get(root, "errors"));
    const struct json_value *row;
    progress_end(&work->progress);
    while (json_next(&it, NULL, &row)) {
        double column = output_number(row, "column");
        if (column > 0) {
            fprintf(stderr, "%s:%.0f:%.0f: %s\n", work->name, output_number(row, "line"), column,
                    output_text(row, "message"));
        } else {
            fprintf(stderr, "%s:%.0f: %s\n", work->name, output_number(row, "line"),
                    output_text(row, "message"));
        }
    }
}

static void pause_a_little(void)
{
    struct timespec pause = { .tv_nsec = BUSY_MS * 1000000L };
    nanosleep(&pause, NULL);
}

/* Sends a piece until it is taken: sending it again changes nothing. */
static int send_piece(struct importing *work, size_t size)
{
    struct cli patient = *work->cli;
    struct client_reply reply;
    struct err err = { 0 };
    char path[128];
    patient.timeout_us = SEND_TIMEOUT_S * INT64_C(1000000);
    patient.quiet = true; /* the progress is ours */
    str_format(path, sizeof path, "/api/v1/history/import?format=%s&line=%llu",
               work->csv ? "csv" : "json", (unsigned long long)work->line);
    int error = BUSBAR_EBUSY;
    for (int tries = 0; error == BUSBAR_EBUSY && tries < BUSY_TRIES; tries++) {
        if (tries > 0) {
            pause_a_little();
        }
        err = (struct err){ 0 };
        error = client_send(&patient, path, work->data, size, &reply, &err);
    }
    if (error != 0) {
        progress_end(&work->progress);
        return cli_fail_err(&err);
    }
    work->samples += (uint64_t)output_number(reply.root, "samples");
    uint64_t refused = (uint64_t)output_number(reply.root, "refused_lines");
    if (refused > 0) {
        work->refused += refused;
        say_errors(work, reply.root);
    }
    client_free(&reply);
    return 0;
}

static int import_all(struct importing *work)
{
    int rc = 0;
    bool at_end = false;
    while (rc == 0 && !at_end) {
        size_t got = fread(work->data + work->size, 1, PIECE_BYTES - work->size, work->file);
        work->size += got;
        at_end = got == 0;
        uint64_t lines;
        size_t size = whole_lines(work, &lines);
        if (at_end) {
            size = work->size; /* the last line may have no end */
        } else if (size == 0 && work->size == PIECE_BYTES) {
            return cli_fail(CLI_FAILED, "is it what `busbar history export` wrote?",
                            "%s:%llu: the line is longer than 8 MB", work->name,
                            (unsigned long long)work->line);
        }
        if (size > 0) {
            rc = send_piece(work, size);
            work->line += lines;
            work->done_bytes += size;
            work->size -= size;
            memmove(work->data, work->data + size, work->size);
            progress_at(&work->progress, work->done_bytes, work->total_bytes);
        }
    }
    return rc;
}

static int import_file(struct importing *work)
{
    struct stat st;
    if (fstat(fileno(work->file), &st) == 0 && S_ISREG(st.st_mode)) {
        work->total_bytes = (uint64_t)st.st_size;
    }
    work->data = busbar_alloc(PIECE_BYTES);
    progress_begin(&work->progress, work->cli);
    int rc = import_all(work);
    progress_end(&work->progress);
    busbar_free(work->data);
    if (rc != 0) {
        return rc;
    }
    if (!work->cli->quiet) {
        printf("imported: %llu samples", (unsigned long long)work->samples);
        if (work->refused > 0) {
            printf("; refused: %llu lines", (unsigned long long)work->refused);
        }
        putchar('\n');
    }
    return work->refused > 0 ? CLI_SOME_FAILED : CLI_DONE;
}

/* ---- import from a sink ---- */

/* Lines come from the gateway and go back to it, some megabytes at a time; the last one says what was counted. */
struct fetching {
    struct importing to;
    const struct cli *cli;
    bool dry;
    int rc;
    char last[FETCH_LAST_MAX];
};

static bool send_whole(struct fetching *work)
{
    struct importing *to = &work->to;
    uint64_t lines;
    size_t size = whole_lines(to, &lines);
    size_t begin = size; /* of the last line that is whole */
    while (begin > 0 && (begin == size || to->data[begin - 1] != '\n')) {
        begin--;
    }
    bool end = size > begin && size - begin < sizeof work->last &&
               strncmp(to->data + begin, "{\"fetched\"", 10) == 0;
    if (end) {
        str_format(work->last, sizeof work->last, "%.*s", (int)(size - begin), to->data + begin);
    }
    size_t samples = end ? begin : size;
    work->rc = samples > 0 && !work->dry ? send_piece(to, samples) : 0;
    to->line += lines;
    to->size -= size;
    memmove(to->data, to->data + size, to->size);
    return work->rc == 0;
}

static bool take_lines(void *ctx, const char *data, size_t size)
{
    struct fetching *work = ctx;
    struct importing *to = &work->to;
    while (size > 0 && work->rc == 0) {
        size_t room = PIECE_BYTES - to->size;
        size_t count = size < room ? size : room;
        memcpy(to->data + to->size, data, count);
        to->size += count;
        to->done_bytes += count;
        data += count;
        size -= count;
        progress_at(&to->progress, 0, 0);
        if (to->size == PIECE_BYTES && !send_whole(work)) {
            return false;
        }
    }
    return true;
}

static int say_fetched(const struct fetching *work)
{
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    if (work->last[0] == '\0' ||
        json_parse(work->last, strlen(work->last), NULL, &doc, &err) != 0) {
        return cli_fail(CLI_FAILED, "say it again: what is here already stays as it is",
                        "the gateway stopped before all was read");
    }
    const struct json_value *row = json_get(json_root(doc), "fetched");
    const char *error = json_get_text(json_get(row, "error"), NULL);
    const char *hint = json_get_text(json_get(row, "hint"), NULL);
    double unlabelled = output_number(row, "unlabelled"),
           damaged = output_number(row, "damaged_rows");
    if (!work->cli->quiet) {
        printf(
            "%s: %.0f samples of %.0f points; here already: %.0f repeated, %.0f with another value "
            "(kept as they are)\n",
            work->dry ? "would be imported" : "imported", output_number(row, "samples"),
            output_number(row, "points"), output_number(row, "repeated"),
            output_number(row, "kept"));
    }
    if (unlabelled > 0 || damaged > 0) {
        fprintf(stderr, "left out: %.0f samples without labels, %.0f damaged rows\n", unlabelled,
                damaged);
    }
    int rc = unlabelled > 0 || damaged > 0 || work->to.refused > 0 ? CLI_SOME_FAILED : CLI_DONE;
    if (error != NULL) {
        rc = cli_fail(CLI_FAILED, hint != NULL && hint[0] != '\0' ? hint : NULL, "%s", error);
    }
    json_free(doc);
    return rc;
}

static int import_from(struct cli *cli)
{
    static const char *const names[] = { "sink", "site", "points", "since", "until" };
    struct fetching work = { .to = { .cli = cli, .name = "the sink", .line = 1 }, .cli = cli };
    struct buf path;
    if (strcmp(cli_flag(cli, "from"), "postgresql") != 0 || cli_flag(cli, "sink") == NULL ||
        cli->arg_count > 0) {
        return cli_fail(CLI_USAGE, "write --from postgresql --sink NAME, and no file",
                        "that is not where samples can come from");
    }
    work.dry = cli->dry_run;
    buf_init(&path, CLIENT_URL_MAX);
    buf_append_text(&path, "/api/v1/history/archive?format=json");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (cli_flag(cli, names[i]) != NULL) {
            buf_printf(&path, "&%s=", names[i]);
            client_escape(&path, cli_flag(cli, names[i]), false);
        }
    }
    work.to.data = busbar_alloc(PIECE_BYTES);
    progress_begin(&work.to.progress, cli);
    int rc = client_fetch(cli, buf_text(&path), take_lines, &work);
    bool sent = rc == 0 && send_whole(&work);
    progress_end(&work.to.progress);
    buf_fini(&path);
    busbar_free(work.to.data);
    return work.rc != 0 ? work.rc : sent ? say_fetched(&work) : rc;
}

/* ---- import ---- */

int cli_history_import(struct cli *cli)
{
    if (cli_flag(cli, "from") != NULL) {
        return import_from(cli);
    }
    if (cli->arg_count == 0) {
        return cli_fail(CLI_USAGE, "write a FILE, - for stdin, or --from postgresql --sink NAME",
                        "nothing says where the samples are");
    }
    if (cli->dry_run) {
        return cli_fail(CLI_USAGE, "without it; importing again what is here changes nothing",
                        "--dry-run goes with --from only: a file is checked as it is imported");
    }
    const char *name = cli->args[0];
    struct importing work = { .cli = cli, .name = name, .file = stdin, .line = 1 };
    size_t length = strlen(name);
    work.csv = cli->format == CLI_CSV || (length > 4 && strcmp(name + length - 4, ".csv") == 0);
    if (strcmp(name, "-") != 0) {
        work.file = fopen(name, "r");
        if (work.file == NULL) {
            return cli_fail(CLI_NOT_FOUND, NULL, "cannot read %s: %s", name, strerror(errno));
        }
    } else {
        work.name = "stdin";
    }
    int rc = import_file(&work);
    if (work.file != stdin) {
        fclose(work.file);
    }
    return rc;
}
