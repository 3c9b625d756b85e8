// SPDX-License-Identifier: Apache-2.0
// One GET bound to a component: loads when its address changes, again every so often while the page
// is visible, and keeps the last answer on view while a later one fails.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "./client";

export interface Loaded<T> {
  data: T | undefined;
  error: ApiError | undefined;
  reload: () => void;
}

/** path null: nothing is loaded. every_ms 0: once. */
export function useLoad<T>(path: string | null, every_ms = 0): Loaded<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; error?: ApiError }>({
    path: null,
  });
  const reloadNow = useRef(() => {});

  useEffect(() => {
    if (path === null) {
      return;
    }
    const abort = new AbortController();
    let timer = 0;
    const load = async () => {
      clearTimeout(timer);
      try {
        const data = await get<T>(path, abort.signal);
        setState({ path, data });
      } catch (error) {
        if (abort.signal.aborted) {
          return;
        }
        setState((old) => ({
          path,
          data: old.path === path ? old.data : undefined,
          error: error as ApiError,
        }));
      }
      if (every_ms > 0 && !abort.signal.aborted) {
        timer = window.setTimeout(next, every_ms);
      }
    };
    const next = () => (document.hidden ? (timer = window.setTimeout(next, every_ms)) : load());
    reloadNow.current = load;
    load();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [path, every_ms]);

  const current = state.path === path;
  return {
    data: current ? state.data : undefined,
    error: current ? state.error : undefined,
    reload: useCallback(() => reloadNow.current(), []),
  };
}
