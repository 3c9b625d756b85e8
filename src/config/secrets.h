/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: what the configuration names as `!secret NAME`. They are kept in <data>/secrets (mode
 * 0600), sealed with a key that is not in the same file:
 *
 *   $CREDENTIALS_DIRECTORY/busbar-key   32 bytes or 64 hexadecimal digits, where systemd gives one
 *   <data>/secrets.key                  else; made at the first secret, mode 0600
 *
 *   file = "busbar-secrets 1\n" nonce[24] secretbox(JSON object: name -> value)
 *
 * Values are never printed, logged or exported, and are wiped from memory by secrets_close(). */
#ifndef BUSBAR_CONFIG_SECRETS_H
#define BUSBAR_CONFIG_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum {
    SECRET_NAME_MAX = 128,
    SECRET_VALUE_MAX = 16384, /* bytes; a private key fits */
    SECRETS_MAX = 4096,
};

struct secrets;

/* Reads <data>/secrets; none there = an empty set. BUSBAR_EDAMAGED: the key does not open it.
 * BUSBAR_EPERM: a file is readable by others, the hint says the chmod. */
int secrets_open(const char *data_folder, struct secrets **out, struct err *err);
void secrets_close(struct secrets *secrets); /* NULL is fine */

/* The value, NULL when it is not set; borrowed until the next set, remove or close. */
const char *secrets_get(const struct secrets *secrets, const char *name);

/* Replaces the file atomically. Names: letters, digits, '-', '_', '.'. */
int secrets_set(struct secrets *secrets, const char *name, const char *value, struct err *err);
/* BUSBAR_ENOENT when there is none of that name. */
int secrets_remove(struct secrets *secrets, const char *name, struct err *err);

size_t secrets_count(const struct secrets *secrets);
/* In the order of the names; borrowed as above. */
const char *secrets_name(const struct secrets *secrets, size_t index);

/* False with the reason in err (names come from people and from the page). */
bool secrets_name_valid(const char *name, struct err *err);

#endif
