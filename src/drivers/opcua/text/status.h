/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes (Part 4, 7.39; Part 6, annex A.2) in words, and into quality. Pure.
 *
 * A status code has 32 bits, a sample's detail has 16: the upper half of the code, which holds severity and
 * sub-code; the lower half is flags (semantics changed, overflow, limit), of which overflow is counted.
 *
 * What we find out about a value ourselves has codes of the same form with severity 3, which the standard leaves
 * free: one table explains all details. */
#ifndef BUSBAR_DRIVERS_OPCUA_TEXT_STATUS_H
#define BUSBAR_DRIVERS_OPCUA_TEXT_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/* X(name, upper half, quality, words) */
#define OPCUA_FINDINGS(X)                                                                        \
    X(NULL_VALUE, 0xf001, NOT_YET, "the node holds no value: nothing was written to it yet")     \
    X(NOT_A_NUMBER, 0xf002, DECODE, "the server sent a number that is none (NaN or infinite)")   \
    X(TOO_LARGE, 0xf003, OUT_OF_RANGE,                                                           \
      "the number does not fit into 64 bits with sign (above 9223372036854775807)")              \
    X(TOO_LONG, 0xf004, OUT_OF_RANGE,                                                            \
      "the value as text is longer than busbar keeps (4096 bytes); set 'range' or 'member' to "  \
      "take a part of it")                                                                       \
    X(TOO_DEEP, 0xf005, DECODE, "the value is nested deeper than busbar follows")                \
    X(WRONG_SHAPE, 0xf006, DECODE,                                                               \
      "the server answered with another part of the array than 'range' asks for; its array may " \
      "be shorter, or it cannot send parts: remove 'range'")                                     \
    X(BROKEN, 0xf007, DECODE,                                                                    \
      "the value's bytes are not what its type says; 'busbar device frames' shows them")         \
    X(NO_DEFINITION, 0xf008, CONFIGURATION,                                                      \
      "the server does not tell how this structure is built, so it is kept raw and its members " \
      "cannot be had; remove 'member', or update the server")                                    \
    X(NO_MEMBER, 0xf009, CONFIGURATION,                                                          \
      "the structure has no such 'member'; see what it has: 'busbar device browse'")             \
    X(NOT_A_STRUCTURE, 0xf00a, CONFIGURATION,                                                    \
      "the value is no structure and has no members; remove 'member'")                           \
    X(ABSENT, 0xf00b, NOT_YET, "this optional member is not set just now")                       \
    X(NO_NAMESPACE, 0xf00c, CONFIGURATION,                                                       \
      "the server has no namespace of this URI; see those it has: 'busbar device browse'")       \
    X(LEFT_OUT, 0xf00d, DECODE, "the server answered, but left this value out")                  \
    X(NOT_TEXT, 0xf00e, DECODE, "the server sent a text that is not UTF-8")                      \
    X(DATE, 0xf00f, OUT_OF_RANGE, "the date is outside of the years 1601 to 9999")               \
    X(LOADING, 0xf010, NOT_YET, "the definition of this structure is being read from the server")

enum opcua_finding {
#define OPCUA_FINDING_ENUM(name, number, quality, words) OPCUA_FOUND_##name = (number),
    OPCUA_FINDINGS(OPCUA_FINDING_ENUM)
#undef OPCUA_FINDING_ENUM
};

/* "BadNodeIdUnknown"; NULL when unknown, or a finding of ours. */
const char *opcua_status_name(uint32_t status);
/* Plain words with the next step: "the server has no such node; look for it: busbar device browse". NULL when unknown. */
const char *opcua_status_words(uint32_t status);
/* Name and words; of a finding of ours the words. NULL when unknown. */
const char *opcua_status_explain(uint32_t status);
/* enum quality. An unknown code: by its severity good, uncertain, or fault. */
uint8_t opcua_status_quality(uint32_t status);
/* base/err.h code for a whole call or a link: BUSBAR_ETIMEOUT, BUSBAR_EREFUSED, BUSBAR_ETOOBIG, ...; 0 when not bad. */
int opcua_status_error(uint32_t status);

/* Severity 2 or 3. */
static inline bool opcua_status_bad(uint32_t status)
{
    return status >= UINT32_C(0x80000000);
}

static inline uint16_t opcua_status_detail(uint32_t status)
{
    return (uint16_t)(status >> 16);
}

/* For words and names of a sample's detail. */
static inline uint32_t opcua_status_of_detail(uint16_t detail)
{
    return (uint32_t)detail << 16;
}

#endif
