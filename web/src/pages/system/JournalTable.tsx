// SPDX-License-Identifier: Apache-2.0
// Who wrote, paused or configured what, newest on top; older entries on request.
import { useState } from "preact/hooks";
import { useLoad } from "../../api/load";
import { get, withParams } from "../../api/client";
import type { JournalEntry } from "../../api/types";
import { attempt } from "../../parts/Toast";
import { Table } from "../../parts/Table";
import { Moment } from "../../parts/Time";
import { text } from "../../text";

const RELOAD_MS = 5000;
const ENTRIES = 50;

interface Journal {
  entries: JournalEntry[];
}

function cells(entry: JournalEntry) {
  const change =
    entry.old || entry.new ? `${entry.old || text.none} → ${entry.new || text.none}` : "";
  return [
    <Moment time={entry.time} />,
    entry.who,
    entry.from,
    entry.what,
    entry.path,
    change,
    entry.result,
  ];
}

export function JournalTable() {
  const { data, error, reload } = useLoad<Journal>(
    withParams("journal", { limit: ENTRIES }),
    RELOAD_MS,
  );
  const [older, setOlder] = useState<JournalEntry[]>([]);
  const first = data?.entries.at(-1)?.id ?? Infinity;
  const rows = data && [...data.entries, ...older.filter((entry) => entry.id < first)];
  const more = () =>
    attempt(async () => {
      const before = rows?.at(-1)?.id;
      const answer = await get<Journal>(withParams("journal", { limit: ENTRIES, before }));
      setOlder([...older, ...answer.entries]);
      return answer.entries.length === 0 ? text.system.noOlder : undefined;
    });
  return (
    <Table
      title={text.system.journal}
      rows={rows}
      error={error}
      retry={reload}
      empty={text.system.noJournal}
      columns={text.system.journalColumns}
      cells={cells}
      after={
        rows &&
        rows.length >= ENTRIES && (
          <button type="button" onClick={more}>
            {text.system.older}
          </button>
        )
      }
    />
  );
}
