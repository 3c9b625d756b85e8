/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of settings: of the protocol, of a network, of a device. Their order is that of bacnet_options.h. */
#include "drivers/bacnet/bacnet_options.h"

#include "base/clock.h"
#include "drivers/bacnet/bacnet_config.h"

static const char *const sync_words[] = { "off", "local", "utc", NULL };
static const char *const segmentation_words[] = { "auto", "none", NULL };
static const char *const out_of_service_words[] = { "warn", "ignore", NULL };
static const char *const alarm_words[] = { "off", "listen", "enrol", NULL };

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
#define DAY    (INT64_C(86400) * CLOCK_US_PER_S)

const struct option bacnet_setup_options[] = {
    [SETUP_DEVICE_ID] = INT_ROW("device_id", "4194000", 0, BACNET_INSTANCE_MAX - 1,
                                "number of our own device object; unique in the whole building"),
    [SETUP_DEVICE_NAME] = TEXT_ROW("device_name", 64,
                                   "name of our own device object; 'busbar' and the host's "
                                   "name by default"),
    [SETUP_VENDOR_ID] = INT_ROW("vendor_id", "0", 0, 65535,
                                "vendor identifier that our device object shows"),
    [SETUP_LOCATION] = TEXT_ROW("location", 256, "location that our device object shows"),
    [SETUP_DESCRIPTION] = TEXT_ROW("description", 256, "description that our device object shows"),
    [SETUP_ANSWERS] = BOOL_ROW("answers", "true",
                               "our device object answers Who-Is, Who-Has and ReadProperty"),
    { .key = NULL },
};

const struct option bacnet_network_options[] = {
    [NETWORK_INTERFACE] = TEXT_ROW("interface", 31, "network card: eth0"),
    [NETWORK_ADDRESS] = TEXT_ROW("address", 32, "our own address on it: 10.0.1.5 or 10.0.1.5/24"),
    [NETWORK_PORT] = INT_ROW("port", "47808", 1, 65535, "UDP port, 0xBAC0 by default"),
    [NETWORK_NUMBER] = INT_ROW("number", NULL, 1, 65534,
                               "number of this BACnet network, if it has "
                               "one"),
    [NETWORK_FOREIGN] = TEXT_ROW("foreign", ADDRESS_TEXT_MAX,
                                 "register as a foreign device at this BBMD: a.b.c.d:port"),
    [NETWORK_TTL] = TIME_ROW("ttl", "5m", 30 * SECOND, 65535 * SECOND,
                             "how long a registration as a foreign device holds; renewed before"),
    [NETWORK_LISTEN] = BOOL_ROW("listen", "true",
                                "devices heard without asking are shown as found"),
    [NETWORK_TIME_SYNC] = WORD_ROW("time_sync", "off", sync_words,
                                   "tell the devices the time: local time or UTC"),
    [NETWORK_TIME_SYNC_EVERY] = TIME_ROW("time_sync_every", "1h", 60 * SECOND, 30 * DAY,
                                         "how often the time is told"),
    { .key = NULL },
};

const struct option bacnet_device_options[] = {
    [DEVICE_DEVICE] = INT_ROW("device", NULL, 0, BACNET_INSTANCE_MAX - 1,
                              "the device's number (instance of its device object)"),
    [DEVICE_NETWORK] = TEXT_ROW("network", 63,
                                "one of drivers: bacnet: networks, or a subnet: 10.0.1.0/24"),
    [DEVICE_ADDRESS] = TEXT_ROW("address", ADDRESS_TEXT_MAX,
                                "a.b.c.d or a.b.c.d:port; without it the device is looked for"),
    [DEVICE_REMOTE_NETWORK] = INT_ROW("remote_network", NULL, 1, 65534,
                                      "number of the network behind a router"),
    [DEVICE_REMOTE_MAC] = TEXT_ROW("remote_mac", 64,
                                   "address there: 12 (MS/TP), 0a:00:1f, 10.0.7.3:47808"),
    [DEVICE_TIMEOUT] = TIME_ROW("timeout", "5s", 50 * CLOCK_US_PER_MS, 60 * SECOND,
                                "longest wait for the answer to one transmission"),
    [DEVICE_RETRIES] = INT_ROW("retries", "3", 0, 10,
                               "further transmissions of what is not "
                               "answered; never of a write"),
    [DEVICE_IN_FLIGHT] = INT_ROW("in_flight", NULL, 1, BACNET_IN_FLIGHT_MAX,
                                 "requests sent before an answer is awaited; without it as many "
                                 "as the device bears, up to 4, behind a router 1"),
    [DEVICE_MAX_APDU] = INT_ROW("max_apdu", NULL, BACNET_APDU_MIN, BACNET_APDU_MAX,
                                "longest message for the device, bytes; without it what it says"),
    [DEVICE_SEGMENTATION] = WORD_ROW("segmentation", "auto", segmentation_words,
                                     "answers in several segments: auto or none"),
    [DEVICE_FORCE_POLLING] = BOOL_ROW("force_polling", "false",
                                      "poll every point, subscribe to none"),
    [DEVICE_COV] = BOOL_ROW("cov", "true", "subscribe to changes where the device can (COV)"),
    [DEVICE_COV_CONFIRMED] = BOOL_ROW("cov_confirmed", "true",
                                      "changes are told with confirmation: none is lost"),
    [DEVICE_COV_LIFETIME] = TIME_ROW("cov_lifetime", "10m", 60 * SECOND, 7 * DAY,
                                     "how long a subscription holds; renewed before"),
    [DEVICE_CHECK_EVERY] = TIME_ROW("check_every", "5m", 10 * SECOND, DAY,
                                    "subscribed points are polled so often, as a check"),
    [DEVICE_STATUS_FLAGS] = BOOL_ROW("status_flags", "true",
                                     "read status-flags beside each present-value"),
    [DEVICE_OUT_OF_SERVICE] = WORD_ROW("out_of_service", "warn", out_of_service_words,
                                       "warn: a point out of service has no value"),
    [DEVICE_PRIORITY] = INT_ROW("priority", "8", 1, 16,
                                "priority of writes; 8 is the manual operator's"),
    [DEVICE_ALARMS] = WORD_ROW("alarms", "listen", alarm_words,
                               "event notifications: taken as they come, or enrol for them"),
    [DEVICE_NOTIFICATION_CLASSES] = TEXT_ROW("notification_classes", 256,
                                             "with alarms: enrol; instances '1, 5', or all"),
    [DEVICE_TREND_EVERY] = TIME_ROW("trend_every", "15m", 60 * SECOND, DAY,
                                    "how often trend logs are read"),
    { .key = NULL },
};
