// SPDX-License-Identifier: Apache-2.0
// The state of a device's link by shape and word.
import type { Link } from "../api/types";

const SHAPES: Record<Link, string> = {
  up: "M3 6.5 5.2 9 9.5 3.5",
  connecting: "M6 1.5a4.5 4.5 0 1 1-4.5 4.5",
  paused: "M3.5 2v8M8.5 2v8",
  down: "M6 1.5 11 10.5H1Z",
};

export function LinkState({ link }: { link: Link }) {
  return (
    <span class={`quality link-${link}`}>
      <svg class="shape" viewBox="0 0 12 12" aria-hidden="true">
        <path d={SHAPES[link]} />
      </svg>
      {link}
    </span>
  );
}
