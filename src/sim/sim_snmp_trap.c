/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a notification: sysUpTime and its name, or the head of a trap of version 1, and the variables that the MIB
 * lists for it, in the row that it is about, as the agent reads them now. */
#include <string.h>

#include "base/alloc.h"
#include "sim/sim_snmp.h"

enum { GENERIC_OTHER = 6, VARBINDS_MAX = 32 };

static const uint8_t uptime_oid[] = { 0x2b, 6, 1, 2, 1, 1, 3, 0 };
static const uint8_t trap_oid[] = { 0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0 };
static const uint8_t standard_traps[] = { 0x2b, 6, 1, 6, 3, 1, 1, 5 };
static const uint8_t sys_object_id[] = { 0x2b, 6, 1, 2, 1, 1, 2, 0 };

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
    uint8_t room[(VARBINDS_MAX + 3) * SIM_SNMP_VALUE_MAX]; /* uptime, name, enterprise beside */
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

static void collect(struct sim_snmp_served *served, const struct sim_snmp_notification *what,
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

void sim_snmp_put_notification(struct sim_snmp_served *served,
                               const struct sim_snmp_notification *what, bool confirmed, int32_t id,
                               struct ber_out *out)
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
