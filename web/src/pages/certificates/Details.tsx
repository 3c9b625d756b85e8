// SPDX-License-Identifier: Apache-2.0
// All that one certificate says, with its whole fingerprint to compare.
import { certificateFile, colons } from "../../api/certificates";
import type { Certificate } from "../../api/types";
import { count } from "../../format";
import { Facts, type Fact } from "../../parts/Facts";
import { Moment } from "../../parts/Time";
import { href } from "../../router";
import { text } from "../../text";

const words = text.certificates;

/** Lines break between bytes only. */
function Fingerprint({ of }: { of: string }) {
  return (
    <code>
      {colons(of)
        .split(":")
        .map((byte, i) => (i === 0 ? byte : [":", <wbr key={i} />, byte]))}
    </code>
  );
}

function factsOf(row: Certificate): Fact[] {
  const facts: [string, Fact[1] | null][] = [
    [words.fingerprint, <Fingerprint of={row.fingerprint} />],
    [words.columns.subject, row.subject || null],
    [words.issuer, row.issuer === row.subject ? words.itself : row.issuer || null],
    [words.columns.hosts, row.hosts || null],
    [words.application, row.uri || null],
    [
      words.valid,
      row.from && (
        <>
          <Moment time={row.from} /> – <Moment time={row.until} />
        </>
      ),
    ],
    [words.key, row.key && `${row.key} ${row.key_bits}, ${row.signature}`],
    [words.columns.device, row.device && <a href={href.device(row.device)}>{row.device}</a>],
    [words.peer, row.peer || null],
    [
      words.refused,
      row.last && (
        <>
          {words.times(count(row.times))} <Moment time={row.last} />
        </>
      ),
    ],
  ];
  return facts.filter(([, value]) => value).map(([name, value]) => [name, value] as Fact);
}

export function Details({ row }: { row: Certificate }) {
  return (
    <>
      {row.words && <p class="abnormal">{row.words}</p>}
      <Facts rows={factsOf(row)} />
      <p>
        <a href={certificateFile(row)} download data-plain>
          {words.download}
        </a>
      </p>
    </>
  );
}
