/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements of OPC UA servers by multicast DNS (RFC 6762): what was read is text that can be shown, and bounded. */
#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "drivers/opcua/text/mdns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
    size_t length = strlen(text);
    assert(length < size && str_is_utf8(text, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct opcua_mdns_server servers[OPCUA_MDNS_SERVERS_MAX];
    struct bytes message = bytes_dup(data, size);
    int count = opcua_mdns_servers(message, servers);
    assert(count <= OPCUA_MDNS_SERVERS_MAX);
    for (int i = 0; i < count; i++) {
        const struct opcua_mdns_server *server = &servers[i];
        assert(server->name[0] != '\0' && server->address_count <= OPCUA_MDNS_ADDRESSES_MAX);
        check_text(server->name, sizeof(server->name));
        check_text(server->host, sizeof(server->host));
        check_text(server->path, sizeof(server->path));
        check_text(server->caps, sizeof(server->caps));
    }
    bytes_fini(&message);
    return 0;
}
