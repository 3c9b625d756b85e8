/* SPDX-License-Identifier: Apache-2.0 */
/* Which points a request asks for: the parameters that lists of points share.
 *
 *   match=ahu-*\/sat  device=meter-1  quality=bad  reason=no answer  writable=1
 *   q=words that must all be found in path, title, units or source; "quality:bad" among them */
#ifndef BUSBAR_SERVER_FILTER_H
#define BUSBAR_SERVER_FILTER_H

#include "server/shape.h"

enum { FILTER_WORDS_MAX = 16, FILTER_TEXT_MAX = 1024 };

/* Owns its texts, and points into itself: do not copy. All-zero matches every point. */
struct filter {
    char match[FILTER_TEXT_MAX];
    char device[DEVICE_NAME_MAX + 1]; /* "" = all */
    char reason[64];
    char text[FILTER_TEXT_MAX]; /* the words, cut apart */
    const char *words[FILTER_WORDS_MAX];
    size_t word_count;
    bool has_quality;
    enum quality_class quality;
    bool writable;
    char only[DEVICE_NAME_MAX + 1]; /* the device that the pattern begins with */
    bool trivial;                   /* nothing but a device: every point counts */
};

/* From the request's query, in place. BUSBAR_EINVAL, BUSBAR_ELIMIT with a reason. */
int filter_parse(const struct server_request *req, struct filter *filter, struct err *err);

/* One device's name when the filter can only match points of that device, else NULL. */
const char *filter_only(const struct filter *filter);

bool filter_point(const struct filter *filter, struct shape *shape, const struct point *pt);
/* The two halves of it: "reasons" are counted over what the first lets through. */
bool filter_but_reason(const struct filter *filter, struct shape *shape, const struct point *pt);
bool filter_reason(const struct filter *filter, const struct point *pt);

/* Rows for a route's parameters. */
#define FILTER_QUERY                                                                          \
    { "match", "string", "path pattern with * and ?" }, { "device", "string", "one device" }, \
        { "q", "string", "words that must all be found in path, title, units or source" },    \
        { "quality", "string", "good, uncertain or bad" },                                    \
        { "reason", "string", "the quality's reason: no answer, stale ..." },                 \
    {                                                                                         \
        "writable", "boolean", "only points that can be written"                              \
    }

#endif
