// SPDX-License-Identifier: Apache-2.0
// received = stored + repeated + refused + waiting, in all; and the points that do not balance, if
// any.
import { withParams } from "../../api/client";
import { useLoad } from "../../api/load";
import type { Ledger } from "../../api/types";
import { count } from "../../format";
import { Facts, type Fact } from "../../parts/Facts";
import { Failed, Loading } from "../../parts/State";
import { href } from "../../router";
import { text } from "../../text";

const RELOAD_MS = 10_000;
const WRONG_SHOWN = 100;

function factsOf(ledger: Ledger): Fact[] {
  const words = text.ledger;
  const { totals } = ledger;
  return [
    [words.received, count(totals.received)],
    [words.stored, count(totals.stored)],
    [words.repeated, count(totals.repeated)],
    ...totals.refused.map(({ reason, count: number }): Fact => [
      words.refused(reason),
      count(number),
    ]),
    [words.waiting, count(totals.waiting)],
    [words.balance, ledger.balances ? words.ok : words.off, ledger.balances ? "plain" : "abnormal"],
  ];
}

export function LedgerTable() {
  const { data, error, reload } = useLoad<Ledger>(
    withParams("ledger", { wrong: 1, limit: WRONG_SHOWN }),
    RELOAD_MS,
  );
  const wrong = data?.points.filter((point) => !point.balances) ?? [];
  return (
    <section>
      <h2>{text.ledger.title}</h2>
      {error && <Failed error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && <Facts rows={factsOf(data)} class="row" />}
      {wrong.length > 0 && (
        <ul class="rows">
          {wrong.map(({ path }) => (
            <li key={path} class="abnormal">
              <a href={href.point(path)}>{path}</a> {text.ledger.off}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
