/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of settings: of a point, of a device, of an event. Their order is that of point.h and program.h. */
#include "payload/program.h"
#include "payload/rule.h"

enum { EXPRESSION_MAX = 1024, WORDS_MAX = 512 };

#define TEXT_ROW(key_, max_, help_)                                                  \
    {                                                                                \
        .key = (key_), .type = OPTION_TEXT, .min = 1, .max = (max_), .help = (help_) \
    }

const char *const payload_type_words[PAYLOAD_TYPES + 1] = {
    "auto",   "bool",    "int",     "number", "text",   "uint8", "int8",
    "uint16", "int16",   "uint24",  "int24",  "uint32", "int32", "uint64",
    "int64",  "float32", "float64", "bcd",    "ascii",  NULL,
};
static const char *const order_words[] = { "ABCD", "DCBA", "BADC", "CDAB", NULL };
static const char *const text_words[] = { "all", NULL };
static const char *const encoding_words[] = { "utf-8", "latin-1", NULL };
static const char *const decimal_words[] = { ".", ",", NULL };

const struct option payload_point_options[PAYLOAD_POINT_ROWS] = {
    [PAYLOAD_POINT_JSON] = TEXT_ROW("json", EXPRESSION_MAX,
                                    "where the value stands in a JSON message: $.ac.power"),
    [PAYLOAD_POINT_CBOR] = TEXT_ROW("cbor", EXPRESSION_MAX,
                                    "where it stands in a CBOR message: $.t"),
    [PAYLOAD_POINT_MSGPACK] = TEXT_ROW("msgpack", EXPRESSION_MAX,
                                       "where it stands in a MessagePack message: $.t"),
    [PAYLOAD_POINT_PROTOBUF] = TEXT_ROW(
        "protobuf", EXPRESSION_MAX,
        "where it stands in a Protobuf message: $.t; the device's 'message' says of which type"),
    [PAYLOAD_POINT_XML] = TEXT_ROW("xml", EXPRESSION_MAX,
                                   "where it stands in an XML message, as XPath: /room/t or "
                                   "//t[@id='a']; names without their namespace"),
    [PAYLOAD_POINT_CSV] = TEXT_ROW("csv", EXPRESSION_MAX,
                                   "a column: its number, from 1, or its name in the first line"),
    [PAYLOAD_POINT_KEY] = TEXT_ROW("key", EXPRESSION_MAX,
                                   "the name before = or : in a message such as t=21.4 h=40"),
    [PAYLOAD_POINT_MATCH] = TEXT_ROW("match", EXPRESSION_MAX,
                                     "a regular expression; its group is the value: '^T=(.*)$'"),
    [PAYLOAD_POINT_BYTES] = { .key = "bytes",
                              .type = OPTION_INT,
                              .min = -PAYLOAD_BODY_MAX,
                              .max = PAYLOAD_BODY_MAX,
                              .help =
                                  "where it begins in a binary message: bytes from 0; negative: "
                                  "from the end" },
    [PAYLOAD_POINT_TEXT] = { .key = "text",
                             .type = OPTION_CHOICE,
                             .choices = text_words,
                             .help = "'all': the whole message is the value" },
    [PAYLOAD_POINT_ABOUT] = TEXT_ROW("about", EXPRESSION_MAX,
                                     "what is said beside the message: topic, level 2, property "
                                     "NAME, url, header NAME, query NAME, source, certificate"),
    [PAYLOAD_POINT_TYPE] = { .key = "type",
                             .type = OPTION_CHOICE,
                             .fallback = "auto",
                             .choices = payload_type_words,
                             .help =
                                 "what the value is: bool, int, number or text; of 'bytes' also "
                                 "uint8 to float64, bcd, ascii; auto takes it as it comes" },
    [PAYLOAD_POINT_ORDER] = { .key = "order",
                              .type = OPTION_CHOICE,
                              .fallback = "ABCD",
                              .choices = order_words,
                              .help = "of 'bytes': ABCD the highest first, DCBA the lowest first, "
                                      "BADC and CDAB as some Modbus devices have it" },
    [PAYLOAD_POINT_LENGTH] = { .key = "length",
                               .type = OPTION_INT,
                               .min = 1,
                               .max = PAYLOAD_LENGTH_MAX,
                               .help = "of 'bytes' that are bcd or ascii: how many" },
    [PAYLOAD_POINT_BIT] = { .key = "bit",
                            .type = OPTION_INT,
                            .min = 0,
                            .max = 63,
                            .help = "of 'bytes': one bit, 0 is the lowest" },
    [PAYLOAD_POINT_BITS] = TEXT_ROW("bits", 16, "of 'bytes': some bits as a number: 4-7"),
    [PAYLOAD_POINT_NONE] = TEXT_ROW("none", WORDS_MAX,
                                    "what stands for no value: 'NaN, unavailable, -9999'"),
    [PAYLOAD_POINT_AT] = TEXT_ROW("at", EXPRESSION_MAX,
                                  "where the value's own time stands, in the same language"),
};

const struct option payload_device_options[PAYLOAD_DEVICE_ROWS] = {
    [PAYLOAD_DEVICE_ID] = TEXT_ROW("id", 256,
                                   "what the device calls itself in its messages; its name by "
                                   "default; {id} stands for it"),
    [PAYLOAD_DEVICE_EACH] = TEXT_ROW(
        "each", EXPRESSION_MAX,
        "a message is many readings: 'json $.readings[*]', 'csv' (each "
        "line), 'match EXPRESSION', 'xml //row'"),
    [PAYLOAD_DEVICE_ID_FROM] = TEXT_ROW("id_from", EXPRESSION_MAX,
                                        "where a message says which device it is of: 'json $.id', "
                                        "'level 2', 'header x-id', 'match ^(\\w+);'"),
    [PAYLOAD_DEVICE_TIME] = TEXT_ROW(
        "time", EXPRESSION_MAX,
        "where a message says when: 'json $.ts'; else the time it came "
        "counts"),
    [PAYLOAD_DEVICE_TIME_FORMAT] = { .key = "time_format",
                                     .type = OPTION_TEXT,
                                     .fallback = "auto",
                                     .min = 1,
                                     .max = 64,
                                     .help = "auto, iso, unix, unix-ms, unix-us, unix-ns, or a "
                                             "pattern such as '%d.%m.%Y %H:%M:%S'" },
    [PAYLOAD_DEVICE_TIME_ZONE] = { .key = "time_zone",
                                   .type = OPTION_TEXT,
                                   .fallback = "utc",
                                   .min = 1,
                                   .max = 16,
                                   .help =
                                       "of times that say none: utc, local (this machine's), or "
                                       "+02:00" },
    [PAYLOAD_DEVICE_SEPARATOR] = { .key = "separator",
                                   .type = OPTION_TEXT,
                                   .fallback = ",",
                                   .min = 1,
                                   .max = 3,
                                   .help = "between the columns of 'csv': one character, or tab" },
    [PAYLOAD_DEVICE_HEADER] = { .key = "header",
                                .type = OPTION_BOOL,
                                .help =
                                    "whether the first line of 'csv' has names; true by default "
                                    "where a column is named" },
    [PAYLOAD_DEVICE_DECIMAL] = { .key = "decimal",
                                 .type = OPTION_CHOICE,
                                 .fallback = ".",
                                 .choices = decimal_words,
                                 .help = "before the decimals of numbers written as text: . or ," },
    [PAYLOAD_DEVICE_ENCODING] = { .key = "encoding",
                                  .type = OPTION_CHOICE,
                                  .fallback = "utf-8",
                                  .choices = encoding_words,
                                  .help = "of text: utf-8 or latin-1" },
    [PAYLOAD_DEVICE_ONLY] = TEXT_ROW(
        "only", EXPRESSION_MAX,
        "only messages where this is so are of the device: 'json "
        "$.type==\"reading\"', 'match ^DATA', 'header x-kind == full'"),
    [PAYLOAD_DEVICE_MESSAGE] = TEXT_ROW("message", 256,
                                        "the Protobuf message's type: acme.Reading; it stands in "
                                        "the folder 'schemas' of the protocol's section"),
};

const struct option payload_event_options[PAYLOAD_EVENT_ROWS + 1] = {
    [PAYLOAD_EVENT_JSON] = TEXT_ROW("json", EXPRESSION_MAX,
                                    "happens when this stands in a JSON message and is not null, "
                                    "false, 0 or empty: $.fault"),
    [PAYLOAD_EVENT_CBOR] = TEXT_ROW("cbor", EXPRESSION_MAX, "the same in a CBOR message"),
    [PAYLOAD_EVENT_MSGPACK] = TEXT_ROW("msgpack", EXPRESSION_MAX,
                                       "the same in a MessagePack message"),
    [PAYLOAD_EVENT_PROTOBUF] = TEXT_ROW("protobuf", EXPRESSION_MAX,
                                        "the same in a Protobuf message"),
    [PAYLOAD_EVENT_XML] = TEXT_ROW("xml", EXPRESSION_MAX,
                                   "happens when this XPath finds something in an XML message"),
    [PAYLOAD_EVENT_CSV] = TEXT_ROW("csv", EXPRESSION_MAX,
                                   "happens when this column is not empty, 0 or false"),
    [PAYLOAD_EVENT_KEY] = TEXT_ROW("key", EXPRESSION_MAX,
                                   "happens when this key is there and not empty, 0 or false"),
    [PAYLOAD_EVENT_MATCH] = TEXT_ROW(
        "match", EXPRESSION_MAX,
        "happens when this regular expression matches; its named groups "
        "are the arguments: '^DOOR (?<door>\\d+) OPEN$'"),
    [PAYLOAD_EVENT_ABOUT] = TEXT_ROW("about", EXPRESSION_MAX,
                                     "happens when this stands beside the message: header x-alarm"),
    [PAYLOAD_EVENT_ARGUMENTS] = TEXT_ROW(
        "arguments", EXPRESSION_MAX,
        "names with places in the same language: 'code=$.fault.code, "
        "since=$.fault.ts'"),
};
