/* SPDX-License-Identifier: Apache-2.0 */
/* Modbus servers: one for each address in the configuration, with all units that share it.
 *
 *   TCP, TLS       [ header, unit, PDU ]      many connections, answers in the order of the
 *   questions RTU over TCP   [ unit, PDU, checksum ]    the same
 *   serial         [ unit, PDU, checksum ]    a pseudo terminal, see sim_pty.h
 *
 * A unit that nobody is: exception 11 from a TCP server, as gateways do; silence on a line. */
#include "sim/sim_modbus.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "drivers/modbus/modbus_config.h"
#include "net/listener.h"
#include "sim/sim_private.h"
#include "sim/sim_pty.h"
#include "sim/sim_tls.h"

enum {
    UNITS = 256,
    INPUT_MAX = 256 * 1024, /* bytes of requests waiting for their end */
    RTU_GAP_US = 200000,    /* a line silent for so long has dropped what it began */
};

struct server {
    struct list link; /* modbus_state.servers */
    struct sim *sim;
    struct modbus_config config; /* texts borrowed from the first device */
    struct listener *listener;
    struct tls_context *tls;
    struct sim_pty *pty;
    struct conn *line; /* the one connection of a pty */
    struct list conns;
    struct sim_device *units[UNITS];
    size_t unit_count;
    uint64_t random; /* of garbage */
};

struct conn {
    struct list link;      /* server->conns */
    struct server *server; /* NULL: the server is gone, only the end is awaited */
    struct stream *stream; /* NULL: the pty of the server */
    struct buf input;
    int64_t input_us; /* when the last byte came */
    struct list late; /* struct late */
};

/* An answer that is held back. */
struct late {
    struct list link;
    struct conn *conn;
    struct timer timer;
    size_t size;
    uint8_t frame[MODBUS_TCP_MAX];
};

struct served { /* sd->state */
    struct server *server;
    struct sim_unit unit;
    uint8_t number;
};

struct modbus_state {
    struct list servers;
};

/* ---- connections ---- */

static void conn_send(struct conn *conn, const uint8_t *frame, size_t size)
{
    if (conn->stream != NULL) {
        (void)stream_send(conn->stream, frame,
                          size); /* a client that does not read loses answers */
    } else {
        sim_pty_send(conn->server->pty, frame, size);
    }
}

static struct conn *conn_new(struct server *server, struct stream *stream)
{
    struct conn *conn = busbar_alloc(sizeof(*conn));
    conn->server = server;
    conn->stream = stream;
    buf_init(&conn->input, INPUT_MAX);
    list_init(&conn->late);
    list_append(&server->conns, &conn->link);
    return conn;
}

static void late_free(struct late *late)
{
    timer_stop(&late->timer);
    list_remove(&late->link);
    busbar_free(late);
}

static void conn_free(struct conn *conn)
{
    list_each_safe(at, &conn->late) {
        late_free(list_entry(at, struct late, link));
    }
    list_remove(&conn->link);
    buf_fini(&conn->input);
    busbar_free(conn);
}

static void late_due(struct timer *timer, void *ctx)
{
    (void)timer;
    struct late *late = ctx;
    if (late->conn->server != NULL) {
        conn_send(late->conn, late->frame, late->size);
    }
    late_free(late);
}

static void send_later(struct conn *conn, const uint8_t *frame, size_t size, int64_t delay_us)
{
    struct late *late = busbar_alloc(sizeof(*late));
    late->conn = conn;
    late->size = size;
    memcpy(late->frame, frame, size);
    list_append(&conn->late, &late->link);
    timer_init(&late->timer, conn->server->sim->loop, late_due, late);
    timer_start_us(&late->timer, delay_us, 0);
}

/* ---- answers ---- */

/* Wraps a PDU; kind spoils it. Returns the frame's size. */
static size_t wrap(struct server *server, uint8_t unit, uint16_t transaction, const uint8_t *pdu,
                   size_t size, enum sim_fault_kind kind, uint8_t frame[MODBUS_TCP_MAX])
{
    struct bytes_out out = bytes_out_of(frame, MODBUS_TCP_MAX);
    unit = (uint8_t)(unit + (kind == SIM_FAULT_WRONG_UNIT ? 1 : 0));
    if (!modbus_config_is_rtu(&server->config)) {
        struct modbus_header header = {
            .transaction = (uint16_t)(transaction +
                                      (kind == SIM_FAULT_WRONG_TRANSACTION ? 100 : 0)),
            .length = (uint16_t)(1 + size),
            .unit = unit,
        };
        modbus_put_header(&out, &header);
        bytes_put_block(&out, pdu, size);
        return bytes_out_size(&out);
    }
    bytes_put_u8(&out, unit);
    bytes_put_block(&out, pdu, size);
    modbus_put_crc(&out, 0);
    if (kind == SIM_FAULT_WRONG_TRANSACTION) { /* a line has none; its checksum is wrong instead */
        frame[bytes_out_size(&out) - 1] ^= 0x55;
    }
    return bytes_out_size(&out);
}

static size_t garbage(struct server *server, uint8_t *frame)
{
    size_t size = 3 + hash_random(&server->random) % 60;
    for (size_t i = 0; i < size; i++) {
        frame[i] = (uint8_t)hash_random(&server->random);
    }
    return size;
}

static void answer_unit(struct conn *conn, struct sim_device *sd, uint16_t transaction,
                        uint8_t unit, const uint8_t *pdu, size_t size)
{
    struct server *server = conn->server;
    struct served *served = sd->state;
    uint8_t reply[MODBUS_PDU_MAX], frame[MODBUS_TCP_MAX];
    enum sim_fault_kind kind = sim_request(sd);
    if (kind == SIM_FAULT_SILENCE || kind == SIM_FAULT_DOWN) {
        return;
    }
    if (kind == SIM_FAULT_CLOSE && conn->stream != NULL) {
        stream_close(conn->stream);
        return;
    }
    if (kind != SIM_FAULT_FROZEN) {
        sim_unit_refresh(&served->unit, clock_wall_us());
    }
    size_t reply_size = 2;
    if (kind == SIM_FAULT_EXCEPTION) {
        reply[0] = (uint8_t)(pdu[0] | 0x80);
        reply[1] = (uint8_t)sd->fault.argument;
    } else {
        reply_size = sim_unit_answer(&served->unit, pdu, size, kind == SIM_FAULT_HOLES, reply);
    }
    size_t frame_size = wrap(server, unit, transaction, reply, reply_size, kind, frame);
    if (kind == SIM_FAULT_GARBAGE) {
        frame_size = garbage(server, frame);
    } else if (kind == SIM_FAULT_TRUNCATE) {
        frame_size /= 2;
    }
    if (kind == SIM_FAULT_SLOW) {
        send_later(conn, frame, frame_size, sd->fault.argument);
    } else {
        conn_send(conn, frame, frame_size);
    }
}

/* A write to everybody on a line is not answered (Modbus over Serial Line, section 2.1). */
static void broadcast(struct server *server, const uint8_t *pdu, size_t size)
{
    uint8_t reply[MODBUS_PDU_MAX];
    for (size_t i = 0; i < UNITS; i++) {
        if (server->units[i] != NULL) {
            struct served *served = server->units[i]->state;
            (void)sim_unit_answer(&served->unit, pdu, size, false, reply);
        }
    }
}

static struct sim_device *find_unit(const struct server *server, uint8_t unit)
{
    if (server->units[unit] != NULL || server->unit_count != 1 || (unit != 0 && unit != 255)) {
        return server->units[unit];
    }
    for (size_t i = 0; i < UNITS; i++) { /* a device alone on its address does not mind the unit */
        if (server->units[i] != NULL) {
            return server->units[i];
        }
    }
    return NULL;
}

static void handle(struct conn *conn, uint16_t transaction, uint8_t unit, const uint8_t *pdu,
                   size_t size)
{
    struct server *server = conn->server;
    bool rtu = modbus_config_is_rtu(&server->config);
    if (size == 0) {
        return;
    }
    if (rtu && unit == 0) {
        broadcast(server, pdu, size);
        return;
    }
    struct sim_device *sd = find_unit(server, unit);
    if (sd != NULL) {
        answer_unit(conn, sd, transaction, unit, pdu, size);
    } else if (!rtu) {
        uint8_t frame[MODBUS_TCP_MAX];
        uint8_t reply[2] = { (uint8_t)(pdu[0] | 0x80), MODBUS_EXCEPTION_GATEWAY_TARGET };
        conn_send(conn, frame, wrap(server, unit, transaction, reply, 2, SIM_FAULT_NONE, frame));
    }
}

/* ---- requests ---- */

/* Bytes of the first frame that is whole, after having handled it; 0: more are needed; SIZE_MAX:
 * broken. */
static size_t take_tcp(struct conn *conn, struct bytes in)
{
    struct modbus_header header;
    struct bytes whole = in;
    int error = modbus_get_header(&in, &header);
    if (error != 0) {
        return error == BUSBAR_ESHORT ? 0 : SIZE_MAX;
    }
    size_t size = (size_t)header.length - 1;
    if (bytes_left(&in) < size) {
        return 0;
    }
    handle(conn, header.transaction, header.unit, in.at, size);
    return bytes_left(&whole) - bytes_left(&in) + size;
}

/* The same on a line; what is no frame is skipped byte by byte. */
static size_t take_rtu(struct conn *conn, struct bytes in)
{
    size_t size = modbus_rtu_ask_size(in);
    if (size == 0 || (size != SIZE_MAX && bytes_left(&in) < size)) {
        return 0;
    }
    uint8_t unit;
    struct bytes pdu, frame = bytes_of(in.at, size == SIZE_MAX ? 0 : size);
    if (size == SIZE_MAX || modbus_get_rtu(&frame, &unit, &pdu) != 0) {
        return 1;
    }
    handle(conn, 0, unit, pdu.at, bytes_left(&pdu));
    return size;
}

static void received(void *ctx, const uint8_t *data, size_t size)
{
    struct conn *conn = ctx;
    struct server *server = conn->server;
    if (server == NULL) {
        return;
    }
    bool rtu = modbus_config_is_rtu(&server->config);
    int64_t now_us = loop_now_us(server->sim->loop);
    if (rtu && now_us - conn->input_us > RTU_GAP_US) {
        buf_clear(&conn->input);
    }
    conn->input_us = now_us;
    if (buf_append(&conn->input, data, size) != 0) {
        buf_clear(&conn->input);
        return;
    }
    size_t used = 0;
    while (used < conn->input.size && conn->server != NULL &&
           (conn->stream == NULL || stream_is_open(conn->stream))) {
        struct bytes in = bytes_of(conn->input.data + used, conn->input.size - used);
        size_t taken = rtu ? take_rtu(conn, in) : take_tcp(conn, in);
        if (taken == SIZE_MAX) {
            stream_close(conn->stream);
            break;
        }
        if (taken == 0) {
            break;
        }
        used += taken;
    }
    buf_consume(&conn->input, used);
}

static void ended(void *ctx, int error, const char *detail)
{
    (void)error;
    (void)detail;
    conn_free(ctx);
}

static void accepted(void *ctx, struct stream *stream)
{
    static const struct stream_events events = { .data = received, .closed = ended };
    stream_take(stream, &events, conn_new(ctx, stream));
}

static void line_data(void *ctx, const uint8_t *data, size_t size)
{
    struct server *server = ctx;
    received(server->line, data, size);
}

/* ---- servers ---- */

static int server_listen(struct server *server, struct err *err)
{
    static const struct listener_events events = { .accepted = accepted };
    const struct modbus_config *config = &server->config;
    if (config->transport == MODBUS_SERIAL) {
        int error = sim_pty_open(server->sim->loop, config->serial.path, line_data, server,
                                 &server->pty, err);
        server->line = error == 0 ? conn_new(server, NULL) : NULL;
        return error;
    }
    if (config->transport == MODBUS_TLS && server->tls == NULL) {
        int error = sim_tls_server(config->host.host, config->ca_file, config->cert_file,
                                   config->key_file, &server->tls, err);
        if (error != 0) {
            return error;
        }
    }
    struct listener_target target = {
        .host = config->host.host,
        .port = config->host.port,
        .tls = server->tls,
    };
    return listener_open(server->sim->loop, &target, &events, server, &server->listener, err);
}

static void server_close(struct server *server)
{
    listener_close(server->listener);
    server->listener = NULL;
    sim_pty_close(server->pty);
    server->pty = NULL;
    if (server->line != NULL) {
        conn_free(server->line);
        server->line = NULL;
    }
    list_each_safe(at, &server->conns) {
        struct conn *conn = list_entry(at, struct conn, link);
        list_remove(&conn->link);
        conn->server = NULL;
        stream_close(conn->stream);
    }
}

static void server_free(struct server *server)
{
    server_close(server);
    tls_context_unref(server->tls);
    list_remove(&server->link);
    busbar_free(server);
}

static struct server *find_server(struct modbus_state *state, const struct modbus_config *config)
{
    list_each(at, &state->servers) {
        struct server *server = list_entry(at, struct server, link);
        if (modbus_config_same_link(&server->config, config)) {
            return server;
        }
    }
    return NULL;
}

static int get_server(struct sim_device *sd, const struct modbus_config *config,
                      struct server **out, struct err *err)
{
    struct modbus_state *state = sd->protocol->state;
    if (state->servers.next == NULL) {
        list_init(&state->servers);
    }
    *out = find_server(state, config);
    if (*out != NULL) {
        return 0;
    }
    struct server *server = busbar_alloc(sizeof(*server));
    server->sim = sd->sim;
    server->config = *config;
    server->random = hash_u64(sd->sim->seed + config->host.port);
    list_init(&server->conns);
    list_append(&state->servers, &server->link);
    int error = server_listen(server, err);
    if (error != 0) {
        server_free(server);
        return error;
    }
    *out = server;
    return 0;
}

/* ---- the table ---- */

static int add(struct sim_device *sd, struct err *err)
{
    struct modbus_config config;
    struct served *served = sd->state;
    struct server *server;
    int error = modbus_config_read(sd->dev->settings, &config, err);
    if (error == 0) {
        error = get_server(sd, &config, &server, err);
    }
    if (error != 0) {
        return error;
    }
    if (server->units[config.unit] != NULL) {
        return err_set(err, BUSBAR_EEXIST, "'%s' has the same address and unit %u",
                       server->units[config.unit]->dev->name, config.unit);
    }
    error = sim_unit_init(&served->unit, sd->dev, sd->sim->seed);
    if (error != 0) {
        return err_set(err, error, "out of memory");
    }
    served->server = server;
    served->number = config.unit;
    server->units[config.unit] = sd;
    server->unit_count++;
    return 0;
}

static void remove_device(struct sim_device *sd)
{
    struct served *served = sd->state;
    struct server *server = served->server;
    server->units[served->number] = NULL;
    if (--server->unit_count == 0) {
        server_free(server);
    }
    sim_unit_fini(&served->unit);
}

/* The port is closed while one of its devices is down. */
static void changed(struct sim_device *sd)
{
    struct server *server = ((struct served *)sd->state)->server;
    struct err err = { 0 };
    bool down = false;
    for (size_t i = 0; i < UNITS; i++) {
        down = down || (server->units[i] != NULL && server->units[i]->now == SIM_FAULT_DOWN);
    }
    bool open = server->listener != NULL || server->pty != NULL;
    if (down && open) {
        server_close(server);
    } else if (!down && !open && server_listen(server, &err) != 0) {
        busbar_log(LOG_LEVEL_ERROR, "sim", sd->dev->name, "%s", err.message);
    }
}

static int hold(struct sim_device *sd, uint32_t point, uint8_t type, union value raw)
{
    struct served *served = sd->state;
    return sim_unit_hold(&served->unit, point, type, raw);
}

static void describe(const struct sim_device *sd, struct buf *out)
{
    const struct served *served = sd->state;
    modbus_config_print(&served->server->config, out);
    buf_printf(out, " unit %u", served->number);
}

static const struct sim_ops ops = {
    .protocol = "modbus",
    .state_bytes = sizeof(struct modbus_state),
    .device_bytes = sizeof(struct served),
    .fault_kinds = SIM_FAULT_BIT(SILENCE) | SIM_FAULT_BIT(EXCEPTION) | SIM_FAULT_BIT(SLOW) |
                   SIM_FAULT_BIT(GARBAGE) | SIM_FAULT_BIT(CLOSE) | SIM_FAULT_BIT(TRUNCATE) |
                   SIM_FAULT_BIT(WRONG_UNIT) | SIM_FAULT_BIT(WRONG_TRANSACTION) |
                   SIM_FAULT_BIT(DOWN) | SIM_FAULT_BIT(HOLES) | SIM_FAULT_BIT(FROZEN),
    .add = add,
    .remove = remove_device,
    .changed = changed,
    .hold = hold,
    .describe = describe,
};

const struct sim_ops *sim_modbus(void)
{
    return &ops;
}
