/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/http/http_target.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

/* Decodes from text[size] to room; NULL: a bad escape, or a character that has no place there. */
static char *decode(const char *text, size_t size, bool query, char *room)
{
    char *start = room;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '%') {
            int high = size - i > 2 ? str_hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? str_hex_digit(text[i + 2]) : -1;
            if (low < 0) {
                return NULL;
            }
            c = (unsigned char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && query) {
            c = ' ';
        }
        if (c < ' ' || c == 0x7f) {
            return NULL;
        }
        *room++ = (char)c;
    }
    *room = '\0';
    return str_is_utf8(start, (size_t)(room - start)) ? room + 1 : NULL;
}

static int no_target(struct err *err)
{
    err_set(err, BUSBAR_EINVAL, "the address is not well formed");
    return err_hint(err, "POST /DEVICE, with other characters as %%20");
}

static int parse_query(const char *text, char *room, struct http_target *out, struct err *err)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "&");
        size_t name_size = strcspn(text, "=&");
        if (size > 0) {
            bool has_text = name_size < size;
            const char *name = room;
            room = decode(text, name_size, true, room);
            const char *value = room;
            room = room == NULL ? NULL
                                : decode(text + name_size + has_text, size - name_size - has_text,
                                         true, room);
            if (room == NULL) {
                return no_target(err);
            }
            if (strcmp(name, "apikey") == 0) {
                out->key = value;
            } else if (out->query_count == HTTP_QUERIES_MAX) {
                return err_set(err, BUSBAR_ELIMIT, "the address has more than %d parameters",
                               HTTP_QUERIES_MAX);
            } else {
                out->queries[out->query_count++] = (struct http_query){ name, value };
            }
        }
        text += size + (text[size] == '&');
    }
    return 0;
}

int http_target_parse(const char *text, struct http_target *out, struct err *err)
{
    size_t size = strcspn(text, "?");
    out->path = "";
    out->key = NULL;
    out->query_count = 0;
    if (text[0] != '/') {
        return no_target(err);
    }
    if (strlen(text) > HTTP_TARGET_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "the address is over %d bytes", HTTP_TARGET_MAX);
    }
    char *room = decode(text + 1, size - 1, false, out->room);
    if (room == NULL) {
        return no_target(err);
    }
    out->path = out->room;
    return text[size] == '?' ? parse_query(text + size + 1, room, out, err) : 0;
}

const char *http_bearer(const char *authorization)
{
    static const char word[] = "Bearer";
    if (authorization == NULL || strncasecmp(authorization, word, sizeof(word) - 1) != 0 ||
        authorization[sizeof(word) - 1] != ' ') {
        return NULL;
    }
    const char *key = authorization + sizeof(word);
    return key + strspn(key, " ");
}

static bool next_word(const char **text, char *word, size_t size)
{
    *text += strspn(*text, ", ");
    size_t length = strcspn(*text, ",");
    str_format(word, size, "%.*s", (int)length, *text);
    *text += length;
    return length > 0;
}

bool http_name_listed(const char *patterns, const char *name)
{
    char pattern[256];
    while (next_word(&patterns, pattern, sizeof(pattern))) {
        if (name[0] != '\0' && str_glob(str_trim(pattern), name)) {
            return true;
        }
    }
    return false;
}

bool http_names_listed(const char *patterns, const char *names)
{
    char name[512];
    while (next_word(&names, name, sizeof(name))) {
        if (http_name_listed(patterns, str_trim(name))) {
            return true;
        }
    }
    return false;
}
