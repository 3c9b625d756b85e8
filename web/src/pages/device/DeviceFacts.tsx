// SPDX-License-Identifier: Apache-2.0
// What is known of a device, in three cards: its address, its statistics, its learned limits.
import type { DeviceFull } from "../../api/types";
import { bytes, count, duration } from "../../format";
import { Facts, type Fact } from "../../parts/Facts";
import { Moment, Since } from "../../parts/Time";
import { text } from "../../text";

function abnormalIf(wrong: boolean): "abnormal" | "plain" {
  return wrong ? "abnormal" : "plain";
}

function facts(device: DeviceFull): Fact[] {
  const words = text.device.facts;
  return [
    [words.protocol, device.protocol],
    [words.address, device.address],
    [words.profile, device.profile || text.none],
    [words.since, <Moment time={device.since} />],
    [device.speaks_first ? words.lastHeard : words.lastAnswer, <Since time={device.last_answer} />],
    [words.traffic, text.device.traffic(bytes(device.sent_bytes), bytes(device.received_bytes))],
  ];
}

function statistics(device: DeviceFull): Fact[] {
  const words = text.device.facts;
  return [
    [words.poll, device.speaks_first ? words.speaksFirst : `${device.poll_ms.toFixed(1)} ms`],
    [words.lag, duration(device.lag_ms / 1000), abnormalIf(device.lag_ms > 1000)],
    [words.errors, count(device.errors_hour), abnormalIf(device.errors_hour > 0)],
    [words.polls, count(device.polls)],
    [words.answers, count(device.answers)],
    [words.timeouts, count(device.timeouts)],
    [words.refusals, count(device.refusals)],
    [words.badFrames, count(device.bad_frames)],
    [words.retries, count(device.retries)],
    [
      words.points,
      text.device.pointsOf(count(device.points.good), count(device.points.bad)),
      abnormalIf(device.points.bad > 0 && device.link !== "paused"),
    ],
  ];
}

export function DeviceFacts({ device }: { device: DeviceFull }) {
  const limits: Fact[] = device.limits.map(({ name, value }) => [name, String(value)]);
  return (
    <div class="cards">
      <section class="card">
        <h2>{text.device.factsTitle}</h2>
        <Facts rows={facts(device)} />
      </section>
      <section class="card wide">
        <h2>{text.device.statisticsTitle}</h2>
        <Facts rows={statistics(device)} class="two" />
      </section>
      <section class="card">
        <h2>{text.device.limitsTitle}</h2>
        {limits.length > 0 ? <Facts rows={limits} /> : <p class="muted">{text.device.noLimits}</p>}
      </section>
    </div>
  );
}
