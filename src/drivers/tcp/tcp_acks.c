/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/tcp/tcp_acks.h"

#include <string.h>

#include "base/err.h"

enum { USUAL = UINT16_MAX, ROWS_MAX = 1 << 20, TIDY_BYTES = 4096 };

struct row {
    uint16_t size; /* of its text; USUAL: it has none of its own */
    uint16_t refused;
};

void tcp_acks_init(struct tcp_acks *acks)
{
    *acks = (struct tcp_acks){ 0 };
    buf_init(&acks->rows, ROWS_MAX);
    buf_init(&acks->texts, TCP_ACKS_BYTES_MAX);
}

void tcp_acks_fini(struct tcp_acks *acks)
{
    buf_fini(&acks->rows);
    buf_fini(&acks->texts);
}

bool tcp_acks_empty(const struct tcp_acks *acks)
{
    return acks->first_row == acks->rows.size;
}

/* What was told goes from the front, not a row at a time. */
static void tidy(struct buf *buf, size_t *first)
{
    if (*first == buf->size) {
        buf_clear(buf);
        *first = 0;
    } else if (*first > TIDY_BYTES && *first > buf->size / 2) {
        buf_consume(buf, *first);
        *first = 0;
    }
}

static int append(struct tcp_acks *acks, struct row row, const void *text)
{
    size_t size = row.size == USUAL ? 0 : row.size;
    if (acks->rows.size + sizeof(row) > ROWS_MAX || acks->texts.size + size > TCP_ACKS_BYTES_MAX) {
        return BUSBAR_ELIMIT;
    }
    int error = buf_append(&acks->texts, text, size);
    return error == 0 ? buf_append(&acks->rows, &row, sizeof(row)) : error;
}

int tcp_acks_wait(struct tcp_acks *acks, const void *text, size_t size)
{
    if (text != NULL && size >= USUAL) {
        return BUSBAR_ELIMIT;
    }
    return append(acks, (struct row){ .size = text != NULL ? (uint16_t)size : USUAL }, text);
}

static struct row row_at(const struct tcp_acks *acks)
{
    struct row row;
    memcpy(&row, acks->rows.data + acks->first_row, sizeof(row));
    return row;
}

void tcp_acks_stored(struct tcp_acks *acks)
{
    acks->stored++;
}

int tcp_acks_refuse(struct tcp_acks *acks)
{
    return append(acks, (struct row){ .size = USUAL, .refused = 1 }, NULL);
}

bool tcp_acks_tell(struct tcp_acks *acks, tcp_acks_cb cb, void *ctx)
{
    bool wanted = true;
    while (wanted && !tcp_acks_empty(acks)) {
        struct row row = row_at(acks);
        size_t size = row.size == USUAL ? 0 : row.size;
        const uint8_t *text = row.size == USUAL ? NULL : acks->texts.data + acks->first_text;
        if (row.refused == 0 && acks->stored == 0) {
            break;
        }
        wanted = cb(ctx, row.refused != 0, text, size);
        if (wanted) {
            acks->stored -= row.refused == 0;
            acks->first_row += sizeof(row);
            acks->first_text += size;
        }
    }
    tidy(&acks->rows, &acks->first_row);
    tidy(&acks->texts, &acks->first_text);
    return wanted;
}
