/* SPDX-License-Identifier: Apache-2.0 */
/* Why does the device not answer? One step after the other, each a finding for people:
 *
 *   network    which of our addresses and ports
 *   device     found by Who-Is or at its address, and is it the one; else which one is there
 *   services   what it executes
 *   points     each read alone: unknown object, unknown property, another type than configured
 *
 * A test asks one thing at a time, beside the polls. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "drivers/bacnet/bacnet_device.h"
#include "drivers/bacnet/bacnet_value.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/text.h"
#include "model/quality.h"

enum test_step { STEP_NAME, STEP_OTHER, STEP_VENDOR, STEP_MODEL, STEP_SERVICES, STEP_POINT };

enum {
    POINTS_MAX = 1000, /* read by one test */
    FAULTS_MAX = 20,   /* told one by one */
    TEXT_MAX = 480,
};

struct bacnet_test {
    struct bacnet_ask ask; /* first */
    struct list link;      /* device->tests */
    struct bacnet_device *device;
    struct driver_test *test;
    struct loop_deferred beginning;
    enum test_step step;
    char name[160], vendor[160];
    uint32_t point, read, faults;
    uint8_t data[BACNET_READ_PROPERTY_MAX];
};

static void on_answered(struct bacnet_ask *ask, const struct bacnet_answer *answer);

static void finding(struct bacnet_test *test, const char *step, int code, const char *seen,
                    const char *hint)
{
    driver_finding(test->test, step, code == 0, code, seen, hint);
}

static void end_test(struct bacnet_test *test)
{
    struct driver_test *asked = test->test;
    list_remove(&test->link);
    loop_defer_cancel(&test->beginning);
    bacnet_ask_cancel(&test->ask);
    busbar_free(test);
    driver_tested(asked);
}

static void ask(struct bacnet_test *test, uint32_t object, uint32_t property, uint32_t index)
{
    struct bacnet_read_property read = { .object = bacnet_object_of(object),
                                         .property = property,
                                         .index = index };
    test->ask.answered = on_answered;
    bacnet_device_read(test->device, &test->ask, test->data, &read);
}

static void ask_device(struct bacnet_test *test, enum test_step step, uint32_t instance,
                       uint32_t property)
{
    struct bacnet_object object = { .type = BACNET_DEVICE, .instance = instance };
    test->step = step;
    ask(test, bacnet_object_number(object), property, BACNET_INDEX_ALL);
}

static bool get_elements(const struct bacnet_answer *answer, struct bytes *elements)
{
    struct bacnet_read_property read;
    struct bytes in = answer->data;
    return answer->outcome == BACNET_ACKED &&
           bacnet_get_read_property_ack(&in, &read, elements) == 0;
}

static void get_text(const struct bacnet_answer *answer, char *to, size_t size)
{
    struct bytes elements;
    struct buf text;
    buf_init(&text, 1024);
    if (get_elements(answer, &elements)) {
        bacnet_print_elements(elements, BACNET_LIST_NONE, size, &text);
    }
    str_copy(to, size, buf_text(&text));
    buf_fini(&text);
}

/* ---- network ---- */

static void network_found(struct bacnet_test *test)
{
    char seen[TEXT_MAX];
    char local[ADDRESS_TEXT_MAX];
    const struct bacnet_network *network = test->device->network;
    endpoint_format(local, sizeof(local), &network->place.local);
    str_format(seen, sizeof(seen), "%s/%u%s%s", local, network->place.bits,
               network->config.name[0] != '\0' ? ", network " : "", network->config.name);
    finding(test, "network", 0, seen, "");
    if (network->config.foreign) {
        struct bacnet_foreign foreign;
        bacnet_node_foreign(network->node, &foreign);
        bool fine = foreign.state == BACNET_FOREIGN_REGISTERED;
        endpoint_format(local, sizeof(local), &network->config.bbmd);
        str_format(seen, sizeof(seen), "%s: %s", local, bacnet_foreign_word(foreign.state));
        finding(test, "bbmd", fine ? 0 : BUSBAR_ETIMEOUT, seen,
                fine ? "" : "check the BBMD's address, and that it takes foreign devices");
    }
}

static void begin(void *ctx)
{
    struct bacnet_test *test = ctx;
    struct bacnet_device *device = test->device;
    struct err err = { 0 };
    (void)bacnet_link_wake(device);
    if (device->peer == NULL) {
        int error = bacnet_network_join(device, &err);
        finding(test, "network", error != 0 ? error : BUSBAR_EAGAIN,
                err.message[0] != '\0' ? err.message : err_text(error), err.hint);
        end_test(test);
        return;
    }
    network_found(test);
    ask_device(test, STEP_NAME, device->config.device, BACNET_PROP_OBJECT_NAME);
}

/* ---- device ---- */

static const char *silent_hint(const struct bacnet_test *test, const struct bacnet_answer *answer)
{
    const struct bacnet_config *config = &test->device->config;
    switch (answer->outcome) {
    case BACNET_NOT_FOUND:
        return config->remote_network != 0
                   ? "check device and remote_network; 'busbar discover bacnet' lists who answers"
                   : "check the number, power and cable; behind a router of another subnet set "
                     "'foreign' (a BBMD) or the device's 'address'; 'busbar discover bacnet' lists "
                     "who answers";
    case BACNET_NO_ROUTE: return "check the router to this network and the number remote_network";
    case BACNET_UNSENT: return "check the network card, the gateway and the address";
    default:
        return "check power, cable, address and port (47808), and firewalls on the way for UDP";
    }
}

static void not_there(struct bacnet_test *test, const struct bacnet_answer *answer)
{
    char step[32];
    struct buf words;
    buf_init(&words, TEXT_MAX);
    bacnet_link_words(test->device, answer, &words);
    str_format(step, sizeof(step), "device %u", test->device->config.device);
    finding(test, step,
            answer->outcome == BACNET_NOT_FOUND  ? BUSBAR_EHOST
            : answer->outcome == BACNET_NO_ROUTE ? BUSBAR_EROUTE
                                                 : BUSBAR_ETIMEOUT,
            buf_text(&words), silent_hint(test, answer));
    buf_fini(&words);
    end_test(test);
}

static bool is_silence(const struct bacnet_answer *answer)
{
    return answer->outcome != BACNET_ACKED && answer->outcome != BACNET_ERRORED &&
           answer->outcome != BACNET_REJECTED && answer->outcome != BACNET_ABORTED;
}

static void device_found(struct bacnet_test *test, const char *model)
{
    char step[32];
    char seen[2 * TEXT_MAX];
    char where[BACNET_ADDRESS_TEXT_MAX] = "";
    const struct bacnet_address *address = bacnet_device_where(test->device->dev);
    if (address != NULL) {
        bacnet_address_format(where, sizeof(where), address);
    }
    str_format(step, sizeof(step), "device %u", test->device->config.device);
    str_format(seen, sizeof(seen), "%s answers: %s, %s %s", where, test->name, test->vendor, model);
    finding(test, step, 0, seen, "");
}

static void name_answered(struct bacnet_test *test, const struct bacnet_answer *answer)
{
    if (is_silence(answer)) {
        not_there(test, answer);
        return;
    }
    if (answer->outcome == BACNET_ERRORED && answer->error_code == BACNET_ERROR_UNKNOWN_OBJECT) {
        ask_device(test, STEP_OTHER, BACNET_INSTANCE_MAX, BACNET_PROP_OBJECT_IDENTIFIER);
        return;
    }
    get_text(answer, test->name, sizeof(test->name));
    ask_device(test, STEP_VENDOR, test->device->config.device, BACNET_PROP_VENDOR_NAME);
}

/* Who it is instead, by the instance that stands for any (clause 15.5.2). */
static void other_answered(struct bacnet_test *test, const struct bacnet_answer *answer)
{
    char step[32];
    char seen[TEXT_MAX];
    char hint[TEXT_MAX];
    struct bytes elements;
    struct bacnet_value value;
    uint32_t device = test->device->config.device;
    str_format(step, sizeof(step), "device %u", device);
    if (get_elements(answer, &elements) && bacnet_get_value(&elements, &value) == 0 &&
        value.type == BACNET_OBJECT && value.as.object.type == BACNET_DEVICE) {
        str_format(seen, sizeof(seen), "answers, but is device %u", value.as.object.instance);
        str_format(hint, sizeof(hint), "set 'device: %u', or check the address",
                   value.as.object.instance);
    } else {
        str_format(seen, sizeof(seen), "answers, but has no device object of this number");
        str_copy(hint, sizeof(hint),
                 "check 'device' and 'address'; 'busbar discover bacnet' lists "
                 "who is where");
    }
    finding(test, step, BUSBAR_ECONFIG, seen, hint);
    end_test(test);
}

/* ---- services ---- */

static void services_found(struct bacnet_test *test)
{
    static const struct {
        unsigned place; /* in Protocol_Services_Supported */
        const char *name, *without;
    } rows[] = {
        { 14, "ReadPropertyMultiple", "each property is read by itself" },
        { 5, "SubscribeCOV", "all points are polled" },
        { 15, "WriteProperty", "nothing can be written" },
    };
    const struct bacnet_device *device = test->device;
    char seen[TEXT_MAX] = "";
    size_t size = 0;
    if (!device->facts.services_known) {
        finding(test, "services", 0, "not told; they are tried", "");
        return;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool has = bacnet_device_knows(device, rows[i].place);
        size += str_format(seen + size, sizeof(seen) - size, "%s%s%s%s%s", i > 0 ? ", " : "",
                           has ? "" : "no ", rows[i].name, has ? "" : ": ",
                           has ? "" : rows[i].without);
    }
    finding(test, "services", 0, seen, "");
}

/* ---- points ---- */

static void ask_point(struct bacnet_test *test)
{
    const struct bacnet_target *target = &bacnet_targets(test->device)[test->point];
    test->step = STEP_POINT;
    ask(test, target->object, target->property, target->index);
}

static void points_ended(struct bacnet_test *test)
{
    char seen[TEXT_MAX];
    size_t count = test->device->dev->point_count;
    str_format(seen, sizeof(seen), "%u of %u read answer", test->read - test->faults, test->read);
    if (count > test->read) {
        size_t size = strlen(seen);
        str_format(seen + size, sizeof(seen) - size, ", the other %zu were not tried",
                   count - test->read);
    }
    finding(test, "points", test->faults > 0 ? BUSBAR_EREFUSED : 0, seen,
            test->faults > FAULTS_MAX ? "only the first faults are listed" : "");
    end_test(test);
}

static void point_fault(struct bacnet_test *test, int code, uint16_t detail)
{
    if (++test->faults > FAULTS_MAX) {
        return;
    }
    char step[TEXT_MAX];
    struct buf seen;
    const char *words = bacnet_explain(detail);
    buf_init(&seen, 1024);
    str_format(step, sizeof(step), "point %s", test->device->dev->points[test->point].name);
    bacnet_target_print(&bacnet_targets(test->device)[test->point], &seen);
    buf_append_text(&seen, code == BUSBAR_ECONFIG ? ": is read, but is not what is configured"
                                                  : ": the device refuses it");
    finding(test, step, code, buf_text(&seen), words != NULL ? words : "");
    buf_fini(&seen);
}

static void point_answered(struct bacnet_test *test, const struct bacnet_answer *answer)
{
    const struct bacnet_target *target = &bacnet_targets(test->device)[test->point];
    struct bytes elements;
    struct bacnet_seen seen;
    struct sample sample;
    struct text *text = NULL;
    test->read++;
    if (is_silence(answer)) {
        not_there(test, answer);
        return;
    }
    if (!get_elements(answer, &elements)) {
        point_fault(test, BUSBAR_EREFUSED, bacnet_detail_answer(answer));
    } else {
        bacnet_value_get(target, elements, &sample, &text, &seen);
        if (sample.quality == QUALITY_DECODE) {
            point_fault(test, BUSBAR_ECONFIG, sample.detail);
        }
        busbar_free(text);
    }
    if (++test->point >= test->device->dev->point_count || test->read >= POINTS_MAX) {
        points_ended(test);
    } else {
        ask_point(test);
    }
}

static void on_answered(struct bacnet_ask *asked, const struct bacnet_answer *answer)
{
    struct bacnet_test *test = (struct bacnet_test *)asked;
    char model[160];
    uint32_t device = test->device->config.device;
    switch (test->step) {
    case STEP_NAME: name_answered(test, answer); break;
    case STEP_OTHER: other_answered(test, answer); break;
    case STEP_VENDOR:
        get_text(answer, test->vendor, sizeof(test->vendor));
        ask_device(test, STEP_MODEL, device, BACNET_PROP_MODEL_NAME);
        break;
    case STEP_MODEL:
        get_text(answer, model, sizeof(model));
        device_found(test, model);
        ask_device(test, STEP_SERVICES, device, BACNET_PROP_PROTOCOL_SERVICES_SUPPORTED);
        break;
    case STEP_SERVICES:
        services_found(test);
        if (test->device->dev->point_count > 0) {
            ask_point(test);
        } else {
            end_test(test);
        }
        break;
    case STEP_POINT: point_answered(test, answer); break;
    }
}

void bacnet_test_begin(struct bacnet_device *device, struct driver_test *asked)
{
    struct bacnet_test *test = busbar_alloc(sizeof(*test));
    test->device = device;
    test->test = asked;
    list_append(&device->tests, &test->link);
    loop_deferred_init(&test->beginning, begin, test);
    loop_defer(device->loop, &test->beginning);
}

void bacnet_test_stop_all(struct bacnet_device *device)
{
    while (!list_empty(&device->tests)) {
        end_test(list_entry(device->tests.next, struct bacnet_test, link));
    }
}
