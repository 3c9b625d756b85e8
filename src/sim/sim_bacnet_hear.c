/* SPDX-License-Identifier: Apache-2.0 */
/* What is heard by broadcast and by unconfirmed requests: Who-Is, Who-Has, times. Devices answer Who-Is one
 * after another, SURVEY_STEP in SURVEY_MS, so that 10,000 of them do not flood who asked. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/service/time_sync.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/bvlc.h"
#include "drivers/bacnet/wire/text.h"
#include "sim/sim_bacnet.h"
#include "sim/sim_bacnet_property.h"

enum { SURVEYS_MAX = 64, SURVEY_STEP = 20, SURVEY_MS = 10 };

struct sim_bacnet_survey {
    struct list link; /* ear->surveys */
    struct bacnet_address from;
    struct bacnet_who_is who;
    size_t done; /* devices looked at */
};

bool sim_bacnet_is_mute(const struct sim_bacnet_served *served)
{
    return served->sd->now == SIM_FAULT_SILENCE || served->sd->now == SIM_FAULT_DOWN ||
           (served->sd->now == SIM_FAULT_RESTART && served->sd->fault.for_us > 0);
}

/* ---- I-Am ---- */

static size_t put_i_am(const struct sim_bacnet_served *served, uint8_t *data)
{
    struct bytes_out out = bytes_out_of(data, BACNET_I_AM_MAX);
    struct bacnet_i_am i_am = {
        .instance = served->device.instance,
        .max_apdu = served->device.max_apdu,
        .segmentation = served->device.segmentation,
        .vendor = SIM_BACNET_VENDOR,
    };
    bacnet_put_i_am(&out, &i_am);
    return bytes_out_size(&out);
}

static void twin_introduces(struct sim_bacnet_served *served, const struct endpoint *to)
{
    uint8_t i_am[BACNET_I_AM_MAX], bytes[64];
    struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
    size_t size = put_i_am(served, i_am);
    struct bacnet_bvlc bvlc = { .function = BACNET_BVLC_UNICAST };
    struct bacnet_npdu npdu = { .hops = 0 };
    struct bacnet_apdu apdu = {
        .type = BACNET_PDU_UNCONFIRMED,
        .service = BACNET_I_AM,
        .data = bytes_of(i_am, size),
    };
    bacnet_put_bvlc(&out, &bvlc);
    bacnet_put_npdu(&out, &npdu);
    bacnet_put_apdu(&out, &apdu);
    bacnet_end_bvlc(&out, 0);
    (void)datagram_send(served->twin, to, bytes, bytes_out_size(&out));
}

void sim_bacnet_introduce(struct sim_bacnet_served *served, const struct bacnet_address *to)
{
    uint8_t data[BACNET_I_AM_MAX];
    struct bacnet_address all = { .network = served->source.network != 0 ? BACNET_NETWORK_ALL : 0 };
    size_t size = put_i_am(served, data);
    if (sim_bacnet_is_mute(served)) {
        return;
    }
    (void)bacnet_tell(served->port->node, sim_bacnet_source(served), to != NULL ? to : &all,
                      BACNET_I_AM, data, size);
    if (served->twin != NULL && to != NULL) {
        twin_introduces(served, &to->ip);
    } else if (served->twin != NULL && served->port->ear != NULL) {
        twin_introduces(served, &served->port->ear->at);
    }
}

/* Nobody reads what is sent to it. */
static void twin_heard(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    (void)ctx;
    (void)from;
    (void)data;
    (void)size;
}

void sim_bacnet_twin(struct sim_bacnet_served *served, bool on)
{
    char host[ADDRESS_TEXT_MAX];
    const uint8_t *ip = served->port->at.ip;
    datagram_close(served->twin);
    served->twin = NULL;
    if (!on) {
        return;
    }
    str_format(host, sizeof(host), "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    struct datagram_options options = {
        .host = host,
        .port = 0, /* of its own: another address, as BACnet/IP counts */
        .broadcast = true,
    };
    if (datagram_open(served->sd->sim->loop, &options, twin_heard, served, &served->twin, NULL) ==
        0) {
        sim_bacnet_introduce(served, NULL);
    }
}

/* ---- surveys ---- */

static bool is_near(const struct sim_bacnet_served *served, const struct sim_bacnet_ear *ear)
{
    return served->port->ear == ear && served->source.network == 0;
}

/* The next devices answer; false: all have. */
static bool survey_step(struct sim_bacnet_ear *ear, struct sim_bacnet_survey *survey)
{
    size_t place = 0, answered = 0;
    list_each(at, &ear->state->devices) {
        struct sim_bacnet_served *served = list_entry(at, struct sim_bacnet_served, link);
        if (place++ < survey->done) {
            continue;
        }
        if (answered >= SURVEY_STEP) {
            return true;
        }
        survey->done = place;
        if (is_near(served, ear) && bacnet_who_is_asks(&survey->who, served->device.instance)) {
            sim_bacnet_introduce(served, &survey->from);
            answered++;
        }
    }
    return false;
}

static void pace(struct timer *timer, void *ctx)
{
    struct sim_bacnet_ear *ear = ctx;
    list_each_safe(at, &ear->surveys) {
        struct sim_bacnet_survey *survey = list_entry(at, struct sim_bacnet_survey, link);
        if (!survey_step(ear, survey)) {
            list_remove(&survey->link);
            busbar_free(survey);
            ear->survey_count--;
        }
    }
    if (ear->survey_count == 0) {
        timer_stop(timer);
    }
}

static void survey_begin(struct sim_bacnet_ear *ear, const struct bacnet_address *from,
                         struct bytes data)
{
    struct bacnet_who_is who;
    if (ear->survey_count >= SURVEYS_MAX || bacnet_get_who_is(&data, &who) != 0) {
        return;
    }
    struct sim_bacnet_survey *survey = busbar_alloc(sizeof(*survey));
    survey->from = *from;
    survey->who = who;
    list_append(&ear->surveys, &survey->link);
    ear->survey_count++;
    if (!timer_running(&ear->pace)) {
        timer_start(&ear->pace, 0, SURVEY_MS);
    }
}

/* ---- for one device ---- */

static void who_has(struct sim_bacnet_served *served, const struct bacnet_address *from,
                    struct bytes data)
{
    struct sim_bacnet_device *bd = &served->device;
    struct bacnet_who_has who;
    struct buf wanted;
    if (bacnet_get_who_has(&data, &who) != 0 || bd->instance < who.low || bd->instance > who.high) {
        return;
    }
    buf_init(&wanted, SIM_BACNET_TEXT_MAX);
    if (who.by_name) {
        (void)bacnet_print_characters(&who.name, &wanted);
    }
    for (uint32_t i = 0; i < bd->object_count; i++) {
        char name[SIM_BACNET_TEXT_MAX];
        uint8_t bytes[BACNET_I_HAVE_MAX + SIM_BACNET_TEXT_MAX];
        struct bytes_out out = bytes_out_of(bytes, sizeof(bytes));
        struct bacnet_i_have i_have = { .instance = bd->instance, .object = bd->objects[i].id };
        sim_bacnet_name(bd, &bd->objects[i], name, sizeof(name));
        if (who.by_name ? strcmp(name, buf_text(&wanted)) != 0
                        : !bacnet_object_equal(who.object, bd->objects[i].id)) {
            continue;
        }
        i_have.name.type = BACNET_CHARACTERS;
        i_have.name.as.block.data = (const uint8_t *)name;
        i_have.name.as.block.size = (uint32_t)strlen(name);
        bacnet_put_i_have(&out, &i_have);
        (void)bacnet_tell(served->port->node, sim_bacnet_source(served), from, BACNET_I_HAVE, bytes,
                          bytes_out_size(&out));
    }
    buf_fini(&wanted);
}

static void set_time(struct sim_bacnet_served *served, struct bytes data)
{
    struct bacnet_datetime at;
    int64_t time_us;
    if (bacnet_get_time_sync(&data, &at) == 0 && bacnet_datetime_us(&at, 0, &time_us) == 0) {
        served->device.clock_offset_us = time_us - clock_wall_us();
    }
}

void sim_bacnet_told(struct sim_bacnet_served *served, const struct bacnet_address *from,
                     uint8_t service, struct bytes data)
{
    struct bacnet_who_is who;
    if (sim_bacnet_is_mute(served)) {
        return;
    }
    switch (service) {
    case BACNET_WHO_IS:
        if (bacnet_get_who_is(&data, &who) == 0 &&
            bacnet_who_is_asks(&who, served->device.instance)) {
            sim_bacnet_introduce(served, from);
        }
        break;
    case BACNET_WHO_HAS: who_has(served, from, data); break;
    case BACNET_TIME_SYNC: /* its clock is UTC: both are the same */
    case BACNET_UTC_TIME_SYNC: set_time(served, data); break;
    default: break;
    }
}

/* ---- the ear ---- */

/* What the devices near it hear; behind routers the nodes see to it. */
static void hear(struct sim_bacnet_ear *ear, const struct bacnet_address *from,
                 const struct bacnet_apdu *apdu)
{
    if (apdu->service == BACNET_WHO_IS) {
        survey_begin(ear, from, apdu->data);
        return;
    }
    if (apdu->service != BACNET_WHO_HAS && apdu->service != BACNET_TIME_SYNC &&
        apdu->service != BACNET_UTC_TIME_SYNC) {
        return;
    }
    list_each(at, &ear->state->devices) {
        struct sim_bacnet_served *served = list_entry(at, struct sim_bacnet_served, link);
        if (is_near(served, ear)) {
            sim_bacnet_told(served, from, apdu->service, apdu->data);
        }
    }
}

static void ear_heard(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    struct sim_bacnet_ear *ear = ctx;
    struct bytes in = bytes_of(data, size);
    struct bacnet_bvlc bvlc;
    struct bacnet_npdu npdu;
    struct bacnet_apdu apdu;
    struct bacnet_address who = { .ip = *from };
    list_each(at, &ear->state->ports) {
        struct sim_bacnet_port *port = list_entry(at, struct sim_bacnet_port, link);
        if (port->ear == ear && port->network != 0) {
            bacnet_node_receive(port->node, from, data, size, true);
        }
    }
    if (bacnet_get_bvlc(&in, &bvlc) != 0 || bacnet_get_npdu(&bvlc.data, &npdu) != 0 ||
        npdu.is_message || (npdu.has_to && npdu.to.network != BACNET_NETWORK_ALL) ||
        bacnet_get_apdu(&npdu.data, &apdu) != 0 || apdu.type != BACNET_PDU_UNCONFIRMED) {
        return;
    }
    if (bvlc.function == BACNET_BVLC_FORWARDED) {
        memcpy(who.ip.ip, bvlc.from.ip, sizeof(bvlc.from.ip));
        who.ip.port = bvlc.from.port;
    }
    if (npdu.has_from) {
        who.network = npdu.from.network;
        who.mac_size = npdu.from.size;
        memcpy(who.mac, npdu.from.mac, npdu.from.size);
    }
    hear(ear, &who, &apdu);
}

int sim_bacnet_ear_get(struct bacnet_state *state, struct sim *sim, const struct endpoint *at,
                       struct sim_bacnet_ear **out, struct err *err)
{
    char host[ADDRESS_TEXT_MAX];
    list_each(link, &state->ears) {
        struct sim_bacnet_ear *ear = list_entry(link, struct sim_bacnet_ear, link);
        if (endpoint_equal(&ear->at, at)) {
            *out = ear;
            return 0;
        }
    }
    struct sim_bacnet_ear *ear = busbar_alloc(sizeof(*ear));
    ear->sim = sim;
    ear->state = state;
    ear->at = *at;
    list_init(&ear->surveys);
    timer_init(&ear->pace, sim->loop, pace, ear);
    list_append(&state->ears, &ear->link);
    str_format(host, sizeof(host), "%u.%u.%u.%u", at->ip[0], at->ip[1], at->ip[2], at->ip[3]);
    struct datagram_options options = { .host = host, .port = at->port, .reuse = true };
    int error = datagram_open(sim->loop, &options, ear_heard, ear, &ear->socket, err);
    if (error != 0) {
        sim_bacnet_ear_free(ear);
        return error;
    }
    *out = ear;
    return 0;
}

void sim_bacnet_ear_free(struct sim_bacnet_ear *ear)
{
    list_each_safe(at, &ear->surveys) {
        busbar_free(list_entry(at, struct sim_bacnet_survey, link));
    }
    timer_stop(&ear->pace);
    datagram_close(ear->socket);
    list_remove(&ear->link);
    busbar_free(ear);
}
