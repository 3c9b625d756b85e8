// SPDX-License-Identifier: Apache-2.0
// A small trend without axes: band, line, gaps. The last value stands beside it in words.
import { useMemo } from "preact/hooks";
import type { Series } from "./series";

const WIDTH = 240;
const HEIGHT = 40;

interface Props {
  series: Series;
  from: number;
  to: number;
  label: string;
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

export function Sparkline({ series, from, to, label }: Props) {
  const shown = useMemo(() => {
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
      part.map((i) => `${x(i)} ${y(of[i]!)}`).join("L");
    return {
      lines: parts.map((part) => `M${path(part, series.avg)}`).join(""),
      bands: parts
        .map((part) => `M${path(part, series.max)}L${path([...part].reverse(), series.min)}Z`)
        .join(""),
    };
  }, [series, from, to]);
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="spark-band" d={shown.bands} />
      <path class="spark-line" d={shown.lines} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
