/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of settings, in the order of opcua_options.h. */
#include "drivers/opcua/opcua_options.h"

#include "base/clock.h"

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

#define MILLISECOND CLOCK_US_PER_MS
#define SECOND      CLOCK_US_PER_S
#define HOUR        (INT64_C(3600) * CLOCK_US_PER_S)

enum { QUEUE_MAX = 10000, URLS_TEXT_MAX = 2048, URL_TEXT_MAX = 400 };

static const char *const discard_words[] = { "oldest", "newest", NULL };
static const char *const fastest_word[] = { "fastest", NULL };
static const char *const type_words[] = { "bool", "int", "double", "string", NULL };
static const char *const alarm_words[] = { "off", "conditions", "all", NULL };

#define SAMPLING_ROW(help_)                                                          \
    {                                                                                \
        .key = "sampling", .type = OPTION_DURATION, .min = MILLISECOND, .max = HOUR, \
        .choices = fastest_word, .help = (help_)                                     \
    }

const struct option opcua_device_options[] = {
    [DEVICE_URL] = TEXT_ROW("url", URL_TEXT_MAX,
                            "opc.tcp://10.0.3.5:48250, with a path where the server has one"),
    [DEVICE_REDUNDANT] = TEXT_ROW("redundant", URLS_TEXT_MAX,
                                  "more endpoints of the same server, tried in this order when the "
                                  "first is down: \"opc.tcp://10.0.3.6, opc.tcp://10.0.3.7\""),
    [DEVICE_SECURITY] = { .key = "security",
                          .type = OPTION_TEXT,
                          .fallback = "auto",
                          .min = 1,
                          .max = 64,
                          .help = "auto (the strongest offered, never none), none, or "
                                  "\"encrypt Basic256Sha256\", \"sign Basic256Sha256\" ..." },
    [DEVICE_SERVER_NAME] = TEXT_ROW("server_name", 253,
                                    "name in the server's certificate, when it is not the host's"),
    [DEVICE_USER] = TEXT_ROW("user", 256, "user name; without it anonymous"),
    [DEVICE_PASSWORD] = { .key = "password",
                          .type = OPTION_SECRET,
                          .help = "its password: !secret press-1" },
    [DEVICE_CLEAR_PASSWORD] = BOOL_ROW("password_in_clear", "false",
                                       "the password may be sent for all to read, to a server "
                                       "that has no security"),
    [DEVICE_CERTIFICATE] = OPTION_FILE_ROW(
        "certificate", "file (PEM or DER): the user is who has this certificate"),
    [DEVICE_KEY] = OPTION_FILE_ROW("key", "file with the key of 'certificate'"),
    [DEVICE_LOCALE] = TEXT_ROW("locale", 32, "language of the server's texts: en, de-CH"),
    [DEVICE_TIMEOUT] = TIME_ROW("timeout", "5s", 100 * MILLISECOND, 5 * 60 * SECOND,
                                "longest wait for a connection, and for one answer"),
    [DEVICE_SESSION_TIMEOUT] = TIME_ROW("session_timeout", "2m", 5 * SECOND, 24 * HOUR,
                                        "how long the server keeps our session when the link is "
                                        "lost"),
    [DEVICE_KEEP_ALIVE] = TIME_ROW("keep_alive", "10s", 500 * MILLISECOND, HOUR,
                                   "silence after which the server is asked how it is"),
    [DEVICE_PUBLISHING] = TIME_ROW("publishing", "1s", 10 * MILLISECOND, HOUR,
                                   "how often the server sends what changed"),
    [DEVICE_SAMPLING] = SAMPLING_ROW("how often the server looks at a value: as 'publishing' by "
                                     "default, or 'fastest'"),
    [DEVICE_QUEUE] = INT_ROW("queue", NULL, 1, QUEUE_MAX,
                             "values of a point that the server keeps between two publishings; by "
                             "default as many as 'sampling' makes"),
    [DEVICE_DISCARD] = WORD_ROW("discard", "oldest", discard_words,
                                "what the server drops when that is full: oldest or newest"),
    [DEVICE_FORCE_POLLING] = BOOL_ROW("force_polling", "false",
                                      "read every point, subscribe to none"),
    [DEVICE_CHECK_EVERY] = TIME_ROW("check_every", "5m", 10 * SECOND, 24 * HOUR,
                                    "subscribed points are read so often, as a check"),
    [DEVICE_HISTORY] = BOOL_ROW("history", "false",
                                "holes after an outage are filled from the server's history"),
    [DEVICE_ALARMS] = WORD_ROW("alarms", "off", alarm_words,
                               "conditions (alarms and what needs an acknowledgement), all events, "
                               "or off"),
    [DEVICE_ALARM_SOURCE] = TEXT_ROW("alarm_source", 512,
                                     "node whose events are taken; the whole server by default"),
    [DEVICE_ALARM_SEVERITY] = INT_ROW("alarm_severity", NULL, 1, 1000,
                                      "only events of this severity (1 to 1000) and above"),
    [DEVICE_ALARM_FIELDS] = TEXT_ROW("alarm_fields", 1024,
                                     "more fields of events to keep, by their browse names: "
                                     "Zone, 2:Batch/Id"),
    { .key = NULL },
};

const struct option opcua_point_options[] = {
    [POINT_NODE] = TEXT_ROW("node", 4600, "nsu=urn:acme:press;s=Oil.Temp, ns=2;i=5001, i=2258"),
    [POINT_RANGE] = TEXT_ROW("range", 128, "a part of an array, counted from 0: 3, 0:9, 1,2:4"),
    [POINT_MEMBER] = TEXT_ROW("member", 256, "one member of a structure: Position.X"),
    [POINT_ATTRIBUTE] = TEXT_ROW("attribute", 32,
                                 "instead of the value: description, data-type, access-level ..."),
    [POINT_TYPE] = { .key = "type",
                     .type = OPTION_CHOICE,
                     .choices = type_words,
                     .help = "bool, int, double or string; without it as the server says" },
    [POINT_SAMPLING] = SAMPLING_ROW("how often the server looks at it; the device's by default"),
    [POINT_QUEUE] = INT_ROW("queue", NULL, 1, QUEUE_MAX,
                            "values the server keeps between two publishings"),
    [POINT_DISCARD] = { .key = "discard",
                        .type = OPTION_CHOICE,
                        .choices = discard_words,
                        .help = "what it drops when that is full: oldest or newest" },
    [POINT_CHANGE] = TEXT_ROW("change", 32,
                              "smallest change the server tells: 0.5, or 1% of the value's range"),
    [POINT_POLL] = BOOL_ROW("poll", "false", "read in its period, not subscribed"),
    [POINT_HISTORY] = { .key = "history",
                        .type = OPTION_BOOL,
                        .help = "holes are filled from the server's history; the device's by "
                                "default" },
    { .key = NULL },
};
