// SPDX-License-Identifier: Apache-2.0
// Branches that the first look left out: each is a look of its own, begun when somebody opens it, and its nodes join
// the others.
import { useEffect, useMemo, useState } from "preact/hooks";
import { Browsing } from "../../../api/browse";
import type { ApiError } from "../../../api/client";
import type { Node } from "../../../api/types";

interface Branch {
  at: string;
  browsing: Browsing;
}

export interface Branches {
  nodes: readonly Node[];
  failed: ApiError | undefined;
  /** Looks into a branch, once. False: that was done. */
  look: (at: string) => boolean;
  /** Ids by the look that told them. */
  byBrowse: (ids: readonly string[]) => { browse: number; nodes: string[] }[];
}

/** What a look at a branch tells, below that branch; not what the branch itself is. */
function below({ at, browsing }: Branch): Node[] {
  return browsing.nodes
    .filter(({ id, kind }) => !(kind === "property" && id.startsWith(`${at} `)))
    .map((node) => (node.parent === "" ? { ...node, parent: at } : node));
}

export function useBranches(first: Browsing, device: string): Branches {
  const [branches, setBranches] = useState<readonly Branch[]>([]);
  const { state, answers } = first.facts.value;
  const facts = branches.map(({ browsing }) => browsing.facts.value);
  const look = (at: string) => {
    if (branches.some((branch) => branch.at === at)) {
      return false;
    }
    const browsing = new Browsing({ device, at });
    setBranches((old) => [...old, { at, browsing }]);
    browsing.start();
    return true;
  };
  useEffect(() => {
    if (state === "asking") {
      branches.forEach(({ browsing }) => browsing.discard()); // all is asked again
      setBranches([]);
    }
  }, [state]);
  const answered = facts.map((each) => each.answers).join();
  const [nodes, told] = useMemo(() => {
    const from = new Map<string, Browsing>();
    const list: Node[] = [];
    const take = (node: Node, browsing: Browsing) => {
      if (!from.has(node.id)) {
        from.set(node.id, browsing);
        list.push(node);
      }
    };
    first.nodes.forEach((node) => take(node, first));
    branches.forEach((branch) => below(branch).forEach((node) => take(node, branch.browsing)));
    return [list, from] as const;
  }, [first, answers, branches, answered]);
  const byBrowse = (ids: readonly string[]) => {
    const parts = new Map<number, string[]>();
    for (const id of ids) {
      const browse = told.get(id)?.id ?? first.id;
      parts.set(browse, [...(parts.get(browse) ?? []), id]);
    }
    return [...parts].map(([browse, chosen]) => ({ browse, nodes: chosen }));
  };
  return { nodes, failed: facts.find(({ error }) => error)?.error, look, byBrowse };
}
