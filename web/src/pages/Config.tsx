// SPDX-License-Identifier: Apache-2.0
// The configuration: what runs, what the files say, check, apply, go back. The files belong to people; this
// page never edits them.
import { useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { ApiError, post } from "../api/client";
import type { Applied, Check, ConfigState, Diff, Problem, Version } from "../api/types";
import { useKeys } from "../keys";
import { duration } from "../format";
import { attempt, say } from "../parts/Toast";
import { Facts } from "../parts/Facts";
import { Failed, Loading } from "../parts/State";
import { Moment } from "../parts/Time";
import { text } from "../text";
import { ApplyDialog } from "./config/ApplyDialog";
import { Changes } from "./config/Changes";
import { Problems } from "./config/Problems";
import { Versions } from "./config/Versions";

const RELOAD_MS = 5000;

export function Config() {
  const state = useLoad<ConfigState>("config", RELOAD_MS);
  const diff = useLoad<Diff>("config/diff", RELOAD_MS);
  const versions = useLoad<{ versions: Version[] }>("config/versions");
  const [check, setCheck] = useState<Check | undefined>(undefined);
  const [asking, setAsking] = useState<{ diff: Diff; version?: number } | undefined>(undefined);

  const reload = () => [state, diff, versions].forEach((one) => one.reload());
  const problemsOf = (error: unknown): Problem[] => error instanceof ApiError ? error.problems : [];

  const runCheck = () => attempt(async () => {
    try {
      setCheck(await post<Check>("config/check"));
    } catch (error) {
      const problems = problemsOf(error);
      if (problems.length === 0) {
        throw error;
      }
      setCheck({ errors: problems.filter((one) => one.severity === "error").length,
        warnings: problems.filter((one) => one.severity === "warning").length, problems });
    }
  });
  const ask = async () => {
    await runCheck();
    await attempt(async () => setAsking({ diff: await post<Diff>("config/apply", { dry_run: true }) }));
  };
  const askRollback = (version: number) => attempt(async () =>
    setAsking({ version, diff: await post<Diff>("config/rollback", { version, dry_run: true }) }));
  const apply = async (version?: number) => {
    await attempt(async () => {
      const done = version === undefined ? await post<Applied>("config/apply")
        : await post<Applied>("config/rollback", { version });
      say(text.config.applied(done.version, duration(done.took_ms / 1000)));
    });
    reload();
  };
  useKeys({ "Ctrl+s": runCheck, "Ctrl+Enter": ask });

  if (!state.data) {
    return state.error ? <Failed error={state.error} retry={state.reload} /> : <Loading />;
  }
  const { version, applied, who, folder, files } = state.data;
  const differs = diff.data ? diff.data.changes.length > 0 : state.data.differs;
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>{text.pages.config}</h1>
        <span class="muted">{text.config.running(version)}</span>
        <span class="grow" />
        <button type="button" onClick={runCheck}>{text.config.check}</button>
        <button type="button" class="primary" onClick={ask}>{text.config.apply}</button>
      </div>
      {check && <Problems check={check} />}
      <section>
        <h2>{text.config.diff}</h2>
        {diff.error && (diff.error.problems.length > 0
          ? <Problems check={{ errors: diff.error.problems.length, warnings: 0,
            problems: diff.error.problems }} />
          : <Failed error={diff.error} retry={diff.reload} />)}
        {diff.data && (differs ? <Changes diff={diff.data} /> : <p class="calm">{text.config.same}</p>)}
      </section>
      <div class="cards">
        <section class="card">
          <h2>{text.config.files}</h2>
          <Facts rows={[
            [text.config.folder, folder ?? text.unknownValue],
            [text.config.appliedAt, applied ? <Moment time={applied} /> : text.unknownValue],
            [text.config.by, who ?? text.unknownValue],
          ]} />
          <ul class="files">{files.map(({ file, bytes }) =>
            <li key={file}><code>{file}</code>{bytes !== undefined && <span class="muted"> {bytes} B</span>}</li>)}</ul>
          <p class="muted">{text.config.byHand}</p>
        </section>
        <Versions list={versions} rollback={askRollback} />
      </div>
      {asking && <ApplyDialog diff={asking.diff} version={asking.version}
        apply={() => apply(asking.version)} close={() => setAsking(undefined)} />}
    </>
  );
}
