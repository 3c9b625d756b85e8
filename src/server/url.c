/* SPDX-License-Identifier: Apache-2.0 */
/* One copy of the target is cut into parts and arguments in place; decoding only ever shortens. */
#include "server/url.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

enum text_kind { TEXT_PATH, TEXT_NAME, TEXT_VALUE };

static bool is_line_space(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

/* Decodes text in place. False: a broken escape, a control character or broken UTF-8. *lines becomes
 * true when a value has tabs or line ends. */
static bool decode(char *text, enum text_kind kind, bool *lines)
{
    char *to = text;
    for (const char *at = text; *at != '\0'; at++) {
        char c = *at;
        if (c == '%') {
            int high = str_hex_digit(at[1]);
            int low = high < 0 ? -1 : str_hex_digit(at[2]);
            if (low < 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            at += 2;
        } else if (c == '+' && kind != TEXT_PATH) {
            c = ' ';
        }
        bool line = kind == TEXT_VALUE && is_line_space(c);
        if (((unsigned char)c < 0x20 && !line) || c == 0x7f) {
            return false;
        }
        *lines = *lines || line;
        *to++ = c;
    }
    *to = '\0';
    return str_is_utf8(text, (size_t)(to - text));
}

/* Cuts at the first `separator`; returns what is behind it, or NULL. */
static char *cut(char *text, char separator)
{
    char *at = strchr(text, separator);
    if (at == NULL) {
        return NULL;
    }
    *at = '\0';
    return at + 1;
}

static int parse_path(char *path, struct server_url *url, struct err *err)
{
    while (path != NULL && *path != '\0') {
        char *next = cut(path, '/');
        if (url->part_count == SERVER_URL_PARTS_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "the path has more than %d parts",
                           SERVER_URL_PARTS_MAX);
        }
        if (*path == '\0' || !decode(path, TEXT_PATH, &url->lines)) {
            return err_set(err, BUSBAR_EINVAL, "the path is not well formed");
        }
        url->parts[url->part_count++] = path;
        path = next;
    }
    return path == NULL || url->part_count > 0
               ? 0
               : err_set(err, BUSBAR_EINVAL, "the path is not well formed");
}

static int parse_query(char *query, struct server_url *url, struct err *err)
{
    while (query != NULL && *query != '\0') {
        char *next = cut(query, '&');
        if (*query != '\0') {
            if (url->arg_count == SERVER_URL_ARGS_MAX) {
                return err_set(err, BUSBAR_ELIMIT, "there are more than %d parameters",
                               SERVER_URL_ARGS_MAX);
            }
            char *value = cut(query, '=');
            if (!decode(query, TEXT_NAME, &url->lines) ||
                (value != NULL && !decode(value, TEXT_VALUE, &url->lines))) {
                return err_set(err, BUSBAR_EINVAL, "a parameter is not well formed");
            }
            url->args[url->arg_count++] = (struct server_url_arg){ .name = query,
                                                                   .value = value != NULL ? value
                                                                                          : "" };
        }
        query = next;
    }
    return 0;
}

int server_url_parse(const char *target, struct server_url *url, struct err *err)
{
    *url = (struct server_url){ 0 };
    if (target[0] != '/' || strchr(target, '#') != NULL) {
        return err_set(err, BUSBAR_EINVAL, "the request's target must be a path");
    }
    size_t size = strlen(target) + 1;
    url->block = busbar_try_alloc(size);
    if (url->block == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    memcpy(url->block, target, size);
    char *query = cut(url->block, '?');
    char *path = url->block + 1;
    int error = *path != '\0' ? parse_path(path, url, err) : 0;
    if (error == 0) {
        error = parse_query(query, url, err);
    }
    if (error != 0) {
        server_url_fini(url);
    }
    return error;
}

int server_url_add_form(struct server_url *url, const char *text, size_t size, struct err *err)
{
    assert(url->form == NULL);
    if (memchr(text, '\0', size) != NULL) {
        return err_set(err, BUSBAR_EINVAL, "the form is not well formed");
    }
    struct server_url form = { .block = busbar_try_alloc(size + 1) };
    if (form.block == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    memcpy(form.block, text, size);
    form.block[size] = '\0';
    int error = parse_query(form.block, &form, err);
    if (error == 0 && form.arg_count + url->arg_count > SERVER_URL_ARGS_MAX) {
        error = err_set(err, BUSBAR_ELIMIT, "form and query have more than %d parameters",
                        SERVER_URL_ARGS_MAX);
    }
    if (error != 0) {
        busbar_free(form.block);
        return error;
    }
    memmove(url->args + form.arg_count, url->args, url->arg_count * sizeof(url->args[0]));
    memcpy(url->args, form.args, form.arg_count * sizeof(url->args[0]));
    url->arg_count += form.arg_count;
    url->lines = url->lines || form.lines;
    url->form = form.block;
    return 0;
}

void server_url_fini(struct server_url *url)
{
    busbar_free(url->block);
    busbar_free(url->form);
    *url = (struct server_url){ 0 };
}

const char *server_url_arg(const struct server_url *url, const char *name)
{
    return server_url_arg_at(url, name, 0);
}

const char *server_url_arg_at(const struct server_url *url, const char *name, size_t index)
{
    for (size_t i = 0; i < url->arg_count; i++) {
        if (strcmp(url->args[i].name, name) == 0 && index-- == 0) {
            return url->args[i].value;
        }
    }
    return NULL;
}
