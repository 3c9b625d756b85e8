/* SPDX-License-Identifier: Apache-2.0 */
/* Settings for tests, as the configuration would make them: "key", "value" pairs. */
#ifndef BUSBAR_TESTS_SETTINGS_MAKE_H
#define BUSBAR_TESTS_SETTINGS_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/option.h"

enum { SETTINGS_MAKE_MAX = 24 };

struct settings_made {
    struct settings settings;
    struct setting set[SETTINGS_MAKE_MAX];
};

static inline void settings_value(const struct option *option, const char *text,
                                  struct setting *setting)
{
    switch (option->type) {
    case OPTION_BOOL: setting->value.b = strcmp(text, "true") == 0; break;
    case OPTION_INT: assert_int_equal(str_parse_i64(text, &setting->value.i), 0); break;
    case OPTION_DURATION: assert_int_equal(option_parse(option, text, &setting->value), 0); break;
    case OPTION_DOUBLE: assert_int_equal(str_parse_double(text, &setting->value.d), 0); break;
    case OPTION_CHOICE: {
        int64_t choice = 0;
        while (option->choices[choice] != NULL && strcmp(option->choices[choice], text) != 0) {
            choice++;
        }
        assert_non_null(option->choices[choice]);
        setting->value.i = choice;
        break;
    }
    default: setting->value.text = text; break;
    }
}

/* pairs: { "key", "value", ..., NULL } */
static inline const struct settings *settings_make(struct settings_made *made,
                                                   const struct option *options,
                                                   const char *const *pairs)
{
    *made = (struct settings_made){ .settings = { .options = options, .set = made->set } };
    made->settings.at = (struct position){ .file = "site.yaml", .line = 9, .column = 5 };
    for (size_t i = 0; pairs[i] != NULL; i += 2) {
        size_t row = 0;
        while (options[row].key != NULL && strcmp(options[row].key, pairs[i]) != 0) {
            row++;
        }
        assert_non_null(options[row].key);
        assert_true(made->settings.count < SETTINGS_MAKE_MAX);
        struct setting *setting = &made->set[made->settings.count++];
        setting->option = (uint16_t)row;
        setting->at = (struct position){ .file = "site.yaml", .line = 10, .column = 7 };
        settings_value(&options[row], pairs[i + 1], setting);
    }
    return &made->settings;
}

#endif
