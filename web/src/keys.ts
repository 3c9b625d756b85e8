// SPDX-License-Identifier: Apache-2.0
// The keyboard: "g" then a letter goes to a page, single letters act on the page that is open. They
// are off while a person types and can be switched off as a whole (WCAG 2.1.4).
import { signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { go } from "./router";
import { remember, recall } from "./store";

const GO: Record<string, string> = {
  o: "/",
  d: "/devices",
  p: "/points",
  e: "/explore",
  j: "/journal",
  v: "/overrides",
  t: "/certificates",
  u: "/sinks",
  c: "/config",
  s: "/system",
};

type Action = (event: KeyboardEvent) => void;

export const lettersOn = signal(recall("letters") !== "off");
export const keyListOpen = signal(false);
export const paletteOpen = signal(false);
const actions: Record<string, Action>[] = [];
let pendingGo = -Infinity;

const GO_WAIT_MS = 1500;

export function setLetters(on: boolean) {
  lettersOn.value = on;
  remember("letters", on ? "on" : "off");
}

function typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest?.("input, textarea, select, [contenteditable]");
}

/** "Ctrl+s", "?", "w": how actions are named. */
function nameOf(event: KeyboardEvent): string {
  return (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + event.key;
}

function onKey(event: KeyboardEvent) {
  if (event.defaultPrevented || event.altKey) {
    return;
  }
  const name = nameOf(event);
  const control = name.startsWith("Ctrl+");
  if (name === "Ctrl+k") {
    event.preventDefault();
    paletteOpen.value = !paletteOpen.value;
    return;
  }
  if (!control && (typing(event.target) || document.querySelector("dialog[open]"))) {
    return;
  }
  const letter = name.length === 1;
  if (letter && !lettersOn.value) {
    return;
  }
  if (pendingGo > performance.now() - GO_WAIT_MS && GO[name]) {
    pendingGo = -Infinity;
    event.preventDefault();
    go(GO[name]);
    return;
  }
  pendingGo = name === "g" ? performance.now() : -Infinity;
  if (name === "?") {
    keyListOpen.value = true;
    return;
  }
  for (let i = actions.length - 1; i >= 0; i--) {
    const action = actions[i]![name];
    if (action) {
      event.preventDefault();
      action(event);
      return;
    }
  }
}

/**
 * Keys of a page, while it is on view. The page's own keys win over those of the shell. They act on
 * what was drawn last, however fast they come: an effect after the paint would be too late.
 */
export function useKeys(map: Record<string, Action>) {
  useLayoutEffect(() => {
    actions.push(map);
    return () => {
      actions.splice(actions.indexOf(map), 1);
    };
  });
}

export function startKeys() {
  document.addEventListener("keydown", onKey);
}
