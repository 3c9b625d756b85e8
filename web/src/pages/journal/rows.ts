// SPDX-License-Identifier: Apache-2.0
// The rows of the journal: events of devices and what people did, in one list, the newest first.
// Each kind comes in pages of its own; a row is shown when no page that is still to come can hold a
// newer one.
import { signal } from "@preact/signals";
import { get, withParams, type ApiError, type Params } from "../../api/client";
import type { Event, EventList } from "../../api/events";
import type { JournalEntry } from "../../api/types";

const PAGE = 200;
const PAGES_TRIED_MAX = 50; // of one kind, while the other one has the rows
const NEW_ENTRIES_MS = 5000;
const ROWS_MAX = 100_000;

export interface Row {
  key: string;
  at_ms: number; // when busbar heard of it
  event?: Event;
  entry?: JournalEntry;
}

export type Shown = "all" | "events" | "unacked" | "done";

export interface Filter {
  shown: Shown;
  q: string;
  source: string;
  kind: string;
  severity: string;
  from: string;
  to: string;
}

interface Facts {
  ready: boolean;
  rows: Row[];
  more: boolean;
  error: ApiError | undefined;
  waiting: number; // events that came while the list was held still
}

function ofEvent(event: Event): Row {
  return { key: `e${event.id}`, at_ms: Date.parse(event.received), event };
}

function ofEntry(entry: JournalEntry): Row {
  return { key: `j${entry.id}`, at_ms: Date.parse(entry.time), entry };
}

/** One kind of rows, page by page. */
class Source {
  rows = new Map<string, Row>();
  more = true;
  private before = 0;
  private asked = 0; // for the newest, how often

  constructor(
    private readonly path: string,
    private readonly params: Params,
    private readonly read: (answer: unknown) => Row[],
    private readonly idOf: (row: Row) => number,
  ) {}

  private keep(rows: Row[]) {
    for (const row of rows) {
      this.rows.set(row.key, row);
    }
  }

  async older(signal: AbortSignal) {
    const params = { ...this.params, limit: PAGE, before: this.before || undefined };
    const rows = this.read(await get(withParams(this.path, params), signal));
    this.keep(rows);
    this.more = rows.length === PAGE;
    const last = rows.at(-1);
    this.before = last ? this.idOf(last) : this.before;
  }

  /** The first page again. What was on it and is not any more, such as an event that was acknowledged
   * meanwhile, goes; an answer that a later question has overtaken says nothing. */
  async newest(signal: AbortSignal) {
    const asked = ++this.asked;
    const params = { ...this.params, limit: PAGE };
    const rows = this.read(await get(withParams(this.path, params), signal));
    if (asked !== this.asked) {
      return;
    }
    const oldest = rows.length === PAGE ? this.idOf(rows.at(-1)!) : 0;
    for (const row of [...this.rows.values()].filter((known) => this.idOf(known) >= oldest)) {
      this.rows.delete(row.key);
    }
    this.keep(rows);
  }

  /** No row that is still to come is newer than this. */
  horizon(): number {
    let oldest = Infinity;
    for (const row of this.rows.values()) {
      oldest = Math.min(oldest, row.at_ms);
    }
    return this.more ? oldest : -Infinity;
  }
}

function eventParams(filter: Filter): Params {
  const { q, source, kind, severity, from, to, shown } = filter;
  return { text: q, source, kind, severity, from, to, unacked: shown === "unacked" ? 1 : "" };
}

function entryParams(filter: Filter): Params {
  const match = filter.source || (filter.q && `*${filter.q}*`);
  return { match, from: filter.from, to: filter.to };
}

function wantsEvents(filter: Filter): boolean {
  return filter.shown !== "done";
}

/** What has no kind and no severity is not found by one. */
function wantsEntries(filter: Filter): boolean {
  const { shown, kind, severity } = filter;
  return shown === "done" || (shown === "all" && !kind && (!severity || severity === "info"));
}

export class Journal {
  readonly facts = signal<Facts>({
    ready: false,
    rows: [],
    more: true,
    error: undefined,
    waiting: 0,
  });
  follow = true;
  private events: Source | undefined;
  private entries: Source | undefined;
  private abort = new AbortController();
  private busy = false;
  private timer = 0;

  constructor(private readonly filter: Filter) {
    if (wantsEvents(filter)) {
      this.events = new Source(
        "events",
        eventParams(filter),
        (answer) => (answer as EventList).events.map(ofEvent),
        (row) => row.event!.id,
      );
    }
    if (wantsEntries(filter)) {
      this.entries = new Source(
        "journal",
        entryParams(filter),
        (answer) => (answer as { entries: JournalEntry[] }).entries.map(ofEntry),
        (row) => row.entry!.id,
      );
    }
  }

  private sources(): Source[] {
    return [this.events, this.entries].filter((source) => source !== undefined);
  }

  /** What was acknowledged meanwhile leaves the list of what is not. */
  private isShown({ event }: Row): boolean {
    return this.filter.shown !== "unacked" || event?.ack === "unacked";
  }

  private show(error?: ApiError) {
    const sources = this.sources();
    const horizon = Math.max(-Infinity, ...sources.map((source) => source.horizon()));
    const rows = sources
      .flatMap((source) => [...source.rows.values()])
      .filter((row) => row.at_ms >= horizon && this.isShown(row))
      .sort((a, b) => b.at_ms - a.at_ms || (a.key < b.key ? 1 : -1));
    const more = rows.length < ROWS_MAX && sources.some((source) => source.more);
    this.facts.value = { ready: !error || this.facts.peek().ready, rows, more, error, waiting: 0 };
  }

  /** The next older rows. */
  async load() {
    if (this.busy) {
      return;
    }
    this.busy = true;
    try {
      const { signal } = this.abort;
      const before = this.facts.peek().rows.length;
      for (let i = 0; i < PAGES_TRIED_MAX; i++) {
        // Only who holds the others back is asked: the one whose oldest row is the newest.
        const held = this.sources().filter((source) => source.more);
        const horizon = Math.max(-Infinity, ...held.map((source) => source.horizon()));
        await Promise.all(
          held
            .filter((source) => source.rows.size === 0 || source.horizon() >= horizon)
            .map((source) => source.older(signal)),
        );
        this.show();
        if (this.facts.peek().rows.length > before || !this.facts.peek().more) {
          break;
        }
      }
    } catch (error) {
      if (!this.abort.signal.aborted) {
        this.show(error as ApiError);
      }
    }
    this.busy = false;
  }

  /** What came since. */
  async refresh() {
    if (!this.facts.peek().ready) {
      return this.load();
    }
    try {
      await Promise.all(this.sources().map((source) => source.newest(this.abort.signal)));
      this.show();
    } catch (error) {
      if (!this.abort.signal.aborted) {
        this.show(error as ApiError);
      }
    }
  }

  /** The one before of the same source and key is not the one to acknowledge any more. */
  private pass({ source, key }: Event) {
    for (const { event } of this.events!.rows.values()) {
      if (event?.latest && event.source === source && event.key === key) {
        event.latest = false;
        event.ack = event.ack === "unacked" ? "passed" : event.ack;
      }
    }
  }

  /** An event that came or changed. */
  take(events: Event[]) {
    const known = this.events?.rows;
    if (!known) {
      return;
    }
    if (!this.follow && events.some((event) => !known.has(`e${event.id}`))) {
      const facts = this.facts.peek();
      this.facts.value = { ...facts, waiting: facts.waiting + events.length };
      return;
    }
    for (const event of events) {
      if (known.has(`e${event.id}`)) {
        known.set(`e${event.id}`, ofEvent(event));
      } else if (event.latest) {
        this.pass(event);
      }
    }
    void this.refresh();
  }

  start() {
    void this.load();
    this.timer = window.setInterval(() => {
      if (this.follow && !document.hidden && this.entries) {
        void this.refresh();
      }
    }, NEW_ENTRIES_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.abort.abort();
  }
}
