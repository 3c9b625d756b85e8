// SPDX-License-Identifier: Apache-2.0
// What Explore shows, as it stands in the address: the series, the span of time, what it is compared with.
import { setQuery } from "../../router";

export const STEPS = 600; // moments on the x axis
export const SERIES_MAX = 24; // lines in all
export const ASKED_MAX = 12; // points and expressions
const SPAN_S_DEFAULT = 86_400;
const SPAN_S_MIN = 60;
const SPAN_S_MAX = 20 * 365 * 86_400;

export const SPANS: [name: string, seconds: number][] = [
  ["1h", 3600],
  ["8h", 28_800],
  ["24h", 86_400],
  ["7d", 604_800],
  ["30d", 2_592_000],
  ["1y", 31_536_000],
];

/** How far back the other line is, in seconds. */
export const COMPARES: [name: string, seconds: number][] = [
  ["1d", 86_400],
  ["1w", 604_800],
];

export interface View {
  asked: string[]; // paths of points, PromQL
  span_s: number;
  end: number | undefined; // seconds since 1970; undefined: now, moving
  compare: string; // of COMPARES, or ""
  split: boolean; // a chart for each line
}

function spanOf(text: string | null): number {
  const named = SPANS.find(([name]) => name === text)?.[1];
  const span_s = named ?? (Math.round(Number(text)) || SPAN_S_DEFAULT);
  return Math.min(SPAN_S_MAX, Math.max(SPAN_S_MIN, span_s));
}

export function viewOf(query: URLSearchParams): View {
  const asked = query.getAll("s").filter((text) => text.trim() !== "");
  const compare = query.get("compare") ?? "";
  return {
    asked: [...new Set(asked)].slice(0, ASKED_MAX),
    span_s: spanOf(query.get("range")),
    end: Number(query.get("end")) || undefined,
    compare: COMPARES.some(([name]) => name === compare) ? compare : "",
    split: query.get("split") === "1",
  };
}

function rangeText(span_s: number): string {
  return SPANS.find(([, seconds]) => seconds === span_s)?.[0] ?? String(Math.round(span_s));
}

export function setAsked(asked: string[]) {
  setQuery({ s: asked });
}

/** end in the future is now. */
export function setTimes(span_s: number, end: number | undefined) {
  const moving = end === undefined || end >= Date.now() / 1000;
  const span = Math.min(SPAN_S_MAX, Math.max(SPAN_S_MIN, span_s));
  setQuery({ range: rangeText(span), end: moving ? null : String(Math.round(end)) });
}

/** The step of the view: whole seconds, so that every line has a value at the same moments. */
export function stepOf(span_s: number): number {
  return Math.max(1, Math.ceil(span_s / STEPS));
}
