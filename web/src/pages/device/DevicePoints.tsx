// SPDX-License-Identifier: Apache-2.0
// The points of one device with live values.
import { useRef } from "preact/hooks";
import { usePaged } from "../../api/paged";
import { count } from "../../format";
import { useKeys } from "../../keys";
import { FilterBox } from "../../parts/FilterBox";
import { PointsGrid } from "../../parts/PointsGrid";
import { Empty, Failed, Loading } from "../../parts/State";
import { route, setQuery } from "../../router";
import { text } from "../../text";

export function DevicePoints({ name }: { name: string }) {
  const q = route.value.query.get("q") ?? "";
  const bad = route.value.query.get("quality") === "bad";
  const list = usePaged({ device: name, q, quality: bad ? "bad" : "" });
  const { ready, total, error } = list.facts.value;
  const filter = useRef<HTMLInputElement>(null);
  const toggleBad = () => setQuery({ quality: bad ? null : "bad" });
  useKeys({ "/": () => filter.current?.select(), b: toggleBad });
  return (
    <section>
      <div class="section-head">
        <h2>{text.pages.points}</h2>
        <FilterBox
          box={filter}
          value={q}
          label={text.points.filter}
          hint={text.points.filterHint}
        />
        <button type="button" aria-pressed={bad} onClick={toggleBad}>
          {text.points.badOnly}
        </button>
        {ready && <span class="muted">{text.points.count(count(total))}</span>}
      </div>
      {error && <Failed error={error} retry={() => list.reload()} />}
      {!ready && !error && <Loading />}
      {ready && total === 0 && (
        <Empty title={q || bad ? text.points.noMatch(q) : text.device.noPoints}>
          {(q || bad) && (
            <button type="button" onClick={() => setQuery({ q: null, quality: null })}>
              {text.points.clear}
            </button>
          )}
        </Empty>
      )}
      {total > 0 && (
        <div class={total > 8 ? "grid-part" : "grid-part short"}>
          <PointsGrid key={`${q} ${bad}`} label={text.device.pointsLabel(name)} list={list} />
        </div>
      )}
    </section>
  );
}
