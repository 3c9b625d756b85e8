// SPDX-License-Identifier: Apache-2.0
// Numbers, sizes and times as people read them. Times are those of the site's zone; UTC on hover.
import { signal } from "@preact/signals";

export const zone = signal<string | undefined>(undefined); // undefined: the browser's own

/** Takes the site's zone if this browser knows it. */
export function setZone(name: string) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    zone.value = name || undefined;
  } catch {
    zone.value = undefined;
  }
}

const makers = new Map<string, Intl.DateTimeFormat>();

function maker(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify([options, zone.value]);
  let made = makers.get(key);
  if (!made) {
    const own = zone.value ? { timeZone: zone.value } : {};
    made = new Intl.DateTimeFormat("en-GB", { ...options, ...own, hourCycle: "h23" });
    makers.set(key, made);
  }
  return made;
}

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
const DAY = { year: "numeric", month: "2-digit", day: "2-digit" } as const;

export function clock(date: Date): string {
  return maker(CLOCK).format(date);
}

export function day(date: Date): string {
  const parts = Object.fromEntries(
    maker(DAY)
      .formatToParts(date)
      .map((p) => [p.type, p.value]),
  );
  return `${parts.year}-${parts.month}-${parts.day}`;
}

/** Today's times without the day. */
export function when(date: Date): string {
  return day(date) === day(new Date()) ? clock(date) : `${day(date)} ${clock(date)}`;
}

export function zoneName(date: Date): string {
  const parts = maker({ timeZoneName: "short" }).formatToParts(date);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}

/** "0.8 s", "14 m", "3 h", "5 d" */
export function duration(seconds: number): string {
  if (seconds < 10) {
    return `${Math.max(0, seconds).toFixed(1)} s`;
  }
  if (seconds < 100) {
    return `${Math.round(seconds)} s`;
  }
  if (seconds < 6000) {
    return `${Math.round(seconds / 60)} min`;
  }
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} d`;
}

const SIZES = ["B", "KB", "MB", "GB", "TB"];

export function bytes(count: number): string {
  let unit = 0;
  while (count >= 1000 && unit < SIZES.length - 1) {
    count /= 1000;
    unit += 1;
  }
  return `${count < 10 && unit > 0 ? count.toFixed(1) : Math.round(count)} ${SIZES[unit]}`;
}

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0, useGrouping: true });

/** "100 000": a narrow space between groups, no comma that could be a decimal mark. */
export function count(value: number): string {
  return grouped.format(value).replace(/,/g, "\u202f");
}

export function rate(value: number): string {
  return value < 100 ? value.toFixed(1) : count(value);
}

/** A number with as many digits as a trend needs. */
export function short(value: number): string {
  return Number(value.toPrecision(5)).toString();
}
