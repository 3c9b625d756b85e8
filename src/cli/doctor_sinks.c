/* SPDX-License-Identifier: Apache-2.0 */
/* busbar doctor, sinks: what stands between the gateway and each target, and what waits for a person. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/output.h"
#include "cli/sink.h"

enum { TEST_TIMEOUT_US = 30000000 };

static enum doctor_level level_of(const char *verdict)
{
    return strcmp(verdict, "good") == 0  ? DOCTOR_OK
           : strcmp(verdict, "bad") == 0 ? DOCTOR_BAD
                                         : DOCTOR_WARN;
}

/* Only what is not good is told line by line. */
static void put_findings(struct doctor *doctor, const struct json_value *sink,
                         const struct json_value *test)
{
    char what[160], seen[320], lag[32];
    int good = 0, others = 0;
    struct json_iter it = json_iter(json_get(test, "findings"));
    const struct json_value *row;
    while (json_next(&it, NULL, &row)) {
        enum doctor_level level = level_of(output_text(row, "verdict"));
        good += level == DOCTOR_OK;
        if (level != DOCTOR_OK) {
            others++;
            str_format(what, sizeof what, "sink %s, %s", output_text(sink, "name"),
                       output_text(row, "what"));
            doctor_find(doctor, level, what, output_text(row, "text"), output_text(row, "hint"));
        }
    }
    if (others == 0) {
        str_format(what, sizeof what, "sink %s", output_text(sink, "name"));
        output_age(lag, sizeof lag, output_number(sink, "lag_s"));
        str_format(seen, sizeof seen, "%s, lag %s; %d things were looked at",
                   output_text(sink, "phase"), lag, good);
        doctor_find(doctor, DOCTOR_OK, what, seen, "");
    }
}

static void examine_one(struct doctor *doctor, const struct json_value *sink)
{
    struct client_reply reply;
    struct err err = { 0 };
    struct buf url;
    char what[160], seen[160], hint[160];
    const char *name = output_text(sink, "name");
    str_format(what, sizeof what, "sink %s", name);
    sink_url(&url, name, "/test");
    if (client_try(doctor->cli, buf_text(&url), "{}", &reply, &err) == 0) {
        put_findings(doctor, sink, reply.root);
        client_free(&reply);
    } else {
        doctor_find(doctor, DOCTOR_BAD, what, err.message, err.hint);
    }
    buf_fini(&url);
    if (output_number(sink, "aside") > 0) {
        str_format(seen, sizeof seen, "%.0f rows are set aside: the target refused them",
                   output_number(sink, "aside"));
        str_format(hint, sizeof hint, "busbar sink aside %s tells why; then retry or drop them",
                   name);
        doctor_find(doctor, DOCTOR_WARN, what, seen, hint);
    }
    if (strcmp(output_text(sink, "phase"), "paused") == 0) {
        str_format(hint, sizeof hint, "busbar sink resume %s", name);
        doctor_find(doctor, DOCTOR_WARN, what, "paused by a person", hint);
    }
}

void doctor_sinks(struct doctor *doctor)
{
    struct client_reply reply;
    struct err err = { 0 };
    const struct json_value *row;
    int64_t timeout_us = doctor->cli->timeout_us;
    if (client_try(doctor->cli, "/api/v1/sinks", NULL, &reply, &err) != 0) {
        doctor_find(doctor, DOCTOR_BAD, "sinks", err.message, err.hint);
        return;
    }
    doctor->cli->timeout_us = TEST_TIMEOUT_US; /* the gateway has its own deadline */
    struct json_iter it = json_iter(json_get(reply.root, "sinks"));
    while (json_next(&it, NULL, &row)) {
        examine_one(doctor, row);
    }
    doctor->cli->timeout_us = timeout_us;
    client_free(&reply);
}
