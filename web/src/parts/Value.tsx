// SPDX-License-Identifier: Apache-2.0
// A value for people. A bad point shows its last good value, struck grey and hatched, or says that
// there is none: what is not known never looks like a value.
import type { Point, LivePoint } from "../api/types";
import { text } from "../text";

/** last: the last good value of a bad point, as text. */
export function Value({ point, last }: { point: LivePoint; last?: string | undefined }) {
  if (point.value === null || point.quality === "bad") {
    return last ? (
      <span class="value old" title={text.lastGood}>
        {last}
      </span>
    ) : (
      <span class="value unknown">{text.unknownValue}</span>
    );
  }
  return (
    <span class="value" title={point.exact}>
      {point.text}
    </span>
  );
}

/** The last good text a list row knows, when what is shown now is bad. */
export function lastText(row: Point): string | undefined {
  return row.quality === "bad"
    ? (row.last_good?.text ?? (row.value === null ? undefined : row.text))
    : row.text;
}
