// SPDX-License-Identifier: Apache-2.0
// Quality by shape, word and colour, never by colour alone. The word is the reason ("no answer").
import type { Quality as Class } from "../api/types";
import { text } from "../text";

const SHAPES: Record<Class, string> = {
  good: "M3 6.5 5.2 9 9.5 3.5", // tick
  uncertain: "M6 1.5 10.5 6 6 10.5 1.5 6Z", // diamond
  bad: "M6 1.5 11 10.5H1Z", // triangle
};

export function Quality({ quality, reason }: { quality: Class; reason: string }) {
  return (
    <span class={`quality ${quality}`} title={text.reason(reason)}>
      <svg class="shape" viewBox="0 0 12 12" aria-hidden="true">
        <path d={SHAPES[quality]} />
      </svg>
      {reason}
    </span>
  );
}
