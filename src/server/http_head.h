/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of a request's head. */
#ifndef BUSBAR_SERVER_HTTP_HEAD_H
#define BUSBAR_SERVER_HTTP_HEAD_H

#include "server/core.h"

/* Finds the route and its parameters. Answers the request when the head is wrong, and when a file of
 * the page is asked for; else it goes on to the body. */
void http_head_check(struct server_request *req, const struct http_head *head);

#endif
