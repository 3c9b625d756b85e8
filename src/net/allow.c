/* SPDX-License-Identifier: Apache-2.0 */
#include "net/allow.h"

#include <string.h>

#include "base/str.h"

enum { ITEM_MAX = 64, BITS_V4 = 32, BITS_V6 = 128 };

static int parse_network(char *item, struct allow_network *out)
{
    int64_t bits;
    char *slash = strchr(item, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    if (endpoint_parse(item, 0, &out->base) != 0) {
        return BUSBAR_EINVAL;
    }
    bits = out->base.family == 4 ? BITS_V4 : BITS_V6;
    out->bits = (uint8_t)bits;
    if (slash == NULL) {
        return 0;
    }
    if (str_parse_i64(slash + 1, &bits) != 0 || bits < 0 || bits > out->bits) {
        return BUSBAR_EINVAL;
    }
    out->bits = (uint8_t)bits;
    return 0;
}

int allow_parse(const char *text, const char *key, struct position at, struct allow *out,
                struct err *err)
{
    char item[ITEM_MAX];
    out->any = false;
    out->count = 0;
    while (text != NULL && text[0] != '\0') {
        text += strspn(text, " ");
        size_t size = strcspn(text, ",");
        str_format(item, sizeof(item), "%.*s", (int)(size < ITEM_MAX ? size : ITEM_MAX), text);
        char *word = str_trim(item);
        if (str_equal(word, "any")) {
            out->any = true;
        } else if (out->count == ALLOW_MAX) {
            return err_at(err, BUSBAR_ECONFIG, at, "give larger networks",
                          "'%s': more than %d networks", key, ALLOW_MAX);
        } else if (parse_network(word, &out->networks[out->count]) != 0) {
            return err_at(err, BUSBAR_ECONFIG, at,
                          "addresses and networks, between them commas: 10.0.4.0/24, 10.0.9.7",
                          "'%s': '%.*s' is no address and no network", key,
                          (int)(size < ITEM_MAX ? size : ITEM_MAX), text);
        } else {
            out->count++;
        }
        text += size + (text[size] == ',' ? 1 : 0);
    }
    return 0;
}

static bool is_in(const struct allow_network *network, const struct endpoint *from)
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    if (network->base.family != from->family || memcmp(network->base.ip, from->ip, whole) != 0) {
        return false;
    }
    return rest == 0 || (network->base.ip[whole] ^ from->ip[whole]) >> (8 - rest) == 0;
}

bool allow_names(const struct allow *allow, const struct endpoint *from)
{
    for (size_t i = 0; i < allow->count; i++) {
        if (is_in(&allow->networks[i], from)) {
            return true;
        }
    }
    return false;
}

bool allow_takes(const struct allow *allow, const struct endpoint *from)
{
    return allow->any || allow_names(allow, from);
}
