/* SPDX-License-Identifier: Apache-2.0 */
/* Results as Prometheus writes them in JSON, straight into the answer: there may be a million numbers.
 *
 *   {"status":"success","data":{"resultType":"vector","result":[
 *     {"metric":{"__name__":"sat","device":"ahu-1"},"value":[1700000000.123,"21.5"]}]}} */
#ifndef BUSBAR_SERVER_PROMETHEUS_ANSWER_H
#define BUSBAR_SERVER_PROMETHEUS_ANSWER_H

#include "base/buf.h"
#include "promql/promql.h"

/* {"a":"b"} */
void answer_labels(struct buf *out, const struct label *labels, size_t count);
/* A text in quotes; sized, valid UTF-8. */
void answer_text(struct buf *out, const char *text, size_t size);
/* Seconds: 1700000000, 1700000000.123; microseconds only when there are any. */
void answer_time(struct buf *out, int64_t time_us);

/* {"resultType":...,"result":...} without the closing brace. time_us: of the answer, for text. limit: series
 * at most, 0 all; true: some were left out. */
bool answer_result(struct buf *out, const struct promql_result *result, int64_t time_us,
                   size_t limit);

#endif
