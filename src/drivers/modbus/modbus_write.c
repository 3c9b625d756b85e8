/* SPDX-License-Identifier: Apache-2.0 */
/* Writes: one point after the other, each with the smallest function that does it. Nothing that may have been
 * done is sent a second time; what the device said it did not do (busy, illegal function) may go
 * once more, in the way that it knows.
 *
 *   coil                    5, or 15 when asked for or 5 is unknown
 *   one register            6, or 16 when asked for or 6 is unknown
 *   several registers       16
 *   bits, one byte          22; where it is unknown: read, change, write
 *   any registers           23 when asked for */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "drivers/modbus/modbus_device.h"
#include "drivers/modbus/modbus_value.h"

enum { WRITE_BUSY_MAX = 5, WRITE_BUSY_MS = 200 };

void modbus_write_begin(struct modbus_device *device, struct request *req)
{
    struct modbus_job *job = modbus_job_take(device, req);
    job->write = true;
    list_append(&device->writes, &job->link);
    device->user.urgent = true;
    modbus_client_wake(&device->user);
}

static const struct modbus_address *address_of(const struct modbus_device *device,
                                               const struct modbus_job *job)
{
    return &modbus_addresses(device)[job->req->points[job->point]];
}

static void end(struct modbus_device *device, struct modbus_job *job, int error)
{
    list_remove(&job->link);
    device->user.urgent = !list_empty(&device->writes);
    modbus_job_done(device, job, error);
}

void modbus_write_cut(struct modbus_device *device, struct modbus_job *job, int error)
{
    (void)modbus_client_forget(&device->user, job, NULL);
    end(device, job, error);
}

/* ---- the question ---- */

static void ask_coil(const struct modbus_device *device, const struct modbus_address *address,
                     struct modbus_job *job, struct modbus_ask *ask)
{
    bool on = job->data[0] != 0;
    bool many = address->write == MODBUS_WRITE_MULTIPLE ||
                (address->write == MODBUS_WRITE_AUTO && device->learnt.no_single);
    ask->function = many ? MODBUS_WRITE_COILS : MODBUS_WRITE_COIL;
    job->data[0] = many ? on : on ? 0xff : 0x00;
    job->data[1] = 0;
    ask->data = job->data;
    ask->size = many ? 1 : 2;
}

static void ask_registers(const struct modbus_device *device, const struct modbus_address *address,
                          const struct modbus_job *job, struct modbus_ask *ask)
{
    bool many = address->count > 1 || address->write == MODBUS_WRITE_MULTIPLE ||
                (address->write != MODBUS_WRITE_SINGLE && device->learnt.no_single);
    ask->function = many ? MODBUS_WRITE_REGISTERS : MODBUS_WRITE_REGISTER;
    ask->data = job->data;
    ask->size = (uint8_t)(address->count * 2);
    if (address->write == MODBUS_WRITE_READ_WRITE) {
        ask->function = MODBUS_READ_WRITE;
        ask->write_address = ask->address;
        ask->write_count = ask->count;
    }
}

/* Bits or a byte of one register. */
static void ask_part(const struct modbus_device *device, const struct modbus_address *address,
                     struct modbus_job *job, struct modbus_ask *ask)
{
    bool mask = address->write == MODBUS_WRITE_MASK ||
                (address->write == MODBUS_WRITE_AUTO && !device->learnt.no_mask);
    if (mask) {
        uint16_t part = modbus_value_mask(address);
        ask->function = MODBUS_MASK_WRITE;
        ask->and_mask = (uint16_t)~part;
        ask->or_mask = (uint16_t)((unsigned)job->data[0] << 8 | job->data[1]);
        return;
    }
    if (!job->modify) {
        ask->function = MODBUS_READ_HOLDING;
        return;
    }
    ask_registers(device, address, job, ask);
}

/* False: the value does not fit. */
static int put_value(const struct modbus_device *device, struct modbus_job *job)
{
    const struct modbus_address *address = address_of(device, job);
    const struct sample *sample = &job->req->samples[job->point];
    if (!job->modify) {
        memset(job->data, 0, sizeof(job->data));
    }
    return modbus_value_put(address, sample->type, sample->value, job->data);
}

bool modbus_write_next(struct modbus_device *device, struct modbus_exchange *exchange)
{
    while (!list_empty(&device->writes)) {
        struct modbus_job *job = list_entry(device->writes.next, struct modbus_job, link);
        if (job->open > 0) {
            return false;
        }
        int error = put_value(device, job);
        if (error != 0) {
            end(device, job, error);
            continue;
        }
        const struct modbus_address *address = address_of(device, job);
        struct modbus_ask *ask = &exchange->ask;
        ask->address = address->start;
        ask->count = address->count;
        if (address->table == MODBUS_COIL) {
            ask_coil(device, address, job, ask);
        } else if (modbus_address_is_part(address)) {
            ask_part(device, address, job, ask);
        } else {
            ask_registers(device, address, job, ask);
        }
        exchange->unit = device->config.unit;
        exchange->timeout_us = device->config.timeout_us;
        exchange->write = true;
        exchange->job = job;
        job->open = 1;
        return true;
    }
    return false;
}

/* ---- the answer ---- */

static bool learn_unknown(struct modbus_device *device, const struct modbus_job *job,
                          uint8_t function)
{
    const struct modbus_address *address = address_of(device, job);
    if (address->write != MODBUS_WRITE_AUTO) {
        return false;
    }
    if (function == MODBUS_MASK_WRITE && !device->learnt.no_mask) {
        device->learnt.no_mask = true;
        driver_limit_set(device->dev, "no mask write", 1);
        return true;
    }
    bool single = function == MODBUS_WRITE_REGISTER || function == MODBUS_WRITE_COIL;
    if (single && !device->learnt.no_single) {
        device->learnt.no_single = true;
        driver_limit_set(device->dev, "no single write", 1);
        return true;
    }
    return false;
}

static void on_exception(struct modbus_device *device, struct modbus_job *job, uint8_t function,
                         uint8_t exception)
{
    if (exception == MODBUS_EXCEPTION_FUNCTION && learn_unknown(device, job, function)) {
        driver_retried(device->dev);
        modbus_client_wake(&device->user);
        return;
    }
    if (exception == MODBUS_EXCEPTION_BUSY && ++job->busy <= WRITE_BUSY_MAX) {
        driver_retried(device->dev);
        modbus_client_hold(&device->user, WRITE_BUSY_MS * CLOCK_US_PER_MS);
        modbus_client_wake(&device->user);
        return;
    }
    job->req->samples[0].detail = exception;
    end(device, job, BUSBAR_EREFUSED);
}

static void next_point(struct modbus_device *device, struct modbus_job *job)
{
    job->modify = false;
    if (++job->point == job->req->count) {
        end(device, job, 0);
    } else {
        modbus_client_wake(&device->user);
    }
}

void modbus_write_answered(struct modbus_device *device, const struct modbus_exchange *exchange,
                           int error, const struct modbus_reply *reply)
{
    struct modbus_job *job = exchange->job;
    assert(job->open == 1);
    job->open = 0;
    if (error != 0) {
        end(device, job, error);
    } else if (reply->exception == MODBUS_EXCEPTION_ACKNOWLEDGE) {
        next_point(device, job); /* accepted, takes longer: the read-back will tell */
    } else if (reply->exception != 0) {
        on_exception(device, job, exchange->ask.function, reply->exception);
    } else if (exchange->ask.function == MODBUS_READ_HOLDING) {
        memcpy(job->data, reply->data, 2);
        job->modify = true;
        modbus_client_wake(&device->user);
    } else {
        next_point(device, job);
    }
}
