// SPDX-License-Identifier: Apache-2.0
// The small trends of lists: loaded two at a time, so that they never stand in the way of values,
// kept for a while, and over a shorter time when the history is younger.
import { signal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { seriesOf, type Series } from "../trend/series";
import { get, pointPath, withParams } from "./client";
import type { Buckets } from "./types";

export interface Spark {
  series: Series;
  from: number; // seconds since 1970
  to: number;
  span: string;
}

interface Kept {
  spark: Signal<Spark | undefined>;
  loaded_ms: number; // 0: never
  asked: boolean;
}

const SPANS: [name: string, seconds: number][] = [
  ["8h", 28_800],
  ["1h", 3600],
  ["10m", 600],
];
const BUCKETS = 96;
const SILENCE_S = 60; // a list does not know how often each point is read
const FRESH_MS = 30_000;
const KEPT_MAX = 400;
const AT_ONCE = 2;

const kept = new Map<string, Kept>();
const queue: string[] = [];
let running = 0;

function keptOf(path: string): Kept {
  let one = kept.get(path);
  if (!one) {
    one = { spark: signal(undefined), loaded_ms: 0, asked: false };
    kept.set(path, one);
    for (const old of kept.keys()) {
      if (kept.size <= KEPT_MAX) {
        break;
      }
      kept.delete(old);
    }
  }
  return one;
}

/** The longest span that is not mostly before the first sample. */
async function load(path: string): Promise<Spark> {
  for (let i = 0; ; i++) {
    const [span, span_s] = SPANS[i]!;
    const to = Date.now() / 1000;
    const question = { from: `-${span}`, buckets: BUCKETS };
    const data = await get<Buckets>(withParams(`samples/${pointPath(path)}`, question));
    const first = data.buckets[0]?.[0];
    const shorter = SPANS[i + 1];
    if (first === undefined || !shorter || first / 1000 < to - shorter[1]) {
      const series = seriesOf(data.buckets, data.step_ms, 0, SILENCE_S);
      const from = Math.max(to - span_s, series.time[0] ?? 0);
      return { series, from, to, span };
    }
  }
}

async function next() {
  const path = running < AT_ONCE ? queue.shift() : undefined;
  if (path === undefined) {
    return;
  }
  running += 1;
  const one = keptOf(path);
  try {
    one.spark.value = await load(path);
  } catch {
    // A small trend is an extra: the value beside it says when something is wrong.
  }
  one.loaded_ms = performance.now();
  one.asked = false;
  running -= 1;
  next();
}

function ask(path: string) {
  const one = keptOf(path);
  const fresh = one.loaded_ms > 0 && performance.now() - one.loaded_ms < FRESH_MS;
  if (!one.asked && !fresh && !document.hidden) {
    one.asked = true;
    queue.push(path);
    next();
  }
}

function forget(path: string) {
  const at = queue.indexOf(path);
  if (at >= 0) {
    queue.splice(at, 1);
    keptOf(path).asked = false;
  }
}

/** The small trend of a point, asked for when the component has been on view for wait_ms. */
export function useSpark(path: string, wait_ms: number): Spark | undefined {
  useEffect(() => {
    const first = setTimeout(() => ask(path), wait_ms);
    const again = setInterval(() => ask(path), FRESH_MS + 1000);
    return () => {
      clearTimeout(first);
      clearInterval(again);
      forget(path);
    };
  }, [path]);
  return keptOf(path).spark.value;
}
