// SPDX-License-Identifier: Apache-2.0
// A browse: the gateway asks a device what it has, which may take minutes. This begins one, or takes up the
// last that the gateway still keeps, and fetches the nodes as they come.
import { signal } from "@preact/signals";
import { ApiError, get, pathOf, post, remove, withParams } from "./client";
import type { Browse, Node } from "./types";
import { text } from "../text";

const LOOK_MS = 300;
const PAGE = 500;

export type Subject = { device: string; at?: string } | { find: number; at?: string };

/** What is known of it as a whole; a new object after every answer. */
export interface BrowseFacts {
  state: "none" | "asking" | Browse["state"];
  done: number;
  total: number;
  count: number; // nodes fetched
  answers: number; // so far: the nodes may be others than before
  leftOut: number;
  message: string;
  error: ApiError | undefined;
}

const NOTHING: BrowseFacts = {
  state: "none",
  done: 0,
  total: 0,
  count: 0,
  answers: 0,
  leftOut: 0,
  message: "",
  error: undefined,
};

export class Browsing {
  readonly facts = signal<BrowseFacts>(NOTHING);
  readonly nodes: Node[] = [];
  id = 0;
  private timer = 0;
  private abort = new AbortController();

  constructor(private readonly subject: Subject) {}

  /** Asks the device, again if need be. */
  async start() {
    this.forget();
    this.facts.value = { ...NOTHING, state: "asking" };
    const { signal: aborted } = this.abort;
    try {
      const begun = await post<Browse>("browses", this.subject);
      if (aborted.aborted) {
        await remove(pathOf("browses", String(begun.id)));
        return;
      }
      this.id = begun.id;
      await this.look();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Takes up the last one of this device that is still kept; none: nothing happens. */
  async resume() {
    const subject = this.subject;
    if (!("device" in subject)) {
      return;
    }
    try {
      const { browses } = await get<{ browses: Browse[] }>("browses", this.abort.signal);
      const same = browses.filter(
        (each) => each.device === subject.device && each.at === (subject.at ?? ""),
      );
      const last = same.filter(({ state }) => state === "done" || state === "running").pop();
      if (last && this.facts.peek().state === "none") {
        this.id = last.id;
        await this.look();
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** What was told so far stays. */
  async stop() {
    try {
      await remove(pathOf("browses", String(this.id)));
    } catch (error) {
      this.fail(error);
    }
  }

  /** The configuration changed: which nodes are points now? Asks the gateway, not the device. */
  async again() {
    if (this.facts.peek().state === "done") {
      this.nodes.length = 0;
      await this.look();
    }
  }

  /** Nobody will look at it again: the gateway need not keep it. */
  discard() {
    const { id } = this;
    this.close();
    if (id !== 0) {
      remove(pathOf("browses", String(id))).catch(() => {}); // it is forgotten by itself, too
    }
  }

  /** The page does not show it any more; the gateway keeps it for some minutes. */
  close() {
    this.abort.abort();
    clearTimeout(this.timer);
  }

  private forget() {
    this.close();
    this.abort = new AbortController();
    this.nodes.length = 0;
    this.id = 0;
  }

  private fail(error: unknown) {
    if (!this.abort.signal.aborted) {
      const failed = error as ApiError;
      this.facts.value = { ...this.facts.peek(), state: "failed", error: failed };
    }
  }

  private async look() {
    try {
      for (let full = true; full; ) {
        const path = withParams(pathOf("browses", String(this.id)), {
          limit: PAGE,
          offset: this.nodes.length,
        });
        const answer = await get<Browse>(path, this.abort.signal);
        this.nodes.push(...answer.nodes);
        full = answer.nodes.length === PAGE;
        if (!full) {
          this.tell(answer);
        }
      }
    } catch (error) {
      this.fail(error);
    }
  }

  private tell(answer: Browse) {
    const { state, done, total, message, code } = answer;
    this.facts.value = {
      state,
      done,
      total,
      count: this.nodes.length,
      answers: this.facts.peek().answers + 1,
      leftOut: answer.left_out,
      message: state === "failed" ? "" : message,
      error:
        state === "failed" ? new ApiError(0, code, message || text.tree.failed, "") : undefined,
    };
    if (state === "running") {
      this.timer = window.setTimeout(() => this.look(), LOOK_MS);
    }
  }
}
