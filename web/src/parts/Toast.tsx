// SPDX-License-Identifier: Apache-2.0
// One line that says what just happened and goes away; also for screen readers.
import { signal } from "@preact/signals";
import { ApiError } from "../api/client";
import { text } from "../text";

const SHOWN_MS = 6000;
const line = signal<{ text: string; bad: boolean } | undefined>(undefined);
let timer = 0;

export function say(words: string, bad = false) {
  line.value = { text: words, bad };
  clearTimeout(timer);
  timer = window.setTimeout(() => {
    line.value = undefined;
  }, SHOWN_MS);
}

/** Runs an action of the person; an error is said with its hint. Returns whether it went well. */
export async function attempt(action: () => Promise<string | void>): Promise<boolean> {
  try {
    const done = await action();
    if (done) {
      say(done);
    }
    return true;
  } catch (error) {
    const { message, hint = "" } = error as ApiError;
    say(hint ? `${message}. ${text.hint(hint)}` : message, true);
    return false;
  }
}

export function Toast() {
  const shown = line.value;
  return (
    <div class="toast-place" role="status" aria-live="polite">
      {shown && <p class={shown.bad ? "toast bad" : "toast"}>{shown.text}</p>}
    </div>
  );
}
