// SPDX-License-Identifier: Apache-2.0
// The severity of an event by shape, word and, from high on, colour.
import type { Severity as Word } from "../api/events";

const SHAPES: Record<Word, string> = {
  info: "M6 5v4.5M6 2.5v.6",
  low: "M2.5 6h7",
  medium: "M6 1.5 10.5 6 6 10.5 1.5 6Z",
  high: "M6 1.5 11 10.5H1Z",
  critical: "M4 1.5h4L10.5 4v4L8 10.5H4L1.5 8V4Z",
};

export function Severity({ severity }: { severity: Word }) {
  return (
    <span class={`quality severity-${severity}`}>
      <svg class="shape" viewBox="0 0 12 12" aria-hidden="true">
        <path d={SHAPES[severity] ?? SHAPES.info} />
      </svg>
      {severity}
    </span>
  );
}
