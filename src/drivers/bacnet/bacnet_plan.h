/* SPDX-License-Identifier: Apache-2.0 */
/* Points of one poll -> as few requests as possible. Pure: what may be read together depends only on the targets
 * and on what was learned about the device.
 *
 * A plan is two lists. Pieces are the properties to be read, sorted by object, property, index: of each
 * point its own, and beside a present-value the status flags. A span is one request and covers whole pieces:
 * ReadPropertyMultiple (clause 15.7), or ReadProperty (15.5) when it is one piece alone.
 *
 *   points   AI:1   AI:2   AV:1 high-limit
 *   pieces   AI:1 present-value, AI:1 status-flags, AI:2 present-value, AI:2 status-flags, AV:1 high-limit
 *   spans    [ AI:1 present-value ... AV:1 high-limit ]            one request, 62 bytes of answer */
#ifndef BUSBAR_DRIVERS_BACNET_PLAN_H
#define BUSBAR_DRIVERS_BACNET_PLAN_H

#include "base/bytes.h"
#include "drivers/bacnet/bacnet_target.h"
#include "model/sample.h"

/* What is known of a point for planning. */
enum bacnet_mark {
    BACNET_MARK_NO_FLAGS = 1, /* its object has no status flags */
    BACNET_MARK_ALONE = 2,    /* a request that holds it and others is refused */
};

struct bacnet_limits {
    uint32_t request_bytes, answer_bytes; /* of the service's part */
    uint32_t properties;                  /* in one request */
    bool multiple;                        /* ReadPropertyMultiple is known */
    bool status_flags;                    /* are read */
};

struct bacnet_piece {
    uint32_t object, property, index;
    uint32_t sample; /* of the request, also for flags */
    uint8_t mark;    /* enum bacnet_mark */
    bool flags;      /* status flags of the sample's object */
};

struct bacnet_span {
    uint32_t piece, piece_end;
    uint8_t tries;  /* the poll's: how often it was asked again */
    uint8_t origin; /* the poll's: split that it came from, from 1; 0 = none */
};

enum { BACNET_PLAN_FLAGS_KNOWN = 0x80 };

struct bacnet_plan {
    struct bacnet_piece *pieces;
    struct bacnet_span *spans;
    uint32_t piece_count, span_count;
    uint32_t generation; /* the poll's: of what was learned when it was made */
    uint32_t next;       /* the poll's: span to begin with, after one that was cut short */
    size_t count;        /* of samples */
    uint8_t *flags;      /* of each sample: status flags, BACNET_PLAN_FLAGS_KNOWN when they came */
    struct text **texts; /* of each sample: memory for its string; NULL when no point has strings */
};

/* targets and marks: indexed by points[i]; sample i is of points[i]. Freed by bacnet_plan_free(). */
struct bacnet_plan *bacnet_plan_new(const struct bacnet_target *targets, const uint8_t *marks,
                                    const uint32_t *points, size_t count,
                                    const struct bacnet_limits *limits);
void bacnet_plan_free(struct bacnet_plan *plan);

/* Bytes of the request for a span, and what its answer will take, about. */
size_t bacnet_plan_request_size(const struct bacnet_plan *plan, const struct bacnet_span *span);
size_t bacnet_plan_answer_size(const struct bacnet_plan *plan, const struct bacnet_span *span);

/* One piece alone goes by ReadProperty. */
static inline bool bacnet_span_is_single(const struct bacnet_span *span)
{
    return span->piece_end - span->piece == 1;
}

/* The service's part of the request; needs bacnet_plan_request_size() bytes. */
void bacnet_plan_put(const struct bacnet_plan *plan, const struct bacnet_span *span,
                     struct bytes_out *out);

/* The piece of the span that a result is of, looked for from *at on and round; *at is the one after it. UINT32_MAX:
 * none. */
uint32_t bacnet_plan_match(const struct bacnet_plan *plan, const struct bacnet_span *span,
                           uint32_t *at, uint32_t object, uint32_t property, uint32_t index);

/* All values of a span get this quality, but those that are there already. */
void bacnet_plan_fail(const struct bacnet_plan *plan, const struct bacnet_span *span,
                      uint8_t quality, uint16_t detail, struct sample *samples);

/* Two halves, between objects if there are several; false when it is one piece. */
bool bacnet_plan_split(const struct bacnet_plan *plan, const struct bacnet_span *span,
                       struct bacnet_span *left, struct bacnet_span *right);

#endif
