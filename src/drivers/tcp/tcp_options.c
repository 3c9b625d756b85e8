/* SPDX-License-Identifier: Apache-2.0 */
/* The rows, in the order of tcp_options.h. */
#include "drivers/tcp/tcp_options.h"

#include <string.h>

#include "base/clock.h"
#include "drivers/tcp/tcp_config.h"
#include "drivers/tcp/tcp_frame.h"

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
#define TIME_ROW(key_, fallback_, max_, choices_, help_)                                   \
    {                                                                                      \
        .key = (key_), .type = OPTION_DURATION, .fallback = (fallback_), .min = 10 * 1000, \
        .max = (max_), .choices = (choices_), .help = (help_)                              \
    }
#define WORD_ROW(key_, fallback_, choices_, help_)                                            \
    {                                                                                         \
        .key = (key_), .type = OPTION_CHOICE, .fallback = (fallback_), .choices = (choices_), \
        .help = (help_)                                                                       \
    }

enum { FILE_BYTES_MAX = 1024 };
#define DAY_US (INT64_C(24) * 3600 * CLOCK_US_PER_S)

static const char *const transports[] = { "tcp", "udp", NULL };
static const char *const plain_words[] = { "allow", NULL };
static const char *const unknown_words[] = { "keep", "close", NULL };
static const char *const never[] = { "never", NULL };

const struct option tcp_setup_options[] = {
    [SETUP_SCHEMAS] = TEXT_ROW("schemas", FILE_BYTES_MAX,
                               "folder of Protobuf descriptor sets, for 'protobuf' points"),
    { .key = NULL },
};

const struct option tcp_part_options[LINK_ROWS + 1] = {
    [LINK_LISTEN] = TEXT_ROW("listen", 300, "where it listens: 0.0.0.0:4001"),
    [LINK_TRANSPORT] = WORD_ROW("transport", "tcp", transports, "tcp or udp"),
    [LINK_FRAME] = TEXT_ROW("frame", 160,
                            "where a message ends: line, 'delimiter ;', 'fixed 12', 'length 2 "
                            "big', stx-etx, 'gap 50ms', none; of udp none, else line by default"),
    [LINK_FRAME_MAX] = INT_ROW("frame_max", "65536", 1, TCP_FRAME_LIMIT, "bytes of a message"),
    [LINK_TLS] = BOOL_ROW("tls", "false", "encrypted"),
    [LINK_CERTIFICATE] = OPTION_FILE_ROW(
        "certificate", "TLS: file (PEM) of our certificate; a listener's is busbar's "
                       "own by default"),
    [LINK_KEY] = OPTION_FILE_ROW("key",
                                 "TLS: file (PEM) of its key, where that is not in the same file"),
    [LINK_IDLE] = TIME_ROW("idle", NULL, 7 * DAY_US, never,
                           "a connection on which nothing came for so long is closed; of "
                           "listeners 10m by default, else never"),
    [LINK_KEEP_ALIVE_TEXT] = TEXT_ROW("keep_alive_text", TCP_TEXT_MAX,
                                      "sent when nothing else was: 'PING\\r\\n'"),
    [LINK_KEEP_ALIVE] = TIME_ROW("keep_alive", "30s", DAY_US, NULL, "how often it is sent"),
    [LINK_CLIENT_CA] = OPTION_FILE_ROW(
        "client_ca", "TLS: file (PEM) of the authority whose devices may connect; "
                     "they must show a certificate then"),
    [LINK_ALLOW] = TEXT_ROW("allow", 8192,
                            "who may send: 10.0.7.0/24, 10.0.9.7; everybody by default"),
    [LINK_PLAIN] = WORD_ROW("plain", NULL, plain_words,
                            "'allow': unencrypted, though other machines reach it"),
    [LINK_STREAMS_MAX] = INT_ROW("streams_max", "10000", 1, TCP_STREAMS_MAX,
                                 "connections at a time"),
    [LINK_PER_SOURCE] = INT_ROW("per_source", "100", 1, TCP_STREAMS_MAX,
                                "connections of one address at a time"),
    [LINK_FIRST_BYTE] = TIME_ROW("first_byte", "10s", DAY_US, never,
                                 "a new connection that sends nothing for so long is closed"),
    [LINK_FRAME_TIME] = TIME_ROW("frame_time", "20s", DAY_US, never,
                                 "how long a message may take from its first byte to its end"),
    [LINK_ACK] = TEXT_ROW("ack", TCP_TEXT_MAX,
                          "sent when a message is on disk: 'OK\\r\\n', 'ACK {id}\\r\\n'"),
    [LINK_NACK] = TEXT_ROW("nack", TCP_TEXT_MAX, "sent when a message was not taken"),
    [LINK_FIRST] = TEXT_ROW("first", 1024,
                            "the first message of a connection says whose it is: a regular "
                            "expression, its group is the id: '^LOGIN (\\w+)'"),
    [LINK_UNKNOWN] = WORD_ROW("unknown", "keep", unknown_words,
                              "a connection whose id no device has: keep or close"),
    { .key = NULL },
};

static const struct option client_rows[] = {
    OPTION_FILE_ROW("ca", "TLS: file (PEM) of the authority that signed the device's certificate"),
    TEXT_ROW("server_name", 255, "TLS: name in its certificate, when not that in 'connect'"),
    BOOL_ROW("verify", "true", "TLS: false takes any certificate; insecure"),
    TEXT_ROW("hello", TCP_TEXT_MAX, "sent at once: 'LOGIN busbar {password}\\r\\n'"),
    { .key = "password", .type = OPTION_SECRET, .help = "for {password} in hello: !secret NAME" },
    TIME_ROW("timeout", "3s", 10 * 60 * CLOCK_US_PER_S, NULL, "how long an answer may take"),
};
_Static_assert(sizeof(client_rows) / sizeof(client_rows[0]) == DEVICE_ROWS - DEVICE_CA,
               "one row for each");

static const struct option own_point_rows[] = {
    TEXT_ROW("ask", TCP_TEXT_MAX, "what to send to be told it: 'T?\\r\\n'"),
    TEXT_ROW("send", TCP_TEXT_MAX, "what to send to write it: 'T={value}\\r\\n'"),
    TEXT_ROW("answer", 1024, "a regular expression: the answer that a write is waited for"),
    TEXT_ROW("refused", 1024, "a regular expression: the answer when it will not be written"),
};
_Static_assert(sizeof(own_point_rows) / sizeof(own_point_rows[0]) == POINT_ROWS - POINT_ASK,
               "one row for each");

const struct option *tcp_device_options(void)
{
    static struct option rows[DEVICE_ROWS + 1];
    if (rows[0].key == NULL) {
        memcpy(rows, payload_device_options, sizeof(payload_device_options));
        rows[DEVICE_LISTENER] = (struct option)TEXT_ROW(
            "listener", 63, "the one of drivers: tcp: listeners that it sends to");
        rows[DEVICE_CONNECT] = (struct option)TEXT_ROW(
            "connect", 300, "where we connect to: 10.0.7.4, port 42000 by default");
        memcpy(rows + DEVICE_LINK, tcp_part_options, LINK_ROWS * sizeof(rows[0]));
        memcpy(rows + DEVICE_CA, client_rows, sizeof(client_rows));
    }
    return rows;
}

const struct option *tcp_point_options(void)
{
    static struct option rows[POINT_ROWS + 1];
    if (rows[0].key == NULL) {
        memcpy(rows, payload_point_options, sizeof(payload_point_options));
        memcpy(rows + POINT_ASK, own_point_rows, sizeof(own_point_rows));
    }
    return rows;
}
