/* SPDX-License-Identifier: Apache-2.0 */
/* Connections are known to the library by a number: here the address of `struct connection`, which lives until
 * the callback that says CLOSING has returned; the library lets go of it there. */
#include "drivers/opcua/link/event_loop.h"

#include <assert.h>
#include <open62541/client.h>
#include <open62541/plugin/eventloop.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"
#include "net/address.h"
#include "net/timer.h"

enum {
    URL_MAX = 4096, /* Part 6, 7.1.2.3 */
    HELLO_MAX = 16 + URL_MAX,
    SCRATCH_BYTES = 64 * 1024,
    CHUNK_OVERHEAD = 512, /* headers, padding and signature, generously */
};

struct event_loop {
    UA_EventLoop base; /* first */
    UA_ConnectionManager tcp;
    struct loop *loop;
    struct map64 cyclics;
    uint64_t last_id;
    UA_DelayedCallback *delayed; /* newest first */
    struct loop_deferred run_delayed;
    bool scratch_taken;
    uint8_t scratch[SCRATCH_BYTES]; /* of the message that is being encoded */
};

struct cyclic {
    struct timer timer;
    struct event_loop *owner;
    uint64_t id;
    UA_Callback cb;
    void *application, *data;
    bool once;
};

struct connection {
    struct event_loop *owner;
    struct stream *stream;
    void *application; /* UA_Client */
    void *context;     /* the library's */
    bool heard;        /* anything of the server */
    char foreign[24];  /* what it began with, where that is not OPC UA; "" = it is */
    UA_ConnectionManager_connectionCallback cb;
};

static struct event_loop *of_loop(UA_EventLoop *base)
{
    return (struct event_loop *)(void *)base;
}

static struct event_loop *of_manager(UA_ConnectionManager *manager)
{
    return of_loop(manager->eventSource.eventLoop);
}

/* ---- time and timers ---- */

static UA_DateTime wall(UA_EventLoop *base)
{
    (void)base;
    return UA_DateTime_now();
}

static UA_DateTime monotonic(UA_EventLoop *base)
{
    (void)base;
    return UA_DateTime_nowMonotonic();
}

static UA_Int64 utc_offset(UA_EventLoop *base)
{
    (void)base;
    return UA_DateTime_localTimeUtcOffset();
}

static UA_DateTime next_time(UA_EventLoop *base)
{
    (void)base;
    return UA_INT64_MAX;
}

static void remove_cyclic(UA_EventLoop *base, UA_UInt64 id)
{
    struct cyclic *cyclic = map64_remove(&of_loop(base)->cyclics, id);
    if (cyclic != NULL) {
        timer_stop(&cyclic->timer);
        busbar_free(cyclic);
    }
}

static void on_cyclic(struct timer *timer, void *ctx)
{
    (void)timer;
    struct cyclic *cyclic = ctx;
    UA_Callback cb = cyclic->cb;
    void *application = cyclic->application;
    void *data = cyclic->data;
    if (cyclic->once) {
        remove_cyclic(&cyclic->owner->base, cyclic->id);
    }
    cb(application, data);
}

static struct cyclic *add_timer(UA_EventLoop *base, UA_Callback cb, void *application, void *data,
                                UA_UInt64 *id)
{
    struct event_loop *self = of_loop(base);
    struct cyclic *cyclic = busbar_alloc(sizeof(*cyclic));
    cyclic->owner = self;
    cyclic->id = ++self->last_id;
    cyclic->cb = cb;
    cyclic->application = application;
    cyclic->data = data;
    timer_init(&cyclic->timer, self->loop, on_cyclic, cyclic);
    (void)map64_set(&self->cyclics, cyclic->id, cyclic);
    if (id != NULL) {
        *id = cyclic->id;
    }
    return cyclic;
}

static int64_t interval_us(UA_Double interval_ms)
{
    const double most_ms = 86400.0 * 1000;
    double ms = interval_ms >= 1 ? interval_ms : 1;
    return (int64_t)((ms < most_ms ? ms : most_ms) * 1000);
}

static UA_StatusCode add_cyclic(UA_EventLoop *base, UA_Callback cb, void *application, void *data,
                                UA_Double interval_ms, UA_DateTime *base_time,
                                UA_TimerPolicy policy, UA_UInt64 *id)
{
    (void)base_time, (void)policy;
    struct cyclic *cyclic = add_timer(base, cb, application, data, id);
    int64_t every_us = interval_us(interval_ms);
    timer_start_us(&cyclic->timer, every_us, every_us);
    return UA_STATUSCODE_GOOD;
}

static UA_StatusCode modify_cyclic(UA_EventLoop *base, UA_UInt64 id, UA_Double interval_ms,
                                   UA_DateTime *base_time, UA_TimerPolicy policy)
{
    (void)base_time, (void)policy;
    struct cyclic *cyclic = map64_get(&of_loop(base)->cyclics, id);
    if (cyclic == NULL) {
        return UA_STATUSCODE_BADNOTFOUND;
    }
    int64_t every_us = interval_us(interval_ms);
    timer_start_us(&cyclic->timer, every_us, every_us);
    return UA_STATUSCODE_GOOD;
}

static UA_StatusCode add_timed(UA_EventLoop *base, UA_Callback cb, void *application, void *data,
                               UA_DateTime date, UA_UInt64 *id)
{
    struct cyclic *cyclic = add_timer(base, cb, application, data, id);
    cyclic->once = true;
    UA_DateTime delay = date - UA_DateTime_nowMonotonic();
    timer_start_us(&cyclic->timer, delay > 0 ? delay / UA_DATETIME_USEC : 0, 0);
    return UA_STATUSCODE_GOOD;
}

/* ---- delayed calls ---- */

/* In the order they were added; what they add runs in the next turn. */
static void run_delayed(void *ctx)
{
    struct event_loop *self = ctx;
    UA_DelayedCallback *newest = self->delayed;
    UA_DelayedCallback *oldest = NULL;
    self->delayed = NULL;
    while (newest != NULL) {
        UA_DelayedCallback *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        UA_DelayedCallback *at = oldest;
        oldest = at->next;
        at->next = NULL;
        if (at->callback != NULL) {
            at->callback(at->application, at->context);
        }
    }
}

static void add_delayed(UA_EventLoop *base, UA_DelayedCallback *delayed)
{
    struct event_loop *self = of_loop(base);
    delayed->next = self->delayed;
    self->delayed = delayed;
    loop_defer(self->loop, &self->run_delayed);
}

static void remove_delayed(UA_EventLoop *base, UA_DelayedCallback *delayed)
{
    for (UA_DelayedCallback **at = &of_loop(base)->delayed; *at != NULL; at = &(*at)->next) {
        if (*at == delayed) {
            *at = delayed->next;
            return;
        }
    }
}

/* ---- connections ---- */

static struct opcua_wire *wire_of(const struct connection *connection)
{
    return UA_Client_getConfig(connection->application)->clientContext;
}

static void call_back(struct connection *connection, UA_ConnectionState state, UA_ByteString bytes)
{
    connection->cb(&connection->owner->tcp, (uintptr_t)connection, connection->application,
                   &connection->context, state, &UA_KEYVALUEMAP_NULL, bytes);
}

/* The library thinks that a channel is closing which it has only called so: nobody closes the connection then. */
static void close_if_closing(struct connection *connection)
{
    UA_SecureChannelState state;
    UA_Client_getState(connection->application, &state, NULL, NULL);
    if (state == UA_SECURECHANNELSTATE_CLOSING) {
        stream_close(connection->stream);
    }
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        *at++ = (uint8_t)(value >> (8 * i));
    }
    return at;
}

/*  "RHEF"  size u32  server URI: length u32 = 0  endpoint URL: length u32, bytes */
static size_t make_reverse_hello(uint8_t *to, const UA_String *url)
{
    uint32_t length = (uint32_t)(url->length < URL_MAX ? url->length : URL_MAX);
    uint8_t *at = memcpy(to, "RHEF", 4);
    at = put_u32(at + 4, 16 + length);
    at = put_u32(at, 0);
    at = put_u32(at, length);
    if (length > 0) {
        memcpy(at, url->data, length);
    }
    return 16 + length;
}

static void on_opened(void *ctx)
{
    struct connection *connection = ctx;
    uint8_t hello[HELLO_MAX];
    UA_ByteString bytes = { .data = hello };
    wire_of(connection)->heard_us = loop_now_us(connection->owner->loop);
    bytes.length = make_reverse_hello(hello,
                                      &UA_Client_getConfig(connection->application)->endpointUrl);
    call_back(connection, UA_CONNECTIONSTATE_ESTABLISHED, bytes);
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* What the library does not tell of the server's Acknowledge (Part 6, 7.1.2.4): a request over it costs the connection.
 *  "ACKF"  size  version  receive buffer  send buffer  message max  chunks max     each u32, 0: no limit */
static void read_acknowledge(struct opcua_wire *wire, const uint8_t *data, size_t size)
{
    if (size < 28 || memcmp(data, "ACKF", 4) != 0) {
        return;
    }
    uint32_t buffer = get_u32(data + 12);
    uint32_t message_max = get_u32(data + 20);
    uint32_t chunks_max = get_u32(data + 24);
    size_t chunk = buffer > CHUNK_OVERHEAD ? buffer - CHUNK_OVERHEAD : 0;
    chunk = chunk < SCRATCH_BYTES - CHUNK_OVERHEAD ? chunk : SCRATCH_BYTES - CHUNK_OVERHEAD;
    size_t by_chunks = chunks_max * chunk;
    wire->request_max = message_max;
    if (by_chunks > 0 && (message_max == 0 || by_chunks < message_max)) {
        wire->request_max = by_chunks;
    }
}

/* The first bytes must be of an Acknowledge or an Error (Part 6, 7.1.2). True: another protocol answers. */
static bool is_foreign(struct connection *connection, const uint8_t *data, size_t size)
{
    size_t shown = size < sizeof(connection->foreign) - 1 ? size : sizeof(connection->foreign) - 1;
    if (connection->heard || size < 4) {
        return false;
    }
    connection->heard = true;
    if (memcmp(data, "ACKF", 4) == 0 || memcmp(data, "ERRF", 4) == 0) {
        return false;
    }
    for (size_t i = 0; i < shown; i++) {
        connection->foreign[i] = data[i] >= ' ' && data[i] < 0x7f ? (char)data[i] : '?';
    }
    return true;
}

/* The library decrypts where the bytes are: the loop's own buffer, which nobody reads again. */
static void on_data(void *ctx, const uint8_t *data, size_t size)
{
    struct connection *connection = ctx;
    struct opcua_wire *wire = wire_of(connection);
    wire->heard_us = loop_now_us(connection->owner->loop);
    if (is_foreign(connection, data, size)) {
        stream_close(connection->stream);
        return;
    }
    read_acknowledge(wire, data, size);
    UA_ByteString bytes = { .data = (uint8_t *)(uintptr_t)data, .length = size };
    call_back(connection, UA_CONNECTIONSTATE_ESTABLISHED, bytes);
    close_if_closing(connection);
}

static void on_closed(void *ctx, int error, const char *detail)
{
    struct connection *connection = ctx;
    struct opcua_wire *wire = wire_of(connection);
    wire->stream = NULL;
    wire->error = error;
    (void)str_copy(wire->detail, sizeof(wire->detail), detail);
    if (connection->foreign[0] != '\0') {
        wire->error = BUSBAR_EPROTO;
        (void)str_format(
            wire->detail, sizeof(wire->detail),
            "what answers there does not speak OPC UA (it says \"%s\"): check the port",
            connection->foreign);
    }
    connection->stream = NULL;
    call_back(connection, UA_CONNECTIONSTATE_CLOSING, UA_BYTESTRING_NULL);
    busbar_free(connection);
}

static const struct stream_events events = {
    .opened = on_opened,
    .data = on_data,
    .closed = on_closed,
};

/* The host and port to connect to. */
static bool read_params(const UA_KeyValueMap *params, char host[ADDRESS_HOST_MAX], uint16_t *port)
{
    const UA_String *address = UA_KeyValueMap_getScalar(params, UA_QUALIFIEDNAME(0, "address"),
                                                        &UA_TYPES[UA_TYPES_STRING]);
    const UA_UInt16 *number = UA_KeyValueMap_getScalar(params, UA_QUALIFIEDNAME(0, "port"),
                                                       &UA_TYPES[UA_TYPES_UINT16]);
    if (address == NULL || number == NULL || *number == 0 || address->length == 0 ||
        address->length >= ADDRESS_HOST_MAX) {
        return false;
    }
    memcpy(host, address->data, address->length);
    host[address->length] = '\0';
    *port = *number;
    return true;
}

static UA_StatusCode open_connection(UA_ConnectionManager *manager, const UA_KeyValueMap *params,
                                     void *application, void *context,
                                     UA_ConnectionManager_connectionCallback cb)
{
    char host[ADDRESS_HOST_MAX];
    uint16_t port;
    if (!read_params(params, host, &port)) {
        return UA_STATUSCODE_BADTCPENDPOINTURLINVALID;
    }
    struct event_loop *self = of_manager(manager);
    struct connection *connection = busbar_alloc(sizeof(*connection));
    connection->owner = self;
    connection->application = application;
    connection->context = context;
    connection->cb = cb;
    struct opcua_wire *wire = wire_of(connection);
    struct stream_target target = {
        .kind = STREAM_TCP,
        .host = host,
        .port = port,
        .connect_timeout_ms = wire->connect_timeout_ms,
        .silence_timeout_ms = wire->silence_timeout_ms,
        .send_max = wire->send_max,
    };
    wire->error = stream_open(self->loop, &target, &events, connection, &connection->stream);
    if (wire->error != 0) {
        busbar_free(connection);
        return UA_STATUSCODE_BADCONNECTIONREJECTED;
    }
    wire->stream = connection->stream;
    wire->request_max = 0;
    call_back(connection, UA_CONNECTIONSTATE_OPENING, UA_BYTESTRING_NULL);
    return UA_STATUSCODE_GOOD;
}

static UA_StatusCode take_buffer(UA_ConnectionManager *manager, uintptr_t id, UA_ByteString *buffer,
                                 size_t size)
{
    (void)id;
    struct event_loop *self = of_manager(manager);
    if (self->scratch_taken || size > SCRATCH_BYTES) {
        return UA_ByteString_allocBuffer(buffer, size);
    }
    self->scratch_taken = true;
    *buffer = (UA_ByteString){ .data = self->scratch, .length = size };
    return UA_STATUSCODE_GOOD;
}

static void drop_buffer(UA_ConnectionManager *manager, uintptr_t id, UA_ByteString *buffer)
{
    (void)id;
    struct event_loop *self = of_manager(manager);
    if (buffer->data == self->scratch) {
        self->scratch_taken = false;
        UA_ByteString_init(buffer);
    } else {
        UA_ByteString_clear(buffer);
    }
}

static UA_StatusCode send_buffer(UA_ConnectionManager *manager, uintptr_t id,
                                 const UA_KeyValueMap *params, UA_ByteString *buffer)
{
    (void)params;
    struct connection *connection = (void *)id;
    int error = BUSBAR_ENOTCONN;
    if (connection->stream != NULL) {
        error = stream_send(connection->stream, buffer->data, buffer->length);
    }
    drop_buffer(manager, id, buffer);
    return error == 0 ? UA_STATUSCODE_GOOD : UA_STATUSCODE_BADCONNECTIONCLOSED;
}

static UA_StatusCode close_connection(UA_ConnectionManager *manager, uintptr_t id)
{
    (void)manager;
    struct connection *connection = (void *)id;
    if (connection->stream == NULL) {
        return UA_STATUSCODE_BADCONNECTIONCLOSED;
    }
    stream_close(connection->stream);
    return UA_STATUSCODE_GOOD;
}

/* ---- life ---- */

static UA_StatusCode run_from_inside(UA_EventLoop *base, UA_UInt32 timeout_ms)
{
    (void)base, (void)timeout_ms;
    return UA_STATUSCODE_BADNOTSUPPORTED;
}

static const UA_ConnectionManager tcp_manager = {
    .eventSource = { .eventSourceType = UA_EVENTSOURCETYPE_CONNECTIONMANAGER,
                     .name = UA_STRING_STATIC("busbar"),
                     .state = UA_EVENTSOURCESTATE_STARTED },
    .protocol = UA_STRING_STATIC("tcp"),
    .openConnection = open_connection,
    .sendWithConnection = send_buffer,
    .closeConnection = close_connection,
    .allocNetworkBuffer = take_buffer,
    .freeNetworkBuffer = drop_buffer,
};

/* What a client never calls is left out. It is started from the beginning. */
static const UA_EventLoop loop_ops = {
    .state = UA_EVENTLOOPSTATE_STARTED,
    .run = run_from_inside,
    .dateTime_now = wall,
    .dateTime_nowMonotonic = monotonic,
    .dateTime_localTimeUtcOffset = utc_offset,
    .nextCyclicTime = next_time,
    .addCyclicCallback = add_cyclic,
    .modifyCyclicCallback = modify_cyclic,
    .removeCyclicCallback = remove_cyclic,
    .addTimedCallback = add_timed,
    .addDelayedCallback = add_delayed,
    .removeDelayedCallback = remove_delayed,
};

struct UA_EventLoop *opcua_event_loop_new(struct loop *loop)
{
    struct event_loop *self = busbar_alloc(sizeof(*self));
    memcpy((void *)&self->base, &loop_ops, sizeof(loop_ops));
    memcpy(&self->tcp, &tcp_manager, sizeof(tcp_manager));
    self->loop = loop;
    self->base.eventSources = &self->tcp.eventSource;
    self->tcp.eventSource.eventLoop = &self->base;
    map64_init(&self->cyclics);
    loop_deferred_init(&self->run_delayed, run_delayed, self);
    return &self->base;
}

void opcua_event_loop_free(struct UA_EventLoop *event_loop)
{
    struct event_loop *self = of_loop(event_loop);
    assert(self->cyclics.count == 0);
    loop_defer_cancel(&self->run_delayed);
    map64_fini(&self->cyclics);
    busbar_free(self);
}
