/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BUSBAR_SERVER_INGEST_ROUTES_H
#define BUSBAR_SERVER_INGEST_ROUTES_H

struct server;

/* Adds the rows of writing and bulk reading to the time series' listener. */
void server_ingest_routes(struct server *server);

#endif
