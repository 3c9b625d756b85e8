/* SPDX-License-Identifier: Apache-2.0 */
/* Traps and informs, on demand and by period. They leave from the agent's own socket, so that their source tells the
 * device; sim_snmp_trap.c makes what is in them.
 *
 * An inform is sent again each second until it is answered. For those of version 3 the receiver's engine counts
 * (RFC 3414, 1.5.1): it is asked for first, and a Report about the time is answered with the same inform, stamped anew. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "sim/sim_snmp.h"

enum {
    INFORM_MS = 1000,
    INFORM_TRIES = 300,
    STAMPS_MAX = 4, /* answers to Reports at once, for one inform */
    NOTICES_MAX = 10000,
    AT_ONCE_MAX = 100000,
    WORDS_MAX = 512,
};

static const uint8_t standard_traps[] = { 0x2b, 6, 1, 6, 3, 1, 1, 5 };

/* An inform that is not answered yet. */
struct sim_snmp_notice {
    struct list link;
    struct sim_snmp_served *served;
    struct timer timer;
    int32_t id; /* of the request and of the message */
    unsigned tries, stamps;
    size_t size;
    uint8_t pdu[];
};

/* What is told again and again. */
struct sim_snmp_repeat {
    struct list link;
    struct sim_snmp_served *served;
    struct timer timer;
    bool confirmed;
    char words[WORDS_MAX];
};

static void send_message(struct sim_snmp_served *served, const struct ber_out *out)
{
    if (!out->failed && served->port->socket != NULL) {
        (void)datagram_send(served->port->socket, &served->state->receiver.at, out->at,
                            ber_out_size(out));
    }
}

/* Puts a message of version 3 around a PDU; keys: of our user for `engine`. */
static void seal(struct sim_snmp_served *served, struct ber_out *out, const uint8_t *mark,
                 const struct usm_engine *engine, const struct usm_keys *keys, int32_t id,
                 uint8_t flags)
{
    struct sim_snmp_agent *agent = &served->agent;
    bool named = engine->size > 0;
    struct usm_seal how = { .id = id,
                            .flags = flags,
                            .user = named ? usm_user_name(agent->user) : "",
                            .engine = engine,
                            .keys = keys,
                            .auth = usm_user_auth(agent->user),
                            .priv = usm_user_priv(agent->user),
                            .salt = agent->salt++,
                            .now_us = sim_snmp_clock(served).mono_us };
    /* The context is ours: what is told of is here. */
    snmp_put_scoped_head(out, bytes_of(agent->engine.id, agent->engine.size),
                         bytes_of(agent->context, strlen(agent->context)), mark);
    if (!out->failed && usm_seal(out, &how) == 0) {
        send_message(served, out);
    }
}

static void send_community(struct sim_snmp_served *served, struct ber_out *out, const uint8_t *mark)
{
    const char *community = served->agent.community;
    enum snmp_version version = served->version == SNMP_V1 ? SNMP_V1 : SNMP_V2C;
    snmp_put_message_head(out, version, community, strlen(community), mark);
    send_message(served, out);
}

static void send_trap(struct sim_snmp_served *served, const struct sim_snmp_notification *what)
{
    struct sim_snmp_agent *agent = &served->agent;
    struct ber_out out = sim_snmp_desk_out(served->state->desk);
    const uint8_t *mark = ber_mark(&out);
    int32_t id = (int32_t)(hash_random(&served->state->random) & INT32_MAX);
    sim_snmp_put_notification(served, what, false, id, &out);
    served->told++;
    if (served->version == SNMP_V3) {
        seal(served, &out, mark, &agent->engine, sim_snmp_keys(agent), id,
             usm_user_level(agent->user));
    } else {
        send_community(served, &out, mark);
    }
}

/* ---- informs ---- */

static void notice_free(struct sim_snmp_notice *notice)
{
    timer_stop(&notice->timer);
    list_remove(&notice->link);
    busbar_free(notice);
}

static int receiver_keys(const struct sim_snmp_served *served, struct usm_keys *keys)
{
    const struct usm_engine *engine = &served->state->receiver.engine;
    return usm_keys_localise(served->agent.user, engine->id, engine->size, keys);
}

static void notice_send(struct sim_snmp_notice *notice)
{
    struct sim_snmp_served *served = notice->served;
    struct ber_out out = sim_snmp_desk_out(served->state->desk);
    const uint8_t *mark = ber_mark(&out);
    struct usm_engine *engine = &served->state->receiver.engine;
    struct usm_keys keys;
    if (sim_snmp_is_mute(served)) {
        return;
    }
    if (served->version == SNMP_V3 && engine->size == 0) { /* who is there? */
        struct snmp_pdu probe = { .type = SNMP_GET, .request_id = notice->id };
        snmp_put_pdu_head(&out, &probe, mark);
        seal(served, &out, mark, engine, NULL, notice->id, SNMP_REPORTABLE);
        return;
    }
    ber_put_raw(&out, notice->pdu, notice->size);
    if (served->version != SNMP_V3) {
        send_community(served, &out, mark);
    } else if (receiver_keys(served, &keys) == 0) {
        seal(served, &out, mark, engine, &keys, notice->id,
             usm_user_level(served->agent.user) | SNMP_REPORTABLE);
        usm_keys_wipe(&keys);
    }
}

static void again(struct timer *timer, void *ctx)
{
    struct sim_snmp_notice *notice = ctx;
    (void)timer;
    if (++notice->tries > INFORM_TRIES) {
        notice->served->lost++;
        notice_free(notice);
        return;
    }
    notice->served->resent++;
    notice->stamps = 0;
    notice_send(notice);
}

static void begin_inform(struct sim_snmp_served *served, const struct sim_snmp_notification *what)
{
    struct ber_out out = sim_snmp_desk_out(served->state->desk);
    int32_t id = (int32_t)(hash_random(&served->state->random) & INT32_MAX);
    sim_snmp_put_notification(served, what, true, id, &out);
    if (out.failed) {
        return;
    }
    size_t size = ber_out_size(&out);
    struct sim_snmp_notice *notice = busbar_alloc(sizeof(*notice) + size);
    notice->served = served;
    notice->id = id;
    notice->size = size;
    memcpy(notice->pdu, out.at, size);
    list_append(&served->notices, &notice->link);
    timer_init(&notice->timer, served->sd->sim->loop, again, notice);
    timer_start(&notice->timer, INFORM_MS, INFORM_MS);
    served->told++;
    notice_send(notice);
}

static struct sim_snmp_notice *find_notice(const struct sim_snmp_served *served, int32_t id)
{
    list_each(at, &served->notices) {
        struct sim_snmp_notice *notice = list_entry(at, struct sim_snmp_notice, link);
        if (notice->id == id) {
            return notice;
        }
    }
    return NULL;
}

static void confirm(struct sim_snmp_served *served, struct sim_snmp_notice *notice)
{
    served->confirmed++;
    notice_free(notice);
}

/* A Report: what it says of its engine is taken, and the inform goes out again at once. */
static void reported(struct sim_snmp_notice *notice, const struct usm_parameters *parameters,
                     const struct snmp_pdu *pdu)
{
    struct usm_engine *engine = &notice->served->state->receiver.engine;
    struct bytes in = pdu->varbinds;
    struct snmp_varbind varbind;
    size_t size = bytes_left(&parameters->engine);
    if (!snmp_varbind_next(&in, &varbind)) {
        return;
    }
    enum usm_trouble trouble = usm_trouble_of_report(varbind.oid);
    if (trouble == USM_UNKNOWN_ENGINE && size >= USM_ENGINE_MIN && size <= USM_ENGINE_MAX) {
        *engine = (struct usm_engine){ .size = (uint8_t)size };
        memcpy(engine->id, parameters->engine.at, size);
    } else if (trouble != USM_NOT_IN_WINDOW) {
        return;
    }
    if (notice->stamps++ < STAMPS_MAX) {
        notice_send(notice);
    }
}

static void opened(struct sim_snmp_served *served, struct sim_snmp_notice *notice,
                   const struct snmp_message *message)
{
    struct usm_engine *engine = &served->state->receiver.engine;
    struct usm_parameters parameters;
    struct usm_keys keys;
    struct snmp_scoped scoped;
    struct snmp_pdu pdu;
    uint8_t *room = busbar_alloc(SNMP_MESSAGE_MAX);
    bool known = engine->size > 0 && receiver_keys(served, &keys) == 0;
    struct usm_open how = { .level = known ? usm_user_level(served->agent.user) : 0,
                            .keys = known ? &keys : NULL,
                            .auth = usm_user_auth(served->agent.user),
                            .priv = usm_user_priv(served->agent.user),
                            .now_us = sim_snmp_clock(served).mono_us,
                            .room = room,
                            .room_size = SNMP_MESSAGE_MAX };
    if (usm_parameters_decode(message->security, &parameters) == 0 &&
        usm_open(message, &parameters, engine, &how, &scoped) == USM_FINE &&
        snmp_pdu_decode(scoped.pdu, &pdu) == 0) {
        if (pdu.type == SNMP_RESPONSE && pdu.request_id == notice->id) {
            confirm(served, notice);
        } else if (pdu.type == SNMP_REPORT) {
            reported(notice, &parameters, &pdu);
        }
    }
    if (known) {
        usm_keys_wipe(&keys);
    }
    busbar_free(room);
}

bool sim_snmp_notice_answered(struct sim_snmp_served *served, const struct snmp_message *message)
{
    struct sim_snmp_notice *notice;
    struct snmp_pdu pdu;
    if (message->version == SNMP_V3) {
        notice = (message->flags & SNMP_REPORTABLE) == 0 ? find_notice(served, message->id) : NULL;
        if (notice != NULL && served->agent.user != NULL) {
            opened(served, notice, message);
        }
        return notice != NULL;
    }
    if (list_empty(&served->notices) || snmp_pdu_decode(message->pdu, &pdu) != 0 ||
        pdu.type != SNMP_RESPONSE) {
        return false;
    }
    notice = find_notice(served, pdu.request_id);
    if (notice != NULL) {
        confirm(served, notice);
    }
    return true;
}

static void end_repeats(struct sim_snmp_served *served)
{
    list_each_safe(at, &served->repeats) {
        struct sim_snmp_repeat *repeat = list_entry(at, struct sim_snmp_repeat, link);
        timer_stop(&repeat->timer);
        list_remove(&repeat->link);
        busbar_free(repeat);
    }
}

void sim_snmp_notices_forget(struct sim_snmp_served *served)
{
    list_each_safe(at, &served->notices) {
        notice_free(list_entry(at, struct sim_snmp_notice, link));
    }
    end_repeats(served);
}

/* ---- what a person says ---- */

static int say_no_object(const struct sim_snmp_served *served, const char *word, struct err *err)
{
    err_set(err, BUSBAR_ENOENT, "'%s' has no point and no interface '%s'", served->sd->dev->name,
            word);
    err_hint(err, "trap DEVICE NAME [POINT or INTERFACE] [every=10s] [count=5]");
    return BUSBAR_ENOENT;
}

/* A point by its name, or the ifOperStatus of an interface. */
static int find_about(const struct sim_snmp_served *served, const char *word,
                      const struct sim_snmp_object **out, struct err *err)
{
    const struct sim_snmp_agent *agent = &served->agent;
    const struct point *pt = device_point(agent->dev, word);
    *out = pt != NULL ? sim_snmp_point_object(agent, (uint32_t)(pt - agent->dev->points)) : NULL;
    for (size_t i = 0; i < agent->row_count && *out == NULL; i++) {
        if (agent->rows[i].interface && strcmp(agent->rows[i].text, word) == 0) {
            *out = sim_snmp_interface_object(agent, (uint16_t)i, sim_snmp_column_find(0, 8));
        }
    }
    return *out != NULL ? 0 : say_no_object(served, word, err);
}

static int parse_word(const struct sim_snmp_served *served, const char *word,
                      struct sim_snmp_notification *out, struct err *err)
{
    if (str_starts(word, "every=")) {
        int error = str_parse_duration_us(word + 6, &out->every_us);
        return error == 0 && out->every_us >= CLOCK_US_PER_MS
                   ? 0
                   : err_set(err, BUSBAR_ERANGE, "'%s' is no period, as in every=10s", word);
    }
    if (str_starts(word, "count=")) {
        int error = str_parse_i64(word + 6, &out->count);
        return error == 0 && out->count >= 1 && out->count <= AT_ONCE_MAX
                   ? 0
                   : err_set(err, BUSBAR_ERANGE, "'%s' is no number from 1 to %d", word,
                             AT_ONCE_MAX);
    }
    return find_about(served, word, &out->about, err);
}

static int parse(const struct sim_snmp_served *served, const char *words,
                 struct sim_snmp_notification *out, struct err *err)
{
    char copy[WORDS_MAX];
    if (!str_copy(copy, sizeof(copy), words)) {
        return err_set(err, BUSBAR_ERANGE, "a notification is at most %d characters long",
                       WORDS_MAX - 1);
    }
    char *rest = copy, *word = strsep(&rest, " ");
    *out = (struct sim_snmp_notification){ .count = 1 };
    int error = mib_resolve(served->state->mib, word, &out->oid, &out->object, err);
    if (error == 0 && out->object != NULL && out->object->kind != MIB_NOTIFICATION) {
        out->object = NULL;
    }
    while (error == 0 && (word = strsep(&rest, " ")) != NULL) {
        error = word[0] != '\0' ? parse_word(served, word, out, err) : 0;
    }
    return error;
}

static int check_ready(const struct sim_snmp_served *served, bool confirmed, struct err *err)
{
    if (served->state->receiver.at.family == 0) {
        err_set(err, BUSBAR_ENOENT, "the configuration says nowhere that the gateway listens");
        err_hint(err, "drivers: { snmp: { listen: \"127.0.0.1:1162\" } }");
        return BUSBAR_ENOENT;
    }
    if (confirmed && served->version == SNMP_V1) {
        return err_set(err, BUSBAR_EUNSUPPORTED, "version 1 has no informs");
    }
    return 0;
}

/* linkDown and linkUp make it so, that what is told is true. */
static void set_link(struct sim_snmp_served *served, const struct sim_snmp_notification *what)
{
    struct snmp_oid standard = { .bytes = standard_traps, .size = sizeof(standard_traps) };
    struct snmp_oid oid = what->oid.oid;
    uint8_t last = oid.size > 0 ? oid.bytes[oid.size - 1] : 0;
    const struct sim_snmp_object *about = what->about;
    if (about == NULL || about->what != SIM_SNMP_INTERFACE || !snmp_oid_under(oid, standard) ||
        oid.size != standard.size + 1 || (last != 3 && last != 4)) {
        return;
    }
    sim_snmp_set_status(served, about->row, last == 4);
}

static void tell(struct sim_snmp_served *served, bool confirmed,
                 const struct sim_snmp_notification *what)
{
    size_t open = 0;
    list_each(at, &served->notices) {
        open++;
    }
    set_link(served, what);
    for (int64_t i = 0; i < what->count && !sim_snmp_is_mute(served); i++) {
        if (!confirmed) {
            send_trap(served, what);
        } else if (open++ < NOTICES_MAX) {
            begin_inform(served, what);
        }
    }
}

static void due(struct timer *timer, void *ctx)
{
    struct sim_snmp_repeat *repeat = ctx;
    struct sim_snmp_notification what;
    struct err err = { 0 };
    (void)timer;
    if (parse(repeat->served, repeat->words, &what, &err) == 0) {
        tell(repeat->served, repeat->confirmed, &what);
    }
}

int sim_snmp_tell(struct sim_device *sd, bool confirmed, const char *words, struct err *err)
{
    struct sim_snmp_served *served = sd->state;
    struct sim_snmp_notification what;
    if (strcmp(words, "none") == 0) {
        end_repeats(served);
        return 0;
    }
    int error = check_ready(served, confirmed, err);
    error = error == 0 ? parse(served, words, &what, err) : error;
    if (error != 0) {
        return error;
    }
    tell(served, confirmed, &what);
    if (what.every_us > 0) {
        struct sim_snmp_repeat *repeat = busbar_alloc(sizeof(*repeat));
        repeat->served = served;
        repeat->confirmed = confirmed;
        str_format(repeat->words, sizeof(repeat->words), "%s", words);
        list_append(&served->repeats, &repeat->link);
        timer_init(&repeat->timer, sd->sim->loop, due, repeat);
        timer_start_us(&repeat->timer, what.every_us, what.every_us);
    }
    return 0;
}

void sim_snmp_told(const struct sim_device *sd, struct buf *out)
{
    const struct sim_snmp_served *served = sd->state;
    size_t open = 0;
    list_each(at, &served->notices) {
        open++;
    }
    buf_printf(out, "%llu told, %llu informs answered, %zu open, %llu resent, %llu given up",
               (unsigned long long)served->told, (unsigned long long)served->confirmed, open,
               (unsigned long long)served->resent, (unsigned long long)served->lost);
}

/* ---- by itself ---- */

void sim_snmp_announce(struct sim_snmp_served *served, const char *name, uint32_t row)
{
    struct sim_snmp_notification what = { .count = 1 };
    struct err err = { 0 };
    if (served->state->receiver.at.family == 0 || sim_snmp_is_mute(served) ||
        mib_resolve(served->state->mib, name, &what.oid, &what.object, &err) != 0) {
        return;
    }
    if (row != SIM_SNMP_NO_ROW) {
        what.about = sim_snmp_interface_object(&served->agent, (uint16_t)row,
                                               sim_snmp_column_find(0, 8));
    }
    send_trap(served, &what);
}
