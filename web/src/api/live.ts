// SPDX-License-Identifier: Apache-2.0
// The live stream: one EventSource a tab, for health, devices and the points that are on view now.
// Components say what they show with useLive(); the stream is opened again when that changes. While
// the tab is hidden it is closed, for a browser opens only few connections to one host.
import { computed, signal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Event } from "./events";
import type { Device, Health, LivePoint } from "./types";

const REOPEN_DELAY_MS = 120; // scrolling changes the wanted points many times a second
const QUIET_MS_MAX = 8000; // health comes every 5 s
const VALUES_KEPT_MAX = 4000; // of points that were on view once
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/** A live value and when this page received it, so that its age can go on counting. */
export interface Heard extends LivePoint {
  heard_ms: number;
  last?: string | undefined; // the last text of good quality that this page heard
}

export const health = signal<Health | undefined>(undefined);
export const now_ms = signal(performance.now());
const devices = new Map<string, Signal<Device | undefined>>();
export const deviceRows = signal<Device[]>([]); // the rows of the last event
const values = new Map<string, Signal<Heard | undefined>>();
const lastHeard_ms = signal(performance.now());
const broken = signal(false);

/** Seconds since the last word from the gateway, 0 while all is live. */
export const notLive_s = computed(() => {
  const quiet = now_ms.value - lastHeard_ms.value;
  return quiet > QUIET_MS_MAX || (broken.value && quiet > 1500) ? Math.round(quiet / 1000) : 0;
});

export function liveValue(path: string): Signal<Heard | undefined> {
  let value = values.get(path);
  if (!value) {
    value = signal(undefined);
    values.set(path, value);
  }
  return value;
}

export function liveDevice(name: string): Signal<Device | undefined> {
  let device = devices.get(name);
  if (!device) {
    device = signal(undefined);
    devices.set(name, device);
  }
  return device;
}

const wanted = new Map<object, readonly string[]>();
let source: EventSource | undefined;
let opened = "";
let retries = 0;
let timer = 0;

function heard() {
  lastHeard_ms.value = performance.now();
  broken.value = false;
  retries = 0;
}

function onPoints(event: MessageEvent<string>) {
  heard();
  const heard_ms = performance.now();
  for (const point of JSON.parse(event.data) as LivePoint[]) {
    const value = liveValue(point.path);
    const last = point.quality === "bad" ? value.peek()?.last : point.text;
    value.value = { ...point, heard_ms, last };
  }
}

function onDevices(event: MessageEvent<string>) {
  heard();
  const rows = JSON.parse(event.data) as Device[];
  for (const row of rows) {
    liveDevice(row.name).value = row;
  }
  deviceRows.value = rows;
}

function onHealth(event: MessageEvent<string>) {
  heard();
  health.value = JSON.parse(event.data) as Health;
}

/** Who wants events hears of them; some were missed: it asks for the list. */
interface EventListener {
  events: (events: Event[]) => void;
  missed: () => void;
}
const eventListeners = new Set<EventListener>();

function onEvents(event: MessageEvent<string>) {
  heard();
  const events = JSON.parse(event.data) as Event[];
  eventListeners.forEach((listener) => listener.events(events));
}

function onMissed() {
  heard();
  eventListeners.forEach((listener) => listener.missed());
}

function onError() {
  source?.close();
  source = undefined;
  broken.value = true;
  const wait = RETRY_MS[Math.min(retries, RETRY_MS.length - 1)]!;
  retries += 1;
  later(wait * (0.8 + 0.4 * Math.random()));
}

/** Forgets the points that were on view longest ago, when there are many. */
function forgetOld(shown: Set<string>) {
  for (const path of values.keys()) {
    if (values.size <= VALUES_KEPT_MAX) {
      return;
    }
    if (!shown.has(path)) {
      values.delete(path);
    }
  }
}

function address(): string {
  const shown = new Set([...wanted.values()].flat());
  forgetOld(shown);
  const paths = [...shown].sort();
  const points = paths.map((path) => encodeURIComponent(path).replace(/%2F/g, "/")).join(",");
  const events = eventListeners.size > 0 ? "&events=1" : "";
  return `/api/v1/live?health=1${events}${points ? `&points=${points}` : ""}`;
}

function open() {
  clearTimeout(timer);
  const next = address();
  if (document.hidden || (source && next === opened)) {
    return;
  }
  source?.close();
  opened = next;
  source = new EventSource(next);
  source.addEventListener("points", onPoints);
  source.addEventListener("devices", onDevices);
  source.addEventListener("health", onHealth);
  source.addEventListener("events", onEvents);
  source.addEventListener("missed", onMissed);
  source.addEventListener("error", onError);
  if (eventListeners.size > 0) {
    source.addEventListener("open", onMissed); // between two streams some may have come
  }
}

function later(wait_ms: number) {
  clearTimeout(timer);
  timer = window.setTimeout(open, wait_ms);
}

/** While the component is on view, these points are live. */
export function useLive(paths: readonly string[]) {
  const key = paths.join("\n");
  useEffect(() => {
    const owner = {};
    wanted.set(owner, key ? key.split("\n") : []);
    later(source ? REOPEN_DELAY_MS : 0);
    return () => {
      wanted.delete(owner);
      later(REOPEN_DELAY_MS);
    };
  }, [key]);
}

/** While the component is on view it hears of events as they come into the journal or change. */
export function useLiveEvents(events: (events: Event[]) => void, missed: () => void) {
  const calls = useRef<EventListener>({ events, missed });
  calls.current = { events, missed };
  useEffect(() => {
    const listener: EventListener = {
      events: (rows) => calls.current.events(rows),
      missed: () => calls.current.missed(),
    };
    eventListeners.add(listener);
    later(REOPEN_DELAY_MS);
    return () => {
      eventListeners.delete(listener);
      later(REOPEN_DELAY_MS);
    };
  }, []);
}

export function startLive() {
  setInterval(() => {
    if (!document.hidden) {
      now_ms.value = performance.now();
    }
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
      source = undefined;
    } else {
      lastHeard_ms.value = now_ms.value = performance.now();
      open();
    }
  });
  window.addEventListener("online", open);
  open();
}
