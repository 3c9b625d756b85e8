/* SPDX-License-Identifier: Apache-2.0 */
/* Labels and matchers: a set that parses is printed, parses again to the same set, and is then printed the same; matchers
 * that parse can be asked. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/matchers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_set(const char *text, size_t size)
{
    struct label first[LABELS_MAX], again[LABELS_MAX];
    struct buf stores[2], printed;
    struct err err = { 0 };
    size_t first_count, again_count;
    buf_init(&stores[0], 1 << 20);
    buf_init(&stores[1], 1 << 20);
    buf_init(&printed, 1 << 20);
    if (labels_parse(text, size, first, &first_count, &stores[0], &err) == 0) {
        labels_print(first, first_count, &printed);
        if (labels_parse((const char *)printed.data, printed.size, again, &again_count, &stores[1],
                         &err) != 0 ||
            labels_compare(first, first_count, again, again_count) != 0) {
            abort();
        }
    } else if (err.code >= 0 || err.message[0] == '\0') {
        abort();
    }
    buf_fini(&stores[0]);
    buf_fini(&stores[1]);
    buf_fini(&printed);
}

static void check_matchers(const char *text, size_t size)
{
    struct label labels[] = { label_of("__name__", "power"), label_of("device", "meter-1") };
    struct matchers *matchers;
    struct err err = { 0 };
    if (matchers_new(text, size, &matchers, &err) == 0) {
        (void)matchers_match(matchers, labels, 2);
    } else if (err.code >= 0 || err.message[0] == '\0') {
        abort();
    }
    matchers_free(matchers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1); /* exact size: ASan sees one byte too many */
    if (size > 0) {
        memcpy(copy, data, size);
    }
    check_set(copy, size);
    check_matchers(copy, size);
    free(copy);
    return 0;
}
