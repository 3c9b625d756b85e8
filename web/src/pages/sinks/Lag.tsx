// SPDX-License-Identifier: Apache-2.0
// How late a sink was over the last minutes: a small area with its highest value in words.
import type { SinkFull } from "../../api/sinks";
import { duration } from "../../format";
import { text } from "../../text";

const WIDTH = 480;
const HEIGHT = 72;
const LEAST_S = 5; // so that a lag of nothing much is drawn as such

export function Lag({ recent }: { recent: SinkFull["recent"] }) {
  const values = recent.lag_s;
  if (values.length < 2) {
    return <p class="muted">{text.sinks.lagSoon}</p>;
  }
  const highest = Math.max(...values);
  const top = Math.max(LEAST_S, highest);
  const x = (i: number) => ((i / (values.length - 1)) * WIDTH).toFixed(1);
  const y = (value: number) => (HEIGHT - 2 - (value / top) * (HEIGHT - 4)).toFixed(1);
  const line = values.map((value, i) => `${x(i)} ${y(value)}`).join("L");
  const span = duration((values.length - 1) * recent.step_s);
  const said = text.sinks.lagOf(span, duration(highest), duration(values.at(-1)!));
  return (
    <figure class="lag">
      <svg
        class="sparkline"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={said}
      >
        <path class="spark-band" d={`M0 ${HEIGHT}L${line}L${WIDTH} ${HEIGHT}Z`} />
        <path class="spark-line" d={`M${line}`} vector-effect="non-scaling-stroke" />
      </svg>
      <figcaption class="muted">{said}</figcaption>
    </figure>
  );
}
