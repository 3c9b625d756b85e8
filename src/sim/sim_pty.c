/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"

struct sim_pty {
    int far;  /* ours */
    int near; /* held open, so that the line lives while no gateway has it */
    struct loop_fd *watch;
    char *path;
    sim_pty_cb data;
    void *ctx;
};

static void readable(void *ctx, unsigned events)
{
    struct sim_pty *pty = ctx;
    uint8_t bytes[4096];
    (void)events;
    ssize_t size = read(pty->far, bytes, sizeof(bytes));
    if (size > 0) {
        pty->data(pty->ctx, bytes, (size_t)size);
    }
}

/* A new pair, raw, not blocking. Returns 0 with name filled. */
static int open_pair(struct sim_pty *pty, char *name, size_t size)
{
    struct termios raw;
    pty->far = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (pty->far < 0 || grantpt(pty->far) != 0 || unlockpt(pty->far) != 0 ||
        ptsname_r(pty->far, name, size) != 0) {
        return BUSBAR_EIO;
    }
    pty->near = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pty->near < 0 || tcgetattr(pty->near, &raw) != 0) {
        return BUSBAR_EIO;
    }
    cfmakeraw(&raw);
    return tcsetattr(pty->near, TCSANOW, &raw) == 0 ? 0 : BUSBAR_EIO;
}

/* Links path -> name; a link that stands there already (of a simulator before) is replaced. */
static int make_link(const char *path, const char *name, struct err *err)
{
    struct stat stat;
    if (lstat(path, &stat) == 0) {
        if (!S_ISLNK(stat.st_mode)) {
            err_set(err, BUSBAR_EEXIST, "%s exists and is not a simulated line", path);
            err_hint(err, "give the device another path, as in serial: /tmp/line-1");
            return BUSBAR_EEXIST;
        }
        (void)unlink(path);
    }
    if (symlink(name, path) != 0) {
        return err_set(err, err_from_errno(errno), "cannot make %s: %s", path, strerror(errno));
    }
    return 0;
}

int sim_pty_open(struct loop *loop, const char *path, sim_pty_cb data, void *ctx,
                 struct sim_pty **out, struct err *err)
{
    char name[128];
    struct sim_pty *pty = busbar_alloc(sizeof(*pty));
    *pty = (struct sim_pty){ .far = -1, .near = -1, .data = data, .ctx = ctx };
    int error = open_pair(pty, name, sizeof(name));
    if (error != 0) {
        err_set(err, error, "cannot make a pseudo terminal: %s", strerror(errno));
        goto fail;
    }
    error = make_link(path, name, err);
    if (error != 0) {
        goto fail;
    }
    pty->path = busbar_strdup(path);
    pty->watch = loop_fd_watch(loop, pty->far, LOOP_READABLE, readable, pty);
    *out = pty;
    return 0;
fail:
    sim_pty_close(pty);
    return error;
}

void sim_pty_send(struct sim_pty *pty, const void *data, size_t size)
{
    ssize_t written = write(pty->far, data, size);
    (void)written;
}

void sim_pty_close(struct sim_pty *pty)
{
    if (pty == NULL) {
        return;
    }
    loop_fd_unwatch(pty->watch);
    if (pty->far >= 0) {
        (void)close(pty->far);
    }
    if (pty->near >= 0) {
        (void)close(pty->near);
    }
    if (pty->path != NULL) {
        (void)unlink(pty->path);
    }
    busbar_free(pty->path);
    busbar_free(pty);
}
