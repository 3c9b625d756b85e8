/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/catalog.h"

static const struct sink_ops *const catalog[] = {
    &sink_postgres,
    &sink_remote_write,
    NULL,
};

const struct sink_ops *const *sinks_catalog(void)
{
    return catalog;
}
