/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_find.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "drivers/snmp/snmp_client.h"
#include "drivers/snmp/snmp_vendor.h"

enum {
    TEXT_MAX = 512,
    TICKS_A_SECOND = 100,
    DAY_S = 86400,
    HOUR_S = 3600,
    MINUTE_S = 60,
    MADE_MAX = 8,
};

const struct snmp_find_table snmp_find_tables[SNMP_FIND_TABLES] = {
    { "1.3.6.1.2.1.2.2.1.8", "interfaces", "snmp-switch" },
    { "1.3.6.1.2.1.25", "host resources", "snmp-host" },
    { "1.3.6.1.2.1.99.1.1.1.4", "sensors", "snmp-sensor" },
    { "1.3.6.1.2.1.33", "UPS", "snmp-ups" },
    { "1.3.6.1.2.1.43", "printer", "snmp-printer" },
    { "1.3.6.1.4.1.318.1.1.26", "PDU", "snmp-pdu" },
};

void snmp_find_address(const struct endpoint *address, struct buf *out)
{
    char text[ADDRESS_TEXT_MAX];
    (void)endpoint_format(text, sizeof(text), address);
    if (address->port == SNMP_PORT) {
        /* Without the port; a v6 address without brackets, too. */
        char *colon = strrchr(text, ':');
        *colon = '\0';
        size_t size = strlen(text);
        if (size > 0 && text[0] == '[') {
            text[size - 1] = '\0';
            (void)buf_append_text(out, text + 1);
            return;
        }
    }
    (void)buf_append_text(out, text);
}

/* ---- facts ---- */

struct facts {
    struct driver_fact list[DRIVER_FACTS_MAX];
    struct buf made[MADE_MAX];
    size_t count, made_count;
};

static void add(struct facts *facts, const char *name, const char *text)
{
    if (text[0] != '\0' && facts->count < DRIVER_FACTS_MAX) {
        facts->list[facts->count++] = (struct driver_fact){ name, text };
    }
}

static struct buf *make(struct facts *facts)
{
    struct buf *text = &facts->made[facts->made_count++];
    buf_init(text, TEXT_MAX);
    return text;
}

static void add_object_id(struct facts *facts, const struct mib *mib,
                          const struct snmp_found *found)
{
    struct buf *text = make(facts);
    if (found->object_id.oid.size == 0) {
        return;
    }
    snmp_oid_print(found->object_id.oid, text);
    if (mib != NULL && mib_exact(mib, found->object_id.oid) != NULL) {
        (void)buf_append_text(text, " (");
        mib_print(mib, found->object_id.oid, text);
        (void)buf_append_text(text, ")");
    }
    add(facts, "object id", buf_text(text));
}

static void add_uptime(struct facts *facts, const struct snmp_found *found)
{
    struct buf *text = make(facts);
    uint32_t seconds = found->uptime / TICKS_A_SECOND;
    if (found->has_uptime) {
        (void)buf_printf(text, "%u days %02u:%02u:%02u", seconds / DAY_S, seconds % DAY_S / HOUR_S,
                         seconds % HOUR_S / MINUTE_S, seconds % MINUTE_S);
        add(facts, "uptime", buf_text(text));
    }
}

/* What it has, and the shipped profiles for that. */
static void add_tables(struct facts *facts, const struct snmp_found *found)
{
    struct buf *has = make(facts);
    struct buf *profiles = make(facts);
    for (size_t i = 0; i < SNMP_FIND_TABLES; i++) {
        if ((found->has & 1u << i) != 0) {
            (void)buf_printf(has, "%s%s", has->size > 0 ? ", " : "", snmp_find_tables[i].name);
            (void)buf_printf(profiles, "%s%s", profiles->size > 0 ? ", " : "",
                             snmp_find_tables[i].profile);
        }
    }
    add(facts, "has", buf_text(has));
    add(facts, "profile", buf_text(profiles));
}

static void make_facts(struct facts *facts, const struct mib *mib, const struct snmp_found *found)
{
    char hex[2 * USM_ENGINE_MAX + 1];
    *facts = (struct facts){ .count = 0 };
    struct buf *login = make(facts);
    if (found->login != NULL) {
        snmp_login_print(found->login, login);
        add(facts, "login", buf_text(login));
        add(facts, "credentials", found->login->name);
    }
    add(facts, "refused", found->refused);
    (void)str_hex(hex, sizeof(hex), found->engine, found->engine_size, 0);
    struct buf *engine = make(facts);
    (void)buf_append_text(engine, hex);
    add(facts, "engine id", buf_text(engine));
    add_object_id(facts, mib, found);
    add_uptime(facts, found);
    struct buf *interfaces = NULL;
    if (found->interfaces >= 0) {
        interfaces = make(facts);
        (void)buf_printf(interfaces, "%lld", (long long)found->interfaces);
        add(facts, "interfaces", buf_text(interfaces));
    }
    add(facts, "location", found->location);
    add(facts, "contact", found->contact);
    add(facts, "serial number", found->serial);
    add(facts, "firmware", found->firmware);
    add(facts, "heard", found->trap);
    add_tables(facts, found);
}

static void facts_fini(struct facts *facts)
{
    for (size_t i = 0; i < facts->made_count; i++) {
        buf_fini(&facts->made[i]);
    }
}

/* ---- words ---- */

static void say(struct buf *out, const char *words)
{
    (void)buf_printf(out, "%s%s", out->size > 0 ? "; " : "", words);
}

static void put_trouble(const struct snmp_found *found, struct buf *out)
{
    const struct snmp_login *login = found->login;
    if (login == NULL && found->trap[0] != '\0' && !found->speaks_v3) {
        say(out, "sends traps and is no device of the configuration: busbar discover snmp asks it");
    } else if (login == NULL && !found->configured) {
        say(out, "answers, but none of the credentials fits");
        if (found->refused[0] != '\0') {
            (void)buf_printf(out, " (%s)", found->refused);
        }
    } else if (login != NULL && found->reads_nothing) {
        say(out, "the login fits, but its view is empty: let it read in the agent's access rules");
    }
    if (login != NULL && login->version != SNMP_V3) {
        say(out, strcmp(login->community, "public") == 0
                     ? "insecure: it answers to the community 'public', which everybody knows"
                     : "insecure: everybody on the way can read its community and its values");
        if (found->speaks_v3) {
            say(out, "it speaks SNMPv3 as well: give busbar a user there");
        }
    } else if (login != NULL && snmp_login_weak(login) != NULL) {
        (void)buf_printf(out, "%sinsecure: %s", out->size > 0 ? "; " : "", snmp_login_weak(login));
    }
    if (found->twin[0] != '\0') {
        (void)buf_printf(out,
                         "%sit has the engine id of %s: another address of that device, or a copy "
                         "whose engine id was never made its own",
                         out->size > 0 ? "; " : "", found->twin);
    }
}

/* "{ host: 10.0.4.2, credentials: plant }". Of "public" nothing has to be said but the version. */
static void put_settings(const struct snmp_found *found, const char *address, struct buf *out)
{
    struct json_writer json = json_writer(out);
    const struct snmp_login *login = found->login;
    if (login == NULL) {
        return;
    }
    (void)buf_append_text(out, "{ host: ");
    if (strchr(address, ':') != NULL) {
        json_string(&json, address);
    } else {
        (void)buf_append_text(out, address);
    }
    if (login->name[0] != '\0') {
        (void)buf_printf(out, ", credentials: %s", login->name);
    } else {
        (void)buf_printf(out, ", version: %s", login->version == SNMP_V1 ? "1" : "2c");
    }
    (void)buf_append_text(out, " }");
}

static const char *vendor_of(const struct snmp_found *found, struct buf *out)
{
    struct bytes engine = bytes_of(found->engine, found->engine_size);
    uint32_t number = snmp_vendor_of_oid(found->object_id.oid);
    number = number != 0 ? number : snmp_vendor_of_engine(engine);
    const char *name = snmp_vendor_name(number);
    if (name == NULL && number != 0) {
        (void)buf_printf(out, "enterprise %u", number);
        return buf_text(out);
    }
    return name;
}

void snmp_find_tell(struct driver *drv, struct driver_discovery *discovery, const struct mib *mib,
                    const struct snmp_found *found)
{
    struct facts facts;
    struct buf address;
    struct buf settings;
    struct buf trouble;
    struct buf vendor;
    buf_init(&address, TEXT_MAX);
    buf_init(&settings, TEXT_MAX);
    buf_init(&trouble, TEXT_MAX);
    buf_init(&vendor, TEXT_MAX);
    snmp_find_address(&found->address, &address);
    put_settings(found, buf_text(&address), &settings);
    put_trouble(found, &trouble);
    make_facts(&facts, mib, found);
    struct driver_find find = {
        .key = buf_text(&address),
        .name = found->name,
        .vendor = vendor_of(found, &vendor),
        .model = found->model,
        .description = found->description,
        .address = buf_text(&address),
        .settings = buf_text(&settings),
        .trouble = buf_text(&trouble),
        .objects = -1,
        .answer_us = found->answer_us,
        .facts = facts.list,
        .fact_count = facts.count,
    };
    driver_found(drv, discovery, &find);
    facts_fini(&facts);
    buf_fini(&vendor);
    buf_fini(&trouble);
    buf_fini(&settings);
    buf_fini(&address);
}
