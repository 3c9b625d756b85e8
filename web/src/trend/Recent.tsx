// SPDX-License-Identifier: Apache-2.0
// The newest samples of a point whose values are no numbers.
import { useLoad } from "../api/load";
import { pointPath, withParams } from "../api/client";
import type { Point, Samples } from "../api/types";
import { Moment } from "../parts/Time";
import { Empty, Failed, Loading } from "../parts/State";
import { TableBox } from "../parts/TableBox";
import { text } from "../text";

const RELOAD_MS = 5000;
const ROWS = 50;

export function Recent({ point }: { point: Point }) {
  const { data, error, reload } = useLoad<Samples>(
    withParams(`samples/${pointPath(point.path)}`, { from: "-24h", limit: 10_000 }),
    RELOAD_MS,
  );
  const rows = data?.samples.slice(-ROWS).reverse() ?? [];
  return (
    <section>
      <h2>{text.trend.recent}</h2>
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && rows.length === 0 && <Empty title={text.trend.nothingYet} />}
      {rows.length > 0 && (
        <TableBox label={text.trend.recent}>
          <thead>
            <tr>
              {text.trend.recentColumns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([time, value, reason], i) => (
              <tr key={`${time} ${i}`}>
                <td>
                  <Moment time={time} />
                </td>
                <td>{value === null ? text.unknownValue : String(value)}</td>
                <td>{reason}</td>
              </tr>
            ))}
          </tbody>
        </TableBox>
      )}
    </section>
  );
}
