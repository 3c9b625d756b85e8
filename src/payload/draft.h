/* SPDX-License-Identifier: Apache-2.0 */
/* Rules tried on a message, for people: those of a device that is there, or some written by hand as they would stand in
 * a configuration ("json: $.co2", "{ json: $.co2, type: int }"). Any thread. */
#ifndef BUSBAR_PAYLOAD_DRAFT_H
#define BUSBAR_PAYLOAD_DRAFT_H

#include "base/json.h"
#include "payload/program.h"

enum { PAYLOAD_DRAFT_RULES_MAX = 256, PAYLOAD_DRAFT_TEXT_MAX = 4096 };

/* What is tried. */
struct payload_trial {
    const struct settings
        *device;    /* rows of payload_device_options, or a driver's that begins with them */
    const char *id; /* for {id} */
    const struct payload_schemas *schemas; /* NULL: none */
    const struct payload_rule_source *rules;
    size_t rule_count;
    const struct payload_event_source *events;
    size_t event_count;
};

/* Calls cb for each rule and element. What is wrong with the message as a whole is the error. */
int payload_try(const struct payload_trial *trial, const struct payload_message *message,
                payload_finding_cb cb, void *ctx, struct err *err);

/* {name, rule, event, element, id, fine, found, why, value, type, quality, time}: a finding for programs. rule NULL: an
 * event's. */
void payload_finding_put(struct json_writer *json, const char *name,
                         const struct payload_point *rule, const struct payload_finding *finding);

struct payload_draft;

struct payload_draft *payload_draft_new(void);
void payload_draft_free(struct payload_draft *draft); /* NULL is fine */
/* Keys of a point, in one line or several. Rules are numbered from 0, in order. BUSBAR_ECONFIG with the column, BUSBAR_ELIMIT. */
int payload_draft_rule(struct payload_draft *draft, const char *text, struct err *err);
/* Keys of a device: "each: json $.list[*]". Before the first rule. */
int payload_draft_device(struct payload_draft *draft, const char *text, struct err *err);
/* The trial of all of it; valid until the draft changes or is freed. */
void payload_draft_trial(const struct payload_draft *draft, struct payload_trial *trial);

#endif
