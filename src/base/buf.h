/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer, born with its ceiling.
 *
 * Invariants: `size` <= `capacity` <= `max` + 1; when data is not NULL, data[size] is 0, so that it can be
 * read as a string; once an append did not fit (ceiling or memory), `overflow` stays true, nothing more is
 * appended and every call fails, until buf_clear(). So a caller may append many times
 * and look once.
 */
#ifndef BUSBAR_BASE_BUF_H
#define BUSBAR_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t max;
    bool overflow;
};

/* No memory is taken before the first append. */
void buf_init(struct buf *buf, size_t max);
void buf_fini(struct buf *buf);

/* 0, BUSBAR_ELIMIT (ceiling) or BUSBAR_ENOMEM. */
int buf_append(struct buf *buf, const void *data, size_t size);
int buf_append_text(struct buf *buf, const char *text);
int buf_append_byte(struct buf *buf, uint8_t byte);
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Room for `size` more bytes at the end, to be written by the caller, then kept by buf_commit(). NULL: as a
 * failed append. Valid until the next call on the buffer. */
uint8_t *buf_reserve(struct buf *buf, size_t size);
void buf_commit(struct buf *buf, size_t size);

/* Drops `size` bytes from the front (moves the rest). */
void buf_consume(struct buf *buf, size_t size);

/* Hands the memory over (caller frees; NULL when empty); the buffer is as after buf_init(). */
uint8_t *buf_take(struct buf *buf, size_t *size);

/* Empties, keeps the memory, clears the overflow. */
void buf_clear(struct buf *buf);

/* The content as text, never NULL; valid until the next call on the buffer. */
const char *buf_text(const struct buf *buf);

#endif
