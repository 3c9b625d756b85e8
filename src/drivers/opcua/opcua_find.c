/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/opcua_find.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"

enum {
    FINGERPRINT_SHOWN = 16, /* characters: enough to trust by */
    TEXT_MAX = 512,
};

static const char *mode_word(enum opcua_mode mode)
{
    switch (mode) {
    case OPCUA_MODE_NONE: return "none";
    case OPCUA_MODE_SIGN: return "sign";
    case OPCUA_MODE_SIGN_ENCRYPT: return "encrypt";
    }
    return "unknown mode";
}

void opcua_find_endpoint(const struct opcua_found_endpoint *endpoint, const char *url,
                         const char *fingerprint, struct buf *out)
{
    bool none = endpoint->mode == OPCUA_MODE_NONE;
    (void)buf_printf(out, "%s%s%s", mode_word(endpoint->mode), none ? "" : " ",
                     none ? "" : endpoint->policy);
    if (endpoint->users[0] != '\0') {
        (void)buf_printf(out, "; users: %s", endpoint->users);
    }
    if (endpoint->fingerprint[0] != '\0' && strcmp(endpoint->fingerprint, fingerprint) != 0) {
        (void)buf_printf(out, "; certificate %.*s", FINGERPRINT_SHOWN, endpoint->fingerprint);
    }
    if (strcmp(endpoint->url, url) != 0) {
        (void)buf_printf(out, "; %s", endpoint->url);
    }
}

/* ---- what is to be known before a device is made of it ---- */

struct offer {
    bool secure;     /* an endpoint that `security: auto` takes */
    bool deprecated; /* secured, but only by policies that must be named */
    bool open;       /* without security */
    bool users;      /* somebody can log in */
    bool anonymous;
};

static struct offer offer_of(const struct opcua_found *found)
{
    struct offer offer = { .secure = false };
    for (size_t i = 0; i < found->endpoint_count; i++) {
        const struct opcua_found_endpoint *endpoint = &found->endpoints[i];
        bool none = endpoint->mode == OPCUA_MODE_NONE;
        enum opcua_policy policy = OPCUA_POLICY_NONE;
        for (unsigned p = 0; !none && endpoint->known && p < OPCUA_POLICIES; p++) {
            policy = strcmp(opcua_policy_name((enum opcua_policy)p), endpoint->policy) == 0
                         ? (enum opcua_policy)p
                         : policy;
        }
        bool deprecated = opcua_policy_deprecated(policy);
        offer.open = offer.open || none;
        offer.deprecated = offer.deprecated || deprecated;
        offer.secure = offer.secure || (!none && policy != OPCUA_POLICY_NONE && !deprecated);
        offer.users = offer.users || endpoint->users[0] != '\0';
        offer.anonymous = offer.anonymous || strstr(endpoint->users, "anonymous") != NULL;
    }
    return offer;
}

/* A server without security is not connected to unless a person has said so: the proposal says it in so many words. */
static void put_settings(const struct opcua_found *found, struct buf *out)
{
    struct offer offer = offer_of(found);
    struct json_writer json = json_writer(out);
    if (found->url[0] == '\0') {
        return;
    }
    (void)buf_append_text(out, "{ url: ");
    json_string(&json, found->url);
    if (offer.open && !offer.secure && !offer.deprecated) {
        (void)buf_append_text(out, ", security: none");
    }
    (void)buf_append_text(out, " }");
}

static void put_trouble(const struct opcua_found *found, struct buf *out)
{
    struct offer offer = offer_of(found);
    const char *before = found->trouble[0] != '\0' ? "; " : "";
    (void)buf_append_text(out, found->trouble);
    if (found->url[0] == '\0' || found->endpoint_count == 0) {
        return;
    }
    if (!offer.secure && !offer.deprecated) {
        (void)buf_printf(out,
                         "%sit offers no security: others on the network can read and change "
                         "what is said",
                         before);
        before = "; ";
    } else if (!offer.secure) {
        (void)buf_printf(out, "%sit offers only a deprecated security, which has to be named",
                         before);
        before = "; ";
    }
    if (offer.users && !offer.anonymous) {
        (void)buf_printf(out, "%sit wants a user: add user and password", before);
    }
}

/* ---- facts ---- */

struct facts {
    struct driver_fact list[DRIVER_FACTS_MAX];
    char names[OPCUA_SEARCH_ENDPOINTS_MAX][16];
    struct buf texts[OPCUA_SEARCH_ENDPOINTS_MAX];
    size_t count, text_count;
};

static void add(struct facts *facts, const char *name, const char *text)
{
    if (text[0] != '\0' && facts->count < DRIVER_FACTS_MAX) {
        facts->list[facts->count++] = (struct driver_fact){ name, text };
    }
}

/* The one that its endpoints share. */
static const char *certificate_of(const struct opcua_found *found)
{
    for (size_t i = 0; i < found->endpoint_count; i++) {
        if (found->endpoints[i].fingerprint[0] != '\0') {
            return found->endpoints[i].fingerprint;
        }
    }
    return "";
}

static void add_endpoints(struct facts *facts, const struct opcua_found *found)
{
    for (size_t i = 0; i < found->endpoint_count && facts->count < DRIVER_FACTS_MAX; i++) {
        struct buf *text = &facts->texts[facts->text_count];
        char *name = facts->names[facts->text_count++];
        buf_init(text, TEXT_MAX);
        opcua_find_endpoint(&found->endpoints[i], found->url, certificate_of(found), text);
        str_format(name, sizeof(facts->names[0]), "endpoint %zu", i + 1);
        add(facts, name, buf_text(text));
    }
}

static void make_facts(struct facts *facts, const struct opcua_found *found)
{
    *facts = (struct facts){ .count = 0 };
    add(facts, "application", found->uri);
    add(facts, "product", found->product);
    add(facts, "capabilities", found->capabilities);
    add(facts, "told by", found->source);
    add(facts, "says it is at", found->told);
    add(facts, "certificate", certificate_of(found));
    add(facts, "trust", found->trust);
    add_endpoints(facts, found);
}

static void facts_fini(struct facts *facts)
{
    for (size_t i = 0; i < facts->text_count; i++) {
        buf_fini(&facts->texts[i]);
    }
}

void opcua_find_tell(struct driver *drv, struct driver_discovery *discovery,
                     const struct opcua_found *found)
{
    struct facts facts;
    struct buf settings;
    struct buf trouble;
    const char *where = found->url[0] != '\0' ? found->url : found->told;
    const char *key = found->uri[0] != '\0' ? found->uri : where;
    buf_init(&settings, TEXT_MAX);
    buf_init(&trouble, TEXT_MAX);
    put_settings(found, &settings);
    put_trouble(found, &trouble);
    make_facts(&facts, found);
    struct driver_find find = {
        .key = key,
        .id = key,
        .name = found->name,
        .vendor = found->product,
        .model = found->kind,
        .address = where,
        .settings = buf_text(&settings),
        .trouble = trouble.size > 0 ? buf_text(&trouble) : NULL,
        .objects = -1,
        .answer_us = found->answer_us,
        .facts = facts.list,
        .fact_count = facts.count,
    };
    driver_found(drv, discovery, &find);
    facts_fini(&facts);
    buf_fini(&trouble);
    buf_fini(&settings);
}
