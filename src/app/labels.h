/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of points: what their series are called in PromQL.
 *
 *   __name__   the point's name            place      of the device, where set
 *   device     the device's name           profile    of the device, where set
 *   protocol   the driver's name           units      of the point, where set
 *
 * and the free labels of device and point, the point's before the device's, none of them instead of one above.
 * Private to app/. */
#ifndef BUSBAR_APP_LABELS_H
#define BUSBAR_APP_LABELS_H

#include "app/gateway.h"
#include "config/config.h"
#include "model/labels.h"

/* The labels of a point, sorted; texts are the device's and the class's. *cut: some free labels did not fit. */
size_t labels_of_point(const struct device *dev, const struct point *pt,
                       struct label labels[LABELS_MAX], bool *cut);

/* Gives the series of a device's points their labels. ids: NULL takes them from the points, which only the thread
 * that owns them may do. Never on the loop. */
int labels_give(struct history *history, const struct device *dev, const uint32_t *ids);

/* The policies of the configuration, and who has which. Never on the loop. */
int labels_policies(struct history *history, const struct config_history *from);

/* After the start: labels all points in a job. Until it ends no apply begins. */
void labels_begin(struct gateway *gw);

/* Points that left the configuration, in a job as above. Takes the array over. */
void labels_leave(struct gateway *gw, uint32_t *ids, size_t count);

#endif
