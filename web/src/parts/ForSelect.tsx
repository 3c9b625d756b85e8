// SPDX-License-Identifier: Apache-2.0
// For how long a written value is held before it is released by itself.
import { text } from "../text";

interface Props {
  value: string;
  change: (value: string) => void;
}

export function ForSelect({ value, change }: Props) {
  return (
    <label>
      {text.holds.lasting}{" "}
      <select value={value} onChange={(event) => change(event.currentTarget.value)}>
        {Object.entries(text.holds.times).map(([time, name]) => (
          <option key={time} value={time}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
