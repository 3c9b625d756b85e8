// SPDX-License-Identifier: Apache-2.0
// Level 3: one point. Value and why it is so, trend, how bytes became the value, ledger, write.
import { useEffect, useRef } from "preact/hooks";
import { liveValue, useLive, type Heard } from "../api/live";
import { useLoad } from "../api/load";
import { pointPath } from "../api/client";
import type { PointFull } from "../api/types";
import { useKeys } from "../keys";
import { ConfigPlace } from "../parts/ConfigPlace";
import { Facts } from "../parts/Facts";
import { PageState } from "../parts/PageState";
import { Quality } from "../parts/Quality";
import { Failed } from "../parts/State";
import { Age, Moment } from "../parts/Time";
import { Value } from "../parts/Value";
import { duration } from "../format";
import { go, href } from "../router";
import { text } from "../text";
import { Recent } from "../trend/Recent";
import { Trend } from "../trend/Trend";
import { Explain } from "./point/Explain";
import { Ledger } from "./point/Ledger";
import { WriteBox } from "./point/WriteBox";
import { rememberViewed } from "./explore/viewed";
import { pins, togglePin } from "./overview/pins";

const RELOAD_MS = 3000;

/** The stream's word if it is newer than the loaded point. */
function newestOf(point: PointFull, live: Heard | undefined): Heard {
  const heard_ms = performance.now();
  const last = point.quality === "bad" ? point.last_good?.text : point.text;
  if (live && (!point.time || !live.time || Date.parse(live.time) >= Date.parse(point.time))) {
    return { ...live, last: live.last ?? last };
  }
  return { ...point, heard_ms, last };
}

function Now({ point, now }: { point: PointFull; now: Heard }) {
  return (
    <section class="now" aria-label={text.point.now}>
      <p class="big">
        <Value point={now} last={now.last} />
      </p>
      <p class="now-quality">
        <Quality quality={now.quality} reason={now.reason} />
        <span class="muted">{text.reason(now.reason)}</span>
        {point.detail && <span>{point.detail}</span>}
      </p>
      <p class="muted">
        {now.quality === "bad" ? text.point.lastGoodAge : text.point.age}{" "}
        {now.quality === "bad" && point.last_good ? (
          <Moment time={point.last_good.time} />
        ) : (
          <Age age_s={now.age_s} time={now.time} heard_ms={now.heard_ms} />
        )}
        {point.since && (
          <>
            {" "}
            · {text.point.soSince} <Moment time={point.since} />
          </>
        )}
      </p>
    </section>
  );
}

function periodOf(point: PointFull) {
  const words = text.point.facts;
  if (point.pushed) {
    return [words.told, text.point.sent];
  }
  return point.watched
    ? [words.told, text.point.checked(duration(point.check_every_s ?? point.every_s))]
    : [words.every, duration(point.every_s)];
}

function factsOf(point: PointFull) {
  const words = text.point.facts;
  const scaled = point.scale !== 1 || point.offset !== 0;
  return [
    [words.device, <a href={href.device(point.device)}>{point.device}</a>],
    [words.source, point.source],
    [words.type, point.type],
    [words.units, point.units || text.none],
    ...(scaled ? [[words.scale, text.point.scale(point.scale, point.offset)]] : []),
    periodOf(point),
    [words.stale, point.stale_after_s === null ? text.never : duration(point.stale_after_s)],
    ...(point.sinks?.length
      ? [[words.sinks, point.sinks.map((name) => <a href={href.sink(name)}>{name} </a>)]]
      : []),
    [words.config, <ConfigPlace place={point.config} />],
  ] as Parameters<typeof Facts>[0]["rows"];
}

export function Point({ path }: { path: string }) {
  const { data: point, error, reload } = useLoad<PointFull>(`points/${pointPath(path)}`, RELOAD_MS);
  const writeInput = useRef<HTMLElement>(null);
  const paths = useRef([path]);
  paths.current = paths.current[0] === path ? paths.current : [path];
  useLive(paths.current);
  useEffect(() => rememberViewed(path), [path]);
  useKeys({
    e: () => go(href.explore(path)),
    w: () => writeInput.current?.focus(),
    l: () => document.getElementById("ledger")?.scrollIntoView(),
  });
  if (!point) {
    return <PageState title={path} error={error} retry={reload} />;
  }
  const pinned = pins.value.includes(path);
  const now = newestOf(point, liveValue(path).value);
  return (
    <>
      <div class="page-head">
        <p class="crumbs">
          <a href="/devices">{text.pages.devices}</a> /{" "}
          <a href={href.device(point.device)}>{point.device}</a>
        </p>
        <h1 tabIndex={-1}>{path}</h1>
        <span class="muted">{point.title}</span>
        <span class="grow" />
        <button type="button" aria-pressed={pinned} onClick={() => togglePin(path)}>
          {text.point.pin}
        </button>
        <button type="button" onClick={() => go(href.explore(path))}>
          {text.pages.explore}
        </button>
        <button type="button" onClick={() => go(href.points({ q: point.device }))}>
          {text.point.siblings}
        </button>
      </div>
      {error && <Failed error={error} retry={reload} />}
      <div class="point-top">
        <Now point={point} now={now} />
        <WriteBox point={point} now={now} input={writeInput} done={reload} />
      </div>
      {point.type === "string" ? <Recent point={point} /> : <Trend point={point} />}
      <div class="cards">
        <Explain point={point} />
        <section class="card">
          <h2>{text.point.factsTitle}</h2>
          <Facts rows={factsOf(point)} />
        </section>
        <Ledger ledger={point.ledger} />
      </div>
    </>
  );
}
