// SPDX-License-Identifier: Apache-2.0
// What needs a person, the worst first: problems of the gateway, devices down, bad points by
// reason.
import { health } from "../../api/live";
import { useLoad } from "../../api/load";
import { withParams } from "../../api/client";
import type { Device, DeviceList, PointList, ReasonCount, Status } from "../../api/types";
import { Since } from "../../parts/Time";
import { Quality } from "../../parts/Quality";
import { LinkState } from "../../parts/LinkState";
import { count } from "../../format";
import { href } from "../../router";
import { text } from "../../text";
import { reasonsOf } from "../points/reasons";

const RELOAD_MS = 5000;
const DEVICES_SHOWN = 8;

function DownDevice({ device }: { device: Device }) {
  return (
    <li>
      <LinkState link={device.link} />
      <a href={href.device(device.name)}>{device.name}</a>
      <span class="grow">{device.error || text.device.noCause}</span>
      <span class="muted">
        {text.lasting} <Since time={device.since} />
      </span>
    </li>
  );
}

function BadPoints({ reason, number }: { reason: string; number: number }) {
  return (
    <li>
      <Quality quality="bad" reason={reason} />
      <a href={href.points({ quality: "bad", reason })}>{text.points.count(count(number))}</a>
      <span class="grow">{text.reason(reason)}</span>
    </li>
  );
}

export function Attention({ status }: { status: Status }) {
  const { down } = status.devices;
  const { bad } = status.points;
  const devices = useLoad<DeviceList>(
    down > 0 ? withParams("devices", { link: "down", limit: DEVICES_SHOWN }) : null,
    RELOAD_MS,
  );
  const points = useLoad<PointList>(
    bad > 0 ? withParams("points", { quality: "bad", limit: 1000 }) : null,
    RELOAD_MS,
  );
  const problems = health.value?.problems ?? [];
  const shown = down > 0 ? (devices.data?.devices ?? []) : [];
  const reasons: ReasonCount[] = bad > 0 && points.data ? reasonsOf(points.data) : [];
  if (problems.length === 0 && down === 0 && bad === 0) {
    return (
      <section>
        <h2>{text.overview.attention}</h2>
        <p class="calm">{text.overview.calm}</p>
      </section>
    );
  }
  return (
    <section>
      <h2>{text.overview.attention}</h2>
      <ul class="rows">
        {problems.map((problem) => (
          <li key={problem.what}>
            <Quality quality="bad" reason={problem.what} />
            <span class="grow">
              {problem.why}
              {problem.hint && ` · ${text.hint(problem.hint)}`}
            </span>
          </li>
        ))}
        {shown.map((device) => (
          <DownDevice key={device.name} device={device} />
        ))}
        {down > shown.length && shown.length > 0 && (
          <li>
            <a href="/devices?link=down">{text.overview.moreDown(count(down - shown.length))}</a>
          </li>
        )}
        {reasons.map(({ reason, count: number }) => (
          <BadPoints key={reason} reason={reason} number={number} />
        ))}
      </ul>
    </section>
  );
}
