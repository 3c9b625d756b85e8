/* SPDX-License-Identifier: Apache-2.0 */
/* The index of topics against mqtt_topic_fits(), asked filter by filter. Input: lines "+filter" (comes), "-filter" (goes), others
 * are topics. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_index.h"

enum { FILTERS_MAX = 64, TEXT_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct filter {
    char text[TEXT_MAX];
    bool in, found;
};

struct rig {
    struct mqtt_index *index;
    struct filter filters[FILTERS_MAX];
    size_t count, in;
};

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

/* Not those of a shared subscription: the driver puts the group in front itself. */
static bool is_filter(const char *text)
{
    return mqtt_filter_wrong(text) == NULL && !str_starts(text, "$share/");
}

static struct filter *filter_of(struct rig *rig, const char *text)
{
    for (size_t i = 0; i < rig->count; i++) {
        if (strcmp(rig->filters[i].text, text) == 0) {
            return &rig->filters[i];
        }
    }
    if (rig->count == FILTERS_MAX) {
        return NULL;
    }
    struct filter *filter = &rig->filters[rig->count++];
    *filter = (struct filter){ .in = false };
    (void)str_copy(filter->text, TEXT_MAX, text);
    return filter;
}

static void come(struct rig *rig, const char *text)
{
    struct filter *filter = is_filter(text) ? filter_of(rig, text) : NULL;
    if (filter != NULL && !filter->in && mqtt_index_put(rig->index, filter->text, filter) == 0) {
        filter->in = true;
        rig->in++;
    }
}

static void go(struct rig *rig, const char *text)
{
    struct filter *filter = is_filter(text) ? filter_of(rig, text) : NULL;
    if (filter != NULL) {
        void *was = mqtt_index_remove(rig->index, filter->text);
        check(was == (filter->in ? filter : NULL));
        rig->in -= filter->in ? 1 : 0;
        filter->in = false;
    }
}

static void mark(void *ctx, void *value)
{
    struct filter *filter = value;
    (void)ctx;
    check(filter->in && !filter->found);
    filter->found = true;
}

static void ask(struct rig *rig, const char *topic)
{
    if (mqtt_topic_wrong(topic) != NULL) {
        return;
    }
    mqtt_index_match(rig->index, topic, mark, NULL);
    for (size_t i = 0; i < rig->count; i++) {
        struct filter *filter = &rig->filters[i];
        check(filter->found == (filter->in && mqtt_topic_fits(filter->text, topic)));
        const struct filter *cover = filter->in ? mqtt_index_cover(rig->index, filter->text) : NULL;
        check(cover == NULL || (cover != filter && cover->in));
        check(cover == NULL || !filter->found || mqtt_topic_fits(cover->text, topic));
        filter->found = false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig rig;
    rig = (struct rig){ .index = mqtt_index_new() };
    while (size > 0) {
        char line[TEXT_MAX];
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end != NULL ? (size_t)(end - data) : size;
        str_format(line, sizeof(line), "%.*s", (int)(length < TEXT_MAX ? length : 0),
                   (const char *)data);
        if (line[0] == '+') {
            come(&rig, line + 1);
        } else if (line[0] == '-') {
            go(&rig, line + 1);
        } else {
            ask(&rig, line);
        }
        check(mqtt_index_count(rig.index) == rig.in);
        data += length + (end != NULL ? 1 : 0);
        size -= length + (end != NULL ? 1 : 0);
    }
    mqtt_index_free(rig.index);
    return 0;
}
