/* SPDX-License-Identifier: Apache-2.0 */
/* The test of a remote write target: a request with nothing in it, and what each step of it showed. */
#ifndef BUSBAR_SINKS_REMOTE_WRITE_PROBE_H
#define BUSBAR_SINKS_REMOTE_WRITE_PROBE_H

#include "sinks/sink.h"

/* sink_ops.test */
void remote_probe(const struct sink_env *env, const struct settings *settings,
                  sink_tested_cb tested, void *ctx);

#endif
