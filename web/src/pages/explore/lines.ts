// SPDX-License-Identifier: Apache-2.0
// Lines on one grid of moments: those of points from buckets (with band, gaps and their cause), those of
// expressions from a range query.
import type { Bucket } from "../../api/types";
import { extent, gapsOf, seriesOf, type Gap } from "../../trend/series";

/** Moments of all lines of a view: from, from + step ... */
export interface Grid {
  from: number; // seconds since 1970, a multiple of step
  step: number;
  count: number;
}

/** null breaks the line (a gap), undefined does not (nothing new at this moment). */
export type Values = (number | null | undefined)[];

export interface Line {
  id: string; // one of a kind in the view
  asked: string; // the point or expression it comes from
  name: string;
  units: string;
  values: Values;
  min: Values; // the band; the same as values for expressions
  max: Values;
  gaps: Gap[];
  stats: Stats | undefined; // undefined: no value in view
}

export interface Stats {
  min: number;
  avg: number;
  max: number;
  last: number;
}

export function gridOf(from: number, to: number, step: number): Grid {
  const first = Math.floor(from / step) * step;
  return { from: first, step, count: Math.max(1, Math.ceil((to - first) / step)) };
}

export function times(grid: Grid): number[] {
  return Array.from({ length: grid.count }, (_, i) => grid.from + i * grid.step);
}

function place(grid: Grid, time: number): number {
  return Math.floor((time - grid.from) / grid.step + 1e-6);
}

function empty(grid: Grid): Values {
  return new Array<number | null | undefined>(grid.count).fill(undefined);
}

interface PointFacts {
  path: string;
  units: string;
  every_s: number;
  stale_after_s: number | null;
}

export function pointLine(
  point: PointFacts,
  buckets: Bucket[],
  step_ms: number,
  grid: Grid,
  to: number,
): Line {
  const series = seriesOf(buckets, step_ms, point.every_s, point.stale_after_s);
  const [values, min, max] = [empty(grid), empty(grid), empty(grid)];
  for (const [i, time] of series.time.entries()) {
    const at = place(grid, time);
    if (at >= 0 && at < grid.count) {
      values[at] = series.avg[i];
      min[at] = series.min[i];
      max[at] = series.max[i];
    }
  }
  const gaps = gapsOf(series, to);
  for (const gap of gaps) {
    const end = Math.min(grid.count, place(grid, gap.to));
    for (let at = Math.max(0, place(grid, gap.from)); at < end; at++) {
      values[at] = min[at] = max[at] = null;
    }
  }
  const all = extent(series);
  const last = series.avg.filter((value) => value != null).at(-1);
  return {
    id: point.path,
    asked: point.path,
    name: point.path,
    units: point.units,
    values,
    min,
    max,
    gaps,
    stats: all && last != null ? { ...all, last } : undefined,
  };
}

/** What /api/v1/query_range answers. */
export interface RangeAnswer {
  status: string;
  warnings?: string[];
  infos?: string[];
  data: {
    resultType: string;
    result: { metric: Record<string, string>; values: [number, string][] }[];
  };
}

/** As PromQL writes it: power{device="meter-1"}. */
export function nameOf(metric: Record<string, string>): string {
  const { __name__: name = "", ...labels } = metric;
  const plain = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
  const inner = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  const all = plain || name === "" ? inner : [JSON.stringify(name), ...inner];
  return (plain ? name : "") + (all.length > 0 ? `{${all.join(", ")}}` : "");
}

function statsOf(values: Values): Stats | undefined {
  const known = values.filter((value): value is number => value != null);
  if (known.length === 0) {
    return undefined;
  }
  return {
    min: known.reduce((a, b) => Math.min(a, b)),
    max: known.reduce((a, b) => Math.max(a, b)),
    avg: known.reduce((sum, value) => sum + value, 0) / known.length,
    last: known.at(-1)!,
  };
}

/** A moment without a value of an expression is a gap: it has none there. */
export function expressionLines(asked: string, answer: RangeAnswer, grid: Grid): Line[] {
  return answer.data.result.map(({ metric, values: found }) => {
    const values: Values = new Array<number | null>(grid.count).fill(null);
    for (const [time, text] of found) {
      const at = place(grid, time);
      const value = Number(text);
      if (at >= 0 && at < grid.count && Number.isFinite(value)) {
        values[at] = value;
      }
    }
    const name = nameOf(metric) || asked;
    return {
      id: `${asked} ${name}`,
      asked,
      name,
      units: "",
      values,
      min: values,
      max: values,
      gaps: [],
      stats: statsOf(values),
    };
  });
}

/** Text of a sheet: a column a line, a row a moment. */
export function csvOf(grid: Grid, lines: Line[]): string {
  const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  const head = ["time", ...lines.map(({ name, units }) => (units ? `${name} ${units}` : name))];
  const rows = times(grid).map((time, i) =>
    [new Date(time * 1000).toISOString(), ...lines.map(({ values }) => values[i] ?? "")].join(","),
  );
  return `${[head.map(quoted).join(","), ...rows].join("\n")}\n`;
}
