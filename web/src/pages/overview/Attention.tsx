// SPDX-License-Identifier: Apache-2.0
// What needs a person, the worst first: problems of the gateway, devices down, bad points by
// reason.
import { health } from "../../api/live";
import { useLoad } from "../../api/load";
import { withParams } from "../../api/client";
import type { Device, DeviceList, ReasonCount, Status } from "../../api/types";
import { CertificatesLink } from "../../parts/CertificatesLink";
import { Since } from "../../parts/Time";
import { Quality } from "../../parts/Quality";
import { LinkState } from "../../parts/LinkState";
import { count } from "../../format";
import { href } from "../../router";
import { text } from "../../text";

const RELOAD_MS = 5000;
const DEVICES_SHOWN = 8;

function DownDevice({ device }: { device: Device }) {
  return (
    <li>
      <LinkState link={device.link} />
      <a href={href.device(device.name)}>{device.name}</a>
      <span class="grow">
        {device.error || text.device.noCause} <CertificatesLink words={device.error} />
      </span>
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

interface Props {
  status: Status;
  reasons: ReasonCount[]; // of bad points, without those that are paused
  paused: number; // points
}

export function Attention({ status, reasons, paused }: Props) {
  const { down } = status.devices;
  const devices = useLoad<DeviceList>(
    down > 0 ? withParams("devices", { link: "down", limit: DEVICES_SHOWN }) : null,
    RELOAD_MS,
  );
  const problems = health.value?.problems ?? [];
  const shown = down > 0 ? (devices.data?.devices ?? []) : [];
  if (problems.length === 0 && down === 0 && status.points.bad === paused) {
    return (
      <section>
        <h2>{text.overview.attention}</h2>
        <p class="calm">
          {text.overview.calm}{" "}
          {paused > 0 && (
            <a href="/devices?link=paused">{text.overview.calmPaused(count(paused))}</a>
          )}
        </p>
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
              {problem.hint && ` · ${text.hint(problem.hint)}`}{" "}
              <CertificatesLink words={problem.hint} />
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
