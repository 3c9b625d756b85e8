/* SPDX-License-Identifier: Apache-2.0 */
#include "model/matchers.h"

#include <string.h>

#include "base/alloc.h"
#include "model/label_reader.h"
#include "model/regex.h"

struct condition {
    enum label_match match;
    const char *name, *value;
    uint32_t value_size;
    struct regex *regex; /* NULL: equality */
};

struct matchers {
    struct buf store; /* names and values */
    struct condition all[MATCHERS_MAX];
    size_t count;
};

static int out_of_memory(struct err *err)
{
    return err_set(err, BUSBAR_ENOMEM, "out of memory");
}

static bool take_operator(struct label_reader *in, enum label_match *match)
{
    static const struct {
        char first, second;
        enum label_match match;
    } operators[] = { { '=', '~', LABEL_MATCHES },
                      { '!', '~', LABEL_NOT_MATCHES },
                      { '!', '=', LABEL_NOT_EQUAL },
                      { '=', 0, LABEL_EQUAL } };
    label_reader_skip_blanks(in);
    size_t left = in->size - in->at;
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        size_t size = operators[i].second != 0 ? 2 : 1;
        if (left >= size && in->text[in->at] == operators[i].first &&
            (size == 1 || in->text[in->at + 1] == operators[i].second)) {
            in->at += size;
            *match = operators[i].match;
            return true;
        }
    }
    return false;
}

/* An expression that is wrong is shown at its own place: `start` is behind the opening quote. */
static int compile(struct label_reader *in, struct condition *condition, size_t start)
{
    if (condition->match == LABEL_EQUAL || condition->match == LABEL_NOT_EQUAL) {
        return 0;
    }
    int error = regex_new(condition->value, condition->value_size, &condition->regex, in->err);
    if (error == BUSBAR_ESYNTAX && in->err != NULL) {
        struct label_reader before = *in;
        char what[ERR_MESSAGE_MAX];
        memcpy(what, in->err->message, sizeof(what));
        int column = in->err->column;
        before.at = start;
        label_reader_wrong(&before, what);
        in->err->column += column - 1;
    }
    return error;
}

/* One of `name="value"`, `"name"!~"value"`, `"metric name"`. */
static int take_condition(struct label_reader *in, struct condition *condition, bool *metric)
{
    bool quoted = label_reader_at_quote(in);
    uint32_t size = 0;
    int error = 0;
    if (quoted) {
        error = label_reader_quoted(in, &condition->name, &size);
    } else {
        label_reader_plain(in, false, &condition->name, &size);
    }
    if (error == 0 && size == 0) {
        error = label_reader_wrong(in, "a label name is expected here");
    }
    if (error != 0) {
        return error;
    }
    if (!take_operator(in, &condition->match)) {
        if (!quoted || *metric) {
            return label_reader_wrong(in, "one of = != =~ !~ is expected after the label name");
        }
        *metric = true;
        condition->value = condition->name;
        condition->value_size = size;
        condition->name = LABEL_METRIC;
        return 0;
    }
    label_reader_skip_blanks(in);
    if (!label_reader_at_quote(in)) {
        return label_reader_wrong(in, "a value in quotes is expected here");
    }
    size_t start = in->at + 1;
    error = label_reader_quoted(in, &condition->value, &condition->value_size);
    return error != 0 ? error : compile(in, condition, start);
}

static int take_braces(struct label_reader *in, struct matchers *matchers, bool metric)
{
    while (!label_reader_take(in, '}')) {
        if (matchers->count == MATCHERS_MAX) {
            return err_set(in->err, BUSBAR_ELIMIT, "more than %d matchers", MATCHERS_MAX);
        }
        int error = take_condition(in, &matchers->all[matchers->count++], &metric);
        if (error != 0) {
            return error;
        }
        if (!label_reader_take(in, ',')) {
            return label_reader_take(in, '}')
                       ? 0
                       : label_reader_wrong(in, "',' or '}' is expected here");
        }
    }
    return 0;
}

static int parse(struct matchers *matchers, struct label_reader *in)
{
    struct condition metric = { .match = LABEL_EQUAL, .name = LABEL_METRIC };
    label_reader_skip_blanks(in);
    label_reader_plain(in, true, &metric.value, &metric.value_size);
    bool named = metric.value_size > 0;
    if (named) {
        matchers->all[matchers->count++] = metric;
    }
    int error = 0;
    if (label_reader_take(in, '{')) {
        error = take_braces(in, matchers, named);
    } else if (!named) {
        error = label_reader_wrong(in, "a metric name or '{' is expected here");
    }
    label_reader_skip_blanks(in);
    return error == 0 && in->at < in->size ? label_reader_wrong(in, "nothing more is expected here")
                                           : error;
}

int matchers_new(const char *text, size_t size, struct matchers **made, struct err *err)
{
    *made = NULL;
    struct matchers *matchers = busbar_try_alloc(sizeof(*matchers));
    if (matchers == NULL) {
        return out_of_memory(err);
    }
    buf_init(&matchers->store, MATCHERS_BYTES_MAX);
    struct label_reader in;
    int error = label_reader_init(&in, text, size, &matchers->store, err);
    error = error == 0 ? parse(matchers, &in) : error;
    if (error != 0) {
        matchers_free(matchers);
        return error;
    }
    *made = matchers;
    return 0;
}

void matchers_free(struct matchers *matchers)
{
    if (matchers == NULL) {
        return;
    }
    for (size_t i = 0; i < matchers->count; i++) {
        regex_free(matchers->all[i].regex);
    }
    buf_fini(&matchers->store);
    busbar_free(matchers);
}

static bool matches(const struct condition *condition, const struct label *label)
{
    const char *value = label != NULL ? label->value : "";
    uint32_t size = label != NULL ? label->value_size : 0;
    bool wanted = condition->match == LABEL_EQUAL || condition->match == LABEL_MATCHES;
    if (condition->regex == NULL) {
        bool equal = size == condition->value_size && memcmp(value, condition->value, size) == 0;
        return equal == wanted;
    }
    int result = regex_match(condition->regex, value, size);
    return result >= 0 && (result != 0) == wanted;
}

bool matchers_match(struct matchers *matchers, const struct label *labels, size_t count)
{
    for (size_t i = 0; i < matchers->count; i++) {
        const struct condition *condition = &matchers->all[i];
        if (!matches(condition, labels_get(labels, count, condition->name))) {
            return false;
        }
    }
    return true;
}
