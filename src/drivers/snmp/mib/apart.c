/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/mib/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

enum { CHUNK = 1 << 16, HEAD = 5, FRAME_MAX = MIB_CATALOGUE_MAX, PATH_BYTES = 4096 };

/* What is known of one try. */
struct
try {
    const struct mib_apart *apart;
    struct buf *out;
    struct buf in;                /* frames that are not whole yet */
    char module[ERR_MESSAGE_MAX]; /* that it is reading */
    char file[ERR_FILE_MAX];
    struct err err; /* that it told */
    bool done;      /* it told its end: the catalogue or the error */
    bool late;      /* it took too long */
};

/* ---- problems as bytes ---- */

static void put_u32(struct buf *out, uint32_t value)
{
    uint8_t bytes[4];
    struct bytes_out at = bytes_out_of(bytes, sizeof(bytes));
    bytes_put_u32le(&at, value);
    (void)buf_append(out, bytes, sizeof(bytes));
}

void mib_problem_put(struct buf *out, const struct err *err)
{
    put_u32(out, (uint32_t)err->code);
    put_u32(out, (uint32_t)err->line);
    (void)buf_append(out, err->file, strlen(err->file) + 1);
    (void)buf_append(out, err->message, strlen(err->message) + 1);
    (void)buf_append(out, err->hint, strlen(err->hint) + 1);
}

static const char *get_text(struct bytes *in)
{
    const uint8_t *end = bytes_left(in) > 0 ? memchr(in->at, '\0', bytes_left(in)) : NULL;
    if (end == NULL) {
        bytes_fail(in);
        return "";
    }
    return (const char *)bytes_get_block(in, (size_t)(end - in->at) + 1);
}

int mib_problem_get(const uint8_t *data, size_t size, struct err *out)
{
    struct bytes in = bytes_of(data, size);
    *out = (struct err){ .code = (int)bytes_get_u32le(&in), .line = (int)bytes_get_u32le(&in) };
    (void)str_copy(out->file, sizeof(out->file), get_text(&in));
    (void)str_copy(out->message, sizeof(out->message), get_text(&in));
    (void)str_copy(out->hint, sizeof(out->hint), get_text(&in));
    return bytes_short(&in) || bytes_left(&in) > 0 ? BUSBAR_EDAMAGED : 0;
}

/* ---- the gateway's side ---- */

static void take_frame(struct try *try, uint8_t kind, const uint8_t *data, size_t size)
{
    const struct mib_apart *apart = try->apart;
    struct err err;
    if (kind == 'p') {
        struct bytes in = bytes_of(data, size);
        uint32_t done = bytes_get_u32le(&in);
        uint32_t total = bytes_get_u32le(&in);
        (void)str_copy(try->module, sizeof(try->module), get_text(&in));
        (void)str_copy(try->file, sizeof(try->file), get_text(&in));
        if (apart->progress != NULL) {
            apart->progress(apart->ctx, try->module, try->file, done, total);
        }
    } else if (kind == 'w' && mib_problem_get(data, size, &err) == 0) {
        if (apart->warn != NULL) {
            apart->warn(apart->ctx, &err);
        }
    } else if (kind == 'e' && mib_problem_get(data, size, &err) == 0 && err.code != 0) {
        try->err = err;
        try->done = true;
    } else if (kind == 'c') {
        buf_clear(try->out);
        try->done = buf_append(try->out, data, size) == 0;
    }
}

static void take_frames(struct try *try)
{
    size_t at = 0;
    while (try->in.size - at >= HEAD) {
        struct bytes head = bytes_of(try->in.data + at, HEAD);
        uint8_t kind = bytes_get_u8(&head);
        size_t size = bytes_get_u32le(&head);
        if (try->in.size - at - HEAD < size) {
            break;
        }
        take_frame(try, kind, try->in.data + at + HEAD, size);
        at += HEAD + size;
    }
    if (at > 0) {
        buf_consume(&try->in, at);
    }
}

/* Until the process has closed its end. */
static void hear(struct try *try, int fd)
{
    int64_t deadline = clock_mono_us() + (int64_t)MIB_APART_SECONDS_MAX * 1000000;
    for (;;) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        int64_t left_ms = (deadline - clock_mono_us()) / 1000;
        int ready = left_ms > 0 ? poll(&wait, 1, (int)left_ms) : 0;
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        uint8_t *room = ready > 0 ? buf_reserve(&try->in, CHUNK) : NULL;
        if (room == NULL) {
            try->late = ready == 0;
            return;
        }
        ssize_t got = read(fd, room, CHUNK);
        if (got > 0) {
            buf_commit(&try->in, (size_t)got);
            take_frames(try);
        } else if (got == 0 || errno != EINTR) {
            return;
        }
    }
}

/* All that it is to do, as a file in memory to be its stdin; -1. */
static int task_of(const struct mib_apart *apart, const char *const *without)
{
    struct buf task;
    buf_init(&task, FRAME_MAX);
    for (size_t i = 0; i < apart->files->count; i++) {
        const struct mib_file *file = &apart->files->files[i];
        (void)buf_append_byte(&task, 'f');
        (void)buf_append(&task, file->path, strlen(file->path) + 1);
        (void)buf_append(&task, file->shown, strlen(file->shown) + 1);
    }
    for (; *without != NULL; without++) {
        (void)buf_append_byte(&task, 'w');
        (void)buf_append(&task, *without, strlen(*without) + 1);
    }
    int fd = memfd_create("mibs", MFD_CLOEXEC);
    if (fd >= 0 &&
        (task.overflow || file_write_all(file_ops_real(), fd, task.data, task.size) != 0 ||
         lseek(fd, 0, SEEK_SET) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    buf_fini(&task);
    return fd;
}

static int start(const struct mib_apart *apart, int in, int out, pid_t *pid)
{
    const char *program = apart->program != NULL ? apart->program : "/proc/self/exe";
    char name[] = "busbar";
    char verb[] = MIB_APART_VERB;
    char *argv[] = { name, verb, NULL };
    /* nothing else of our environment: it could tell the library of other modules (MIBS, MIBDIRS) */
    char locale[] = "LC_ALL=C";
    char libraries[PATH_BYTES];
    const char *path = getenv("LD_LIBRARY_PATH");
    bool fits = path != NULL && strlen(path) < sizeof(libraries) - 17;
    (void)str_format(libraries, sizeof(libraries), "LD_LIBRARY_PATH=%s", fits ? path : "");
    char *env[] = { locale, fits ? libraries : NULL, NULL };
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return BUSBAR_ENOMEM;
    }
    int error = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    error = error == 0 ? posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) : error;
    error = error == 0 ? posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                                          O_WRONLY, 0)
                       : error;
    error = error == 0 ? posix_spawn(pid, program, &actions, NULL, argv, env) : error;
    (void)posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? 0 : err_from_errno(error);
}

/* One process from its start to its end. how: out, what waitpid() says. */
static int run(struct try *try, const char *const *without, int *how)
{
    int ends[2] = { -1, -1 };
    pid_t pid = -1;
    int in = task_of(try->apart, without);
    int error = in >= 0 && pipe2(ends, O_CLOEXEC) == 0 ? start(try->apart, in, ends[1], &pid)
                                                       : BUSBAR_ENOMEM;
    if (in >= 0) {
        (void)close(in);
    }
    if (ends[1] >= 0) {
        (void)close(ends[1]);
    }
    if (error == 0) {
        hear(try, ends[0]);
        if (!try->done) {
            (void)kill(pid, SIGKILL);
        }
        while (waitpid(pid, how, 0) < 0 && errno == EINTR) {
        }
    }
    if (ends[0] >= 0) {
        (void)close(ends[0]);
    }
    return error;
}

/* It died over a module: false when that is not one that can be left out. */
static bool leave_out(struct try *try, int how, struct arena *arena, const char **without)
{
    struct err err = { 0 };
    if (try->file[0] == '\0' || try->module[0] == '\0') {
        return false;
    }
    const char *why = try->late ? "takes longer than ten minutes" : "dies";
    (void)err_at(&err, BUSBAR_EINVAL, (struct position){ .file = try->file },
                 "correct the file, or get a newer one from the vendor",
                 "%s: the parser of MIB modules %s over it (%s %d), so it is left out", try->module,
                 why, WIFSIGNALED(how) ? "signal" : "exit code",
                 WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    *without = arena_strdup(arena, try->module);
    if (try->apart->warn != NULL) {
        try->apart->warn(try->apart->ctx, &err);
    }
    return *without != NULL;
}

int mib_compile_apart(const struct mib_apart *apart, struct buf *out, struct err *err)
{
    const char *without[MIB_APART_TRIES_MAX + 1] = { NULL };
    struct arena arena;
    int error = BUSBAR_EINTERNAL;
    bool again = true;
    arena_init(&arena, 0);
    for (int i = 0; i < MIB_APART_TRIES_MAX && again; i++) {
        struct try *try = busbar_alloc(sizeof(*try));
        int how = 0;
        *try = (struct try){ .apart = apart, .out = out };
        buf_init(&try->in, FRAME_MAX);
        error = run(try, without, &how);
        again = false;
        if (error != 0) {
            (void)err_set(err, error, "the compiler of MIB modules cannot be started: %s",
                          err_text(error));
        } else if (try->done && try->err.code != 0) {
            error = try->err.code;
            if (err != NULL) {
                *err = try->err;
            }
        } else if (!try->done) {
            error = err_set(err, BUSBAR_EINTERNAL, "the compiler of MIB modules died (%s %d)",
                            WIFSIGNALED(how) ? "signal" : "exit code",
                            WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
            again = leave_out(try, how, &arena, &without[i]);
        }
        buf_fini(&try->in);
        busbar_free(try);
    }
    arena_fini(&arena);
    return error;
}
