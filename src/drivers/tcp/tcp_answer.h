/* SPDX-License-Identifier: Apache-2.0 */
/* Which message is the answer to a question or a write, and the answer that did not come in time and may still come. */
#ifndef BUSBAR_DRIVERS_TCP_TCP_ANSWER_H
#define BUSBAR_DRIVERS_TCP_TCP_ANSWER_H

#include "drivers/tcp/tcp_state.h"
#include "drivers/tcp/tcp_text.h"

/* The rules of the points that a question is asked for. */
int tcp_answer_program(const struct tcp_device *device, const struct tcp_question *question,
                       struct payload_shape *shape, struct payload_program **out, struct err *err);
/* What the rules of a question find in the first element that is of `id`; reading_count 0: nothing, or it is of another
 * device. What was taken is the reader's until the next message. */
int tcp_answer_take(struct payload_reader *reader, const struct payload_message *message,
                    struct payload_shape *shape, struct payload_program *program, const char *id,
                    struct payload_taken *taken, struct err *err);

/* Owned, for the device may leave meanwhile. All zero: none is to come. */
struct tcp_late {
    bool waits;
    struct payload_shape *shape; /* of a question; held */
    struct payload_program *program;
    char *id;
    struct tcp_match answer, refusal; /* of a write */
};

/* What one that waits already stays. */
void tcp_late_question(struct tcp_late *late, const struct tcp_device *device,
                       const struct tcp_question *question);
/* Takes both over. */
void tcp_late_write(struct tcp_late *late, struct tcp_match *answer, struct tcp_match *refusal);
bool tcp_late_is(const struct tcp_late *late, struct payload_reader *reader,
                 const struct payload_message *message);
void tcp_late_drop(struct tcp_late *late);

#endif
