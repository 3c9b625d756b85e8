// SPDX-License-Identifier: Apache-2.0
// All points, 100,000 and more: filter by words, bad only, bad by cause. The filter stands in the
// address.
import { useEffect, useRef, useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { usePaged } from "../api/paged";
import { withParams } from "../api/client";
import type { PointList } from "../api/types";
import { count } from "../format";
import { useKeys } from "../keys";
import { PointsGrid } from "../parts/PointsGrid";
import { Empty, Failed, Loading } from "../parts/State";
import { route, setQuery } from "../router";
import { text } from "../text";
import { FilterBox } from "../parts/FilterBox";
import { ReasonChips } from "./points/ReasonChips";

/** Nothing matches: say how many would without the part of the filter that hides them. */
function NothingMatches({ q, bad }: { q: string; bad: boolean }) {
  const wider = useLoad<PointList>(bad ? withParams("points", { q, limit: 1 }) : null);
  if (!bad) {
    return (
      <Empty title={text.points.noMatch(q)}>
        <button type="button" onClick={() => setQuery({ q: null })}>
          {text.points.clear}
        </button>
      </Empty>
    );
  }
  return (
    <Empty title={q ? text.points.noBadMatch(q) : text.points.noBad}>
      {wider.data && wider.data.total > 0 && (
        <button type="button" onClick={() => setQuery({ quality: null, reason: null })}>
          {text.points.wider(count(wider.data.total))}
        </button>
      )}
    </Empty>
  );
}

export function Points() {
  const query = route.value.query;
  const q = query.get("q") ?? "";
  const quality = query.get("quality") ?? "";
  const reason = query.get("reason") ?? "";
  const bad = quality === "bad";
  const list = usePaged({ q, quality, reason, writable: query.get("writable") ?? "" });
  const [announced, setAnnounced] = useState("");
  const filter = useRef<HTMLInputElement>(null);
  const toggleBad = () => setQuery({ quality: bad ? null : "bad", reason: null });
  useKeys({ "/": () => filter.current?.select(), b: toggleBad });

  const { ready, total, all, error } = list.facts.value;
  const counted = ready ? text.points.counted(count(total), count(all)) : "";
  useEffect(() => {
    const timer = setTimeout(() => setAnnounced(counted), 1000);
    return () => clearTimeout(timer);
  }, [counted]);

  return (
    <div class="full-page">
      <div class="page-head">
        <h1 tabIndex={-1}>{text.pages.points}</h1>
        <FilterBox
          box={filter}
          value={q}
          label={text.points.filter}
          hint={text.points.filterHint}
        />
        <button type="button" aria-pressed={bad} onClick={toggleBad}>
          {text.points.badOnly}
        </button>
        <span class="muted">{counted}</span>
        <span class="only-heard" role="status">
          {announced}
        </span>
      </div>
      {bad && <ReasonChips q={q} chosen={reason} />}
      {error && <Failed error={error} retry={() => list.reload()} />}
      {!ready && !error && <Loading />}
      {ready &&
        (total > 0 ? (
          <PointsGrid key={`${q} ${quality} ${reason}`} label={text.pages.points} list={list} />
        ) : (
          <NothingMatches q={q} bad={bad} />
        ))}
    </div>
  );
}
