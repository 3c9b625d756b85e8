// SPDX-License-Identifier: Apache-2.0
// Events of the mock gateway: a few of each kind, more when a test adds them.
import { iso } from "./site.mjs";

const SEVERITIES = ["info", "low", "medium", "high", "critical"];

const KINDS = [
  { kind: "alarm", severity: "high", text: "Supply air too warm", ack: "unacked", key: "ai:1" },
  { kind: "fault", severity: "critical", text: "Sensor is broken", ack: "acked", key: "ai:2" },
  { kind: "normal", severity: "info", text: "Back to normal", ack: "", key: "ai:3" },
  { kind: "notification", severity: "low", text: "Filter: 200 hours left", ack: "", key: "" },
];

export class Events {
  list = []; // the newest first
  streams = new Set(); // send(event, data) of those who listen
  refuse = undefined; // the message of the device

  constructor(count = 8) {
    for (let i = 0; i < count; i++) {
      this.add(KINDS[i % KINDS.length], Date.now() - (count - i) * 60_000 + 30_000);
    }
  }

  add(fields, time_ms = Date.now()) {
    const id = this.list.length + 1;
    const event = {
      id,
      time: iso(time_ms),
      received: iso(time_ms),
      source: `meter-${1 + (id % 3)}/power`,
      kind: "alarm",
      severity: "high",
      text: "Too high",
      latest: true,
      ack: "",
      acknowledged: null,
      key: "",
      cut: false,
      arguments: [
        { name: "from-state", value: "normal" },
        { name: "to-state", value: "high-limit" },
        { name: "value", value: 31.5 },
      ],
      ...fields,
    };
    this.list.unshift(event);
    this.tell(event);
    return event;
  }

  tell(event) {
    this.streams.forEach((send) => send("events", [event]));
  }

  /** GET events, POST events/ID/acknowledge. */
  reply([, id], query, body) {
    return id ? this.acknowledge(Number(id), body) : { body: this.answer(query) };
  }

  answer(query) {
    const least = SEVERITIES.indexOf(query.get("severity") ?? "info");
    const words = (query.get("text") ?? "").toLowerCase();
    const before = Number(query.get("before") ?? Infinity);
    const found = this.list
      .filter((event) => event.id < before)
      .filter((event) => SEVERITIES.indexOf(event.severity) >= least)
      .filter((event) => !query.get("kind") || event.kind === query.get("kind"))
      .filter((event) => !query.get("source") || event.source === query.get("source"))
      .filter((event) => !query.get("unacked") || event.ack === "unacked")
      .filter((event) => `${event.text} ${event.source}`.toLowerCase().includes(words));
    return { events: found.slice(0, Number(query.get("limit") ?? 100)) };
  }

  acknowledge(id, { note }) {
    const event = this.list.find((one) => one.id === id);
    const result = this.refuse ?? "acknowledged";
    event.acknowledged = { time: iso(Date.now()), by: "local", note, result };
    if (this.refuse) {
      const hint = "it can be tried again";
      return { status: 502, body: { error: { code: "EREFUSED", message: this.refuse, hint } } };
    }
    event.ack = "acked";
    this.tell(event);
    return { body: { ...event, message: "the device took it" } };
  }
}
