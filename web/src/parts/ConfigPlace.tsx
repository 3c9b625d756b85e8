// SPDX-License-Identifier: Apache-2.0
// Where in the hand-written files a thing stands; a press copies it, for an editor.
import { useState } from "preact/hooks";
import { text } from "../text";

export function ConfigPlace({ place }: { place: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(place);
      setCopied(true);
      setTimeout(() => setCopied(false), 2000);
    } catch {
      setCopied(false); // No clipboard over plain HTTP: the place can still be read and selected.
    }
  };
  return (
    <span class="place">
      <code>{place}</code>
      {navigator.clipboard && (
        <button type="button" class="quiet small" onClick={copy}>
          {copied ? text.copied : text.copy}
        </button>
      )}
    </span>
  );
}
