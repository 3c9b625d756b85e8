/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of the Prometheus API. Errors are BUSBAR_EINVAL with the words Prometheus uses:
 * `invalid parameter "step": cannot parse "x" to a valid duration`. */
#ifndef BUSBAR_SERVER_PROMETHEUS_PARAMS_H
#define BUSBAR_SERVER_PROMETHEUS_PARAMS_H

#include "server/server.h"

/* Text alone: seconds since 1970 with a fraction, or RFC 3339; to microseconds. */
int prometheus_parse_time(const char *text, int64_t *out_us);
/* Seconds with a fraction, or 1h30m; not negative. */
int prometheus_parse_duration(const char *text, int64_t *out_us);

/* The parameter, or the fallback when it is absent or empty; fallback NULL: it must be there. */
int prometheus_time(const struct server_request *req, const char *name, const int64_t *fallback,
                    int64_t *out_us, struct err *err);
/* 0 when it is absent. */
int prometheus_duration(const struct server_request *req, const char *name, int64_t *out_us,
                        struct err *err);
/* How many at most; 0: no limit. */
int prometheus_limit(const struct server_request *req, size_t *out, struct err *err);

#endif
