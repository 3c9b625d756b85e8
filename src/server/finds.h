/* SPDX-License-Identifier: Apache-2.0 */
/* Finds as the server tells them: the host knows each by protocol and key, people by a short number,
 * which it keeps as long as busbar runs. Loop thread only. */
#ifndef BUSBAR_SERVER_FINDS_H
#define BUSBAR_SERVER_FINDS_H

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "driver/host.h"

enum { FINDS_NUMBERED_MAX = 100000, FIND_PROTOCOL_MAX = 32 };

struct finds {
    struct arena arena;
    struct map numbers;             /* "bacnet 2001" -> its entry */
    const struct find_name **names; /* by number - 1 */
    size_t count, capacity;
};

void finds_init(struct finds *finds);
void finds_fini(struct finds *finds);

/* The number of a find, given at first sight; 0: all are given. */
uint32_t finds_number(struct finds *finds, const char *protocol, const char *key);
/* Borrowed, for ever. False: no such number was given. */
bool finds_name(const struct finds *finds, uint64_t number, const char **protocol,
                const char **key);

/* The members of one, into the object that is open. */
void finds_put(struct finds *finds, struct json_writer *json, const char *protocol,
               const struct host_find *find);

#endif
