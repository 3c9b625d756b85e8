/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of a v3 agent (RFC 3414, 4): found by an empty question, which it reports not to be for it; its clock
 * comes with the first authentic message, which is the Report that ours was not in the time window.
 *
 *   busbar                                agent
 *     GET {} to engine ""          ->            \  once for each agent, and
 *         <-  Report unknownEngineIDs, engine E  /  when E is another one than before
 *     GET {...} to E, boots 0 time 0  ->         \  once, and when a clock was
 *         <-  Report notInTimeWindows, boots, time /  set or started anew
 *     GET {...} to E, boots, time  ->
 *         <-  Response
 *
 * What a Report without authentication can do: name an engine while there is none or none that has proved itself, else
 * once in SNMP_ENGINE_CHANGE_S; and say why a login is refused: at once when the login never worked here, else only if no
 * answer comes either. It never moves a clock. */
#include <string.h>

#include "base/clock.h"
#include "drivers/snmp/snmp_agent.h"

/* ---- finding it ---- */

/* Told when something authentic came of it; where users have no key, at once. */
static void tell_engine(struct snmp_agent *agent)
{
    const struct snmp_agent_options *options = &agent->options;
    if (!agent->engine_untold) {
        return;
    }
    bool changed = agent->engine_replaces;
    agent->engine_untold = false;
    agent->engine_replaces = false;
    if (options->ops != NULL && options->ops->engine != NULL) {
        options->ops->engine(options->ctx, changed);
    }
}

static int set_engine(struct snmp_agent *agent, struct bytes id)
{
    const struct snmp_login *login = agent->login;
    struct usm_engine engine = { .size = (uint8_t)bytes_left(&id) };
    memcpy(engine.id, id.at, engine.size);
    struct usm_keys keys = { 0 };
    int error = usm_keys_localise(login->user, engine.id, engine.size, &keys);
    if (error != 0) {
        return error;
    }
    agent->engine_replaces |= agent->engine.size > 0 && !agent->engine_untold;
    agent->engine_untold = true;
    agent->engine = engine;
    agent->keys = keys;
    agent->engines++;
    agent->engine_us = loop_now_us(agent->client->loop);
    usm_keys_wipe(&keys);
    if ((usm_user_level(login->user) & SNMP_AUTH) == 0) {
        tell_engine(agent);
    }
    return 0;
}

bool snmp_engine_ready(struct snmp_agent *agent)
{
    if (agent->engine.size > 0) {
        return true;
    }
    if (agent->discovery == NULL) {
        agent->discovery = snmp_ask(agent, &(struct snmp_ask){ .type = SNMP_GET });
        if (agent->discovery == NULL) {
            snmp_engine_failed(agent, BUSBAR_ELIMIT, USM_FINE);
        }
    }
    return false;
}

/* In the next turn: it may be that snmp_ask() has not returned yet. */
void snmp_engine_failed(struct snmp_agent *agent, int error, enum usm_trouble trouble)
{
    struct list *at;
    while (!agent->closing && (at = list_shift(&agent->waiting)) != NULL) {
        struct snmp_asked *asked = list_entry(at, struct snmp_asked, link);
        asked->trouble = (uint8_t)trouble;
        agent->under_way++;
        snmp_asked_fail(asked, error);
    }
}

/* ---- sealing ---- */

int snmp_engine_seal(struct snmp_asked *asked, struct ber_out *out, struct bytes *clear)
{
    static const struct usm_engine none = { .size = 0 };
    struct snmp_agent *agent = asked->agent;
    struct snmp_client *client = agent->client;
    const struct snmp_login *login = agent->login;
    const struct usm_engine *engine = asked->discovery ? &none : &agent->engine;
    struct usm_seal seal = { .id = asked->id,
                             .flags = SNMP_REPORTABLE,
                             .user = "",
                             .engine = engine,
                             .keys = &agent->keys,
                             .now_us = clock_mono_us() };
    const char *context = "";
    if (!asked->discovery) {
        seal.flags |= usm_user_level(login->user);
        seal.user = usm_user_name(login->user);
        seal.auth = usm_user_auth(login->user);
        seal.priv = usm_user_priv(login->user);
        context = login->context;
    }
    if ((seal.flags & SNMP_PRIV) != 0) {
        seal.salt = client->salt++;
    }
    const uint8_t *mark = ber_mark(out);
    ber_put_raw(out, asked->data, asked->size);
    snmp_put_scoped_head(out, bytes_of(engine->id, engine->size),
                         bytes_of(context, strlen(context)), mark);
    if (out->failed) {
        return BUSBAR_ETOOBIG;
    }
    if ((seal.flags & SNMP_PRIV) != 0) {
        size_t size = ber_out_size(out);
        memcpy(client->clear, out->at, size);
        *clear = bytes_of(client->clear, size);
    }
    asked->engine = agent->engines;
    return usm_seal(out, &seal);
}

/* ---- Reports ---- */

static void drop(struct snmp_asked *asked, const struct snmp_message *message, const char *why)
{
    const struct snmp_agent_options *options = &asked->agent->options;
    asked->agent->client->drops.security++;
    if (options->ops != NULL && options->ops->bad != NULL) {
        options->ops->bad(options->ctx, message->whole, why);
    }
}

/* What was not understood is asked once more, now that it would be. */
static void again(struct snmp_asked *asked, enum usm_trouble trouble)
{
    if (asked->resyncs++ == SNMP_RESYNCS_MAX) {
        snmp_asked_end_error(asked, BUSBAR_EAUTH, trouble);
        return;
    }
    asked->tries++; /* it was not carried out: this is no repetition */
    list_remove(&asked->link);
    snmp_asked_send(asked);
}

static bool may_change_engine(const struct snmp_agent *agent)
{
    int64_t age_us = loop_now_us(agent->client->loop) - agent->engine_us;
    return agent->engine.size == 0 || age_us >= SNMP_ENGINE_CHANGE_S * CLOCK_US_PER_S ||
           (!agent->engine.timed && agent->engine_untold);
}

static void report_engine(struct snmp_asked *asked, const struct snmp_message *message,
                          struct bytes id)
{
    struct snmp_agent *agent = asked->agent;
    size_t size = bytes_left(&id);
    if (size < USM_ENGINE_MIN || size > USM_ENGINE_MAX) {
        drop(asked, message, "a Report with an engine id that is none");
        return;
    }
    if (agent->engine.size == size && memcmp(agent->engine.id, id.at, size) == 0) {
        if (asked->engine == agent->engines && !asked->discovery) {
            snmp_asked_end_error(asked, BUSBAR_EAUTH, USM_UNKNOWN_ENGINE);
            return;
        }
    } else if (!may_change_engine(agent)) {
        drop(asked, message, "another engine id, too soon after the last one");
        return;
    } else if (set_engine(agent, id) != 0) {
        snmp_asked_end_error(asked, BUSBAR_EAUTH, USM_UNSUPPORTED_LEVEL);
        return;
    }
    if (asked->discovery) {
        struct snmp_answer found = { .error = 0 };
        snmp_asked_end(asked, &found);
        snmp_agent_pump(agent);
    } else {
        again(asked, USM_UNKNOWN_ENGINE);
    }
}

/* The login is refused. Whoever can see our questions can say so, hence a login that worked is not given up for it. */
static void report_refusal(struct snmp_asked *asked, enum usm_trouble trouble, bool authentic)
{
    if (!authentic && asked->agent->engine.timed) {
        asked->trouble = (uint8_t)trouble;
        return;
    }
    snmp_asked_end_error(asked, BUSBAR_EAUTH, trouble);
}

static void take_report(struct snmp_asked *asked, const struct snmp_message *message,
                        const struct usm_parameters *parameters, const struct snmp_pdu *pdu)
{
    struct bytes varbinds = pdu->varbinds;
    struct snmp_varbind first = { .value.tag = 0 };
    bool authentic = (message->flags & SNMP_AUTH) != 0;
    enum usm_trouble trouble = snmp_varbind_next(&varbinds, &first)
                                   ? usm_trouble_of_report(first.oid)
                                   : USM_FINE;
    if (asked->discovery) { /* whatever it dislikes: some name the empty user */
        report_engine(asked, message, parameters->engine);
        return;
    }
    switch (trouble) {
    case USM_UNKNOWN_ENGINE: report_engine(asked, message, parameters->engine); return;
    case USM_NOT_IN_WINDOW:
        if (authentic) {
            again(asked, trouble);
        } else {
            asked->trouble = (uint8_t)trouble;
            drop(asked, message, "a Report about the clock without authentication");
        }
        return;
    case USM_UNSUPPORTED_LEVEL:
    case USM_UNKNOWN_USER:
    case USM_WRONG_DIGEST:
    case USM_DECRYPTION: report_refusal(asked, trouble, authentic); return;
    default: drop(asked, message, "a Report that says nothing known"); return;
    }
}

/* ---- what comes ---- */

/* Boots that went back: of an agent that forgets them when it starts. An authentic Report to this very question, whose
 * id is random, is no old one sent again. */
static enum usm_trouble open_restarted(const struct snmp_message *message,
                                       const struct usm_parameters *parameters,
                                       struct snmp_agent *agent, const struct usm_open *how,
                                       struct snmp_scoped *scoped)
{
    struct usm_engine engine = agent->engine;
    engine.timed = false;
    enum usm_trouble trouble = usm_open(message, parameters, &engine, how, scoped);
    struct snmp_pdu pdu;
    if (trouble != USM_FINE || snmp_pdu_decode(scoped->pdu, &pdu) != 0 || pdu.type != SNMP_REPORT) {
        return USM_NOT_IN_WINDOW;
    }
    agent->engine = engine;
    return USM_FINE;
}

static enum usm_trouble open_message(struct snmp_agent *agent, const struct snmp_message *message,
                                     const struct usm_parameters *parameters,
                                     struct snmp_scoped *scoped)
{
    const struct usm_user *user = agent->login->user;
    struct usm_open how = { .level = usm_user_level(user),
                            .keys = &agent->keys,
                            .auth = usm_user_auth(user),
                            .priv = usm_user_priv(user),
                            .now_us = clock_mono_us(),
                            .room = agent->client->opened,
                            .room_size = sizeof(agent->client->opened) };
    enum usm_trouble trouble = usm_open(message, parameters, &agent->engine, &how, scoped);
    if (trouble == USM_NOT_IN_WINDOW) {
        trouble = open_restarted(message, parameters, agent, &how, scoped);
    }
    return trouble;
}

static void show(const struct snmp_agent *agent, const struct snmp_message *message,
                 const struct snmp_scoped *scoped)
{
    const struct snmp_agent_options *options = &agent->options;
    if (options->ops != NULL && options->ops->frame != NULL) {
        bool hidden = (message->flags & SNMP_PRIV) != 0;
        const uint8_t *start = agent->client->opened;
        struct bytes clear = bytes_of(hidden ? start : NULL,
                                      hidden ? (size_t)(scoped->pdu.end - start) : 0);
        options->ops->frame(options->ctx, false, message->whole, clear);
    }
}

void snmp_engine_take(struct snmp_asked *asked, const struct snmp_message *message)
{
    struct snmp_agent *agent = asked->agent;
    struct usm_parameters parameters;
    struct snmp_scoped scoped;
    struct snmp_pdu pdu;
    if (usm_parameters_decode(message->security, &parameters) != 0) {
        drop(asked, message, "its security parameters are broken");
        return;
    }
    enum usm_trouble trouble = open_message(agent, message, &parameters, &scoped);
    if (trouble != USM_FINE) {
        drop(asked, message, usm_trouble_words(trouble));
        return;
    }
    if (snmp_pdu_decode(scoped.pdu, &pdu) != 0 ||
        (pdu.type != SNMP_RESPONSE && pdu.type != SNMP_REPORT)) {
        drop(asked, message, "what it holds is no answer");
        return;
    }
    show(agent, message, &scoped);
    if ((message->flags & SNMP_AUTH) != 0) {
        tell_engine(agent);
    }
    if (pdu.type == SNMP_REPORT) {
        take_report(asked, message, &parameters, &pdu);
    } else if (asked->discovery || pdu.request_id != asked->id) {
        drop(asked, message, "an answer to another question");
    } else {
        struct snmp_answer answer = { .pdu = &pdu,
                                      .answered_us = loop_now_us(agent->client->loop) };
        snmp_asked_end(asked, &answer);
    }
}
