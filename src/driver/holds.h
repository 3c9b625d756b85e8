/* SPDX-License-Identifier: Apache-2.0 */
/* Holds: what was written at a priority and not yet given up. See host.h for what they mean; these are
 * the calls of the host's own files. */
#ifndef BUSBAR_DRIVER_HOLDS_H
#define BUSBAR_DRIVER_HOLDS_H

#include "driver/host.h"

struct holds;
struct hold_copy;

struct holds *holds_new(struct host *host);
void holds_free(struct holds *holds);
/* The host stops: nothing is released any more. */
void holds_stop(struct holds *holds);

/* Whether one more with this key has room. */
bool holds_have_room(const struct holds *holds, const char *path, uint8_t priority);

/* Notes a hold in the place of the one that is there. `saved` as in struct host_hold_store; when nothing
 * keeps holds it is not called and false is returned: go on at once.
 *   before  out, may be NULL: what was there, for holds_put_back(); NULL: nothing */
bool holds_note(struct holds *holds, const struct host_hold *hold, struct hold_copy **before,
                void (*saved)(void *ctx, int error), void *saved_ctx);
/* The write of a hold that was noted did not come about: as before. Takes `before`. */
void holds_put_back(struct holds *holds, const char *path, uint8_t priority,
                    struct hold_copy *before);
void hold_copy_free(struct hold_copy *copy); /* NULL is fine */

/* A number that changes when a hold is noted anew; 0: there is none. */
uint64_t holds_version(const struct holds *holds, const char *path, uint8_t priority);
/* It was released, unless it was noted anew since `version`. */
void holds_released(struct holds *holds, const char *path, uint8_t priority, uint64_t version);

/* The device answers again: what it still owes is tried at once. */
void holds_device_up(struct holds *holds, const struct device *dev);

#endif
