/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/link/search_found.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/opcua/text/url.h"

enum { HASH_BYTES = 32, ARENA_MAX = 1 << 20 };

/* ---- texts of servers ---- */

/* UTF-8 without control characters, cut. Caller frees. */
static char *text_of(const UA_String *text)
{
    size_t size = str_utf8_cut((const char *)text->data, text->length, OPCUA_SEARCH_TEXT_MAX);
    char *made = busbar_strndup(size > 0 ? (const char *)text->data : "", size);
    for (char *at = made; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || *at == 0x7F ? ' ' : *at;
    }
    return made;
}

static const char *keep(struct arena *arena, const char *text)
{
    const char *made = arena_strdup(arena, text);
    return made != NULL ? made : "";
}

static const char *keep_text(struct arena *arena, const UA_String *text)
{
    char *made = text_of(text);
    const char *kept = keep(arena, made);
    busbar_free(made);
    return kept;
}

/* ---- what is said about a server ---- */

/* "opc.tcp://10.0.3.5:48250/" is the same without its last character. */
static char *url_of(char *url)
{
    size_t size = strlen(url);
    const char *host = str_starts(url, "opc.tcp://") ? url + strlen("opc.tcp://") : NULL;
    if (host != NULL && size > 0 && strchr(host, '/') == url + size - 1) {
        url[size - 1] = '\0';
    }
    return url;
}

static const char *kind_of(UA_ApplicationType type)
{
    switch (type) {
    case UA_APPLICATIONTYPE_CLIENTANDSERVER: return "client and server";
    case UA_APPLICATIONTYPE_DISCOVERYSERVER: return "discovery server";
    default: return "server";
    }
}

static bool same_host(const char *a, const char *b)
{
    struct opcua_url first;
    struct opcua_url second;
    return opcua_url_parse(a, OPCUA_DISCOVERY_PORT, &first, NULL) == 0 &&
           opcua_url_parse(b, OPCUA_DISCOVERY_PORT, &second, NULL) == 0 &&
           strcasecmp(first.host, second.host) == 0;
}

static char *pick_url(const UA_ApplicationDescription *from, const char *asked)
{
    char *picked = NULL;
    for (size_t i = 0; i < from->discoveryUrlsSize; i++) {
        char *url = url_of(text_of(&from->discoveryUrls[i]));
        if (str_starts(url, "opc.tcp://") && (picked == NULL || same_host(url, asked))) {
            busbar_free(picked);
            picked = url;
            if (same_host(url, asked)) {
                break;
            }
        } else {
            busbar_free(url);
        }
    }
    return picked;
}

static char *source_of(const char *asked)
{
    struct buf text;
    buf_init(&text, OPCUA_URL_MAX + 32);
    buf_printf(&text, "asked %s", asked);
    char *made = busbar_strdup(buf_text(&text));
    buf_fini(&text);
    return made;
}

bool search_server_of(struct search_server *server, const UA_ApplicationDescription *from,
                      const char *asked)
{
    char *url = from->applicationType != UA_APPLICATIONTYPE_CLIENT ? pick_url(from, asked) : NULL;
    if (url == NULL) {
        return false;
    }
    *server = (struct search_server){
        .uri = text_of(&from->applicationUri),
        .name = text_of(&from->applicationName.text),
        .product = text_of(&from->productUri),
        .kind = busbar_strdup(kind_of(from->applicationType)),
        .capabilities = busbar_strdup(""),
        .url = url,
        .source = source_of(asked),
    };
    return true;
}

void search_server_on_network(struct search_server *server, const UA_ServerOnNetwork *from,
                              const char *asked)
{
    struct buf caps;
    buf_init(&caps, OPCUA_SEARCH_TEXT_MAX);
    for (size_t i = 0; i < from->serverCapabilitiesSize; i++) {
        char *one = text_of(&from->serverCapabilities[i]);
        (void)buf_printf(&caps, "%s%s", i > 0 ? "," : "", one);
        busbar_free(one);
    }
    *server = (struct search_server){
        .uri = busbar_strdup(""),
        .name = text_of(&from->serverName),
        .product = busbar_strdup(""),
        .kind = busbar_strdup("server"),
        .capabilities = busbar_strdup(buf_text(&caps)),
        .url = url_of(text_of(&from->discoveryUrl)),
        .source = source_of(asked),
    };
    buf_fini(&caps);
}

void search_server_heard(struct search_server *server, const char *url, const char *name,
                         const char *capabilities)
{
    *server = (struct search_server){
        .uri = busbar_strdup(""),
        .name = busbar_strdup(name),
        .product = busbar_strdup(""),
        .kind = busbar_strdup("server"),
        .capabilities = busbar_strdup(capabilities),
        .url = url_of(busbar_strdup(url)),
        .source = busbar_strdup("heard by multicast DNS"),
    };
}

void search_server_copy(struct search_server *to, const struct search_server *from)
{
    *to = (struct search_server){
        .uri = busbar_strdup(from->uri),
        .name = busbar_strdup(from->name),
        .product = busbar_strdup(from->product),
        .kind = busbar_strdup(from->kind),
        .capabilities = busbar_strdup(from->capabilities),
        .url = busbar_strdup(from->url),
        .source = busbar_strdup(from->source),
    };
}

void search_server_fini(struct search_server *server)
{
    busbar_free(server->uri);
    busbar_free(server->name);
    busbar_free(server->product);
    busbar_free(server->kind);
    busbar_free(server->capabilities);
    busbar_free(server->url);
    busbar_free(server->source);
    *server = (struct search_server){ 0 };
}

bool search_same(const struct search_server *server, const UA_GetEndpointsResponse *response)
{
    if (server->uri == NULL || server->uri[0] == '\0' || response->endpointsSize == 0) {
        return true;
    }
    char *uri = text_of(&response->endpoints[0].server.applicationUri);
    bool same = strcmp(uri, server->uri) == 0;
    busbar_free(uri);
    return same;
}

/* ---- endpoints ---- */

static const char *users_of(struct arena *arena, const UA_EndpointDescription *from)
{
    static const char *const words[] = { "anonymous", "password", "certificate", "token" };
    unsigned seen = 0;
    struct buf text;
    buf_init(&text, OPCUA_SEARCH_TEXT_MAX);
    for (size_t i = 0; i < from->userIdentityTokensSize; i++) {
        unsigned type = (unsigned)from->userIdentityTokens[i].tokenType;
        if (type < sizeof(words) / sizeof(words[0]) && (seen & 1U << type) == 0) {
            seen |= 1U << type;
            (void)buf_printf(&text, "%s%s", text.size > 0 ? ", " : "", words[type]);
        }
    }
    const char *kept = keep(arena, buf_text(&text));
    buf_fini(&text);
    return kept;
}

static const char *fingerprint_of(struct arena *arena, const UA_ByteString *certificate)
{
    uint8_t hash[HASH_BYTES];
    char text[2 * HASH_BYTES + 1];
    unsigned size = 0;
    if (certificate->length == 0 || certificate->length > TRUST_CERTIFICATE_MAX ||
        EVP_Digest(certificate->data, certificate->length, hash, &size, EVP_sha256(), NULL) != 1) {
        return "";
    }
    str_hex(text, sizeof(text), hash, size, '\0');
    return keep(arena, text);
}

static void take_endpoint(struct opcua_found *found, const UA_EndpointDescription *from)
{
    struct opcua_found_endpoint *endpoint = &found->endpoints[found->endpoint_count++];
    enum opcua_policy policy;
    const char *uri = (const char *)from->securityPolicyUri.data;
    endpoint->known = opcua_policy_of_uri(uri, from->securityPolicyUri.length, &policy);
    endpoint->url = keep_text(&found->arena, &from->endpointUrl);
    endpoint->mode = (enum opcua_mode)from->securityMode;
    endpoint->policy = endpoint->known ? opcua_policy_name(policy)
                                       : keep_text(&found->arena, &from->securityPolicyUri);
    endpoint->users = users_of(&found->arena, from);
    endpoint->fingerprint = fingerprint_of(&found->arena, &from->serverCertificate);
}

static void take_endpoints(struct opcua_found *found, const UA_GetEndpointsResponse *response)
{
    size_t count = response->endpointsSize;
    size_t kept = count < OPCUA_SEARCH_ENDPOINTS_MAX ? count : OPCUA_SEARCH_ENDPOINTS_MAX;
    found->endpoints = arena_alloc_array(&found->arena, kept, sizeof(*found->endpoints));
    found->endpoints_more = count - kept;
    for (size_t i = 0; found->endpoints != NULL && i < kept; i++) {
        take_endpoint(found, &response->endpoints[i]);
    }
}

/* Its certificate as if a device connected now. Nothing is kept of it: only a device has to trust anybody. */
static const char *trust_of(struct opcua_found *found, const struct search_answer *answer)
{
    const UA_ByteString *certificate = NULL;
    struct trust_seen seen;
    struct opcua_url url;
    for (size_t i = 0; certificate == NULL && i < answer->response->endpointsSize; i++) {
        const UA_ByteString *one = &answer->response->endpoints[i].serverCertificate;
        certificate = one->length > 0 ? one : NULL;
    }
    if (answer->trust == NULL || certificate == NULL ||
        opcua_url_parse(answer->url, OPCUA_DISCOVERY_PORT, &url, NULL) != 0) {
        return "";
    }
    struct trust_peer peer = { .protocol = "opcua",
                               .device = "",
                               .address = answer->url,
                               .host = url.host,
                               .uri = found->uri,
                               .unkept = true };
    if (trust_check(answer->trust, &peer, certificate->data, certificate->length, clock_wall_us(),
                    &seen) == 0) {
        return "trusted";
    }
    if (seen.fault != TRUST_UNTRUSTED) {
        return keep(&found->arena, seen.words);
    }
    const char *words = arena_printf(&found->arena,
                                     "not trusted yet: make a device of it, compare the "
                                     "fingerprint, then: busbar certificate trust %.16s",
                                     seen.fingerprint);
    return words != NULL ? words : "";
}

/* ---- a find ---- */

static const char *trouble_of(struct opcua_found *found, const struct search_answer *answer)
{
    const struct search_server *server = answer->server;
    struct buf text;
    buf_init(&text, OPCUA_DETAIL_MAX + OPCUA_URL_MAX + 80);
    if (answer->response == NULL && answer->trouble != NULL) {
        (void)buf_append_text(&text, answer->trouble->detail);
    } else if (answer->response == NULL) {
        (void)buf_printf(&text, "another application answers at %s", answer->url);
    } else if (answer->elsewhere) {
        (void)buf_printf(&text, "it says that it is at %s, where it does not answer", server->url);
    } else if (answer->response->endpointsSize == 0) {
        (void)buf_append_text(&text, "it offers no endpoint to connect to");
    }
    const char *kept = keep(&found->arena, buf_text(&text));
    buf_fini(&text);
    return kept;
}

static void take_description(struct opcua_found *found, const UA_ApplicationDescription *from)
{
    const char *uri = keep_text(&found->arena, &from->applicationUri);
    const char *name = keep_text(&found->arena, &from->applicationName.text);
    const char *product = keep_text(&found->arena, &from->productUri);
    found->uri = uri[0] != '\0' ? uri : found->uri;
    found->name = name[0] != '\0' ? name : found->name;
    found->product = product[0] != '\0' ? product : found->product;
    found->kind = kind_of(from->applicationType);
}

struct opcua_found *search_found_new(const struct search_answer *answer)
{
    const struct search_server *server = answer->server;
    struct opcua_found *found = busbar_alloc(sizeof(*found));
    struct arena *arena = &found->arena;
    arena_init(arena, ARENA_MAX);
    found->uri = keep(arena, server->uri);
    found->name = keep(arena, server->name);
    found->product = keep(arena, server->product);
    found->kind = keep(arena, server->kind);
    found->capabilities = keep(arena, server->capabilities);
    found->source = keep(arena, server->source);
    found->url = answer->response != NULL ? keep(arena, answer->url) : "";
    found->told = strcmp(found->url, server->url) != 0 ? keep(arena, server->url) : "";
    found->trust = "";
    found->answer_us = answer->response != NULL ? answer->answer_us : 0;
    if (answer->response != NULL) {
        if (answer->response->endpointsSize > 0) {
            take_description(found, &answer->response->endpoints[0].server);
        }
        take_endpoints(found, answer->response);
        found->trust = trust_of(found, answer);
    }
    found->trouble = trouble_of(found, answer);
    return found;
}

struct opcua_found *search_found_more(const struct search_server *server, const char *uri)
{
    struct opcua_found *found = busbar_alloc(sizeof(*found));
    arena_init(&found->arena, ARENA_MAX);
    found->uri = keep(&found->arena, uri);
    found->capabilities = keep(&found->arena, server->capabilities);
    found->name = found->product = found->kind = found->url = found->told = "";
    found->trouble = found->source = found->trust = "";
    return found;
}

void opcua_found_free(struct opcua_found *found)
{
    if (found != NULL) {
        arena_fini(&found->arena);
        busbar_free(found);
    }
}
