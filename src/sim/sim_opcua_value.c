/* SPDX-License-Identifier: Apache-2.0 */
/* Values of nodes: a function of the time until somebody writes; then what was written. So what was, for HistoryRead, need
 * not be kept: it is worked out. */
#include "sim/sim_opcua.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"

enum { HISTORY_STEP_US = 1000000, TEXT_MAX = 300 };
#define SECONDS_MAX INT64_C(10000000000)
#define BAD         UINT32_C(0x80000000)
#define HISTORY_US  (INT64_C(30) * 86400 * 1000000)

/* ---- types ---- */

/* A word of its name says that it is on or off. */
static bool sounds_like_switch(const struct point *pt)
{
    static const char *const ends[] = { "-cmd", "-sts", "-on", "-run", "enable", "ready", "guard" };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (str_ends(pt->name, ends[i])) {
            return true;
        }
    }
    return pt->cls->units[0] == '\0' && sim_value_rare(pt);
}

/* The types that a point does not name are chosen so that all of them occur. */
uint8_t sim_opcua_base(const struct point *pt, const struct opcua_address *address)
{
    uint32_t draw = (uint32_t)(hash_text(pt->name) >> 16);
    uint8_t type = address->type;
    if (pt->cls->enum_count > 0) {
        return type == VALUE_BOOL ? UA_TYPES_BOOLEAN : UA_TYPES_UINT32;
    }
    if (type == VALUE_NONE) {
        type = sounds_like_switch(pt) ? VALUE_BOOL : VALUE_DOUBLE;
    }
    switch (type) {
    case VALUE_BOOL: return UA_TYPES_BOOLEAN;
    case VALUE_INT: return pt->cls->counter || draw % 2 == 0 ? UA_TYPES_INT64 : UA_TYPES_INT32;
    case VALUE_TEXT: return address->range != NULL ? UA_TYPES_DOUBLE : UA_TYPES_STRING;
    default: return draw % 3 == 0 ? UA_TYPES_FLOAT : UA_TYPES_DOUBLE;
    }
}

uint8_t sim_opcua_raw_type(uint8_t base)
{
    switch (base) {
    case UA_TYPES_BOOLEAN: return VALUE_BOOL;
    case UA_TYPES_STRING: return VALUE_TEXT;
    case UA_TYPES_FLOAT:
    case UA_TYPES_DOUBLE: return VALUE_DOUBLE;
    default: return VALUE_INT;
    }
}

static UA_DateTime time_of(int64_t wall_us)
{
    return wall_us * UA_DATETIME_USEC + UA_DATETIME_UNIX_EPOCH;
}

/* ---- cells: one value of a built-in type ---- */

static int put_cell(uint8_t base, uint8_t type, union value raw, void *to)
{
    double number = 0.0;
    (void)value_number(type, raw, &number);
    int64_t whole = type == VALUE_INT ? raw.i : (int64_t)number;
    switch (base) {
    case UA_TYPES_BOOLEAN: *(UA_Boolean *)to = number != 0.0; return 0;
    case UA_TYPES_INT32:
        *(UA_Int32 *)to = (UA_Int32)whole;
        return whole == (UA_Int32)whole ? 0 : BUSBAR_ERANGE;
    case UA_TYPES_UINT32:
        *(UA_UInt32 *)to = (UA_UInt32)whole;
        return whole == (UA_UInt32)whole ? 0 : BUSBAR_ERANGE;
    case UA_TYPES_INT64: *(UA_Int64 *)to = whole; return 0;
    case UA_TYPES_FLOAT: *(UA_Float *)to = (UA_Float)number; return 0;
    case UA_TYPES_DOUBLE: *(UA_Double *)to = number; return 0;
    default: break;
    }
    UA_String text = UA_STRING_NULL;
    if (type == VALUE_TEXT && raw.text != NULL) {
        text = (UA_String){ .length = raw.text->size,
                            .data = (UA_Byte *)(uintptr_t)raw.text->bytes };
    }
    UA_String_clear(to);
    return UA_String_copy(&text, to) == UA_STATUSCODE_GOOD ? 0 : BUSBAR_ENOMEM;
}

/* What the point reads at a time; element: of an array, each swings in its own way. */
static void live_cell(const struct sim_opcua_device *device, uint32_t point, uint32_t element,
                      uint8_t base, int64_t wall_us, void *to)
{
    const struct point *pt = &device->dev->points[point];
    struct sim_value value = device->values[point];
    union value raw;
    uint8_t type;
    if (base == UA_TYPES_STRING) {
        char text[TEXT_MAX];
        UA_String borrowed = { .length = sim_value_text(&value, pt, text, sizeof(text)),
                               .data = (UA_Byte *)text };
        (void)UA_String_copy(&borrowed, to);
        return;
    }
    value.seed ^= (uint32_t)hash_u64(element) * (element > 0);
    sim_value_raw(&value, pt, sim_opcua_raw_type(base), wall_us, &type, &raw);
    (void)put_cell(base, type, raw, to);
}

static void fill_struct(const struct sim_opcua_device *device, const struct sim_opcua_struct *shape,
                        int64_t wall_us, uint8_t *to)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct sim_opcua_member *member = &shape->members[i];
        if (member->inner != NULL) {
            fill_struct(device, member->inner, wall_us, to + member->offset);
        } else {
            live_cell(device, member->point, 0, member->base, wall_us, to + member->offset);
        }
    }
}

static void fill_array(const struct sim_opcua_node *node, int64_t wall_us, UA_Variant *out)
{
    const UA_DataType *type = &UA_TYPES[node->base];
    uint32_t columns = node->columns > 0 ? node->columns : 1, count = node->rows * columns;
    uint8_t *cells = UA_Array_new(count, type);
    if (cells == NULL) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        live_cell(node->device, node->point, i, node->base, wall_us, cells + i * type->memSize);
    }
    UA_Variant_setArray(out, cells, count, type);
    if (node->columns > 0) {
        out->arrayDimensions = UA_Array_new(2, &UA_TYPES[UA_TYPES_UINT32]);
        if (out->arrayDimensions != NULL) {
            out->arrayDimensions[0] = node->rows;
            out->arrayDimensions[1] = node->columns;
            out->arrayDimensionsSize = 2;
        }
    }
}

void sim_opcua_value_at(const struct sim_opcua_node *node, int64_t wall_us, UA_Variant *out)
{
    UA_Variant_init(out);
    if (node->shape == NULL && node->rows > 0) {
        fill_array(node, wall_us, out);
        return;
    }
    const UA_DataType *type = node->shape != NULL ? &node->shape->type : &UA_TYPES[node->base];
    void *data = UA_new(type);
    if (data == NULL) {
        return;
    }
    if (node->shape != NULL) {
        fill_struct(node->device, node->shape, wall_us, data);
    } else {
        live_cell(node->device, node->point, 0, node->base, wall_us, data);
    }
    UA_Variant_setScalar(out, data, type);
}

/* ---- what was written ---- */

static void forget(UA_Variant **value)
{
    if (*value != NULL) {
        UA_Variant_clear(*value);
        busbar_free(*value);
        *value = NULL;
    }
}

void sim_opcua_release(struct sim_opcua_node *node)
{
    forget(&node->held);
}

void sim_opcua_mute(struct sim_opcua_device *device, int64_t wall_us)
{
    device->mute_us = wall_us;
    for (size_t i = 0; i < device->node_count; i++) {
        struct sim_opcua_node *node = &device->nodes[i];
        forget(&node->told);
        if (wall_us != 0 && node->held != NULL) {
            node->told = busbar_alloc(sizeof(*node->told));
            (void)UA_Variant_copy(node->held, node->told);
        }
    }
}

/* From now on it is held, at what it is now. */
static void hold_now(struct sim_opcua_node *node)
{
    if (node->held == NULL) {
        node->held = busbar_alloc(sizeof(*node->held));
        sim_opcua_value_at(node, clock_wall_us(), node->held);
    }
}

static uint8_t *find_member(const struct sim_opcua_struct *shape, uint32_t point, uint8_t *data,
                            uint8_t *base)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct sim_opcua_member *member = &shape->members[i];
        uint8_t *at = data + member->offset;
        if (member->inner == NULL && member->point == point) {
            *base = member->base;
            return at;
        }
        at = member->inner != NULL ? find_member(member->inner, point, at, base) : NULL;
        if (at != NULL) {
            return at;
        }
    }
    return NULL;
}

/* Where the point's value is in what is held; NULL: it is not one value. */
static uint8_t *find_cell(struct sim_opcua_node *node, uint32_t point, uint8_t *base)
{
    const struct opcua_address *address = &sim_opcua_addresses(node->device->dev)[point];
    struct opcua_range range;
    uint8_t *data = node->held->data;
    *base = node->base;
    if (node->shape != NULL) {
        return find_member(node->shape, point, data, base);
    }
    if (node->rows == 0) {
        return data;
    }
    if (address->range == NULL || !opcua_range_parse(address->range, &range) ||
        opcua_range_count(&range) != 1) {
        return NULL;
    }
    size_t element = range.dimensions == 2 ? range.first[0] * node->columns + range.first[1]
                                           : range.first[0];
    return data + element * UA_TYPES[node->base].memSize;
}

int sim_opcua_hold(struct sim_opcua_node *node, uint32_t point, uint8_t type, union value raw)
{
    uint8_t base;
    hold_now(node);
    if (node->held->data == NULL) {
        return BUSBAR_ENOMEM;
    }
    uint8_t *cell = find_cell(node, point, &base);
    return cell != NULL ? put_cell(base, type, raw, cell) : BUSBAR_EUNSUPPORTED;
}

/* ---- the library's calls ---- */

/* It is a subscription that reads, and it shall hear of no change. */
static bool is_muted(const struct sim_opcua_device *device)
{
    return device->mute_us != 0 && device->host->sampling;
}

static int64_t time_now(const struct sim_opcua_device *device)
{
    if (device->frozen_us != 0) {
        return device->frozen_us;
    }
    return is_muted(device) ? device->mute_us : clock_wall_us();
}

static UA_StatusCode read_node(UA_Server *server, const UA_NodeId *session, void *session_context,
                               const UA_NodeId *id, void *context, UA_Boolean source_time,
                               const UA_NumericRange *range, UA_DataValue *value)
{
    struct sim_opcua_node *node = context;
    struct sim_opcua_device *device = node->device;
    int64_t now_us = time_now(device);
    UA_Variant whole;
    (void)server;
    (void)session;
    (void)session_context;
    (void)id;
    if (sim_fault_draw(&device->fault, now_us) == SIM_FAULT_ERROR) {
        value->status = (UA_StatusCode)device->fault.argument << 16;
        value->hasStatus = true;
        if ((value->status & BAD) != 0) {
            return value->status;
        }
    }
    UA_StatusCode status = UA_STATUSCODE_GOOD;
    const UA_Variant *held = is_muted(device) ? node->told : node->held;
    if (held != NULL) {
        status = range != NULL ? UA_Variant_copyRange(held, &value->value, *range)
                               : UA_Variant_copy(held, &value->value);
    } else if (range != NULL) {
        sim_opcua_value_at(node, now_us, &whole);
        status = UA_Variant_copyRange(&whole, &value->value, *range);
        UA_Variant_clear(&whole);
    } else {
        sim_opcua_value_at(node, now_us, &value->value);
    }
    value->hasValue = status == UA_STATUSCODE_GOOD;
    value->hasSourceTimestamp = source_time;
    value->sourceTimestamp = time_of(now_us);
    return status;
}

static UA_StatusCode write_node(UA_Server *server, const UA_NodeId *session, void *session_context,
                                const UA_NodeId *id, void *context, const UA_NumericRange *range,
                                const UA_DataValue *value)
{
    struct sim_opcua_node *node = context;
    (void)server;
    (void)session;
    (void)session_context;
    (void)id;
    if (!value->hasValue || value->value.type == NULL) {
        return UA_STATUSCODE_BADTYPEMISMATCH;
    }
    if (range != NULL) {
        hold_now(node);
        return UA_Variant_setRangeCopy(node->held, value->value.data, value->value.arrayLength,
                                       *range);
    }
    UA_Variant copy;
    UA_StatusCode status = UA_Variant_copy(&value->value, &copy);
    if (status == UA_STATUSCODE_GOOD) {
        sim_opcua_release(node);
        node->held = busbar_alloc(sizeof(*node->held));
        *node->held = copy;
    }
    return status;
}

UA_DataSource sim_opcua_source(void)
{
    return (UA_DataSource){ .read = read_node, .write = write_node };
}

/* ---- history: a value each second ---- */

/* From `next` on towards `last`, both on the second. */
struct walk {
    int64_t next, last;
    bool backwards;
};

/* Whole seconds since 1970, rounded down, within what is sensible: a client may write anything. */
static int64_t seconds_of(UA_DateTime time)
{
    const UA_DateTime last = UA_DATETIME_UNIX_EPOCH + SECONDS_MAX * UA_DATETIME_SEC;
    time = time > UA_DATETIME_UNIX_EPOCH ? time : UA_DATETIME_UNIX_EPOCH;
    return ((time < last ? time : last) - UA_DATETIME_UNIX_EPOCH) / UA_DATETIME_SEC;
}

/* The start is in it, the end is not, in both directions (Part 11, 6.4.3). An error when the request is no such walk. */
static UA_StatusCode plan_walk(const UA_ReadRawModifiedDetails *details,
                               const UA_ByteString *continuation, struct walk *walk)
{
    int64_t now = clock_wall_us() / HISTORY_STEP_US, oldest = now - HISTORY_US / HISTORY_STEP_US;
    UA_DateTime start = details->startTime, end = details->endTime;
    if (start == 0 && end == 0) {
        return UA_STATUSCODE_BADHISTORYOPERATIONINVALID;
    }
    walk->backwards = start == 0 || (end != 0 && start > end);
    if (walk->backwards) {
        walk->next = seconds_of(start != 0 ? start : end);
        walk->last = start != 0 ? seconds_of(end) + 1 : oldest;
    } else {
        walk->next = seconds_of(start > INT64_MIN ? start - 1 : start) + 1;
        walk->last = end != 0 ? seconds_of(end > INT64_MIN ? end - 1 : end) : now;
    }
    if (continuation->length == sizeof(walk->next)) {
        memcpy(&walk->next, continuation->data, sizeof(walk->next));
        if (walk->next < oldest || walk->next > now) {
            return UA_STATUSCODE_BADCONTINUATIONPOINTINVALID;
        }
    } else if (continuation->length > 0) {
        return UA_STATUSCODE_BADCONTINUATIONPOINTINVALID;
    }
    int64_t *low = walk->backwards ? &walk->last : &walk->next;
    int64_t *high = walk->backwards ? &walk->next : &walk->last;
    *low = *low > oldest ? *low : oldest;
    *high = *high < now ? *high : now;
    return UA_STATUSCODE_GOOD;
}

static size_t count_walk(const struct walk *walk, uint32_t most)
{
    int64_t left = walk->backwards ? walk->next - walk->last : walk->last - walk->next;
    size_t limit = most > 0 && most < SIM_OPCUA_HISTORY_MAX ? most : SIM_OPCUA_HISTORY_MAX;
    if (left < 0) {
        return 0;
    }
    return (uint64_t)left + 1 < limit ? (size_t)left + 1 : limit;
}

static UA_StatusCode give_history(const struct sim_opcua_node *node,
                                  const UA_ReadRawModifiedDetails *details,
                                  const UA_ByteString *continuation, UA_HistoryReadResult *result,
                                  UA_HistoryData *data)
{
    struct walk walk;
    UA_StatusCode status = plan_walk(details, continuation, &walk);
    size_t count = status == UA_STATUSCODE_GOOD ? count_walk(&walk, details->numValuesPerNode) : 0;
    if (status != UA_STATUSCODE_GOOD || count == 0) {
        return status != UA_STATUSCODE_GOOD ? status : UA_STATUSCODE_GOODNODATA;
    }
    data->dataValues = UA_Array_new(count, &UA_TYPES[UA_TYPES_DATAVALUE]);
    if (data->dataValues == NULL) {
        return UA_STATUSCODE_BADOUTOFMEMORY;
    }
    data->dataValuesSize = count;
    for (size_t i = 0; i < count; i++) {
        UA_DataValue *value = &data->dataValues[i];
        sim_opcua_value_at(node, walk.next * HISTORY_STEP_US, &value->value);
        value->hasValue = true;
        value->hasSourceTimestamp = true;
        value->sourceTimestamp = time_of(walk.next * HISTORY_STEP_US);
        walk.next += walk.backwards ? -1 : 1;
    }
    if (count_walk(&walk, 0) > 0 &&
        UA_ByteString_allocBuffer(&result->continuationPoint, sizeof(walk.next)) ==
            UA_STATUSCODE_GOOD) {
        memcpy(result->continuationPoint.data, &walk.next, sizeof(walk.next));
    }
    return UA_STATUSCODE_GOOD;
}

static void read_history(UA_Server *server, void *database, const UA_NodeId *session,
                         void *session_context, const UA_RequestHeader *header,
                         const UA_ReadRawModifiedDetails *details, UA_TimestampsToReturn times,
                         UA_Boolean release, size_t count, const UA_HistoryReadValueId *nodes,
                         UA_HistoryReadResponse *response, UA_HistoryData *const *const data)
{
    (void)database;
    (void)session;
    (void)session_context;
    (void)header;
    (void)times;
    for (size_t i = 0; i < count && !release; i++) {
        UA_Byte access = 0;
        void *node = NULL;
        UA_StatusCode status = UA_Server_readAccessLevel(server, nodes[i].nodeId, &access);
        if (status == UA_STATUSCODE_GOOD && (access & UA_ACCESSLEVELMASK_HISTORYREAD) == 0) {
            status = UA_STATUSCODE_BADHISTORYOPERATIONUNSUPPORTED;
        }
        if (status == UA_STATUSCODE_GOOD) {
            (void)UA_Server_getNodeContext(server, nodes[i].nodeId, &node);
            status = give_history(node, details, &nodes[i].continuationPoint, &response->results[i],
                                  data[i]);
        }
        response->results[i].statusCode = status;
    }
}

UA_HistoryDatabase sim_opcua_history(struct sim_opcua_host *host)
{
    return (UA_HistoryDatabase){ .context = host, .readRaw = read_history };
}
