// SPDX-License-Identifier: Apache-2.0
// What is held on this point now: by whom, until when; a press releases it.
import { holdKey, releaseHold } from "../../api/holds";
import type { Hold } from "../../api/types";
import { Moment, Since } from "../../parts/Time";
import { attempt } from "../../parts/Toast";
import { text } from "../../text";

export function HeldHere({ holds, done }: { holds: Hold[]; done: () => void }) {
  const release = async (hold: Hold) => {
    await attempt(async () => (await releaseHold(hold)).message);
    done();
  };
  if (holds.length === 0) {
    return null;
  }
  return (
    <ul class="held" aria-label={text.holds.here}>
      {holds.map((hold) => (
        <li key={holdKey(hold)}>
          <span>
            {text.holds.at(`${hold.value} ${hold.units}`.trim(), hold.priority)} {hold.who},{" "}
            {text.holds.since} <Since time={hold.since} />
            {hold.until && (
              <>
                , {text.holds.until} <Moment time={hold.until} />
              </>
            )}
          </span>
          {hold.trouble && <span class="abnormal">{hold.trouble}</span>}
          <button type="button" onClick={() => release(hold)}>
            {text.holds.release}
          </button>
        </li>
      ))}
    </ul>
  );
}
