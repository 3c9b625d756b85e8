/* SPDX-License-Identifier: Apache-2.0 */
/* Doubles. Most that devices send are decimals: 21.4 is the integer 214 and the exponent 1, and integers
 * pack well. A value counts as a decimal only when the integer gives back exactly its bits. What is computed
 * (raw x 0.1 + 3.7), or widened from 32 bits after that, is mostly a few roundings away from a decimal: then the integers
 * get a second column, by how many steps of the last place each value is off. There the odd NaN, -0.0 or true
 * double of a column of decimals is an exception like any other.
 *
 *   u8      form (low 3 bits), OFF (8), exponent (high 4 bits)
 *   column  integers (not when the form is NONE: XOR follows, xor.c)
 *   column  when OFF: steps off, zigzag; when the form is FLOAT turned right by 29 bits, because neighbours among the
 *           floats are 2^29 doubles apart */
#include "history/coder.h"

#include <math.h>

enum {
    FORM_MASK = 7,
    OFF = 8,
    OFF_MAX = 16,    /* steps, zigzag, that still count as a decimal */
    OFF_LOOK = 48,   /* values that are looked at for the exponent */
    OFF_DIGITS = 12, /* exponents that are looked at */
    FLOAT_STEP = 29,
    NEARLY_ALL = 8, /* all but an eighth */
    NEAR_FROM = 5,  /* from here on exact integers may be worse than rounded ones of less digits */
};

#define OFF_INTEGER_MAX 1e12 /* integers with more digits say nothing */

double history_scale_value(struct history_scale scale, int64_t n)
{
    union value value;
    history_kernels_plain()->doubles((enum history_form)scale.form, scale.exponent, &n, &value, 1);
    return value.d;
}

static bool find_form(const struct history_kernels *kernels, enum history_form form,
                      const union value *values, size_t count, int64_t *numbers,
                      struct history_scale *scale)
{
    unsigned exponent = 0;
    size_t raised = 0; /* where it was raised last: what is before was not looked at with it */
    for (size_t at = 0; at < count;) {
        at += kernels->integers(form, exponent, values + at, count - at, numbers + at);
        while (at < count && kernels->integers(form, exponent, values + at, 1, numbers + at) == 0) {
            if (++exponent > HISTORY_EXPONENT_MAX) {
                return false;
            }
            raised = at;
        }
    }
    *scale = (struct history_scale){ .form = (uint8_t)form, .exponent = (uint8_t)exponent };
    return kernels->integers(form, exponent, values, raised, numbers) == raised;
}

struct history_scale history_scale_find(const struct history_kernels *kernels,
                                        const union value *values, size_t count, int64_t *numbers)
{
    struct history_scale scale;
    for (int form = HISTORY_FORM_DIVIDE; form < HISTORY_FORM_NONE; form++) {
        if (find_form(kernels, (enum history_form)form, values, count, numbers, &scale)) {
            return scale;
        }
    }
    return (struct history_scale){ .form = HISTORY_FORM_NONE };
}

/* --- off by some steps --- */

static bool is_float(union value value)
{
    union value back = { .d = (double)(float)value.d };
    return back.bits == value.bits;
}

static uint64_t steps_off(enum history_form form, union value value, union value near)
{
    uint64_t steps = bytes_zigzag((int64_t)(value.bits - near.bits));
    return form == HISTORY_FORM_FLOAT ? steps >> FLOAT_STEP | steps << (64 - FLOAT_STEP) : steps;
}

static union value add_steps(enum history_form form, union value near, uint64_t steps)
{
    steps = form == HISTORY_FORM_FLOAT ? steps << FLOAT_STEP | steps >> (64 - FLOAT_STEP) : steps;
    near.bits += (uint64_t)bytes_unzigzag(steps);
    return near;
}

static bool nearest(struct history_scale scale, union value value, int64_t *n)
{
    double scaled = value.d * history_powers[scale.exponent];
    if (!(scaled > -OFF_INTEGER_MAX && scaled < OFF_INTEGER_MAX)) {
        return false;
    }
    *n = (int64_t)rint(scaled);
    return true;
}

static bool is_near(struct history_scale scale, union value value, int64_t *n)
{
    if (!nearest(scale, value, n)) {
        return false;
    }
    union value near = { .d = history_scale_value(scale, *n) };
    return steps_off((enum history_form)scale.form, value, near) <= OFF_MAX;
}

static bool nearly_all(size_t good, size_t looked)
{
    return good >= looked - looked / NEARLY_ALL;
}

/* The form, and the smallest exponent with which nearly all of some values are decimals but for a few steps. */
static bool find_near(const union value *values, size_t count, struct history_scale *scale)
{
    size_t each = count / OFF_LOOK + 1;
    size_t floats = 0;
    size_t looked = 0;
    for (size_t i = 0; i < count; i += each, looked++) {
        floats += is_float(values[i]);
    }
    scale->form = nearly_all(floats, looked) ? HISTORY_FORM_FLOAT : HISTORY_FORM_DIVIDE;
    for (scale->exponent = 0; scale->exponent < OFF_DIGITS; scale->exponent++) {
        size_t good = 0;
        for (size_t i = 0; i < count; i += each) {
            int64_t n;
            good += is_near(*scale, values[i], &n);
        }
        if (nearly_all(good, looked)) {
            return true;
        }
    }
    return false;
}

/* Integers to numbers[], steps off to off[]. A value far from any decimal takes the integer before it. */
static void split(struct history_coder *coder, struct history_scale scale,
                  const union value *values, size_t count)
{
    int64_t n = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t here;
        n = is_near(scale, values[i], &here) ? here : n;
        coder->numbers[i] = n;
    }
    for (size_t i = 0; i < count; i++) {
        union value near = { .d = history_scale_value(scale, coder->numbers[i]) };
        coder->off[i] = (int64_t)steps_off((enum history_form)scale.form, values[i], near);
    }
}

/* With an exponent below `below`. True: written so. */
static bool put_near(struct bytes_out *out, struct history_coder *coder, const union value *values,
                     size_t count, unsigned below)
{
    struct history_scale scale;
    if (!find_near(values, count, &scale) || scale.exponent >= below) {
        return false;
    }
    split(coder, scale, values, count);
    bytes_put_u8(out, (uint8_t)(scale.form | OFF | scale.exponent << 4));
    history_integers_put(out, coder, coder->numbers, count);
    history_integers_put(out, coder, coder->off, count);
    return true;
}

/* --- a column --- */

/* All are integers of the scale, or its form is NONE and XOR it is. */
static void put_exact(struct bytes_out *out, struct history_coder *coder, const union value *values,
                      size_t count, struct history_scale scale)
{
    bytes_put_u8(out, (uint8_t)(scale.form | scale.exponent << 4));
    if (scale.form == HISTORY_FORM_NONE) {
        history_xor_put(out, values, count);
        return;
    }
    history_integers_put(out, coder, coder->numbers, count);
}

void history_doubles_put(struct bytes_out *out, struct history_coder *coder,
                         const union value *values, size_t count, struct history_scale scale)
{
    bool exact = scale.form != HISTORY_FORM_NONE;
    uint8_t *start = out->at;
    if ((exact && scale.exponent < NEAR_FROM) ||
        !put_near(out, coder, values, count, exact ? scale.exponent : OFF_DIGITS)) {
        put_exact(out, coder, values, count, scale);
        return;
    }
    uint8_t *behind = out->at; /* which is the smaller is known when both are written */
    if (exact) {
        coder->kernels->integers((enum history_form)scale.form, scale.exponent, values, count,
                                 coder->numbers);
    }
    put_exact(out, coder, values, count, scale);
    if (out->at - behind < behind - start) {
        history_keep_second(out, start, behind);
    } else {
        out->at = behind;
    }
}

void history_doubles_get(struct bytes *in, struct history_coder *coder, union value *values,
                         size_t count, struct history_part part)
{
    uint8_t head = bytes_get_u8(in);
    enum history_form form = (enum history_form)(head & FORM_MASK);
    bool off = (head & OFF) != 0;
    size_t wanted = part.end - part.first;
    if (form > HISTORY_FORM_NONE || (form == HISTORY_FORM_NONE && head != form)) {
        bytes_fail(in);
        return;
    }
    if (form == HISTORY_FORM_NONE) {
        history_xor_get(in, values, count);
        return;
    }
    bool alike = history_integers_get(in, coder, coder->numbers, count, part) && wanted > 0;
    coder->kernels->doubles(form, head >> 4, coder->numbers + part.first, values + part.first,
                            alike ? 1 : wanted);
    if (alike) {
        coder->kernels->fill((int64_t *)(void *)(values + part.first), wanted,
                             values[part.first].bits);
    }
    if (off) {
        history_integers_get(in, coder, coder->off, count, part);
        for (size_t i = part.first; i < part.end; i++) {
            values[i] = add_steps(form, values[i], (uint64_t)coder->off[i]);
        }
    }
}
