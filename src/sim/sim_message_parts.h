/* SPDX-License-Identifier: Apache-2.0 */
/* What the formats share. Private to sim_message*.c. */
#ifndef BUSBAR_SIM_SIM_MESSAGE_PARTS_H
#define BUSBAR_SIM_SIM_MESSAGE_PARTS_H

#include "sim/sim_message.h"

enum { SIM_TIME_BYTES = 128 };

/* ---- sim_message.c ---- */
/* What follows the word in a row ("json" of "json $.id"); NULL: it is another's. */
const char *sim_row_text(const struct sim_speaker *speaker, enum payload_device_row row,
                         const char *word);
struct sim_reading sim_point_reading(const struct sim_speaker *speaker, uint32_t point,
                                     int64_t wall_us);
struct sim_reading sim_time_reading(const struct sim_speaker *speaker, int64_t wall_us,
                                    char room[SIM_TIME_BYTES]);
struct sim_reading sim_id_reading(const struct sim_speaker *speaker);

/* ---- sim_message_line.c ---- */
/* As text is written: the decimal sign, ON and OFF. */
void sim_put_reading(const struct sim_speaker *speaker, const struct sim_reading *reading,
                     bool switch_words, struct buf *out);
void sim_csv_make(struct sim_speaker *speaker, const uint32_t *points, size_t count,
                  int64_t wall_us, struct buf *out);
void sim_keys_make(struct sim_speaker *speaker, const uint32_t *points, size_t count,
                   int64_t wall_us, struct buf *out);

/* ---- sim_message_bytes.c ---- */
/* enum value_type of what such a rule reads. */
uint8_t sim_bytes_type(const struct payload_point *rule);
int sim_bytes_make(struct sim_speaker *speaker, const uint32_t *points, size_t count,
                   int64_t wall_us, struct buf *out, struct err *err);

#endif
