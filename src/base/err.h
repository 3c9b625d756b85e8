/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of error codes, and the error that a person reads.
 *
 * A call returns int: 0, or a negative code of this table; it never returns errno or another
 * library's code. Where a person will read the reason (configuration, addresses, queries, REST) the
 * call also takes a `struct err *` as its last parameter, which may be NULL.
 *
 * The hint of a `struct err` says what to do next; the message says where and what is wrong.
 */
#ifndef BUSBAR_BASE_ERR_H
#define BUSBAR_BASE_ERR_H

#include <stddef.h>

/* X(name, number, text): the numbers are stable, they appear in stored journals. */
#define BUSBAR_ERRORS(X)                                      \
    X(ENOMEM, -1, "out of memory")                            \
    X(ELIMIT, -2, "a limit was reached")                      \
    X(EINVAL, -3, "invalid argument")                         \
    X(ESHORT, -4, "data ends too early")                      \
    X(EPROTO, -5, "the peer broke the protocol")              \
    X(EIO, -6, "input/output error")                          \
    X(ENOSPC, -7, "no space left on the disk")                \
    X(ECANCELED, -8, "canceled")                              \
    X(ETIMEOUT, -9, "no answer in time")                      \
    X(ETOOBIG, -10, "too big for the device")                 \
    X(EREFUSED, -11, "refused by the device")                 \
    X(EHOST, -12, "host name not found")                      \
    X(EROUTE, -13, "no route to the host")                    \
    X(ECONNREFUSED, -14, "connection refused")                \
    X(ECLOSED, -15, "connection closed by the peer")          \
    X(ERESET, -16, "connection reset by the peer")            \
    X(ETLS, -17, "TLS failed")                                \
    X(EBUSY, -18, "busy")                                     \
    X(EEXIST, -19, "already exists")                          \
    X(ENOENT, -20, "not found")                               \
    X(EPERM, -21, "not permitted")                            \
    X(ECONFIG, -22, "the configuration is wrong")             \
    X(EUNSUPPORTED, -23, "not supported")                     \
    X(EINTERNAL, -24, "internal error")                       \
    X(EADDRINUSE, -25, "address already in use")              \
    X(ERANGE, -26, "out of range")                            \
    X(EDAMAGED, -27, "stored data is damaged")                \
    X(ENOTCONN, -28, "not connected")                         \
    X(EAGAIN, -29, "not ready, try again")                    \
    X(ESYNTAX, -30, "syntax error")                           \
    X(EWRONGTYPE, -31, "wrong type")                          \
    X(ECONFLICT, -32, "conflicts with something that exists") \
    X(EAUTH, -33, "login refused")                            \
    X(EUNTRUSTED, -34, "certificate not trusted")

enum busbar_error {
#define X(name, number, text) BUSBAR_##name = (number),
    BUSBAR_ERRORS(X)
#undef X
};

/* The code's name without prefix ("ETIMEOUT"); "OK" for 0, "EUNKNOWN" for a number not in the table. */
const char *err_name(int code);

/* The code of a name without prefix; 0 when there is none of that name. */
int err_code(const char *name);

/* One English phrase, lower case, no full stop; never NULL. */
const char *err_text(int code);

/* A place in a text the user wrote. Lines and columns count from 1 (0: unknown), columns in
 * characters; width is how many columns the mark covers (0: one). `file` is borrowed. */
struct position {
    const char *file;
    int line;
    int column;
    int width;
};

enum { ERR_FILE_MAX = 256, ERR_MESSAGE_MAX = 320, ERR_HINT_MAX = 256 };

/* Open struct, copied by value; `struct err err = { 0 };` means no error. Texts are cut, never overrun. */
struct err {
    int code;
    int line;
    int column;
    int width;
    char file[ERR_FILE_MAX];
    char message[ERR_MESSAGE_MAX];
    char hint[ERR_HINT_MAX];
};

/* Fills err (NULL: does nothing) with code and message, clears position and hint. Returns code. */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds or replaces the hint; err may be NULL. Returns err->code (BUSBAR_EINTERNAL if err is NULL). */
int err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Like err_set(), at a position, with a hint (NULL: none). Returns code. */
int err_at(struct err *err, int code, struct position at, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Puts "context: " before the message, to say what was being done. Returns err's code. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Maps an errno value (positive) to a code of the table; what has no match is BUSBAR_EIO. */
int err_from_errno(int error_number);

#endif
