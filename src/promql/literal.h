/* SPDX-License-Identifier: Apache-2.0 */
/* Literals: numbers, durations and strings, from text and back. Private to promql/. */
#ifndef BUSBAR_PROMQL_LITERAL_H
#define BUSBAR_PROMQL_LITERAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Decimal, 0x1f, 0755 (octal, as in Go), 1e3, 1_000, Inf, NaN in any case. BUSBAR_EINVAL (no number),
 * BUSBAR_ERANGE (too big), BUSBAR_ENOMEM. */
int promql_parse_number(const char *text, size_t size, double *out);

/* 1h30m: units y w d h m s ms in falling order, whole numbers. BUSBAR_EINVAL, BUSBAR_ERANGE (over 292
 * years). */
int promql_parse_duration(const char *text, size_t size, int64_t *out_us);

/* Seconds as a number to microseconds, rounded (from 68 years on to milliseconds); BUSBAR_ERANGE over 292 years
 * or NaN. */
int promql_seconds_to_us(double seconds, int64_t *out_us);

/* The text between the quotes of a string token, escapes undone, NUL-terminated (NULs may be inside too).
 * BUSBAR_EINVAL: *at is the offset of the wrong escape in the token, *problem says what. */
int promql_unquote(const char *token, size_t size, struct arena *arena, const char **text,
                   size_t *text_size, size_t *at, const char **problem);

/* As Prometheus writes them: 1e+21 is 1000000000000000000000, +Inf, NaN; 90m is 1h30m; "a\nb". */
void promql_print_number(double value, struct buf *out);
void promql_print_duration(int64_t us, struct buf *out); /* not negative */
void promql_print_string(const char *text, size_t size, struct buf *out);

#endif
