// SPDX-License-Identifier: Apache-2.0
// received = stored + repeated + refused by reason + waiting, for one point.
import type { PointLedger } from "../../api/types";
import { count } from "../../format";
import { Facts, type Fact } from "../../parts/Facts";
import { text } from "../../text";

export function Ledger({ ledger }: { ledger: PointLedger }) {
  const words = text.ledger;
  const rows: Fact[] = [
    [words.received, count(ledger.received)],
    [words.stored, count(ledger.stored)],
    [words.repeated, count(ledger.repeated)],
    ...ledger.refused.map(({ reason, count: number }): Fact => [
      words.refused(reason),
      count(number),
    ]),
    [words.waiting, count(ledger.waiting)],
    [words.balance, ledger.balances ? words.ok : words.off, ledger.balances ? "plain" : "abnormal"],
  ];
  return (
    <section class="card" id="ledger">
      <h2>{words.title}</h2>
      <Facts rows={rows} />
    </section>
  );
}
