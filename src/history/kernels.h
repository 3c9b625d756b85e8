/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of the codec, once in plain C and once in AVX2 where the processor has it; chosen when a coder is
 * made. Both give the same bits for the same input, whatever it is. Arrays of a call do not overlap but where said. */
#ifndef BUSBAR_HISTORY_KERNELS_H
#define BUSBAR_HISTORY_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/sample.h"

/* How doubles became integers n. The numbers are part of the format. */
enum history_form {
    HISTORY_FORM_DIVIDE = 0,   /* n / 10^k */
    HISTORY_FORM_MULTIPLY = 1, /* n x 10^-k: what scaled registers look like */
    HISTORY_FORM_FLOAT = 2,    /* (float)(n / 10^k) */
    HISTORY_FORM_NONE = 3,     /* no such n: XOR */
};

/* The line i -> floor(i x span / parts), i from 1 on, in steps of a unit from a start. */
struct history_line {
    uint64_t start, unit;
    uint64_t whole;       /* span / parts */
    uint32_t part, parts; /* span % parts; parts < 2^10 */
    uint32_t skip;        /* begins behind so many; below parts */
};

/* How many digits of a base are in a word. */
struct history_radix {
    uint32_t base;   /* 2..HISTORY_RADIX_MAX */
    uint32_t digits; /* base^digits < 2^64 */
    uint64_t power;  /* base^digits */
};

enum { HISTORY_RADIX_MAX = 128, HISTORY_RADIX_GROUP = 32 /* bytes: four words */ };

struct history_range {
    int64_t low, high;
    uint64_t sum;
};

struct history_kernels {
    const char *name;
    /* values[i] = base + the next width bits (1..64) of size bytes, which hold all of them. */
    void (*unpack)(const uint8_t *from, size_t size, int64_t *values, size_t count, uint64_t base,
                   unsigned width);
    /* The low width bits (1..64) of each value - base; ceil(count x width / 8) bytes. */
    void (*pack)(uint8_t *to, const int64_t *values, size_t count, uint64_t base, unsigned width);
    /* Digits of a base from words (ints.h): values[i] = base + digit, for groups x 4 x digits values. */
    void (*radix)(const uint8_t *from, int64_t *values, size_t groups, uint64_t base,
                  const struct history_radix *radix);
    void (*fill)(int64_t *values, size_t count, uint64_t value);
    /* Smallest, largest and sum (mod 2^64) of at least one. */
    void (*range)(const int64_t *values, size_t count, struct history_range *range);
    /* How many of value - base do not fit into width (0..63) bits. */
    size_t (*above)(const int64_t *values, size_t count, uint64_t base, unsigned width);
    /* to[i] = values[i + 1] - values[i], for count - 1 of them. */
    void (*deltas)(const int64_t *values, size_t count, int64_t *to);
    /* values[i] += values[i - 1], the first += before. */
    void (*sums)(int64_t *values, size_t count, uint64_t before);
    /* times[i] = start + unit x (line at i + 1 + rest[i]); rest NULL: 0. They may be the same. */
    void (*line)(const struct history_line *line, const int64_t *rest, int64_t *times,
                 size_t count);
    /* to[i] = (times[i] - times[0]) / unit. False: not all are whole; then `to` is anything. */
    bool (*units)(const int64_t *times, size_t count, uint64_t unit, int64_t *to);
    /* to[i] = values[i] - other[i]; all may be the same. */
    void (*minus)(const int64_t *values, const int64_t *other, int64_t *to, size_t count);
    /* Each is greater than the one before. */
    bool (*ascend)(const int64_t *times, size_t count);
    /* The doubles that integers stand for, in this form; power is 10^k. numbers and values may be the same memory. */
    void (*doubles)(enum history_form form, unsigned exponent, const int64_t *numbers,
                    union value *values, size_t count);
    /* The other way: how many of the values, from the first on, are exactly such doubles, and their integers. */
    size_t (*integers)(enum history_form form, unsigned exponent, const union value *values,
                       size_t count, int64_t *numbers);
};

const struct history_kernels *history_kernels_plain(void);
/* NULL: this processor has no AVX2. */
const struct history_kernels *history_kernels_avx2(void);
/* The best there is here. */
const struct history_kernels *history_kernels(void);

#define HISTORY_EXPONENT_MAX 15
/* 10^k and 10^-k */
extern const double history_powers[HISTORY_EXPONENT_MAX + 1];
extern const double history_inverses[HISTORY_EXPONENT_MAX + 1];
/* Integers beyond this are not looked for: here doubles are less than a half apart. */
#define HISTORY_INTEGER_MAX 2251799813685248.0 /* 2^51 */

#endif
