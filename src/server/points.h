/* SPDX-License-Identifier: Apache-2.0 */
/* What several routes need of points and devices. */
#ifndef BUSBAR_SERVER_POINTS_H
#define BUSBAR_SERVER_POINTS_H

#include "server/core.h"

/* Names compared for a hint; with more there is none, since it would hold the loop. */
enum { SERVER_NEAREST_MAX = 4000 };

/* The device and the point of the path's {device} and {point}. NULL: answered 404, with the nearest
 * name as a hint. */
struct device *server_find_device(struct server_request *req);
struct point *server_find_point(struct server_request *req);
/* Answers 404 for a device's name. */
void server_no_device(struct server_request *req, const char *name);

#endif
