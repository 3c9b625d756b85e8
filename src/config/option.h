/* SPDX-License-Identifier: Apache-2.0 */
/* Options: the settings a protocol has, as rows of a table. From the same rows come the checks of
 * the configuration (unknown key, wrong type, out of bounds, nearest key), the help texts and the
 * page's forms. Settings are what one device or one point set of them.
 *
 * A driver has two tables: one for a device, one for a point. */
#ifndef BUSBAR_CONFIG_OPTION_H
#define BUSBAR_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum option_type {
    OPTION_BOOL,
    OPTION_INT,
    OPTION_DOUBLE,
    OPTION_TEXT,
    OPTION_DURATION, /* microseconds in .i; written 500ms, 30s, 2m, 10h, 2y; min, max in us. The word
                      * in choices[0], where there is one, stands for -1 */
    OPTION_CHOICE,   /* index into choices in .i */
    OPTION_SECRET,   /* !secret name; the secret's name in .text, its value by secrets_get() */
    OPTION_PART,     /* a map of its own, read by its owner; load_section() passes it over */
};

struct option {
    const char *key;
    enum option_type type;
    const char *fallback; /* default as it would be written; NULL = none, setting is then unset */
    int64_t min, max;     /* OPTION_INT, OPTION_DURATION; OPTION_TEXT: bytes; both 0 = unbounded */
    const char *const *choices; /* NULL-terminated, OPTION_CHOICE */
    const char *help;           /* one line for a person */
    bool
        file; /* OPTION_TEXT: the name of a file; a relative one counts from the folder of the configuration */
};

enum { OPTION_FILE_MAX = 1024 };
#define OPTION_FILE_ROW(key_, help_)                                                           \
    {                                                                                          \
        .key = (key_), .type = OPTION_TEXT, .min = 1, .max = OPTION_FILE_MAX, .help = (help_), \
        .file = true                                                                           \
    }

union setting_value {
    bool b;
    int64_t i;
    double d;
    const char *text;
};

struct setting {
    uint16_t option;    /* index into the table */
    struct position at; /* of the value; at.file borrowed */
    union setting_value value;
};

/* What was set, in any order; options with a fallback that were not set are not in `set`. */
struct settings {
    const struct option *options; /* ends with key NULL */
    const struct setting *set;
    size_t count;
    struct position at; /* of the whole part */
};

/* NULL when not set. `option` is the row's index. */
const struct setting *settings_find(const struct settings *settings, size_t option);
bool settings_has(const struct settings *settings, size_t option);

/* The value set, else the row's fallback, else 0, 0.0, false, NULL. Asserts the row's type. */
bool settings_bool(const struct settings *settings, size_t option);
int64_t settings_int(const struct settings *settings, size_t option); /* also duration and choice */
double settings_double(const struct settings *settings, size_t option);
const char *settings_text(const struct settings *settings, size_t option); /* also secret's name */

/* Where to point at when `option` is wrong: its value's place, else the place of the whole part. */
struct position settings_at(const struct settings *settings, size_t option);

/* A value as it is written in a file. Whole text or nothing; text options borrow `text`.
 * Returns 0, BUSBAR_EINVAL (not such a value) or BUSBAR_ERANGE (out of the row's bounds). */
int option_parse(const struct option *option, const char *text, union setting_value *out);
/* The other way round: "10s", "CDAB", "true"; a secret as "!secret name". */
void option_print(const struct option *option, union setting_value value, struct buf *out);

size_t option_count(const struct option *options); /* rows before the one with key NULL */
/* The row of a key, or -1. */
int option_find(const struct option *options, const char *key);

#endif
