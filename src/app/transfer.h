/* SPDX-License-Identifier: Apache-2.0 */
/* Samples as text, for export and import: everything that a sample has, so that a round trip loses nothing.
 *
 * JSON lines, up to some thousand samples of one series and type a line, times in microseconds since 1970:
 *   {"labels":{"__name__":"sat","device":"ahu-1"},"type":"double","samples":[[1700000000000000,21.4],
 *    [1700000010000000,null,5,0,1700000010250000]]}
 *   A sample is time, value (null: none), and where it is not the usual quality number, detail, receive time. A
 *   double that JSON cannot say is the text of its bits: "0x7ff0000000000002".
 *
 * CSV, a sample a row, the same columns:
 *   labels,type,time_us,value,quality,detail,received_us
 *   "sat{device=""ahu-1""}",double,1700000000000000,21.4,0,0,1700000000000000
 */
#ifndef BUSBAR_APP_TRANSFER_H
#define BUSBAR_APP_TRANSFER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/labels.h"
#include "model/sample.h"

enum transfer_format { TRANSFER_JSON, TRANSFER_CSV };

enum {
    TRANSFER_LINE_SAMPLES = 5000,
    TRANSFER_LINE_MAX = 4 << 20, /* bytes of one line */
    TRANSFER_SAMPLES_MAX = 2000000,
    TRANSFER_ERRORS_MAX = 20, /* that are told; the others are counted */
};

/* "json" or "csv"; false: neither. */
bool transfer_format_of(const char *text, enum transfer_format *format);

/* The line above a CSV; nothing for JSON. */
void transfer_head(enum transfer_format format, struct buf *out);
/* Appends samples of one series. */
void transfer_write(enum transfer_format format, const struct label *labels, size_t label_count,
                    const struct sample *samples, size_t count, struct buf *out);

struct transfer_set {
    struct label *labels;
    size_t count;
};

struct transfer_error {
    uint64_t line;
    unsigned column; /* 0: the whole line */
    char message[160];
};

/* What was read. Labels and texts live in the arena. point of a sample is the number of its set. */
struct transfer_batch {
    struct arena arena;
    struct sample *samples;
    size_t count, capacity;
    struct transfer_set *sets;
    size_t set_count, set_capacity;
    struct transfer_error errors[TRANSFER_ERRORS_MAX];
    uint64_t error_count; /* lines that were refused */
};

void transfer_init(struct transfer_batch *batch);
void transfer_fini(struct transfer_batch *batch);

/* Reads whole lines; line is the number of the first. A line that is wrong is told in batch->errors, the others
 * are taken. BUSBAR_ENOMEM, BUSBAR_ELIMIT (too many samples at once). */
int transfer_read(struct transfer_batch *batch, enum transfer_format format, const char *text,
                  size_t size, uint64_t line);

#endif
