/* SPDX-License-Identifier: Apache-2.0 */
/* What senders choose of a post's head: address with path and parameters, the Authorization header, the names of a
 * certificate. First line: target, second: header, third: names. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "drivers/http/http_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void check_text(const char *text)
{
    size_t size = strlen(text);
    check(str_is_utf8(text, size));
    for (size_t i = 0; i < size; i++) {
        check((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
    }
}

static void check_target(const char *line)
{
    struct http_target target;
    struct err err = { 0 };
    int error = http_target_parse(line, &target, &err);
    if (error != 0) {
        check(err.message[0] != '\0' && err.code == error);
        return;
    }
    check(line[0] == '/' && strlen(line) <= HTTP_TARGET_MAX);
    check(target.query_count <= HTTP_QUERIES_MAX);
    check_text(target.path);
    for (size_t i = 0; i < target.query_count; i++) {
        check_text(target.queries[i].name);
        check_text(target.queries[i].text);
        check(strcmp(target.queries[i].name, "apikey") != 0);
    }
    if (target.key != NULL) {
        check_text(target.key);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    char *header = strchr(text, '\n');
    if (header != NULL) {
        *header++ = '\0';
        char *names = strchr(header, '\n');
        if (names != NULL) {
            *names++ = '\0';
            (void)http_names_listed("pv-*, meter-?", names);
            (void)http_names_listed(names, header);
        }
        const char *key = http_bearer(header);
        check(key == NULL || (key >= header && key <= header + strlen(header)));
    }
    check_target(text);
    free(text);
    return 0;
}
