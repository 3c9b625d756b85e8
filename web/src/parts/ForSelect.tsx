// SPDX-License-Identifier: Apache-2.0
// For how long a written value is held before it is released by itself.
import { duration } from "../format";
import { text } from "../text";

// In seconds, for a point that may not be held longer than some time.
const SECONDS: Record<string, number> = {
  "15m": 900,
  "1h": 3600,
  "2h": 7200,
  "8h": 28_800,
  "1d": 86_400,
  "7d": 604_800,
};

interface Props {
  value: string;
  change: (value: string) => void;
  most_s?: number | null;
}

export function ForSelect({ value, change, most_s = null }: Props) {
  const times = Object.entries(text.holds.times).filter(
    ([time]) => most_s === null || (SECONDS[time] ?? 0) <= most_s,
  );
  return (
    <label>
      {text.holds.lasting}{" "}
      <select value={value} onChange={(event) => change(event.currentTarget.value)}>
        {times.map(([time, name]) => (
          <option key={time} value={time}>
            {time === "" && most_s !== null ? text.holds.atMost(duration(most_s)) : name}
          </option>
        ))}
      </select>
    </label>
  );
}
