// SPDX-License-Identifier: Apache-2.0
// The keys, and the switch for single letters.
import { keyListOpen, lettersOn, setLetters } from "../keys";
import { text } from "../text";
import { Dialog } from "./Dialog";

export function KeyList() {
  if (!keyListOpen.value) {
    return null;
  }
  return (
    <Dialog
      title={text.shell.keys}
      close={() => {
        keyListOpen.value = false;
      }}
      class="wide"
    >
      <label class="check">
        <input
          type="checkbox"
          checked={lettersOn.value}
          onChange={(event) => setLetters(event.currentTarget.checked)}
        />{" "}
        {text.shell.letters}
      </label>
      <div class="key-groups">
        {text.keys.map(([group, keys]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl class="facts">
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
