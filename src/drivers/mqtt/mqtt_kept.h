/* SPDX-License-Identifier: Apache-2.0 */
/* What the session at a broker is subscribed to, kept on disk. A broker keeps subscriptions of a session while we are
 * away: after a restart with other topics those of before would bring messages that nobody wants, and a message twice
 * where topics overlap. Loop thread only.
 *
 * A file in the driver's folder, a filter as it was sent a line. It is written a second after the last change, off the
 * loop: after a crash within that second one filter may be forgotten, which costs no sample. */
#ifndef BUSBAR_DRIVERS_MQTT_MQTT_KEPT_H
#define BUSBAR_DRIVERS_MQTT_MQTT_KEPT_H

#include <stdbool.h>

struct loop;
struct mqtt_kept;

/* Reads what is there: a file that cannot be read is as none, and told in the log. path is copied. */
struct mqtt_kept *mqtt_kept_new(struct loop *loop, const char *path);
/* Writes what is not written yet. NULL: nothing. */
void mqtt_kept_free(struct mqtt_kept *kept);

/* Calls for each filter of an earlier run. */
void mqtt_kept_each(const struct mqtt_kept *kept, void (*call)(void *ctx, const char *filter),
                    void *ctx);

void mqtt_kept_add(struct mqtt_kept *kept, const char *filter);
/* True: it was of an earlier run, and nobody added it since. */
bool mqtt_kept_remove(struct mqtt_kept *kept, const char *filter);
/* The broker has begun a new session. */
void mqtt_kept_clear(struct mqtt_kept *kept);

#endif
