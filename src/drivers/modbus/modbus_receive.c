/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from the wire -> answers to what was asked, for both framings. Frames are decoded where they were
 * received; only the beginning of a frame whose end has not come is copied. */
#include <stdio.h>
#include <string.h>

#include "base/crc.h"
#include "base/str.h"
#include "drivers/modbus/modbus_client_private.h"

enum { LENGTH_END = 6, RTU_MIN = 4 };

size_t client_encode(struct modbus_client *client, const struct modbus_exchange *exchange,
                     uint8_t frame[MODBUS_TCP_MAX])
{
    struct bytes_out out = bytes_out_of(frame, MODBUS_TCP_MAX);
    if (client_is_rtu(client)) {
        bytes_put_u8(&out, exchange->unit);
        modbus_put_ask(&out, &exchange->ask);
        modbus_put_crc(&out, 0);
        return bytes_out_size(&out);
    }
    struct modbus_header header = { .transaction = exchange->transaction, .unit = exchange->unit };
    modbus_put_header(&out, &header);
    modbus_put_ask(&out, &exchange->ask);
    size_t size = bytes_out_size(&out);
    struct bytes_out length = bytes_out_of(frame + 4, 2);
    bytes_put_u16(&length, (uint16_t)(size - LENGTH_END));
    return size;
}

/* ---- TCP ---- */

static struct modbus_exchange *find_exchange(struct modbus_client *client, uint16_t transaction)
{
    struct modbus_exchange *exchange = &client->slots[transaction % MODBUS_IN_FLIGHT_MAX];
    return exchange->open && exchange->transaction == transaction ? exchange : NULL;
}

static bool is_late(const struct modbus_client *client, uint16_t transaction)
{
    for (size_t i = 0; i < client->late_count; i++) {
        if (client->late[i] == transaction) {
            return true;
        }
    }
    return false;
}

static void stray_tcp(struct modbus_client *client, const uint8_t *frame, size_t size,
                      const struct modbus_header *header)
{
    char reason[120];
    bool late = is_late(client, header->transaction);
    str_format(reason, sizeof(reason),
               late ? "late answer to transaction %u, which had timed out"
                    : "answer to transaction %u, which was not asked",
               header->transaction);
    client_bad_frame(client, NULL, frame, size, reason);
    if (!late && ++client->strays >= CLIENT_STRAYS_MAX) {
        client_abandon(client, BUSBAR_EPROTO, "the device keeps answering what was not asked");
    }
}

static void frame_tcp(struct modbus_client *client, const uint8_t *frame, size_t size)
{
    struct bytes in = bytes_of(frame, size);
    struct modbus_header header;
    (void)modbus_get_header(&in, &header);
    struct modbus_exchange *exchange = find_exchange(client, header.transaction);
    if (exchange == NULL) {
        stray_tcp(client, frame, size, &header);
        return;
    }
    char reason[120];
    struct modbus_reply reply;
    if (header.unit != exchange->unit) {
        str_format(reason, sizeof(reason), "unit %u answered what unit %u was asked", header.unit,
                   exchange->unit);
    } else if (modbus_get_reply(&in, &exchange->ask, &reply) != 0) {
        str_format(reason, sizeof(reason), "the answer does not fit '%s' of %u",
                   modbus_function_name(exchange->ask.function), exchange->ask.count);
    } else {
        client_frame(client, exchange->user, false, frame, size);
        client_answered(client, exchange, 0, &reply);
        return;
    }
    client_bad_frame(client, exchange->user, frame, size, reason);
    client_answered(client, exchange, BUSBAR_EPROTO, NULL);
    client_abandon(client, BUSBAR_EPROTO, reason);
}

/* Size of the frame that begins here; 0: its length has not come; SIZE_MAX: none begins like this. */
static size_t size_tcp(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct modbus_header header;
    int error = modbus_get_header(&in, &header);
    if (error == BUSBAR_ESHORT) {
        return 0;
    }
    return error == 0 ? (size_t)LENGTH_END + header.length : SIZE_MAX;
}

/* Takes bytes into the input until `want` are there. */
static bool gather(struct modbus_client *client, const uint8_t **data, size_t *size, size_t want)
{
    size_t part = want - client->input_size;
    part = part < *size ? part : *size;
    memcpy(client->input + client->input_size, *data, part);
    client->input_size += part;
    *data += part;
    *size -= part;
    return client->input_size == want;
}

static void broken_tcp(struct modbus_client *client, const uint8_t *data, size_t size)
{
    const char *reason = "this is no Modbus TCP frame";
    client_bad_frame(client, NULL, data, size < MODBUS_TCP_MAX ? size : MODBUS_TCP_MAX, reason);
    client_abandon(client, BUSBAR_EPROTO, reason);
}

static void received_tcp(struct modbus_client *client, const uint8_t *data, size_t size)
{
    while (size > 0 && client->state == CLIENT_OPEN) {
        if (client->input_size == 0) {
            size_t frame = size_tcp(data, size);
            if (frame == SIZE_MAX) {
                broken_tcp(client, data, size);
                return;
            }
            if (frame != 0 && frame <= size) {
                frame_tcp(client, data, frame);
                data += frame;
                size -= frame;
                continue;
            }
        }
        if (client->input_size < MODBUS_HEADER_SIZE &&
            !gather(client, &data, &size, MODBUS_HEADER_SIZE)) {
            return;
        }
        size_t frame = size_tcp(client->input, client->input_size);
        if (frame == SIZE_MAX) {
            broken_tcp(client, client->input, client->input_size);
            return;
        }
        if (gather(client, &data, &size, frame)) {
            client->input_size = 0;
            frame_tcp(client, client->input, frame);
        }
    }
}

/* ---- RTU ---- */

static struct modbus_exchange *open_exchange(struct modbus_client *client)
{
    for (unsigned i = 0; i < MODBUS_IN_FLIGHT_MAX; i++) {
        if (client->slots[i].open) {
            return &client->slots[i];
        }
    }
    return NULL;
}

static void drop_input(struct modbus_client *client, size_t size)
{
    client->input_size -= size;
    memmove(client->input, client->input + size, client->input_size);
}

static void noise(struct modbus_client *client, size_t size, const char *reason)
{
    if (size > 0) {
        const struct modbus_exchange *exchange = open_exchange(client);
        client_bad_frame(client, exchange != NULL ? exchange->user : NULL, client->input, size,
                         reason);
        drop_input(client, size);
    }
}

/* Our own bytes come back on two-wire lines. Known by the first read: an answer never equals a question. */
static void strip_echo(struct modbus_client *client, const struct modbus_exchange *exchange)
{
    if (client->echo == ECHO_NO || !client->echo_due || client->input_size < client->sent_size) {
        return;
    }
    bool same = memcmp(client->input, client->sent, client->sent_size) == 0;
    bool sure = client->echo == ECHO_YES || modbus_read_bytes(&exchange->ask) > 0;
    client->echo_due = false;
    if (!same || !sure) {
        return;
    }
    if (client->echo == ECHO_UNKNOWN && exchange->user != NULL &&
        exchange->user->ops->learned != NULL) {
        exchange->user->ops->learned(exchange->user, "echo", 1);
    }
    client->echo = ECHO_YES;
    drop_input(client, client->sent_size);
}

/* A sound frame at the beginning of the input. */
static void frame_rtu(struct modbus_client *client, struct modbus_exchange *exchange, size_t size)
{
    uint8_t frame[MODBUS_RTU_MAX];
    memcpy(frame, client->input, size);
    drop_input(client, size);
    struct bytes in = bytes_of(frame, size);
    struct bytes pdu;
    struct modbus_reply reply;
    uint8_t unit;
    char reason[120];
    (void)modbus_get_rtu(&in, &unit, &pdu);
    if (unit != exchange->unit) {
        str_format(reason, sizeof(reason), "unit %u answered while unit %u was asked", unit,
                   exchange->unit);
    } else if (modbus_get_reply(&pdu, &exchange->ask, &reply) != 0) {
        str_format(reason, sizeof(reason), "the answer does not fit '%s' of %u",
                   modbus_function_name(exchange->ask.function), exchange->ask.count);
    } else {
        client->echo = client->echo == ECHO_UNKNOWN && modbus_read_bytes(&exchange->ask) > 0
                           ? ECHO_NO
                           : client->echo;
        client_frame(client, exchange->user, false, frame, size);
        client_answered(client, exchange, 0, &reply);
        return;
    }
    client_bad_frame(client, exchange->user, frame, size, reason);
}

/* Where the first sound frame begins; *frame_size 0: none, and the bytes before *at can be none. */
static size_t find_frame(const struct modbus_client *client, bool no_more, size_t *frame_size)
{
    *frame_size = 0;
    for (size_t at = 0; at < client->input_size; at++) {
        size_t left = client->input_size - at;
        struct bytes in = bytes_of(client->input + at, left);
        size_t size = modbus_rtu_reply_size(in);
        bool waiting = size == 0 || (size != SIZE_MAX && size > left);
        if (waiting && !no_more) {
            return at;
        }
        if (waiting || size == SIZE_MAX || size < RTU_MIN) {
            continue;
        }
        uint8_t unit;
        struct bytes pdu;
        struct bytes frame = bytes_of(client->input + at, size);
        if (modbus_get_rtu(&frame, &unit, &pdu) == 0) {
            *frame_size = size;
            return at;
        }
    }
    return client->input_size;
}

static void parse_rtu(struct modbus_client *client, bool no_more)
{
    while (client->input_size > 0 && client->state == CLIENT_OPEN) {
        struct modbus_exchange *exchange = open_exchange(client);
        if (exchange == NULL) {
            noise(client, client->input_size, "bytes that nobody asked for, or a late answer");
            return;
        }
        strip_echo(client, exchange);
        if (client->echo == ECHO_YES && client->echo_due && !no_more) {
            return;
        }
        size_t size;
        size_t at = find_frame(client, no_more, &size);
        noise(client, at, "bytes that are no frame (noise, wrong baud or parity, a cut answer)");
        if (size == 0) {
            return;
        }
        frame_rtu(client, exchange, size);
    }
}

static void received_rtu(struct modbus_client *client, const uint8_t *data, size_t size)
{
    client->input_us = loop_now_us(client->loop);
    int64_t rest_us = client->input_us + client->quiet_us;
    client->rest_until_us = rest_us > client->rest_until_us ? rest_us : client->rest_until_us;
    while (size > 0 && client->state == CLIENT_OPEN) {
        if (client->input_size == CLIENT_INPUT_MAX) {
            noise(client, CLIENT_INPUT_MAX / 2, "more bytes than any answer has");
        }
        (void)gather(client, &data, &size,
                     client->input_size + size < CLIENT_INPUT_MAX ? client->input_size + size
                                                                  : CLIENT_INPUT_MAX);
        parse_rtu(client, false);
    }
}

void client_gap(struct modbus_client *client)
{
    parse_rtu(client, true);
}

void client_received(struct modbus_client *client, const uint8_t *data, size_t size)
{
    if (client_is_rtu(client)) {
        received_rtu(client, data, size);
    } else {
        received_tcp(client, data, size);
        if (client->stream != NULL && client->open_count > 1) {
            stream_ack_now(client->stream); /* the other answers may wait for it */
        }
    }
}
