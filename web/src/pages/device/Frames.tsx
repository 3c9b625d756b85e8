// SPDX-License-Identifier: Apache-2.0
// The last frames between us and the device, decoded; those that break the protocol are marked.
import { useState } from "preact/hooks";
import { useLoad } from "../../api/load";
import { pathOf, withParams } from "../../api/client";
import type { Frame } from "../../api/types";
import { Quality } from "../../parts/Quality";
import { Empty, Failed, Loading } from "../../parts/State";
import { TableBox } from "../../parts/TableBox";
import { Moment } from "../../parts/Time";
import { text } from "../../text";

const RELOAD_MS = 2000;
const FRAMES = 50;

function FrameRow({ frame }: { frame: Frame }) {
  return (
    <tr class={frame.bad ? "frame-bad" : undefined}>
      <td>
        <Moment time={frame.time} />
      </td>
      <td class="nowrap">{frame.sent ? text.device.sent : text.device.got}</td>
      <td class="right">{frame.size} B</td>
      <td>
        {frame.text}
        {frame.bad && (
          <>
            {" "}
            <Quality quality="bad" reason={frame.bad} />
          </>
        )}
      </td>
      <td>
        <code class="hex" title={frame.hex}>
          {frame.hex}
        </code>
      </td>
    </tr>
  );
}

export function Frames({ name }: { name: string }) {
  const [still, setStill] = useState(false);
  const { data, error, reload } = useLoad<{ frames: Frame[] }>(
    withParams(`${pathOf("devices", name)}/frames`, { limit: FRAMES }),
    still ? 0 : RELOAD_MS,
  );
  return (
    <section>
      <div class="section-head">
        <h2>{text.device.frames}</h2>
        <button type="button" aria-pressed={still} onClick={() => setStill(!still)}>
          {text.device.freeze}
        </button>
      </div>
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && data.frames.length === 0 && <Empty title={text.device.noFrames} />}
      {data && data.frames.length > 0 && (
        <TableBox label={text.device.frames}>
          <thead>
            <tr>
              {text.device.frameColumns.map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {data.frames.map((frame, i) => (
              <FrameRow key={`${frame.time} ${i}`} frame={frame} />
            ))}
          </tbody>
        </TableBox>
      )}
    </section>
  );
}
