// SPDX-License-Identifier: Apache-2.0
// The address bar is the whole view: which page, which device or point, filter, range. Copy it,
// share it.
import { signal } from "@preact/signals";

export interface Route {
  parts: string[]; // decoded, "/points/ahu-1/sat" is ["points", "ahu-1", "sat"]
  query: URLSearchParams;
}

function read(): Route {
  const parts = location.pathname
    .split("/")
    .filter(Boolean)
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
  return { parts, query: new URLSearchParams(location.search) };
}

export const route = signal<Route>(read());

export function go(href: string, replace = false) {
  if (href === location.pathname + location.search) {
    return;
  }
  history[replace ? "replaceState" : "pushState"](null, "", href);
  route.value = read();
}

/**
 * Changes some parameters of the view; null takes one away, a list stands as often as it has
 * entries. Typing replaces, choosing pushes.
 */
export function setQuery(changes: Record<string, string | string[] | null>, replace = false) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const each of Array.isArray(value) ? value : [value ?? ""]) {
      if (each !== "") {
        query.append(name, each);
      }
    }
  }
  const tail = query.toString();
  go(location.pathname + (tail ? `?${tail}` : ""), replace);
}

/** Links inside the page do not load it anew. */
function onClick(event: MouseEvent) {
  const link = (event.target as Element).closest?.("a[href]") as HTMLAnchorElement | null;
  if (
    !link ||
    event.defaultPrevented ||
    event.button !== 0 ||
    link.target ||
    link.origin !== location.origin ||
    event.ctrlKey ||
    event.metaKey ||
    event.shiftKey ||
    event.altKey ||
    link.hasAttribute("data-plain")
  ) {
    return;
  }
  event.preventDefault();
  go(link.pathname + link.search);
}

export function startRouter() {
  window.addEventListener("popstate", () => {
    route.value = read();
  });
  document.addEventListener("click", onClick);
}

export const href = {
  device: (name: string) => `/devices/${encodeURIComponent(name)}`,
  point: (path: string) => {
    const slash = path.indexOf("/");
    return (
      `/points/${encodeURIComponent(path.slice(0, slash))}/` +
      encodeURIComponent(path.slice(slash + 1))
    );
  },
  sink: (name: string) => `/sinks/${encodeURIComponent(name)}`,
  points: (query: Record<string, string>) => `/points?${new URLSearchParams(query)}`,
  explore: (asked: string) => `/explore?${new URLSearchParams({ s: asked })}`,
};
