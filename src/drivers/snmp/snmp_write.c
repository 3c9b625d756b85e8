/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_write.h"

#include "base/alloc.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_device.h"
#include "drivers/snmp/snmp_read.h"
#include "drivers/snmp/snmp_rows.h"
#include "model/quality.h"

struct snmp_write {
    struct list link; /* device->writes */
    struct snmp_device *device;
    struct request *req;
    struct snmp_asked *asked; /* NULL: not sent, `error` says why */
    struct loop_deferred refusing;
    int error;
};

static void end(struct snmp_write *write, int error)
{
    struct snmp_device *device = write->device;
    struct request *req = write->req;
    list_remove(&write->link);
    loop_defer_cancel(&write->refusing);
    busbar_free(write);
    driver_done(device->dev, req, error);
}

/* ---- the question ---- */

static int place_of(const struct snmp_write *write, size_t i, struct snmp_oid *out)
{
    struct snmp_row_place place = { 0 };
    uint32_t point = write->req->points[i];
    const struct snmp_address *address = driver_address(write->device->dev, point);
    if (address->row == NULL) {
        *out = address->oid;
        return 0;
    }
    uint16_t detail = snmp_rows_place(write->device->rows, point, &place);
    if (detail != 0) {
        (void)snmp_rows_wake(write->device->rows);
        write->req->samples[0].detail = detail;
        write->req->samples[i].detail = detail;
        return BUSBAR_EREFUSED;
    }
    *out = place.oid;
    return 0;
}

/* All values in one room, each behind the one before. */
static int make(const struct snmp_write *write, uint8_t *room, struct snmp_varbind *varbinds)
{
    const struct request *req = write->req;
    size_t used = 0;
    int error = 0;
    for (size_t i = 0; error == 0 && i < req->count; i++) {
        const struct snmp_address *address = driver_address(write->device->dev, req->points[i]);
        error = place_of(write, i, &varbinds[i].oid);
        if (error == 0) {
            error = snmp_value_write(address->meaning, write->device->state->mib, &req->samples[i],
                                     room + used, SNMP_WRITE_BYTES_MAX - used, &varbinds[i].value,
                                     NULL);
            used += error == 0 ? bytes_left(&varbinds[i].value.content) : 0;
        }
    }
    return error == BUSBAR_EINVAL ? BUSBAR_ERANGE : error;
}

/* Texts as the device will spell them when they are read back: an OID by its name, octets by their hint. */
static void end_taken(struct snmp_write *write, struct bytes varbinds)
{
    struct snmp_device *device = write->device;
    struct request *req = write->req;
    struct text **texts = busbar_alloc_array(req->count, sizeof(struct text *));
    struct snmp_varbind varbind;
    for (size_t i = 0; i < req->count && snmp_varbind_next(&varbinds, &varbind); i++) {
        const struct snmp_address *address = driver_address(device->dev, req->points[i]);
        struct sample taken = { 0 };
        if (req->samples[i].type == VALUE_TEXT) {
            snmp_value_read(address->meaning, device->state->mib, &varbind.value, &texts[i],
                            &taken);
        }
        if (taken.type == VALUE_TEXT) {
            req->samples[i].value = taken.value;
        }
    }
    size_t count = req->count;
    end(write, 0);
    for (size_t i = 0; i < count; i++) {
        busbar_free(texts[i]);
    }
    busbar_free(texts);
}

static void answered(void *ctx, const struct snmp_answer *answer)
{
    struct snmp_write *write = ctx;
    struct request *req = write->req;
    write->asked = NULL;
    if (answer->error == BUSBAR_EAUTH) {
        snmp_device_silent(write->device, answer);
    }
    if (answer->error != 0) {
        bool cut_off = answer->error == BUSBAR_ECANCELED && write->error != 0;
        end(write, cut_off ? write->error : answer->error);
        return;
    }
    snmp_device_answered(write->device);
    if (answer->pdu->error_status == SNMP_NO_ERROR) {
        end_taken(write, answer->pdu->varbinds);
        return;
    }
    uint16_t detail = snmp_detail_status(answer->pdu->error_status);
    int32_t index = answer->pdu->error_index; /* 1: the first; 0: the device does not say */
    req->samples[0].detail = detail;
    if (index > 0 && (size_t)index <= req->count) {
        req->samples[index - 1].detail = detail;
    }
    end(write, BUSBAR_EREFUSED);
}

static void refuse(void *ctx)
{
    struct snmp_write *write = ctx;
    end(write, write->error);
}

void snmp_write_begin(struct snmp_device *device, struct request *req)
{
    struct snmp_write *write = busbar_alloc(sizeof(*write));
    struct snmp_varbind varbinds[SNMP_WRITE_POINTS_MAX];
    *write = (struct snmp_write){ .device = device, .req = req };
    loop_deferred_init(&write->refusing, refuse, write);
    list_append(&device->writes, &write->link);
    if (req->count > SNMP_WRITE_POINTS_MAX) {
        write->error = BUSBAR_ETOOBIG;
    } else {
        uint8_t *room = busbar_alloc(SNMP_WRITE_BYTES_MAX);
        write->error = make(write, room, varbinds);
        if (write->error == 0) {
            const struct snmp_ask ask = { .type = SNMP_SET,
                                          .varbinds = varbinds,
                                          .count = req->count,
                                          .deadline_us = req->deadline_us,
                                          .once = true,
                                          .cb = answered,
                                          .ctx = write };
            write->asked = snmp_ask(device->agent, &ask);
            write->error = write->asked == NULL ? BUSBAR_EBUSY : 0;
        }
        busbar_free(room);
    }
    if (write->error != 0) {
        loop_defer(device->state->loop, &write->refusing);
    }
}

/* ---- giving up ---- */

static void cut(struct snmp_write *write, int error)
{
    struct snmp_asked *asked = write->asked;
    write->error = error;
    if (asked != NULL) {
        snmp_asked_cancel(asked); /* ends in answered() */
    } else {
        end(write, error);
    }
}

bool snmp_write_cancel(struct snmp_device *device, struct request *req)
{
    list_each(at, &device->writes) {
        struct snmp_write *write = list_entry(at, struct snmp_write, link);
        if (write->req == req) {
            cut(write, BUSBAR_ETIMEOUT);
            return true;
        }
    }
    return false;
}

void snmp_writes_stop(struct snmp_device *device)
{
    while (!list_empty(&device->writes)) {
        cut(list_entry(device->writes.next, struct snmp_write, link), BUSBAR_ECANCELED);
    }
}
