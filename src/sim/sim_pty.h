/* SPDX-License-Identifier: Apache-2.0 */
/* The far end of a serial line, made of a pseudo terminal: the path that the configuration names
 * becomes a symbolic link to its near end, so a gateway opens it like a real port. Loop thread
 * only. */
#ifndef BUSBAR_SIM_SIM_PTY_H
#define BUSBAR_SIM_SIM_PTY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/loop.h"

struct sim_pty;

typedef void (*sim_pty_cb)(void *ctx, const uint8_t *data, size_t size);

/* BUSBAR_EEXIST: something that is no symbolic link stands at the path; it is left alone. */
int sim_pty_open(struct loop *loop, const char *path, sim_pty_cb data, void *ctx,
                 struct sim_pty **out, struct err *err);
/* What nobody takes in time is lost, as on a wire. */
void sim_pty_send(struct sim_pty *pty, const void *data, size_t size);
/* Removes the link. NULL is fine. */
void sim_pty_close(struct sim_pty *pty);

#endif
