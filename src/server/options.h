/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a request for a driver: {"low": 1, "has": "RTU-9", "scan": true} of a body becomes
 * "low=1", "has=RTU-9", "scan". The driver knows what they mean; here only their size is bounded. */
#ifndef BUSBAR_SERVER_OPTIONS_H
#define BUSBAR_SERVER_OPTIONS_H

#include "base/arena.h"
#include "base/json.h"

enum { OPTIONS_MAX = 16, OPTION_BYTES_MAX = 512 };

struct options {
    struct arena arena;
    const char *list[OPTIONS_MAX + 1]; /* ends with NULL */
    size_t count;
};

void options_init(struct options *options);
void options_fini(struct options *options);
/* value "" : the name alone. There must be room. */
void options_add(struct options *options, const char *name, const char *value);
/* Those of an object; NULL: none. BUSBAR_EINVAL, BUSBAR_ELIMIT with a reason. */
int options_read(struct options *options, const struct json_value *object, struct err *err);
const char *const *options_list(const struct options *options);

#endif
