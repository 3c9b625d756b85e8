// SPDX-License-Identifier: Apache-2.0
// Bad points by their reason, most first: the server's count over the whole match, or over the
// answer.
import type { PointList, ReasonCount } from "../../api/types";

export function reasonsOf(list: PointList): ReasonCount[] {
  if (list.reasons) {
    return list.reasons;
  }
  const counts = new Map<string, number>();
  for (const point of list.points) {
    counts.set(point.reason, (counts.get(point.reason) ?? 0) + 1);
  }
  return [...counts]
    .map(([reason, count]) => ({ reason, count }))
    .sort((a, b) => b.count - a.count);
}
