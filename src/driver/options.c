/* SPDX-License-Identifier: Apache-2.0 */
/* Options that a person gives to a test or a discovery: texts "name" or "name=value". */
#include <string.h>

#include "base/alloc.h"
#include "driver/host_private.h"

char **options_copy(const char *const *options)
{
    size_t count = 0;
    while (options != NULL && options[count] != NULL) {
        count++;
    }
    char **copy = busbar_alloc_array(count + 1, sizeof(*copy));
    for (size_t i = 0; i < count; i++) {
        copy[i] = busbar_strdup(options[i]);
    }
    return copy;
}

void options_free(char **options)
{
    for (char **option = options; *option != NULL; option++) {
        busbar_free(*option);
    }
    busbar_free(options);
}

const char *options_get(char *const *options, const char *name)
{
    size_t size = strlen(name);
    for (char *const *option = options; *option != NULL; option++) {
        if (strncmp(*option, name, size) == 0 && ((*option)[size] == '=' || (*option)[size] == 0)) {
            return (*option)[size] == '=' ? *option + size + 1 : "";
        }
    }
    return NULL;
}
