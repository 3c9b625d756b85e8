/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of sink there are. */
#ifndef BUSBAR_SINKS_CATALOG_H
#define BUSBAR_SINKS_CATALOG_H

#include "sinks/sink.h"

const struct sink_ops *const *sinks_catalog(void); /* ends with NULL */

extern const struct sink_ops sink_postgres;
extern const struct sink_ops sink_remote_write;

#endif
