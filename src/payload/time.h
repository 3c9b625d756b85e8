/* SPDX-License-Identifier: Apache-2.0 */
/* Times as devices write them: ISO 8601, seconds since 1970 and what is finer, patterns of strptime. Pure. */
#ifndef BUSBAR_PAYLOAD_TIME_H
#define BUSBAR_PAYLOAD_TIME_H

#include "base/err.h"
#include "payload/tree.h"

enum { PAYLOAD_TIME_PATTERN_MAX = 64 };

enum time_format {
    TIME_AUTO, /* numbers by their size, texts as they are */
    TIME_ISO,
    TIME_UNIX,
    TIME_UNIX_MS,
    TIME_UNIX_US,
    TIME_UNIX_NS,
    TIME_PATTERN,
};

struct time_rule {
    uint8_t format;
    bool local;           /* of this machine, where a time says no zone */
    int16_t zone_minutes; /* east of UTC, else */
    char pattern[PAYLOAD_TIME_PATTERN_MAX + 1];
};

/* The words of time_format and time_zone. */
int time_rule_read(const char *format, const char *zone, struct time_rule *out, struct err *err);

/* 1; 0: none (null, empty, or before the year 2000: a clock that was never set); BUSBAR_EPROTO: it is no time. */
int time_read(const struct time_rule *rule, const struct payload_node *node, int64_t *out_us,
              struct err *err);

#endif
