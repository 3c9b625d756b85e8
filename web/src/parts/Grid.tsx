// SPDX-License-Identifier: Apache-2.0
// A long table that only builds the rows on view: fixed row height, 100,000 rows and more. An ARIA
// grid with one Tab stop; the active cell is told by aria-activedescendant, so focus stays while
// rows move. With `tree` it is a treegrid: left and right close and open branches.
//
//   +- role=grid, tabindex=0 ---------+   scrolls
//   | head row (sticky)               |   aria-rowindex 1
//   | spacer of total x ROW_PX high   |
//   |   rows first..last, moved down  |   aria-rowindex i + 2
//   +---------------------------------+
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { text } from "../text";

const ROW_PX = 32;
const SPARE_ROWS = 6; // built above and below what is on view

export interface Column<T> {
  name: string;
  title: string;
  cell: (row: T) => ComponentChildren;
  right?: boolean;
}

/** Which rows are branches, and how deep. Rows below a closed branch are not among the rows. */
export interface Tree<T> {
  level: (row: T) => number; // from 1
  open: (row: T) => boolean | undefined; // undefined: no branch
  toggle: (row: T, open: boolean) => void;
}

interface GridProps<T> {
  label: string;
  columns: Column<T>[];
  total: number;
  row: (index: number) => T | undefined; // undefined: not loaded yet
  classOf?: (row: T) => string;
  onRange: (first: number, last: number) => void; // the rows on view, after each change
  onOpen: (row: T) => void;
  keys?: Record<string, (row: T) => void>; // single letters on the active row
  tree?: Tree<T>;
  selected?: (row: T) => boolean | undefined; // undefined: cannot be
}

interface Place {
  row: number;
  column: number;
}

export function Grid<T>(props: GridProps<T>) {
  const { columns, total } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ first: 0, last: 30 });
  const [place, setPlace] = useState<Place>({ row: 0, column: 0 });
  const id = useRef(`grid-${Math.random().toString(36).slice(2, 8)}`).current;

  const measure = () => {
    if (!box.current) {
      return; // the observer's last word, after the grid has gone
    }
    const { scrollTop, clientHeight } = box.current;
    const first = Math.max(0, Math.floor(scrollTop / ROW_PX) - SPARE_ROWS);
    const last = Math.min(total, Math.ceil((scrollTop + clientHeight) / ROW_PX) + SPARE_ROWS);
    setView((old) => (old.first === first && old.last === last ? old : { first, last }));
  };
  useLayoutEffect(measure, [total]);
  useEffect(() => {
    const watch = new ResizeObserver(measure);
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, [total]);
  useEffect(() => props.onRange(view.first, view.last), [view, total]);

  const active = { row: Math.min(place.row, Math.max(0, total - 1)), column: place.column };

  const move = (next: Place) => {
    const row = Math.max(0, Math.min(total - 1, next.row));
    const column = Math.max(0, Math.min(columns.length - 1, next.column));
    const element = box.current!;
    const page_px = element.clientHeight - ROW_PX; // the head covers one row
    if (row * ROW_PX < element.scrollTop) {
      element.scrollTop = row * ROW_PX;
    } else if ((row + 1) * ROW_PX > element.scrollTop + page_px) {
      element.scrollTop = (row + 1) * ROW_PX - page_px;
    }
    measure();
    setPlace({ row, column });
  };

  /** Left and right in a tree; false: the key means nothing here. */
  const moveInTree = (key: string, tree: Tree<T>): boolean => {
    const here = props.row(active.row);
    if (!here || (key !== "ArrowLeft" && key !== "ArrowRight")) {
      return false;
    }
    const open = tree.open(here);
    if (key === "ArrowRight") {
      if (open === false) {
        tree.toggle(here, true);
      } else if (open) {
        move({ row: active.row + 1, column: 0 });
      }
    } else if (open) {
      tree.toggle(here, false);
    } else {
      let above = active.row - 1;
      for (; above >= 0; above--) {
        const row = props.row(above);
        if (row && tree.level(row) < tree.level(here)) {
          move({ row: above, column: 0 });
          break;
        }
      }
    }
    return true;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const { row, column } = active;
    const page = Math.max(1, Math.floor(box.current!.clientHeight / ROW_PX) - 2);
    const control = event.ctrlKey || event.metaKey;
    const jumps: Record<string, Place> = {
      ArrowUp: { row: row - 1, column },
      ArrowDown: { row: row + 1, column },
      ArrowLeft: { row, column: column - 1 },
      ArrowRight: { row, column: column + 1 },
      PageUp: { row: row - page, column },
      PageDown: { row: row + page, column },
      Home: { row: control ? 0 : row, column: 0 },
      End: { row: control ? total - 1 : row, column: columns.length - 1 },
    };
    const next = jumps[event.key];
    const here = props.row(row);
    if (event.target !== box.current) {
      return;
    }
    if (props.tree && !event.altKey && moveInTree(event.key, props.tree)) {
      event.preventDefault();
      return;
    }
    if (next && !event.altKey) {
      move(next);
    } else if (event.key === "Enter" && here) {
      props.onOpen(here);
    } else if (!control && !event.altKey && here && props.keys?.[event.key]) {
      props.keys[event.key]!(here);
    } else {
      return;
    }
    event.preventDefault();
  };

  const activeBuilt = active.row >= view.first && active.row < Math.min(view.last, total);
  const rows = [];
  for (let i = view.first; i < Math.min(view.last, total); i++) {
    rows.push(
      <Row
        key={i}
        id={id}
        index={i}
        columns={columns}
        row={props.row(i)}
        classOf={props.classOf}
        tree={props.tree}
        selected={props.selected}
        active={i === active.row ? active.column : -1}
        onPress={(column) => setPlace({ row: i, column })}
        onOpen={props.onOpen}
      />,
    );
  }
  return (
    <div
      ref={box}
      class="grid"
      role={props.tree ? "treegrid" : "grid"}
      tabIndex={0}
      aria-multiselectable={props.selected ? true : undefined}
      aria-label={props.label}
      aria-rowcount={total + 1}
      aria-colcount={columns.length}
      onScroll={measure}
      onKeyDown={onKeyDown}
      aria-activedescendant={activeBuilt ? `${id}-${active.row}-${active.column}` : undefined}
    >
      <div class="grid-head grid-row" role="row" aria-rowindex={1}>
        {columns.map((column, i) => (
          <div
            key={column.name}
            role="columnheader"
            aria-colindex={i + 1}
            class={`c-${column.name} ${column.right ? "right" : ""}`}
          >
            {column.title}
          </div>
        ))}
      </div>
      <div class="grid-space" role="rowgroup" style={{ height: `${total * ROW_PX}px` }}>
        <div
          class="grid-window"
          role="presentation"
          style={{ transform: `translateY(${view.first * ROW_PX}px)` }}
        >
          {rows}
        </div>
      </div>
    </div>
  );
}

interface RowProps<T> {
  id: string;
  index: number;
  columns: Column<T>[];
  row: T | undefined;
  classOf: ((row: T) => string) | undefined;
  tree: Tree<T> | undefined;
  selected: ((row: T) => boolean | undefined) | undefined;
  active: number;
  onPress: (column: number) => void;
  onOpen: (row: T) => void;
}

function Row<T>(props: RowProps<T>) {
  const { id, index, columns, row, classOf, tree, selected, active, onPress, onOpen } = props;
  const state = `${active >= 0 ? "active" : ""} ${row && classOf ? classOf(row) : ""}`;
  return (
    <div
      class={`grid-row ${state}`}
      role="row"
      aria-rowindex={index + 2}
      aria-level={row && tree?.level(row)}
      aria-expanded={row && tree?.open(row)}
      aria-selected={row && selected?.(row)}
      onDblClick={() => row && onOpen(row)}
    >
      {columns.map((column, i) => (
        <div
          key={column.name}
          id={`${id}-${index}-${i}`}
          role="gridcell"
          aria-colindex={i + 1}
          class={`c-${column.name} ${column.right ? "right" : ""} ${i === active ? "here" : ""}`}
          onMouseDown={() => onPress(i)}
        >
          {row ? column.cell(row) : i === 0 ? <span class="unknown">{text.loadingRow}</span> : null}
        </div>
      ))}
    </div>
  );
}
