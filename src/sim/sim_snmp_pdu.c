/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to GET, GETNEXT, GETBULK and SET as RFC 3416, 4.2 and, of version 1, RFC 1157, 4.1 want them. The answer
 * is collected first, as it is written from its end. */
#include <string.h>

#include "base/alloc.h"
#include "sim/sim_snmp_desk.h"

enum {
    WRONG_ID = 100,
    PDU_HEAD_MAX = 32, /* tags, lengths and the three numbers of a PDU, its list of varbinds */
};

struct sim_snmp_desk *sim_snmp_desk_new(void)
{
    return busbar_alloc(sizeof(struct sim_snmp_desk));
}

void sim_snmp_desk_free(struct sim_snmp_desk *desk)
{
    busbar_free(desk);
}

struct ber_out sim_snmp_desk_out(struct sim_snmp_desk *desk)
{
    return ber_out_of(desk->message, sizeof(desk->message));
}

struct bytes_out sim_snmp_desk_scratch(struct sim_snmp_desk *desk)
{
    return bytes_out_of(desk->values, sizeof(desk->values));
}

/* An answer while it is collected. */
struct reply {
    struct sim_snmp_agent *agent;
    const struct sim_snmp_asked *asked;
    struct sim_snmp_desk *desk;
    struct bytes_out scratch;
    size_t count, bytes; /* bytes: what the varbinds take */
    int32_t status, index;
    bool echo; /* the varbinds of the question, not those collected */
};

static size_t length_size(size_t length)
{
    return length < 0x80 ? 1 : length < 0x100 ? 2 : 3;
}

static size_t varbind_size(const struct snmp_varbind *varbind)
{
    size_t value = bytes_left(&varbind->value.content);
    size_t size = 1 + length_size(varbind->oid.size) + varbind->oid.size + 1 + length_size(value) +
                  value;
    return 1 + length_size(size) + size;
}

static bool is_v1(const struct reply *reply)
{
    return reply->asked->version == SNMP_V1;
}

/* False: there is no room for it. */
static bool take(struct reply *reply, struct snmp_oid oid, struct snmp_value value)
{
    struct snmp_varbind *varbind = &reply->desk->varbinds[reply->count];
    if (reply->count >= SNMP_VARBINDS_MAX) {
        return false;
    }
    *varbind = (struct snmp_varbind){ .oid = oid, .value = value };
    size_t size = varbind_size(varbind);
    if (reply->bytes + size + PDU_HEAD_MAX > reply->asked->budget) {
        return false;
    }
    reply->bytes += size;
    reply->count++;
    return true;
}

static bool take_object(struct reply *reply, size_t index)
{
    const struct sim_snmp_object *object = &reply->agent->objects[index];
    struct snmp_value value;
    if (bytes_out_left(&reply->scratch) < SIM_SNMP_VALUE_MAX) {
        return false;
    }
    sim_snmp_value_read(reply->agent, object, reply->asked->now, &reply->scratch, &value);
    return take(reply, object->oid, value);
}

static bool take_nothing(struct reply *reply, struct snmp_oid oid, uint8_t tag)
{
    return take(reply, oid, (struct snmp_value){ .tag = tag });
}

static void fail(struct reply *reply, int32_t status, size_t index)
{
    reply->status = status;
    reply->index = (int32_t)index;
    reply->echo = true;
    reply->count = 0;
}

static void too_big(struct reply *reply)
{
    fail(reply, SNMP_TOO_BIG, 0);
    reply->echo = is_v1(reply); /* since version 2 without varbinds: 4.2.1 */
}

/* ---- GET ---- */

static struct snmp_oid parent_of(struct snmp_oid oid)
{
    while (oid.size > 1 && (oid.bytes[oid.size - 2] & 0x80) != 0) {
        oid.size--;
    }
    oid.size = (uint16_t)(oid.size > 0 ? oid.size - 1 : 0);
    return oid;
}

/* Whether there are other instances of what is not there. */
static uint8_t missing(const struct sim_snmp_agent *agent, struct snmp_oid oid)
{
    struct snmp_oid parent = parent_of(oid);
    size_t after = sim_snmp_object_after(agent, parent);
    bool instance = parent.size > 0 && after < agent->object_count &&
                    snmp_oid_under(agent->objects[after].oid, parent);
    return instance ? BER_NO_SUCH_INSTANCE : BER_NO_SUCH_OBJECT;
}

/* Version 1 has no Counter64 (RFC 3584, 4.2.2.1). */
static bool hidden(const struct reply *reply, size_t at)
{
    return is_v1(reply) && reply->agent->objects[at].tag == BER_COUNTER64;
}

static void get(struct reply *reply)
{
    struct bytes in = reply->asked->pdu->varbinds;
    struct snmp_varbind asked;
    for (size_t i = 1; snmp_varbind_next(&in, &asked); i++) {
        size_t at = sim_snmp_object_find(reply->agent, asked.oid);
        bool there = at != SIZE_MAX && !hidden(reply, at);
        if (!there && is_v1(reply)) {
            fail(reply, SNMP_NO_SUCH_NAME, i);
            return;
        }
        if (!(there ? take_object(reply, at)
                    : take_nothing(reply, asked.oid, missing(reply->agent, asked.oid)))) {
            too_big(reply);
            return;
        }
    }
}

/* ---- GETNEXT, GETBULK ---- */

static size_t next(const struct reply *reply, struct snmp_oid oid)
{
    const struct sim_snmp_agent *agent = reply->agent;
    size_t at = sim_snmp_object_after(agent, oid);
    if (reply->asked->kind == SIM_FAULT_LOOP && at > agent->object_count / 2) {
        at = 0; /* where it began: a walk that does not look never ends */
    }
    while (at < agent->object_count && hidden(reply, at)) {
        at++;
    }
    return at;
}

/* *oid: where to go on after it. */
static bool take_next(struct reply *reply, struct snmp_oid *oid)
{
    size_t at = next(reply, *oid);
    if (at >= reply->agent->object_count) {
        return take_nothing(reply, *oid, BER_END_OF_MIB_VIEW);
    }
    *oid = reply->agent->objects[at].oid;
    return take_object(reply, at);
}

static void get_next(struct reply *reply)
{
    struct bytes in = reply->asked->pdu->varbinds;
    struct snmp_varbind asked;
    for (size_t i = 1; snmp_varbind_next(&in, &asked); i++) {
        if (is_v1(reply) && next(reply, asked.oid) >= reply->agent->object_count) {
            fail(reply, SNMP_NO_SUCH_NAME, i);
            return;
        }
        if (!take_next(reply, &asked.oid)) {
            too_big(reply);
            return;
        }
    }
}

/* One round of the repeaters; oids: where each of them is. False: enough, there is no room or nothing more. */
static bool repeat(struct reply *reply, size_t repeaters, struct snmp_oid *oids)
{
    bool more = false;
    for (size_t i = 0; i < repeaters; i++) {
        if (!take_next(reply, &oids[i])) {
            return false;
        }
        more = more || reply->desk->varbinds[reply->count - 1].value.tag != BER_END_OF_MIB_VIEW;
    }
    return more;
}

/* What does not fit is left out: a client asks on where the answer ended. */
static void get_bulk(struct reply *reply)
{
    const struct snmp_pdu *pdu = reply->asked->pdu;
    struct bytes in = pdu->varbinds;
    struct snmp_varbind asked;
    size_t repeaters = 0;
    if (reply->agent->no_bulk) {
        fail(reply, SNMP_GEN_ERR, 0);
        return;
    }
    for (int32_t i = 0; snmp_varbind_next(&in, &asked); i++) {
        if (i >= pdu->error_status) {
            reply->desk->oids[repeaters++] = asked.oid;
        } else if (!take_next(reply, &asked.oid)) {
            return;
        }
    }
    for (int32_t i = 0; repeaters > 0 && i < pdu->error_index; i++) {
        if (!repeat(reply, repeaters, reply->desk->oids)) {
            break;
        }
    }
}

/* ---- SET ---- */

static int32_t for_v1(int32_t status)
{
    switch (status) { /* RFC 3584, 4.4 */
    case SNMP_NO_ERROR: return SNMP_NO_ERROR;
    case SNMP_WRONG_TYPE:
    case SNMP_WRONG_LENGTH:
    case SNMP_WRONG_ENCODING:
    case SNMP_WRONG_VALUE: return SNMP_BAD_VALUE;
    default: return SNMP_NO_SUCH_NAME;
    }
}

static void set(struct reply *reply)
{
    struct bytes in = reply->asked->pdu->varbinds;
    struct snmp_varbind asked;
    for (size_t i = 1; snmp_varbind_next(&in, &asked); i++) { /* all or nothing */
        size_t at = sim_snmp_object_find(reply->agent, asked.oid);
        int32_t status = SNMP_NO_CREATION;
        if (at != SIZE_MAX) {
            status = sim_snmp_value_check(reply->agent, &reply->agent->objects[at], &asked.value);
        }
        if (status != SNMP_NO_ERROR) {
            fail(reply, is_v1(reply) ? for_v1(status) : status, i);
            return;
        }
    }
    reply->echo = true;
    in = reply->asked->pdu->varbinds;
    while (snmp_varbind_next(&in, &asked)) {
        size_t at = sim_snmp_object_find(reply->agent, asked.oid);
        sim_snmp_value_hold(reply->agent, &reply->agent->objects[at], &asked.value,
                            reply->asked->now);
    }
}

/* ---- all ---- */

static bool too_many(const struct reply *reply)
{
    struct bytes in = reply->asked->pdu->varbinds;
    struct snmp_varbind asked;
    size_t count = 0;
    while (snmp_varbind_next(&in, &asked)) {
        count++;
    }
    return reply->agent->oids_max != 0 && count > reply->agent->oids_max;
}

static int collect(struct reply *reply)
{
    uint8_t type = reply->asked->pdu->type;
    if (reply->asked->kind == SIM_FAULT_ERROR) {
        fail(reply, (int32_t)reply->asked->argument, 1);
    } else if (too_many(reply)) {
        too_big(reply);
    } else if (type == SNMP_GET) {
        get(reply);
    } else if (type == SNMP_GETNEXT) {
        get_next(reply);
    } else if (type == SNMP_GETBULK && !is_v1(reply)) {
        get_bulk(reply);
    } else if (type == SNMP_SET) {
        set(reply);
    } else {
        return BUSBAR_EUNSUPPORTED;
    }
    return 0;
}

/* The varbinds, from the last to the first. */
static void put_varbinds(const struct reply *reply, struct ber_out *out)
{
    const struct bytes *asked = &reply->asked->pdu->varbinds;
    if (reply->echo) {
        ber_put_raw(out, asked->at, bytes_left(asked));
        return;
    }
    for (size_t i = reply->count; i > 0; i--) {
        struct snmp_varbind varbind = reply->desk->varbinds[i - 1];
        if (reply->asked->kind == SIM_FAULT_WRONG_UNIT && varbind.oid.size > 1) {
            varbind.oid.size = (uint16_t)(parent_of(varbind.oid).size); /* of something else */
        }
        snmp_put_varbind(out, varbind.oid, &varbind.value);
    }
}

int sim_snmp_pdu_answer(struct sim_snmp_agent *agent, struct sim_snmp_desk *desk,
                        const struct sim_snmp_asked *asked, struct ber_out *out)
{
    struct reply reply = {
        .agent = agent, .asked = asked, .desk = desk, .scratch = sim_snmp_desk_scratch(desk)
    };
    int error = collect(&reply);
    if (error != 0) {
        return error;
    }
    const uint8_t *mark = ber_mark(out);
    struct snmp_pdu head = { .type = SNMP_RESPONSE,
                             .request_id = asked->pdu->request_id,
                             .error_status = reply.status,
                             .error_index = reply.index };
    if (asked->kind == SIM_FAULT_WRONG_TRANSACTION) {
        head.request_id = (int32_t)((uint32_t)head.request_id + WRONG_ID);
    }
    put_varbinds(&reply, out);
    snmp_put_pdu_head(out, &head, mark);
    return out->failed ? BUSBAR_ETOOBIG : 0;
}
