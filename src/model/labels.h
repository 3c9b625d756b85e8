/* SPDX-License-Identifier: Apache-2.0 */
/* Labels: what names a series to a query. A set is an array of labels, sorted by name (bytes), each
 * name once, no empty value (an empty value is the same as no label). `__name__` is the metric's name.
 *
 *   a point   {__name__="sat", device="ahu-1", place="hq/roof", protocol="bacnet", units="degC", ...}
 *   ingested  what the sender sent
 *
 * Texts are UTF-8, sized, borrowed. Prometheus 3 allows any UTF-8 in names; so do we. */
#ifndef BUSBAR_MODEL_LABELS_H
#define BUSBAR_MODEL_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define LABEL_METRIC "__name__"

enum {
    LABELS_MAX = 64,            /* in one set */
    LABEL_NAME_BYTES_MAX = 512, /* */
    LABEL_VALUE_BYTES_MAX = 2048,
    LABELS_BYTES_MAX = 8 * 1024, /* of one set: names and values */
};

struct label {
    const char *name, *value; /* not always NUL-terminated */
    uint32_t name_size, value_size;
};

struct label label_of(const char *name, const char *value); /* NUL-terminated texts */

/* Puts the set in order: sorts, drops empty values. BUSBAR_EINVAL (a name twice, empty name, broken
 * UTF-8), BUSBAR_ELIMIT; err names the label. *count may shrink. */
int labels_sort(struct label *labels, size_t *count, struct err *err);

/* The value of a name, or NULL. */
const struct label *labels_get(const struct label *labels, size_t count, const char *name);

/* <0, 0, >0 as Prometheus orders label sets: name by name, value by value, then the shorter first. */
int labels_compare(const struct label *a, size_t a_count, const struct label *b, size_t b_count);

/* Canonical text, as PromQL writes it: `sat{device="ahu-1"}`, `{"sat-sp", device="ahu-1"}` when the
 * name needs quotes, `{a="b"}` without a name. Two sets are equal when their texts are. */
void labels_print(const struct label *labels, size_t count, struct buf *out);

/* The reverse of labels_print(). Labels point into `store`, which the caller keeps and frees.
 * BUSBAR_ESYNTAX, BUSBAR_ELIMIT; err has the column. */
int labels_parse(const char *text, size_t size, struct label labels[LABELS_MAX], size_t *count,
                 struct buf *store, struct err *err);

/* [a-zA-Z_:][a-zA-Z0-9_:]*, and without ':' for label names: can stand in PromQL without quotes. */
bool label_is_plain_metric(const char *name, size_t size);
bool label_is_plain_name(const char *name, size_t size);

#endif
