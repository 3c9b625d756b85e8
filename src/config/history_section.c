/* SPDX-License-Identifier: Apache-2.0 */
/* `history:`: how long samples are kept, and policies for some of the series. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "config/load.h"
#include "model/matchers.h"

#define DAY_US      (INT64_C(24) * 3600 * CLOCK_US_PER_S)
#define YEAR_US     (365 * DAY_US)
#define BYTES_LEAST (UINT64_C(16) * 1000 * 1000)

static const char *const forever[] = { "forever", NULL };

enum {
    HISTORY_KEEP,
    HISTORY_BYTES,
    HISTORY_FREE,
    HISTORY_COMMIT,
    HISTORY_TIERS,
    HISTORY_COLD,
    HISTORY_EVENTS,
    HISTORY_ARCHIVE,
    HISTORY_POLICIES,
    HISTORY_ROWS
};

static const struct option history_options[] = {
    [HISTORY_KEEP] = { .key = "keep",
                       .type = OPTION_DURATION,
                       .min = 3600 * CLOCK_US_PER_S,
                       .max = 100 * YEAR_US,
                       .choices = forever,
                       .help = "how long values are kept, such as 2y or forever" },
    [HISTORY_BYTES] = { .key = "max_bytes",
                        .type = OPTION_TEXT,
                        .help = "disk space for values, such as 20GB" },
    [HISTORY_FREE] = { .key = "free_bytes",
                       .type = OPTION_TEXT,
                       .help = "disk space that is left free, such as 256MiB" },
    [HISTORY_COMMIT] = { .key = "commit",
                         .type = OPTION_DURATION,
                         .max = 10 * CLOCK_US_PER_S,
                         .help = "how long values wait for a common disk write, such as 10ms" },
    [HISTORY_TIERS] = { .key = "tiers",
                        .type = OPTION_TEXT,
                        .help = "how long averages of 5 minutes and 1 hour are kept: 10y, forever, "
                                "off" },
    [HISTORY_COLD] = { .key = "cold_after",
                       .type = OPTION_DURATION,
                       .min = 3600 * CLOCK_US_PER_S,
                       .max = 100 * YEAR_US,
                       .help = "when a day is packed as small as can be, such as 2d" },
    [HISTORY_EVENTS] = { .key = "events_keep",
                         .type = OPTION_DURATION,
                         .min = 3600 * CLOCK_US_PER_S,
                         .max = 100 * YEAR_US,
                         .choices = forever,
                         .help = "how long events are kept, such as 90d or forever" },
    [HISTORY_ARCHIVE] = { .key = "archive",
                          .type = OPTION_TEXT,
                          .min = 1,
                          .max = SETUP_NAME_MAX,
                          .help = "the sink that queries may ask for what is no longer kept here" },
    [HISTORY_POLICIES] = { .key = "policies",
                           .type = OPTION_PART,
                           .help = "name: { match: ..., keep: ..., max_bytes: ... }" },
    [HISTORY_ROWS] = { .key = NULL },
};

enum { POLICY_MATCH, POLICY_KEEP, POLICY_BYTES, POLICY_ROWS };
static const struct option policy_options[] = {
    [POLICY_MATCH] = { .key = "match",
                       .type = OPTION_TEXT,
                       .min = 1,
                       .max = MATCHERS_BYTES_MAX,
                       .help = "which series, such as '{device=~\"meter-.*\"}'" },
    [POLICY_KEEP] = { .key = "keep",
                      .type = OPTION_DURATION,
                      .min = 3600 * CLOCK_US_PER_S,
                      .max = 100 * YEAR_US,
                      .choices = forever,
                      .help = "how long their values are kept, such as 10y or forever" },
    [POLICY_BYTES] = { .key = "max_bytes",
                       .type = OPTION_TEXT,
                       .help = "disk space for their values, such as 5GB" },
    [POLICY_ROWS] = { .key = NULL },
};

static void take_bytes(struct load *load, const struct setting *set, const char *key,
                       uint64_t *bytes)
{
    if (str_parse_bytes(set->value.text, bytes) != 0 || *bytes < BYTES_LEAST) {
        problems_error(load->problems, set->at, NULL,
                       "'%s' wants a size of at least 16MB, such as 20GB, not '%.60s'", key,
                       set->value.text);
    }
}

static void take_tiers(struct load *load, const struct setting *set, int64_t *keep_us)
{
    const char *text = set->value.text;
    if (strcmp(text, "off") == 0) {
        *keep_us = CONFIG_TIERS_OFF;
    } else if (strcmp(text, forever[0]) == 0) {
        *keep_us = -1;
    } else if (str_parse_duration_us(text, keep_us) != 0 || *keep_us < DAY_US ||
               *keep_us > 100 * YEAR_US) {
        problems_error(load->problems, set->at, NULL,
                       "'tiers' wants a duration from 1d to 100y, 'forever' or 'off', not '%.60s'",
                       text);
    }
}

/* The place of an error inside the text of a value: behind its quote, when it has one. */
static void tell_match(struct load *load, const struct err *found, const struct yaml_node *value,
                       struct position at)
{
    struct err err = *found;
    if (err.column > 0) {
        at.column += err.column - 1 + (value->plain ? 0 : 1);
        at.width = 1;
    }
    err.line = err.column = 0;
    if (err.hint[0] == '\0') {
        err_hint(&err, "write it as in PromQL: '{device=~\"meter-.*\", units=\"kWh\"}'");
    }
    problems_err(load->problems, &err, at);
}

static void check_match(struct load *load, uint16_t file, const struct yaml_node *policy)
{
    const struct yaml_node *value = yaml_get(policy, "match");
    struct matchers *matchers = NULL;
    struct err err = { 0 };
    if (value == NULL) {
        problems_error(load->problems, load_at(load, file, policy->key),
                       "add match: '{device=~\"...\"}'",
                       "the policy '%.60s' does not say which "
                       "series it is for",
                       policy->key->text);
    } else if (matchers_new(value->text, strlen(value->text), &matchers, &err) != 0) {
        tell_match(load, &err, value, load_at(load, file, value));
    }
    matchers_free(matchers);
}

static bool take_policy(struct load *load, uint16_t file, const struct yaml_node *node,
                        struct config_policy *policy)
{
    char where[96];
    struct setting set[POLICY_ROWS];
    size_t errors = load->problems->errors;
    str_format(where, sizeof(where), "in the policy '%.60s'", node->key->text);
    *policy = (struct config_policy){ .at = load_at(load, file, node->key) };
    if (!load_name(load, "policy", node->key->text, policy->at)) {
        return false;
    }
    if (strlen(node->key->text) > CONFIG_POLICY_NAME_MAX) {
        problems_error(load->problems, policy->at, NULL,
                       "the name of a policy has at most %d characters", CONFIG_POLICY_NAME_MAX);
        return false;
    }
    char path[128];
    str_format(path, sizeof(path), CONFIG_POLICY_PATH "%s", node->key->text);
    policy->path = load_text(load, path);
    policy->name = policy->path != NULL ? policy->path + strlen(CONFIG_POLICY_PATH) : NULL;
    size_t count = load_section(load, file, node, policy_options, where, set);
    for (size_t i = 0; i < count; i++) {
        switch (set[i].option) {
        case POLICY_MATCH: policy->match = set[i].value.text; break;
        case POLICY_KEEP: policy->keep_us = set[i].value.i; break;
        default: take_bytes(load, &set[i], "max_bytes", &policy->max_bytes); break;
        }
    }
    if (load->problems->errors == errors) {
        check_match(load, file, node);
    }
    return load->problems->errors == errors && policy->name != NULL;
}

static void load_policies(struct load *load, uint16_t file, const struct yaml_node *node)
{
    struct config_policy all[CONFIG_POLICIES_MAX];
    size_t count = 0;
    if (!load_is_map(load, file, node, "policies")) {
        return;
    }
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        if (count == CONFIG_POLICIES_MAX) {
            problems_error(load->problems, load_at(load, file, at->key), NULL,
                           "more than %d policies", CONFIG_POLICIES_MAX);
            break;
        }
        count += take_policy(load, file, at, &all[count]);
    }
    struct config_policy *kept = load_alloc(load, count * sizeof(*kept));
    if (kept != NULL && count > 0) {
        memcpy(kept, all, count * sizeof(*kept));
        load->config->history.policies = kept;
        load->config->history.policy_count = count;
    }
}

void load_history(struct load *load, uint16_t file, const struct yaml_node *node)
{
    struct setting set[HISTORY_ROWS];
    struct config_history *history = &load->config->history;
    size_t count = load_section(load, file, node, history_options, "in 'history'", set);
    for (size_t i = 0; i < count; i++) {
        switch (set[i].option) {
        case HISTORY_KEEP: history->keep_us = set[i].value.i; break;
        case HISTORY_COMMIT: history->commit_us = set[i].value.i; break;
        case HISTORY_COLD: history->cold_after_us = set[i].value.i; break;
        case HISTORY_EVENTS: history->events_keep_us = set[i].value.i; break;
        case HISTORY_ARCHIVE:
            history->archive = set[i].value.text;
            history->archive_at = set[i].at;
            break;
        case HISTORY_TIERS: take_tiers(load, &set[i], &history->tiers_keep_us); break;
        case HISTORY_FREE: take_bytes(load, &set[i], "free_bytes", &history->free_bytes); break;
        default: take_bytes(load, &set[i], "max_bytes", &history->max_bytes); break;
        }
    }
    const struct yaml_node *policies = yaml_get(node, "policies");
    if (policies != NULL) {
        load_policies(load, file, policies);
    }
}
