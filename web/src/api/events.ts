// SPDX-License-Identifier: Apache-2.0
// What devices reported: the events of the journal, and acknowledging them.
import { pathOf, post } from "./client";
import type { Scalar } from "./types";

export const SEVERITIES = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Event {
  id: number;
  time: string;
  received: string;
  source: string;
  kind: string;
  severity: Severity;
  text: string;
  latest: boolean; // of its source and key
  ack: "" | "unacked" | "acked" | "passed";
  acknowledged: { time: string; by: string; note: string; result: string } | null;
  key: string;
  cut: boolean;
  arguments: { name: string; value: Scalar }[];
}

export interface EventList {
  events: Event[];
}

export function acknowledge(id: number, note = ""): Promise<Event & { message: string }> {
  return post(`events/${pathOf(String(id))}/acknowledge`, { note });
}
