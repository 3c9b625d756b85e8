// SPDX-License-Identifier: Apache-2.0
// The last lines of the text log, newest on top.
import { useState } from "preact/hooks";
import { useLoad } from "../../api/load";
import { withParams } from "../../api/client";
import type { LogLine } from "../../api/types";
import { Moment } from "../../parts/Time";
import { Table } from "../../parts/Table";
import { text } from "../../text";

const RELOAD_MS = 3000;
const LINES = 200;
const LOUD = ["error", "warning", "warn"];

function cells(line: LogLine) {
  return [
    <Moment time={line.time} />,
    line.level,
    line.module,
    <span class="nowrap">{line.device}</span>,
    line.text,
  ];
}

export function TextLog() {
  const [wanted, setWanted] = useState("");
  const { data, error, reload } = useLoad<{ lines: LogLine[] }>(
    withParams("log", { limit: LINES }),
    RELOAD_MS,
  );
  const word = wanted.toLowerCase();
  const rows = data?.lines
    .filter((line) =>
      `${line.level} ${line.module} ${line.device} ${line.text}`.toLowerCase().includes(word),
    )
    .reverse();
  return (
    <Table
      title={text.system.log}
      rows={rows}
      error={error}
      retry={reload}
      empty={wanted ? text.system.noLogMatch : text.system.noLog}
      columns={text.system.logColumns}
      cells={cells}
      classOf={(line) => (LOUD.includes(line.level) ? "loud" : undefined)}
      tools={
        <label class="filter">
          <input
            type="search"
            placeholder={text.system.logFilter}
            aria-label={text.system.logFilter}
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
        </label>
      }
    />
  );
}
