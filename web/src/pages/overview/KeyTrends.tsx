// SPDX-License-Identifier: Apache-2.0
// The trends of the pinned points, or of some points that change until a person pins others.
import { useMemo } from "preact/hooks";
import { liveValue, useLive } from "../../api/live";
import { useLoad } from "../../api/load";
import { pointPath, withParams } from "../../api/client";
import type { Point, PointList } from "../../api/types";
import { Quality } from "../../parts/Quality";
import { lastText, Value } from "../../parts/Value";
import { href } from "../../router";
import { text } from "../../text";
import { Sparkline } from "../../trend/Sparkline";
import { pins, PINS_MAX } from "./pins";

const RELOAD_MS = 15_000;
const CANDIDATES = 200;

/** One measured point a device first, then more: variety before completeness. */
function proposed(points: Point[]): string[] {
  const numbers = points.filter(
    (point) => typeof point.value === "number" && point.type !== "bool" && point.units !== "",
  );
  const seen = new Set<string>();
  const firsts = numbers.filter((point) => !seen.has(point.device) && seen.add(point.device));
  return [...new Set([...firsts, ...numbers])].slice(0, PINS_MAX).map((point) => point.path);
}

function KeyTrend({ path }: { path: string }) {
  const { data, error } = useLoad<Point>(`points/${pointPath(path)}`, RELOAD_MS);
  const live = liveValue(path).value;
  const newest = live ?? data;
  return (
    <li class="key-trend">
      <a href={href.point(path)}>{path}</a>
      {newest && data && (
        <span class="key-value">
          <Value point={newest} last={live?.last ?? lastText(data)} />
          {newest.quality !== "good" && <Quality quality={newest.quality} reason={newest.reason} />}
        </span>
      )}
      {error ? <span class="muted">{error.message}</span> : <Sparkline path={path} wait_ms={0} />}
    </li>
  );
}

export function KeyTrends() {
  const chosen = pins.value;
  const list = useLoad<PointList>(
    chosen.length > 0 ? null : withParams("points", { quality: "good", limit: CANDIDATES }),
  );
  const paths = useMemo(
    () => (chosen.length > 0 ? chosen : proposed(list.data?.points ?? [])),
    [chosen, list.data],
  );
  useLive(paths);
  if (paths.length === 0) {
    return null;
  }
  return (
    <section>
      <div class="section-head">
        <h2>{text.overview.trends}</h2>
        {chosen.length === 0 && <p class="muted">{text.overview.pinHint}</p>}
      </div>
      <ul class="key-trends">
        {paths.map((path) => (
          <KeyTrend key={path} path={path} />
        ))}
      </ul>
    </section>
  );
}
