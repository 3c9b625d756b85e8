// SPDX-License-Identifier: Apache-2.0
// Light, dark or control room; "auto" follows the system. The colours themselves are in
// style/theme.css.
import { signal } from "@preact/signals";
import { recall, remember } from "./store";

export const THEMES = ["auto", "light", "dark", "room"] as const;
export type Theme = (typeof THEMES)[number];

const dark = matchMedia("(prefers-color-scheme: dark)");
const recalled = recall("theme") as Theme;

export const theme = signal<Theme>(THEMES.includes(recalled) ? recalled : "auto");
/** Counts up when colours changed: what draws on a canvas draws again. */
export const themeVersion = signal(0);

function show() {
  const name = theme.value === "auto" ? (dark.matches ? "dark" : "light") : theme.value;
  document.documentElement.dataset.theme = name;
  themeVersion.value += 1;
}

export function setTheme(next: Theme) {
  theme.value = next;
  remember("theme", next);
  show();
}

export function startTheme() {
  dark.addEventListener("change", show);
  show();
}

/** A colour of the theme, for a canvas. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
