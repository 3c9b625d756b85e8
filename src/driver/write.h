/* SPDX-License-Identifier: Apache-2.0 */
/* A write under way, shared by its steps (write.c) and its words (write_words.c). */
#ifndef BUSBAR_DRIVER_WRITE_H
#define BUSBAR_DRIVER_WRITE_H

#include "driver/convert.h"
#include "driver/host_private.h"

enum write_state { WRITE_KEEPING, WRITE_SENDING, WRITE_READING, WRITE_RESTING, WRITE_HEARING };

/* Waits for the disk, on behalf of a write that may end before it. */
struct keeping {
    struct write *write; /* NULL: it ended */
};

struct write {
    struct ask ask;
    struct list link; /* hd->writes */
    struct host_device *hd;
    struct point *pt;
    uint32_t index;
    enum write_state state;
    struct sample sample; /* raw while sending, what was read back then */
    struct convert_asked asked;
    struct text *text; /* our copy of a text that was asked for */
    struct text *said; /* and of one that the device sent since, while hearing */
    bool heard;        /* the device sent a value since: of a pushed point */
    struct sample last_heard;
    struct driver_write how;
    char *path, *who, *from; /* path NULL: the point cannot be released, so nobody holds it */
    int64_t for_us;
    uint64_t version; /* of the hold that a release ends */
    struct keeping *keeping;
    struct hold_copy *before; /* the hold that stood there, while this one may not come about */
    bool noted;
    struct timer timer; /* the deadline, or the rest before one more read-back */
    int64_t began_us, deadline_us;
    struct host_write_result result;
    host_written_cb written;
    void *ctx;
};

/* What a person reads at the end, by the error of the step it ended with. */
void write_say_sent(const struct write *write, int error, struct buf *out);
void write_say_read_back(const struct write *write, int error, struct buf *out);
void write_say_heard(const struct write *write, int error, struct buf *out);
void write_say_not_kept(int error, struct buf *out); /* nothing was sent */

#endif
