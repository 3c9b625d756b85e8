// SPDX-License-Identifier: Apache-2.0
// One sink: phase and lag, what was published and what waits, its quota, its ledger, what was set aside; test, pause, SQL.
import { useState } from "preact/hooks";
import { notLive_s } from "../../api/live";
import { pathOf } from "../../api/client";
import { useLoad } from "../../api/load";
import { switchSink, type SinkFull, type SinkLedger } from "../../api/sinks";
import { bytes, count, duration, rate } from "../../format";
import { useKeys } from "../../keys";
import { Facts, type Fact } from "../../parts/Facts";
import { PageState } from "../../parts/PageState";
import { Failed } from "../../parts/State";
import { Moment, Since } from "../../parts/Time";
import { attempt } from "../../parts/Toast";
import { text } from "../../text";
import { AsideTable } from "./AsideTable";
import { Lag } from "./Lag";
import { Phase } from "./Phase";
import { SqlDialog } from "./SqlDialog";
import { TestDialog } from "./TestDialog";

const RELOAD_MS = 2000;
const LEDGER_MS = 10_000;
const QUOTA_NEAR = 0.8;
const words = text.sinks;

function flowFacts(sink: SinkFull): Fact[] {
  const { facts } = words;
  return [
    [facts.phase, <Phase sink={sink} />],
    [facts.since, <Since time={sink.since} />],
    [facts.lag, duration(sink.lag_s)],
    [facts.waiting, words.waitingOf(count(sink.waiting), bytes(sink.waiting_bytes))],
    [facts.published, count(sink.published)],
    [facts.repeated, count(sink.repeated)],
    [facts.events, count(sink.events)],
    [facts.rate, rate(sink.samples_per_s)],
    [facts.last, <Moment time={sink.last_published} />],
  ];
}

function quotaFacts({ quota, released, aside, failures }: SinkFull): Fact[] {
  const { facts } = words;
  const near = quota.used >= QUOTA_NEAR ? "abnormal" : "plain";
  return [
    [facts.left, words.leftOf(bytes(quota.left_bytes), bytes(quota.keep_bytes)), near],
    [facts.leftTime, quota.left_s === null ? words.noEnd : duration(quota.left_s), near],
    [facts.released, count(released), released > 0 ? "abnormal" : "plain"],
    [facts.aside, count(aside), aside > 0 ? "abnormal" : "plain"],
    [facts.failures, count(failures)],
  ];
}

function ledgerFacts(ledger: SinkLedger): Fact[] {
  const { facts } = words;
  const { stored, published = 0, waiting = 0, aside = 0, released = 0, lost_records = 0 } = ledger;
  if (stored === undefined) {
    return [[facts.balance, ledger.text]];
  }
  return [
    [facts.stored, count(stored)],
    [facts.published, count(published)],
    [facts.waiting, count(waiting)],
    [facts.aside, count(aside)],
    [facts.released, count(released)],
    ...(lost_records > 0 ? [[facts.lost, count(lost_records), "abnormal"] as Fact] : []),
    [
      facts.balance,
      ledger.balances ? text.ledger.ok : ledger.text,
      ledger.balances ? "plain" : "abnormal",
    ],
  ];
}

function LastError({ sink }: { sink: SinkFull }) {
  if (!sink.error) {
    return null;
  }
  return (
    <div class={sink.why ? "state failed" : "state-past"} role={sink.why ? "alert" : undefined}>
      <p class="state-title">{sink.error.message}</p>
      {sink.error.hint && <p>{text.hint(sink.error.hint)}</p>}
      <p class="muted">
        {words.errorAgo} <Since time={sink.error.time} />
      </p>
    </div>
  );
}

type Open = "test" | "sql" | undefined;

interface ToolsProps {
  sink: SinkFull;
  open: (what: Open) => void;
  act: (what: "pause" | "resume" | "try") => void;
}

function Tools({ sink, open, act }: ToolsProps) {
  const paused = sink.phase === "paused";
  return (
    <span class="actions">
      <button type="button" onClick={() => open("test")}>
        {words.test}
      </button>
      {!sink.up && !paused && (
        <button type="button" onClick={() => act("try")}>
          {words.tryNow}
        </button>
      )}
      <button type="button" onClick={() => act(paused ? "resume" : "pause")}>
        {paused ? words.resume : words.pause}
      </button>
      {sink.sql && (
        <button type="button" onClick={() => open("sql")}>
          {words.sql}
        </button>
      )}
    </span>
  );
}

export function Sink({ name }: { name: string }) {
  const { data: sink, error, reload } = useLoad<SinkFull>(pathOf("sinks", name), RELOAD_MS);
  const ledger = useLoad<SinkLedger>(pathOf("sinks", name, "ledger"), LEDGER_MS);
  const [open, setOpen] = useState<Open>();
  const act = async (what: "pause" | "resume" | "try") => {
    await attempt(() => switchSink(name, what));
    reload();
  };
  useKeys({
    t: () => setOpen("test"),
    u: () => sink && void act(sink.phase === "paused" ? "resume" : "pause"),
  });
  if (!sink) {
    return <PageState title={name} error={error} retry={reload} />;
  }
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>{name}</h1>
        <span class="muted">
          {words.kindAt(sink.title, sink.where)}, {words.once(sink.exactly_once)}
        </span>
        <span class="grow" />
        <Tools sink={sink} open={setOpen} act={(what) => void act(what)} />
      </div>
      {error && <Failed error={error} retry={reload} />}
      <LastError sink={sink} />
      <div class={`cards ${notLive_s.value > 0 ? "old" : ""}`}>
        <section class="card">
          <h2>{words.flow}</h2>
          <Facts rows={flowFacts(sink)} />
        </section>
        <section class="card">
          <h2>{words.lagTitle}</h2>
          <Lag recent={sink.recent} />
          <Facts rows={quotaFacts(sink)} />
        </section>
        <section class="card">
          <h2>{text.ledger.title}</h2>
          {ledger.data ? (
            <Facts rows={ledgerFacts(ledger.data)} />
          ) : (
            <p class="muted">{ledger.error ? ledger.error.message : text.loading}</p>
          )}
        </section>
        <section class="card wide">
          <h2>{words.target}</h2>
          <Facts
            rows={[
              [words.facts.points, sink.points],
              ...sink.details.map(({ name: what, text: now }): Fact => [what, now]),
            ]}
          />
        </section>
      </div>
      <AsideTable name={name} changed={reload} />
      {open === "test" && <TestDialog name={name} close={() => setOpen(undefined)} />}
      {open === "sql" && <SqlDialog name={name} close={() => setOpen(undefined)} />}
    </>
  );
}
