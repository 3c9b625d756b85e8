// SPDX-License-Identifier: Apache-2.0
// The text to paste into the configuration for the nodes that were ticked, and where it belongs. The
// page never changes hand-written files.
import { useEffect, useRef, useState } from "preact/hooks";
import { pathOf, postText, type ApiError } from "../../../api/client";
import { ConfigPlace } from "../../../parts/ConfigPlace";
import { Dialog } from "../../../parts/Dialog";
import { Failed, Loading } from "../../../parts/State";
import { text } from "../../../text";

interface Props {
  /** What was ticked, by the browse that told it. */
  chosen: { browse: number; nodes: string[] }[];
  place: string; // of the device in the configuration
  close: () => void;
}

export function YamlDialog({ chosen, place, close }: Props) {
  const [yaml, setYaml] = useState<string | undefined>(undefined);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [copied, setCopied] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const load = () => {
    setError(undefined);
    Promise.all(
      chosen.map(({ browse, nodes }) =>
        postText(`${pathOf("browses", String(browse))}/yaml`, { nodes }),
      ),
    ).then((texts) => setYaml(texts.join("")), setError);
  };
  useEffect(load, []);
  const copy = async () => {
    box.current!.select();
    try {
      await navigator.clipboard.writeText(yaml ?? "");
      setCopied(true);
    } catch {
      setCopied(false); // No clipboard over plain HTTP: the text is selected, Ctrl+C copies it.
    }
  };
  return (
    <Dialog title={text.tree.yamlTitle} close={close} class="yaml-dialog">
      {error && <Failed error={error} retry={load} />}
      {yaml === undefined && !error && <Loading />}
      {yaml !== undefined && (
        <>
          <p>
            {text.tree.yamlWhere} <ConfigPlace place={place} />
          </p>
          <textarea
            ref={box}
            class="yaml"
            aria-label={text.tree.yamlTitle}
            readOnly
            spellcheck={false}
            wrap="off"
            rows={Math.min(20, yaml.split("\n").length + 1)}
            value={yaml}
          />
          <p class="actions">
            <button type="button" class="primary" onClick={copy}>
              {copied ? text.copied : text.tree.copyAll}
            </button>
            <span class="muted" role="status">
              {text.tree.thenApply}
            </span>
          </p>
        </>
      )}
    </Dialog>
  );
}
