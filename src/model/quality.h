/* SPDX-License-Identifier: Apache-2.0 */
/* Quality of a sample: good, uncertain or bad, and why. One row a reason; every program text comes
 * from here. A value that is not known is never shown or stored as if it were. The numbers are
 * part of the log's and the history's format: append only, never renumber. */
#ifndef BUSBAR_MODEL_QUALITY_H
#define BUSBAR_MODEL_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

enum quality_class { QUALITY_CLASS_GOOD, QUALITY_CLASS_UNCERTAIN, QUALITY_CLASS_BAD };

/* name, number, class, reason (the word in REST, CLI and page), what a person should know */
#define QUALITIES(X)                                                                            \
    X(GOOD, 0, GOOD, "good", "the device answered with this value")                             \
    X(HELD, 1, UNCERTAIN, "held by hand", "a person or a rule holds this value")                \
    X(CLAMPED, 2, UNCERTAIN, "clamped", "the device sent a value outside the clamp")            \
    X(STALE, 3, BAD, "stale", "no new value for longer than stale_after")                       \
    X(NOT_YET, 4, BAD, "not yet known", "no answer has come since the start")                   \
    X(NO_ANSWER, 5, BAD, "no answer", "the device did not answer in time")                      \
    X(LINK_DOWN, 6, BAD, "link down", "there is no connection to the device")                   \
    X(REFUSED, 7, BAD, "refused", "the device answered that it will not")                       \
    X(OUT_OF_SERVICE, 8, BAD, "out of service", "the device says this point is out of service") \
    X(OUT_OF_RANGE, 9, BAD, "out of range", "the value does not fit its type or range")         \
    X(DECODE, 10, BAD, "decode error", "the bytes cannot be read as the configured type")       \
    X(CONFIGURATION, 11, BAD, "configuration", "the device contradicts the configuration")      \
    X(PAUSED, 12, BAD, "paused", "polling of the device was paused by a person")                \
    X(FAULT, 13, BAD, "fault", "the device says that this value is not reliable")               \
    X(UNCERTAIN, 14, UNCERTAIN, "uncertain", "the device is not sure of this value")

enum quality {
#define QUALITY_ENUM(name, number, class_, reason, text) QUALITY_##name = number,
    QUALITIES(QUALITY_ENUM)
#undef QUALITY_ENUM
};

enum quality_class quality_class(uint8_t quality);
const char *quality_class_word(uint8_t quality); /* "good", "uncertain", "bad" */
const char *quality_reason(uint8_t quality);     /* "no answer"; unknown numbers: "unknown" */
const char *quality_text(uint8_t quality);       /* one sentence for a person */
bool quality_known(uint8_t quality);             /* a number of the table */

static inline bool quality_is_good(uint8_t quality)
{
    return quality == QUALITY_GOOD;
}

#endif
