/* SPDX-License-Identifier: Apache-2.0 */
/* Grows by doubling up to the ceiling; one byte more than `size` is always there for the final NUL. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"

enum { CAPACITY_MIN = 64 };

void buf_init(struct buf *buf, size_t max)
{
    assert(max > 0 && max < SIZE_MAX / 2);
    *buf = (struct buf){ .max = max };
}

void buf_fini(struct buf *buf)
{
    busbar_free(buf->data);
    *buf = (struct buf){ .max = buf->max };
}

/* Makes room for size more bytes and the NUL. */
static int grow(struct buf *buf, size_t size)
{
    if (buf->overflow || size > buf->max - buf->size) {
        buf->overflow = true;
        return BUSBAR_ELIMIT;
    }
    size_t needed = buf->size + size + 1;
    if (needed <= buf->capacity) {
        return 0;
    }
    size_t capacity = buf->capacity > 0 ? buf->capacity : CAPACITY_MIN;
    while (capacity < needed) {
        capacity *= 2;
    }
    if (capacity > buf->max + 1) {
        capacity = buf->max + 1;
    }
    uint8_t *data = busbar_try_realloc(buf->data, capacity);
    if (data == NULL) {
        buf->overflow = true;
        return BUSBAR_ENOMEM;
    }
    buf->data = data;
    buf->data[buf->size] = 0; /* also when only reserved: it may be read as text before a commit */
    buf->capacity = capacity;
    return 0;
}

uint8_t *buf_reserve(struct buf *buf, size_t size)
{
    return grow(buf, size) == 0 ? buf->data + buf->size : NULL;
}

void buf_commit(struct buf *buf, size_t size)
{
    assert(buf->size + size < buf->capacity);
    buf->size += size;
    buf->data[buf->size] = 0;
}

int buf_append(struct buf *buf, const void *data, size_t size)
{
    int error = grow(buf, size);
    if (error == 0) {
        if (size > 0) {
            memcpy(buf->data + buf->size, data, size);
        }
        buf_commit(buf, size);
    }
    return error;
}

int buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

int buf_append_byte(struct buf *buf, uint8_t byte)
{
    return buf_append(buf, &byte, 1);
}

int buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    size_t room = buf->capacity - buf->size;
    int length = vsnprintf(room > 0 ? (char *)buf->data + buf->size : NULL, room, format, args);
    int error = length < 0 ? BUSBAR_EINVAL : grow(buf, (size_t)length);
    if (error == 0) {
        if ((size_t)length >= room) {
            (void)vsnprintf((char *)buf->data + buf->size, (size_t)length + 1, format, again);
        }
        buf_commit(buf, (size_t)length);
    } else if (room > 0) {
        buf->data[buf->size] = 0;
    }
    va_end(again);
    return error;
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int error = buf_vprintf(buf, format, args);
    va_end(args);
    return error;
}

void buf_consume(struct buf *buf, size_t size)
{
    assert(size <= buf->size);
    buf->size -= size;
    if (buf->data != NULL) {
        memmove(buf->data, buf->data + size, buf->size);
        buf->data[buf->size] = 0;
    }
}

uint8_t *buf_take(struct buf *buf, size_t *size)
{
    uint8_t *data = buf->data;
    if (size != NULL) {
        *size = buf->size;
    }
    *buf = (struct buf){ .max = buf->max };
    return data;
}

void buf_clear(struct buf *buf)
{
    buf->size = 0;
    buf->overflow = false;
    if (buf->data != NULL) {
        buf->data[0] = 0;
    }
}

const char *buf_text(const struct buf *buf)
{
    return buf->data != NULL ? (const char *)buf->data : "";
}
