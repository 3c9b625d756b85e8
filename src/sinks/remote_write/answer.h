/* SPDX-License-Identifier: Apache-2.0 */
/* What a target's answer means, in words for a person. Pure. */
#ifndef BUSBAR_SINKS_REMOTE_WRITE_ANSWER_H
#define BUSBAR_SINKS_REMOTE_WRITE_ANSWER_H

#include "http/fetch.h"

enum remote_verdict {
    REMOTE_TAKEN,
    REMOTE_AGAIN,   /* passes: no answer, 408, 425, 429, 5xx */
    REMOTE_WRONG,   /* a person has to do something: TLS, login, address, 3xx, other 4xx */
    REMOTE_REFUSED, /* something in the request is refused for good: 400, 422 */
    REMOTE_TOO_BIG, /* 413: less at a time may be taken */
};

/* host: for the words. empty: the request had nothing in it, so that a target that takes remote write has no reason to
 * refuse it. err is set unless it was taken. */
enum remote_verdict remote_judge(const struct http_answer *answer, const char *host, bool empty,
                                 struct err *err);

#endif
