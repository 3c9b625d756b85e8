// SPDX-License-Identifier: Apache-2.0
// Points as a grid over the paged list, the rows on view live. Used by the Points page and by a
// device.
import { useCallback, useState } from "preact/hooks";
import type { PagedPoints, Loaded } from "../api/paged";
import type { LivePoint } from "../api/types";
import { liveValue, useLive } from "../api/live";
import { go, href } from "../router";
import { text } from "../text";
import { Sparkline } from "../trend/Sparkline";
import { Grid, type Column } from "./Grid";
import { Quality } from "./Quality";
import { Age } from "./Time";
import { lastText, Value } from "./Value";

const LIVE_ROWS_MAX = 80;
const TREND_WAIT_MS = 500; // rows that only pass by load no trend

/** What is newest of a row: the live stream's word or the list's. */
function newest(row: Loaded): { point: LivePoint; heard_ms: number; last: string | undefined } {
  const live = liveValue(row.point.path).value;
  const last = live?.last ?? lastText(row.point);
  return live && live.heard_ms > row.heard_ms
    ? { point: live, heard_ms: live.heard_ms, last }
    : { ...row, last };
}

function ValueCell({ row }: { row: Loaded }) {
  const { point, last } = newest(row);
  return <Value point={point} last={last} />;
}

function QualityCell({ row }: { row: Loaded }) {
  const { point } = newest(row);
  return <Quality quality={point.quality} reason={point.reason} />;
}

function AgeCell({ row }: { row: Loaded }) {
  const { point, heard_ms } = newest(row);
  return <Age age_s={point.age_s} time={point.time} heard_ms={heard_ms} />;
}

const COLUMNS: Column<Loaded>[] = [
  {
    name: "path",
    title: text.points.path,
    cell: ({ point }) => (
      <a href={href.point(point.path)} tabIndex={-1}>
        {point.path}
      </a>
    ),
  },
  { name: "title", title: text.points.title, cell: ({ point }) => point.title },
  {
    name: "value",
    title: text.points.value,
    right: true,
    cell: (row) => <ValueCell row={row} />,
  },
  { name: "quality", title: text.points.quality, cell: (row) => <QualityCell row={row} /> },
  { name: "age", title: text.points.age, right: true, cell: (row) => <AgeCell row={row} /> },
  {
    name: "trend",
    title: text.points.trend,
    cell: ({ point }) =>
      point.type === "string" ? null : <Sparkline path={point.path} wait_ms={TREND_WAIT_MS} />,
  },
  {
    name: "flags",
    title: text.points.flags,
    cell: ({ point }) =>
      point.writable ? <abbr title={text.points.writable}>{text.points.writableFlag}</abbr> : null,
  },
  {
    name: "source",
    title: text.points.source,
    cell: ({ point }) => <span title={`${point.source}, ${point.config}`}>{point.source}</span>,
  },
];

interface Props {
  label: string;
  list: PagedPoints;
}

export function PointsGrid({ label, list }: Props) {
  const [range, setRange] = useState({ first: 0, last: 0 });
  const onRange = useCallback(
    (first: number, last: number) => {
      list.look(first, last);
      setRange({ first, last: Math.min(last, first + LIVE_ROWS_MAX) });
    },
    [list],
  );
  const seen: string[] = [];
  for (let i = range.first; i < range.last; i++) {
    const row = list.row(i);
    if (row) {
      seen.push(row.point.path);
    }
  }
  useLive(seen);
  const open = (row: Loaded) => go(href.point(row.point.path));
  return (
    <Grid
      label={label}
      columns={COLUMNS}
      total={list.facts.value.total}
      row={(i) => list.row(i)}
      onRange={onRange}
      onOpen={open}
      keys={{ w: (row) => go(`${href.point(row.point.path)}?write=1`), t: open }}
    />
  );
}
