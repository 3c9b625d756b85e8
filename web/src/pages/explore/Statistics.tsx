// SPDX-License-Identifier: Apache-2.0
// The lines as a table, which is also their legend: value at the cursor, minimum to last, gaps. Below it every
// gap with its cause.
import { duration, short, when } from "../../format";
import { TableBox } from "../../parts/TableBox";
import { href } from "../../router";
import { text } from "../../text";
import type { Line } from "./lines";
import { lineColour, type Placed } from "./LineChart";
import { looksLikePath, type Drawing } from "./load";

const GAPS_LISTED = 50;

interface Props {
  drawing: Drawing;
  placed: Placed[];
  cursor: number | null;
  remove: (asked: string) => void;
}

function Name({ line, place }: { line: Line; place: number }) {
  const path = looksLikePath(line.name) && line.name === line.asked;
  return (
    <>
      <span class="swatch" style={{ background: lineColour(place) }} aria-hidden="true" />{" "}
      {path ? <a href={href.point(line.name)}>{line.name}</a> : <code>{line.name}</code>}
      {line.units && <span class="muted"> {line.units}</span>}
    </>
  );
}

function numbersOf(line: Line, cursor: number | null): string[] {
  const shown = (value: number | null | undefined) => (value == null ? "" : short(value));
  const { stats } = line;
  const at = cursor === null ? "" : shown(line.values[cursor]) || text.explore.noValue;
  return [at, ...[stats?.min, stats?.avg, stats?.max, stats?.last].map(shown)];
}

function totalOf(line: Line): string {
  const seconds = line.gaps.reduce((sum, { from, to }) => sum + to - from, 0);
  return text.explore.gaps(line.gaps.length, duration(seconds));
}

interface RowProps {
  placed: Placed;
  compare: string;
  cursor: number | null;
  remove: (asked: string) => void;
}

function Row({ placed, compare, cursor, remove }: RowProps) {
  const { line, place, before } = placed;
  return (
    <>
      <tr>
        <td>
          <Name line={line} place={place} />
        </td>
        {numbersOf(line, cursor).map((value, i) => (
          <td key={i} class="right">
            {value}
          </td>
        ))}
        <td class="right">{totalOf(line)}</td>
        <td>
          <button
            type="button"
            class="quiet"
            aria-label={text.explore.remove(line.asked)}
            onClick={() => remove(line.asked)}
          >
            ×
          </button>
        </td>
      </tr>
      {before && (
        <tr class="muted">
          <td>- - {text.explore.before(line.name, text.explore.compareNames[compare] ?? "")}</td>
          {numbersOf(before, cursor).map((value, i) => (
            <td key={i} class="right">
              {value}
            </td>
          ))}
          <td class="right">{totalOf(before)}</td>
          <td />
        </tr>
      )}
    </>
  );
}

function Gaps({ placed }: { placed: Placed[] }) {
  const all = placed.flatMap(({ line }) => line.gaps.map((gap) => ({ line, gap })));
  if (all.length === 0) {
    return null;
  }
  return (
    <section>
      <h2>{text.explore.gapList}</h2>
      <TableBox label={text.explore.gapList}>
        <thead>
          <tr>
            {text.explore.gapColumns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {all.slice(0, GAPS_LISTED).map(({ line, gap }) => (
            <tr key={`${line.id} ${gap.from}`}>
              <td>{line.name}</td>
              <td>{when(new Date(gap.from * 1000))}</td>
              <td>{when(new Date(gap.to * 1000))}</td>
              <td>{duration(gap.to - gap.from)}</td>
              <td>{text.trend.gapCause(gap.reason)}</td>
            </tr>
          ))}
        </tbody>
      </TableBox>
      {all.length > GAPS_LISTED && (
        <p class="muted">{text.explore.gapsMore(all.length - GAPS_LISTED)}</p>
      )}
    </section>
  );
}

export function Statistics({ drawing, placed, cursor, remove }: Props) {
  const { grid } = drawing;
  const at = cursor === null ? "" : when(new Date((grid.from + cursor * grid.step) * 1000));
  return (
    <>
      <section>
        <h2>{text.explore.statistics}</h2>
        <TableBox label={text.explore.statistics}>
          <thead>
            <tr>
              {text.explore.columns.map((name, i) => (
                <th key={name} scope="col" class={i > 0 ? "right" : undefined}>
                  {i === 1 && at ? at : name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {placed.map((each) => (
              <Row
                key={each.line.id}
                placed={each}
                compare={drawing.compare}
                cursor={cursor}
                remove={remove}
              />
            ))}
          </tbody>
        </TableBox>
      </section>
      <Gaps placed={placed} />
    </>
  );
}
