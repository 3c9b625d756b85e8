/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_search.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/names.h"

enum {
    TICK_MS = 50,
    SCAN_A_TICK = BACNET_SCAN_RATE * TICK_MS / 1000,
    PROGRESS_TOTAL = 1000,
    PROGRESS_LISTENED = 500, /* of it, when all was sent and listened to */
    WAIT_MAX_S = 60,
    WORDS_MAX = 400,
};

/* ---- options ---- */

static uint32_t ip_number(const uint8_t ip[4])
{
    return (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
}

static int parse_subnet(const char *text, struct bacnet_subnet *subnet)
{
    char ip[32];
    uint64_t bits = 32;
    struct endpoint at;
    const char *slash = strchr(text, '/');
    size_t size = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (size >= sizeof(ip) || (slash != NULL && str_parse_u64(slash + 1, &bits) != 0)) {
        return BUSBAR_EINVAL;
    }
    memcpy(ip, text, size);
    ip[size] = '\0';
    if (bits > 32 || endpoint_parse(ip, BACNET_PORT, &at) != 0 || at.family != 4) {
        return BUSBAR_EINVAL;
    }
    *subnet = (struct bacnet_subnet){ .bits = (uint8_t)bits,
                                      .given = true,
                                      .masked = slash != NULL };
    memcpy(subnet->ip, at.ip, 4);
    return 0;
}

static struct bacnet_network *network_named(struct driver *drv, const char *name)
{
    struct bacnet_network *at = NULL;
    while ((at = bacnet_network_next(drv, at)) != NULL) {
        if (str_equal(at->config.name, name)) {
            return at;
        }
    }
    return NULL;
}

/* The network whose own subnet holds the range's first address. */
static struct bacnet_network *network_holding(struct driver *drv,
                                              const struct bacnet_subnet *subnet)
{
    struct bacnet_network *at = NULL;
    while ((at = bacnet_network_next(drv, at)) != NULL) {
        struct bacnet_subnet own = { .bits = at->place.bits, .given = true, .masked = true };
        memcpy(own.ip, at->place.local.ip, 4);
        if (bacnet_subnet_holds(&own, subnet->ip)) {
            return at;
        }
    }
    return NULL;
}

static struct bacnet_network *first_open(struct driver *drv)
{
    struct bacnet_network *at = NULL;
    while ((at = bacnet_network_next(drv, at)) != NULL) {
        if (at->node != NULL) {
            return at;
        }
    }
    return NULL;
}

static int read_range(struct bacnet_search *search, const char *range)
{
    uint64_t number;
    struct err *err = &search->reason;
    if (str_starts(range, "network ") && str_parse_u64(range + 8, &number) == 0) {
        if (number == 0 || number >= BACNET_NETWORK_ALL) {
            return err_set(err, BUSBAR_EINVAL, "there is no network %s: 1 to 65534", range + 8);
        }
        search->number = (uint16_t)number;
        return 0;
    }
    if (parse_subnet(range, &search->subnet) == 0) {
        search->network = network_holding(search->drv, &search->subnet);
        if (search->network == NULL) {
            /* behind an IP router: no broadcast of ours gets there */
            search->network = first_open(search->drv);
            search->scan = true;
        }
        return 0;
    }
    search->network = network_named(search->drv, range);
    if (search->network == NULL) {
        err_set(err, BUSBAR_EINVAL, "'%s' is no subnet and no network of this gateway", range);
        return err_hint(err, "write 10.0.1.0/24, 'network 7', or a name of drivers: bacnet: "
                             "networks");
    }
    return 0;
}

static int read_instance(struct bacnet_search *search, const char *name, uint32_t *out)
{
    uint64_t number;
    const char *text = driver_discovery_option(search->asked, name);
    if (text == NULL) {
        return 0;
    }
    if (str_parse_u64(text, &number) != 0 || number > BACNET_INSTANCE_MAX) {
        return err_set(&search->reason, BUSBAR_EINVAL, "%s: %s is no device number (0 to %u)", name,
                       text, BACNET_INSTANCE_MAX);
    }
    *out = (uint32_t)number;
    return 0;
}

static int read_has(struct bacnet_search *search)
{
    const char *object = driver_discovery_option(search->asked, "object");
    const char *name = driver_discovery_option(search->asked, "name");
    search->has = object != NULL || name != NULL;
    search->by_name = name != NULL;
    if (name != NULL && !str_copy(search->name, sizeof(search->name), name)) {
        return err_set(&search->reason, BUSBAR_EINVAL, "name: longer than %d bytes",
                       BACNET_SEARCH_NAME_MAX - 1);
    }
    if (name == NULL && object != NULL) {
        return bacnet_parse_object(object, &search->object, &search->reason);
    }
    return 0;
}

static int read_wait(struct bacnet_search *search)
{
    const char *wait = driver_discovery_option(search->asked, "wait");
    const char *scan = driver_discovery_option(search->asked, "scan");
    search->wait_us = BACNET_DISCOVER_WAIT_S * CLOCK_US_PER_S;
    if (wait != NULL && (str_parse_duration_us(wait, &search->wait_us) != 0 ||
                         search->wait_us > WAIT_MAX_S * CLOCK_US_PER_S)) {
        return err_set(&search->reason, BUSBAR_EINVAL, "wait: %s is no time up to %ds", wait,
                       WAIT_MAX_S);
    }
    if (scan != NULL && scan[0] == '\0') {
        search->scan = true;
    } else if (scan != NULL && str_parse_bool(scan, &search->scan) != 0) {
        return err_set(&search->reason, BUSBAR_EINVAL, "scan: %s is neither true nor false", scan);
    }
    return 0;
}

static int plan_scan(struct bacnet_search *search)
{
    struct bacnet_subnet *subnet = &search->subnet;
    if (search->network == NULL) {
        search->network = first_open(search->drv);
    }
    if (!subnet->given && search->network != NULL) {
        subnet->given = true;
        subnet->bits = search->network->place.bits;
        memcpy(subnet->ip, search->network->place.local.ip, 4);
    }
    uint64_t size = UINT64_C(1) << (32 - subnet->bits);
    if (size > BACNET_SCAN_MAX) {
        err_set(&search->reason, BUSBAR_ELIMIT, "a /%u has %llu addresses, one scan takes %d",
                subnet->bits, (unsigned long long)size, BACNET_SCAN_MAX);
        return err_hint(&search->reason, "scan a part of it: /16 or smaller");
    }
    uint32_t first = ip_number(subnet->ip) & ~(uint32_t)(size - 1);
    search->scan_next = size > 2 ? first + 1 : first;
    search->scan_end = first + (uint32_t)size - (size > 2 ? 1 : 0);
    return 0;
}

static int read_options(struct bacnet_search *search)
{
    const char *range = driver_discovery_option(search->asked, "range");
    int error = read_wait(search);
    if (error == 0 && range != NULL && range[0] != '\0') {
        error = read_range(search, range);
    }
    error = error == 0 ? read_instance(search, "low", &search->low) : error;
    error = error == 0 ? read_instance(search, "high", &search->high) : error;
    error = error == 0 ? read_has(search) : error;
    if (error == 0 && search->low > search->high) {
        error = err_set(&search->reason, BUSBAR_EINVAL, "low is higher than high");
    }
    if (error == 0 && first_open(search->drv) == NULL) {
        struct bacnet_network *network = bacnet_network_next(search->drv, NULL);
        error = err_set(&search->reason, BUSBAR_ENOTCONN, "no BACnet network is open: %s",
                        network != NULL ? network->trouble.message : "there is no network card");
    }
    return error == 0 && search->scan ? plan_scan(search) : error;
}

/* ---- sending ---- */

static void send_has(const struct bacnet_search *search, struct bacnet_network *network,
                     const struct bacnet_address *to)
{
    uint8_t data[BACNET_WHO_HAS_MAX + BACNET_SEARCH_NAME_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_who_has who = {
        .low = search->low,
        .high = search->high,
        .by_name = search->by_name,
        .object = search->object,
    };
    who.name.type = BACNET_CHARACTERS;
    who.name.as.block.data = (const uint8_t *)search->name;
    who.name.as.block.size = (uint32_t)strlen(search->name);
    bacnet_put_who_has(&out, &who);
    (void)bacnet_tell(network->node, NULL, to, BACNET_WHO_HAS, data, bytes_out_size(&out));
}

static void send_to(const struct bacnet_search *search, struct bacnet_network *network,
                    const struct bacnet_address *to)
{
    if (search->has) {
        send_has(search, network, to);
    } else {
        (void)bacnet_who_is(network->node, to, search->low, search->high);
    }
}

/* To all of the networks, or of the one remote network. */
static void send_all(const struct bacnet_search *search)
{
    struct bacnet_address to = { .network = search->number > 0 ? search->number
                                                               : (uint16_t)BACNET_NETWORK_ALL };
    struct bacnet_network *at = NULL;
    while ((at = bacnet_network_next(search->drv, at)) != NULL) {
        if (at->node != NULL && (search->network == NULL || search->network == at)) {
            send_to(search, at, &to);
        }
    }
}

static void send_next(struct bacnet_search *search)
{
    struct bacnet_network *network = search->network;
    for (unsigned i = 0; i < SCAN_A_TICK && search->scan_next < search->scan_end; i++) {
        uint32_t number = search->scan_next++;
        struct bacnet_address to = { .ip = { .family = 4, .port = network->config.port } };
        for (unsigned j = 0; j < 4; j++) {
            to.ip.ip[j] = (uint8_t)(number >> (24 - 8 * j));
        }
        if (!endpoint_equal(&to.ip, &bacnet_node_config(network->node)->local)) {
            send_to(search, network, &to);
        }
    }
}

/* ---- its course ---- */

static void tell_progress(const struct bacnet_search *search, int64_t now_us)
{
    uint64_t done = PROGRESS_LISTENED;
    if (search->listening) {
        int64_t whole_us = search->listen_until_us - search->began_us;
        int64_t done_us = now_us - search->began_us;
        done = whole_us > 0 ? (uint64_t)(PROGRESS_LISTENED * done_us / whole_us) : 0;
    } else if (search->found > 0) {
        done += (uint64_t)(PROGRESS_TOTAL - PROGRESS_LISTENED) * search->told_facts / search->found;
    }
    driver_discovery_progress(search->asked, done < PROGRESS_TOTAL ? done : PROGRESS_TOTAL,
                              PROGRESS_TOTAL);
}

static void tick(struct timer *timer, void *ctx)
{
    struct bacnet_search *search = ctx;
    int64_t now_us = loop_now_us(search->loop);
    (void)timer;
    if (search->error != 0) {
        search->ended(search);
        return;
    }
    if (search->scan_next < search->scan_end && search->network->node != NULL) {
        send_next(search);
    }
    search->listening = now_us < search->listen_until_us;
    if (!search->listening && search->pending == 0) {
        search->ended(search);
        return;
    }
    tell_progress(search, now_us);
}

struct bacnet_search *bacnet_search_new(struct driver *drv, struct driver_discovery *asked)
{
    struct bacnet_search *search = busbar_alloc(sizeof(*search));
    *search = (struct bacnet_search){
        .loop = driver_loop(drv),
        .drv = drv,
        .asked = asked,
        .high = BACNET_INSTANCE_MAX,
    };
    list_init(&search->link);
    timer_init(&search->timer, search->loop, tick, search);
    search->error = read_options(search);
    return search;
}

void bacnet_search_free(struct bacnet_search *search)
{
    timer_stop(&search->timer);
    list_remove(&search->link);
    busbar_free(search);
}

void bacnet_search_start(struct bacnet_search *search)
{
    int64_t scan_us = (int64_t)(search->scan_end - search->scan_next) * CLOCK_US_PER_S /
                      BACNET_SCAN_RATE;
    search->began_us = loop_now_us(search->loop);
    search->listen_until_us = search->began_us + scan_us + search->wait_us;
    search->listening = true;
    if (search->error == 0 && !search->scan) {
        send_all(search);
    }
    timer_start(&search->timer, search->error != 0 ? 0 : TICK_MS, TICK_MS);
}

bool bacnet_search_matches(const struct bacnet_search *search, const struct bacnet_find *find)
{
    const struct bacnet_address *address = &find->address;
    bool behind = address->network != 0; /* its own address says nothing about IP subnets */
    if (search->error != 0 || search->has || find->instance < search->low ||
        find->instance > search->high) {
        return false;
    }
    if (search->network != NULL && search->network != find->network) {
        return false;
    }
    if (search->number != 0 && search->number != address->network) {
        return false;
    }
    return !search->subnet.given || (behind && !search->scan) ||
           bacnet_subnet_holds(&search->subnet, address->ip.ip);
}

void bacnet_search_found(struct bacnet_search *search)
{
    search->found++;
    search->pending++;
}

void bacnet_search_facts(struct bacnet_search *search)
{
    search->pending--;
    search->told_facts++;
}

void bacnet_search_words(const struct bacnet_search *search, unsigned duplicates, struct buf *out)
{
    if (search->found > 0) {
        if (duplicates > 0) {
            buf_printf(out,
                       "%u of them answer at two addresses: each device needs a number of "
                       "its own",
                       duplicates);
        }
        return;
    }
    buf_printf(out, "nothing answered %s", search->has ? "Who-Has" : "Who-Is");
    if (search->number != 0) {
        buf_printf(out, " in network %u: is its router there?", search->number);
    } else if (search->scan) {
        buf_append_text(out, ": a firewall (UDP 47808), another port, or nothing there");
    } else {
        buf_append_text(out, ": a firewall (UDP 47808), another network card, or devices behind an "
                             "IP router; those need a BBMD ('foreign') or a scan of their subnet");
    }
}
