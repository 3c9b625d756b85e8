/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as texts, a line each: "json=$.co2\ntype=int". For tests and fuzzers. */
#ifndef TEST_RULES_SETTINGS_H
#define TEST_RULES_SETTINGS_H

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "payload/rule.h"

enum { RIG_SETTINGS_MAX = 16, RIG_TEXT_MAX = 4096 };

struct rig_settings {
    struct settings settings;
    struct option rows[PAYLOAD_POINT_ROWS + PAYLOAD_DEVICE_ROWS + 1];
    struct setting set[RIG_SETTINGS_MAX];
    char text[RIG_TEXT_MAX];
};

static inline void rig_settings(struct rig_settings *out, const struct option *rows, size_t count,
                                const char *text)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->rows, rows, count * sizeof(*rows));
    (void)str_copy(out->text, sizeof(out->text), text);
    out->settings = (struct settings){ .options = out->rows, .set = out->set };
    for (char *line = out->text, *end; *line != '\0'; line = end) {
        end = line + strcspn(line, "\n");
        end += *end == '\n' ? (*end = '\0', 1) : 0;
        char *value = strchr(line, '=');
        if (value == NULL || out->settings.count == RIG_SETTINGS_MAX) {
            abort();
        }
        *value++ = '\0';
        int row = option_find(out->rows, line);
        struct setting *setting = &out->set[out->settings.count++];
        if (row < 0 || option_parse(&out->rows[row], value, &setting->value) != 0) {
            abort();
        }
        setting->option = (uint16_t)row;
        setting->at.line = (int)out->settings.count;
    }
}

#endif
