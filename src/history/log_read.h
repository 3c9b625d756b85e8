/* SPDX-License-Identifier: Apache-2.0 */
/* A segment that is read piece by piece, and whose pieces are given back when they were used: a start needs the
 * memory of one record, not of a segment. What the disk cannot read (EIO, tried twice) is left zero, a page at a
 * time: a record there is a damaged one, and those around it are kept. */
#ifndef BUSBAR_HISTORY_LOG_READ_H
#define BUSBAR_HISTORY_LOG_READ_H

#include "history/segment.h"

struct history_segment_file {
    const struct file_ops *file;
    int fd;
    uint8_t *data; /* as much address space as the file is long */
    size_t size;
    size_t filled;  /* bytes from 0 on have been read */
    size_t dropped; /* bytes from 0 on were given back */
    size_t bad;     /* bytes that cannot be read */
};

/* BUSBAR_ENOENT, BUSBAR_EPERM, BUSBAR_ENOMEM ...; the beginning has been read. */
int history_segment_file_open(struct history_segment_file *from, const struct file_ops *file,
                              const char *path);
void history_segment_file_close(struct history_segment_file *from);
/* Lets a reader walk it; from must stay. */
void history_segment_file_read(struct history_segment_file *from,
                               struct history_segment_reader *reader,
                               const struct history_segment_head *head);
/* What is before `offset` will not be looked at again. */
void history_segment_file_drop(struct history_segment_file *from, size_t offset);

#endif
