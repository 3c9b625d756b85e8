// SPDX-License-Identifier: Apache-2.0
// The newest part of a trend as a table, for those who cannot see the curve or want the numbers.
import { useState } from "preact/hooks";
import { short, when } from "../format";
import { TableBox } from "../parts/TableBox";
import { text } from "../text";
import type { Series } from "./series";

const ROWS = 60;

interface Props {
  series: Series;
  version: number; // counts up when the series got more values
  units: string;
}

export function TrendTable({ series, units }: Props) {
  const [open, setOpen] = useState(false);
  const rows = [];
  for (let i = series.time.length - 1; open && i >= Math.max(0, series.time.length - ROWS); i--) {
    const cell = (value: number | null | undefined) =>
      value == null ? text.unknownValue : short(value);
    rows.push(
      <tr key={series.time[i]}>
        <td>{when(new Date(series.time[i]! * 1000))}</td>
        <td class="right">{cell(series.avg[i])}</td>
        <td class="right">{cell(series.min[i])}</td>
        <td class="right">{cell(series.max[i])}</td>
        <td class="right">{series.counts[i]}</td>
        <td class="right">{series.bad[i]}</td>
      </tr>,
    );
  }
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{text.trend.asTable}</summary>
      {open && (
        <TableBox label={text.trend.asTable}>
          <caption>{text.trend.tableCaption(Math.min(ROWS, series.time.length), units)}</caption>
          <thead>
            <tr>
              {text.trend.columns.map((name, i) => (
                <th key={name} scope="col" class={i > 0 ? "right" : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{rows}</tbody>
        </TableBox>
      )}
    </details>
  );
}
