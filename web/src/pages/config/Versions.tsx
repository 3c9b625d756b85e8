// SPDX-License-Identifier: Apache-2.0
// The applied versions; any earlier one can be brought back.
import type { Loaded } from "../../api/load";
import type { Version } from "../../api/types";
import { Failed, Loading } from "../../parts/State";
import { TableBox } from "../../parts/TableBox";
import { Moment } from "../../parts/Time";
import { text } from "../../text";

interface Props {
  list: Loaded<{ versions: Version[] }>;
  rollback: (version: number) => void;
}

export function Versions({ list, rollback }: Props) {
  return (
    <section class="card wide">
      <h2>{text.config.versions}</h2>
      {list.error && <Failed error={list.error} retry={list.reload} />}
      {!list.data && !list.error && <Loading />}
      {list.data && (
        <TableBox label={text.config.versions}>
          <thead>
            <tr>
              {text.config.versionColumns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {list.data.versions.map((one) => (
              <tr key={one.version}>
                <td class="right">{one.version}</td>
                <td>
                  <Moment time={one.time} />
                </td>
                <td>{one.who}</td>
                <td>{one.summary}</td>
                <td>
                  {one.running ? (
                    text.config.runs
                  ) : (
                    <button
                      type="button"
                      class="small"
                      onClick={() => rollback(one.version)}
                      aria-label={text.config.rollbackTo(one.version)}
                    >
                      {text.config.rollback}
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </TableBox>
      )}
    </section>
  );
}
