// SPDX-License-Identifier: Apache-2.0
// One row of the journal with all that came with it; an event that waits for it is acknowledged here,
// with a note.
import { useState } from "preact/hooks";
import { acknowledge, type Event } from "../../api/events";
import type { JournalEntry } from "../../api/types";
import { Dialog } from "../../parts/Dialog";
import { Facts, type Fact } from "../../parts/Facts";
import { Severity } from "../../parts/Severity";
import { Moment } from "../../parts/Time";
import { attempt } from "../../parts/Toast";
import { text } from "../../text";
import type { Row } from "./rows";
import { SourceLink } from "./SourceLink";

const words = text.journal;

function eventFacts(event: Event): Fact[] {
  const rows: Fact[] = [
    [words.facts.time, <Moment time={event.time} />],
    [words.facts.received, <Moment time={event.received} />],
    [words.facts.source, <SourceLink path={event.source} />],
    [words.facts.kind, event.kind],
    [words.facts.severity, <Severity severity={event.severity} />],
    [words.facts.ack, words.ack[event.ack] || text.none],
  ];
  if (event.acknowledged) {
    const { time, by, note, result } = event.acknowledged;
    rows.push(
      [words.facts.by, by],
      [words.facts.at, <Moment time={time} />],
      [words.facts.note, note || text.none],
      [words.facts.result, result, event.ack === "unacked" ? "abnormal" : "plain"],
    );
  }
  return rows;
}

function entryFacts(entry: JournalEntry): Fact[] {
  return [
    [words.facts.time, <Moment time={entry.time} />],
    [words.facts.by, entry.who],
    [words.facts.from, entry.from],
    [words.facts.what, entry.what],
    [words.facts.source, <SourceLink path={entry.path} />],
    [words.facts.old, entry.old || text.none],
    [words.facts.new, entry.new || text.none],
    [words.facts.result, entry.result],
  ];
}

function AckForm({ event, done }: { event: Event; done: () => void }) {
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (submitted: SubmitEvent) => {
    submitted.preventDefault();
    setBusy(true);
    await attempt(async () => (await acknowledge(event.id, note)).message);
    done();
  };
  return (
    <form onSubmit={submit}>
      <p class="actions">
        <label>
          {words.note}{" "}
          <input
            type="text"
            maxLength={255}
            value={note}
            onInput={(typed) => setNote(typed.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? words.acking : words.acknowledge}
        </button>
      </p>
    </form>
  );
}

interface Props {
  row: Row;
  close: () => void;
  changed: () => void;
}

export function Details({ row, close, changed }: Props) {
  const { event, entry } = row;
  const done = () => {
    close();
    changed();
  };
  return (
    <Dialog title={event ? words.eventNumber(event.id) : words.entry} close={close} class="wide">
      {event && <p class="event-text">{event.text}</p>}
      <Facts rows={event ? eventFacts(event) : entryFacts(entry!)} />
      {event && event.arguments.length > 0 && (
        <>
          <h3>{words.arguments}</h3>
          <Facts
            rows={event.arguments.map(({ name, value }) => [
              name,
              value === null ? text.none : String(value),
            ])}
          />
        </>
      )}
      {event?.cut && <p class="muted">{words.cut}</p>}
      {event?.ack === "unacked" && <AckForm event={event} done={done} />}
    </Dialog>
  );
}
