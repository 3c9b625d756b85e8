/* SPDX-License-Identifier: Apache-2.0 */
/* The process that compiles: reads its task, limits itself, tells what comes of it, and ends without tidying up. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/file.h"
#include "drivers/snmp/mib/apart.h"
#include "drivers/snmp/mib/standard.h"

enum { TASK_MAX = 64 << 20, CHUNK = 1 << 16, WITHOUT_MAX = MIB_APART_TRIES_MAX };

#define MEMORY_MAX     ((rlim_t)4 << 30)
#define FILE_BYTES_MAX ((rlim_t)64 << 20) /* of modules in memory; nothing else is written */

struct task {
    struct buf text;
    struct mib_files files;
    const char *without[WITHOUT_MAX + 1];
    size_t without_count;
    int out;
};

static void limit(int what, rlim_t to)
{
    struct rlimit is = { .rlim_cur = to, .rlim_max = to };
    (void)setrlimit((__rlimit_resource_t)what, &is);
}

static void limit_all(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, MIB_APART_SECONDS_MAX);
    limit(RLIMIT_FSIZE, FILE_BYTES_MAX);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
    limit(RLIMIT_AS, MEMORY_MAX); /* the sanitizers map far more than they use */
#endif
}

/* ---- telling ---- */

static void tell(struct task *task, char kind, const void *data, size_t size)
{
    uint8_t head[5];
    struct bytes_out at = bytes_out_of(head, sizeof(head));
    bytes_put_u8(&at, (uint8_t)kind);
    bytes_put_u32le(&at, (uint32_t)size);
    if (file_write_all(file_ops_real(), task->out, head, sizeof(head)) != 0 ||
        file_write_all(file_ops_real(), task->out, data, size) != 0) {
        _exit(EXIT_FAILURE); /* nobody listens */
    }
}

static void tell_problem(struct task *task, char kind, const struct err *err)
{
    struct buf problem;
    buf_init(&problem, CHUNK);
    mib_problem_put(&problem, err);
    tell(task, kind, problem.data, problem.size);
    buf_fini(&problem);
}

static void warn(void *ctx, const struct err *err)
{
    tell_problem(ctx, 'w', err);
}

static void progress(void *ctx, const char *module, const char *file, size_t done, size_t total)
{
    struct buf text;
    uint8_t numbers[8];
    struct bytes_out at = bytes_out_of(numbers, sizeof(numbers));
    bytes_put_u32le(&at, (uint32_t)done);
    bytes_put_u32le(&at, (uint32_t)total);
    buf_init(&text, CHUNK);
    (void)buf_append(&text, numbers, sizeof(numbers));
    (void)buf_append(&text, module, strlen(module) + 1);
    (void)buf_append(&text, file, strlen(file) + 1);
    tell(ctx, 'p', text.data, text.size);
    buf_fini(&text);
}

/* ---- the task ---- */

static const char *next_text(const char **at, const char *end)
{
    const char *text = *at;
    size_t size = strnlen(text, (size_t)(end - text));
    *at = text + size + 1 < end ? text + size + 1 : end;
    return text;
}

static bool read_task(struct task *task)
{
    ssize_t got;
    do {
        uint8_t *room = buf_reserve(&task->text, CHUNK);
        got = room != NULL ? read(STDIN_FILENO, room, CHUNK) : -1;
        buf_commit(&task->text, got > 0 ? (size_t)got : 0);
    } while (got > 0);
    const char *at = buf_text(&task->text);
    const char *end = at + task->text.size;
    while (got == 0 && at < end) {
        char kind = *at++;
        const char *text = next_text(&at, end);
        if (kind == 'f') {
            struct mib_file *file = &task->files.files[task->files.count];
            if (task->files.count % CHUNK == 0) {
                task->files.files = busbar_realloc(task->files.files,
                                                   (task->files.count + CHUNK) * sizeof(*file));
                file = &task->files.files[task->files.count];
            }
            *file = (struct mib_file){ .path = text, .shown = next_text(&at, end) };
            task->files.count++;
        } else if (kind == 'w' && task->without_count < WITHOUT_MAX) {
            task->without[task->without_count++] = text;
        }
    }
    return got == 0;
}

int mib_apart_main(void)
{
    struct task task = { 0 };
    struct buf catalogue;
    struct err err = { 0 };
    mib_files_init(&task.files);
    buf_init(&task.text, TASK_MAX);
    buf_init(&catalogue, MIB_CATALOGUE_MAX);
    limit_all();
    /* what the library may print does not get between our frames */
    task.out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (task.out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || !read_task(&task)) {
        return EXIT_FAILURE;
    }
    struct mib_compile compile = { .standard = (const char *)mib_standard_text,
                                   .standard_size = mib_standard_text_size,
                                   .files = &task.files,
                                   .without = task.without,
                                   .descriptions = true,
                                   .warn = warn,
                                   .progress = progress,
                                   .ctx = &task };
    if (mib_compile(&compile, &catalogue, &err) == 0) {
        tell(&task, 'c', catalogue.data, catalogue.size);
    } else {
        tell_problem(&task, 'e', &err);
    }
    _exit(EXIT_SUCCESS);
}
