// SPDX-License-Identifier: Apache-2.0
// What the target refused for good, newest first, each with the reason; sent again or dropped one by one, or all.
import { useState } from "preact/hooks";
import { useLoad } from "../../api/load";
import { asidePath, settleAside, type AsideRow } from "../../api/sinks";
import { count } from "../../format";
import { Confirm } from "../../parts/Confirm";
import { Table } from "../../parts/Table";
import { Moment } from "../../parts/Time";
import { attempt } from "../../parts/Toast";
import { href } from "../../router";
import { text } from "../../text";

const RELOAD_MS = 5000;
const SHOWN = 50;
const MORE = 1000;
const words = text.sinks;

type What = "retry" | "drop";

export function AsideTable({ name, changed }: { name: string; changed: () => void }) {
  const [limit, setLimit] = useState(SHOWN);
  const [dropping, setDropping] = useState<AsideRow | "all">();
  const [busy, setBusy] = useState(false);
  const { data, error, reload } = useLoad<{ rows: AsideRow[]; total: number }>(
    asidePath(name, limit),
    RELOAD_MS,
  );
  const act = async (what: What, id: number | null) => {
    setBusy(true);
    await attempt(() => settleAside(name, what, id));
    setBusy(false);
    reload();
    changed();
  };
  const button = (what: What, row: AsideRow) => (
    <button
      type="button"
      class="small"
      disabled={busy}
      aria-label={`${words.actions[what]} ${row.path}`}
      onClick={() => (what === "retry" ? void act(what, row.id) : setDropping(row))}
    >
      {words.actions[what]}
    </button>
  );
  const rows = data?.rows;
  const some = rows !== undefined && rows.length > 0;
  const more = data !== undefined && data.total > data.rows.length;
  return (
    <>
      <Table
        title={words.asideTitle}
        rows={rows}
        error={error}
        retry={reload}
        empty={words.noAside}
        columns={words.asideColumns}
        cells={(row) => [
          <Moment time={row.time} />,
          row.event || !row.path.includes("/") ? (
            row.path
          ) : (
            <a href={href.point(row.path)}>{row.path}</a>
          ),
          row.value,
          <span class="abnormal">{row.reason}</span>,
          <Moment time={row.set_aside} />,
          <span class="actions">
            {button("retry", row)} {button("drop", row)}
          </span>,
        ]}
        tools={
          some && (
            <span class="actions">
              <button type="button" disabled={busy} onClick={() => void act("retry", null)}>
                {words.retryAll}
              </button>
              <button type="button" disabled={busy} onClick={() => setDropping("all")}>
                {words.dropAll}
              </button>
            </span>
          )
        }
        after={
          more && (
            <p class="muted">
              {words.asideMore(count(data.rows.length), count(data.total))}{" "}
              {limit < MORE && (
                <button type="button" onClick={() => setLimit(MORE)}>
                  {words.showMore}
                </button>
              )}
            </p>
          )
        }
      />
      {dropping && (
        <Confirm
          title={words.dropTitle}
          action={words.actions.drop}
          confirm={() => void act("drop", dropping === "all" ? null : dropping.id)}
          close={() => setDropping(undefined)}
        >
          <p>{words.dropWhat(dropping === "all" ? "" : dropping.path, count(data?.total ?? 0))}</p>
        </Confirm>
      )}
    </>
  );
}
