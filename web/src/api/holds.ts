// SPDX-License-Identifier: Apache-2.0
// What is held by hand, and what can be done with it.
import { get, pathOf, pointPath, post, remove, withParams } from "./client";
import type { Hold, HoldList, WriteResult } from "./types";

const TIMEOUT_S = 5;
const PAGE = 1000;

export function holdKey(hold: Hold): string {
  return `${hold.path} ${hold.priority ?? 0}`;
}

function place(hold: Hold): string {
  return `holds/${pointPath(hold.path)}/${pathOf(String(hold.priority ?? 0))}`;
}

export function releaseHold(hold: Hold): Promise<WriteResult> {
  return post<WriteResult>(`${place(hold)}/release`, { timeout_s: TIMEOUT_S, confirmed: true });
}

/** lasting "": until somebody releases it. */
export function extendHold(hold: Hold, lasting: string): Promise<HoldList> {
  return post<HoldList>(`${place(hold)}/extend`, { for: lasting });
}

/** Off the list; the device is told nothing. */
export function forgetHold(hold: Hold): Promise<void> {
  return remove(place(hold));
}

/** All of them, page by page; most pages: how many at most. */
export async function allHolds(most: number, signal: AbortSignal): Promise<HoldList> {
  const all: HoldList = { holds: [], total: 0, more: true };
  for (let page = 0; page < most && all.more; page++) {
    const last = all.holds.at(-1);
    const answer = await get<HoldList>(
      withParams("holds", {
        limit: PAGE,
        after: last?.path,
        after_priority: last && (last.priority ?? 0),
      }),
      signal,
    );
    all.holds.push(...answer.holds);
    all.total = answer.total;
    all.more = answer.more;
  }
  return all;
}
