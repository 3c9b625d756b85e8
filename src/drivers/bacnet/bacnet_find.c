/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/bacnet/bacnet_find.h"

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/text.h"

enum {
    FACT_NAME,
    FACT_VENDOR,
    FACT_MODEL,
    FACT_DESCRIPTION,
    FACT_OBJECTS,
    FACT_FIRST_SHOWN, /* these are told as facts by their names */
    READ_RETRIES = 1,
    SETTINGS_MAX = 256,
    TROUBLE_MAX = 320,
};

/* What is read of a device object: the first few have a place of their own in a find. */
static const struct {
    uint32_t property, index;
    uint8_t list;     /* enum bacnet_list: names of its numbers */
    const char *name; /* of the fact */
} wanted[BACNET_FIND_FACTS] = {
    [FACT_NAME] = { BACNET_PROP_OBJECT_NAME, BACNET_INDEX_ALL, BACNET_LIST_NONE, NULL },
    [FACT_VENDOR] = { BACNET_PROP_VENDOR_NAME, BACNET_INDEX_ALL, BACNET_LIST_NONE, NULL },
    [FACT_MODEL] = { BACNET_PROP_MODEL_NAME, BACNET_INDEX_ALL, BACNET_LIST_NONE, NULL },
    [FACT_DESCRIPTION] = { BACNET_PROP_DESCRIPTION, BACNET_INDEX_ALL, BACNET_LIST_NONE, NULL },
    [FACT_OBJECTS] = { BACNET_PROP_OBJECT_LIST, 0, BACNET_LIST_NONE, NULL },
    { BACNET_PROP_FIRMWARE_REVISION, BACNET_INDEX_ALL, BACNET_LIST_NONE, "firmware" },
    { BACNET_PROP_APPLICATION_SOFTWARE_VERSION, BACNET_INDEX_ALL, BACNET_LIST_NONE, "software" },
    { BACNET_PROP_LOCATION, BACNET_INDEX_ALL, BACNET_LIST_NONE, "location" },
    { BACNET_PROP_SERIAL_NUMBER, BACNET_INDEX_ALL, BACNET_LIST_NONE, "serial number" },
    { BACNET_PROP_SYSTEM_STATUS, BACNET_INDEX_ALL, BACNET_LIST_DEVICE_STATUS, "status" },
    { BACNET_PROP_PROTOCOL_REVISION, BACNET_INDEX_ALL, BACNET_LIST_NONE, "protocol revision" },
    { BACNET_PROP_PROTOCOL_SERVICES_SUPPORTED, BACNET_INDEX_ALL, BACNET_LIST_SERVICES_SUPPORTED,
      "services" },
    { BACNET_PROP_LOCAL_TIME, BACNET_INDEX_ALL, BACNET_LIST_NONE, "clock" },
    { BACNET_PROP_LOCAL_DATE, BACNET_INDEX_ALL, BACNET_LIST_NONE, "date" },
};

struct bacnet_find *bacnet_find_new(struct bacnet_network *network, uint32_t instance,
                                    const struct bacnet_address *address)
{
    struct bacnet_find *find = busbar_alloc(sizeof(*find));
    *find = (struct bacnet_find){
        .network = network,
        .instance = instance,
        .address = *address,
        .segmentation = BACNET_SEGMENTATION_UNKNOWN,
    };
    list_init(&find->link);
    return find;
}

void bacnet_find_free(struct bacnet_find *find)
{
    list_remove(&find->link);
    busbar_free(find->has);
    busbar_free(find);
}

/* ---- texts ---- */

void bacnet_find_address(const struct bacnet_address *address, struct buf *out)
{
    char text[BACNET_ADDRESS_TEXT_MAX];
    if (address->network != 0 && address->ip.family != 0) {
        struct bacnet_address router = { .ip = address->ip };
        bacnet_address_format(text, sizeof(text), &router);
        buf_printf(out, "%s ", text);
    }
    bacnet_address_format(text, sizeof(text), address);
    buf_append_text(out, text);
}

/* Where broadcasts do not get through the address has to be said too. */
static bool needs_address(const struct bacnet_find *find)
{
    const struct bacnet_node_config *config = bacnet_node_config(find->network->node);
    return config->broadcast.family == 0 && config->bbmd.family == 0;
}

static void put_settings(const struct bacnet_find *find, struct buf *out)
{
    const struct bacnet_address *address = &find->address;
    buf_printf(out, "{ device: %u", find->instance);
    if (find->network->config.name[0] != '\0') {
        buf_printf(out, ", network: %s", find->network->config.name);
    }
    if (needs_address(find)) {
        struct bacnet_address router = { .ip = address->ip };
        char text[BACNET_ADDRESS_TEXT_MAX];
        bacnet_address_format(text, sizeof(text), &router);
        buf_printf(out, ", address: \"%s\"", text);
        if (address->network != 0) {
            buf_printf(out, ", remote_network: %u, remote_mac: \"", address->network);
            bacnet_mac_print(address->mac, address->mac_size, out);
            buf_append_text(out, "\"");
        }
    }
    buf_append_text(out, " }");
}

static void put_trouble(const struct bacnet_find *find, struct buf *out)
{
    if (find->duplicate) {
        buf_append_text(out, "answers at two addresses: ");
        bacnet_find_address(&find->address, out);
        buf_append_text(out, " and ");
        bacnet_find_address(&find->other, out);
        buf_printf(out, "; two devices have the number %u, change it in one of them",
                   find->instance);
    } else if (find->silent) {
        buf_append_text(out, "said that it is there, but does not answer when it is asked: "
                             "a firewall, or it has no way back to this address");
    }
}

static const char *segmentation_word(const struct bacnet_find *find)
{
    const char *word = bacnet_name(BACNET_LIST_SEGMENTATION, find->segmentation);
    return word != NULL ? word : "unknown";
}

void bacnet_find_key(const struct bacnet_find *find, struct buf *out)
{
    char network[ADDRESS_TEXT_MAX];
    endpoint_format(network, sizeof(network), &find->network->place.local);
    buf_printf(out, "%s%s%u", find->elsewhere ? network : "", find->elsewhere ? "/" : "",
               find->instance);
}

/* reader NULL: nothing was asked for. */
static void tell(const struct bacnet_find *find, const struct bacnet_reader *reader)
{
    char vendor[BACNET_FIND_TEXT_MAX];
    char id[16];
    char max_apdu[16];
    struct buf key;
    struct buf address;
    struct buf settings;
    struct buf trouble;
    struct driver_fact facts[BACNET_FIND_FACTS + 4];
    struct driver_find told = { .objects = -1, .answer_us = find->answer_us, .facts = facts };
    buf_init(&key, ADDRESS_TEXT_MAX + 16);
    buf_init(&address, 2 * BACNET_ADDRESS_TEXT_MAX);
    buf_init(&settings, SETTINGS_MAX);
    buf_init(&trouble, TROUBLE_MAX);
    str_format(id, sizeof(id), "%u", find->instance);
    bacnet_find_key(find, &key);
    bacnet_find_address(&find->address, &address);
    put_settings(find, &settings);
    put_trouble(find, &trouble);
    str_format(vendor, sizeof(vendor), "vendor %u", find->vendor);
    str_format(max_apdu, sizeof(max_apdu), "%u", find->max_apdu);
    told.vendor = find->introduced ? vendor : NULL;
    if (find->introduced) {
        facts[told.fact_count++] = (struct driver_fact){ "largest message", max_apdu };
        facts[told.fact_count++] = (struct driver_fact){ "segmentation", segmentation_word(find) };
    }
    if (find->has != NULL) {
        facts[told.fact_count++] = (struct driver_fact){ "has", find->has };
    }
    if (reader != NULL) {
        told.name = reader->texts[FACT_NAME];
        told.vendor = reader->texts[FACT_VENDOR][0] != '\0' ? reader->texts[FACT_VENDOR]
                                                            : told.vendor;
        told.model = reader->texts[FACT_MODEL];
        told.description = reader->texts[FACT_DESCRIPTION];
        told.objects = reader->objects;
        for (size_t i = FACT_FIRST_SHOWN; i < BACNET_FIND_FACTS; i++) {
            if (reader->texts[i][0] != '\0') {
                facts[told.fact_count++] = (struct driver_fact){ wanted[i].name, reader->texts[i] };
            }
        }
    }
    told.key = buf_text(&key);
    told.id = id;
    told.address = buf_text(&address);
    told.settings = buf_text(&settings);
    told.trouble = trouble.size > 0 ? buf_text(&trouble) : NULL;
    driver_found(find->network->drv, find->asked, &told);
    buf_fini(&trouble);
    buf_fini(&settings);
    buf_fini(&address);
    buf_fini(&key);
}

void bacnet_find_tell(const struct bacnet_find *find)
{
    tell(find, NULL);
}

/* ---- asking for more ---- */

static void got(struct bacnet_fetch *fetch, const struct bacnet_fetched *fetched)
{
    struct bacnet_reader *reader = fetch->user;
    struct bytes value = fetched->value;
    struct bacnet_element element;
    struct buf text;
    if (fetched->refused != 0) {
        return;
    }
    if (fetched->item == FACT_OBJECTS) {
        if (bacnet_get_element(&value, &element) == 0 && element.primitive &&
            element.value.type == BACNET_UNSIGNED && element.value.as.number <= UINT32_MAX) {
            reader->objects = (int64_t)element.value.as.number;
        }
        return;
    }
    buf_init(&text, BACNET_FIND_TEXT_MAX - 1);
    bacnet_print_elements(value, wanted[fetched->item].list, BACNET_FIND_TEXT_MAX - 8, &text);
    str_copy(reader->texts[fetched->item], BACNET_FIND_TEXT_MAX, buf_text(&text));
    buf_fini(&text);
}

static void ended(struct bacnet_fetch *fetch, const struct bacnet_answer *answer)
{
    struct bacnet_reader *reader = fetch->user;
    struct bacnet_find *find = reader->find;
    const struct bacnet_peer_facts *facts = bacnet_peer_facts(reader->peer);
    find->facts = BACNET_FACTS_KNOWN;
    find->silent = answer != NULL && facts->answered == 0;
    tell(find, find->silent ? NULL : reader);
    bacnet_reader_stop(reader);
    reader->done(reader, find);
}

void bacnet_reader_begin(struct bacnet_reader *reader, struct bacnet_find *find)
{
    static const struct bacnet_fetch_ops ops = { .got = got, .done = ended };
    struct bacnet_peer_config config = { .instance = find->instance };
    struct bacnet_object device = { .type = BACNET_DEVICE, .instance = find->instance };
    assert(reader->find == NULL);
    if (map64_get(&find->network->instances, find->instance) == NULL) {
        config.address = find->address; /* of a configured one the driver knows better */
    }
    find->facts = BACNET_FACTS_READING;
    reader->find = find;
    reader->objects = -1;
    reader->peer = bacnet_peer_get(find->network->node, &config);
    for (size_t i = 0; i < BACNET_FIND_FACTS; i++) {
        reader->texts[i][0] = '\0';
        reader->items[i] = (struct bacnet_fetch_item){
            .object = device,
            .property = wanted[i].property,
            .index = wanted[i].index,
        };
    }
    bacnet_fetch_init(&reader->fetch, &ops, reader, reader->peer);
    reader->fetch.retries = READ_RETRIES;
    bacnet_fetch_start(&reader->fetch, reader->items, BACNET_FIND_FACTS);
}

void bacnet_reader_stop(struct bacnet_reader *reader)
{
    if (reader->find == NULL) {
        return;
    }
    bacnet_fetch_stop(&reader->fetch);
    bacnet_peer_release(reader->peer);
    reader->peer = NULL;
    reader->find = NULL;
}
