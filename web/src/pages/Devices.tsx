// SPDX-License-Identifier: Apache-2.0
// All devices, those that are down on top with the cause in plain words.
import { useEffect, useRef, useState } from "preact/hooks";
import { deviceError, deviceList, followDevices, loadDevices } from "../api/devices";
import type { Device, Link } from "../api/types";
import { count, duration } from "../format";
import { useKeys } from "../keys";
import { FilterBox } from "../parts/FilterBox";
import { Grid, type Column } from "../parts/Grid";
import { LinkState } from "../parts/LinkState";
import { PageState } from "../parts/PageState";
import { Empty, Failed } from "../parts/State";
import { Since } from "../parts/Time";
import { go, href, route, setQuery } from "../router";
import { text } from "../text";
import { FirstSteps } from "./overview/FirstSteps";
import { DeviceActions } from "./device/DeviceActions";
import { TestDialog } from "./device/TestDialog";
import { togglePause } from "./device/actions";

const LINKS: Link[] = ["down", "connecting", "paused", "up"];

function columnsOf(test: (device: Device) => void): Column<Device>[] {
  const head = text.devices.columns;
  return [
    {
      name: "name",
      title: head.name,
      cell: (device) => (
        <a href={href.device(device.name)} tabIndex={-1} title={device.title}>
          {device.name}
        </a>
      ),
    },
    { name: "protocol", title: head.protocol, cell: (device) => device.protocol },
    {
      name: "link",
      title: head.link,
      cell: (device) => (
        <>
          <LinkState link={device.link} />
          {device.link !== "up" && (
            <>
              {" "}
              <Since time={device.since} />
            </>
          )}
        </>
      ),
    },
    {
      name: "cause",
      title: head.cause,
      cell: (device) =>
        device.link === "up" ? (
          <span class="muted">{device.address}</span>
        ) : (
          <span title={device.error}>{device.error || device.address}</span>
        ),
    },
    {
      name: "answer",
      title: head.answer,
      right: true,
      cell: (device) => <Since time={device.last_answer} />,
    },
    {
      name: "poll",
      title: head.poll,
      right: true,
      cell: (device) => `${device.poll_ms.toFixed(1)} ms`,
    },
    {
      name: "lag",
      title: head.lag,
      right: true,
      cell: (device) => (
        <span class={device.lag_ms > 1000 ? "abnormal" : ""}>{duration(device.lag_ms / 1000)}</span>
      ),
    },
    {
      name: "errors",
      title: head.errors,
      right: true,
      cell: (device) => count(device.errors_hour),
    },
    {
      name: "good",
      title: head.good,
      right: true,
      cell: (device) => count(device.points.good),
    },
    {
      name: "bad",
      title: head.bad,
      right: true,
      cell: (device) => (
        <span class={device.points.bad > 0 && device.link !== "paused" ? "abnormal" : ""}>
          {count(device.points.bad)}
        </span>
      ),
    },
    {
      name: "actions",
      title: head.actions,
      cell: (device) => <DeviceActions device={device} test={() => test(device)} inGrid />,
    },
  ];
}

/** Every word of the filter must be found in the name, the place, the protocol or the cause. */
function matches(device: Device, words: string[]): boolean {
  const hay = [
    device.name,
    device.title,
    device.place,
    device.protocol,
    device.address,
    device.link,
    device.error,
    device.profile,
  ]
    .join(" ")
    .toLowerCase();
  return words.every((word) => hay.includes(word));
}

export function Devices() {
  const [testing, setTesting] = useState<Device | undefined>(undefined);
  const filter = useRef<HTMLInputElement>(null);
  useEffect(followDevices, []);
  useKeys({ "/": () => filter.current?.select() });

  const q = route.value.query.get("q") ?? "";
  const link = route.value.query.get("link");
  const all = deviceList.value;
  const error = deviceError.value;
  if (!all) {
    return <PageState title={text.pages.devices} error={error} retry={loadDevices} />;
  }
  if (all.length === 0) {
    return <FirstSteps />;
  }
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = all.filter((device) => (!link || device.link === link) && matches(device, words));
  return (
    <div class="full-page">
      <div class="page-head">
        <h1 tabIndex={-1}>{text.pages.devices}</h1>
        <FilterBox
          box={filter}
          value={q}
          label={text.devices.filter}
          hint={text.devices.filterHint}
        />
        <div class="actions" role="group" aria-label={text.devices.columns.link}>
          {LINKS.map((name) => (
            <button
              type="button"
              key={name}
              aria-pressed={link === name}
              onClick={() => setQuery({ link: link === name ? null : name })}
            >
              {name} <b>{count(all.filter((device) => device.link === name).length)}</b>
            </button>
          ))}
        </div>
        <span class="muted" role="status">
          {text.points.counted(count(shown.length), count(all.length))}
        </span>
      </div>
      {error && <Failed error={error} retry={loadDevices} />}
      {shown.length === 0 ? (
        <Empty title={text.devices.noMatch}>
          <button type="button" onClick={() => setQuery({ q: null, link: null })}>
            {text.points.clear}
          </button>
        </Empty>
      ) : (
        <Grid
          label={text.pages.devices}
          columns={columnsOf(setTesting)}
          total={shown.length}
          row={(i) => shown[i]}
          onRange={() => {}}
          classOf={(device) => (device.link === "down" ? "row-down" : "")}
          onOpen={(device) => go(href.device(device.name))}
          keys={{ t: setTesting, u: togglePause }}
        />
      )}
      {testing && <TestDialog name={testing.name} close={() => setTesting(undefined)} />}
    </div>
  );
}
