// SPDX-License-Identifier: Apache-2.0
// All devices: loaded in pages, then kept fresh by the live stream, with a full look now and then.
import { effect, signal } from "@preact/signals";
import { deviceRows } from "./live";
import { get, withParams, type ApiError } from "./client";
import type { Device, DeviceList, Link } from "./types";

const PAGE = 1000;
const RELOAD_MS = 3000; // for a page of devices; as many times as long for as many pages
const ORDER: Record<Link, number> = { down: 0, connecting: 1, paused: 2, up: 3 };

export const deviceList = signal<Device[] | undefined>(undefined);
export const deviceError = signal<ApiError | undefined>(undefined);

const byName = new Intl.Collator("en", { numeric: true });

/** Down on top, then by name. */
function sorted(devices: Device[]): Device[] {
  return devices.sort((a, b) => ORDER[a.link] - ORDER[b.link] || byName.compare(a.name, b.name));
}

export async function loadDevices() {
  try {
    const all: Device[] = [];
    for (let total = 1; all.length < total;) {
      const answer = await get<DeviceList>(
        withParams("devices", { limit: PAGE, offset: all.length }),
      );
      all.push(...answer.devices);
      total = answer.devices.length > 0 ? answer.total : all.length;
    }
    deviceList.value = sorted(all);
    deviceError.value = undefined;
  } catch (error) {
    deviceError.value = error as ApiError;
  }
}

/** Keeps the list fresh until the returned function is called. */
export function followDevices(): () => void {
  let timer = 0;
  let stopped = false;
  const again = async () => {
    if (!document.hidden) {
      await loadDevices();
    }
    const pages = 1 + Math.floor((deviceList.value?.length ?? 0) / PAGE);
    if (!stopped) {
      timer = window.setTimeout(again, RELOAD_MS * pages);
    }
  };
  again();
  const stop = effect(() => {
    const changed = new Map(deviceRows.value.map((device) => [device.name, device]));
    const list = deviceList.peek();
    if (list && changed.size > 0) {
      deviceList.value = sorted(list.map((device) => changed.get(device.name) ?? device));
    }
  });
  return () => {
    stopped = true;
    clearTimeout(timer);
    stop();
  };
}
