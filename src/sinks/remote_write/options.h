/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a remote write sink, and what they make of a request. */
#ifndef BUSBAR_SINKS_REMOTE_WRITE_OPTIONS_H
#define BUSBAR_SINKS_REMOTE_WRITE_OPTIONS_H

#include "base/arena.h"
#include "config/option.h"
#include "http/fetch.h"
#include "model/labels.h"
#include "sinks/remote_write/encode.h"

struct sink_env;

enum remote_row {
    REMOTE_URL,
    REMOTE_USER,
    REMOTE_PASSWORD,
    REMOTE_TOKEN,
    REMOTE_CA,
    REMOTE_CERTIFICATE,
    REMOTE_KEY,
    REMOTE_UNVERIFIED,
    REMOTE_LABELS,
    REMOTE_HEADERS,
    REMOTE_ROWS,
};
extern const struct option remote_options[REMOTE_ROWS + 1];

enum {
    REMOTE_HEADERS_MAX = 16, /* that a person adds */
    REMOTE_HEADERS_OWN = 5,  /* of the protocol, and whose log it is */
    REMOTE_ANSWER_MAX = 64 << 10,
    REMOTE_HOST_MAX = 128,
    REMOTE_WHERE_MAX = 160,
};

/* Pure. BUSBAR_ECONFIG; err.at: the place. */
int remote_check(const struct settings *settings, struct err *err);

/* "site=hq, gateway=1" as a sorted set; texts are the arena's. BUSBAR_EINVAL, BUSBAR_ELIMIT, BUSBAR_ENOMEM. */
int remote_labels(const char *text, struct arena *arena, struct label labels[REMOTE_LABELS_MAX],
                  size_t *count, struct err *err);

/* The URL without what follows '?', where keys may stand. */
void remote_where(const struct settings *settings, char *text, size_t size);

/* A request without its body. Texts are the arena's, secrets too. */
struct remote_ask {
    struct http_ask http;
    const char *headers[REMOTE_HEADERS_OWN + REMOTE_HEADERS_MAX + 1];
    char host[REMOTE_HOST_MAX]; /* "metrics.example.org:443" */
    struct arena arena;
};
/* BUSBAR_ECONFIG: a secret is not set, a file cannot be read. remote_ask_fini() in any case. */
int remote_ask_init(struct remote_ask *ask, const struct sink_env *env,
                    const struct settings *settings, struct err *err);
void remote_ask_fini(struct remote_ask *ask);

#endif
