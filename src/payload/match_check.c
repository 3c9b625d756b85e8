/* SPDX-License-Identifier: Apache-2.0 */
/* Which regular expressions are refused: those whose effort can grow with the power of the text's length, and those that
 * do more than match. A backtracking matcher takes for ever where what is repeated can be cut up in many ways:
 *
 *   (a+)*  (\w+\s?)*     something of any length, repeated       (a|aa)*  (\d|\w)*   alternatives that begin alike, repeated
 *
 * Possessive repeats and atomic groups never go back, so they are fine: (?:\w+,)*+ */
#include <string.h>

#include "base/str.h"
#include "payload/match.h"

enum { NESTING_MAX = 32, REPEATS_MANY = 10 };

struct scan {
    const char *text;
    size_t size, at;
    unsigned nesting;
    struct err *err;
};

/* What a group, or another part, is made of. */
struct part {
    bool varies; /* it holds something that may be repeated more or less often */
    bool alike;  /* it has alternatives that may begin alike */
};

struct repeat {
    bool there, many, varies, possessive;
};

static int refuse(struct scan *scan, size_t at, int code, const char *hint, const char *what)
{
    struct position position = { .line = 1, .column = (int)str_utf8_length(scan->text, at) + 1 };
    return err_at(scan->err, code, position, hint, "character %d: %s", position.column, what);
}

static bool starts(const struct scan *scan, const char *with)
{
    size_t size = strlen(with);
    return scan->size - scan->at >= size && memcmp(scan->text + scan->at, with, size) == 0;
}

static char here(const struct scan *scan)
{
    return scan->at < scan->size ? scan->text[scan->at] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* {2}, {2,}, {2,5}; anything else in braces means itself. */
static bool take_braces(struct scan *scan, struct repeat *repeat)
{
    size_t at = scan->at + 1;
    unsigned long low = 0, high = 0;
    size_t digits = at;
    for (; at < scan->size && is_digit(scan->text[at]) && at - digits < 6; at++) {
        low = low * 10 + (unsigned long)(scan->text[at] - '0');
    }
    if (at == digits) {
        return false;
    }
    high = low;
    bool open = false;
    if (at < scan->size && scan->text[at] == ',') {
        digits = ++at;
        for (high = 0; at < scan->size && is_digit(scan->text[at]) && at - digits < 6; at++) {
            high = high * 10 + (unsigned long)(scan->text[at] - '0');
        }
        open = at == digits;
    }
    if (at >= scan->size || scan->text[at] != '}') {
        return false;
    }
    repeat->many = open || high > REPEATS_MANY;
    repeat->varies = open || high != low;
    scan->at = at + 1;
    return true;
}

static struct repeat take_repeat(struct scan *scan)
{
    struct repeat repeat = { 0 };
    char c = here(scan);
    if (c == '*' || c == '+' || c == '?') {
        repeat = (struct repeat){ .there = true, .many = c != '?', .varies = true };
        scan->at++;
    } else if (c == '{') {
        repeat.there = take_braces(scan, &repeat);
    }
    if (repeat.there && here(scan) == '+') {
        repeat.possessive = true;
        scan->at++;
    } else if (repeat.there && here(scan) == '?') {
        scan->at++;
    }
    return repeat;
}

static int take_escape(struct scan *scan)
{
    size_t at = scan->at++;
    char c = here(scan);
    if ((c >= '1' && c <= '9') || c == 'k' || c == 'g') {
        return refuse(scan, at, BUSBAR_EUNSUPPORTED,
                      "say what stands there instead of referring to a group",
                      "back-references can take for ever, so they are not taken");
    }
    if (c == 'Q') {
        const char *end = scan->at + 1 <= scan->size
                              ? memmem(scan->text + scan->at, scan->size - scan->at, "\\E", 2)
                              : NULL;
        scan->at = end != NULL ? (size_t)(end - scan->text) + 2 : scan->size;
        return 0;
    }
    scan->at += scan->at < scan->size;
    if (strchr("xpPoN", c) != NULL && c != '\0' && here(scan) == '{') {
        const char *end = memchr(scan->text + scan->at, '}', scan->size - scan->at);
        scan->at = end != NULL ? (size_t)(end - scan->text) + 1 : scan->size;
    }
    return 0;
}

static void take_class(struct scan *scan)
{
    scan->at++;
    scan->at += here(scan) == '^';
    scan->at += here(scan) == ']';
    while (scan->at < scan->size && here(scan) != ']') {
        if (starts(scan, "[:")) {
            const char *end = memmem(scan->text + scan->at, scan->size - scan->at, ":]", 2);
            scan->at = end != NULL ? (size_t)(end - scan->text) + 2 : scan->at + 2;
            continue;
        }
        scan->at += here(scan) == '\\' ? 2 : 1;
    }
    scan->at = scan->at < scan->size ? scan->at + 1 : scan->size;
}

/* What follows the bracket of a group; *atomic: it does not go back. *flags: it was only (?i). */
static int take_head(struct scan *scan, bool *atomic, bool *flags)
{
    static const char *const refused[] = { "(*",  "(?R", "(?&", "(?P>", "(?P=", "(?(",
                                           "(?C", "(?+", "(?0", "(?1",  "(?2",  "(?3",
                                           "(?4", "(?5", "(?6", "(?7",  "(?8",  "(?9" };
    size_t at = scan->at;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (starts(scan, refused[i])) {
            return refuse(scan, at, BUSBAR_EUNSUPPORTED, "write what is meant in full",
                          "recursion, conditions and commands to the matcher are not taken");
        }
    }
    if (starts(scan, "(?-") && scan->at + 3 < scan->size && is_digit(scan->text[scan->at + 3])) {
        return refuse(scan, at, BUSBAR_EUNSUPPORTED, "write what is meant in full",
                      "recursion is not taken");
    }
    *atomic = starts(scan, "(?>") || starts(scan, "(?=") || starts(scan, "(?!") ||
              starts(scan, "(?<=") || starts(scan, "(?<!");
    if (!starts(scan, "(?")) {
        scan->at++;
        return 0;
    }
    scan->at += 2;
    if (*atomic) {
        scan->at += here(scan) == '<' ? 2 : 1;
        return 0;
    }
    while (scan->at < scan->size && strchr(">:')|", here(scan)) == NULL) {
        scan->at += here(scan) == '\'' ? 0 : 1;
    }
    if (here(scan) == '\'') { /* (?'name' */
        const char *end = memchr(scan->text + scan->at + 1, '\'', scan->size - scan->at - 1);
        scan->at = end != NULL ? (size_t)(end - scan->text) : scan->size;
    }
    *flags = here(scan) == ')';
    scan->at += scan->at < scan->size;
    return 0;
}

static int scan_alternatives(struct scan *scan, struct part *out);

/* One character, class, escape or group. */
static int scan_one(struct scan *scan, struct part *part)
{
    char c = here(scan);
    *part = (struct part){ 0 };
    if (c == '\\') {
        return take_escape(scan);
    }
    if (c == '[') {
        take_class(scan);
        return 0;
    }
    if (c != '(') {
        scan->at++;
        return 0;
    }
    if (starts(scan, "(?#")) {
        const char *end = memchr(scan->text + scan->at, ')', scan->size - scan->at);
        scan->at = end != NULL ? (size_t)(end - scan->text) + 1 : scan->size;
        return 0;
    }
    bool atomic = false, flags = false;
    int error = take_head(scan, &atomic, &flags);
    if (error != 0 || flags) {
        return error;
    }
    error = scan_alternatives(scan, part);
    if (error == 0) {
        scan->at += scan->at < scan->size; /* the bracket */
    }
    part->varies = part->varies && !atomic;
    part->alike = part->alike && !atomic;
    return error;
}

static int scan_repeated(struct scan *scan, struct part *out)
{
    struct part part;
    size_t at = scan->at;
    int error = scan_one(scan, &part);
    if (error != 0) {
        return error;
    }
    struct repeat repeat = take_repeat(scan);
    if (repeat.there && repeat.many && !repeat.possessive && part.varies) {
        return refuse(scan, at, BUSBAR_EUNSUPPORTED,
                      "make the outer repeat possessive, (...)*+ or (...)++, or repeat only one",
                      "a repeat inside a repeat can take for ever");
    }
    if (repeat.there && repeat.many && !repeat.possessive && part.alike) {
        return refuse(
            scan, at, BUSBAR_EUNSUPPORTED,
            "use a class, [\\dA-F]+ instead of (\\d|[A-F])+, or a possessive repeat, (...)++",
            "repeated alternatives that may begin alike can take for ever");
    }
    if (!repeat.possessive) {
        out->varies = out->varies || part.varies || repeat.varies;
        out->alike = out->alike || part.alike;
    }
    return 0;
}

/* The letter that an alternative begins with; 0: not one alone. */
static unsigned char first_letter(const struct scan *scan)
{
    char c = here(scan);
    bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c);
    char next = scan->at + 1 < scan->size ? scan->text[scan->at + 1] : '\0';
    bool optional = next == '?' || next == '*' || next == '{';
    return letter && !optional ? (unsigned char)(c | 0x20) : 0;
}

static int scan_alternatives(struct scan *scan, struct part *out)
{
    bool seen[256] = { false };
    bool several = false, alike = false;
    *out = (struct part){ 0 };
    if (++scan->nesting > NESTING_MAX) {
        return refuse(scan, scan->at, BUSBAR_ELIMIT, "write it in a simpler way",
                      "groups are nested too deep");
    }
    for (;;) {
        unsigned char first = first_letter(scan);
        alike = alike || first == 0 || seen[first];
        seen[first] = true;
        while (scan->at < scan->size && here(scan) != '|' && here(scan) != ')') {
            int error = scan_repeated(scan, out);
            if (error != 0) {
                return error;
            }
        }
        if (here(scan) != '|') {
            break;
        }
        several = true;
        scan->at++;
    }
    scan->nesting--;
    out->alike = out->alike || (several && alike);
    return 0;
}

int match_check(const char *text, size_t size, struct err *err)
{
    struct scan scan = { .text = text, .size = size, .err = err };
    struct part part;
    while (scan.at < size) {
        int error = scan_alternatives(&scan, &part);
        if (error != 0) {
            return error;
        }
        scan.at += scan.at < size; /* a bracket too many: the compiler says so */
    }
    return 0;
}
