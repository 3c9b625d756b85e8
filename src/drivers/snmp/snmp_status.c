/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_status.h"

#include <string.h>

#include "base/str.h"
#include "drivers/snmp/snmp_device.h"

enum { TEXT_MAX = 512, NAMES_SHOWN = 5 };

struct teller {
    const struct snmp_driver_state *state;
    driver_status_cb cb;
    void *ctx;
};

static void tell(const struct teller *teller, const char *part, const char *name, const char *text,
                 const char *trouble)
{
    const struct driver_status status = {
        .part = part, .name = name, .text = text, .trouble = trouble
    };
    teller->cb(teller->ctx, &status);
}

/* It does not work at all. */
static void tell_closed(const struct teller *teller, const char *part, const char *name,
                        const struct err *err)
{
    char trouble[SNMP_REASON_MAX];
    snmp_reason(err, trouble);
    const struct driver_status status = {
        .part = part, .name = name, .text = "none", .trouble = trouble, .closed = true
    };
    teller->cb(teller->ctx, &status);
}

/* ---- ports ---- */

void snmp_ports(const struct setup *setup, bool used, driver_port_cb cb, void *ctx)
{
    struct snmp_setup own;
    if (snmp_config_setup(setup, &own, NULL) != 0) {
        return;
    }
    for (unsigned port = own.first_port; used && port != 0 && port <= own.last_port; port++) {
        const struct driver_port row = { .use = "SNMP source port",
                                         .asks = true,
                                         .transport = "udp",
                                         .host = own.bind != NULL ? own.bind : "0.0.0.0",
                                         .port = (uint16_t)port,
                                         .at = own.ports_at };
        cb(ctx, &row);
    }
    const struct snmp_trap_options traps = snmp_config_traps(&own);
    snmp_traps_ports(&traps, cb, ctx);
}

/* ---- status ---- */

static void tell_client(const struct teller *teller)
{
    const struct snmp_client *client = teller->state->client;
    char text[TEXT_MAX];
    char trouble[TEXT_MAX];
    size_t open = 0;
    size_t missing = 0;
    if (client == NULL) {
        tell_closed(teller, "", "source ports", &teller->state->broken);
        return;
    }
    snmp_client_ports(client, &open, &missing);
    (void)str_format(text, sizeof(text), "%zu open, %zu questions under way", open,
                     snmp_client_asked(client));
    (void)str_format(trouble, sizeof(trouble),
                     "%zu of the range 'source_ports' are taken by other programs: choose a range "
                     "that is free; 'ss -ulpn' shows who has them",
                     missing);
    tell(teller, "", "source ports", text, missing > 0 ? trouble : NULL);
}

static void tell_drops(const struct teller *teller)
{
    const struct snmp_client *client = teller->state->client;
    char text[TEXT_MAX];
    size_t size = 0;
    if (client == NULL) {
        return;
    }
    const struct snmp_drops *drops = snmp_client_drops(client);
    const struct {
        uint64_t count;
        const char *why;
    } reasons[] = {
        { drops->broken, "broken" },
        { drops->unknown_id, "not asked for" },
        { drops->wrong_address, "from another address than was asked" },
        { drops->wrong_version, "of another version" },
        { drops->wrong_community, "with another community" },
        { drops->security, "refused by their security" },
        { drops->late, "late" },
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].count > 0) {
            size += str_format(text + size, sizeof(text) - size, "%s%llu %s", size > 0 ? ", " : "",
                               (unsigned long long)reasons[i].count, reasons[i].why);
        }
    }
    if (size > 0) {
        tell(teller, "", "dropped answers", text,
             drops->wrong_address > 0 ? "a device with several addresses answers from another one: "
                                        "set 'any_source: true' of it"
                                      : NULL);
    }
    uint64_t lost = snmp_client_lost(client);
    if (lost > 0) {
        (void)str_format(text, sizeof(text), "%llu", (unsigned long long)lost);
        tell(teller, "", "lost answers", text,
             "answers came faster than they were taken: use more 'source_ports', or raise "
             "net.core.rmem_max of this machine");
    }
}

static void tell_login(const struct teller *teller, size_t index)
{
    const struct snmp_logins *logins = teller->state->logins;
    const char *name = snmp_logins_name(logins, index);
    const struct snmp_login *login = snmp_logins_at(logins, index);
    const struct err *broken = snmp_logins_broken(logins, index);
    struct buf text;
    buf_init(&text, TEXT_MAX);
    if (broken != NULL) {
        tell_closed(teller, name, "login", broken);
    } else if (login == NULL) {
        tell(teller, name, "login", "its keys are being made", NULL);
    } else {
        const char *weak = snmp_login_weak(login);
        snmp_login_print(login, &text);
        if (weak != NULL && login->version == SNMP_V3) {
            (void)buf_printf(&text, "; insecure: %s", weak);
        }
        tell(teller, name, "login", buf_text(&text), NULL);
    }
    buf_fini(&text);
}

/* Devices with a login of their own that is insecure: how many, and which are the first. */
static void tell_weak_devices(const struct teller *teller)
{
    char text[TEXT_MAX];
    size_t count = 0;
    size_t size = 0;
    for (struct device *dev = driver_next_device(teller->state->drv, NULL); dev != NULL;
         dev = driver_next_device(teller->state->drv, dev)) {
        const struct snmp_login *login = snmp_device_of(dev)->login;
        if (login == NULL || login->name[0] != '\0' || snmp_login_weak(login) == NULL) {
            continue;
        }
        if (count < NAMES_SHOWN) {
            size += str_format(text + size, sizeof(text) - size, "%s%s", size > 0 ? ", " : "",
                               dev->name);
        }
        count++;
    }
    if (count > NAMES_SHOWN) {
        (void)str_format(text + size, sizeof(text) - size, " and %zu more", count - NAMES_SHOWN);
    }
    if (count > 0) {
        tell(teller, "", "insecure logins", text, NULL);
    }
}

static void tell_mibs(const struct teller *teller)
{
    const struct mib *mib = teller->state->mib;
    char text[TEXT_MAX];
    (void)str_format(text, sizeof(text), "%zu modules, %zu names", mib_module_count(mib),
                     mib_count(mib));
    tell(teller, "", "MIBs", text, NULL);
}

void snmp_status(struct driver *drv, driver_status_cb cb, void *ctx)
{
    const struct snmp_driver_state *state = driver_state(drv);
    const struct teller teller = { .state = state, .cb = cb, .ctx = ctx };
    tell_client(&teller);
    tell_drops(&teller);
    tell_mibs(&teller);
    for (size_t i = 0; i < snmp_logins_count(state->logins); i++) {
        tell_login(&teller, i);
    }
    tell_weak_devices(&teller);
    snmp_traps_status(state->traps, cb, ctx);
}
