/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_range.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

enum { WORD_MAX = 128, BITS = 32, LAST_PART_MAX = 255, LEAST_BITS = 16 };

static uint32_t number_of(const struct endpoint *endpoint)
{
    const uint8_t *ip = endpoint->ip;
    return (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
}

static void put_number(struct endpoint *endpoint, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++) {
        endpoint->ip[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static int refuse(struct err *err, const char *word)
{
    (void)err_set(err, BUSBAR_EINVAL, "'%.80s' is no range of addresses", word);
    return err_hint(err, "10.0.4.0/24, 10.0.4.10-20, 10.0.4.2 or 2001:db8::7");
}

/* ---- one range ---- */

static int parse_network(const char *word, char *slash, uint16_t port, struct snmp_range *out,
                         struct err *err)
{
    int64_t bits = 0;
    *slash = '\0';
    if (endpoint_parse(word, port, &out->first) != 0 || out->first.family != 4 ||
        str_parse_i64(slash + 1, &bits) != 0 || bits < 0 || bits > BITS) {
        *slash = '/';
        return refuse(err, word);
    }
    *slash = '/';
    if (bits < LEAST_BITS) {
        (void)err_set(err, BUSBAR_ELIMIT, "%.80s is more than the %d addresses of one discovery",
                      word, SNMP_RANGE_ADDRESSES_MAX);
        return err_hint(err, "look for devices in one network of /16 or smaller after the other");
    }
    uint32_t size = (uint32_t)1 << (BITS - bits);
    uint32_t first = number_of(&out->first) & ~(size - 1);
    bool whole = size > 2; /* /31 and /32 have no broadcast address */
    put_number(&out->first, first + (whole ? 1 : 0));
    out->count = whole ? size - 2 : size;
    return 0;
}

static int parse_span(const char *word, char *dash, uint16_t port, struct snmp_range *out,
                      struct err *err)
{
    struct endpoint last = { 0 };
    int64_t part = 0;
    *dash = '\0';
    bool good = endpoint_parse(word, port, &out->first) == 0 && out->first.family == 4;
    *dash = '-';
    if (good && str_parse_i64(dash + 1, &part) == 0 && part >= 0 && part <= LAST_PART_MAX) {
        last = out->first;
        last.ip[3] = (uint8_t)part;
    } else if (!good || endpoint_parse(dash + 1, port, &last) != 0 || last.family != 4) {
        return refuse(err, word);
    }
    uint32_t from = number_of(&out->first);
    uint32_t to = number_of(&last);
    if (to < from) {
        (void)err_set(err, BUSBAR_EINVAL, "'%.80s' ends before it begins", word);
        return err_hint(err, "the lower address first: 10.0.4.10-10.0.4.20");
    }
    if (to - from >= SNMP_RANGE_ADDRESSES_MAX) {
        (void)err_set(err, BUSBAR_ELIMIT, "%.80s is more than the %d addresses of one discovery",
                      word, SNMP_RANGE_ADDRESSES_MAX);
        return err_hint(err, "look for devices in one part of it after the other");
    }
    out->count = to - from + 1;
    return 0;
}

static int parse_one(const char *word, uint16_t port, struct snmp_range *out, struct err *err)
{
    struct address address;
    out->count = 1;
    if (address_parse(word, port, &address, NULL) != 0) {
        return refuse(err, word);
    }
    if (!address_is_ip(address.host)) {
        (void)err_set(err, BUSBAR_EINVAL, "'%.80s' is no address", word);
        return err_hint(err, "names are not looked up here: give its address, or a range as "
                             "10.0.4.0/24");
    }
    return endpoint_parse(address.host, address.port, &out->first) == 0 ? 0 : refuse(err, word);
}

static int parse_word(char *word, uint16_t port, struct snmp_range *out, struct err *err)
{
    char *slash = strchr(word, '/');
    char *dash = strchr(word, '-');
    *out = (struct snmp_range){ .count = 0 };
    if (slash != NULL) {
        return parse_network(word, slash, port, out, err);
    }
    return dash != NULL && strchr(word, ':') == NULL ? parse_span(word, dash, port, out, err)
                                                     : parse_one(word, port, out, err);
}

/* ---- all ---- */

int snmp_ranges_parse(const char *text, uint16_t port, struct snmp_ranges *out, struct err *err)
{
    static const char apart[] = ", \t";
    out->count = 0;
    out->addresses = 0;
    for (text += strspn(text, apart); *text != '\0'; text += strspn(text, apart)) {
        char word[WORD_MAX];
        size_t size = strcspn(text, apart);
        if (size >= sizeof(word)) {
            return refuse(err, text);
        }
        memcpy(word, text, size);
        word[size] = '\0';
        text += size;
        if (out->count == SNMP_RANGES_MAX) {
            return err_set(err, BUSBAR_ELIMIT, "more than the %d ranges of one discovery",
                           SNMP_RANGES_MAX);
        }
        struct snmp_range *range = &out->list[out->count];
        int error = parse_word(word, port, range, err);
        if (error != 0) {
            return error;
        }
        if (range->count > SNMP_RANGE_ADDRESSES_MAX - out->addresses) {
            return err_set(err, BUSBAR_ELIMIT, "more than the %d addresses of one discovery",
                           SNMP_RANGE_ADDRESSES_MAX);
        }
        out->addresses += range->count;
        out->count++;
    }
    if (out->count == 0) {
        (void)err_set(err, BUSBAR_EINVAL, "say which addresses to ask");
        return err_hint(err, "busbar discover snmp 10.0.4.0/24");
    }
    return 0;
}

struct endpoint snmp_ranges_at(const struct snmp_ranges *ranges, uint32_t number)
{
    size_t at = 0;
    assert(number < ranges->addresses);
    while (number >= ranges->list[at].count) {
        number -= ranges->list[at++].count;
    }
    struct endpoint endpoint = ranges->list[at].first;
    if (number > 0) {
        put_number(&endpoint, number_of(&endpoint) + number);
    }
    return endpoint;
}
