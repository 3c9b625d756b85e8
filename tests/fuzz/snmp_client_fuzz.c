/* SPDX-License-Identifier: Apache-2.0 */
/* A lying agent against the client and the polls of one device, on loopback. The input is a script: answers of any
 * bytes, answers that fit the question but for what the script says (OIDs, values, ids, error status), Reports and
 * sealed v3 messages, time, polls, cancelling, stopping. Whatever happens: each question and each poll is answered
 * exactly once, and nothing is left in the end. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_driver.h"
#include "drivers/snmp/snmp_read.h"
#include "drivers/snmp/snmp_rows.h"
#include "model/quality.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { POINTS = 60, STEPS_MAX = 200, ASKS = 4 };

struct asker {
    struct snmp_asked *asked; /* NULL: none is open */
};

/* What outlives a run. */
static struct world {
    struct loop *loop;
    struct snmp_client *client;
    struct datagram *agent;
    struct endpoint at, client_at;
    struct snmp_login *logins[3]; /* v1, v2c, v3 */
    struct usm_user *user;
    struct usm_engine engine;
    struct usm_keys keys;
    struct snmp_oid_buf oids[POINTS], column;
    struct snmp_row_name names[2];
    struct snmp_meaning meaning;
    struct snmp_address addresses[POINTS];
    struct point points[POINTS];
    struct point_class cls;
} world;

static struct run {
    struct snmp_driver_state state;
    struct snmp_device device;
    struct device dev;
    struct request req;
    uint32_t numbers[POINTS];
    struct sample samples[POINTS];
    bool polling;
    struct asker askers[ASKS];
    /* the last question that was heard */
    uint8_t heard[SNMP_MESSAGE_MAX];
    size_t heard_size;
    uint8_t room[SNMP_MESSAGE_MAX], frame[SNMP_MESSAGE_MAX];
} run;

/* ---- the fake host ---- */

void *driver_address(const struct device *dev, uint32_t point_index)
{
    (void)dev;
    return &world.addresses[point_index];
}
struct loop *driver_loop(struct driver *drv)
{
    (void)drv;
    return world.loop;
}
void driver_done(struct device *dev, struct request *req, int error)
{
    (void)dev;
    assert(run.polling);
    run.polling = false;
    for (size_t i = 0; error == 0 && i < req->count; i++) {
        const struct sample *sample = &req->samples[i];
        assert((sample->type == VALUE_NONE) == !quality_is_good(sample->quality) ||
               quality_class(sample->quality) == QUALITY_CLASS_UNCERTAIN);
    }
}
void driver_note(struct device *dev, bool sent, const char *words, size_t size)
{
    (void)dev, (void)sent;
    assert(strlen(words) == size);
}
int driver_event(struct driver *drv, struct device *dev, const struct event *event,
                 driver_cb on_disk, void *ctx)
{
    (void)drv, (void)dev, (void)on_disk, (void)ctx;
    assert(event->text[0] != 0);
    return 0;
}
void driver_poll_now(struct device *dev, const uint32_t *points, size_t count)
{
    (void)points;
    assert(count <= dev->point_count);
}
void driver_limit_set(struct device *dev, const char *name, int64_t value)
{
    (void)dev, (void)name;
    assert(value > 0);
}
bool driver_limit_get(const struct device *dev, const char *name, int64_t *value)
{
    (void)dev, (void)name, (void)value;
    return false;
}
void snmp_device_answered(struct snmp_device *device)
{
    (void)device;
}
void snmp_device_silent(struct snmp_device *device, const struct snmp_answer *answer)
{
    (void)device;
    assert(answer->error != 0);
}
void snmp_device_uptime(struct snmp_device *device, uint32_t uptime, int64_t at_us)
{
    device->uptime = uptime;
    device->uptime_us = at_us;
}

/* ---- the agent ---- */

static void on_heard(void *ctx, const struct endpoint *from, const uint8_t *data, size_t size)
{
    (void)ctx;
    world.client_at = *from;
    memcpy(run.heard, data, size);
    run.heard_size = size;
}

static void tell(const void *data, size_t size)
{
    (void)datagram_send(world.agent, &world.client_at, data, size);
    loop_turn(world.loop, false);
}

/* The varbinds of the question with values of the script, some with another OID, in another number. */
static void put_varbinds(struct ber_out *out, struct bytes asked, struct bytes *script, uint8_t how)
{
    static const uint8_t tags[] = { BER_INTEGER,         BER_OCTETS,    BER_OID,
                                    BER_COUNTER32,       BER_COUNTER64, BER_TIMETICKS,
                                    BER_IP_ADDRESS,      BER_OPAQUE,    BER_NO_SUCH_INSTANCE,
                                    BER_END_OF_MIB_VIEW, BER_NULL,      BER_GAUGE32 };
    struct snmp_varbind varbinds[64];
    struct snmp_oid_buf oids[64];
    size_t count = 0;
    while (count < 64 && snmp_varbind_next(&asked, &varbinds[count])) {
        count++;
    }
    size_t wanted = how & 1 ? bytes_get_u8(script) % 64 : count;
    for (size_t i = 0; count > 0 && i < wanted; i++) {
        uint8_t what = bytes_get_u8(script);
        size_t size = (what >> 4) % 9;
        const uint8_t *data = size <= bytes_left(script) ? bytes_get_block(script, size) : NULL;
        struct snmp_value value = { .tag = tags[what % 12],
                                    .content = bytes_of(data, data != NULL ? size : 0) };
        snmp_oid_take(&oids[i], varbinds[i % count].oid);
        if (how & 2) { /* as GETNEXT and GETBULK do, or not */
            (void)snmp_oid_append(&oids[i], what);
        } else if ((how & 4) && what == 0xff) {
            snmp_oid_take(&oids[i], world.column.oid);
        }
        if (value.tag == BER_OID && !snmp_oid_good(value.content.at, bytes_left(&value.content))) {
            value.tag = BER_OCTETS;
        }
        snmp_put_varbind(out, oids[i].oid, &value);
    }
}

static struct ber_out fresh(void)
{
    return ber_out_of(run.frame, sizeof(run.frame));
}

static void answer_plain(const struct snmp_message *message, struct bytes *script, uint8_t how)
{
    struct snmp_pdu pdu;
    if (snmp_pdu_decode(message->pdu, &pdu) != 0) {
        return;
    }
    struct ber_out out = fresh();
    const uint8_t *mark = ber_mark(&out);
    put_varbinds(&out, pdu.varbinds, script, how);
    struct snmp_pdu back = { .type = SNMP_RESPONSE, .request_id = pdu.request_id };
    if (how & 8) {
        back.error_status = bytes_get_u8(script) % 20;
        back.error_index = (int8_t)bytes_get_u8(script);
    }
    back.request_id ^= how & 16 ? bytes_get_u8(script) << (how >> 5) : 0;
    snmp_put_pdu_head(&out, &back, mark);
    snmp_put_message_head(&out, (enum snmp_version)message->version, "public", 6, mark);
    if (!out.failed) {
        tell(out.at, ber_out_size(&out));
    }
}

static void answer_v3(const struct snmp_message *message, struct bytes *script, uint8_t how)
{
    struct usm_parameters parameters;
    struct snmp_scoped scoped;
    struct snmp_pdu pdu = { .request_id = message->id };
    struct usm_open open = { .keys = &world.keys,
                             .auth = USM_SHA256,
                             .priv = USM_AES128,
                             .now_us = clock_mono_us(),
                             .authoritative = true,
                             .room = run.room,
                             .room_size = sizeof(run.room) };
    uint8_t level = bytes_get_u8(script);
    if (usm_parameters_decode(message->security, &parameters) == 0 &&
        usm_open(message, &parameters, &world.engine, &open, &scoped) == USM_FINE &&
        snmp_pdu_decode(scoped.pdu, &pdu) != 0) {
        return;
    }
    struct ber_out out = fresh();
    const uint8_t *mark = ber_mark(&out);
    struct snmp_pdu back = { .type = how & 32 ? SNMP_REPORT : SNMP_RESPONSE,
                             .request_id = pdu.request_id,
                             .error_status = how & 8 ? level % 20 : 0,
                             .error_index = how & 8 ? level >> 5 : 0 };
    if (how & 32) {
        struct snmp_value one = { .tag = BER_COUNTER32, .content = bytes_of("\1", 1) };
        snmp_put_varbind(&out, usm_report_oid((enum usm_trouble)(level % USM_TROUBLES)), &one);
    } else if (pdu.type != 0) {
        put_varbinds(&out, pdu.varbinds, script, how);
    }
    snmp_put_pdu_head(&out, &back, mark);
    struct usm_engine engine = world.engine;
    if (how & 64) { /* another one, or another clock */
        engine.id[0] = level;
        engine.boots = bytes_get_u8(script);
        engine.time = bytes_get_u16(script);
    }
    snmp_put_scoped_head(&out, bytes_of(engine.id, engine.size), bytes_of("", 0), mark);
    struct usm_seal seal = { .id = message->id,
                             .flags = level & 0x40   ? SNMP_AUTH | SNMP_PRIV
                                      : level & 0x20 ? SNMP_AUTH
                                                     : 0,
                             .user = "busbar",
                             .engine = &engine,
                             .keys = &world.keys,
                             .auth = USM_SHA256,
                             .priv = USM_AES128,
                             .salt = level,
                             .now_us = clock_mono_us() };
    if (usm_seal(&out, &seal) == 0) {
        tell(out.at, ber_out_size(&out));
    }
}

static void answer(struct bytes *script)
{
    struct snmp_message message;
    uint8_t how = bytes_get_u8(script);
    if (run.heard_size == 0 || snmp_message_decode(run.heard, run.heard_size, &message) != 0) {
        return;
    }
    if (message.version == SNMP_V3) {
        answer_v3(&message, script, how);
    } else {
        answer_plain(&message, script, how);
    }
}

/* The question back with some octets changed. */
static void echo(struct bytes *script)
{
    uint8_t changes = bytes_get_u8(script) % 8;
    for (int i = 0; i < changes && run.heard_size > 0; i++) {
        size_t at = bytes_get_u16(script) % run.heard_size;
        run.heard[at] = bytes_get_u8(script);
    }
    tell(run.heard, run.heard_size);
}

/* ---- the client ---- */

static void on_answer(void *ctx, const struct snmp_answer *answer)
{
    struct asker *asker = ctx;
    asker->asked = NULL;
    assert((answer->pdu != NULL) == (answer->error == 0));
    assert((answer->trouble != USM_FINE) <= (answer->error != 0));
}

static void ask(uint8_t how)
{
    static const uint8_t types[] = { SNMP_GET, SNMP_GETNEXT, SNMP_GETBULK, SNMP_SET };
    struct asker *asker = &run.askers[how % ASKS];
    if (asker->asked != NULL) {
        snmp_asked_cancel(asker->asked);
        assert(asker->asked == NULL);
        return;
    }
    struct snmp_varbind varbinds[4];
    for (int i = 0; i < 4; i++) {
        varbinds[i] = (struct snmp_varbind){ .oid = world.oids[i].oid };
    }
    struct snmp_ask question = { .type = types[how >> 2 & 3],
                                 .varbinds = varbinds,
                                 .count = 1 + (how >> 4 & 3),
                                 .max_repetitions = 4,
                                 .once = (how >> 2 & 3) == 3,
                                 .deadline_us = clock_mono_us() + 5 * CLOCK_US_PER_S,
                                 .cb = on_answer,
                                 .ctx = asker };
    asker->asked = snmp_ask(run.device.agent, &question);
}

static void poll_or_cancel(void)
{
    if (run.polling) {
        assert(snmp_read_cancel(&run.device, &run.req));
        assert(!run.polling);
        return;
    }
    run.polling = true;
    run.req.deadline_us = clock_mono_us() + 5 * CLOCK_US_PER_S;
    snmp_read_begin(&run.device, &run.req);
    assert(run.polling);
}

static void start(uint8_t how)
{
    struct snmp_agent_options options = { .address = world.at,
                                          .login = world.logins[how % 3],
                                          .timeout_us = CLOCK_US_PER_S,
                                          .retries = 1,
                                          .in_flight = 2 };
    run.device.login = world.logins[how % 3];
    run.device.agent = snmp_agent_new(world.client, &options);
}

static void stop(void)
{
    snmp_reads_stop(&run.device);
    snmp_rows_stop(run.device.rows);
    snmp_agent_free(run.device.agent);
    assert(!run.polling && snmp_client_asked(world.client) == 0);
    for (int i = 0; i < ASKS; i++) {
        assert(run.askers[i].asked == NULL);
    }
}

static void step(struct bytes *script)
{
    uint8_t op = bytes_get_u8(script);
    switch (op % 8) {
    case 0:
    case 1:
    case 2: answer(script); break;
    case 3: echo(script); break;
    case 4: {
        size_t size = bytes_get_u8(script);
        size = size < bytes_left(script) ? size : bytes_left(script);
        tell(bytes_get_block(script, size), size);
        break;
    }
    case 5: poll_or_cancel(); break;
    case 6: ask(bytes_get_u8(script)); break;
    default:
        loop_advance_for_test(world.loop, (op >> 3) * 100 * CLOCK_US_PER_MS);
        if (op == 0xff) {
            stop();
            start(bytes_get_u8(script));
        }
        break;
    }
    loop_advance_for_test(world.loop, 0);
}

/* ---- the world ---- */

static void no_log(void *ctx, const struct log_line *line)
{
    (void)ctx, (void)line;
}

static void must(int error)
{
    if (error != 0) {
        abort();
    }
}

static void make_points(void)
{
    must(snmp_oid_parse("1.3.6.1.2.1.31.1.1.1.1", &world.column, NULL));
    world.names[0] = (struct snmp_row_name){ .column = world.column.oid, .text = "a" };
    world.names[1] = (struct snmp_row_name){ .column = world.column.oid, .text = "" };
    world.names[1].text = "eth0";
    world.meaning = (struct snmp_meaning){ .bit = -1, .divisor = 1, .hint = "" };
    world.cls.as_is = true;
    for (unsigned i = 0; i < POINTS; i++) {
        char text[64];
        (void)snprintf(text, sizeof(text), i < 40 ? "1.3.6.1.2.1.2.2.1.%u.%u" : "1.3.6.1.%u.%u",
                       10 + i / 10, 1 + i % 10);
        must(snmp_oid_parse(text, &world.oids[i], NULL));
        world.addresses[i] = (struct snmp_address){ .oid = world.oids[i].oid,
                                                    .meaning = &world.meaning,
                                                    .written = "",
                                                    .as = (uint8_t)(i % 4) };
        world.addresses[i].row = i >= 56 ? &world.names[i % 2] : NULL;
        world.points[i].cls = &world.cls;
    }
}

static void make_world(void)
{
    clock_fake_set(CLOCK_US_PER_S, CLOCK_US_PER_S);
    busbar_log_sink(no_log, NULL);
    world.loop = loop_new();
    struct snmp_client_options options = { .host = "127.0.0.1" };
    struct datagram_options agent = { .host = "127.0.0.1" };
    must(snmp_client_open(world.loop, &options, &world.client, NULL));
    must(datagram_open(world.loop, &agent, on_heard, NULL, &world.agent, NULL));
    must(endpoint_parse("127.0.0.1", datagram_port(world.agent), &world.at));
    must(usm_user_make("busbar", USM_SHA256, "authentic", USM_AES128, "privately", &world.user,
                       NULL));
    world.logins[0] = snmp_login_new(
        &(struct snmp_login){ .version = SNMP_V1, .community = "public", .name = "" });
    world.logins[1] = snmp_login_new(
        &(struct snmp_login){ .version = SNMP_V2C, .community = "public", .name = "" });
    world.logins[2] = snmp_login_new(
        &(struct snmp_login){ .version = SNMP_V3, .user = world.user, .context = "", .name = "" });
    world.engine = (struct usm_engine){ .id = "engine", .size = 6, .timed = true, .boots = 3 };
    must(usm_keys_localise(world.user, world.engine.id, world.engine.size, &world.keys));
    make_points();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (world.loop == NULL) {
        make_world();
    }
    if (size < 2) {
        return 0;
    }
    memset(&run, 0, offsetof(struct run, heard));
    run.heard_size = 0;
    run.state = (struct snmp_driver_state){ .loop = world.loop,
                                            .client = world.client,
                                            .mib = mib_builtin() };
    run.dev = (struct device){ .name = "d", .points = world.points, .point_count = POINTS };
    run.device = (struct snmp_device){ .dev = &run.dev,
                                       .state = &run.state,
                                       .config = { .in_flight = 2,
                                                   .max_oids = 4 + data[0] % 60,
                                                   .max_repetitions = 1 + data[0] / 4,
                                                   .bulk = (data[0] & 1) != 0 } };
    for (uint32_t i = 0; i < POINTS; i++) {
        run.numbers[i] = i;
    }
    /* with and without rows by name */
    run.dev.point_count = data[1] & 0x80 ? POINTS : 50;
    run.req = (struct request){ .points = run.numbers,
                                .samples = run.samples,
                                .count = run.dev.point_count };
    run.device.rows = snmp_rows_new(&run.device);
    run.device.reads = snmp_reads_new(&run.device);
    start(data[1]);
    struct bytes script = bytes_of(data + 2, size - 2);
    for (int i = 0; i < STEPS_MAX && bytes_left(&script) > 0; i++) {
        step(&script);
    }
    stop();
    snmp_unplan(&run.dev, &run.req);
    snmp_reads_free(run.device.reads);
    snmp_rows_free(run.device.rows);
    loop_advance_for_test(world.loop, 20 * CLOCK_US_PER_S); /* timers of lanes look once more */
    return 0;
}
