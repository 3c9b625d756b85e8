/* SPDX-License-Identifier: Apache-2.0 */
/* Usual samples in columns: numbers of good quality, received at their own time. Nearly all samples are, and
 * this is how they go from the log into the head, without ever being struct sample again.
 *
 * The batch of a record that holds them (a batch of its other shapes begins with another byte):
 *
 *   u8      0x0e
 *   u8      type (BOOL, INT, DOUBLE; 15: mixed), TIMES
 *   varint  count
 *   varint  runs of ids; each: varint id - the id expected next (zigzag), varint length x 2 + SAME
 *           (a SAME run has one id, another one ascending ids without a gap)
 *   varint  first time   zigzag, less the time of the batch before it in the record
 *   TIMES   varint step (zigzag) · u8 unit (0 us, 1 ms, 2 s) · words (words.h):
 *           (time - first time - i x step) / unit                 else all have the first time
 *   values  BOOL bits · INT words · DOUBLE u8 form (0, 1 decimals, see log_decimals.h; 4 floats; 8 doubles) ·
 *           mixed: u8 type each, then the columns of the INTs, of the DOUBLEs, of the BOOLs */
#ifndef BUSBAR_HISTORY_USUAL_H
#define BUSBAR_HISTORY_USUAL_H

#include "base/bytes.h"
#include "history/record.h"
#include "model/quality.h"

enum { HISTORY_USUAL_MARK = 0x0e, HISTORY_USUAL_MIXED = 15 };

/* Ids first, first + 1 ... or, when same, first again and again. */
struct history_run {
    uint32_t first, count;
    bool same;
};

struct history_usual {
    uint32_t count, run_count;
    uint8_t type;  /* BOOL, INT, DOUBLE or HISTORY_USUAL_MIXED: types[] says it */
    bool one_time; /* times[0] is the time of all; else each has one */
    struct history_run runs[HISTORY_BATCH_SAMPLES];
    int64_t times[HISTORY_BATCH_SAMPLES];
    union value values[HISTORY_BATCH_SAMPLES];
    uint8_t types[HISTORY_BATCH_SAMPLES];
};

static inline bool history_is_usual(const struct sample *sample)
{
    return sample->quality == QUALITY_GOOD && sample->detail == 0 &&
           sample->receive_us == sample->time_us && sample->type >= VALUE_BOOL &&
           sample->type <= VALUE_DOUBLE;
}

/* What one look over samples found out about the first `count` of them, which are usual. */
struct history_usual_look {
    size_t count;
    bool mixed;    /* of several types */
    bool one_run;  /* their ids are consecutive */
    bool one_time; /* and that is their time */
};
/* Looks at 1..HISTORY_BATCH_SAMPLES samples; ends at the first that is not usual. Ids are not checked. */
void history_usual_find(struct history_usual_look *look, const struct sample *samples,
                        size_t count);
/* The same for a part of them, from the first on. */
void history_usual_cut(struct history_usual_look *look, const struct sample *samples, size_t count);

/* Room that history_usual_put() may need. */
size_t history_usual_bytes(size_t count);
void history_usual_put(struct bytes_out *out, const struct sample *samples,
                       const struct history_usual_look *look, int64_t before_us);
/* Reads behind the mark. False: damaged. */
bool history_usual_get(struct bytes *in, int64_t before_us, struct history_usual *usual);

/* Columns of one number type, shared with the other shapes. */
void history_bits_put(struct bytes_out *out, const union value *values, size_t count);
void history_bits_get(struct bytes *in, union value *values, size_t count);
/* form: 4 or 8 */
void history_reals_put(struct bytes_out *out, uint8_t form, const union value *values,
                       size_t count);
void history_reals_get(struct bytes *in, uint8_t form, union value *values, size_t count);
/* 4 when every value is a float, bit by bit; else 8. */
uint8_t history_reals_form(const union value *values, size_t count);

#endif
