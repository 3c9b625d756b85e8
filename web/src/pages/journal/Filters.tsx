// SPDX-License-Identifier: Apache-2.0
// What of the journal is shown; all of it stands in the address.
import { SEVERITIES } from "../../api/events";
import { setQuery } from "../../router";
import { text } from "../../text";
import type { Filter } from "./rows";

const words = text.journal;

interface SelectProps {
  name: string;
  label: string;
  value: string;
  choices: [value: string, name: string][];
}

function Select({ name, label, value, choices }: SelectProps) {
  const known = choices.some(([choice]) => choice === value);
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
        {choices.map(([choice, words]) => (
          <option key={choice} value={choice}>
            {words}
          </option>
        ))}
        {!known && <option value={value}>{value}</option>}
      </select>
    </label>
  );
}

export function Filters({ filter }: { filter: Filter }) {
  return (
    <>
      <Select
        name="show"
        label={words.show}
        value={filter.shown === "all" ? "" : filter.shown}
        choices={Object.entries(words.shows)}
      />
      <Select name="kind" label={words.kind} value={filter.kind} choices={words.kinds} />
      <Select
        name="severity"
        label={words.severity}
        value={filter.severity}
        choices={[
          ["", words.any],
          ...SEVERITIES.slice(1).map((word): [string, string] => [word, words.andAbove(word)]),
        ]}
      />
      <Select name="from" label={words.from} value={filter.from} choices={words.times} />
      {filter.source && (
        <button type="button" onClick={() => setQuery({ source: null })}>
          {words.onlySource(filter.source)} <span aria-hidden="true">×</span>
        </button>
      )}
    </>
  );
}
