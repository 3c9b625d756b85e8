// SPDX-License-Identifier: Apache-2.0
// What a person can do with a device from the list or from its own page.
import { loadDevices } from "../../api/devices";
import { pathOf, post } from "../../api/client";
import type { Device } from "../../api/types";
import { attempt } from "../../parts/Toast";
import { text } from "../../text";

/** Pauses a device that is polled, resumes one that is paused. */
export async function togglePause(device: Device) {
  const paused = device.link === "paused";
  await attempt(async () => {
    await post(`${pathOf("devices", device.name)}/${paused ? "resume" : "pause"}`);
    return paused ? text.device.resumed(device.name) : text.device.pausedNow(device.name);
  });
  loadDevices();
}
