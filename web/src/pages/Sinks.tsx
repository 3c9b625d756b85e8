// SPDX-License-Identifier: Apache-2.0
// Where samples are published: a row a sink, the one chosen with all that is known of it.
import { pathOf } from "../api/client";
import { useLoad } from "../api/load";
import { switchSink, type SinkRow } from "../api/sinks";
import { count, duration } from "../format";
import { Grid, type Column } from "../parts/Grid";
import { PageState } from "../parts/PageState";
import { Empty, Failed } from "../parts/State";
import { attempt } from "../parts/Toast";
import { go, href } from "../router";
import { text } from "../text";
import { Phase } from "./sinks/Phase";
import { Sink } from "./sinks/Sink";

const RELOAD_MS = 2000;
const words = text.sinks;

const columns: Column<SinkRow>[] = [
  {
    name: "name",
    title: words.columns.name,
    cell: (row) => (
      <a href={href.sink(row.name)} tabIndex={-1}>
        {row.name}
      </a>
    ),
  },
  { name: "sink-kind", title: words.columns.kind, cell: (row) => row.title },
  { name: "phase", title: words.columns.phase, cell: (row) => <Phase sink={row} /> },
  { name: "sink-lag", title: words.columns.lag, right: true, cell: (row) => duration(row.lag_s) },
  { name: "waiting", title: words.columns.waiting, right: true, cell: (row) => count(row.waiting) },
  {
    name: "published",
    title: words.columns.published,
    right: true,
    cell: (row) => count(row.published),
  },
  {
    name: "aside",
    title: words.columns.aside,
    right: true,
    cell: (row) => <span class={row.aside > 0 ? "abnormal" : undefined}>{count(row.aside)}</span>,
  },
  {
    name: "released",
    title: words.columns.released,
    right: true,
    cell: (row) => count(row.released),
  },
  { name: "sink-where", title: words.columns.where, cell: (row) => row.where },
  {
    name: "sink-error",
    title: words.columns.error,
    cell: (row) =>
      row.why && (
        <span class="abnormal" title={row.error?.hint}>
          {row.why}
        </span>
      ),
  },
];

function List() {
  const { data, error, reload } = useLoad<{ sinks: SinkRow[] }>("sinks", RELOAD_MS);
  if (!data) {
    return <PageState title={text.pages.sinks} error={error} retry={reload} />;
  }
  const rows = data.sinks;
  const pause = async (row: SinkRow) => {
    await attempt(() => switchSink(row.name, row.phase === "paused" ? "resume" : "pause"));
    reload();
  };
  return (
    <div class="full-page">
      <div class="page-head">
        <h1 tabIndex={-1}>{text.pages.sinks}</h1>
        {rows.length > 0 && (
          <span class={rows.some((row) => row.trouble) ? "abnormal" : "muted"} role="status">
            {words.counted(rows.length, rows.filter((row) => row.up).length)}
          </span>
        )}
      </div>
      {error && <Failed error={error} retry={reload} />}
      {rows.length === 0 ? (
        <Empty title={words.none}>
          <p>{words.noneWhy}</p>
          <pre class="sample" tabIndex={0}>
            <code>{words.sample}</code>
          </pre>
          <p>{words.noneThen}</p>
        </Empty>
      ) : (
        <Grid
          label={text.pages.sinks}
          columns={columns}
          total={rows.length}
          row={(i) => rows[i]}
          onRange={() => {}}
          onOpen={(row) => go(href.sink(row.name))}
          keys={{ u: (row) => void pause(row) }}
        />
      )}
    </div>
  );
}

export function Sinks({ name }: { name?: string | undefined }) {
  return name === undefined ? <List /> : <Sink key={pathOf(name)} name={name} />;
}
