// SPDX-License-Identifier: Apache-2.0
// Test, pause and resume as buttons. In a grid they are no Tab stops: keys t and u do the same
// there.
import type { Device } from "../../api/types";
import { text } from "../../text";
import { togglePause } from "./actions";

interface Props {
  device: Device;
  test: () => void;
  inGrid?: boolean;
}

export function DeviceActions({ device, test, inGrid = false }: Props) {
  const stop = inGrid ? { tabIndex: -1, class: "small" } : {};
  const paused = device.link === "paused";
  return (
    <span class="actions">
      <button type="button" {...stop} onClick={test} aria-label={text.device.testName(device.name)}>
        {text.device.test}
      </button>
      <button
        type="button"
        {...stop}
        onClick={() => togglePause(device)}
        aria-label={text.device.pauseName(device.name, paused)}
      >
        {paused ? text.device.resume : text.device.pause}
      </button>
    </span>
  );
}
