/* SPDX-License-Identifier: Apache-2.0 */
#include "server/prometheus/params.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

enum { FRACTION_DIGITS = 6, SECONDS_DIGITS_MAX = 12 };

/* The ends of time as Prometheus' own clients write them. */
static const char time_first[] = "-292273086-05-16T16:47:06Z";
static const char time_last[] = "292277025-08-18T07:12:54.999999999Z";

#define TIME_ABS_MAX (INT64_C(1000000000000) * CLOCK_US_PER_S) /* some 30,000 years */

/* "-123.45": exact, which a double is not. False: not of this form. */
static bool parse_plain_seconds(const char *text, int64_t *out_us)
{
    bool negative = *text == '-';
    const char *at = text + negative;
    int64_t us = 0;
    size_t digits = strspn(at, "0123456789");
    if (digits == 0 || digits > SECONDS_DIGITS_MAX) {
        return false;
    }
    for (; digits > 0; digits--) {
        us = us * 10 + (*at++ - '0');
    }
    size_t fraction = *at == '.' ? strspn(++at, "0123456789") : 0;
    for (int i = 0; i < FRACTION_DIGITS; i++) {
        us = us * 10 + (fraction > 0 ? at[0] - '0' : 0);
        at += fraction > 0;
        fraction -= fraction > 0;
    }
    if (at[fraction] != '\0') {
        return false;
    }
    *out_us = negative ? -us : us;
    return true;
}

/* Seconds in any other notation ("1.7e9"). */
static bool parse_seconds(const char *text, int64_t *out_us)
{
    double seconds;
    if (parse_plain_seconds(text, out_us)) {
        return true;
    }
    if (str_parse_double(text, &seconds) != 0 ||
        fabs(seconds) >= (double)TIME_ABS_MAX / (double)CLOCK_US_PER_S) {
        return false;
    }
    *out_us = llround(seconds * (double)CLOCK_US_PER_S);
    return true;
}

int prometheus_parse_time(const char *text, int64_t *out_us)
{
    if (strcmp(text, time_first) == 0 || strcmp(text, time_last) == 0) {
        *out_us = text[0] == '-' ? -TIME_ABS_MAX : TIME_ABS_MAX;
        return 0;
    }
    return parse_seconds(text, out_us) || str_parse_time(text, out_us) == 0 ? 0 : BUSBAR_EINVAL;
}

int prometheus_parse_duration(const char *text, int64_t *out_us)
{
    int64_t us;
    if ((!parse_seconds(text, &us) && str_parse_duration_us(text, &us) != 0) || us < 0) {
        return BUSBAR_EINVAL;
    }
    *out_us = us;
    return 0;
}

static int cannot_parse(const char *name, const char *text, const char *what, struct err *err)
{
    return err_set(err, BUSBAR_EINVAL,
                   "invalid parameter \"%s\": cannot parse \"%s\" to a valid %s", name, text, what);
}

int prometheus_time(const struct server_request *req, const char *name, const int64_t *fallback,
                    int64_t *out_us, struct err *err)
{
    const char *text = server_query(req, name);
    if (text == NULL || text[0] == '\0') {
        if (fallback == NULL) {
            return cannot_parse(name, "", "timestamp", err);
        }
        *out_us = *fallback;
        return 0;
    }
    return prometheus_parse_time(text, out_us) == 0 ? 0
                                                    : cannot_parse(name, text, "timestamp", err);
}

int prometheus_duration(const struct server_request *req, const char *name, int64_t *out_us,
                        struct err *err)
{
    const char *text = server_query(req, name);
    *out_us = 0;
    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    return prometheus_parse_duration(text, out_us) == 0 ? 0
                                                        : cannot_parse(name, text, "duration", err);
}

int prometheus_limit(const struct server_request *req, size_t *out, struct err *err)
{
    const char *text = server_query(req, "limit");
    int64_t limit = 0;
    *out = 0;
    if (text != NULL && text[0] != '\0' && (str_parse_i64(text, &limit) != 0 || limit < 0)) {
        return err_set(err, BUSBAR_EINVAL,
                       "invalid parameter \"limit\": '%s' is no count: limit must be non-negative",
                       text);
    }
    *out = (size_t)limit;
    return 0;
}
