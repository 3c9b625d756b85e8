/* SPDX-License-Identifier: Apache-2.0 */
/* What a trap does to the points of its device. A trap is about a row when it carries a variable of a table with the same
 * index: linkDown carries ifIndex.7, so it is about all points in row 7 of ifTable, and of ifXTable, which augments it. */
#include <string.h>

#include "base/alloc.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_rows.h"
#include "drivers/snmp/snmp_traps_private.h"
#include "model/quality.h"

/* The row that an OID is in: its table by the first of its indexes, and its index. */
struct row {
    const struct mib_object *table; /* NULL: in none */
    struct snmp_oid index;
};

struct applying {
    struct snmp_traps *traps;
    const struct snmp_trap_notice *notice;
    struct snmp_device *device;
    struct snmp_trap_device *found;
    size_t wanted;
    struct row rows[SNMP_TRAP_VARIABLES_MAX]; /* of the variables */
};

static const struct snmp_address *address_of(const struct snmp_device *device, uint32_t point)
{
    return driver_address(device->dev, point);
}

void snmp_trap_points_find(struct snmp_trap_device *found)
{
    const struct device *dev = found->device->dev;
    uint32_t *hooked = busbar_alloc_array(dev->point_count + 1, sizeof(*hooked));
    for (uint32_t i = 0; i < dev->point_count; i++) {
        if (address_of(found->device, i)->hooks != NULL) {
            hooked[found->hooked_count++] = i;
        }
    }
    if (found->hooked_count == 0) {
        busbar_free(hooked);
        return;
    }
    found->hooked = busbar_realloc(hooked, found->hooked_count * sizeof(*hooked));
    found->wanted = busbar_alloc_array(found->hooked_count, sizeof(*found->wanted));
}

/* Where a point is now; size 0: nobody knows. */
static struct snmp_oid oid_of(const struct snmp_device *device, uint32_t point)
{
    const struct snmp_address *address = address_of(device, point);
    struct snmp_row_place place;
    if (address->row == NULL) {
        return address->oid;
    }
    bool there = device->rows != NULL && snmp_rows_place(device->rows, point, &place) == 0;
    return there ? place.oid : (struct snmp_oid){ .size = 0 };
}

/* ---- rows ---- */

static struct row row_of(const struct mib *mib, struct snmp_oid oid)
{
    const struct mib_object *column = oid.size > 0 ? mib_under(mib, oid) : NULL;
    const struct mib_object *row = column != NULL ? mib_row_of(column) : NULL;
    struct row out = { .table = NULL };
    if (row != NULL && row->index_count > 0) {
        out.table = row->indexes[0];
        out.index = snmp_oid_tail(oid, column->oid);
    }
    return out;
}

/* other: it is about rows of that table, but not of this one. */
static bool is_about(const struct applying *apply, struct snmp_oid oid, bool *other)
{
    struct row own = row_of(apply->traps->state->mib, oid);
    *other = false;
    for (size_t i = 0; own.table != NULL && i < apply->notice->variable_count; i++) {
        const struct row *row = &apply->rows[i];
        bool same_table = row->table == own.table && row->index.size > 0;
        if (same_table && snmp_oid_equal(row->index, own.index)) {
            *other = false;
            return true;
        }
        *other = *other || same_table;
    }
    return false;
}

/* ---- one point ---- */

static void publish(const struct applying *apply, uint32_t point, struct sample *sample)
{
    (void)driver_publish(apply->device->dev, &point, sample, 1, NULL, NULL);
}

static void publish_value(const struct applying *apply, uint32_t point,
                          const struct snmp_value *value)
{
    struct sample sample = { .type = VALUE_NONE };
    snmp_value_read(address_of(apply->device, point)->meaning, apply->traps->state->mib, value,
                    &apply->traps->scratch->value, &sample);
    publish(apply, point, &sample);
}

static bool is_polled_by(const struct applying *apply, const struct snmp_trap_hook *hook)
{
    for (size_t i = 0; i < hook->poll_count; i++) {
        if (snmp_oid_equal(hook->polls[i], apply->notice->trap)) {
            return true;
        }
    }
    return hook->poll_any;
}

static const struct snmp_trap_set *set_by(const struct applying *apply,
                                          const struct snmp_trap_hook *hook)
{
    for (size_t i = 0; i < hook->set_count; i++) {
        if (snmp_oid_equal(hook->sets[i].trap, apply->notice->trap)) {
            return &hook->sets[i];
        }
    }
    return NULL;
}

/* The variable with exactly this OID, or (below) the first under it; NULL: none. */
static const struct snmp_varbind *variable_of(const struct applying *apply, struct snmp_oid oid,
                                              bool below)
{
    for (size_t i = 0; oid.size > 0 && i < apply->notice->variable_count; i++) {
        const struct snmp_varbind *variable = &apply->notice->variables[i];
        if (below ? snmp_oid_under(variable->oid, oid) : snmp_oid_equal(variable->oid, oid)) {
            return variable;
        }
    }
    return NULL;
}

/* A point that only traps set. */
static void set_point(const struct applying *apply, uint32_t point)
{
    const struct snmp_address *address = address_of(apply->device, point);
    const struct snmp_trap_hook *hook = address->hooks;
    const struct snmp_trap_set *set = set_by(apply, hook);
    bool other = false;
    if (hook->set_count > 0 && set == NULL) {
        return;
    }
    if (hook->argument) {
        const struct snmp_varbind *variable = variable_of(apply, address->oid, true);
        if (variable != NULL) {
            publish_value(apply, point, &variable->value);
        }
        return;
    }
    (void)is_about(apply, oid_of(apply->device, point), &other);
    if (!other) {
        struct sample sample = { .type = set->type, .value = set->value, .quality = QUALITY_GOOD };
        publish(apply, point, &sample);
    }
}

/* Counters are never set: what they show is made of two polls. */
static bool takes_value(const struct snmp_address *address)
{
    return address->hooks->carried && address->as == SNMP_AS_IS;
}

static void touch_point(struct applying *apply, uint32_t point)
{
    const struct snmp_address *address = address_of(apply->device, point);
    const struct snmp_trap_hook *hook = address->hooks;
    if (snmp_trap_only(hook)) {
        set_point(apply, point);
        return;
    }
    struct snmp_oid oid = oid_of(apply->device, point);
    const struct snmp_varbind *variable = takes_value(address) ? variable_of(apply, oid, false)
                                                               : NULL;
    bool other;
    if (variable != NULL) {
        publish_value(apply, point, &variable->value);
    }
    if ((variable == NULL && hook->carried && is_about(apply, oid, &other)) ||
        is_polled_by(apply, hook)) {
        apply->found->wanted[apply->wanted++] = point;
    }
}

void snmp_trap_points_apply(struct snmp_traps *traps, const struct snmp_trap_notice *notice,
                            struct snmp_trap_device *found)
{
    struct applying apply;
    apply.traps = traps;
    apply.notice = notice;
    apply.device = found->device;
    apply.found = found;
    apply.wanted = 0;
    for (size_t i = 0; found->hooked_count > 0 && i < notice->variable_count; i++) {
        apply.rows[i] = row_of(traps->state->mib, notice->variables[i].oid);
    }
    for (size_t i = 0; i < found->hooked_count; i++) {
        touch_point(&apply, found->hooked[i]);
    }
    driver_poll_now(found->device->dev, found->wanted, apply.wanted);
}
