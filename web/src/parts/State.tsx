// SPDX-License-Identifier: Apache-2.0
// What stands where data will stand: loading, nothing, or an error with what to do.
import type { ComponentChildren } from "preact";
import type { ApiError } from "../api/client";
import { text } from "../text";

export function Loading() {
  return (
    <p class="state loading" role="status">
      {text.loading}
    </p>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state empty">
      <p class="state-title">{title}</p>
      {children}
    </div>
  );
}

export function Failed({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="state failed" role="alert">
      <p class="state-title">{error.message}</p>
      {error.hint && <p>{text.hint(error.hint)}</p>}
      {retry && (
        <button type="button" onClick={retry}>
          {text.retry}
        </button>
      )}
    </div>
  );
}
