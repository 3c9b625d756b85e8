// SPDX-License-Identifier: Apache-2.0
// Level 3: one device. Link and cause, facts, learned limits, statistics, its points live, its last
// frames.
import { useEffect, useState } from "preact/hooks";
import { liveDevice } from "../api/live";
import { useLoad } from "../api/load";
import { pathOf } from "../api/client";
import type { Device as Row, DeviceFull } from "../api/types";
import { useKeys } from "../keys";
import { LinkState } from "../parts/LinkState";
import { CertificatesLink } from "../parts/CertificatesLink";
import { ConfigPlace } from "../parts/ConfigPlace";
import { lazy } from "../parts/Lazy";
import { PageState } from "../parts/PageState";
import { Failed } from "../parts/State";
import { Since } from "../parts/Time";
import { text } from "../text";
import { Commands } from "./device/Commands";
import { DeviceActions } from "./device/DeviceActions";
import { DeviceFacts } from "./device/DeviceFacts";
import { DevicePoints } from "./device/DevicePoints";
import { Frames } from "./device/Frames";
import { TestDialog } from "./device/TestDialog";
import { togglePause } from "./device/actions";

const PayloadBench = lazy(async () => (await import("./device/PayloadBench")).PayloadBench);
const DeviceTree = lazy(async () => (await import("./device/DeviceTree")).DeviceTree);

const RELOAD_MS = 3000;

function causeless({ link }: Row): string {
  return link === "paused" ? text.device.isPaused : text.device.noCause;
}

/** The cause of a bad link over everything else, in plain words. */
function Cause({ device }: { device: Row }) {
  if (device.link === "up") {
    return null;
  }
  return (
    <p class={device.link === "down" ? "cause abnormal" : "cause"} role="status">
      <LinkState link={device.link} />
      <span>{device.error || causeless(device)}</span>
      <CertificatesLink words={device.error} />
      <span class="muted">
        {text.lasting} <Since time={device.since} />
      </span>
      {device.next_try && <span class="muted">{text.device.nextTry(device.next_try)}</span>}
    </p>
  );
}

export function Device({ name }: { name: string }) {
  const { data: device, error, reload } = useLoad<DeviceFull>(pathOf("devices", name), RELOAD_MS);
  const [testing, setTesting] = useState(false);
  const changed = liveDevice(name).value;
  useEffect(reload, [changed]);
  useKeys({
    t: () => setTesting(true),
    u: () => device && togglePause(device).then(reload),
  });
  if (!device) {
    return <PageState title={name} error={error} retry={reload} />;
  }
  return (
    <>
      <div class="page-head">
        <p class="crumbs">
          <a href="/devices">{text.pages.devices}</a>
        </p>
        <h1 tabIndex={-1}>{device.name}</h1>
        <span class="muted">{[device.title, device.place].filter(Boolean).join(" · ")}</span>
        <LinkState link={device.link} />
        <span class="grow" />
        <DeviceActions device={device} test={() => setTesting(true)} />
      </div>
      {error && <Failed error={error} retry={reload} />}
      <Cause device={device} />
      <DeviceFacts device={device} />
      <p class="muted">
        {text.configAt} <ConfigPlace place={device.config} />
      </p>
      <Commands name={name} />
      <DevicePoints name={name} />
      {device.browsable && <DeviceTree key={name} device={device} />}
      {device.messages && <PayloadBench key={`${name} messages`} name={name} />}
      <Frames name={name} />
      {testing && <TestDialog name={name} close={() => setTesting(false)} />}
    </>
  );
}
