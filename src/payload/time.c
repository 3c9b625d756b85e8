/* SPDX-License-Identifier: Apache-2.0 */
#include "payload/time.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "payload/text.h"

#define US_PER_S INT64_C(1000000)
#define FIRST_US (INT64_C(946684800) * US_PER_S)  /* 2000-01-01 */
#define LAST_US  (INT64_C(7258118400) * US_PER_S) /* 2200-01-01 */

enum { TIME_TEXT_MAX = 80, SHOWN_MAX = 60 };

/* ---- the words of the configuration ---- */

static int read_zone(const char *zone, struct time_rule *out)
{
    out->local = strcmp(zone, "local") == 0;
    if (out->local || strcmp(zone, "utc") == 0) {
        return 0;
    }
    bool shape = (zone[0] == '+' || zone[0] == '-') && strlen(zone) == 6 && zone[3] == ':';
    for (size_t i = 1; shape && i < 6; i++) {
        shape = i == 3 || (zone[i] >= '0' && zone[i] <= '9');
    }
    if (!shape) {
        return BUSBAR_EINVAL;
    }
    int hours = (zone[1] - '0') * 10 + zone[2] - '0';
    int minutes = (zone[4] - '0') * 10 + zone[5] - '0';
    if (hours > 14 || minutes > 59) {
        return BUSBAR_EINVAL;
    }
    out->zone_minutes = (int16_t)((zone[0] == '-' ? -1 : 1) * (hours * 60 + minutes));
    return 0;
}

int time_rule_read(const char *format, const char *zone, struct time_rule *out, struct err *err)
{
    static const char *const words[] = { "auto", "iso", "unix", "unix-ms", "unix-us", "unix-ns" };
    *out = (struct time_rule){ .format = TIME_PATTERN };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], format) == 0) {
            out->format = (uint8_t)i;
        }
    }
    if (out->format == TIME_PATTERN) {
        if (strchr(format, '%') == NULL) {
            const char *nearest = str_nearest(format, words, sizeof(words) / sizeof(words[0]));
            err_set(err, BUSBAR_EINVAL, "'%.40s' is no format of times", format);
            err_hint(err,
                     "%s%s%sauto, iso, unix, unix-ms, unix-us, unix-ns, or a pattern such as "
                     "'%%d.%%m.%%Y %%H:%%M:%%S'",
                     nearest != NULL ? "did you mean '" : "", nearest != NULL ? nearest : "",
                     nearest != NULL ? "'? " : "");
            return BUSBAR_EINVAL;
        }
        (void)str_copy(out->pattern, sizeof(out->pattern), format);
    }
    if (read_zone(zone, out) != 0) {
        err_set(err, BUSBAR_EINVAL, "'%.40s' is no time zone", zone);
        return err_hint(err, "utc, local (that of this machine), or +02:00");
    }
    return 0;
}

/* ---- reading ---- */

static int no_time(const struct payload_node *node, const char *text, const char *hint,
                   struct err *err)
{
    if (text != NULL) {
        err_set(err, BUSBAR_EPROTO, "'%.*s' is no time", SHOWN_MAX, text);
    } else {
        static const char *const names[] = { "null", "true or false", "a number", "a number",
                                             "text", "bytes",         "a list",   "an object" };
        err_set(err, BUSBAR_EPROTO, "%s is no time", names[node->type]);
    }
    return err_hint(err, "%s", hint);
}

/* 1, 0 (never set) or an error. */
static int bounded(double us, const struct payload_node *node, const char *text, int64_t *out,
                   struct err *err)
{
    if (!(us < (double)LAST_US)) {
        return no_time(node, text, "it would be after the year 2200: is 'time_format' right?", err);
    }
    if (us < (double)FIRST_US) {
        return 0;
    }
    *out = (int64_t)us;
    return 1;
}

/* By its size: seconds until the year 5138, then milliseconds, microseconds, nanoseconds. */
static uint8_t unit_of(double value)
{
    return value < 1e11   ? TIME_UNIX
           : value < 1e14 ? TIME_UNIX_MS
           : value < 1e17 ? TIME_UNIX_US
                          : TIME_UNIX_NS;
}

static int from_number(const struct time_rule *rule, const struct payload_node *node, bool whole,
                       int64_t i, double d, const char *text, int64_t *out, struct err *err)
{
    double value = whole ? (double)i : d;
    uint8_t format = rule->format == TIME_AUTO ? unit_of(value) : rule->format;
    if (!isfinite(value)) {
        return no_time(node, text, "is 'time' the right place?", err);
    }
    switch (format) {
    case TIME_UNIX: value *= 1e6; break;
    case TIME_UNIX_MS: value *= 1e3; break;
    case TIME_UNIX_US: break;
    case TIME_UNIX_NS: value /= 1e3; break;
    default:
        return no_time(node, text, "a number: say time_format: unix (unix-ms, unix-us, unix-ns)",
                       err);
    }
    int result = bounded(value, node, text, out, err);
    if (result == 1 && whole) { /* exact */
        *out = format == TIME_UNIX      ? i * US_PER_S
               : format == TIME_UNIX_MS ? i * 1000
               : format == TIME_UNIX_US ? i
                                        : i / 1000;
    } else if (result == 1) {
        *out = (int64_t)llround(value);
    }
    return result;
}

static int64_t to_us(const struct time_rule *rule, struct tm *tm, bool has_zone, long offset_s)
{
    if (!has_zone && rule->local) {
        tm->tm_isdst = -1;
        return (int64_t)mktime(tm) * US_PER_S;
    }
    offset_s = has_zone ? offset_s : rule->zone_minutes * 60L;
    return ((int64_t)timegm(tm) - offset_s) * US_PER_S;
}

/* Exactly `digits` digits; -1: not so. */
static int take(const char **at, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + c - '0';
    }
    *at += digits;
    return value;
}

static bool take_char(const char **at, char c)
{
    bool there = **at == c;
    *at += there;
    return there;
}

/* Z, +02:00, +0200, +02, or nothing. */
static bool take_zone(const char **at, bool *has_zone, long *offset_s)
{
    *has_zone = take_char(at, 'Z') || take_char(at, 'z');
    if (*has_zone || (**at != '+' && **at != '-')) {
        return true;
    }
    long sign = **at == '-' ? -1 : 1;
    (*at)++;
    int hours = take(at, 2);
    bool colon = take_char(at, ':');
    int minutes = **at == '\0' && !colon ? 0 : take(at, 2);
    *has_zone = true;
    *offset_s = sign * (hours * 3600L + minutes * 60L);
    return hours >= 0 && hours <= 14 && minutes >= 0 && minutes < 60;
}

static bool take_fraction(const char **at, int64_t *us)
{
    int64_t unit = US_PER_S / 10;
    *us = 0;
    if (**at != '.' && **at != ',') {
        return true;
    }
    (*at)++;
    bool any = false;
    for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10, any = true) {
        *us += (**at - '0') * unit;
    }
    return any;
}

static bool take_date(const char **at, struct tm *tm, bool *dashes)
{
    int year = take(at, 4);
    *dashes = take_char(at, '-');
    int month = take(at, 2);
    bool well = !*dashes || take_char(at, '-');
    int day = take(at, 2);
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return well && year >= 1900 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

/* 2026-11-22, then T, t or blanks, 10:44[:08[.123]], then a zone; or all of it without dashes and colons. */
static bool take_iso(const struct time_rule *rule, const char *at, int64_t *out)
{
    struct tm tm = { 0 };
    bool dashes = false, has_zone = false;
    long offset_s = 0;
    int64_t fraction_us = 0;
    if (!take_date(&at, &tm, &dashes)) {
        return false;
    }
    if (take_char(&at, 'T') || take_char(&at, 't') || take_char(&at, ' ')) {
        while (take_char(&at, ' ')) {
        }
        tm.tm_hour = take(&at, 2);
        bool colons = take_char(&at, ':');
        tm.tm_min = take(&at, 2);
        if (colons ? take_char(&at, ':') : *at >= '0' && *at <= '9') {
            tm.tm_sec = take(&at, 2);
        }
        if (!take_fraction(&at, &fraction_us)) {
            return false;
        }
        while (take_char(&at, ' ')) {
        }
        if (!take_zone(&at, &has_zone, &offset_s)) {
            return false;
        }
    }
    if (*at != '\0' || tm.tm_hour < 0 || tm.tm_hour > 24 || tm.tm_min < 0 || tm.tm_min > 59 ||
        tm.tm_sec < 0 || tm.tm_sec > 60) {
        return false;
    }
    *out = to_us(rule, &tm, has_zone, offset_s) + fraction_us;
    return true;
}

static int from_text(const struct time_rule *rule, const struct payload_node *node,
                     const char *text, int64_t *out, struct err *err)
{
    size_t size = strlen(text), used = 0;
    int64_t whole = 0;
    double real = 0;
    enum text_number number = text_number(text, size, false, &whole, &real, &used);
    if (rule->format == TIME_PATTERN) {
        struct tm tm = { .tm_mday = 1, .tm_isdst = -1 };
        const char *end = strptime(text, rule->pattern, &tm);
        bool has_zone = strstr(rule->pattern, "%z") != NULL;
        if (end == NULL || *end != '\0') {
            return no_time(node, text, "it is not as 'time_format' says", err);
        }
        if (strstr(rule->pattern, "%s") != NULL) {
            return bounded((double)mktime(&tm) * 1e6, node, text, out, err);
        }
        long offset_s = tm.tm_gmtoff;
        int64_t us = to_us(rule, &tm, has_zone, offset_s);
        return bounded((double)us, node, text, out, err);
    }
    if (rule->format != TIME_ISO && number != TEXT_NO_NUMBER && used == size &&
        !(size == 8 && rule->format == TIME_AUTO)) {
        return from_number(rule, node, number == TEXT_INT, whole, real, text, out, err);
    }
    int64_t us;
    if ((rule->format != TIME_ISO && rule->format != TIME_AUTO) || !take_iso(rule, text, &us)) {
        return no_time(node, text,
                       "2026-11-22T10:44:08Z and seconds since 1970 are known by themselves; else "
                       "say time_format: '%d.%m.%Y %H:%M:%S'",
                       err);
    }
    int result = bounded((double)us, node, text, out, err);
    *out = result == 1 ? us : *out;
    return result;
}

int time_read(const struct time_rule *rule, const struct payload_node *node, int64_t *out_us,
              struct err *err)
{
    char copy[TIME_TEXT_MAX];
    const char *text = node->value.text;
    size_t size = node->size;
    uint64_t number = 0;
    switch (node->type) {
    case PAYLOAD_NULL: return 0;
    case PAYLOAD_INT: return from_number(rule, node, true, node->value.i, 0, NULL, out_us, err);
    case PAYLOAD_DOUBLE: return from_number(rule, node, false, 0, node->value.d, NULL, out_us, err);
    case PAYLOAD_BYTES:
        for (size_t i = 0; i < size && i < 8; i++) {
            number = number << 8 | (uint8_t)text[i];
        }
        return from_number(rule, node, number <= INT64_MAX, (int64_t)(number & INT64_MAX),
                           (double)number, NULL, out_us, err);
    case PAYLOAD_TEXT: break;
    default: return no_time(node, NULL, "is 'time' the right place?", err);
    }
    text_trim(&text, &size);
    if (size == 0) {
        return 0;
    }
    if (size >= sizeof(copy) || memchr(text, '\0', size) != NULL) {
        return no_time(node, "a long text", "is 'time' the right place?", err);
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    return from_text(rule, node, copy, out_us, err);
}
