/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of labels: order, comparison, and the canonical text.
 *
 *   sat                          sat{device="ahu-1"}
 *   {"sat-sp", device="ahu-1"}   a name that needs quotes stands first between the braces
 *   {a="b", "free word"="c"}     no metric name
 *
 * Escapes as in label_reader.h: labels_print() writes \\ \" \n, \xhh for other control characters, and all
 * other UTF-8 as it is. */
#include "model/labels.h"

#include <string.h>

#include "base/str.h"
#include "model/label_reader.h"

struct label label_of(const char *name, const char *value)
{
    return (struct label){ .name = name,
                           .value = value,
                           .name_size = (uint32_t)strlen(name),
                           .value_size = (uint32_t)strlen(value) };
}

static int compare_texts(const char *a, uint32_t a_size, const char *b, uint32_t b_size)
{
    uint32_t size = a_size < b_size ? a_size : b_size;
    int order = size > 0 ? memcmp(a, b, size) : 0;
    return order != 0 ? order : a_size < b_size ? -1 : a_size > b_size;
}

static int compare_names(const struct label *a, const struct label *b)
{
    return compare_texts(a->name, a->name_size, b->name, b->name_size);
}

/* --- order --- */

/* Well-formed UTF-8. A zero byte is, but ends a text everywhere else. Mostly it is all ASCII. */
static bool is_text(const char *text, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        if ((signed char)text[i] <= 0) {
            return memchr(text, 0, size) == NULL && str_is_utf8(text, size);
        }
    }
    return true;
}

static int refuse(const struct label *label, struct err *err)
{
    int shown = (int)str_utf8_cut(label->name, label->name_size, 64);
    if (label->name_size == 0) {
        return err_set(err, BUSBAR_EINVAL, "a label has no name");
    }
    if (label->name_size > LABEL_NAME_BYTES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "the label name '%.*s...' has %u bytes; at most %d",
                       shown, label->name, label->name_size, LABEL_NAME_BYTES_MAX);
    }
    if (label->value_size > LABEL_VALUE_BYTES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "the value of label '%.*s' has %u bytes; at most %d",
                       shown, label->name, label->value_size, LABEL_VALUE_BYTES_MAX);
    }
    if (!is_text(label->name, label->name_size)) {
        return err_set(err, BUSBAR_EINVAL, "a label name is not well-formed UTF-8 text");
    }
    return err_set(err, BUSBAR_EINVAL, "the value of label '%.*s' is not well-formed UTF-8 text",
                   shown, label->name);
}

static int check_label(const struct label *label, struct err *err)
{
    bool fine = label->name_size > 0 && label->name_size <= LABEL_NAME_BYTES_MAX &&
                label->value_size <= LABEL_VALUE_BYTES_MAX &&
                is_text(label->name, label->name_size) && is_text(label->value, label->value_size);
    return fine ? 0 : refuse(label, err);
}

/* By insertion: most senders sort already. */
static void sort_by_name(struct label *labels, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct label label = labels[i];
        size_t at = i;
        for (; at > 0 && compare_names(&label, &labels[at - 1]) < 0; at--) {
            labels[at] = labels[at - 1];
        }
        labels[at] = label;
    }
}

int labels_sort(struct label *labels, size_t *count, struct err *err)
{
    size_t kept = 0, bytes = 0;
    for (size_t i = 0; i < *count; i++) {
        int error = check_label(&labels[i], err);
        if (error != 0) {
            return error;
        }
        if (labels[i].value_size == 0) {
            continue;
        }
        if (kept == LABELS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "a series has more than %d labels", LABELS_MAX);
        }
        bytes += labels[i].name_size + labels[i].value_size;
        labels[kept++] = labels[i];
    }
    if (bytes > LABELS_BYTES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "the labels of a series have %zu bytes; at most %d",
                       bytes, LABELS_BYTES_MAX);
    }
    sort_by_name(labels, kept);
    for (size_t i = 1; i < kept; i++) {
        if (compare_names(&labels[i - 1], &labels[i]) == 0) {
            return err_set(err, BUSBAR_EINVAL, "the label '%.*s' comes twice",
                           (int)labels[i].name_size, labels[i].name);
        }
    }
    *count = kept;
    return 0;
}

const struct label *labels_get(const struct label *labels, size_t count, const char *name)
{
    struct label wanted = label_of(name, "");
    for (size_t i = 0; i < count; i++) {
        if (compare_names(&labels[i], &wanted) == 0) {
            return &labels[i];
        }
    }
    return NULL;
}

int labels_compare(const struct label *a, size_t a_count, const struct label *b, size_t b_count)
{
    size_t count = a_count < b_count ? a_count : b_count;
    for (size_t i = 0; i < count; i++) {
        int order = compare_names(&a[i], &b[i]);
        if (order == 0) {
            order = compare_texts(a[i].value, a[i].value_size, b[i].value, b[i].value_size);
        }
        if (order != 0) {
            return order;
        }
    }
    return a_count < b_count ? -1 : a_count > b_count;
}

/* --- text --- */

static bool is_plain(const char *name, size_t size, bool colon)
{
    size_t plain = 0;
    while (plain < size && label_is_plain_at(name[plain], plain, colon)) {
        plain++;
    }
    return size > 0 && plain == size;
}

bool label_is_plain_metric(const char *name, size_t size)
{
    return is_plain(name, size, true);
}

bool label_is_plain_name(const char *name, size_t size)
{
    return is_plain(name, size, false);
}

static void print_quoted(const char *text, size_t size, struct buf *out)
{
    buf_append_byte(out, '"');
    size_t done = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != 0x7f && c != '"' && c != '\\') {
            continue;
        }
        buf_append(out, text + done, i - done);
        done = i + 1;
        if (c == '"' || c == '\\') {
            buf_append_byte(out, '\\');
            buf_append_byte(out, c);
        } else if (c == '\n') {
            buf_append(out, "\\n", 2);
        } else {
            buf_printf(out, "\\x%02x", c);
        }
    }
    buf_append(out, text + done, size - done);
    buf_append_byte(out, '"');
}

void labels_print(const struct label *labels, size_t count, struct buf *out)
{
    const struct label *metric = labels_get(labels, count, LABEL_METRIC);
    bool plain = metric != NULL && label_is_plain_metric(metric->value, metric->value_size);
    if (plain) {
        buf_append(out, metric->value, metric->value_size);
        if (count == 1) {
            return;
        }
    }
    buf_append_byte(out, '{');
    const char *comma = "";
    if (metric != NULL && !plain) {
        print_quoted(metric->value, metric->value_size, out);
        comma = ", ";
    }
    for (size_t i = 0; i < count; i++) {
        if (&labels[i] == metric) {
            continue;
        }
        buf_append_text(out, comma);
        comma = ", ";
        if (label_is_plain_name(labels[i].name, labels[i].name_size)) {
            buf_append(out, labels[i].name, labels[i].name_size);
        } else {
            print_quoted(labels[i].name, labels[i].name_size, out);
        }
        buf_append_byte(out, '=');
        print_quoted(labels[i].value, labels[i].value_size, out);
    }
    buf_append_byte(out, '}');
}

/* --- and back --- */

static struct label metric_of(const char *value, uint32_t size)
{
    struct label label = label_of(LABEL_METRIC, "");
    label.value = value;
    label.value_size = size;
    return label;
}

/* One of `name="value"`, `"name"="value"`, `"metric name"`. */
static int take_label(struct label_reader *in, struct label *label, bool *metric)
{
    bool quoted = label_reader_at_quote(in);
    int error = 0;
    if (quoted) {
        error = label_reader_quoted(in, &label->name, &label->name_size);
    } else {
        label_reader_plain(in, false, &label->name, &label->name_size);
        error = label->name_size == 0 ? label_reader_wrong(in, "a label name is expected here") : 0;
    }
    if (error != 0) {
        return error;
    }
    if (!label_reader_take(in, '=')) {
        if (!quoted || *metric) {
            return label_reader_wrong(in, "'=' is expected after the label name");
        }
        *metric = true;
        *label = metric_of(label->name, label->name_size);
        return 0;
    }
    label_reader_skip_blanks(in);
    if (!label_reader_at_quote(in)) {
        return label_reader_wrong(in, "a value in quotes is expected here");
    }
    return label_reader_quoted(in, &label->value, &label->value_size);
}

static int take_braces(struct label_reader *in, struct label *labels, size_t *count, bool metric)
{
    while (!label_reader_take(in, '}')) {
        if (*count == LABELS_MAX) {
            return err_set(in->err, BUSBAR_ELIMIT, "more than %d labels", LABELS_MAX);
        }
        int error = take_label(in, &labels[*count], &metric);
        if (error != 0) {
            return error;
        }
        ++*count;
        if (!label_reader_take(in, ',')) {
            return label_reader_take(in, '}')
                       ? 0
                       : label_reader_wrong(in, "',' or '}' is expected here");
        }
    }
    return 0;
}

int labels_parse(const char *text, size_t size, struct label labels[LABELS_MAX], size_t *count,
                 struct buf *store, struct err *err)
{
    struct label_reader in;
    *count = 0;
    int error = label_reader_init(&in, text, size, store, err);
    if (error != 0) {
        return error;
    }
    label_reader_skip_blanks(&in);
    struct label metric = metric_of("", 0);
    label_reader_plain(&in, true, &metric.value, &metric.value_size);
    if (metric.value_size > 0) {
        labels[(*count)++] = metric;
    }
    if (label_reader_take(&in, '{')) {
        error = take_braces(&in, labels, count, metric.value_size > 0);
    } else if (metric.value_size == 0) {
        error = label_reader_wrong(&in, "a metric name or '{' is expected here");
    }
    label_reader_skip_blanks(&in);
    if (error == 0 && in.at < size) {
        error = label_reader_wrong(&in, "nothing more is expected here");
    }
    return error != 0 ? error : labels_sort(labels, count, err);
}
