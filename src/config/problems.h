/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a configuration, all of it in one run. One list makes the text for people and
 * the JSON for programs:
 *
 *   site.yaml:27:16: error: unknown key 'regster' in a modbus point
 *      27 |       power: { regster: 40101, type: float32 }
 *         |                ^~~~~~~  hint: did you mean 'register'?
 *
 * The same mistake told twice at the same place counts once (a profile's point, seen by each heir). */
#ifndef BUSBAR_CONFIG_PROBLEMS_H
#define BUSBAR_CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum { PROBLEMS_SHOWN_MAX = 1000 }; /* kept; the rest is only counted */

struct problem {
    bool warning; /* else an error */
    struct position at;
    const char *message;
    const char *hint;   /* "" = none */
    const char *source; /* the line as it is in the file, cut; "" = not known */
    int source_column;  /* where the mark begins in `source`, from 1 */
};

/* Open struct; texts live in its arena until problems_fini(). */
struct problems {
    struct problem *list;
    size_t count;            /* in list */
    size_t errors, warnings; /* found in all */
    struct arena arena;
    uint64_t *seen; /* hashes of what is known, open addressing */
    size_t capacity;
    bool out_of_memory; /* something could not be kept; errors is not 0 then */
};

void problems_init(struct problems *problems);
void problems_fini(struct problems *problems);

/* hint may be NULL. at.file is copied. */
void problems_error(struct problems *problems, struct position at, const char *hint,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
void problems_warning(struct problems *problems, struct position at, const char *hint,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* An error that another module filled, with code 0 a warning; `at` stands in where it has no position. */
void problems_err(struct problems *problems, const struct err *err, struct position at);

/* By file, line, column. config_load() has done it. */
void problems_sort(struct problems *problems);

/* All of them as text, and "4 errors, 1 warning" as the last line; nothing when there are none. */
void problems_print(const struct problems *problems, struct buf *out);
/* An array of {file, line, column, width, severity, message, hint, source}. */
void problems_json(const struct problems *problems, struct json_writer *json);
/* "4 errors, 1 warning" */
void problems_summary(const struct problems *problems, struct buf *out);

#endif
