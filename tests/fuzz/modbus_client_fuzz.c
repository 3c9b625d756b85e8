/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile device against the client, over TCP and RTU. The input is a script: each step sends raw bytes, a right
 * answer (spoilt in one byte or not), lets time pass, ends or accepts the connection. Whatever happens: each
 * exchange is answered once, and data that is given out has the size that was asked for. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "drivers/modbus/modbus_client.h"
#include "scripted_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SENT_MAX = 4096, USERS = 2, STEPS_MAX = 400 };

/* ---- a stream whose other end is the script ---- */

struct net {
    struct scripted_net base;
    uint8_t sent[SENT_MAX];
    size_t sent_size;
};

static void net_opened(struct scripted_net *base)
{
    ((struct net *)base)->sent_size = 0;
}

static void net_heard(struct scripted_net *base, const uint8_t *data, size_t size)
{
    struct net *net = (struct net *)base;
    if (net->sent_size + size > SENT_MAX) {
        net->sent_size = 0;
    }
    memcpy(net->sent + net->sent_size, data, size);
    net->sent_size += size;
}

/* ---- users that always have a question ---- */

struct asker {
    struct modbus_user user;
    unsigned asked, answered, shape;
};

static bool on_next(struct modbus_user *user, struct modbus_exchange *exchange)
{
    static const uint8_t codes[] = { 3, 1, 4, 6, 16, 22, 43, 2, 23 };
    static const uint8_t zeros[4] = { 0 };
    struct asker *asker = (struct asker *)user;
    struct modbus_ask *ask = &exchange->ask;
    if (asker->asked - asker->answered >= MODBUS_IN_FLIGHT_MAX) {
        return false;
    }
    ask->function = codes[asker->shape++ % sizeof(codes)];
    ask->address = (uint16_t)(asker->shape * 3);
    ask->count = 1;
    ask->data = zeros;
    ask->id_code = 1;
    if (ask->function <= 4) {
        ask->count = (uint16_t)(1 + asker->shape % 20);
    } else if (ask->function == MODBUS_WRITE_REGISTERS) {
        ask->count = 2;
        ask->size = 4;
    } else {
        ask->size = 2;
        ask->write_count = 1;
    }
    exchange->write = ask->function == MODBUS_WRITE_REGISTER;
    exchange->unit = user->unit;
    exchange->timeout_us = 100 * CLOCK_US_PER_MS;
    asker->asked++;
    return true;
}

static void on_answered(struct modbus_user *user, const struct modbus_exchange *exchange, int error,
                        const struct modbus_reply *reply)
{
    struct asker *asker = (struct asker *)user;
    asker->answered++;
    assert(asker->answered <= asker->asked);
    if (error == 0 && reply->exception == 0 && modbus_read_bytes(&exchange->ask) > 0) {
        assert(reply->size == modbus_read_bytes(&exchange->ask));
        volatile uint8_t last = reply->data[reply->size - 1];
        (void)last;
    }
    modbus_client_wake(user);
}

static const struct modbus_user_ops user_ops = { .next = on_next, .answered = on_answered };

/* ---- the script ---- */

static void tell(struct net *net, const uint8_t *data, size_t size)
{
    if (net->base.stream != NULL && net->base.stream->phase == STREAM_OPEN && size > 0) {
        struct bytes copy = bytes_dup(data, size);
        stream_received(net->base.stream, copy.start, size);
        bytes_fini(&copy);
    }
}

/* A right answer to the oldest question, with one byte changed by `spoil` at `at`. */
static void answer(struct net *net, bool rtu, uint8_t at, uint8_t spoil)
{
    struct bytes in = bytes_of(net->sent, net->sent_size);
    struct modbus_header header = { 0 };
    struct bytes pdu;
    struct modbus_ask ask;
    static const uint8_t zeros[MODBUS_PDU_MAX] = { 0 };
    if (rtu) {
        size_t size = modbus_rtu_ask_size(in);
        struct bytes one = bytes_of(net->sent, size <= net->sent_size ? size : 0);
        if (modbus_get_rtu(&one, &header.unit, &pdu) != 0) {
            return;
        }
        bytes_skip(&in, size);
    } else if (modbus_get_header(&in, &header) != 0) {
        return;
    } else {
        pdu = bytes_get_bytes(&in, header.length - 1u);
    }
    if (modbus_get_ask(&pdu, &ask) != 0) {
        return;
    }
    struct modbus_reply reply = { .function = ask.function,
                                  .address = ask.address,
                                  .count = ask.count,
                                  .and_mask = ask.and_mask,
                                  .or_mask = ask.or_mask,
                                  .id_code = ask.id_code,
                                  .data = modbus_read_bytes(&ask) > 0 ? zeros : ask.data,
                                  .size = (uint8_t)modbus_read_bytes(&ask) };
    uint8_t frame[MODBUS_TCP_MAX];
    struct bytes_out out = bytes_out_of(frame, sizeof(frame));
    if (!rtu) {
        modbus_put_header(&out, &header);
    } else {
        bytes_put_u8(&out, header.unit);
    }
    modbus_put_reply(&out, &reply);
    if (rtu) {
        modbus_put_crc(&out, 0);
    }
    size_t size = bytes_out_size(&out);
    if (!rtu) {
        frame[4] = (uint8_t)((size - 6) >> 8);
        frame[5] = (uint8_t)(size - 6);
    }
    frame[at % size] ^= spoil;
    size_t used = bytes_offset(&in);
    memmove(net->sent, net->sent + used, net->sent_size - used);
    net->sent_size -= used;
    tell(net, frame, size);
}

static void step(struct net *net, struct loop *loop, bool rtu, struct bytes *script)
{
    uint8_t what = bytes_get_u8(script);
    uint8_t first = bytes_get_u8(script);
    uint8_t second = bytes_get_u8(script);
    switch (what % 6) {
    case 0: answer(net, rtu, 0, 0); break;
    case 1: answer(net, rtu, first, second); break;
    case 2: {
        size_t size = first < bytes_left(script) ? first : bytes_left(script);
        tell(net, bytes_get_block(script, size), size);
        break;
    }
    case 3: loop_advance_for_test(loop, (int64_t)first * CLOCK_US_PER_MS); break;
    case 4:
        if (net->base.stream != NULL && first % 8 == 0) {
            stream_failed(net->base.stream, BUSBAR_ERESET, "%s", "reset");
        }
        break;
    default: answer(net, rtu, first, 0); break;
    }
    loop_advance_for_test(loop, rtu ? 10 * CLOCK_US_PER_MS : 0);
    if (net->base.stream != NULL && net->base.stream->phase == STREAM_CONNECTING) {
        stream_opened(net->base.stream);
        loop_advance_for_test(loop, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    bool rtu = data[0] & 1;
    clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
    struct net net = { .base = { .opened = net_opened, .heard = net_heard } };
    struct list clients;
    struct loop *loop = loop_new();
    struct modbus_client *client;
    struct asker askers[USERS];
    struct modbus_config config = { .transport = rtu ? MODBUS_RTU_TCP : MODBUS_TCP,
                                    .host = { "fuzz", 502 } };
    list_init(&clients);
    stream_open_hook(loop, scripted_net_open, &net.base);
    if (modbus_client_get(&clients, loop, &config, &client, NULL) != 0) {
        abort();
    }
    for (unsigned i = 0; i < USERS; i++) {
        askers[i] = (struct asker){ .shape = i * 4 };
        askers[i].user.ops = &user_ops;
        askers[i].user.unit = (uint8_t)(i + 1);
        askers[i].user.in_flight = data[0] & 2 ? 4 : 0;
        modbus_client_attach(client, &askers[i].user);
        modbus_client_wake(&askers[i].user);
    }
    struct bytes script = bytes_of(data + 1, size - 1);
    for (int i = 0; i < STEPS_MAX && bytes_left(&script) > 0; i++) {
        step(&net, loop, rtu, &script);
    }
    for (unsigned i = 0; i < USERS; i++) {
        modbus_client_detach(&askers[i].user);
    }
    loop_advance_for_test(loop, CLOCK_US_PER_S);
    assert(net.base.stream == NULL && list_empty(&clients));
    stream_open_hook(loop, NULL, NULL);
    loop_free(loop);
    clock_fake_off();
    return 0;
}
