/* SPDX-License-Identifier: Apache-2.0 */
/* Begins with many values at once; where the device says tooBig or nothing, with one, and from there on twice as many
 * with each answer, up to half of what was too much. */
#include "drivers/snmp/snmp_walk.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

struct snmp_walk {
    struct snmp_agent *agent;
    struct snmp_asked *asked;
    struct snmp_walk_options options;
    struct snmp_oid_buf root, last;
    int repetitions, most; /* asked for now; at most */
    size_t values;
    bool below;
    bool inside, cancelled; /* a callback runs; it has cancelled */
};

static void on_answer(void *ctx, const struct snmp_answer *answer);

/* False: there are too many questions. */
static bool ask_next(struct snmp_walk *walk)
{
    struct snmp_varbind from = { .oid = walk->last.oid };
    struct snmp_ask ask = { .type = walk->repetitions > 1 ? SNMP_GETBULK : SNMP_GETNEXT,
                            .varbinds = &from,
                            .count = 1,
                            .max_repetitions = walk->repetitions,
                            .deadline_us = walk->options.deadline_us,
                            .cb = on_answer,
                            .ctx = walk };
    walk->asked = snmp_ask(walk->agent, &ask);
    return walk->asked != NULL;
}

static const char *words_of(const struct snmp_walk_end *end)
{
    switch (end->error) {
    case 0: return NULL;
    case BUSBAR_ELIMIT: return "more values than are walked at once: walk a smaller part";
    case BUSBAR_ETIMEOUT:
        return end->values > 0 ? "the device stopped answering"
                               : "no answer: wrong address or community, a firewall, or its SNMP "
                                 "agent is off";
    case BUSBAR_EPROTO:
        return "the device's OIDs do not grow, so that a walk would never end: its agent is faulty";
    case BUSBAR_EREFUSED: return snmp_status_word(end->status);
    case BUSBAR_EAUTH: return usm_trouble_words(end->trouble);
    default: return err_text(end->error);
    }
}

static void end_walk(struct snmp_walk *walk, int error, int32_t status, enum usm_trouble trouble)
{
    struct snmp_walk_end end = { .error = error,
                                 .status = status,
                                 .trouble = trouble,
                                 .values = walk->values,
                                 .below = walk->below };
    end.words = words_of(&end);
    struct snmp_walk_options options = walk->options;
    busbar_free(walk);
    options.done(options.ctx, &end);
}

/* ---- answers ---- */

/* Values of one answer. 0: go on; 1: the end was reached; negative: BUSBAR_ error. */
static int take_values(struct snmp_walk *walk, const struct snmp_pdu *pdu)
{
    struct bytes varbinds = pdu->varbinds;
    struct snmp_varbind varbind;
    size_t count = 0;
    while (snmp_varbind_next(&varbinds, &varbind)) {
        count++;
        if (varbind.value.tag == BER_END_OF_MIB_VIEW) {
            return 1;
        }
        if (snmp_oid_order(varbind.oid, walk->last.oid) <= 0) {
            return BUSBAR_EPROTO;
        }
        if (!snmp_oid_under(varbind.oid, walk->root.oid)) {
            return 1;
        }
        if (walk->values == walk->options.values_max) {
            return BUSBAR_ELIMIT;
        }
        snmp_oid_take(&walk->last, varbind.oid);
        walk->below = true;
        walk->values++;
        if (!walk->options.value(walk->options.ctx, &varbind) || walk->cancelled) {
            return 1;
        }
    }
    return count == 0 ? BUSBAR_EPROTO : 0;
}

/* Fewer at once; false: it was one already. */
static bool ask_less(struct snmp_walk *walk)
{
    if (walk->repetitions <= 1) {
        return false;
    }
    walk->most = walk->repetitions / 2;
    walk->repetitions = 1;
    return true;
}

static void on_error(struct snmp_walk *walk, const struct snmp_answer *answer)
{
    bool late = walk->options.deadline_us != 0 && clock_mono_us() >= walk->options.deadline_us;
    if (answer->error == BUSBAR_ETIMEOUT && !late && ask_less(walk) && ask_next(walk)) {
        return;
    }
    end_walk(walk, answer->error, 0, answer->trouble);
}

static void on_status(struct snmp_walk *walk, int32_t status)
{
    if (status == SNMP_NO_SUCH_NAME && walk->repetitions <= 1) {
        end_walk(walk, 0, 0, USM_FINE); /* v1: nothing comes behind it */
        return;
    }
    if (ask_less(walk)) {
        if (!ask_next(walk)) {
            end_walk(walk, BUSBAR_ELIMIT, 0, USM_FINE);
        }
        return;
    }
    end_walk(walk, BUSBAR_EREFUSED, status, USM_FINE);
}

static void on_answer(void *ctx, const struct snmp_answer *answer)
{
    struct snmp_walk *walk = ctx;
    walk->asked = NULL;
    if (walk->cancelled) {
        busbar_free(walk);
        return;
    }
    if (answer->error != 0) {
        on_error(walk, answer);
        return;
    }
    if (answer->pdu->error_status != SNMP_NO_ERROR) {
        on_status(walk, answer->pdu->error_status);
        return;
    }
    walk->inside = true;
    int result = take_values(walk, answer->pdu);
    walk->inside = false;
    if (walk->cancelled) {
        busbar_free(walk);
        return;
    }
    bool late = walk->options.deadline_us != 0 && clock_mono_us() >= walk->options.deadline_us;
    if (result != 0 || late) {
        end_walk(walk, result < 0 ? result : result == 0 ? BUSBAR_ETIMEOUT : 0, 0, USM_FINE);
        return;
    }
    walk->repetitions = walk->repetitions * 2 < walk->most ? walk->repetitions * 2 : walk->most;
    if (!ask_next(walk)) {
        end_walk(walk, BUSBAR_ELIMIT, 0, USM_FINE);
    }
}

/* ---- begin and cancel ---- */

struct snmp_walk *snmp_walk_begin(struct snmp_agent *agent, const struct snmp_walk_options *options)
{
    struct snmp_walk *walk = busbar_alloc(sizeof(*walk));
    walk->agent = agent;
    walk->options = *options;
    walk->most = options->max_repetitions > 0 ? options->max_repetitions : SNMP_WALK_REPETITIONS;
    if (snmp_agent_login(agent)->version == SNMP_V1) {
        walk->most = 1;
    }
    walk->repetitions = walk->most;
    if (options->values_max == 0 || options->values_max > SNMP_WALK_VALUES_MAX) {
        walk->options.values_max = SNMP_WALK_VALUES_MAX;
    }
    snmp_oid_take(&walk->root, options->root);
    snmp_oid_take(&walk->last, options->after.size > 0 ? options->after : options->root);
    if (!ask_next(walk)) {
        busbar_free(walk);
        return NULL;
    }
    return walk;
}

void snmp_walk_cancel(struct snmp_walk *walk)
{
    if (walk == NULL || walk->cancelled) {
        return;
    }
    walk->cancelled = true;
    if (!walk->inside) {
        snmp_asked_cancel(walk->asked); /* frees it */
    }
}
