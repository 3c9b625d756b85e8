/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a YAML file, after a NUL as the CSV file it may name, after another NUL as option texts.
 * A configuration that loads must become devices, and must not differ from itself. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "../unit/config/fake_field.h"
#include "base/alloc.h"

/* An exact-size copy of the bytes up to the next NUL, so that ASan sees one too many. */
static char *take_part(const uint8_t **data, size_t *left, size_t *size)
{
    const uint8_t *end = *left > 0 ? memchr(*data, '\0', *left) : NULL;
    *size = end != NULL ? (size_t)(end - *data) : *left;
    char *part = malloc(*size > 0 ? *size : 1);
    assert(part != NULL);
    if (*size > 0) {
        memcpy(part, *data, *size);
    }
    size_t used = *size + (end != NULL ? 1 : 0);
    *data += used;
    *left -= used;
    return part;
}

static void make_all(const struct config *config)
{
    struct registry *registry = registry_new();
    for (size_t i = 0; i < config->device_count; i++) {
        struct device *dev = NULL;
        struct err err = { 0 };
        int error = config_make_device(config, &config->devices[i], registry, &dev, &err);
        assert(error == 0 && dev->point_count == config->devices[i].point_count);
        device_free(dev);
    }
    registry_free(registry);
    for (size_t i = 0; i < config->driver_count; i++) {
        struct setup *setup = NULL;
        int error = config_make_setup(config->drivers[i].setup, &setup);
        assert(error == 0 && setup_equal(setup, config->drivers[i].setup));
        assert((setup->hash != 0) == setup->given);
        setup_free(setup);
    }
    struct config_diff diff;
    int error = config_diff(config, config, &diff);
    assert(error == 0 && diff.total == 0);
    config_diff_fini(&diff);
}

static void load(const struct config_text *texts)
{
    struct problems problems;
    struct config *config;
    struct buf out;
    problems_init(&problems);
    buf_init(&out, 64 << 20);
    int error = config_load_texts(texts, 2, &field_env, &config, &problems);
    assert((error == 0) == (config != NULL));
    assert((error != 0) == (problems.errors > 0));
    problems_print(&problems, &out);
    if (config != NULL) {
        make_all(config);
    }
    config_free(config);
    problems_fini(&problems);
    buf_fini(&out);
}

/* The text as the settings of a device in no file. */
static void try_lone(const char *text, size_t size)
{
    char *copy = busbar_strndup(text, size);
    struct registry *registry = registry_new();
    struct device *dev = NULL;
    struct err err = { 0 };
    int error = config_make_lone_device(&field_env, registry, "stranger-1", "field", copy, &dev,
                                        &err);
    assert((error == 0) == (dev != NULL));
    assert(error == 0 || err.message[0] != '\0');
    assert(dev == NULL || (dev->point_count == 0 && strcmp(dev->name, "stranger-1") == 0));
    device_free(dev);
    registry_free(registry);
    busbar_free(copy);
}

/* What is read as a value is printed as a text that reads back as the same. */
static void try_options(const char *text, size_t size)
{
    struct buf once, twice;
    char *copy = busbar_strndup(text, size);
    buf_init(&once, 1 << 20);
    buf_init(&twice, 1 << 20);
    for (const struct option *option = fake_point_options; option->key != NULL; option++) {
        union setting_value value = { 0 };
        if (option_parse(option, copy, &value) == 0) {
            buf_clear(&once);
            buf_clear(&twice);
            option_print(option, value, &once);
            int error = option_parse(option, buf_text(&once), &value);
            assert(error == 0);
            option_print(option, value, &twice);
            assert(strcmp(buf_text(&once), buf_text(&twice)) == 0);
        }
    }
    buf_fini(&once);
    buf_fini(&twice);
    busbar_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libfyaml 0.7 loses the pieces of a quoted text with very many escapes; the leaks of others are found. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_text texts[2] = { { .name = "a.yaml" }, { .name = "p.csv" } };
    size_t option_size;
    char *yaml = take_part(&data, &size, &texts[0].size);
    char *csv = take_part(&data, &size, &texts[1].size);
    char *option = take_part(&data, &size, &option_size);
    texts[0].text = yaml;
    texts[1].text = csv;
    load(texts);
    try_options(option, option_size);
    try_lone(option, option_size);
    free(yaml);
    free(csv);
    free(option);
    return 0;
}
