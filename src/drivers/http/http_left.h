/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of devices that left and may come back: a change of the configuration takes them out and puts them in again one by
 * one, among those of other protocols and when the setups of these are done. How long that takes nobody can say before,
 * so they are remembered for HTTP_LEFT_MS after the last of them came or went. Loop thread only. */
#ifndef BUSBAR_DRIVERS_HTTP_HTTP_LEFT_H
#define BUSBAR_DRIVERS_HTTP_HTTP_LEFT_H

#include "base/map.h"
#include "net/timer.h"

enum { HTTP_LEFT_MS = 10000 };

struct http_left {
    struct map ids;
    size_t in_messages; /* of them, those that messages tell, not the path */
    struct timer timer;
};

void http_left_init(struct http_left *left, struct loop *loop);
void http_left_fini(struct http_left *left);
void http_left_add(struct http_left *left, const char *id, bool in_messages);
/* The device is there again; nothing when it was new. */
void http_left_back(struct http_left *left, const char *id);
bool http_left_has(const struct http_left *left, const char *id);

#endif
