/* SPDX-License-Identifier: Apache-2.0 */
/* XXH64 with seed 0, by its specification: limit_ratio() picks the same series as Prometheus only
 * with the same hash. For nothing else: base/hash.h has ours. */
#ifndef BUSBAR_PROMQL_XXHASH_H
#define BUSBAR_PROMQL_XXHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t xxhash64(const void *data, size_t size);

#endif
