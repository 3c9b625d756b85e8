// SPDX-License-Identifier: Apache-2.0
// Level 4: the gateway itself. Health, ports, text log, ledger, journal.
import { health, notLive_s } from "../api/live";
import { useLoad } from "../api/load";
import type { Health, Status } from "../api/types";
import { bytes, count, duration } from "../format";
import { Facts, type Fact } from "../parts/Facts";
import { PageState } from "../parts/PageState";
import { Moment } from "../parts/Time";
import { text } from "../text";
import { ConnectorsTables } from "./system/ConnectorsTables";
import { DriversTable } from "./system/DriversTable";
import { MessagesTables } from "./system/MessagesTables";
import { JournalTable } from "./system/JournalTable";
import { LedgerTable } from "./system/LedgerTable";
import { PortsTable } from "./system/PortsTable";
import { TextLog } from "./system/TextLog";

const RELOAD_MS = 3000;
const LOOP_US_MAX = 100_000; // a person would notice

function processFacts(now: Health, status: Status | undefined): Fact[] {
  const words = text.system.facts;
  return [
    [words.version, now.version],
    [words.started, <Moment time={now.started} />],
    [words.uptime, duration(now.uptime_s)],
    [words.zone, now.site.timezone],
    [words.cpu, status ? `${status.cpu_percent.toFixed(1)} %` : text.unknownValue],
    [words.memory, status ? bytes(status.memory_bytes) : text.unknownValue],
    [
      words.loop,
      status ? `${(status.loop_longest_us / 1000).toFixed(1)} ms` : text.unknownValue,
      status && status.loop_longest_us > LOOP_US_MAX ? "abnormal" : "plain",
    ],
  ];
}

function historyFacts({ history }: Status): Fact[] {
  const words = text.system.facts;
  const each = history.block_samples > 0 ? history.block_bytes / history.block_samples : 0;
  return [
    [words.series, count(history.series)],
    [words.samples, count(history.head_samples + history.block_samples)],
    [words.blocks, text.system.blocksOf(count(history.blocks), bytes(history.block_bytes))],
    [words.sampleBytes, each > 0 ? `${each.toFixed(2)} B` : text.unknownValue],
    [words.logBytes, bytes(history.log_bytes)],
    [words.headBytes, bytes(history.head_bytes)],
    [
      words.damaged,
      count(history.damaged_chunks),
      history.damaged_chunks > 0 ? "abnormal" : "plain",
    ],
  ];
}

function storeFacts({ log, disk }: Health): Fact[] {
  const words = text.system.facts;
  return [
    [words.log, log.state, log.state === "ok" ? "plain" : "abnormal"],
    ...(log.error ? [[words.logError, log.error, "abnormal"] as Fact] : []),
    [words.waiting, count(log.waiting_samples)],
    [words.commits, count(log.commits)],
    [words.fsync, `${(log.fsync_us / 1000).toFixed(2)} ms`],
    [words.free, text.system.freeOf(bytes(disk.free_bytes), bytes(disk.total_bytes))],
  ];
}

export function System() {
  const loaded = useLoad<Health>("health", RELOAD_MS);
  const status = useLoad<Status>("status", RELOAD_MS);
  const now = health.value ?? loaded.data;
  if (!now) {
    return <PageState title={text.pages.system} error={loaded.error} retry={loaded.reload} />;
  }
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>{text.pages.system}</h1>
        <span class={now.status === "ok" ? "muted" : "abnormal"}>
          {text.system.status(now.status)}
        </span>
      </div>
      <div class={`cards ${notLive_s.value > 0 ? "old" : ""}`}>
        <section class="card">
          <h2>{text.system.process}</h2>
          <Facts rows={processFacts(now, status.data)} />
        </section>
        <section class="card">
          <h2>{text.system.store}</h2>
          <Facts rows={storeFacts(now)} />
        </section>
        {status.data && (
          <section class="card">
            <h2>{text.system.timeSeries}</h2>
            <Facts rows={historyFacts(status.data)} />
          </section>
        )}
        <section class="card">
          <h2>{text.system.programs}</h2>
          <ul class="files">
            <li>
              <a href="/metrics" data-plain>
                /metrics
              </a>{" "}
              <span class="muted">{text.system.metrics}</span>
            </li>
            <li>
              <a href="/api/v1/openapi.json" data-plain>
                /api/v1/openapi.json
              </a>
            </li>
            <li>
              <a href="/licences.txt" data-plain>
                {text.system.licences}
              </a>
            </li>
          </ul>
        </section>
      </div>
      <DriversTable />
      <ConnectorsTables />
      <MessagesTables />
      <PortsTable />
      <TextLog />
      <LedgerTable />
      <JournalTable />
    </>
  );
}
