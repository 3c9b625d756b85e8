// SPDX-License-Identifier: Apache-2.0
// A short table of loaded rows with its own loading, empty and error states.
import type { ComponentChildren } from "preact";
import type { ApiError } from "../api/client";
import { Empty, Failed, Loading } from "./State";
import { TableBox } from "./TableBox";

interface Props<T> {
  title: string;
  rows: T[] | undefined;
  error: ApiError | undefined;
  retry: () => void;
  empty: string;
  columns: readonly string[];
  cells: (row: T) => ComponentChildren[];
  tools?: ComponentChildren;
  after?: ComponentChildren;
  classOf?: (row: T) => string | undefined;
}

export function Table<T>(props: Props<T>) {
  const { title, rows, error } = props;
  return (
    <section>
      <div class="section-head">
        <h2>{title}</h2>
        {props.tools}
      </div>
      {error && <Failed error={error} retry={props.retry} />}
      {!rows && !error && <Loading />}
      {rows && rows.length === 0 && <Empty title={props.empty} />}
      {rows && rows.length > 0 && (
        <TableBox label={title}>
          <thead>
            <tr>
              {props.columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={i} class={props.classOf?.(row)}>
                {props.cells(row).map((cell, k) => (
                  <td key={k}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </TableBox>
      )}
      {props.after}
    </section>
  );
}
