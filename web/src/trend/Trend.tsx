// SPDX-License-Identifier: Apache-2.0
// The trend of one point: range 1 h to 7 d, earlier and later, live at its right edge. Range and
// end stand in the address, so that a copied link shows the same.
import { useEffect, useMemo, useReducer, useState } from "preact/hooks";
import { liveValue } from "../api/live";
import { useLoad } from "../api/load";
import { pointPath, withParams } from "../api/client";
import type { Buckets, PointFull } from "../api/types";
import { duration, short, when } from "../format";
import { useKeys } from "../keys";
import { lazy } from "../parts/Lazy";
import { Empty, Failed, Loading } from "../parts/State";
import { route, setQuery } from "../router";
import { text } from "../text";
import { addLive, extent, gapsOf, seriesOf, type Series } from "./series";
import { TrendTable } from "./TrendTable";

const Chart = lazy(async () => (await import("./Chart")).Chart);

const RANGES: [name: string, seconds: number][] = [
  ["10m", 600],
  ["1h", 3600],
  ["8h", 28_800],
  ["24h", 86_400],
  ["7d", 604_800],
];
const BUCKETS = 800;
const DEFAULT_RANGE = "24h"; // or less, while the history is younger
const RELOAD_MS = 60_000; // live values fill the time between; this brings late samples

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : null;
}

/** Range and end of the view: end undefined is "now", moving. */
function view(fitting: string) {
  const query = route.value.query;
  const name = query.get("range") ?? fitting;
  const index = Math.max(
    0,
    RANGES.findIndex(([known]) => known === name),
  );
  const end = Number(query.get("end")) || undefined;
  return { index, name: RANGES[index]![0], span_s: RANGES[index]![1], end };
}

/** The shortest range that shows all of a young history. */
function rangeFor(series: Series): string {
  const age_s = Date.now() / 1000 - (series.time[0] ?? 0);
  const fitting = RANGES.find(([, span_s]) => age_s < span_s)?.[0];
  return fitting === "10m" || fitting === "1h" ? fitting : DEFAULT_RANGE;
}

function whyNothing(series: Series, end: number | undefined): string {
  if (series.time.length > 0) {
    return text.trend.nothingGood;
  }
  return end ? text.trend.nothingThen : text.trend.nothingYet;
}

export function Trend({ point }: { point: PointFull }) {
  const [fitting, setFitting] = useState(DEFAULT_RANGE);
  const { index, name, span_s, end } = view(fitting);
  const path = withParams(
    `samples/${pointPath(point.path)}`,
    end
      ? { from: (end - span_s) * 1e6, to: end * 1e6, buckets: BUCKETS }
      : { from: `-${name}`, buckets: BUCKETS },
  );
  const { data, error, reload } = useLoad<Buckets>(path, end ? 0 : RELOAD_MS);
  const series = useMemo(
    () => data && seriesOf(data.buckets, data.step_ms, point.every_s, point.stale_after_s),
    [data],
  );
  useEffect(() => {
    if (series && fitting === DEFAULT_RANGE) {
      setFitting(rangeFor(series));
    }
  }, [series]);
  const [version, grown] = useReducer((n: number) => n + 1, 0);

  const live = liveValue(point.path).value;
  useEffect(() => {
    if (series && live?.time && !end) {
      const value = live.quality === "bad" ? null : numberOf(live.value);
      if (addLive(series, Date.parse(live.time) / 1000, value, live.reason)) {
        grown(undefined);
      }
    }
  }, [live, series]);

  const choose = (next: number) => setQuery({ range: RANGES[next]?.[0] ?? null });
  const shift = (direction: number) => {
    const next = (end ?? Date.now() / 1000) + (direction * span_s) / 2;
    setQuery({ end: next >= Date.now() / 1000 ? null : String(Math.round(next)) });
  };
  useKeys({
    "[": () => shift(-1),
    "]": () => shift(1),
    "+": () => choose(Math.max(0, index - 1)),
    "-": () => choose(Math.min(RANGES.length - 1, index + 1)),
    n: () => setQuery({ end: null }),
  });

  const nothing = series && !extent(series) && whyNothing(series, end);
  const to = end ?? Math.max(Date.now() / 1000, series?.time.at(-1) ?? 0);
  return (
    <section aria-label={text.trend.title}>
      <div class="section-head">
        <h2>{text.trend.title}</h2>
        <div class="actions" role="group" aria-label={text.trend.range}>
          {RANGES.map(([range], i) => (
            <button
              type="button"
              key={range}
              aria-pressed={range === name}
              onClick={() => choose(i)}
            >
              {range}
            </button>
          ))}
          <button type="button" onClick={() => shift(-1)}>
            {text.trend.earlier}
          </button>
          <button type="button" onClick={() => shift(1)} disabled={!end}>
            {text.trend.later}
          </button>
          <button type="button" onClick={() => setQuery({ end: null })} disabled={!end}>
            {text.trend.now}
          </button>
        </div>
      </div>
      {error && <Failed error={error} retry={reload} />}
      {!series && !error && <Loading />}
      {series && nothing && <Empty title={nothing} />}
      {series && !nothing && (
        <Drawn point={point} series={series} version={version} from={to - span_s} to={to} />
      )}
    </section>
  );
}

/** The words of a point that has few values, each with a name. */
function namesOf({ type, enum: named = [] }: PointFull): Map<number, string> | undefined {
  if (named.length > 0) {
    return new Map(named.map(({ value, name }) => [value, name]));
  }
  return type === "bool"
    ? new Map([
        [0, "false"],
        [1, "true"],
      ])
    : undefined;
}

interface DrawnProps {
  point: PointFull;
  series: Series;
  version: number;
  from: number;
  to: number;
}

function Drawn({ point, series, version, from, to }: DrawnProps) {
  const names = useMemo(() => namesOf(point), [point.path]);
  const all = extent(series);
  const gaps = gapsOf(series, to);
  return (
    <>
      <Chart
        series={series}
        version={version}
        from={from}
        to={to}
        units={point.units}
        names={names}
        label={text.trend.label(point.path, when(new Date(from * 1000)), when(new Date(to * 1000)))}
      />
      <p class="trend-facts">
        {all &&
          !names &&
          text.trend.facts(short(all.min), short(all.avg), short(all.max), point.units)}{" "}
        {text.trend.step(duration(series.step_s))}
        {gaps.length > 0 &&
          ` ${text.trend.gaps(
            gaps.length,
            duration(gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0)),
          )}`}
      </p>
      <TrendTable series={series} version={version} units={point.units} />
    </>
  );
}
