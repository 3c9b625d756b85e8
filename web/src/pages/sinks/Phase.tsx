// SPDX-License-Identifier: Apache-2.0
// What a sink is at, by a word; and when it is tried again.
import { now_ms } from "../../api/live";
import type { SinkRow } from "../../api/sinks";
import { text } from "../../text";

export function Phase({ sink }: { sink: SinkRow }) {
  const left = sink.next_try ? Date.parse(sink.next_try) - Date.now() + now_ms.value * 0 : 0;
  return (
    <span class={sink.why ? "abnormal" : undefined}>
      {sink.phase}
      {left > 0 && <span class="muted"> {text.sinks.nextTry(Math.ceil(left / 1000))}</span>}
    </span>
  );
}
