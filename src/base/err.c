/* SPDX-License-Identifier: Apache-2.0 */
/* Names and texts are made from the table in the header; nothing here is written twice. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct code {
    int number;
    const char *name;
    const char *text;
};

static const struct code codes[] = {
#define X(name, number, text) { (number), #name, (text) },
    BUSBAR_ERRORS(X)
#undef X
};

static const struct code *find(int number)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].number == number) {
            return &codes[i];
        }
    }
    return NULL;
}

const char *err_name(int code)
{
    const struct code *found = find(code);
    return found != NULL ? found->name : code == 0 ? "OK" : "EUNKNOWN";
}

const char *err_text(int code)
{
    const struct code *found = find(code);
    return found != NULL ? found->text : code == 0 ? "no error" : "unknown error";
}

static void fill(struct err *err, int code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void fill(struct err *err, int code, const char *format, va_list args)
{
    memset(err, 0, offsetof(struct err, file));
    err->file[0] = '\0';
    err->hint[0] = '\0';
    err->code = code;
    char message[ERR_MESSAGE_MAX]; /* an argument may be err->message itself */
    (void)vsnprintf(message, sizeof(message), format, args);
    (void)str_copy(err->message, sizeof(err->message), message);
}

int err_set(struct err *err, int code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        fill(err, code, format, args);
        va_end(args);
    }
    return code;
}

int err_hint(struct err *err, const char *format, ...)
{
    if (err == NULL) {
        return BUSBAR_EINTERNAL;
    }
    va_list args;
    va_start(args, format);
    char hint[ERR_HINT_MAX];
    (void)vsnprintf(hint, sizeof(hint), format, args);
    va_end(args);
    (void)str_copy(err->hint, sizeof(err->hint), hint);
    return err->code;
}

int err_at(struct err *err, int code, struct position at, const char *hint, const char *format, ...)
{
    if (err == NULL) {
        return code;
    }
    char hint_copy[ERR_HINT_MAX] = "";
    if (hint != NULL) {
        (void)str_copy(hint_copy, sizeof(hint_copy), hint);
    }
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    err->line = at.line;
    err->column = at.column;
    err->width = at.width;
    (void)str_copy(err->file, sizeof(err->file), at.file != NULL ? at.file : "");
    (void)str_copy(err->hint, sizeof(err->hint), hint_copy);
    return code;
}

int err_prefix(struct err *err, const char *format, ...)
{
    if (err == NULL) {
        return BUSBAR_EINTERNAL;
    }
    char prefix[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(prefix, sizeof(prefix), format, args);
    va_end(args);
    char message[ERR_MESSAGE_MAX];
    (void)str_format(message, sizeof(message), "%s: %s", prefix, err->message);
    (void)str_copy(err->message, sizeof(err->message), message);
    return err->code;
}

int err_from_errno(int error_number)
{
    switch (error_number) {
    case 0: return 0;
    case ENOMEM:
    case ENOBUFS: return BUSBAR_ENOMEM;
    case EMFILE:
    case ENFILE: return BUSBAR_ELIMIT;
    case EINVAL:
    case ENAMETOOLONG: return BUSBAR_EINVAL;
    case ENOSPC:
    case EDQUOT: return BUSBAR_ENOSPC;
    case ECANCELED: return BUSBAR_ECANCELED;
    case ETIMEDOUT: return BUSBAR_ETIMEOUT;
    case EMSGSIZE:
    case EFBIG: return BUSBAR_ETOOBIG;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN: return BUSBAR_EROUTE;
    case ECONNREFUSED: return BUSBAR_ECONNREFUSED;
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED: return BUSBAR_ERESET;
    case ENOTCONN: return BUSBAR_ENOTCONN;
    case EBUSY:
    case EWOULDBLOCK: return error_number == EBUSY ? BUSBAR_EBUSY : BUSBAR_EAGAIN;
    case EEXIST:
    case ENOTEMPTY: return BUSBAR_EEXIST;
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO: return BUSBAR_ENOENT;
    case EPERM:
    case EACCES:
    case EROFS: return BUSBAR_EPERM;
    case EADDRINUSE: return BUSBAR_EADDRINUSE;
    case EADDRNOTAVAIL: return BUSBAR_EHOST;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT: return BUSBAR_EUNSUPPORTED;
    case ERANGE: return BUSBAR_ERANGE;
    default: return BUSBAR_EIO;
    }
}

int err_code(const char *name)
{
#define X(row, number, text)       \
    if (strcmp(name, #row) == 0) { \
        return (number);           \
    }
    BUSBAR_ERRORS(X)
#undef X
    return 0;
}
