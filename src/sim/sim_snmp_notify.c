/* SPDX-License-Identifier: Apache-2.0 */
/* Traps and informs: what is in them comes from the MIB's list of objects and from what the agent reads now. They leave
 * from the agent's own socket, so that their source tells the device.
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
    GENERIC_OTHER = 6,
    WORDS_MAX = 512,
    VARBINDS_MAX = 32,
};

static const uint8_t uptime_oid[] = { 0x2b, 6, 1, 2, 1, 1, 3, 0 };
static const uint8_t trap_oid[] = { 0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0 };
static const uint8_t standard_traps[] = { 0x2b, 6, 1, 6, 3, 1, 1, 5 };
static const uint8_t sys_object_id[] = { 0x2b, 6, 1, 2, 1, 1, 2, 0 };

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

/* What to tell, as a person says it. */
struct notification {
    struct snmp_oid_buf oid;
    const struct mib_object *object;     /* NULL: not in the catalogue */
    const struct sim_snmp_object *about; /* a point's, or a row's ifOperStatus; NULL */
    int64_t every_us;
    int64_t count;
};

static struct snmp_oid oid_of(const uint8_t *bytes, size_t size)
{
    return (struct snmp_oid){ .bytes = bytes, .size = (uint16_t)size };
}

/* ---- the variables ---- */

struct variables {
    struct snmp_varbind list[VARBINDS_MAX];
    struct snmp_oid_buf missing[VARBINDS_MAX]; /* OIDs of those that the agent does not have */
    size_t count;
    struct bytes_out scratch;
    uint8_t room[VARBINDS_MAX * SIM_SNMP_VALUE_MAX];
};

/* Behind the column of `about`. */
static struct snmp_oid index_of(const struct sim_snmp_served *served,
                                const struct sim_snmp_object *about)
{
    const struct mib_object *column = mib_under(served->state->mib, about->oid);
    return column != NULL ? snmp_oid_tail(about->oid, column->oid) : (struct snmp_oid){ 0 };
}

/* The object's instance in the row that it is about, else the first there is. */
static const struct sim_snmp_object *instance(const struct sim_snmp_served *served,
                                              const struct mib_object *object,
                                              const struct sim_snmp_object *about)
{
    const struct sim_snmp_agent *agent = &served->agent;
    struct snmp_oid_buf oid;
    snmp_oid_take(&oid, object->oid);
    if (about != NULL && snmp_oid_append_oid(&oid, index_of(served, about)) == 0) {
        size_t at = sim_snmp_object_find(agent, oid.oid);
        if (at != SIZE_MAX) {
            return &agent->objects[at];
        }
    }
    size_t first = sim_snmp_object_after(agent, object->oid);
    return first < agent->object_count && snmp_oid_under(agent->objects[first].oid, object->oid)
               ? &agent->objects[first]
               : NULL;
}

/* What an object that the agent does not have would read. */
static struct snmp_value stand_in(const struct mib_object *object, struct bytes_out *scratch)
{
    static const uint8_t nothing[] = { 0, 0, 0, 0 };
    switch (object->syntax) {
    case MIB_UNSIGNED: return sim_snmp_uint(scratch, BER_GAUGE32, 1);
    case MIB_COUNTER32: return sim_snmp_uint(scratch, BER_COUNTER32, 1);
    case MIB_COUNTER64: return sim_snmp_uint(scratch, BER_COUNTER64, 1);
    case MIB_TIMETICKS: return sim_snmp_uint(scratch, BER_TIMETICKS, 1);
    case MIB_OCTETS: return sim_snmp_octets(scratch, BER_OCTETS, "simulated", 9);
    case MIB_BITS: return sim_snmp_octets(scratch, BER_OCTETS, nothing, 1);
    case MIB_OID: return sim_snmp_octets(scratch, BER_OID, nothing, 1);
    case MIB_IP_ADDRESS: return sim_snmp_octets(scratch, BER_IP_ADDRESS, nothing, 4);
    default: return sim_snmp_int(scratch, 1);
    }
}

static void add_variable(struct sim_snmp_served *served, struct variables *to,
                         const struct sim_snmp_object *object)
{
    struct snmp_varbind *varbind = &to->list[to->count++];
    varbind->oid = object->oid;
    sim_snmp_value_read(&served->agent, object, sim_snmp_clock(served), &to->scratch,
                        &varbind->value);
}

static void collect(struct sim_snmp_served *served, const struct notification *what,
                    struct variables *to)
{
    bool told = false;
    to->count = 0;
    to->scratch = bytes_out_of(to->room, sizeof(to->room));
    for (uint16_t i = 0;
         what->object != NULL && i < what->object->object_count && to->count + 1 < VARBINDS_MAX;
         i++) {
        const struct mib_object *object = what->object->objects[i];
        const struct sim_snmp_object *here = instance(served, object, what->about);
        if (here != NULL) {
            add_variable(served, to, here);
            told = told || here == what->about;
            continue;
        }
        struct snmp_oid_buf *oid = &to->missing[to->count];
        snmp_oid_take(oid, object->oid);
        if (snmp_oid_append(oid, object->kind == MIB_COLUMN ? 1 : 0) == 0) {
            to->list[to->count].oid = oid->oid;
            to->list[to->count++].value = stand_in(object, &to->scratch);
        }
    }
    if (what->about != NULL && !told) {
        add_variable(served, to, what->about);
    }
}

/* ---- messages ---- */

/* enterprise, generic and specific of version 1 (RFC 3584, 3.2). */
static void head_of_v1(const struct sim_snmp_served *served, struct snmp_oid oid,
                       struct variables *scratch, struct snmp_pdu *out)
{
    uint32_t parts[SNMP_OID_PARTS_MAX];
    size_t count = snmp_oid_parts(oid, parts, SNMP_OID_PARTS_MAX);
    struct snmp_oid standard = oid_of(standard_traps, sizeof(standard_traps));
    if (snmp_oid_under(oid, standard) && oid.size > standard.size) {
        size_t at = sim_snmp_object_find(&served->agent,
                                         oid_of(sys_object_id, sizeof(sys_object_id)));
        struct snmp_value id = { 0 };
        sim_snmp_value_read(&served->agent, &served->agent.objects[at], sim_snmp_clock(served),
                            &scratch->scratch, &id);
        out->generic = (int32_t)parts[count - 1] - 1;
        out->enterprise = oid_of(id.content.at, bytes_left(&id.content));
        return;
    }
    out->generic = GENERIC_OTHER;
    out->specific = (int32_t)parts[count - 1];
    count -= count > 3 && parts[count - 2] == 0 ? 2 : 1;
    struct snmp_oid_buf *enterprise = &scratch->missing[VARBINDS_MAX - 1];
    if (snmp_oid_of(parts, count, enterprise) == 0) {
        out->enterprise = enterprise->oid;
    }
}

static void put_variables(const struct variables *from, bool v1, struct ber_out *out)
{
    for (size_t i = from->count; i > 0; i--) {
        if (!v1 || from->list[i - 1].value.tag != BER_COUNTER64) {
            snmp_put_varbind(out, from->list[i - 1].oid, &from->list[i - 1].value);
        }
    }
}

static void put_pdu(struct sim_snmp_served *served, const struct notification *what, bool confirmed,
                    int32_t id, struct ber_out *out)
{
    struct variables *variables = busbar_alloc(sizeof(*variables));
    uint32_t uptime = sim_snmp_uptime(&served->agent, sim_snmp_clock(served));
    bool v1 = served->version == SNMP_V1;
    struct endpoint own;
    struct snmp_pdu head = { .type = confirmed ? SNMP_INFORM : SNMP_TRAP, .request_id = id };
    collect(served, what, variables);
    const uint8_t *mark = ber_mark(out);
    put_variables(variables, v1, out);
    if (v1) {
        head.type = SNMP_TRAP_V1;
        head.uptime = uptime;
        if (endpoint_parse(served->port->host, 0, &own) == 0 && own.family == 4) {
            memcpy(head.agent, own.ip, sizeof(head.agent));
        }
        head_of_v1(served, what->oid.oid, variables, &head);
        snmp_put_trap_head(out, &head, mark);
    } else {
        struct snmp_value name = sim_snmp_octets(&variables->scratch, BER_OID, what->oid.bytes,
                                                 what->oid.oid.size);
        struct snmp_value ticks = sim_snmp_uint(&variables->scratch, BER_TIMETICKS, uptime);
        snmp_put_varbind(out, oid_of(trap_oid, sizeof(trap_oid)), &name);
        snmp_put_varbind(out, oid_of(uptime_oid, sizeof(uptime_oid)), &ticks);
        snmp_put_pdu_head(out, &head, mark);
    }
    busbar_free(variables);
}

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

static void send_trap(struct sim_snmp_served *served, const struct notification *what)
{
    struct sim_snmp_agent *agent = &served->agent;
    struct ber_out out = sim_snmp_desk_out(served->state->desk);
    const uint8_t *mark = ber_mark(&out);
    int32_t id = (int32_t)(hash_random(&served->state->random) & INT32_MAX);
    put_pdu(served, what, false, id, &out);
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

static void begin_inform(struct sim_snmp_served *served, const struct notification *what)
{
    struct ber_out out = sim_snmp_desk_out(served->state->desk);
    int32_t id = (int32_t)(hash_random(&served->state->random) & INT32_MAX);
    put_pdu(served, what, true, id, &out);
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
                      struct notification *out, struct err *err)
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

static int parse(const struct sim_snmp_served *served, const char *words, struct notification *out,
                 struct err *err)
{
    char copy[WORDS_MAX];
    if (!str_copy(copy, sizeof(copy), words)) {
        return err_set(err, BUSBAR_ERANGE, "a notification is at most %d characters long",
                       WORDS_MAX - 1);
    }
    char *rest = copy, *word = strsep(&rest, " ");
    *out = (struct notification){ .count = 1 };
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
static void set_link(struct sim_snmp_served *served, const struct notification *what)
{
    struct snmp_oid standard = oid_of(standard_traps, sizeof(standard_traps));
    struct snmp_oid oid = what->oid.oid;
    uint8_t last = oid.size > 0 ? oid.bytes[oid.size - 1] : 0;
    const struct sim_snmp_object *about = what->about;
    if (about == NULL || about->what != SIM_SNMP_INTERFACE || !snmp_oid_under(oid, standard) ||
        oid.size != standard.size + 1 || (last != 3 && last != 4)) {
        return;
    }
    sim_snmp_set_status(served, about->row, last == 4);
}

static void tell(struct sim_snmp_served *served, bool confirmed, const struct notification *what)
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
    struct notification what;
    struct err err = { 0 };
    (void)timer;
    if (parse(repeat->served, repeat->words, &what, &err) == 0) {
        tell(repeat->served, repeat->confirmed, &what);
    }
}

int sim_snmp_tell(struct sim_device *sd, bool confirmed, const char *words, struct err *err)
{
    struct sim_snmp_served *served = sd->state;
    struct notification what;
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
    struct notification what = { .count = 1 };
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
