/* SPDX-License-Identifier: Apache-2.0 */
#include "promql/pattern.h"

static bool is_name(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* The name behind a $; 0 when there is none. *used counts the braces too. */
static size_t group_name(const char *text, size_t size, const char **name, size_t *used)
{
    bool braced = size > 0 && text[0] == '{';
    size_t begin = braced ? 1 : 0;
    size_t end = begin;
    while (end < size && is_name(text[end])) {
        end++;
    }
    if (braced && (end == size || text[end] != '}')) {
        return 0;
    }
    *name = text + begin;
    *used = end + (braced ? 1 : 0);
    return end - begin;
}

void promql_pattern_expand(const struct regex *regex, const char *text, const char *replacement,
                           size_t replacement_size, struct buf *out)
{
    for (size_t i = 0; i < replacement_size;) {
        const char *name;
        size_t used;
        struct regex_text group;
        if (replacement[i] != '$') {
            (void)buf_append_byte(out, (uint8_t)replacement[i++]);
            continue;
        }
        i++;
        if (i < replacement_size && replacement[i] == '$') {
            (void)buf_append_byte(out, '$');
            i++;
            continue;
        }
        size_t size = group_name(replacement + i, replacement_size - i, &name, &used);
        if (size == 0) {
            (void)buf_append_byte(out, '$'); /* a lone dollar stays */
            continue;
        }
        if (regex_group(regex, text, name, size, &group)) {
            (void)buf_append(out, group.text, group.size);
        }
        i += used;
    }
}
