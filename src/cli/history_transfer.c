/* SPDX-License-Identifier: Apache-2.0 */
/* busbar history export | import: between files here and the running gateway. */
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

int cli_history_import(struct cli *cli)
{
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
