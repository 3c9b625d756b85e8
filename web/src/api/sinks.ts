// SPDX-License-Identifier: Apache-2.0
// Sinks: where samples are published. What a person does with one, and the tasks that this begins.
import { get, pathOf, post, withParams } from "./client";

export interface SinkRow {
  name: string;
  kind: string;
  title: string; // of the kind
  where: string;
  points: string; // the filter in words
  exactly_once: boolean;
  sql: boolean; // there is something to run at the target
  phase: string;
  up: boolean;
  since: string | null;
  published: number;
  repeated: number;
  aside: number;
  released: number;
  events: number;
  waiting: number;
  waiting_bytes: number;
  lag_s: number;
  samples_per_s: number;
  batches: number;
  failures: number;
  last_published: string | null;
  error: { message: string; hint: string; time: string | null } | null;
  why: string; // the last error, while it cannot publish
  next_try: string | null;
  quota: {
    keep_bytes: number;
    keep_s: number | null;
    left_bytes: number;
    left_s: number | null;
    used: number;
  };
  trouble: string;
}

export interface SinkFull extends SinkRow {
  details: { name: string; text: string }[];
  recent: {
    to: string | null;
    step_s: number;
    lag_s: number[];
    waiting: number[];
    samples_per_s: number[];
  };
}

export interface SinkLedger {
  stored?: number; // none of the numbers is there when it cannot be counted right now
  published?: number;
  waiting?: number;
  aside?: number;
  released?: number;
  lost_records?: number;
  balances: boolean | null;
  text: string;
}

export interface AsideRow {
  id: number;
  event: boolean;
  time: string;
  path: string;
  value: string;
  reason: string;
  set_aside: string;
}

export interface SinkTest {
  findings: { what: string; verdict: "good" | "warning" | "bad"; text: string; hint: string }[];
  fine: boolean;
  took_ms: number;
}

interface Task {
  id: number;
  state: "running" | "done" | "failed" | "stopped";
  message: string;
}

const LOOK_MS = 300;

export const testSink = (name: string) => post<SinkTest>(pathOf("sinks", name, "test"));

/** At once: pause, resume, try. The answer in words. */
export async function switchSink(name: string, what: "pause" | "resume" | "try"): Promise<string> {
  const { message } = await post<{ message: string }>(pathOf("sinks", name, what));
  return `${name}: ${message}`;
}

/** Retries or drops what is set aside (id null: all) and waits until that has ended. */
export async function settleAside(name: string, what: "retry" | "drop", id: number | null) {
  let task = await post<Task>(pathOf("sinks", name, what), id === null ? {} : { id });
  while (task.state === "running") {
    await new Promise((again) => setTimeout(again, LOOK_MS));
    task = await get<Task>(pathOf("sink-tasks", String(task.id)));
  }
  if (task.state === "failed") {
    throw new Error(task.message);
  }
  return task.message;
}

export const asidePath = (name: string, limit: number) =>
  withParams(pathOf("sinks", name, "aside"), { limit });
