/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of settings: of the protocol, of a login, of a device, of a point. Their order is that of
 * snmp_options.h. */
#include "drivers/snmp/snmp_options.h"

#include "base/clock.h"
#include "drivers/snmp/snmp_client.h"
#include "drivers/snmp/snmp_config.h"
#include "drivers/snmp/snmp_traps.h"
#include "drivers/snmp/snmp_value.h"

static const char *const version_words[] = { "1", "2c", "3", NULL };

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

#define VERSION_HELP   "1, 2c or 3; 3 where a user is given, else 2c"
#define COMMUNITY_HELP "of versions 1 and 2c: !secret NAME; public by default"
#define USER_HELP      "of version 3: the user's name"
#define AUTH_HELP      "the user's authentication password: !secret NAME"
#define AUTH_TYPE_HELP "SHA-256 by default; SHA-224 to SHA-512; MD5 and SHA (SHA-1) are weak"
#define PRIV_HELP      "the user's privacy password, for encryption: !secret NAME"
#define PRIV_TYPE_HELP "AES-128 by default; AES-192, AES-256, also as Cisco's; DES is weak"
#define CONTEXT_HELP   "context name; most devices have only the empty one"

const struct option snmp_setup_options[] = {
    [SETUP_MIBS] = TEXT_ROW("mibs", 1024, "folders and files of MIB modules, several by ','"),
    [SETUP_BIND] = TEXT_ROW("bind", 64,
                            "address that questions leave from: 10.0.4.1; all by "
                            "default"),
    [SETUP_SOURCE_PORTS] = TEXT_ROW("source_ports", 16,
                                    "UDP ports that questions leave from: 40000-40015; one that "
                                    "the system chooses by default"),
    [SETUP_LISTEN] = TEXT_ROW("listen", 1024,
                              "where traps and informs come in: 0.0.0.0:162, several by ','; "
                              "nothing listens without it"),
    [SETUP_ALLOW] = TEXT_ROW("allow", 8192,
                             "who may send traps: 10.0.4.0/24, 10.0.9.7, any; the addresses of "
                             "the devices by default"),
    [SETUP_TRAP_RATE] = INT_ROW("trap_rate", "100", 1, 1000000,
                                "traps a second that one source may send"),
    [SETUP_TRAP_BURST] = INT_ROW("trap_burst", "1000", 1, 1000000,
                                 "traps that one source may send at once"),
    { .key = NULL },
};

const struct option snmp_part_options[] = {
    [PART_VERSION] = WORD_ROW("version", NULL, version_words, VERSION_HELP),
    [PART_COMMUNITY] = SECRET_ROW("community", COMMUNITY_HELP),
    [PART_USER] = TEXT_ROW("user", USM_NAME_MAX, USER_HELP),
    [PART_AUTH] = SECRET_ROW("auth", AUTH_HELP),
    [PART_AUTH_TYPE] = WORD_ROW("auth_type", "SHA-256", usm_auth_words, AUTH_TYPE_HELP),
    [PART_PRIV] = SECRET_ROW("priv", PRIV_HELP),
    [PART_PRIV_TYPE] = WORD_ROW("priv_type", "AES-128", usm_priv_words, PRIV_TYPE_HELP),
    [PART_CONTEXT] = TEXT_ROW("context", SNMP_CONTEXT_MAX, CONTEXT_HELP),
    [PART_ORDER] = INT_ROW("order", "100", 0, 1000000,
                           "discovery tries the logins in this order, then by name"),
    { .key = NULL },
};

const struct option snmp_device_options[] = {
    [DEVICE_HOST] = TEXT_ROW("host", ADDRESS_TEXT_MAX,
                             "10.0.4.2, switch-1.example.com, 10.0.4.2:1161, [2001:db8::7]:161"),
    [DEVICE_CREDENTIALS] = TEXT_ROW("credentials", SETUP_NAME_MAX,
                                    "one of drivers: snmp: credentials"),
    [DEVICE_VERSION] = WORD_ROW("version", NULL, version_words, VERSION_HELP),
    [DEVICE_COMMUNITY] = SECRET_ROW("community", COMMUNITY_HELP),
    [DEVICE_USER] = TEXT_ROW("user", USM_NAME_MAX, USER_HELP),
    [DEVICE_AUTH] = SECRET_ROW("auth", AUTH_HELP),
    [DEVICE_AUTH_TYPE] = WORD_ROW("auth_type", "SHA-256", usm_auth_words, AUTH_TYPE_HELP),
    [DEVICE_PRIV] = SECRET_ROW("priv", PRIV_HELP),
    [DEVICE_PRIV_TYPE] = WORD_ROW("priv_type", "AES-128", usm_priv_words, PRIV_TYPE_HELP),
    [DEVICE_CONTEXT] = TEXT_ROW("context", SNMP_CONTEXT_MAX, CONTEXT_HELP),
    [DEVICE_TIMEOUT] = TIME_ROW("timeout", "1500ms", 50 * CLOCK_US_PER_MS, 60 * CLOCK_US_PER_S,
                                "longest wait for the answer to one transmission"),
    [DEVICE_RETRIES] = INT_ROW("retries", "2", 0, 10,
                               "further transmissions of what is not answered; never of a SET"),
    [DEVICE_IN_FLIGHT] = INT_ROW("in_flight", "2", 1, 64,
                                 "questions sent before an answer is awaited"),
    [DEVICE_MAX_OIDS] = INT_ROW("max_oids", "48", 1, 1024,
                                "values asked for in one question; less where the device bears "
                                "less"),
    [DEVICE_MAX_REPETITIONS] = INT_ROW("max_repetitions", "24", 1, 1024,
                                       "rows asked for at once by GETBULK"),
    [DEVICE_BULK] = BOOL_ROW("bulk", "true", "may be asked by GETBULK; false: by GETNEXT"),
    [DEVICE_ANY_SOURCE] = BOOL_ROW("any_source", "false",
                                   "answers may come from another address than was asked"),
    [DEVICE_TRAPS] = BOOL_ROW("traps", "true", "its traps and informs are taken"),
    [DEVICE_TRAP_ADDRESSES] = TEXT_ROW("trap_addresses", 1024,
                                       "more addresses that its traps come from, several by ','"),
    { .key = NULL },
};

const struct option snmp_point_options[] = {
    [POINT_OID] = TEXT_ROW("oid", 512, "IF-MIB::ifOperStatus.7, sysUpTime.0, 1.3.6.1.2.1.1.3.0"),
    [POINT_ROW] = TEXT_ROW("row", 256, "the row by its name: eth0, or ifAlias=uplink to core"),
    [POINT_TYPE] = WORD_ROW("type", "auto", snmp_type_words,
                            "how to read (and write) the value; by MIB and answer by default"),
    [POINT_BIT] = INT_ROW("bit", NULL, 0, 4095, "one bit of BITS, from 0"),
    [POINT_AS] = WORD_ROW("as", "raw", snmp_as_words,
                          "of a counter: raw, total (over its wraps), rate a second, change"),
    [POINT_HINT] = TEXT_ROW("hint", 64, "DISPLAY-HINT: d-2, 1x:, 255a; the MIB's by default"),
    [POINT_TRAPS] = BOOL_ROW("traps", "false",
                             "a trap that carries this value sets it, one about its row reads it"),
    [POINT_POLL_ON] = TEXT_ROW("poll_on", 1024,
                               "traps that have it read at once: linkUp, linkDown, or any"),
    [POINT_TRAP] = TEXT_ROW("trap", 2048, "set by traps, never read: linkUp=1, linkDown=2"),
    [POINT_ARGUMENT] = TEXT_ROW("argument", 512,
                                "the variable of a trap that is its value; never read"),
    { .key = NULL },
};
