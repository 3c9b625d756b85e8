/* SPDX-License-Identifier: Apache-2.0 */
/* What senders say about metrics: type, unit and help, by name. In memory only, because they say it
 * again every minute or with every batch. Any thread; one lock inside. */
#ifndef BUSBAR_SERVER_INGEST_METADATA_H
#define BUSBAR_SERVER_INGEST_METADATA_H

#include <stdbool.h>
#include <stddef.h>

enum {
    INGEST_METADATA_MAX = 50000,      /* metrics; more are not remembered */
    INGEST_METADATA_BYTES_MAX = 1024, /* of a help text; the rest is cut */
};

/* Texts are UTF-8, NUL-terminated; type is one of Prometheus' words ("counter", "unknown" ...). */
struct ingest_metadata_entry {
    const char *metric, *type, *help, *unit;
};

struct ingest_metadata;

struct ingest_metadata *ingest_metadata_new(void);
void ingest_metadata_free(struct ingest_metadata *metadata);

enum ingest_metadata_part { INGEST_METADATA_TYPE, INGEST_METADATA_HELP, INGEST_METADATA_UNIT };

/* One text about a metric; replaces. What is not UTF-8, and unknown types, are left out. */
void ingest_metadata_set(struct ingest_metadata *metadata, enum ingest_metadata_part part,
                         const char *metric, size_t metric_size, const char *text, size_t size);

/* The type by its number in remote write's MetricMetadata; "unknown" for other numbers. */
const char *ingest_metadata_type(unsigned number);

/* All, in the order of names; cb returns false to stop. The lock is held: cb must be short. */
typedef bool (*ingest_metadata_cb)(void *ctx, const struct ingest_metadata_entry *entry);
void ingest_metadata_each(struct ingest_metadata *metadata, ingest_metadata_cb cb, void *ctx);

#endif
