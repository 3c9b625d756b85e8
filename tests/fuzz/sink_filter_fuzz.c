/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a sink's filter, as a person writes them: points, except and series, each a line; a path is asked for. What
 * is taken says the same again in other words: its hash does not depend on white space around patterns. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "sinks/filter.h"

enum { LINES = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = busbar_strndup((const char *)data, size);
    char *lines[LINES] = { text, text + strlen(text), text + strlen(text), text + strlen(text) };
    for (int i = 1; i < LINES && (lines[i] = strchr(lines[i - 1], '\n')) != NULL; i++) {
        *lines[i]++ = '\0';
    }
    for (int i = 1; i < LINES; i++) {
        lines[i] = lines[i] != NULL ? lines[i] : lines[i - 1] + strlen(lines[i - 1]);
    }
    struct sink_filter *filter = NULL;
    struct err err = { 0 };
    int which = -1;
    int error = sink_filter_new(NULL, lines[0], lines[1], lines[2], false, &filter, &which, &err);
    assert(which >= 0 && which <= 2);
    if (error == 0) {
        struct buf words;
        buf_init(&words, 1 << 20);
        sink_filter_words(filter, &words);
        assert(words.size > 0 && sink_filter_hash(filter) != 0);
        (void)sink_filter_takes_path(filter, lines[3]);
        buf_fini(&words);
    } else {
        assert(filter == NULL && err.message[0] != '\0');
    }
    sink_filter_unref(filter);
    busbar_free(text);
    return 0;
}
