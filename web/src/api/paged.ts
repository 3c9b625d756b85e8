// SPDX-License-Identifier: Apache-2.0
// A list on the server, seen through pages of PAGE rows: only the pages on view are asked for, a
// far jump asks for the last place only, and what is on view is refreshed now and then.
import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { get, withParams, type ApiError, type Params } from "./client";
import type { Point, PointList } from "./types";

const PAGE = 200;
const PAGES_KEPT = 60;
const WAIT_MS = 40; // a dragged scroll bar passes many pages; only where it rests counts
const REFRESH_MS = 10_000; // the live stream has the values; this sees added and removed points

/** A row and when it was loaded (performance.now()), so that its age can count on. */
export interface Loaded {
  point: Point;
  heard_ms: number;
}

/** What is known of the list as a whole; a new object after every answer. */
interface Facts {
  ready: boolean; // there was an answer
  total: number; // rows that match
  all: number; // rows there are
  error: ApiError | undefined;
}

export class PagedPoints {
  readonly facts = signal<Facts>({ ready: false, total: 0, all: 0, error: undefined });
  private pages = new Map<number, Loaded[]>();
  private first = 0;
  private last = PAGE;
  private timer = 0;
  private refresh = 0;
  private abort = new AbortController();
  private asking = new Set<number>();

  constructor(private readonly params: Params) {}

  /** A component that asks for a row is drawn again when rows arrive. */
  row(index: number): Loaded | undefined {
    void this.facts.value;
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** What is on view now. */
  look(first: number, last: number) {
    this.first = first;
    this.last = last;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.ask(false), this.facts.peek().ready ? WAIT_MS : 0);
  }

  start() {
    this.ask(false);
    this.refresh = window.setInterval(() => document.hidden || this.ask(true), REFRESH_MS);
  }

  stop() {
    clearTimeout(this.timer);
    clearInterval(this.refresh);
    this.abort.abort();
  }

  reload() {
    this.ask(true);
  }

  private ask(again: boolean) {
    const from = Math.floor(this.first / PAGE);
    const to = Math.floor(Math.max(this.first, this.last - 1) / PAGE);
    const { ready, total } = this.facts.peek();
    for (let page = from; page <= to; page++) {
      const beyond = page > 0 && ready && page * PAGE >= total;
      if (!beyond && !this.asking.has(page) && (again || !this.pages.has(page))) {
        this.load(page);
      }
    }
  }

  private async load(page: number) {
    this.asking.add(page);
    try {
      const path = withParams("points", { ...this.params, limit: PAGE, offset: page * PAGE });
      const answer = await get<PointList>(path, this.abort.signal);
      const heard_ms = performance.now();
      this.pages.delete(page);
      this.pages.set(
        page,
        answer.points.map((point) => ({ point, heard_ms })),
      );
      this.forget();
      this.facts.value = { ready: true, total: answer.total, all: answer.all, error: undefined };
    } catch (error) {
      if (!this.abort.signal.aborted) {
        this.facts.value = { ...this.facts.peek(), error: error as ApiError };
      }
    }
    this.asking.delete(page);
  }

  private forget() {
    for (const page of this.pages.keys()) {
      if (this.pages.size <= PAGES_KEPT) {
        break;
      }
      this.pages.delete(page);
    }
  }
}

/** The list for these parameters; a change of them starts a new one. */
export function usePaged(params: Params): PagedPoints {
  const key = JSON.stringify(params);
  const list = useMemo(() => new PagedPoints(JSON.parse(key) as Params), [key]);
  useEffect(() => {
    list.start();
    return () => list.stop();
  }, [list]);
  return list;
}
