/* SPDX-License-Identifier: Apache-2.0 */
/* The three checks of the head: whatever Host passes on a loopback listener must really name it, and
 * whatever Origin passes must hold that Host. Input: host, NUL, origin. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "net/address.h"
#include "server/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *host = busbar_strndup((const char *)data, size);
    size_t used = strlen(host) + 1;
    char *origin = busbar_strndup((const char *)data + (used < size ? used : size),
                                  used < size ? size - used : 0);
    if (server_guard_host(host, "127.0.0.1")) {
        assert(strncasecmp(host, "localhost", 9) == 0 || strncmp(host, "127.0.0.1", 9) == 0);
        assert(strpbrk(host, "@/ ") == NULL);
    }
    if (server_guard_origin(origin, NULL, host)) {
        const char *name = strstr(origin, "://");
        assert(name != NULL && strcasecmp(name + 3, host) == 0);
    }
    (void)server_guard_json(host);
    busbar_free(host);
    busbar_free(origin);
    return 0;
}
