// SPDX-License-Identifier: Apache-2.0
// The Overview of a site without devices: the doors to the first one.
import { Empty } from "../../parts/State";
import { text } from "../../text";

export function FirstSteps() {
  return (
    <>
      <h1 tabIndex={-1}>{text.pages.overview}</h1>
      <Empty title={text.first.title}>
        <ul class="doors">
          {text.first.doors.map(({ title, what, command }) => (
            <li key={title}>
              <h2>{title}</h2>
              <p>{what}</p>
              <pre tabIndex={0}>
                <code>{command}</code>
              </pre>
            </li>
          ))}
        </ul>
      </Empty>
    </>
  );
}
