// SPDX-License-Identifier: Apache-2.0
// Loads what a view asks for: a point by its buckets, anything else as PromQL. The answers of one load
// belong together: they share the grid.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, pointPath, withParams } from "../../api/client";
import type { Buckets, PointFull } from "../../api/types";
import {
  expressionLines,
  gridOf,
  pointLine,
  type Grid,
  type Line,
  type RangeAnswer,
} from "./lines";
import { COMPARES, SERIES_MAX, stepOf, type View } from "./view";

const RELOAD_MS = 15_000; // of a view that ends now

export interface Drawing {
  grid: Grid;
  from: number;
  to: number;
  lines: Line[];
  before: Map<string, Line>; // the compared line of a line, already moved to this time
  errors: Map<string, ApiError>; // of what was asked
  notes: string[]; // warnings of the server
  left_out: number; // lines over SERIES_MAX
  compare: string; // as in the view
}

/** "ahu-1/sat": one slash at least, nothing that only PromQL has. */
export function looksLikePath(asked: string): boolean {
  return /^[^\s{}()[\]"'=]+\/[^\s{}()[\]"'=]+$/.test(asked) && !asked.includes(" ");
}

const points = new Map<string, Promise<PointFull>>();

/** What a point is does not change while it is looked at; it is asked once. */
function pointOf(path: string): Promise<PointFull> {
  let point = points.get(path);
  if (!point) {
    point = get<PointFull>(`points/${pointPath(path)}`);
    point.catch(() => points.delete(path));
    points.set(path, point);
  }
  return point;
}

interface Loaded {
  lines: Line[];
  notes: string[];
}

async function loadPoint(path: string, grid: Grid, signal: AbortSignal): Promise<Loaded> {
  const end = grid.from + grid.count * grid.step;
  const [point, answer] = await Promise.all([
    pointOf(path),
    get<Buckets>(
      withParams(`samples/${pointPath(path)}`, {
        from: Math.round(grid.from * 1e6),
        to: Math.round(end * 1e6),
        buckets: grid.count,
      }),
      signal,
    ),
  ]);
  const to = Math.min(end, Date.now() / 1000);
  return { lines: [pointLine(point, answer.buckets, answer.step_ms, grid, to)], notes: [] };
}

async function loadExpression(asked: string, grid: Grid, signal: AbortSignal): Promise<Loaded> {
  const answer = await get<RangeAnswer>(
    withParams("query_range", {
      query: asked,
      start: grid.from,
      end: grid.from + (grid.count - 1) * grid.step,
      step: grid.step,
    }),
    signal,
  );
  return {
    lines: expressionLines(asked, answer, grid),
    notes: [...(answer.warnings ?? []), ...(answer.infos ?? [])],
  };
}

async function load(asked: string, grid: Grid, signal: AbortSignal): Promise<Loaded> {
  if (looksLikePath(asked)) {
    try {
      return await loadPoint(asked, grid, signal);
    } catch (error) {
      const unknown = error instanceof ApiError && error.status === 404;
      if (!unknown) {
        throw error;
      }
    }
  }
  return loadExpression(asked, grid, signal);
}

function moved(grid: Grid, by_s: number): Grid {
  return { ...grid, from: grid.from - by_s };
}

/** Loads all; one that fails does not take the others with it. */
async function drawingOf(view: View, signal: AbortSignal): Promise<Drawing> {
  const to = view.end ?? Date.now() / 1000;
  const from = to - view.span_s;
  const grid = gridOf(from, to, stepOf(view.span_s));
  const back_s = COMPARES.find(([name]) => name === view.compare)?.[1] ?? 0;
  const back = moved(grid, Math.round(back_s / grid.step) * grid.step);
  const drawing: Drawing = {
    grid,
    from,
    to,
    lines: [],
    before: new Map(),
    errors: new Map(),
    notes: [],
    left_out: 0,
    compare: view.compare,
  };
  const answers = await Promise.allSettled(
    view.asked.map(async (asked) => ({
      now: await load(asked, grid, signal),
      before: back_s > 0 ? await load(asked, back, signal) : undefined,
    })),
  );
  for (const [i, answer] of answers.entries()) {
    if (answer.status === "rejected") {
      drawing.errors.set(view.asked[i]!, answer.reason as ApiError);
      continue;
    }
    const { now, before } = answer.value;
    drawing.lines.push(...now.lines);
    drawing.notes.push(...now.notes);
    for (const line of before?.lines ?? []) {
      drawing.before.set(line.id, line);
    }
  }
  drawing.left_out = Math.max(0, drawing.lines.length - SERIES_MAX);
  drawing.lines = drawing.lines.slice(0, SERIES_MAX);
  return drawing;
}

/** Loads again when the view changes, and now and then while it ends now. */
export function useDrawing(view: View): { drawing: Drawing | undefined; busy: boolean } {
  const key = JSON.stringify(view);
  const [drawing, setDrawing] = useState<Drawing>();
  const [busy, setBusy] = useState(false);
  const shown = useRef("");
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    const next = () => {
      timer = window.setTimeout(document.hidden ? next : run, RELOAD_MS);
    };
    const run = async () => {
      setBusy(shown.current !== key);
      const made = await drawingOf(JSON.parse(key) as View, abort.signal);
      if (abort.signal.aborted) {
        return;
      }
      shown.current = key;
      setDrawing(made);
      setBusy(false);
      if (view.end === undefined) {
        next();
      }
    };
    void run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key]);
  return { drawing, busy };
}
