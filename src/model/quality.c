/* SPDX-License-Identifier: Apache-2.0 */
#include "model/quality.h"

#include <stddef.h>

struct quality_row {
    uint8_t class;
    const char *reason, *text;
};

static const struct quality_row rows[] = {
#define QUALITY_ROW(name, number, class_, reason_, text_) \
    [number] = { .class = QUALITY_CLASS_##class_, .reason = (reason_), .text = (text_) },
    QUALITIES(QUALITY_ROW)
#undef QUALITY_ROW
};

/* What a newer version wrote and this one reads: never taken for good. */
static const struct quality_row unknown = {
    .class = QUALITY_CLASS_BAD,
    .reason = "unknown",
    .text = "this version does not know this quality",
};

bool quality_known(uint8_t quality)
{
    return quality < sizeof(rows) / sizeof(rows[0]) && rows[quality].reason != NULL;
}

static const struct quality_row *row_of(uint8_t quality)
{
    return quality_known(quality) ? &rows[quality] : &unknown;
}

enum quality_class quality_class(uint8_t quality)
{
    return (enum quality_class)row_of(quality)->class;
}

const char *quality_class_word(uint8_t quality)
{
    static const char *const words[] = {
        [QUALITY_CLASS_GOOD] = "good",
        [QUALITY_CLASS_UNCERTAIN] = "uncertain",
        [QUALITY_CLASS_BAD] = "bad",
    };
    return words[quality_class(quality)];
}

const char *quality_reason(uint8_t quality)
{
    return row_of(quality)->reason;
}

const char *quality_text(uint8_t quality)
{
    return row_of(quality)->text;
}
