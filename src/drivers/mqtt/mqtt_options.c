/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of settings: of the protocol, of a broker, of a device, of a point, of an event. Their order is that of
 * mqtt_options.h. */
#include "drivers/mqtt/mqtt_options.h"

#include <string.h>

#include "base/clock.h"
#include "drivers/mqtt/mqtt_topics.h"
#include "drivers/mqtt/mqtt_url.h"
#include "payload/template.h"

#define TEXT_ROW(key_, max_, help_)                                                  \
    {                                                                                \
        .key = (key_), .type = OPTION_TEXT, .min = 1, .max = (max_), .help = (help_) \
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
#define TIME_ROW(key_, fallback_, min_, max_, help_)                                    \
    {                                                                                   \
        .key = (key_), .type = OPTION_DURATION, .fallback = (fallback_), .min = (min_), \
        .max = (max_), .help = (help_)                                                  \
    }
#define WORD_ROW(key_, fallback_, choices_, help_)                                            \
    {                                                                                         \
        .key = (key_), .type = OPTION_CHOICE, .fallback = (fallback_), .choices = (choices_), \
        .help = (help_)                                                                       \
    }

#define SECOND CLOCK_US_PER_S
#define DAY    (INT64_C(24) * 3600 * SECOND)

enum { PATH_TEXT_MAX = 1024, NAME_TEXT_MAX = 256, RECEIVE_MAX = 65535, KEEP_ALIVE_MAX_S = 65535 };

static const char *const version_words[] = { "auto", "3.1.1", "5", NULL };
static const char *const retained_words[] = { "uncertain", "good", "ignore", NULL };

const struct option mqtt_setup_options[SETUP_ROWS + 1] = {
    [SETUP_SCHEMAS] = TEXT_ROW("schemas", PATH_TEXT_MAX,
                               "folder of Protobuf descriptor sets, for points with 'protobuf'"),
};

#define LOGIN_ROWS(first_)                                                                        \
    [(first_) +                                                                                   \
        BROKER_USER] = TEXT_ROW("user", NAME_TEXT_MAX, "user name at the broker"),                \
        [(first_) + BROKER_PASSWORD] = { .key = "password",                                       \
                                         .type = OPTION_SECRET,                                   \
                                         .help = "its password: !secret NAME" },                  \
        [(first_) + BROKER_CA] = OPTION_FILE_ROW(                                                 \
            "ca", "TLS: file of the authority that signed the broker's "                          \
                  "certificate; those of this machine by default"),                               \
        [(first_) + BROKER_CERTIFICATE] = OPTION_FILE_ROW("certificate",                          \
                                                          "TLS: file of our own certificate"),    \
        [(first_) + BROKER_KEY] = OPTION_FILE_ROW(                                                \
            "key", "TLS: file of its private key, when not in the same file"),                    \
        [(first_) +                                                                               \
            BROKER_SERVER_NAME] = TEXT_ROW("server_name", 253,                                    \
                                           "TLS: name in the broker's certificate, when not "     \
                                           "the host's"),                                         \
        [(first_) + BROKER_ALPN] = TEXT_ROW("alpn", 64,                                           \
                                            "TLS: protocol to ask for: mqtt, "                    \
                                            "x-amzn-mqtt-ca"),                                    \
        [(first_) +                                                                               \
            BROKER_VERSION] = WORD_ROW("version", "auto", version_words,                          \
                                       "of MQTT: 5, 3.1.1; auto: 5 where the broker has it"),     \
        [(first_) +                                                                               \
            BROKER_CLIENT_ID] = TEXT_ROW("client_id", NAME_TEXT_MAX,                              \
                                         "as the broker knows us; one of our own, always the "    \
                                         "same, by default"),                                     \
        [(first_) +                                                                               \
            BROKER_CLEAN] = BOOL_ROW("clean", "false",                                            \
                                     "begin without what the broker has kept while we were "      \
                                     "away"),                                                     \
        [(first_) + BROKER_SESSION_EXPIRY] = TIME_ROW(                                            \
            "session_expiry", "1h", 0, 49000 * DAY,                                               \
            "how long the broker keeps messages for us (MQTT 5)"),                                \
        [(first_) +                                                                               \
            BROKER_KEEP_ALIVE] = TIME_ROW("keep_alive", "60s", SECOND, KEEP_ALIVE_MAX_S * SECOND, \
                                          "silence after which the broker is asked whether "      \
                                          "it is there"),                                         \
        [(first_) + BROKER_RECEIVE_MAX] = INT_ROW("receive_max", "1000", 1, RECEIVE_MAX,          \
                                                  "messages that the broker may send before the " \
                                                  "first is acknowledged (MQTT 5)"),              \
        [(first_) + BROKER_PACKET_MAX] = TEXT_ROW(                                                \
            "packet_max", 16, "longest message: 1MB (default and most), 64KiB"),                  \
        [(first_) + BROKER_SHARE] = TEXT_ROW("share", 128,                                        \
                                             "name of a group whose members share the messages: " \
                                             "shared subscriptions"),                             \
        [(first_) +                                                                               \
            BROKER_STATUS_TOPIC] = TEXT_ROW("status_topic", MQTT_TOPIC_TEXT_MAX,                  \
                                            "where we say online and offline, retained; the "     \
                                            "broker says offline when we are gone (will)"),       \
        [(first_) +                                                                               \
            BROKER_SPARKPLUG_HOST] = TEXT_ROW("sparkplug_host", 128,                              \
                                              "Sparkplug: id of this gateway as the primary "     \
                                              "host application")

const struct option mqtt_broker_options[BROKER_ROWS + 1] = {
    LOGIN_ROWS(0),
    [BROKER_URL] = TEXT_ROW("url", MQTT_URL_TEXT_MAX,
                            "mqtt://10.0.5.1, mqtts://mq.example.org:8883, wss://HOST/mqtt"),
    [BROKER_QOS] = INT_ROW("qos", "1", 0, 2,
                           "quality of service of subscriptions: 0 may be lost, 1 at least once, 2 "
                           "exactly once"),
};

static const struct option own_device_options[] = {
    [DEVICE_BROKER - PAYLOAD_DEVICE_ROWS] = TEXT_ROW(
        "broker", MQTT_URL_TEXT_MAX,
        "one of drivers: mqtt: brokers, or a URL: mqtts://10.0.5.1:8883"),
    [DEVICE_TOPIC - PAYLOAD_DEVICE_ROWS] = TEXT_ROW("topic", MQTT_TOPICS_TEXT_MAX,
                                                    "what to subscribe to, several by ', ': "
                                                    "zigbee/{id}, tele/plug-1/#, +/site/up"),
    [DEVICE_QOS - PAYLOAD_DEVICE_ROWS] = INT_ROW("qos", NULL, 0, 2,
                                                 "quality of service; the broker's by default, 1"),
    [DEVICE_RETAINED - PAYLOAD_DEVICE_ROWS] = WORD_ROW(
        "retained", "uncertain", retained_words,
        "a retained message is of unknown age: its values are uncertain until a new one "
        "comes, or good, or ignored"),
    [DEVICE_SPARKPLUG - PAYLOAD_DEVICE_ROWS] = TEXT_ROW("sparkplug", 512,
                                                        "Group/Edge or Group/Edge/Device, "
                                                        "instead of a topic"),
    LOGIN_ROWS(DEVICE_LOGIN - PAYLOAD_DEVICE_ROWS),
    [DEVICE_ROWS - PAYLOAD_DEVICE_ROWS] = { .key = NULL },
};

static const struct option own_point_options[] = {
    [POINT_TOPIC - PAYLOAD_POINT_ROWS] = TEXT_ROW("topic", MQTT_TOPICS_TEXT_MAX,
                                                  "where its value comes, when not by the "
                                                  "device's topic; ~ is that before its wildcard"),
    [POINT_METRIC - PAYLOAD_POINT_ROWS] = TEXT_ROW("metric", 1024,
                                                   "Sparkplug: name of the metric: Temps/Supply"),
    [POINT_SEND - PAYLOAD_POINT_ROWS] = TEXT_ROW("send", PAYLOAD_TEMPLATE_MAX,
                                                 "what a write sends: {value} by default, "
                                                 "{value:ON|OFF}, {\"limit\": {value}}"),
    [POINT_SEND_TOPIC - PAYLOAD_POINT_ROWS] = TEXT_ROW(
        "send_topic", MQTT_TOPIC_TEXT_MAX, "where a write goes: ~/set, cmnd/{id}/POWER"),
    [POINT_SEND_QOS -
        PAYLOAD_POINT_ROWS] = INT_ROW("send_qos", "1", 0, 2, "quality of service of a write"),
    [POINT_SEND_RETAIN - PAYLOAD_POINT_ROWS] = BOOL_ROW("send_retain", "false",
                                                        "the broker keeps what is written for "
                                                        "those that come later"),
    [POINT_ROWS - PAYLOAD_POINT_ROWS] = { .key = NULL },
};

static const struct option own_event_options[] = {
    [EVENT_TOPIC - PAYLOAD_EVENT_ROWS] = TEXT_ROW("topic", MQTT_TOPICS_TEXT_MAX,
                                                  "where it comes, when not by the device's topic"),
    [EVENT_ROWS - PAYLOAD_EVENT_ROWS] = { .key = NULL },
};

struct option mqtt_device_options[DEVICE_ROWS + 1];
struct option mqtt_point_options[POINT_ROWS + 1];
struct option mqtt_event_options[EVENT_ROWS + 1];

void mqtt_options_make(void)
{
    memcpy(mqtt_device_options, payload_device_options, sizeof(payload_device_options));
    memcpy(mqtt_device_options + PAYLOAD_DEVICE_ROWS, own_device_options,
           sizeof(own_device_options));
    memcpy(mqtt_point_options, payload_point_options, sizeof(payload_point_options));
    memcpy(mqtt_point_options + PAYLOAD_POINT_ROWS, own_point_options, sizeof(own_point_options));
    memcpy(mqtt_event_options, payload_event_options,
           PAYLOAD_EVENT_ROWS * sizeof(payload_event_options[0]));
    memcpy(mqtt_event_options + PAYLOAD_EVENT_ROWS, own_event_options, sizeof(own_event_options));
}
