/* SPDX-License-Identifier: Apache-2.0 */
#include "app/labels.h"

#include <string.h>

#include "app/sinks.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "net/jobs.h"

/* ---- one point ---- */

struct set {
    struct label *labels;
    size_t count, bytes;
    bool cut;
};

static bool has(const struct set *set, const char *name)
{
    return labels_get(set->labels, set->count, name) != NULL;
}

static bool fits(const struct set *set, const struct label *label)
{
    return set->count < LABELS_MAX && label->name_size > 0 &&
           label->name_size <= LABEL_NAME_BYTES_MAX && label->value_size <= LABEL_VALUE_BYTES_MAX &&
           set->bytes + label->name_size + label->value_size <= LABELS_BYTES_MAX &&
           str_is_utf8(label->name, label->name_size) &&
           str_is_utf8(label->value, label->value_size);
}

static void put(struct set *set, const char *name, const char *value)
{
    if (value[0] == '\0' || has(set, name)) {
        return;
    }
    struct label label = label_of(name, value);
    if (!fits(set, &label)) {
        set->cut = true;
        return;
    }
    set->bytes += label.name_size + label.value_size;
    set->labels[set->count++] = label;
}

static void put_free(struct set *set, const struct free_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(set, labels[i].key, labels[i].value);
    }
}

size_t labels_of_point(const struct device *dev, const struct point *pt,
                       struct label labels[LABELS_MAX], bool *cut)
{
    struct set set = { .labels = labels };
    put(&set, LABEL_METRIC, pt->name);
    put(&set, "device", dev->name);
    put(&set, "protocol", dev->protocol);
    put(&set, "place", dev->place);
    put(&set, "profile", dev->profile);
    put(&set, "units", pt->cls->units);
    put_free(&set, pt->cls->labels, pt->cls->label_count);
    put_free(&set, dev->labels, dev->label_count);
    (void)labels_sort(labels, &set.count, NULL); /* all of it was looked at */
    *cut = *cut || set.cut;
    return set.count;
}

int labels_give(struct history *history, const struct device *dev, const uint32_t *ids)
{
    bool cut = false;
    int error = 0;
    for (size_t i = 0; i < dev->point_count && error == 0; i++) {
        struct label labels[LABELS_MAX];
        size_t count = labels_of_point(dev, &dev->points[i], labels, &cut);
        uint32_t id = ids != NULL ? ids[i] : dev->points[i].last.point;
        error = history_label_point(history, id, labels, count);
    }
    if (cut) {
        busbar_log(LOG_LEVEL_WARN, "history", dev->name,
                   "some labels are too long or too many (%d, %d KiB in all) and are left out of "
                   "queries",
                   LABELS_MAX, LABELS_BYTES_MAX / 1024);
    }
    return error;
}

/* ---- policies ---- */

int labels_policies(struct history *history, const struct config_history *from)
{
    struct history_policy policies[HISTORY_POLICIES_MAX] = { 0 };
    struct matchers *rules[HISTORY_POLICIES_MAX] = { 0 };
    size_t count = 0;
    int error = 0;
    for (; count < from->policy_count && error == 0; count++) {
        const struct config_policy *policy = &from->policies[count];
        policies[count] = (struct history_policy){ .keep_us = policy->keep_us,
                                                   .max_bytes = policy->max_bytes };
        str_copy(policies[count].name, sizeof policies[count].name, policy->name);
        error = matchers_new(policy->match, strlen(policy->match), &rules[count], NULL);
    }
    error = error == 0 ? history_policies(history, policies, count) : error;
    if (error == 0) {
        return history_policy_rules(history, rules, count);
    }
    for (size_t i = 0; i < count; i++) {
        matchers_free(rules[i]);
    }
    return error;
}

/* ---- jobs ---- */

/* Devices stay while the job runs, and what it reads of them never changes; ids are copied because they stand beside
 * values that do. */
struct labeling {
    struct gateway *gw;
    struct history *history;
    const struct device **devices;
    size_t device_count;
    uint32_t *ids; /* of all points, in order */
    int error;
};

/* On the job's thread: giving megabytes back takes milliseconds that the loop has not. */
static void free_lists(struct labeling *labeling)
{
    busbar_free(labeling->devices);
    busbar_free(labeling->ids);
    labeling->devices = NULL;
    labeling->ids = NULL;
}

static void give_all(void *ctx)
{
    struct labeling *labeling = ctx;
    const uint32_t *ids = labeling->ids;
    for (size_t i = 0; i < labeling->device_count && labeling->error == 0; i++) {
        labeling->error = labels_give(labeling->history, labeling->devices[i], ids);
        ids += labeling->devices[i]->point_count;
    }
    history_points_labeled(labeling->history);
    free_lists(labeling);
}

static void given(void *ctx, int error)
{
    struct labeling *labeling = ctx;
    struct gateway *gw = labeling->gw;
    error = labeling->error != 0 ? labeling->error : error;
    if (error != 0) {
        busbar_log(LOG_LEVEL_ERROR, "history", NULL, "points have no labels: %s", err_text(error));
    }
    free_lists(labeling); /* when the job never ran */
    busbar_free(labeling);
    gw->labeling = false;
    gateway_sinks_start(gw);
    gateway_apply_ended(gw);
}

void labels_begin(struct gateway *gw)
{
    struct labeling *labeling = busbar_alloc(sizeof *labeling);
    struct device *const *devices = registry_devices(gw->registry, &labeling->device_count);
    labeling->gw = gw;
    labeling->history = gw->history;
    labeling->devices = busbar_alloc_array(labeling->device_count + 1, sizeof *labeling->devices);
    labeling->ids = busbar_alloc_array(registry_point_count(gw->registry) + 1, sizeof(uint32_t));
    size_t at = 0;
    for (size_t i = 0; i < labeling->device_count; i++) {
        labeling->devices[i] = devices[i];
        for (size_t p = 0; p < devices[i]->point_count; p++) {
            labeling->ids[at++] = devices[i]->points[p].last.point;
        }
    }
    gw->labeling = true;
    jobs_submit(gw->loop, give_all, given, labeling);
}

struct leaving {
    struct gateway *gw;
    struct history *history;
    uint32_t *ids;
    size_t count;
};

static void leave_all(void *ctx)
{
    struct leaving *leaving = ctx;
    for (size_t i = 0; i < leaving->count; i++) {
        (void)history_unlabel_point(leaving->history, leaving->ids[i]);
    }
}

static void left(void *ctx, int error)
{
    struct leaving *leaving = ctx;
    struct gateway *gw = leaving->gw;
    (void)error;
    busbar_free(leaving->ids);
    busbar_free(leaving);
    gw->labeling = false;
    gateway_apply_ended(gw);
}

void labels_leave(struct gateway *gw, uint32_t *ids, size_t count)
{
    struct leaving *leaving = busbar_alloc(sizeof *leaving);
    *leaving = (struct leaving){ .gw = gw, .history = gw->history, .ids = ids, .count = count };
    gw->labeling = true;
    jobs_submit(gw->loop, leave_all, left, leaving);
}
