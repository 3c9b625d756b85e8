/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of settings: of the protocol, of a connector, of a device, of a point. Their order is that of
 * http_options.h. */
#include "drivers/http/http_options.h"

#include <string.h>

#include "http/fetch.h"
#include "payload/template.h"

#define TEXT_ROW(key_, max_, help_)                                                  \
    {                                                                                \
        .key = (key_), .type = OPTION_TEXT, .min = 1, .max = (max_), .help = (help_) \
    }
#define SECRET_ROW(key_, help_)                               \
    {                                                         \
        .key = (key_), .type = OPTION_SECRET, .help = (help_) \
    }
#define BOOL_ROW(key_, fallback_, help_)                                             \
    {                                                                                \
        .key = (key_), .type = OPTION_BOOL, .fallback = (fallback_), .help = (help_) \
    }
#define INT_ROW(key_, fallback_, min_, max_, help_)                                               \
    {                                                                                             \
        .key = (key_), .type = OPTION_INT, .fallback = (fallback_), .min = (min_), .max = (max_), \
        .help = (help_)                                                                           \
    }
#define WORD_ROW(key_, fallback_, choices_, help_)                                            \
    {                                                                                         \
        .key = (key_), .type = OPTION_CHOICE, .fallback = (fallback_), .choices = (choices_), \
        .help = (help_)                                                                       \
    }

enum {
    PATH_TEXT_MAX = 1024,
    NAME_TEXT_MAX = 256,
    LIST_TEXT_MAX = 4096,
    URL_TEXT_MAX = 2048,
    CONNECTIONS_MAX = 20000,
    RATE_MAX = 1000000,
};

static const char *const plain_words[] = { "no", "allow", NULL };
static const char *const method_words[] = { "GET", "POST", NULL };
static const char *const send_methods[] = { "POST", "PUT", "PATCH", "GET", NULL };
static const char *const login_words[] = { "basic", "digest", NULL };

const struct option http_setup_options[] = {
    [SETUP_LISTEN] = { .key = "listen",
                       .type = OPTION_TEXT,
                       .fallback = "127.0.0.1:56789",
                       .min = 1,
                       .max = LIST_TEXT_MAX,
                       .help = "addresses that devices post to, \", \" between" },
    [SETUP_CERTIFICATE] = OPTION_FILE_ROW(
        "certificate", "PEM file of the certificate and its chain, in place of the "
                       "gateway's own"),
    [SETUP_KEY] = OPTION_FILE_ROW("key", "PEM file of the certificate's key"),
    [SETUP_CLIENT_CA] = OPTION_FILE_ROW("client_ca",
                                        "PEM file of the authorities of devices' certificates"),
    [SETUP_PLAIN] = WORD_ROW("plain", "no", plain_words,
                             "allow: without TLS also beyond this machine"),
    [SETUP_CONNECTIONS] = INT_ROW("connections_max", "4096", 1, CONNECTIONS_MAX,
                                  "connections at a time, of one address listened on"),
    [SETUP_PER_SOURCE] = INT_ROW("per_source", "256", 1, CONNECTIONS_MAX,
                                 "connections at a time from one address"),
    [SETUP_SCHEMAS] = TEXT_ROW("schemas", PATH_TEXT_MAX, "folder of Protobuf descriptor sets"),
    [SETUP_ROWS] = { .key = NULL },
};

const struct option http_connector_options[] = {
    [CONNECTOR_KEY] = SECRET_ROW("key", "a fixed key; others: busbar connector key add NAME"),
    [CONNECTOR_ALLOW] = TEXT_ROW("allow", LIST_TEXT_MAX,
                                 "addresses and networks that may send: 10.0.4.0/24"),
    [CONNECTOR_OPEN] = BOOL_ROW("open", "false", "without a key: whoever is in 'allow' may send"),
    [CONNECTOR_RATE] = INT_ROW("rate", NULL, 1, RATE_MAX, "messages a second from one address"),
    [CONNECTOR_CERTIFICATE_NAMES] = TEXT_ROW("certificate_names", LIST_TEXT_MAX,
                                             "names in certificates that stand for a key: pv-*"),
    [CONNECTOR_QUERY_KEY] = BOOL_ROW("query_key", "false",
                                     "the key may also stand in the URL: ?apikey=..."),
    [CONNECTOR_ROWS] = { .key = NULL },
};

static const struct option own_device_options[] = {
    [DEVICE_CONNECTOR - PAYLOAD_DEVICE_ROWS] = TEXT_ROW("connector", NAME_TEXT_MAX,
                                                        "the connector that it posts by"),
    [DEVICE_URL -
        PAYLOAD_DEVICE_ROWS] = TEXT_ROW("url", URL_TEXT_MAX, "it does not post, it is asked here"),
    [DEVICE_METHOD -
        PAYLOAD_DEVICE_ROWS] = WORD_ROW("method", "GET", method_words, "how it is asked"),
    [DEVICE_BODY -
        PAYLOAD_DEVICE_ROWS] = TEXT_ROW("body", PAYLOAD_TEMPLATE_MAX, "what is sent to ask it"),
    [DEVICE_HEADER - PAYLOAD_DEVICE_ROWS] = TEXT_ROW("request_header", NAME_TEXT_MAX,
                                                     "a header to send: \"Name: text\""),
    [DEVICE_LOGIN - PAYLOAD_DEVICE_ROWS] = WORD_ROW("login", "basic", login_words,
                                                    "how user and password are sent"),
    [DEVICE_USER - PAYLOAD_DEVICE_ROWS] = TEXT_ROW("user", NAME_TEXT_MAX, "login"),
    [DEVICE_PASSWORD - PAYLOAD_DEVICE_ROWS] = SECRET_ROW("password", "its password: !secret NAME"),
    [DEVICE_TOKEN - PAYLOAD_DEVICE_ROWS] = SECRET_ROW("token", "a bearer token: !secret NAME"),
    [DEVICE_CA - PAYLOAD_DEVICE_ROWS] = OPTION_FILE_ROW(
        "ca", "PEM file of the authorities that are trusted"),
    [DEVICE_CERTIFICATE -
        PAYLOAD_DEVICE_ROWS] = OPTION_FILE_ROW("certificate", "PEM file of our certificate"),
    [DEVICE_KEY - PAYLOAD_DEVICE_ROWS] = OPTION_FILE_ROW("key", "PEM file of its key"),
    [DEVICE_VERIFY -
        PAYLOAD_DEVICE_ROWS] = BOOL_ROW("verify", "true", "look at the device's certificate"),
    [DEVICE_REDIRECTS - PAYLOAD_DEVICE_ROWS] = INT_ROW(
        "redirects", "3", 0, HTTP_FETCH_REDIRECTS_MAX, "how often it may send us elsewhere"),
    [DEVICE_ROWS - PAYLOAD_DEVICE_ROWS] = { .key = NULL },
};

static const struct option own_point_options[] = {
    [POINT_URL - PAYLOAD_POINT_ROWS] = TEXT_ROW("url", URL_TEXT_MAX,
                                                "where it is read, when not at the device's URL"),
    [POINT_SEND - PAYLOAD_POINT_ROWS] = TEXT_ROW("send", PAYLOAD_TEMPLATE_MAX,
                                                 "what is sent to write it: '{\"limit\": "
                                                 "{value}}'"),
    [POINT_SEND_URL - PAYLOAD_POINT_ROWS] = TEXT_ROW(
        "send_url", URL_TEXT_MAX, "where it is written; {value} may stand in it"),
    [POINT_SEND_METHOD -
        PAYLOAD_POINT_ROWS] = WORD_ROW("send_method", "POST", send_methods, "how it is written"),
    [POINT_ROWS - PAYLOAD_POINT_ROWS] = { .key = NULL },
};

struct option http_device_options[DEVICE_ROWS + 1];
struct option http_point_options[POINT_ROWS + 1];

void http_options_make(void)
{
    memcpy(http_device_options, payload_device_options, sizeof(payload_device_options));
    memcpy(http_device_options + PAYLOAD_DEVICE_ROWS, own_device_options,
           sizeof(own_device_options));
    memcpy(http_point_options, payload_point_options, sizeof(payload_point_options));
    memcpy(http_point_options + PAYLOAD_POINT_ROWS, own_point_options, sizeof(own_point_options));
}
