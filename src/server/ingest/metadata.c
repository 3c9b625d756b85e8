/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ingest/metadata.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "model/labels.h"

struct entry {
    char *metric;
    const char *type; /* one of types[] */
    char *help, *unit;
};

struct ingest_metadata {
    pthread_mutex_t lock;
    struct map by_metric;
    struct entry **sorted; /* by name; NULL: to be made */
};

static const char *const types[] = { "unknown",        "counter", "gauge", "histogram",
                                     "gaugehistogram", "summary", "info",  "stateset" };
enum { TYPES = sizeof(types) / sizeof(types[0]) };

const char *ingest_metadata_type(unsigned number)
{
    return types[number < TYPES ? number : 0];
}

struct ingest_metadata *ingest_metadata_new(void)
{
    struct ingest_metadata *metadata = busbar_alloc(sizeof(*metadata));
    pthread_mutex_init(&metadata->lock, NULL);
    map_init(&metadata->by_metric);
    return metadata;
}

void ingest_metadata_free(struct ingest_metadata *metadata)
{
    size_t at = 0;
    void *value;
    while (metadata != NULL && map_next(&metadata->by_metric, &at, NULL, &value)) {
        struct entry *entry = value;
        busbar_free(entry->metric);
        busbar_free(entry->help);
        busbar_free(entry->unit);
        busbar_free(entry);
    }
    if (metadata != NULL) {
        map_fini(&metadata->by_metric);
        busbar_free(metadata->sorted);
        pthread_mutex_destroy(&metadata->lock);
        busbar_free(metadata);
    }
}

static const char *known_type(const char *text, size_t size)
{
    if (size == strlen("untyped") && memcmp(text, "untyped", size) == 0) {
        return types[0];
    }
    for (size_t i = 0; i < TYPES; i++) {
        if (strlen(types[i]) == size && memcmp(types[i], text, size) == 0) {
            return types[i];
        }
    }
    return NULL;
}

/* NULL: no place for more. */
static struct entry *find_or_make(struct ingest_metadata *metadata, const char *metric, size_t size)
{
    struct entry *entry = map_get_n(&metadata->by_metric, metric, size);
    if (entry != NULL || metadata->by_metric.count == INGEST_METADATA_MAX) {
        return entry;
    }
    entry = busbar_alloc(sizeof(*entry));
    entry->metric = busbar_strndup(metric, size);
    entry->type = types[0];
    (void)map_set(&metadata->by_metric, entry->metric, entry);
    busbar_free(metadata->sorted);
    metadata->sorted = NULL;
    return entry;
}

static void set_text(char **text, const char *from, size_t size)
{
    size = str_utf8_cut(from, size, INGEST_METADATA_BYTES_MAX);
    if (*text == NULL || strlen(*text) != size || memcmp(*text, from, size) != 0) {
        busbar_free(*text);
        *text = busbar_strndup(from, size);
    }
}

void ingest_metadata_set(struct ingest_metadata *metadata, enum ingest_metadata_part part,
                         const char *metric, size_t metric_size, const char *text, size_t size)
{
    const char *type = part == INGEST_METADATA_TYPE ? known_type(text, size) : NULL;
    if (metric_size == 0 || metric_size > LABEL_VALUE_BYTES_MAX ||
        memchr(metric, '\0', metric_size) != NULL || memchr(text, '\0', size) != NULL ||
        !str_is_utf8(metric, metric_size) || !str_is_utf8(text, size) ||
        (part == INGEST_METADATA_TYPE && type == NULL)) {
        return;
    }
    pthread_mutex_lock(&metadata->lock);
    struct entry *entry = find_or_make(metadata, metric, metric_size);
    if (entry != NULL && part == INGEST_METADATA_TYPE) {
        entry->type = type;
    } else if (entry != NULL) {
        set_text(part == INGEST_METADATA_HELP ? &entry->help : &entry->unit, text, size);
    }
    pthread_mutex_unlock(&metadata->lock);
}

static int by_name(const void *a, const void *b)
{
    const struct entry *const *left = a;
    const struct entry *const *right = b;
    return strcmp((*left)->metric, (*right)->metric);
}

static void sort(struct ingest_metadata *metadata)
{
    size_t at = 0, count = 0;
    void *value;
    metadata->sorted = busbar_alloc_array(metadata->by_metric.count + 1, sizeof(struct entry *));
    while (map_next(&metadata->by_metric, &at, NULL, &value)) {
        metadata->sorted[count++] = value;
    }
    qsort(metadata->sorted, count, sizeof(struct entry *), by_name);
}

void ingest_metadata_each(struct ingest_metadata *metadata, ingest_metadata_cb cb, void *ctx)
{
    bool more = true;
    pthread_mutex_lock(&metadata->lock);
    if (metadata->sorted == NULL) {
        sort(metadata);
    }
    for (size_t i = 0; more && metadata->sorted[i] != NULL; i++) {
        const struct entry *entry = metadata->sorted[i];
        const struct ingest_metadata_entry said = { .metric = entry->metric,
                                                    .type = entry->type,
                                                    .help = entry->help != NULL ? entry->help : "",
                                                    .unit = entry->unit != NULL ? entry->unit
                                                                                : "" };
        more = cb(ctx, &said);
    }
    pthread_mutex_unlock(&metadata->lock);
}
