// SPDX-License-Identifier: Apache-2.0
// The points pinned to the Overview, in this browser.
import { signal } from "@preact/signals";
import { recall, remember } from "../../store";

export const PINS_MAX = 6;

export const pins = signal<string[]>((recall("pins") ?? "").split("\n").filter(Boolean));

export function togglePin(path: string) {
  const rest = pins.value.filter((pin) => pin !== path);
  pins.value = rest.length < pins.value.length ? rest : [...rest, path].slice(-PINS_MAX);
  remember("pins", pins.value.join("\n"));
}
