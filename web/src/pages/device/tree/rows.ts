// SPDX-License-Identifier: Apache-2.0
// From nodes as they came to the rows on view: branches below each other, closed ones without what
// is in them, and with a filter only what matches and the branches that lead there.
import type { Node } from "../../../api/types";

export interface TreeRow {
  node: Node;
  level: number; // from 1
  open: boolean | undefined; // undefined: nothing is below it
}

/** Children by the id of their parent; "" for the roots, also of nodes whose parent was not told. */
export function childrenOf(nodes: readonly Node[]): Map<string, Node[]> {
  const ids = new Set(nodes.map(({ id }) => id));
  const children = new Map<string, Node[]>();
  for (const node of nodes) {
    const above = node.parent !== node.id && ids.has(node.parent) ? node.parent : "";
    const list = children.get(above);
    if (list) {
      list.push(node);
    } else {
      children.set(above, [node]);
    }
  }
  return children;
}

/** A branch that was not looked into yet. */
export function canBeOpened(node: Node): boolean {
  return node.branch && node.kind === "group";
}

function matches(node: Node, words: readonly string[]): boolean {
  const hay = `${node.id} ${node.name} ${node.description} ${node.added}`.toLowerCase();
  return words.every((word) => hay.includes(word));
}

const LEVELS_MAX = 16; // a device that tells of a ring is cut here

export function rowsOf(
  children: Map<string, Node[]>,
  closed: ReadonlySet<string>,
  filter: string,
): TreeRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const rows: TreeRow[] = [];
  const put = (parent: string, level: number): boolean => {
    let any = false;
    for (const node of children.get(parent) ?? []) {
      const place = rows.length;
      const below = level < LEVELS_MAX && children.has(node.id);
      const folded = canBeOpened(node) ? false : undefined;
      const open = below ? words.length > 0 || !closed.has(node.id) : folded;
      rows.push({ node, level, open });
      const found = open ? put(node.id, level + 1) : false;
      if (words.length > 0 && !found && !matches(node, words)) {
        rows.length = place;
      } else {
        any = true;
      }
    }
    return any;
  };
  put("", 1);
  return rows;
}
