/* SPDX-License-Identifier: Apache-2.0 */
/* What a device bears: addresses that it refuses, places where no read may go across, its largest read.
 * Each is told to the host by name, so that people see it and a restart begins with it:
 *
 *   "refused holding 117"   the exception code; 0 = answered again
 *   "split at holding 118"  the exception code of reads across it
 *   "registers per read"    the largest that was answered
 *   "refused addresses"     how many of the first two there are
 *
 * All is tried again after an hour, refused addresses also when the connection is new. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/modbus/modbus_device.h"

static const int64_t hour_us = INT64_C(3600) * CLOCK_US_PER_S;
static const int64_t minute_us = INT64_C(60) * CLOCK_US_PER_S;

enum { NAME_MAX_BYTES = 48 };

static void name_of(char *name, bool split, uint8_t table, uint16_t start)
{
    str_format(name, NAME_MAX_BYTES, "%s %s %u", split ? "split at" : "refused",
               modbus_table_word(table), start);
}

void modbus_learn_init(struct modbus_device *device)
{
    device->learnt = (struct modbus_learnt){ .generation = 1 };
}

void modbus_learn_fini(struct modbus_device *device)
{
    busbar_free(device->learnt.refusals);
    device->learnt = (struct modbus_learnt){ 0 };
}

/* Index of the first refusal that is not before the key. */
static size_t find_place(const struct modbus_learnt *learnt, const struct modbus_refusal *key)
{
    size_t at = 0;
    while (at < learnt->count && modbus_refusal_before(&learnt->refusals[at], key)) {
        at++;
    }
    return at;
}

static struct modbus_refusal *find(struct modbus_learnt *learnt, const struct modbus_refusal *key)
{
    size_t at = find_place(learnt, key);
    if (at == learnt->count || modbus_refusal_before(key, &learnt->refusals[at])) {
        return NULL;
    }
    return &learnt->refusals[at];
}

static bool insert(struct modbus_learnt *learnt, const struct modbus_refusal *refusal)
{
    if (learnt->count >= MODBUS_REFUSALS_MAX) {
        return false;
    }
    if (learnt->count == learnt->capacity) {
        learnt->capacity = learnt->capacity == 0 ? 8 : learnt->capacity * 2;
        learnt->refusals = busbar_realloc(learnt->refusals,
                                          learnt->capacity * sizeof(*learnt->refusals));
    }
    size_t at = find_place(learnt, refusal);
    memmove(&learnt->refusals[at + 1], &learnt->refusals[at],
            (learnt->count - at) * sizeof(*learnt->refusals));
    learnt->refusals[at] = *refusal;
    learnt->count++;
    return true;
}

static void keep(struct modbus_device *device, const struct modbus_refusal *refusal,
                 uint8_t exception)
{
    char name[NAME_MAX_BYTES];
    int64_t before;
    name_of(name, refusal->split, refusal->table, refusal->start);
    if (device->learnt.count <= MODBUS_REFUSALS_KEPT ||
        driver_limit_get(device->dev, name, &before)) {
        driver_limit_set(device->dev, name, exception);
    }
    driver_limit_set(device->dev, "refused addresses", (int64_t)device->learnt.count);
}

static void learn(struct modbus_device *device, const struct modbus_refusal *refusal)
{
    struct modbus_refusal *known = find(&device->learnt, refusal);
    if (known != NULL) {
        device->learnt.generation += known->retry || known->count != refusal->count;
        *known = *refusal;
    } else if (insert(&device->learnt, refusal)) {
        device->learnt.generation++;
    }
    keep(device, refusal, refusal->exception);
}

static void forget(struct modbus_device *device, size_t at)
{
    struct modbus_learnt *learnt = &device->learnt;
    struct modbus_refusal gone = learnt->refusals[at];
    learnt->count--;
    memmove(&learnt->refusals[at], &learnt->refusals[at + 1],
            (learnt->count - at) * sizeof(*learnt->refusals));
    learnt->generation++;
    keep(device, &gone, 0);
}

/* ---- over a restart ---- */

static void restore_one(struct modbus_device *device, const struct modbus_address *address,
                        bool split)
{
    char name[NAME_MAX_BYTES];
    int64_t exception = 0;
    name_of(name, split, address->table, address->start);
    if (!driver_limit_get(device->dev, name, &exception) || exception < 1 || exception > 255) {
        return;
    }
    struct modbus_refusal refusal = { .start = address->start,
                                      .count = address->count,
                                      .table = address->table,
                                      .exception = (uint8_t)exception,
                                      .split = split,
                                      .retry = !split };
    if (find(&device->learnt, &refusal) == NULL) {
        (void)insert(&device->learnt, &refusal);
    }
}

static void restore_most(const struct modbus_device *device, const char *name, uint16_t setting,
                         struct modbus_most *most)
{
    int64_t value = 0;
    if (driver_limit_get(device->dev, name, &value) && value > 0 && value < setting) {
        most->answered = (uint16_t)value;
        most->refused = (uint16_t)(value + 1);
    }
}

static void restore(struct modbus_device *device)
{
    int64_t count = 0;
    restore_most(device, "registers per read", device->config.max_registers,
                 &device->learnt.registers);
    restore_most(device, "bits per read", device->config.max_bits, &device->learnt.bits);
    int64_t refused = 0;
    device->learnt.no_mask = driver_limit_get(device->dev, "no mask write", &refused) && refused;
    device->learnt.no_single = driver_limit_get(device->dev, "no single write", &refused) &&
                               refused;
    if (!driver_limit_get(device->dev, "refused addresses", &count) || count <= 0) {
        return;
    }
    const struct modbus_address *addresses = modbus_addresses(device);
    for (size_t i = 0; i < device->dev->point_count; i++) {
        restore_one(device, &addresses[i], false);
        restore_one(device, &addresses[i], true);
    }
    device->learnt.generation++;
}

static void retry_refused(struct modbus_device *device, int64_t now_us)
{
    struct modbus_learnt *learnt = &device->learnt;
    for (size_t i = 0; i < learnt->count; i++) {
        learnt->refusals[i].retry = !learnt->refusals[i].split;
    }
    memset(learnt->table_exceptions, 0, sizeof(learnt->table_exceptions));
    learnt->retried_us = now_us;
    learnt->generation++;
}

void modbus_learn_refresh(struct modbus_device *device)
{
    struct modbus_learnt *learnt = &device->learnt;
    int64_t now_us = loop_now_us(device->loop);
    if (!learnt->restored) {
        learnt->restored = true;
        learnt->relearn_us = now_us + hour_us;
        restore(device);
    }
    if (now_us < learnt->relearn_us) {
        return;
    }
    learnt->relearn_us = now_us + hour_us;
    for (size_t i = learnt->count; i > 0; i--) {
        if (learnt->refusals[i - 1].split) {
            forget(device, i - 1);
        }
    }
    learnt->registers = (struct modbus_most){ 0 };
    learnt->bits = (struct modbus_most){ 0 };
    retry_refused(device, now_us);
}

void modbus_learn_connected(struct modbus_device *device)
{
    int64_t now_us = loop_now_us(device->loop);
    bool known = device->learnt.count > 0;
    for (size_t i = 0; i < MODBUS_TABLES; i++) {
        known = known || device->learnt.table_exceptions[i] != 0;
    }
    if (known && now_us - device->learnt.retried_us >= minute_us) {
        retry_refused(device, now_us);
    }
}

/* ---- while polling ---- */

static uint16_t most_now(const struct modbus_most *most, uint16_t setting)
{
    if (most->refused == 0) {
        return setting;
    }
    unsigned middle = (unsigned)(most->answered + most->refused) / 2;
    uint16_t limit = (uint16_t)(middle > most->answered ? middle : most->answered);
    limit = limit > 0 ? limit : 1;
    return limit < setting ? limit : setting;
}

void modbus_learn_limits(const struct modbus_device *device, struct modbus_limits *limits)
{
    const struct modbus_learnt *learnt = &device->learnt;
    *limits = (struct modbus_limits){
        .max_registers = most_now(&learnt->registers, device->config.max_registers),
        .max_bits = most_now(&learnt->bits, device->config.max_bits),
        .max_gap = device->config.max_gap,
        .refusals = learnt->refusals,
        .refusal_count = learnt->count,
    };
    memcpy(limits->table_exceptions, learnt->table_exceptions, sizeof(limits->table_exceptions));
}

void modbus_learn_refused(struct modbus_device *device, const struct modbus_span *span,
                          uint8_t exception)
{
    struct modbus_refusal refusal = {
        .start = span->start, .count = span->count, .table = span->table, .exception = exception
    };
    learn(device, &refusal);
}

static void tell_table(struct modbus_device *device, uint8_t table, uint8_t exception)
{
    char name[NAME_MAX_BYTES];
    str_format(name, sizeof(name), "refused all of %s", modbus_table_word(table));
    driver_limit_set(device->dev, name, exception);
    device->learnt.table_told[table] = exception != 0;
}

void modbus_learn_table(struct modbus_device *device, uint8_t table, uint8_t exception)
{
    if (device->learnt.table_exceptions[table] != exception) {
        device->learnt.table_exceptions[table] = exception;
        device->learnt.generation++;
        tell_table(device, table, exception);
    }
}

static void answered_most(struct modbus_device *device, const struct modbus_span *span)
{
    bool bits = modbus_table_is_bits(span->table);
    struct modbus_most *most = bits ? &device->learnt.bits : &device->learnt.registers;
    most->largest = span->count > most->largest ? span->count : most->largest;
    if (most->refused == 0 || span->count <= most->answered) {
        return;
    }
    most->answered = span->count;
    if (most->refused <= most->answered) {
        most->refused = (uint16_t)(most->answered + 1);
    }
    device->learnt.generation++;
    driver_limit_set(device->dev, bits ? "bits per read" : "registers per read", most->answered);
}

void modbus_learn_answered(struct modbus_device *device, const struct modbus_span *span)
{
    struct modbus_learnt *learnt = &device->learnt;
    answered_most(device, span);
    if (learnt->table_told[span->table]) {
        tell_table(device, span->table, 0);
    }
    if (learnt->count == 0 || span->item_end - span->item != 1) {
        return;
    }
    struct modbus_refusal key = { .start = span->start, .table = span->table };
    size_t at = find_place(learnt, &key);
    if (at < learnt->count && learnt->refusals[at].table == span->table &&
        learnt->refusals[at].start == span->start && !learnt->refusals[at].split) {
        forget(device, at);
    }
}

void modbus_learn_split(struct modbus_device *device, const struct modbus_split *split)
{
    const struct modbus_span *whole = &split->whole;
    bool bits = modbus_table_is_bits(whole->table);
    bool gap = split->right_start > split->left_end;
    struct modbus_most *most = bits ? &device->learnt.bits : &device->learnt.registers;
    if ((gap && split->exception == MODBUS_EXCEPTION_ADDRESS) || whole->count <= most->largest) {
        struct modbus_refusal refusal = { .start = split->right_start,
                                          .table = whole->table,
                                          .exception = split->exception,
                                          .split = true };
        learn(device, &refusal);
        return;
    }
    uint16_t left = (uint16_t)(split->left_end - whole->start);
    uint16_t right = (uint16_t)(whole->start + whole->count - split->right_start);
    uint16_t answered = left > right ? left : right;
    if (most->refused == 0 || whole->count < most->refused) {
        most->refused = whole->count;
    }
    if (answered > most->answered && answered < most->refused) {
        most->answered = answered;
    }
    if (most->answered >= most->refused) {
        most->answered = (uint16_t)(most->refused - 1);
    }
    device->learnt.generation++;
    driver_limit_set(device->dev, bits ? "bits per read" : "registers per read", most->answered);
}
