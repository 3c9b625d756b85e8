/* SPDX-License-Identifier: Apache-2.0 */
/* One question at a time, beside the polls, with agents of its own:
 *
 *   address    the host name, looked up
 *   login      its secrets, and what is insecure about it
 *   agent      a question of version 3 that needs no password: whatever answers it runs an SNMP agent. It tells a wrong
 *              community or user from a wrong address; agents without version 3 stay silent to it
 *   access     the system group, by the login; where that is silent, by the other version with the same community
 *   system     what it says of itself, and since when it runs
 *   size       how many values fit one question; GETBULK
 *   points     each value that is asked for: does it exist */
#include "drivers/snmp/snmp_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/snmp/snmp_address.h"
#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_device.h"
#include "drivers/snmp/snmp_rows.h"
#include "drivers/snmp/snmp_value.h"

enum {
    TEXT_MAX = 480,
    RETRIES = 1,
    VARBINDS_MAX = 1024,
    POINTS_MAX = 2000, /* asked for by one test */
    FAULTS_MAX = 20,   /* told one by one */
};

enum step { STEP_AGENT, STEP_ACCESS, STEP_OTHER, STEP_SIZE, STEP_BULK, STEP_POINTS };

struct snmp_test {
    struct list link; /* device->tests */
    struct snmp_device *device;
    struct driver_test *asked;
    struct loop_deferred beginning;
    struct name *lookup;
    struct endpoint address;
    struct snmp_agent *agent;
    struct snmp_login *login; /* of `agent`; ours */
    struct snmp_asked *question;
    enum step step;
    bool speaks_v3; /* something answered the question without a password */
    char engine[2 * USM_ENGINE_MAX + 1];
    size_t size;                 /* values asked for at once */
    size_t points[VARBINDS_MAX]; /* asked for in the question that is under way */
    size_t point_count, point, known, faults;
};

/* Content octets of 1.3.6.1.2.1.1.N.0: sysDescr 1, sysObjectID 2, sysUpTime 3, sysName 5. */
static const uint8_t system_oids[4][8] = {
    { 0x2b, 6, 1, 2, 1, 1, 5, 0 },
    { 0x2b, 6, 1, 2, 1, 1, 1, 0 },
    { 0x2b, 6, 1, 2, 1, 1, 2, 0 },
    { 0x2b, 6, 1, 2, 1, 1, 3, 0 },
};
static const uint8_t system_group[] = { 0x2b, 6, 1, 2, 1, 1 };

static struct snmp_oid system_oid(size_t i)
{
    return (struct snmp_oid){ .bytes = system_oids[i], .size = sizeof(system_oids[i]) };
}

/* ---- findings and the end ---- */

static void finding(struct snmp_test *test, const char *step, int code, const char *seen,
                    const char *hint)
{
    driver_finding(test->asked, step, code == 0, code, seen, hint);
}

static void drop_agent(struct snmp_test *test)
{
    test->question = NULL;
    snmp_agent_free(test->agent); /* answers nothing: no question is under way, or it was let go */
    test->agent = NULL;
    snmp_login_drop(test->login);
    test->login = NULL;
}

static void end_test(struct snmp_test *test)
{
    struct driver_test *asked = test->asked;
    list_remove(&test->link);
    loop_defer_cancel(&test->beginning);
    name_cancel(test->lookup);
    drop_agent(test);
    busbar_free(test);
    driver_tested(asked);
}

/* ---- asking ---- */

static void on_frame(void *ctx, bool sent, struct bytes datagram, struct bytes clear)
{
    struct snmp_test *test = ctx;
    snmp_device_frame(test->device, sent, datagram, clear);
}

static const struct snmp_agent_ops agent_ops = { .frame = on_frame };

static void take_agent(struct snmp_test *test, const struct snmp_login *login)
{
    const struct snmp_config *config = &test->device->config;
    const struct snmp_agent_options options = { .address = test->address,
                                                .login = login,
                                                .timeout_us = config->timeout_us,
                                                .retries = RETRIES,
                                                .in_flight = 1,
                                                .any_source = config->any_source,
                                                .ops = &agent_ops,
                                                .ctx = test };
    drop_agent(test);
    test->login = snmp_login_hold(login);
    test->agent = snmp_agent_new(test->device->state->client, &options);
}

static void on_answer(void *ctx, const struct snmp_answer *answer);

static void ask(struct snmp_test *test, uint8_t type, const struct snmp_varbind *varbinds,
                size_t count)
{
    const struct snmp_ask question = { .type = type,
                                       .varbinds = varbinds,
                                       .count = count,
                                       .max_repetitions = test->device->config.max_repetitions,
                                       .cb = on_answer,
                                       .ctx = test };
    test->question = snmp_ask(test->agent, &question);
    if (test->question == NULL) {
        finding(test, "agent", BUSBAR_EBUSY, "too many questions are under way", "try again");
        end_test(test);
    }
}

static void ask_system(struct snmp_test *test, enum step step)
{
    struct snmp_varbind varbinds[4] = { 0 };
    for (size_t i = 0; i < 4; i++) {
        varbinds[i].oid = system_oid(i);
    }
    test->step = step;
    ask(test, SNMP_GET, varbinds, 4);
}

/* ---- agent: a question that needs no password ---- */

static void ask_agent(struct snmp_test *test)
{
    struct snmp_login nobody = { .version = SNMP_V3, .name = "" };
    if (usm_user_make("busbar-test", USM_AUTH_NONE, NULL, USM_PRIV_NONE, NULL, &nobody.user,
                      NULL) != 0) {
        end_test(test);
        return;
    }
    struct snmp_login *login = snmp_login_new(&nobody);
    usm_user_drop(nobody.user);
    take_agent(test, login);
    snmp_login_drop(login);
    ask_system(test, STEP_AGENT);
}

static void agent_told(struct snmp_test *test, const struct snmp_answer *answer)
{
    char seen[TEXT_MAX];
    char where[ADDRESS_TEXT_MAX];
    const struct usm_engine *engine = snmp_agent_engine(test->agent);
    (void)endpoint_format(where, sizeof(where), &test->address);
    test->speaks_v3 = engine->size > 0;
    (void)str_hex(test->engine, sizeof(test->engine), engine->id, engine->size, '\0');
    if (test->speaks_v3) {
        (void)str_format(seen, sizeof(seen), "%s answers, SNMP engine %s", where, test->engine);
        finding(test, "agent", 0, seen, "");
    } else if (answer->error == BUSBAR_ECONNREFUSED) {
        (void)str_format(seen, sizeof(seen), "%s answers that nothing listens there", where);
        finding(test, "agent", BUSBAR_ECONNREFUSED, seen,
                "switch SNMP on in the device, or check the port");
        end_test(test);
        return;
    } else if (test->device->login->version == SNMP_V3) {
        (void)str_format(seen, sizeof(seen), "%s does not answer SNMP version 3: %s", where,
                         err_text(answer->error));
        finding(test, "agent", answer->error != 0 ? answer->error : BUSBAR_EPROTO, seen,
                "check address and port, firewalls for UDP, and that the device has version 3 "
                "switched on");
        end_test(test);
        return;
    }
    take_agent(test, test->device->login);
    ask_system(test, STEP_ACCESS);
}

/* ---- access: by the login ---- */

static void tell_system(struct snmp_test *test, const struct snmp_pdu *pdu)
{
    char seen[TEXT_MAX];
    char up[32];
    struct bytes left = pdu->varbinds;
    struct snmp_varbind varbind;
    struct buf text;
    const struct mib *mib = test->device->state->mib;
    uint64_t ticks = 0;
    bool timed = false;
    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; snmp_varbind_next(&left, &varbind); i++) {
        if (snmp_oid_equal(varbind.oid, system_oid(3))) {
            timed = varbind.value.tag == BER_TIMETICKS && ber_uint(varbind.value.content, &ticks);
            continue;
        }
        if (text.size > 0) {
            (void)buf_append_text(&text, ", ");
        }
        snmp_value_print(mib, mib_under(mib, varbind.oid), &varbind.value, &text);
    }
    (void)str_copy(seen, sizeof(seen), buf_text(&text));
    finding(test, "system", 0, seen, "");
    if (timed) {
        (void)str_format_duration(up, sizeof(up), (int64_t)(ticks / 100) * CLOCK_US_PER_S);
        (void)str_format(seen, sizeof(seen), "runs for %s", up);
        finding(test, "clock", 0, seen, "");
    }
    buf_fini(&text);
}

static void ask_size(struct snmp_test *test);

static void access_granted(struct snmp_test *test, const struct snmp_pdu *pdu)
{
    char seen[TEXT_MAX];
    struct buf text;
    buf_init(&text, TEXT_MAX);
    snmp_login_print(test->login, &text);
    (void)str_format(seen, sizeof(seen), "accepted: %.400s", buf_text(&text));
    buf_fini(&text);
    finding(test, "access", 0, seen, "");
    if (pdu->error_status == SNMP_NO_ERROR) {
        tell_system(test, pdu);
    }
    test->size = (size_t)test->device->config.max_oids;
    ask_size(test);
}

/* Silent to a community: perhaps it speaks the other version. */
static void ask_other(struct snmp_test *test)
{
    struct snmp_login other = *test->device->login;
    other.version = other.version == SNMP_V1 ? SNMP_V2C : SNMP_V1;
    struct snmp_login *login = snmp_login_new(&other);
    take_agent(test, login);
    snmp_login_drop(login);
    ask_system(test, STEP_OTHER);
}

static void access_refused(struct snmp_test *test, const struct snmp_answer *answer)
{
    if (answer->error == BUSBAR_EAUTH) {
        finding(test, "access", answer->error, usm_trouble_words(answer->trouble), "");
        end_test(test);
    } else if (answer->error == BUSBAR_ETIMEOUT && test->login->version != SNMP_V3) {
        ask_other(test);
    } else {
        finding(test, "access", answer->error, err_text(answer->error),
                "check address and port, and firewalls on the way for UDP");
        end_test(test);
    }
}

static void access_told(struct snmp_test *test, const struct snmp_answer *answer)
{
    if (answer->error == 0) {
        access_granted(test, answer->pdu);
    } else {
        access_refused(test, answer);
    }
}

static void other_told(struct snmp_test *test, const struct snmp_answer *answer)
{
    char seen[TEXT_MAX];
    bool was_v1 = test->device->login->version == SNMP_V1;
    const char *version = was_v1 ? "v1" : "v2c";
    if (answer->error == 0) {
        (void)str_format(seen, sizeof(seen), "silent to %s, but answers the same community by %s",
                         version, was_v1 ? "v2c" : "v1");
        finding(test, "access", BUSBAR_ECONFIG, seen,
                was_v1 ? "write 'version: 2c'" : "write 'version: 1'");
    } else if (test->speaks_v3) {
        (void)str_format(seen, sizeof(seen),
                         "the device is there, but silent to this community (v1 and v2c)");
        finding(test, "access", BUSBAR_ETIMEOUT, seen,
                "the community is wrong, or the device takes no questions of this machine's "
                "address, or of version 3 only");
    } else {
        (void)str_format(seen, sizeof(seen), "no answer to %s, nor to any other version", version);
        finding(test, "access", BUSBAR_ETIMEOUT, seen,
                "wrong address, a firewall for UDP, SNMP is switched off, the community is wrong, "
                "or the device does not take questions of this machine's address: devices stay "
                "silent to all of these");
    }
    end_test(test);
}

/* ---- size: how many values fit one question ---- */

static void ask_size(struct snmp_test *test)
{
    struct snmp_varbind varbinds[VARBINDS_MAX];
    for (size_t i = 0; i < test->size; i++) {
        varbinds[i] = (struct snmp_varbind){ .oid = system_oid(i % 4) };
    }
    test->step = STEP_SIZE;
    ask(test, SNMP_GET, varbinds, test->size);
}

static size_t count_varbinds(const struct snmp_pdu *pdu)
{
    struct bytes left = pdu->varbinds;
    struct snmp_varbind varbind;
    size_t count = 0;
    while (snmp_varbind_next(&left, &varbind)) {
        count++;
    }
    return count;
}

static void ask_bulk(struct snmp_test *test);

static void size_told(struct snmp_test *test, const struct snmp_answer *answer)
{
    char seen[TEXT_MAX];
    bool whole = answer->error == 0 && answer->pdu->error_status == SNMP_NO_ERROR &&
                 count_varbinds(answer->pdu) == test->size;
    if (!whole && test->size > 1 && answer->error != BUSBAR_EAUTH) {
        test->size /= 2;
        ask_size(test);
        return;
    }
    bool less = test->size < (size_t)test->device->config.max_oids;
    (void)str_format(seen, sizeof(seen), "%zu values in one question", test->size);
    finding(test, "size", 0, seen,
            less ? "it bears less than 'max_oids'; the polls find that out by themselves" : "");
    ask_bulk(test);
}

static void ask_points(struct snmp_test *test);

static void ask_bulk(struct snmp_test *test)
{
    const struct snmp_config *config = &test->device->config;
    const struct snmp_varbind varbind = { .oid = { .bytes = system_group,
                                                   .size = sizeof(system_group) } };
    if (test->login->version == SNMP_V1 || !config->bulk) {
        ask_points(test);
        return;
    }
    test->step = STEP_BULK;
    ask(test, SNMP_GETBULK, &varbind, 1);
}

static void bulk_told(struct snmp_test *test, const struct snmp_answer *answer)
{
    char seen[TEXT_MAX];
    if (answer->error == 0 && answer->pdu->error_status == SNMP_NO_ERROR) {
        (void)str_format(seen, sizeof(seen), "%zu of %d rows in one answer",
                         count_varbinds(answer->pdu), test->device->config.max_repetitions);
        finding(test, "GETBULK", 0, seen, "");
    } else {
        finding(test, "GETBULK", 0, "the device does not answer it",
                "write 'bulk: false': tables are then read row by row");
    }
    ask_points(test);
}

/* ---- points ---- */

static bool oid_of_point(const struct snmp_test *test, size_t point, struct snmp_oid *out)
{
    const struct snmp_device *device = test->device;
    const struct snmp_address *address = driver_address(device->dev, (uint32_t)point);
    struct snmp_row_place place = { 0 };
    *out = address->oid;
    if (address->row != NULL) {
        bool known = snmp_rows_place(device->rows, (uint32_t)point, &place) == 0;
        *out = place.oid;
        return known;
    }
    return address->oid.size > 0 && device->dev->points[point].readable;
}

static void points_ended(struct snmp_test *test)
{
    char seen[TEXT_MAX];
    const struct device *dev = test->device->dev;
    if (test->known + test->faults > 0) {
        (void)str_format(seen, sizeof(seen), "%zu of %zu can be read", test->known,
                         test->known + test->faults);
        finding(test, "points", test->faults > 0 ? BUSBAR_EREFUSED : 0, seen,
                test->faults > FAULTS_MAX ? "the first of those that cannot are listed above" : "");
    } else if (dev->point_count == 0) {
        finding(test, "points", 0, "none are configured",
                "'busbar device browse' shows what the device has");
    }
    end_test(test);
}

/* The next of them, as many as fit; of v1, where one that is missing spoils all, each alone. */
static void ask_points(struct snmp_test *test)
{
    struct snmp_varbind varbinds[VARBINDS_MAX];
    size_t most = test->login->version == SNMP_V1 ? 1 : test->size;
    size_t last = test->device->dev->point_count;
    last = last < POINTS_MAX ? last : POINTS_MAX;
    test->point_count = 0;
    for (; test->point < last && test->point_count < most; test->point++) {
        struct snmp_oid oid;
        if (oid_of_point(test, test->point, &oid)) {
            varbinds[test->point_count] = (struct snmp_varbind){ .oid = oid };
            test->points[test->point_count++] = test->point;
        }
    }
    if (test->point_count == 0) {
        points_ended(test);
        return;
    }
    test->step = STEP_POINTS;
    ask(test, SNMP_GET, varbinds, test->point_count);
}

static void point_fault(struct snmp_test *test, size_t point, uint16_t detail)
{
    char step[POINT_NAME_MAX + 16];
    char seen[TEXT_MAX];
    const char *words = snmp_explain(detail);
    const char *name = test->device->dev->points[point].name;
    const struct snmp_address *address = driver_address(test->device->dev, (uint32_t)point);
    test->faults++;
    if (test->faults <= FAULTS_MAX) {
        (void)str_format(step, sizeof(step), "point %s", name);
        (void)str_format(seen, sizeof(seen), "%.120s: %.300s", address->written,
                         words != NULL ? words : "no value");
        finding(test, step, BUSBAR_EREFUSED, seen, "");
    }
}

static void points_told(struct snmp_test *test, const struct snmp_answer *answer)
{
    struct snmp_varbind varbind;
    if (answer->error != 0) {
        finding(test, "points", answer->error, err_text(answer->error), "test again");
        end_test(test);
        return;
    }
    struct bytes left = answer->pdu->varbinds;
    int32_t status = answer->pdu->error_status;
    for (size_t i = 0; i < test->point_count; i++) {
        bool came = snmp_varbind_next(&left, &varbind);
        uint16_t detail = status != SNMP_NO_ERROR ? snmp_detail_status(status)
                          : !came                 ? SNMP_DETAIL_MISSING
                                                  : snmp_detail_exception(varbind.value.tag);
        if (detail != 0) {
            point_fault(test, test->points[i], detail);
        } else {
            test->known++;
        }
    }
    ask_points(test);
}

static void on_answer(void *ctx, const struct snmp_answer *answer)
{
    struct snmp_test *test = ctx;
    if (test->question == NULL || answer->error == BUSBAR_ECANCELED) {
        return; /* let go by drop_agent() */
    }
    test->question = NULL;
    switch (test->step) {
    case STEP_AGENT: agent_told(test, answer); break;
    case STEP_ACCESS: access_told(test, answer); break;
    case STEP_OTHER: other_told(test, answer); break;
    case STEP_SIZE: size_told(test, answer); break;
    case STEP_BULK: bulk_told(test, answer); break;
    case STEP_POINTS: points_told(test, answer); break;
    }
}

/* ---- beginning ---- */

static bool login_fine(struct snmp_test *test)
{
    const struct snmp_device *device = test->device;
    struct buf text;
    if (device->broken != NULL) {
        finding(test, "login", device->broken->code, device->broken->message, device->broken->hint);
        return false;
    }
    if (device->login == NULL) {
        finding(test, "login", BUSBAR_EAGAIN, "its keys are being made", "test again in a second");
        return false;
    }
    const char *weak = snmp_login_weak(device->login);
    char hint[TEXT_MAX] = "";
    if (weak != NULL) {
        (void)str_format(hint, sizeof(hint), "insecure: %s", weak);
    }
    buf_init(&text, TEXT_MAX);
    snmp_login_print(device->login, &text);
    finding(test, "login", 0, buf_text(&text), hint);
    buf_fini(&text);
    return true;
}

static void address_known(struct snmp_test *test, const char *hint)
{
    char seen[ADDRESS_TEXT_MAX];
    (void)endpoint_format(seen, sizeof(seen), &test->address);
    finding(test, "address", 0, seen, hint);
    if (login_fine(test)) {
        ask_agent(test);
    } else {
        end_test(test);
    }
}

static void on_found(void *ctx, int error, const struct endpoint *found, size_t count)
{
    struct snmp_test *test = ctx;
    char seen[TEXT_MAX];
    test->lookup = NULL;
    if (error != 0) {
        (void)str_format(seen, sizeof(seen), "the name '%.200s' is not known",
                         test->device->config.host.host);
        finding(test, "address", error, seen,
                "check its spelling and this machine's name server, or write the address");
        end_test(test);
        return;
    }
    test->address = found[0];
    for (size_t i = 1; i < count; i++) {
        if (endpoint_equal(&found[i], &test->device->address)) {
            test->address = found[i];
        }
    }
    address_known(test, count > 1 ? "the name has several addresses; they are asked in turns" : "");
}

static void begin(void *ctx)
{
    struct snmp_test *test = ctx;
    struct snmp_device *device = test->device;
    const struct address *host = &device->config.host;
    snmp_device_wake(device);
    if (device->state->client == NULL) {
        finding(test, "socket", device->state->broken.code, device->state->broken.message,
                device->state->broken.hint);
        end_test(test);
        return;
    }
    if (endpoint_parse(host->host, host->port, &test->address) == 0) {
        address_known(test, "");
        return;
    }
    test->lookup = name_find(device->state->loop, host->host, host->port, on_found, test);
    if (test->lookup == NULL) {
        on_found(test, BUSBAR_EHOST, NULL, 0);
    }
}

void snmp_test_begin(struct snmp_device *device, struct driver_test *asked)
{
    struct snmp_test *test = busbar_alloc(sizeof(*test));
    test->device = device;
    test->asked = asked;
    list_append(&device->tests, &test->link);
    loop_deferred_init(&test->beginning, begin, test);
    loop_defer(device->state->loop, &test->beginning);
}

void snmp_tests_stop(struct snmp_device *device)
{
    while (!list_empty(&device->tests)) {
        end_test(list_entry(device->tests.next, struct snmp_test, link));
    }
}
