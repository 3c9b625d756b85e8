// SPDX-License-Identifier: Apache-2.0
// What this browser remembers: theme, letters on or off, pinned points. Nothing else, and never
// needed.

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`busbar.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string) {
  try {
    localStorage.setItem(`busbar.${name}`, value);
  } catch {
    // No storage in this browser: the choice lasts until the page is closed.
  }
}
