/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/snmp/snmp_browse.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

enum { TIME_S = 600, WAIT_MS = 20 };

struct snmp_browses {
    struct list all; /* struct snmp_browsing */
};

/* ---- the end ---- */

static void finish(struct snmp_browsing *browsing, int error, const char *message)
{
    struct driver_browse *browse = browsing->browse;
    struct snmp_browses *browses = browsing->device->browses;
    char words[ERR_MESSAGE_MAX];
    snmp_walk_cancel(browsing->walk);
    struct snmp_asked *asked = browsing->asked;
    browsing->asked = NULL;
    if (asked != NULL) {
        snmp_asked_cancel(asked);
    }
    loop_defer_cancel(&browsing->go_on);
    timer_stop(&browsing->waiting);
    list_remove(&browsing->link);
    snmp_table_fini(&browsing->table);
    snmp_added_fini(&browsing->added);
    if (list_empty(&browses->all)) {
        browsing->device->browses = NULL;
        busbar_free(browses);
    }
    (void)str_copy(words, sizeof(words), message != NULL ? message : browsing->message);
    if (browsing->left_out > 0 && words[0] == '\0') {
        (void)str_format(words, sizeof(words),
                         "%zu values more are not shown: look into a part of it",
                         browsing->left_out);
    }
    busbar_free(browsing);
    driver_browsed(browse, error, words[0] != '\0' ? words : NULL);
}

/* Nobody answers, or nobody who is believed: there is no use in going on. */
static bool is_final(int error)
{
    return error != 0 && error != BUSBAR_EREFUSED && error != BUSBAR_ELIMIT &&
           error != BUSBAR_EPROTO;
}

static void note(struct snmp_browsing *browsing, const char *words)
{
    if (browsing->message[0] == '\0' && words != NULL) {
        (void)str_copy(browsing->message, sizeof(browsing->message), words);
    }
}

static void went_on(void *ctx)
{
    struct snmp_browsing *browsing = ctx;
    if (!browsing->look->next(browsing)) {
        finish(browsing, 0, NULL);
    }
}

/* From the first address to stop() there is an agent. */
static void on_wait(struct timer *timer, void *ctx)
{
    struct snmp_browsing *browsing = ctx;
    const struct snmp_device *device = browsing->device;
    int64_t since_us = browsing->deadline_us - TIME_S * CLOCK_US_PER_S;
    bool late = loop_now_us(device->state->loop) - since_us >= SNMP_BROWSE_AGENT_S * CLOCK_US_PER_S;
    if (device->agent != NULL) {
        timer_stop(timer);
        went_on(browsing);
    } else if (device->broken != NULL) {
        finish(browsing, device->broken->code, device->broken->message);
    } else if (late) {
        finish(browsing, BUSBAR_ENOTCONN, "its name is not looked up yet, or cannot be");
    }
}

static void go_on(struct snmp_browsing *browsing)
{
    loop_defer(browsing->device->state->loop, &browsing->go_on);
}

/* ---- walks ---- */

static bool on_value(void *ctx, const struct snmp_varbind *varbind)
{
    struct snmp_browsing *browsing = ctx;
    browsing->values++;
    browsing->look->value(browsing, varbind);
    return true;
}

static void on_walked(void *ctx, const struct snmp_walk_end *end)
{
    struct snmp_browsing *browsing = ctx;
    browsing->walk = NULL;
    bool only_walk = browsing->look ==
                     &snmp_look_flat; /* what it could not tell, nothing else does */
    if (is_final(end->error) || (only_walk && end->error == BUSBAR_EPROTO)) {
        finish(browsing, end->error, end->words);
        return;
    }
    if (end->error == BUSBAR_ELIMIT) {
        (void)str_format(browsing->message, sizeof(browsing->message),
                         "it has more than the %d values of one look: look into a part of it",
                         SNMP_BROWSE_VALUES_MAX);
    } else if (end->error != 0) {
        note(browsing, end->words);
    }
    go_on(browsing);
}

bool snmp_browse_walk(struct snmp_browsing *browsing, struct snmp_oid root)
{
    const struct snmp_config *config = &browsing->device->config;
    if (browsing->values >= SNMP_BROWSE_VALUES_MAX) {
        return false;
    }
    browsing->walk = snmp_walk_begin(
        browsing->device->agent, &(struct snmp_walk_options){
                                     .root = root,
                                     .max_repetitions = config->bulk ? config->max_repetitions : 1,
                                     .values_max = SNMP_BROWSE_VALUES_MAX - browsing->values,
                                     .deadline_us = browsing->deadline_us,
                                     .value = on_value,
                                     .done = on_walked,
                                     .ctx = browsing,
                                 });
    if (browsing->walk == NULL) {
        note(browsing, "too many questions are under way: look again later");
    }
    return browsing->walk != NULL;
}

/* ---- single questions ---- */

static void on_answer(void *ctx, const struct snmp_answer *answer)
{
    struct snmp_browsing *browsing = ctx;
    struct snmp_varbind varbind;
    browsing->asked = NULL;
    if (answer->error == BUSBAR_ECANCELED) {
        return;
    }
    if (answer->error != 0) {
        finish(browsing, answer->error,
               answer->trouble != USM_FINE ? usm_trouble_words(answer->trouble)
                                           : "it does not answer any more");
        return;
    }
    struct bytes varbinds = answer->pdu->varbinds;
    if (answer->pdu->error_status == SNMP_NO_ERROR && snmp_varbind_next(&varbinds, &varbind)) {
        bool there = varbind.value.tag < BER_NO_SUCH_OBJECT;
        browsing->values += there ? 1 : 0;
        if (there) {
            browsing->look->value(browsing, &varbind);
        }
    }
    go_on(browsing);
}

bool snmp_browse_ask(struct snmp_browsing *browsing, uint8_t type, struct snmp_oid oid)
{
    struct snmp_varbind varbind = { .oid = oid };
    browsing->asked = snmp_ask(browsing->device->agent, &(struct snmp_ask){
                                                            .type = type,
                                                            .varbinds = &varbind,
                                                            .count = 1,
                                                            .deadline_us = browsing->deadline_us,
                                                            .cb = on_answer,
                                                            .ctx = browsing,
                                                        });
    return browsing->asked != NULL;
}

/* ---- calls ---- */

static int read_at(struct snmp_browsing *browsing, const char *at, struct err *err)
{
    static const char everything[] = "1.3.6.1.2.1";
    const struct mib *mib = browsing->device->state->mib;
    const struct mib_object *object = NULL;
    bool flat = str_starts(at, SNMP_BROWSE_FLAT);
    at = flat ? at + strlen(SNMP_BROWSE_FLAT) : at;
    if (at[0] == '\0' && !flat) {
        browsing->look = &snmp_look_overview;
        return 0;
    }
    browsing->look = flat ? &snmp_look_flat : &snmp_look_subtree;
    return mib_resolve(mib, at[0] != '\0' ? at : everything, &browsing->at, &object, err);
}

void snmp_browse_begin(struct snmp_device *device, struct driver_browse *browse)
{
    struct err err = { 0 };
    struct snmp_browsing *browsing = busbar_alloc(sizeof(*browsing));
    browsing->device = device;
    browsing->browse = browse;
    browsing->deadline_us = loop_now_us(device->state->loop) + TIME_S * CLOCK_US_PER_S;
    if (read_at(browsing, driver_browse_at(browse), &err) != 0) {
        char words[ERR_MESSAGE_MAX + ERR_HINT_MAX];
        (void)str_format(words, sizeof(words), "%s%s%s", err.message,
                         err.hint[0] != '\0' ? ": " : "", err.hint);
        busbar_free(browsing);
        driver_browsed(browse, err.code, words);
        return;
    }
    if (device->browses == NULL) {
        device->browses = busbar_alloc(sizeof(*device->browses));
        list_init(&device->browses->all);
    }
    list_append(&device->browses->all, &browsing->link);
    snmp_table_init(&browsing->table, device->state->mib, SNMP_BROWSE_BYTES_MAX);
    snmp_added_init(&browsing->added, device->dev);
    loop_deferred_init(&browsing->go_on, went_on, browsing);
    timer_init(&browsing->waiting, device->state->loop, on_wait, browsing);
    timer_start(&browsing->waiting, 0, WAIT_MS);
}

void snmp_browse_end(struct snmp_device *device, struct driver_browse *browse)
{
    if (device->browses == NULL) {
        return;
    }
    list_each(at, &device->browses->all) {
        struct snmp_browsing *browsing = list_entry(at, struct snmp_browsing, link);
        if (browsing->browse == browse) {
            finish(browsing, BUSBAR_ECANCELED, NULL);
            return;
        }
    }
}

void snmp_browse_stop_all(struct snmp_device *device)
{
    while (device->browses != NULL) {
        struct list *first = device->browses->all.next;
        finish(list_entry(first, struct snmp_browsing, link), BUSBAR_ECANCELED, NULL);
    }
}
