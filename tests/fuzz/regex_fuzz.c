/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions: expression and text are parted by the first zero byte. What has a short form says the same as
 * the engine: the expression in a group that is repeated once always goes there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "model/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int match(const char *expression, size_t expression_size, const char *text, size_t size)
{
    struct regex *regex;
    struct err err = { 0 };
    if (regex_new(expression, expression_size, &regex, &err) != 0) {
        if (err.code >= 0 || err.message[0] == '\0' || regex != NULL) {
            abort();
        }
        return err.code;
    }
    const struct regex_text *literals;
    (void)regex_literals(regex, &literals);
    int result = regex_match(regex, text, size);
    regex_free(regex);
    return result;
}

static bool is_simple(const char *expression, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = expression[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!word && strchr(".*+|-_", c) == NULL) {
            return false;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    size_t expression_size = zero != NULL ? (size_t)(zero - data) : size;
    size_t text_size = zero != NULL ? size - expression_size - 1 : 0;
    char *expression = malloc(expression_size + 1), *text = malloc(text_size + 1);
    char *grouped = malloc(expression_size + 8);
    memcpy(expression, data, expression_size);
    memcpy(text, data + size - text_size, text_size);
    int result = match(expression, expression_size, text, text_size);
    if (result >= 0 && is_simple(expression, expression_size) && str_is_utf8(text, text_size)) {
        memcpy(grouped, "(?:", 3);
        memcpy(grouped + 3, expression, expression_size);
        memcpy(grouped + 3 + expression_size, "){1}", 4);
        int engine = match(grouped, expression_size + 7, text, text_size);
        if (engine >= 0 && engine != result) {
            abort();
        }
    }
    free(expression);
    free(text);
    free(grouped);
    return 0;
}
