// SPDX-License-Identifier: Apache-2.0
// The configuration: what runs, what the files say, check, apply, go back. The files belong to
// people; this page never edits them.
import { useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { ApiError, post } from "../api/client";
import type { Applied, Check, ConfigState, Diff, Problem, Version } from "../api/types";
import { useKeys } from "../keys";
import { duration } from "../format";
import { attempt, say } from "../parts/Toast";
import { Facts } from "../parts/Facts";
import { PageState } from "../parts/PageState";
import { Failed } from "../parts/State";
import { Moment } from "../parts/Time";
import { text } from "../text";
import { ApplyDialog } from "./config/ApplyDialog";
import { Changes } from "./config/Changes";
import { Problems } from "./config/Problems";
import { Versions } from "./config/Versions";

const RELOAD_MS = 5000;

function checkOf(problems: Problem[]): Check {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  return { errors, warnings: problems.length - errors, problems };
}

export function Config() {
  const state = useLoad<ConfigState>("config", RELOAD_MS);
  const diff = useLoad<Diff>("config/diff", RELOAD_MS);
  const versions = useLoad<{ versions: Version[] }>("config/versions");
  const [found, setFound] = useState<Check | undefined>(undefined);
  const [asking, setAsking] = useState<{ diff: Diff; version?: number } | undefined>(undefined);

  const reload = () => [state, diff, versions].forEach((one) => one.reload());
  /** What the gateway finds in the files; an answer with mistakes is an answer, not a failure. */
  const find = async (): Promise<Check> => {
    try {
      return await post<Check>("config/check");
    } catch (error) {
      if (error instanceof ApiError && error.problems.length > 0) {
        return checkOf(error.problems);
      }
      throw error;
    }
  };
  const check = async () => {
    const answer = await find();
    setFound(answer);
    diff.reload();
    return answer;
  };
  const runCheck = () => attempt(async () => void (await check()));
  const ask = () =>
    attempt(async () => {
      const { errors } = await check();
      if (errors === 0) {
        setAsking({ diff: await post<Diff>("config/apply", { dry_run: true }) });
      }
    });
  const askRollback = (version: number) =>
    attempt(async () =>
      setAsking({
        version,
        diff: await post<Diff>("config/rollback", { version, dry_run: true }),
      }),
    );
  const apply = async (version?: number) => {
    await attempt(async () => {
      const done =
        version === undefined
          ? await post<Applied>("config/apply")
          : await post<Applied>("config/rollback", { version });
      say(text.config.applied(done.version, duration(done.took_ms / 1000)));
    });
    reload();
  };
  useKeys({ "Ctrl+s": runCheck, "Ctrl+Enter": ask });

  if (!state.data) {
    return <PageState title={text.pages.config} error={state.error} retry={state.reload} />;
  }
  const { version, applied, who, folder, files } = state.data;
  const differs = diff.data ? diff.data.changes.length > 0 : state.data.differs;
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>{text.pages.config}</h1>
        <span class="muted">{text.config.running(version)}</span>
        <span class="grow" />
        <button type="button" onClick={runCheck}>
          {text.config.check}
        </button>
        <button type="button" class="primary" onClick={ask}>
          {text.config.apply}
        </button>
      </div>
      {found && <Problems check={found} />}
      <section>
        <h2>{text.config.diff}</h2>
        {diff.error &&
          (diff.error.problems.length > 0 ? (
            <Problems check={checkOf(diff.error.problems)} />
          ) : (
            <Failed error={diff.error} retry={diff.reload} />
          ))}
        {diff.data &&
          !diff.error &&
          (differs ? <Changes diff={diff.data} /> : <p class="calm">{text.config.same}</p>)}
      </section>
      <div class="cards">
        <section class="card">
          <h2>{text.config.files}</h2>
          <Facts
            rows={[
              [text.config.folder, folder ?? text.unknownValue],
              [text.config.appliedAt, applied ? <Moment time={applied} /> : text.unknownValue],
              [text.config.by, who ?? text.unknownValue],
            ]}
          />
          <ul class="files">
            {files.map(({ file, bytes }) => (
              <li key={file}>
                <code>{file}</code>
                {bytes !== undefined && <span class="muted"> {bytes} B</span>}
              </li>
            ))}
          </ul>
          <p class="muted">{text.config.byHand}</p>
        </section>
        <Versions list={versions} rollback={askRollback} />
      </div>
      {asking && (
        <ApplyDialog
          diff={asking.diff}
          version={asking.version}
          apply={() => apply(asking.version)}
          close={() => setAsking(undefined)}
        />
      )}
    </>
  );
}
