// SPDX-License-Identifier: Apache-2.0
// A small trend without axes: band, line, gaps; a dot where there is one value only. The value of
// now stands beside it in words.
import { useMemo } from "preact/hooks";
import { useSpark, type Spark } from "../api/sparks";
import { text } from "../text";
import type { Series } from "./series";

const WIDTH = 240;
const HEIGHT = 40;

interface Props {
  path: string;
  wait_ms: number; // on view before it is loaded
}

/** Pieces of known values; a gap parts two of them. */
function pieces(series: Series): number[][] {
  const all: number[][] = [];
  let piece: number[] = [];
  for (let i = 0; i < series.time.length; i++) {
    if (series.avg[i] != null) {
      piece.push(i);
    } else if (piece.length > 0) {
      all.push(piece);
      piece = [];
    }
  }
  return piece.length > 0 ? [...all, piece] : all;
}

function draw({ series, from, to }: Spark) {
  const parts = pieces(series);
  const known = parts.flat();
  const low = Math.min(...known.map((i) => series.min[i]!));
  const high = Math.max(...known.map((i) => series.max[i]!));
  const x = (i: number) => (((series.time[i]! - from) / (to - from)) * WIDTH).toFixed(1);
  const y = (value: number) =>
    high === low
      ? HEIGHT / 2
      : (HEIGHT - 3 - ((value - low) / (high - low)) * (HEIGHT - 6)).toFixed(1);
  const path = (part: number[], of: (number | null)[]) =>
    part.map((i) => `${x(i)} ${y(of[i]!)}`).join("L") + (part.length === 1 ? "h.1" : "");
  return {
    lines: parts.map((part) => `M${path(part, series.avg)}`).join(""),
    bands: parts
      .map((part) => `M${path(part, series.max)}L${path([...part].reverse(), series.min)}Z`)
      .join(""),
  };
}

export function Sparkline({ path, wait_ms }: Props) {
  const spark = useSpark(path, wait_ms);
  const shown = useMemo(() => spark && draw(spark), [spark]);
  if (!spark || !shown) {
    return <span class="sparkline" />;
  }
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={text.trend.spark(path, spark.span)}
    >
      <path class="spark-band" d={shown.bands} />
      <path class="spark-line" d={shown.lines} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
