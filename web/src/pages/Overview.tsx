// SPDX-License-Identifier: Apache-2.0
// Level 1: is all well, and if not, what is worst. Grey when normal.
import { health, notLive_s } from "../api/live";
import { withParams } from "../api/client";
import { useLoad } from "../api/load";
import type { Health, Ledger, PointList, Status } from "../api/types";
import { Facts, type Fact } from "../parts/Facts";
import { PageState } from "../parts/PageState";
import { bytes, count, rate } from "../format";
import { href } from "../router";
import { text } from "../text";
import { Attention } from "./overview/Attention";
import { FirstSteps } from "./overview/FirstSteps";
import { KeyTrends } from "./overview/KeyTrends";

const RELOAD_MS = 2000;
const BAD_MS = 5000;
const PAUSED = "paused";
const LEDGER_MS = 10_000; // it looks at every point

function deviceFacts({ devices }: Status): Fact[] {
  return [
    [text.overview.up, count(devices.up)],
    [
      text.overview.down,
      <a href="/devices?link=down">{count(devices.down)}</a>,
      devices.down > 0 ? "abnormal" : "plain",
    ],
    [text.overview.connecting, count(devices.connecting)],
    [text.overview.paused, count(devices.paused)],
  ];
}

function pointFacts({ points, holds }: Status, paused: number): Fact[] {
  return [
    [text.overview.good, count(points.good)],
    [
      text.overview.bad,
      <a href={href.points({ quality: "bad" })}>{count(points.bad)}</a>,
      points.bad > paused ? "abnormal" : "plain",
    ],
    [text.overview.all, count(points.total)],
    ...(holds ? [[text.overview.held, <a href="/overrides">{count(holds)}</a>] as Fact] : []),
  ];
}

function flowFacts(status: Status): Fact[] {
  return [
    [text.overview.samplesRate, rate(status.samples_per_s)],
    [text.overview.pollsRate, rate(status.polls_per_s)],
    [text.overview.cpu, `${status.cpu_percent.toFixed(1)} %`],
    [text.overview.memory, bytes(status.memory_bytes)],
  ];
}

function ledgerFact(balances: boolean | undefined): Fact {
  if (balances === undefined) {
    return [text.overview.ledger, text.unknownValue];
  }
  return [
    text.overview.ledger,
    balances ? text.overview.ledgerOk : text.overview.ledgerOff,
    balances ? "plain" : "abnormal",
  ];
}

function storeFacts(balances: boolean | undefined, now: Health | undefined): Fact[] {
  const log = now?.log.state;
  const free = now && now.disk.free_bytes / Math.max(1, now.disk.total_bytes);
  return [
    [text.overview.log, log ?? text.unknownValue, log && log !== "ok" ? "abnormal" : "plain"],
    ledgerFact(balances),
    [
      text.overview.diskFree,
      now ? bytes(now.disk.free_bytes) : text.unknownValue,
      free !== undefined && free < 0.05 ? "abnormal" : "plain",
    ],
    [text.overview.history, now ? bytes(now.disk.history_bytes) : text.unknownValue],
  ];
}

export function Overview() {
  const { data, error, reload } = useLoad<Status>("status", RELOAD_MS);
  const ledger = useLoad<Ledger>(withParams("ledger", { wrong: 1, limit: 1 }), LEDGER_MS);
  const bad = useLoad<PointList>(
    data && data.points.bad > 0 ? withParams("points", { quality: "bad", limit: 1 }) : null,
    BAD_MS,
  );
  const reasons = bad.data?.reasons ?? [];
  const paused = reasons.find(({ reason }) => reason === PAUSED)?.count ?? 0;
  if (!data) {
    return <PageState title={text.pages.overview} error={error} retry={reload} />;
  }
  if (data.devices.total === 0) {
    return <FirstSteps />;
  }
  const cards: [string, Fact[]][] = [
    [text.overview.devices, deviceFacts(data)],
    [text.overview.points, pointFacts(data, paused)],
    [text.overview.flow, flowFacts(data)],
    [text.overview.store, storeFacts(ledger.data?.balances, health.value)],
  ];
  return (
    <>
      <h1 tabIndex={-1}>{health.value?.site.name || text.pages.overview}</h1>
      <div class={`cards ${notLive_s.value > 0 ? "old" : ""}`}>
        {cards.map(([title, rows]) => (
          <section class="card" key={title}>
            <h2>{title}</h2>
            <Facts rows={rows} class="figures" />
          </section>
        ))}
      </div>
      <Attention
        status={data}
        reasons={reasons.filter(({ reason }) => reason !== PAUSED)}
        paused={paused}
      />
      <KeyTrends />
    </>
  );
}
