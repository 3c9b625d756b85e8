// SPDX-License-Identifier: Apache-2.0
// What applying would change, and which devices would stop for it.
import type { Diff } from "../../api/types";
import { count } from "../../format";
import { text } from "../../text";

export function Changes({ diff }: { diff: Diff }) {
  const more = (diff.changes_total ?? 0) - diff.changes.length;
  return (
    <>
      <ul class="changes">
        {diff.changes.map((change) => (
          <li key={`${change.kind} ${change.what}`} class={`change-${change.kind}`}>
            <code>{change.text}</code>
          </li>
        ))}
      </ul>
      {more > 0 && <p>{text.config.moreChanges(count(more))}</p>}
      <p class="muted">{text.config.stops(diff.stopped)}</p>
      {diff.restart_needed && <p>{text.config.restart}</p>}
    </>
  );
}
