// SPDX-License-Identifier: Apache-2.0
// Quality by shape, word and colour, never by colour alone. The word is the reason ("no answer").
import type { Quality as Class } from "../api/types";
import { text } from "../text";

const SHAPES: Record<Class, string> = {
  good: "M3 6.5 5.2 9 9.5 3.5", // tick
  uncertain: "M6 1.5 10.5 6 6 10.5 1.5 6Z", // diamond
  bad: "M6 1.5 11 10.5H1Z", // triangle
};
const PAUSED = "paused"; // bad, but by somebody's will: two bars and no colour
const PAUSED_SHAPE = "M3.5 2v8M8.5 2v8";

export function Quality({ quality, reason }: { quality: Class; reason: string }) {
  const paused = reason === PAUSED;
  return (
    <span class={`quality ${paused ? PAUSED : quality}`} title={text.reason(reason)}>
      <svg class="shape" viewBox="0 0 12 12" aria-hidden="true">
        <path d={paused ? PAUSED_SHAPE : SHAPES[quality]} />
      </svg>
      {reason}
    </span>
  );
}
