// SPDX-License-Identifier: Apache-2.0
// The bad points grouped by cause; one press shows one cause.
import { useLoad } from "../../api/load";
import { withParams } from "../../api/client";
import type { PointList } from "../../api/types";
import { count } from "../../format";
import { setQuery } from "../../router";
import { text } from "../../text";

const RELOAD_MS = 5000;

export function ReasonChips({ q, chosen }: { q: string; chosen: string }) {
  const { data } = useLoad<PointList>(
    withParams("points", { q, quality: "bad", limit: 1 }),
    RELOAD_MS,
  );
  const reasons = data?.reasons ?? [];
  if (reasons.length === 0) {
    return null;
  }
  return (
    <div class="chips" role="group" aria-label={text.points.byCause}>
      {reasons.map(({ reason, count: number }) => (
        <button
          type="button"
          key={reason}
          aria-pressed={reason === chosen}
          title={text.reason(reason)}
          onClick={() => setQuery({ reason: reason === chosen ? null : reason })}
        >
          {reason} <b>{count(number)}</b>
        </button>
      ))}
    </div>
  );
}
