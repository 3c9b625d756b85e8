/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_discover.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_find.h"
#include "drivers/bacnet/bacnet_search.h"
#include "drivers/bacnet/service/who_has.h"
#include "drivers/bacnet/service/who_is.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/text.h"

enum {
    POLITE_MS = 1000, /* between two devices that nobody asked for */
    INSTANCE_BITS = 22,
    WORDS_MAX = 400,
    TEXT_MAX = 512,
};

struct bacnet_discover {
    struct driver *drv;
    struct loop *loop;
    struct map64 finds;   /* network's address and instance -> struct bacnet_find */
    struct list searches; /* struct bacnet_search */
    struct list urgent;   /* finds whose facts a search wants */
    struct list wanted;   /* and those of finds that were only heard */
    struct bacnet_reader *readers[BACNET_READERS_MAX]; /* NULL until needed */
    unsigned reading;
    struct timer polite;
    int64_t minute_us; /* when the count of events about addresses began */
    unsigned told;
};

/* ---- facts ---- */

static void pump(struct bacnet_discover *discover);

static struct bacnet_search *search_of(const struct bacnet_discover *discover,
                                       const struct driver_discovery *asked)
{
    list_each(at, &discover->searches) {
        struct bacnet_search *search = list_entry(at, struct bacnet_search, link);
        if (search->asked == asked) {
            return search;
        }
    }
    return NULL;
}

static void read_done(struct bacnet_reader *reader, struct bacnet_find *find)
{
    struct bacnet_discover *discover = reader->user;
    struct bacnet_search *search = search_of(discover, find->asked);
    discover->reading--;
    if (search != NULL) {
        bacnet_search_facts(search);
    } else {
        timer_start(&discover->polite, POLITE_MS, 0);
    }
    pump(discover);
}

static struct bacnet_reader *reader_at_rest(struct bacnet_discover *discover)
{
    for (size_t i = 0; i < BACNET_READERS_MAX; i++) {
        if (discover->readers[i] == NULL) {
            discover->readers[i] = busbar_alloc(sizeof(*discover->readers[i]));
            discover->readers[i]->find = NULL;
            discover->readers[i]->done = read_done;
            discover->readers[i]->user = discover;
        }
        if (discover->readers[i]->find == NULL) {
            return discover->readers[i];
        }
    }
    return NULL;
}

static void pump(struct bacnet_discover *discover)
{
    struct list *at;
    struct bacnet_reader *reader;
    while (!list_empty(&discover->urgent) && (reader = reader_at_rest(discover)) != NULL) {
        at = list_shift(&discover->urgent);
        discover->reading++;
        bacnet_reader_begin(reader, list_entry(at, struct bacnet_find, link));
    }
    if (discover->reading == 0 && !timer_running(&discover->polite) &&
        (at = list_shift(&discover->wanted)) != NULL) {
        discover->reading++;
        bacnet_reader_begin(reader_at_rest(discover), list_entry(at, struct bacnet_find, link));
    }
}

static void polite_again(struct timer *timer, void *ctx)
{
    (void)timer;
    pump(ctx);
}

static void want_facts(struct bacnet_discover *discover, struct bacnet_find *find, bool urgent)
{
    if (find->facts == BACNET_FACTS_READING) {
        return;
    }
    list_remove(&find->link);
    list_append(urgent ? &discover->urgent : &discover->wanted, &find->link);
    find->facts = BACNET_FACTS_WANTED;
    pump(discover);
}

/* ---- the same number twice, or somewhere else ---- */

static bool may_tell(struct bacnet_discover *discover)
{
    int64_t now_us = loop_now_us(discover->loop);
    if (now_us - discover->minute_us > 60 * CLOCK_US_PER_S) {
        discover->minute_us = now_us;
        discover->told = 0;
    }
    return discover->told++ < BACNET_ADDRESS_EVENTS_A_MINUTE;
}

/* "device number 2001 answers at two addresses, 10.0.1.20 and 10.0.1.21: ..." */
static void tell_addresses(struct bacnet_discover *discover, struct device *dev, uint32_t instance,
                           const struct bacnet_address *first, const struct bacnet_address *second,
                           bool moved)
{
    struct buf text;
    struct event event = {
        .time_us = clock_wall_us(),
        .kind = moved ? "device moved" : "duplicate device",
        .severity = EVENT_MEDIUM,
    };
    if (!may_tell(discover)) {
        return;
    }
    buf_init(&text, TEXT_MAX);
    buf_printf(&text, "device number %u %s ", instance,
               moved ? "does not answer at" : "answers at two addresses,");
    bacnet_find_address(first, &text);
    buf_append_text(&text, moved ? " any more but at " : " and ");
    bacnet_find_address(second, &text);
    buf_append_text(&text, moved ? ": if nobody changed its address, look what took its place"
                                 : ": change it in one of the two devices");
    event.receive_us = event.time_us;
    event.text = buf_text(&text);
    (void)driver_event(discover->drv, dev, &event, NULL, NULL);
    buf_fini(&text);
}

/* ---- what is heard ---- */

static uint64_t key_of(const struct bacnet_network *network, uint32_t instance)
{
    const struct endpoint *local = &network->place.local;
    return (hash_bytes(local->ip, 4) ^ hash_u64(local->port)) << INSTANCE_BITS | instance;
}

static bool is_elsewhere(const struct bacnet_discover *discover,
                         const struct bacnet_network *network, uint32_t instance)
{
    struct bacnet_network *at = NULL;
    while ((at = bacnet_network_next(discover->drv, at)) != NULL) {
        if (at != network && map64_get(&discover->finds, key_of(at, instance)) != NULL) {
            return true;
        }
    }
    return false;
}

void bacnet_discover_key(const struct bacnet_discover *discover,
                         const struct bacnet_network *network, uint32_t instance, struct buf *out)
{
    const struct bacnet_find *find = network != NULL
                                         ? map64_get(&discover->finds, key_of(network, instance))
                                         : NULL;
    if (find != NULL) {
        bacnet_find_key(find, out);
    } else if (network == NULL || !is_elsewhere(discover, network, instance)) {
        buf_printf(out, "%u", instance);
    }
}

/* NULL: there are too many. Those that are configured have their place: who makes up others cannot hide
 * what happens to them. */
static struct bacnet_find *find_get(struct bacnet_discover *discover,
                                    struct bacnet_network *network, uint32_t instance,
                                    const struct bacnet_address *address, bool *fresh)
{
    struct bacnet_find *find = map64_get(&discover->finds, key_of(network, instance));
    *fresh = find == NULL;
    bool room = discover->finds.count < DRIVER_FINDS_MAX ||
                map64_get(&network->instances, instance) != NULL;
    if (find == NULL && room) {
        find = bacnet_find_new(network, instance, address);
        find->elsewhere = is_elsewhere(discover, network, instance);
        map64_set(&discover->finds, key_of(network, instance), find);
    }
    return find;
}

/* Belongs to a search that is under way, and was not told as its find yet. */
static struct bacnet_search *search_for(const struct bacnet_discover *discover,
                                        const struct bacnet_find *find)
{
    list_each(at, &discover->searches) {
        struct bacnet_search *search = list_entry(at, struct bacnet_search, link);
        if (search->asked != find->asked && bacnet_search_matches(search, find)) {
            return search;
        }
    }
    return NULL;
}

static void found(struct bacnet_discover *discover, struct bacnet_search *search,
                  struct bacnet_find *find)
{
    struct bacnet_search *before = search_of(discover, find->asked);
    bool under_way = find->facts == BACNET_FACTS_READING || find->facts == BACNET_FACTS_WANTED;
    if (before != NULL && under_way) {
        before->pending--; /* the last one that asks gets it */
    }
    find->asked = search->asked;
    find->answer_us = loop_now_us(discover->loop) - search->began_us;
    bacnet_search_found(search);
    bacnet_find_tell(find);
    want_facts(discover, find, true);
}

/* What an I-Am says of where the device is. True: that is news. */
static bool take_address(struct bacnet_discover *discover, struct bacnet_find *find,
                         const struct bacnet_heard *heard)
{
    struct bacnet_device *device = map64_get(&find->network->instances, find->instance);
    struct device *dev = device != NULL ? device->dev : NULL;
    if (heard->what == BACNET_HEARD_DUPLICATE) {
        if (find->duplicate) {
            return false;
        }
        find->duplicate = true;
        find->other = *heard->from;
        tell_addresses(discover, dev, find->instance, &find->address, &find->other, false);
        return true;
    }
    if (heard->what == BACNET_HEARD_MOVED && dev != NULL) {
        tell_addresses(discover, dev, find->instance, heard->other, heard->from, true);
    }
    find->address = *heard->from;
    find->introduced = true;
    find->max_apdu = heard->i_am->max_apdu;
    find->vendor = heard->i_am->vendor;
    find->segmentation = heard->i_am->segmentation;
    return heard->what != BACNET_HEARD_AGAIN;
}

void bacnet_discover_heard(struct bacnet_discover *discover, struct bacnet_network *network,
                           const struct bacnet_heard *heard)
{
    bool fresh;
    bool twice = heard->what == BACNET_HEARD_DUPLICATE;
    if (discover == NULL || heard->what == BACNET_HEARD_ELSEWHERE) {
        return;
    }
    struct bacnet_find *find = find_get(discover, network, heard->i_am->instance,
                                        twice ? heard->other : heard->from, &fresh);
    if (find == NULL) {
        return;
    }
    bool changed = take_address(discover, find, heard) || fresh;
    struct bacnet_search *search = search_for(discover, find);
    if (search != NULL) {
        found(discover, search, find);
    } else if (changed && (network->config.listen || find->asked != NULL)) {
        bacnet_find_tell(find);
        if (!twice) {
            want_facts(discover, find, find->asked != NULL);
        }
    }
}

static void set_has(struct bacnet_find *find, const struct bacnet_i_have *i_have)
{
    char object[BACNET_OBJECT_TEXT_MAX];
    struct buf text;
    bacnet_format_object(object, sizeof(object), i_have->object);
    buf_init(&text, BACNET_FIND_HAS_MAX);
    buf_printf(&text, "%s ", object);
    (void)bacnet_print_characters(&i_have->name, &text);
    busbar_free(find->has);
    find->has = busbar_strdup(buf_text(&text));
    buf_fini(&text);
}

void bacnet_discover_i_have(struct bacnet_discover *discover, struct bacnet_network *network,
                            const struct bacnet_notice *notice)
{
    struct bytes in = notice->data;
    struct bacnet_i_have i_have;
    bool fresh;
    if (discover == NULL || list_empty(&discover->searches) ||
        bacnet_get_i_have(&in, &i_have) != 0) {
        return;
    }
    struct bacnet_find *find = find_get(discover, network, i_have.instance, notice->from, &fresh);
    if (find == NULL) {
        return;
    }
    list_each(at, &discover->searches) {
        struct bacnet_search *search = list_entry(at, struct bacnet_search, link);
        if (search->has && search->asked != find->asked) {
            set_has(find, &i_have);
            found(discover, search, find);
            return;
        }
    }
}

/* ---- searches ---- */

static unsigned forget_search(struct bacnet_discover *discover,
                              const struct driver_discovery *asked)
{
    size_t at = 0;
    void *value;
    unsigned duplicates = 0;
    while (map64_next(&discover->finds, &at, NULL, &value)) {
        struct bacnet_find *find = value;
        if (find->asked == asked) {
            find->asked = NULL;
            duplicates += find->duplicate;
        }
    }
    return duplicates;
}

static void search_over(struct bacnet_discover *discover, struct bacnet_search *search, int error)
{
    struct driver_discovery *asked = search->asked;
    struct buf words;
    unsigned duplicates = forget_search(discover, asked);
    buf_init(&words, WORDS_MAX);
    if (search->error != 0) {
        buf_printf(&words, "%s%s%s", search->reason.message,
                   search->reason.hint[0] != '\0' ? "; " : "", search->reason.hint);
    } else if (error == 0) {
        bacnet_search_words(search, duplicates, &words);
    }
    bacnet_search_free(search);
    driver_discovered(asked, error, buf_text(&words));
    buf_fini(&words);
}

static void search_ended(struct bacnet_search *search)
{
    search_over(search->user, search, search->error);
}

void bacnet_discover_begin(struct bacnet_discover *discover, struct driver_discovery *discovery)
{
    if (bacnet_network_next(discover->drv, NULL) == NULL) {
        bacnet_network_open_cards(discover->drv);
    }
    struct bacnet_search *search = bacnet_search_new(discover->drv, discovery);
    search->ended = search_ended;
    search->user = discover;
    list_append(&discover->searches, &search->link);
    bacnet_search_start(search);
}

void bacnet_discover_end(struct bacnet_discover *discover, struct driver_discovery *discovery)
{
    struct bacnet_search *search = search_of(discover, discovery);
    if (search != NULL) {
        search_over(discover, search, BUSBAR_ECANCELED);
    }
}

/* ---- life ---- */

struct bacnet_discover *bacnet_discover_new(struct driver *drv)
{
    struct bacnet_discover *discover = busbar_alloc(sizeof(*discover));
    *discover = (struct bacnet_discover){ .drv = drv, .loop = driver_loop(drv) };
    map64_init(&discover->finds);
    list_init(&discover->searches);
    list_init(&discover->urgent);
    list_init(&discover->wanted);
    timer_init(&discover->polite, discover->loop, polite_again, discover);
    return discover;
}

static void drop(struct bacnet_discover *discover, struct bacnet_find *find)
{
    struct bacnet_search *search = search_of(discover, find->asked);
    if (search != NULL && find->facts != BACNET_FACTS_KNOWN) {
        search->pending--;
    }
    for (size_t i = 0; i < BACNET_READERS_MAX; i++) {
        struct bacnet_reader *reader = discover->readers[i];
        if (reader != NULL && reader->find == find) {
            bacnet_reader_stop(reader);
            discover->reading--;
        }
    }
    map64_remove(&discover->finds, key_of(find->network, find->instance));
    bacnet_find_free(find);
}

void bacnet_discover_forget(struct bacnet_discover *discover, struct bacnet_network *network)
{
    size_t at = 0;
    size_t count = 0;
    void *value;
    if (discover == NULL) {
        return;
    }
    struct bacnet_find **gone = busbar_alloc_array(discover->finds.count + 1,
                                                   sizeof(struct bacnet_find *));
    while (map64_next(&discover->finds, &at, NULL, &value)) {
        struct bacnet_find *find = value;
        if (network == NULL || find->network == network) {
            gone[count++] = find;
        }
    }
    for (size_t i = 0; i < count; i++) {
        drop(discover, gone[i]);
    }
    busbar_free(gone);
    list_each(link, &discover->searches) {
        struct bacnet_search *search = list_entry(link, struct bacnet_search, link);
        if (network != NULL && search->network == network) {
            search->error = err_set(&search->reason, BUSBAR_ECANCELED,
                                    "the network '%s' was closed", network->config.name);
        }
    }
}

void bacnet_discover_free(struct bacnet_discover *discover)
{
    if (discover == NULL) {
        return;
    }
    while (!list_empty(&discover->searches)) {
        struct list *first = discover->searches.next;
        search_over(discover, list_entry(first, struct bacnet_search, link), BUSBAR_ECANCELED);
    }
    bacnet_discover_forget(discover, NULL);
    for (size_t i = 0; i < BACNET_READERS_MAX; i++) {
        busbar_free(discover->readers[i]);
    }
    timer_stop(&discover->polite);
    map64_fini(&discover->finds);
    busbar_free(discover);
}
