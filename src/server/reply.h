/* SPDX-License-Identifier: Apache-2.0 */
/* Answers beyond those of server.h. */
#ifndef BUSBAR_SERVER_REPLY_H
#define BUSBAR_SERVER_REPLY_H

#include "server/core.h"

#define SERVER_TYPE_JSON "application/json"

/* Adds the headers that every answer has; content_type NULL: it has no body. */
void server_reply_headers(struct MHD_Response *response, const char *content_type,
                          const char *cache);
/* Those of server_answer_header(). */
void server_reply_own_headers(const struct server_request *req, struct MHD_Response *response);
/* Answers with a response made elsewhere; takes it over. NULL: the connection is closed. */
void server_reply_response(struct server_request *req, unsigned status,
                           struct MHD_Response *response);
/* An error with a status of its own. */
void server_reply_status(struct server_request *req, unsigned status, const struct err *err);

#endif
