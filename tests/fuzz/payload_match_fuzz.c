/* SPDX-License-Identifier: Apache-2.0 */
/* A regular expression up to the first 0, then a text: what is taken must come to an end, within the text. */
#include "payload/match.h"
#include "payload_rig.h"

enum { EXPRESSION_MAX = 200, TEXT_MAX = 2000, MATCHES_MAX = 100 };

static void match_all(struct match *match, const char *text, size_t size)
{
    size_t at = 0;
    for (int i = 0; i < MATCHES_MAX && at <= size; i++) {
        const char *part, *name;
        size_t part_size;
        unsigned group = match_value_group(match);
        if (match_find(match, text, size, at, NULL) != 1) {
            return;
        }
        if (match_group(match, text, group, &part, &part_size)) {
            assert(part >= text && part + part_size <= text + size);
        }
        for (size_t n = 0; (name = match_name(match, n, &group)) != NULL; n++) {
            assert(group <= MATCH_GROUPS_MAX && name[0] != '\0');
        }
        size_t end = match_end(match, text, size);
        assert(end > at || end > size);
        at = end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    struct match *match;
    if (end == NULL || end - data > EXPRESSION_MAX || data + size - end > TEXT_MAX) {
        return 0;
    }
    if (match_new((const char *)data, (size & 1) != 0, &match, NULL) == 0) {
        size_t text_size = size - (size_t)(end - data) - 1;
        char *text = malloc(text_size + (text_size == 0));
        memcpy(text, end + 1, text_size);
        if (str_is_utf8(text, text_size)) {
            match_all(match, text, text_size);
        }
        free(text);
        match_free(match);
    }
    return 0;
}
