// SPDX-License-Identifier: Apache-2.0
// What applying would change, and which devices would stop for it.
import type { Diff } from "../../api/types";
import { text } from "../../text";

export function Changes({ diff }: { diff: Diff }) {
  return (
    <>
      <ul class="changes">
        {diff.changes.map((change) => (
          <li key={`${change.kind} ${change.what}`} class={`change-${change.kind}`}><code>{change.text}</code></li>))}
      </ul>
      <p class="muted">{text.config.stops(diff.stopped)}</p>
    </>
  );
}
