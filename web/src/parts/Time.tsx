// SPDX-License-Identifier: Apache-2.0
// A moment in the site's zone, UTC on hover; and an age that counts on while the page is open.
import { now_ms } from "../api/live";
import { duration, when } from "../format";
import { text } from "../text";

export function Moment({ time }: { time: string | null | undefined }) {
  if (!time) {
    return <span class="unknown">{text.never}</span>;
  }
  const date = new Date(time);
  return (
    <time dateTime={time} title={date.toISOString()}>
      {when(date)}
    </time>
  );
}

/** age_s as it was when heard_ms (performance.now()) was. */
export function Age({
  age_s,
  heard_ms,
  time,
}: {
  age_s: number | null;
  heard_ms: number;
  time: string | null;
}) {
  if (age_s === null || !time) {
    return <span class="unknown">{text.never}</span>;
  }
  const age = age_s + Math.max(0, now_ms.value - heard_ms) / 1000;
  return (
    <time dateTime={time} title={new Date(time).toISOString()}>
      {duration(age)}
    </time>
  );
}

/** How long ago by this browser's clock, for moments the server gave without an age. */
export function Since({ time }: { time: string | null | undefined }) {
  if (!time) {
    return <span class="unknown">{text.never}</span>;
  }
  const age = (Date.now() - Date.parse(time)) / 1000 + now_ms.value * 0;
  return (
    <time dateTime={time} title={new Date(time).toISOString()}>
      {duration(Math.max(0, age))}
    </time>
  );
}
