/* SPDX-License-Identifier: Apache-2.0 */
/* Control lines while it runs: from a Unix socket (any number of connections) and from standard
 * input. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/listener.h"
#include "sim/sim_private.h"

enum { ANSWER_MAX = 1 << 20 };

/* One source of lines. */
struct sim_control {
    struct list link;          /* sim->controls; out of it once the simulator is gone */
    struct sim *sim;           /* NULL: gone */
    struct listener *listener; /* of the socket itself */
    struct stream *stream;     /* a connection */
    struct loop_fd *input;     /* standard input */
    struct buf line;
};

static struct sim_control *control_new(struct sim *sim)
{
    struct sim_control *control = busbar_alloc(sizeof(*control));
    control->sim = sim;
    buf_init(&control->line, SIM_LINE_MAX);
    list_append(&sim->controls, &control->link);
    return control;
}

static void control_free(struct sim_control *control)
{
    list_remove(&control->link);
    buf_fini(&control->line);
    busbar_free(control);
}

static void answer(struct sim_control *control, const char *line)
{
    struct buf out;
    buf_init(&out, ANSWER_MAX);
    sim_command(control->sim, line, &out);
    if (control->stream != NULL) {
        (void)stream_send(control->stream, out.data, out.size);
    } else {
        fputs(buf_text(&out), stderr);
    }
    buf_fini(&out);
}

static void take(struct sim_control *control, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n') {
            (void)buf_append_byte(&control->line,
                                  data[i]); /* too long: sim_command() will not know it */
            continue;
        }
        if (control->line.size > 0) {
            answer(control, buf_text(&control->line));
        }
        buf_clear(&control->line);
    }
}

/* ---- the socket ---- */

static void received(void *ctx, const uint8_t *data, size_t size)
{
    struct sim_control *control = ctx;
    if (control->sim != NULL) {
        take(control, data, size);
    }
}

static void ended(void *ctx, int error, const char *detail)
{
    (void)error;
    (void)detail;
    control_free(ctx);
}

static void accepted(void *ctx, struct stream *stream)
{
    static const struct stream_events events = { .data = received, .closed = ended };
    struct sim_control *control = control_new(ctx);
    control->stream = stream;
    stream_take(stream, &events, control);
}

int sim_control_open(struct sim *sim, const char *path, struct err *err)
{
    static const struct listener_events events = { .accepted = accepted };
    struct listener_target target = { .path = path };
    struct listener *listener;
    int error = listener_open(sim->loop, &target, &events, sim, &listener, err);
    if (error == 0) {
        control_new(sim)->listener = listener;
    }
    return error;
}

/* ---- standard input ---- */

static void readable(void *ctx, unsigned events)
{
    struct sim_control *control = ctx;
    uint8_t bytes[512];
    (void)events;
    ssize_t size = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (size > 0) {
        take(control, bytes, (size_t)size);
    } else { /* its end: no more lines, the devices stay */
        loop_fd_unwatch(control->input);
        control_free(control);
    }
}

void sim_control_stdin(struct sim *sim)
{
    struct sim_control *control = control_new(sim);
    control->input = loop_fd_watch(sim->loop, STDIN_FILENO, LOOP_READABLE, readable, control);
    if (control->input == NULL) { /* a file or nothing */
        control_free(control);
    }
}

void sim_control_close_all(struct sim *sim)
{
    list_each_safe(at, &sim->controls) {
        struct sim_control *control = list_entry(at, struct sim_control, link);
        if (control->stream != NULL) { /* freed when it has ended */
            list_remove(&control->link);
            control->sim = NULL;
            stream_close(control->stream);
        } else {
            listener_close(control->listener);
            loop_fd_unwatch(control->input);
            control_free(control);
        }
    }
}
