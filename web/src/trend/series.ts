// SPDX-License-Identifier: Apache-2.0
// Buckets of the server -> columns for a chart, with gaps where nothing is known, and live values
// added at the end. Seconds since 1970 on the x axis, as uPlot wants.
import type { Bucket } from "../api/types";

export interface Series {
  step_s: number;
  gap_s: number; // nothing for longer than this is a gap
  time: number[];
  min: (number | null)[];
  max: (number | null)[];
  avg: (number | null)[];
  bad: number[];
  counts: number[];
  reason: string[]; // quality of the last sample: "good", or why not
}

function emptySeries(step_s: number, gap_s: number): Series {
  return { step_s, gap_s, time: [], min: [], max: [], avg: [], bad: [], counts: [], reason: [] };
}

function push(
  series: Series,
  time: number,
  min: number | null,
  max: number | null,
  avg: number | null,
  bad: number,
  count: number,
  reason: string,
) {
  series.time.push(time);
  series.min.push(min);
  series.max.push(max);
  series.avg.push(avg);
  series.bad.push(bad);
  series.counts.push(count);
  series.reason.push(reason);
}

/** A row without values, so that the line is broken there. */
function breakLine(series: Series, time: number, bad: number, reason: string) {
  push(series, time, null, null, null, bad, 0, reason);
}

function breakIfSilent(series: Series, time: number) {
  const last = series.time.at(-1);
  if (last !== undefined && time - last > series.gap_s && series.avg.at(-1) !== null) {
    breakLine(series, last + series.step_s, 0, "");
  }
}

/**
 * every_s: how often the point is read; stale_after_s: when its value counts as old, null: never
 * (a device that speaks only when something changes). A silence longer than both, and than two
 * buckets, is drawn as a gap.
 */
export function seriesOf(
  buckets: Bucket[],
  step_ms: number,
  every_s: number,
  stale_after_s: number | null,
): Series {
  const step_s = step_ms / 1000;
  const silence_s = Math.max(2.5 * step_s, 3 * every_s, stale_after_s ?? Infinity);
  const series = emptySeries(step_s, silence_s);
  for (const [start_ms, count, min, max, avg, , , bad, reason] of buckets) {
    const time = start_ms / 1000;
    breakIfSilent(series, time);
    if (avg === null || min === null || max === null) {
      breakLine(series, time, bad, reason);
    } else {
      push(series, time, min, max, avg, bad, count, reason);
    }
  }
  return series;
}

/**
 * Adds one live value: into the last bucket, or a new one. Returns false if it is not newer.
 * reason: of its quality.
 */
export function addLive(
  series: Series,
  time: number,
  value: number | null,
  reason: string,
): boolean {
  const end = series.time.length - 1;
  const last = series.time[end];
  if (last !== undefined && time < last) {
    return false;
  }
  if (value === null) {
    breakLine(series, time, 1, reason);
    return true;
  }
  const min = series.min[end];
  const max = series.max[end];
  const avg = series.avg[end];
  if (
    last !== undefined &&
    time - last < series.step_s &&
    min != null &&
    max != null &&
    avg != null
  ) {
    const count = series.counts[end]! + 1;
    series.min[end] = Math.min(min, value);
    series.max[end] = Math.max(max, value);
    series.avg[end] = avg + (value - avg) / count;
    series.counts[end] = count;
    series.reason[end] = reason;
    return true;
  }
  breakIfSilent(series, time);
  push(series, time, value, value, value, 0, 1, reason);
  return true;
}

export interface Gap {
  from: number;
  to: number;
  bad: number;
  reason: string; // why, as the quality says; "" when there is no sample at all
}

/** Where nothing is known between two known values, or from the last one to the end of the view. */
export function gapsOf(series: Series, to: number): Gap[] {
  const gaps: Gap[] = [];
  const cause = (first: number, last: number) =>
    series.reason
      .slice(first, last)
      .filter((reason) => reason !== "" && reason !== "good")
      .at(-1) ?? "";
  let known = -1;
  let bad = 0;
  for (let i = 0; i < series.time.length; i++) {
    if (series.avg[i] === null) {
      bad += series.bad[i]!;
      continue;
    }
    if (known >= 0 && i - known > 1) {
      const from = series.time[known]! + series.step_s;
      gaps.push({ from, to: series.time[i]!, bad, reason: cause(known, i) });
    }
    known = i;
    bad = 0;
  }
  const end = series.time[known];
  const silent = end !== undefined && to - end > series.gap_s + series.step_s;
  if (end !== undefined && (silent || (bad > 0 && to > end + series.step_s))) {
    gaps.push({ from: end + series.step_s, to, bad, reason: cause(known, series.time.length) });
  }
  return gaps;
}

export function extent(series: Series): { min: number; max: number; avg: number } | undefined {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  for (let i = 0; i < series.time.length; i++) {
    const avg = series.avg[i];
    if (avg != null) {
      min = Math.min(min, series.min[i]!);
      max = Math.max(max, series.max[i]!);
      sum += avg * series.counts[i]!;
      count += series.counts[i]!;
    }
  }
  return count > 0 ? { min, max, avg: sum / count } : undefined;
}
