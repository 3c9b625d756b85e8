// SPDX-License-Identifier: Apache-2.0
// Over every page: the stream is silent, the gateway has a problem, the files differ from what
// runs.
import { health, notLive_s } from "../api/live";
import { text } from "../text";
import { CertificatesLink } from "./CertificatesLink";

const SAID_EVERY_S = 5; // a screen reader hears the seconds at most this often

export function Banners() {
  const silent_s = notLive_s.value;
  const now = health.value;
  const problems = now?.problems ?? [];
  const said_s = Math.floor(silent_s / SAID_EVERY_S) * SAID_EVERY_S;
  return (
    <div class="banners">
      {silent_s > 0 && (
        <p class="banner bad">
          <b>{text.shell.notLiveFor(silent_s)}</b> {text.shell.notLiveWhy}
        </p>
      )}
      <p class="only-heard" role="status">
        {silent_s > 0 ? text.shell.notLiveFor(said_s) : ""}
      </p>
      {problems.map((problem) => (
        <p class="banner bad" key={problem.what}>
          <b>{problem.what}</b> {problem.why}
          {problem.hint && ` · ${text.hint(problem.hint)}`}{" "}
          <CertificatesLink words={problem.hint} />
        </p>
      ))}
      {now?.status === "stopping" && <p class="banner">{text.shell.stopping}</p>}
      {now?.config.differs && (
        <p class="banner">
          {text.shell.differs} <a href="/config">{text.shell.seeConfig}</a>
        </p>
      )}
    </div>
  );
}
