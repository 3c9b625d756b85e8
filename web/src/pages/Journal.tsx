// SPDX-License-Identifier: Apache-2.0
// The journal: what devices reported and what people did, the newest first. It follows what comes;
// held still (f) it counts what waits.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { acknowledge, type Event } from "../api/events";
import { useLiveEvents } from "../api/live";
import { count } from "../format";
import { useKeys } from "../keys";
import { FilterBox } from "../parts/FilterBox";
import { Grid, type Column } from "../parts/Grid";
import { PageState } from "../parts/PageState";
import { Severity } from "../parts/Severity";
import { Empty, Failed } from "../parts/State";
import { Moment } from "../parts/Time";
import { attempt } from "../parts/Toast";
import { route, setQuery } from "../router";
import { text } from "../text";
import { Details } from "./journal/Details";
import { Filters } from "./journal/Filters";
import { Journal as Rows, type Filter, type Row, type Shown } from "./journal/rows";
import { SourceLink } from "./journal/SourceLink";

const words = text.journal;
const NEAR_END = 40; // rows: then older ones are asked for
const NO_FILTER = {
  q: null,
  show: null,
  source: null,
  kind: null,
  severity: null,
  from: null,
  to: null,
};

function filterOf(query: URLSearchParams): Filter {
  const of = (name: string) => query.get(name) ?? "";
  const shown = of("show");
  return {
    shown: shown in words.shows && shown ? (shown as Shown) : "all",
    q: of("q"),
    source: of("source"),
    kind: of("kind"),
    severity: of("severity"),
    from: of("from"),
    to: of("to"),
  };
}

/** What was done, in one line: "21 > 22.5". */
function Done({ row }: { row: Row }) {
  const { entry } = row;
  if (!entry) {
    return <>{row.event!.text}</>;
  }
  const change = entry.old || entry.new ? `${entry.old || "–"} → ${entry.new || "–"}` : "";
  return <>{change}</>;
}

function Ack({ event }: { event: Event }) {
  if (event.ack === "unacked") {
    return <span class="abnormal">{words.ack.unacked}</span>;
  }
  const by = event.ack === "acked" && event.acknowledged?.by;
  return <>{by ? words.ackedBy(by) : words.ack[event.ack]}</>;
}

function columnsOf(ack: (row: Row) => void): Column<Row>[] {
  const head = words.columns;
  return [
    {
      name: "when",
      title: head.when,
      cell: ({ event, entry }) => <Moment time={event?.time ?? entry!.time} />,
    },
    {
      name: "severity",
      title: head.severity,
      cell: ({ event }) => event && <Severity severity={event.severity} />,
    },
    { name: "what", title: head.what, cell: ({ event, entry }) => event?.kind ?? entry!.what },
    {
      name: "source",
      title: head.source,
      cell: ({ event, entry }) => <SourceLink path={event?.source ?? entry!.path} />,
    },
    { name: "text", title: head.text, cell: (row) => <Done row={row} /> },
    {
      name: "result",
      title: head.result,
      cell: ({ event, entry }) =>
        event ? <Ack event={event} /> : `${entry!.who}: ${entry!.result}`,
    },
    {
      name: "ack",
      title: head.ack,
      cell: (row) =>
        row.event?.ack === "unacked" && (
          <span class="actions">
            <button
              type="button"
              tabIndex={-1}
              class="small"
              onClick={() => ack(row)}
              aria-label={words.acknowledgeOf(row.event.id)}
            >
              {words.ackShort}
            </button>
          </span>
        ),
    },
  ];
}

/** What waits stands out; what a newer event has replaced is over. */
function classOf({ event }: Row): string {
  if (event?.ack === "unacked") {
    return "row-open";
  }
  return event?.key && !event.latest ? "row-over" : "";
}

/** The rows for a filter; a change of it starts anew. */
function useRows(filter: Filter): Rows {
  const key = JSON.stringify(filter);
  const rows = useMemo(() => new Rows(JSON.parse(key) as Filter), [key]);
  useEffect(() => {
    rows.start();
    return () => rows.stop();
  }, [rows]);
  return rows;
}

export function Journal() {
  const filter = filterOf(route.value.query);
  const rows = useRows(filter);
  const box = useRef<HTMLInputElement>(null);
  const [follow, setFollow] = useState(true);
  const [opened, setOpened] = useState<Row | undefined>(undefined);
  const { ready, rows: all, more, error, waiting } = rows.facts.value;
  rows.follow = follow;
  useLiveEvents(
    (events) => rows.take(events),
    () => void rows.refresh(),
  );
  const toggle = () => {
    setFollow(!follow);
    if (!follow) {
      void rows.refresh();
    }
  };
  useKeys({ "/": () => box.current?.select(), f: toggle });
  const ack = async ({ event }: Row) => {
    if (event?.ack === "unacked") {
      await attempt(async () => (await acknowledge(event.id)).message);
      void rows.refresh();
    }
  };
  if (!ready) {
    return <PageState title={text.pages.journal} error={error} retry={() => void rows.load()} />;
  }
  const filtered = Object.entries(filter).some(([name, value]) => name !== "shown" && value);
  return (
    <div class="full-page journal">
      <div class="page-head">
        <h1 tabIndex={-1}>{text.pages.journal}</h1>
        <FilterBox box={box} value={filter.q} label={words.filter} hint={words.filterHint} />
        <Filters filter={filter} />
        <button type="button" aria-pressed={follow} onClick={toggle}>
          {words.follow}
        </button>
        <span class="muted" role="status">
          {waiting > 0 ? words.waiting(count(waiting)) : words.counted(count(all.length), more)}
        </span>
      </div>
      {error && <Failed error={error} retry={() => void rows.refresh()} />}
      {all.length === 0 ? (
        <Empty
          title={filter.shown === "unacked" && !filtered ? words.noUnacked : words.none(filtered)}
        >
          {(filtered || filter.shown !== "all") && (
            <button type="button" onClick={() => setQuery(NO_FILTER)}>
              {words.showAll}
            </button>
          )}
        </Empty>
      ) : (
        <Grid
          label={text.pages.journal}
          columns={columnsOf((row) => void ack(row))}
          total={all.length}
          row={(i) => all[i]}
          onRange={(_, last) => {
            if (more && last > all.length - NEAR_END) {
              void rows.load();
            }
          }}
          classOf={classOf}
          onOpen={setOpened}
          keys={{ a: (row) => void ack(row) }}
        />
      )}
      {opened && (
        <Details
          key={opened.key}
          row={opened}
          close={() => setOpened(undefined)}
          changed={() => void rows.refresh()}
        />
      )}
    </div>
  );
}
