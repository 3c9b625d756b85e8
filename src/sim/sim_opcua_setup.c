/* SPDX-License-Identifier: Apache-2.0 */
/* How a server is set up. It trusts every client: what is tried out here is the gateway's side.
 *
 * Users: where a device of the host names a user, nobody comes in without a name, and only those names do; any password is right
 * but none and "wrong". */
#include <open62541/client_config_default.h>
#include <open62541/plugin/accesscontrol_default.h>
#include <open62541/plugin/pki_default.h>
#include <open62541/server_config_default.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim/sim_opcua.h"
#include "sim/sim_opcua_certificate.h"

enum { URI_MAX = 300, ITEMS_QUEUE_MAX = 1000, NOTIFICATIONS_MAX = 10000, PUBLISH_MS_MIN = 20 };

/* ---- what the library says ---- */

static void library_says(void *ctx, UA_LogLevel level, UA_LogCategory category, const char *format,
                         va_list args)
{
    struct sim_opcua_host *host = ctx;
    (void)category;
    if (level >= UA_LOGLEVEL_WARNING) {
        (void)vsnprintf(host->trouble, sizeof(host->trouble), format, args);
    }
}

/* ---- users and trust ---- */

/* The traits of all devices of the host: what one of them refuses the server does. */
static uint32_t traits_of(const struct sim_opcua_host *host)
{
    uint32_t traits = 0;
    list_each(at, &host->devices) {
        traits |= list_entry(at, struct sim_opcua_device, link)->traits;
    }
    return traits;
}

static UA_StatusCode look_at_certificate(const UA_CertificateVerification *verification,
                                         const UA_ByteString *certificate)
{
    const struct sim_opcua_host *host = verification->context;
    (void)certificate;
    return (traits_of(host) & SIM_TRAIT_BIT(NO_TRUST)) != 0 ? UA_STATUSCODE_BADCERTIFICATEUNTRUSTED
                                                            : UA_STATUSCODE_GOOD;
}

/* Whether a device names a user, and this one. */
static bool knows_user(const struct sim_opcua_host *host, const UA_String *name, bool *any)
{
    bool known = false;
    *any = false;
    list_each(at, &host->devices) {
        const struct device *dev = list_entry(at, struct sim_opcua_device, link)->dev;
        const char *user = sim_opcua_setting(dev->settings, "user");
        if (user != NULL) {
            UA_String own = sim_opcua_text(user);
            *any = true;
            known = known || UA_String_equal(&own, name);
        }
    }
    return known;
}

static UA_StatusCode login(const UA_String *name, const UA_ByteString *password, size_t count,
                           const UA_UsernamePasswordLogin *logins, void **session, void *ctx)
{
    const struct sim_opcua_host *host = ctx;
    const UA_String wrong = UA_STRING_STATIC("wrong");
    bool any;
    (void)count;
    (void)logins;
    (void)session;
    bool known = knows_user(host, name, &any);
    bool fine = (known || !any) && password->length > 0 && !UA_String_equal(password, &wrong);
    return fine ? UA_STATUSCODE_GOOD : UA_STATUSCODE_BADUSERACCESSDENIED;
}

/* Its place among the active ones; session_count: it is none. */
static size_t find_session(const struct sim_opcua_host *host, const UA_NodeId *session)
{
    size_t at = 0;
    while (at < host->session_count && !UA_NodeId_equal(&host->sessions[at], session)) {
        at++;
    }
    return at;
}

static UA_StatusCode activate(UA_Server *server, UA_AccessControl *access,
                              const UA_EndpointDescription *endpoint,
                              const UA_ByteString *certificate, const UA_NodeId *session,
                              const UA_ExtensionObject *token, void **context)
{
    struct sim_opcua_host *host = UA_Server_getConfig(server)->context;
    bool any;
    (void)knows_user(host, &UA_STRING_NULL, &any);
    if ((traits_of(host) & SIM_TRAIT_BIT(NO_LOGIN)) != 0) {
        return UA_STATUSCODE_BADUSERACCESSDENIED;
    }
    if (any && (token->encoding < UA_EXTENSIONOBJECT_DECODED ||
                token->content.decoded.type == &UA_TYPES[UA_TYPES_ANONYMOUSIDENTITYTOKEN])) {
        return UA_STATUSCODE_BADIDENTITYTOKENREJECTED;
    }
    UA_StatusCode status = host->activate(server, access, endpoint, certificate, session, token,
                                          context);
    if (status == UA_STATUSCODE_GOOD && find_session(host, session) == host->session_count &&
        host->session_count < SIM_OPCUA_SESSIONS_MAX) {
        (void)UA_NodeId_copy(session, &host->sessions[host->session_count++]);
    }
    return status;
}

static void close_session(UA_Server *server, UA_AccessControl *access, const UA_NodeId *session,
                          void *context)
{
    struct sim_opcua_host *host = UA_Server_getConfig(server)->context;
    size_t at = find_session(host, session);
    if (at < host->session_count) {
        UA_NodeId_clear(&host->sessions[at]);
        host->sessions[at] = host->sessions[--host->session_count];
    }
    host->closed(server, access, session, context);
}

void sim_opcua_sessions_close(struct sim_opcua_host *host)
{
    while (host->server != NULL && host->session_count > 0) {
        size_t before = host->session_count;
        UA_NodeId id;
        (void)UA_NodeId_copy(&host->sessions[before - 1], &id);
        (void)UA_Server_closeSession(host->server, &id);
        UA_NodeId_clear(&id);
        if (host->session_count == before) {
            return;
        }
    }
}

static UA_StatusCode set_users(struct sim_opcua_host *host, UA_ServerConfig *config)
{
    UA_UsernamePasswordLogin some = { .username = UA_STRING_STATIC("operator"),
                                      .password = UA_STRING_STATIC("operator") };
    UA_StatusCode status = UA_AccessControl_defaultWithLoginCallback(config, true, NULL, 1, &some,
                                                                     login, host);
    host->activate = config->accessControl.activateSession;
    host->closed = config->accessControl.closeSession;
    config->accessControl.activateSession = activate;
    config->accessControl.closeSession = close_session;
    return status;
}

/* ---- who it is ---- */

static void set_text(UA_String *to, const char *text)
{
    UA_String_clear(to);
    *to = UA_String_fromChars(text);
}

static void describe(const struct sim_opcua_host *host, UA_ServerConfig *config, const char *uri)
{
    UA_ApplicationDescription *own = &config->applicationDescription;
    char name[URI_MAX];
    str_format(name, sizeof(name), "Simulated server %s:%u", host->name, host->port);
    set_text(&own->applicationUri, uri);
    set_text(&own->productUri, "urn:busbar:sim");
    UA_LocalizedText_clear(&own->applicationName);
    own->applicationName = UA_LOCALIZEDTEXT_ALLOC("en", name);
    own->applicationType = host->discovery ? UA_APPLICATIONTYPE_DISCOVERYSERVER
                                           : UA_APPLICATIONTYPE_SERVER;
    for (size_t i = 0; i < config->endpointsSize; i++) {
        UA_ApplicationDescription_clear(&config->endpoints[i].server);
        (void)UA_ApplicationDescription_copy(own, &config->endpoints[i].server);
    }
    set_text(&config->buildInfo.manufacturerName, "busbar");
    set_text(&config->buildInfo.productName, "busbar simulator");
    set_text(&config->buildInfo.productUri, "urn:busbar:sim");
}

static void set_url(const struct sim_opcua_host *host, UA_ServerConfig *config)
{
    char url[URI_MAX];
    bool v6 = strchr(host->name, ':') != NULL;
    str_format(url, sizeof(url), "opc.tcp://%s%s%s:%u", v6 ? "[" : "", host->name, v6 ? "]" : "",
               host->port);
    set_text(&config->serverUrls[0], url);
}

static void set_limits(UA_ServerConfig *config)
{
    config->maxSessions = SIM_OPCUA_SESSIONS_MAX;
    config->maxSecureChannels = SIM_OPCUA_SESSIONS_MAX;
    config->publishingIntervalLimits.min = PUBLISH_MS_MIN;
    config->samplingIntervalLimits.min = PUBLISH_MS_MIN;
    config->queueSizeLimits.max = ITEMS_QUEUE_MAX;
    config->maxNotificationsPerPublish = NOTIFICATIONS_MAX;
    config->historizingEnabled = true;
    config->allowEmptyVariables = UA_RULEHANDLING_ACCEPT; /* values come from read_node() */
    config->accessHistoryDataCapability = true;
    config->maxReturnDataValues = SIM_OPCUA_HISTORY_MAX;
}

static void uri_of(const struct sim_opcua_host *host, char *uri, size_t size)
{
    str_format(uri, size, "urn:busbar:sim:%s:%u", host->name, host->port);
}

static UA_StatusCode configure(struct sim_opcua_host *host, UA_ServerConfig *config,
                               const char *uri)
{
    *config = (UA_ServerConfig){ .logging = &host->logger, .context = host };
    UA_StatusCode status = UA_ServerConfig_setDefaultWithSecurityPolicies(
        config, host->port, &host->certificate, &host->key, NULL, 0, NULL, 0, NULL, 0);
    if (status != UA_STATUSCODE_GOOD) {
        return status;
    }
    config->secureChannelPKI.clear(&config->secureChannelPKI);
    UA_CertificateVerification_AcceptAll(&config->secureChannelPKI);
    config->secureChannelPKI.context = host;
    config->secureChannelPKI.verifyCertificate = look_at_certificate;
    config->sessionPKI.clear(&config->sessionPKI);
    UA_CertificateVerification_AcceptAll(&config->sessionPKI);
    config->historyDatabase = sim_opcua_history(host);
    set_url(host, config);
    set_limits(config);
    describe(host, config, uri);
    return set_users(host, config);
}

static int make(struct sim_opcua_host *host, const char *uri, struct err *err)
{
    UA_ServerConfig config;
    UA_StatusCode status = configure(host, &config, uri);
    if (status != UA_STATUSCODE_GOOD) {
        UA_ServerConfig_clean(&config);
        return err_set(err, BUSBAR_ETLS, "cannot set up a server: %s", UA_StatusCode_name(status));
    }
    host->server = UA_Server_newWithConfig(&config);
    if (host->server == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "cannot make a server: %s", host->trouble);
    }
    status = UA_Server_run_startup(host->server);
    if (status != UA_STATUSCODE_GOOD) {
        (void)UA_Server_delete(host->server);
        host->server = NULL;
        return err_set(err, BUSBAR_EADDRINUSE, "cannot listen at %s:%u: %s", host->name, host->port,
                       host->trouble);
    }
    return 0;
}

int sim_opcua_server_new(struct sim_opcua_host *host, struct err *err)
{
    char uri[URI_MAX];
    int error = 0;
    host->logger = (UA_Logger){ .log = library_says, .context = host };
    uri_of(host, uri, sizeof(uri));
    if (host->certificate.length == 0) {
        error = sim_opcua_certificate(host->name, host->port, uri, &host->certificate, &host->key,
                                      err);
    }
    return error == 0 ? make(host, uri, err) : error;
}

/* ---- limits ---- */

/* The smallest number of nodes that one of the devices takes at once; 0: any. */
static uint32_t most_nodes(const struct sim_opcua_host *host)
{
    uint32_t most = 0;
    list_each(at, &host->devices) {
        const struct sim_opcua_device *device = list_entry(at, struct sim_opcua_device, link);
        bool limited = (device->traits & SIM_TRAIT_BIT(MOST_NODES)) != 0;
        if (limited && (most == 0 || device->fault.most < most)) {
            most = device->fault.most;
        }
    }
    return most;
}

void sim_opcua_limit(struct sim_opcua_host *host)
{
    UA_ServerConfig *config = UA_Server_getConfig(host->server);
    uint32_t most = most_nodes(host);
    config->maxNodesPerRead = most;
    config->maxNodesPerWrite = most;
    config->maxNodesPerMethodCall = most;
    config->maxNodesPerBrowse = most;
    config->maxNodesPerTranslateBrowsePathsToNodeIds = most;
    config->maxMonitoredItemsPerCall = most;
}

/* ---- at the discovery server ---- */

void sim_opcua_register(UA_Server *server, void *ctx)
{
    const struct sim_opcua_host *host = ctx, *at = host->state->discovery;
    UA_ClientConfig config = { .logging = UA_Server_getConfig(server)->logging };
    char url[URI_MAX];
    if (UA_ClientConfig_setDefaultEncryption(&config, host->certificate, host->key, NULL, 0, NULL,
                                             0) != UA_STATUSCODE_GOOD) {
        UA_ClientConfig_clear(&config);
        return;
    }
    UA_CertificateVerification_AcceptAll(&config.certificateVerification);
    uri_of(host, url, sizeof(url));
    set_text(&config.clientDescription.applicationUri, url);
    str_format(url, sizeof(url), "opc.tcp://%s:%u", at->name, at->port);
    (void)UA_Server_registerDiscovery(server, &config, sim_opcua_text(url), UA_STRING_NULL);
}
