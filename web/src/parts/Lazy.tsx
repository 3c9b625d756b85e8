// SPDX-License-Identifier: Apache-2.0
// A part of the page that is fetched when it is first shown, so that the first load stays small.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { text } from "../text";
import { Failed, Loading } from "./State";

/** Once: gives the component, fetched when it is first shown. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Lazy(props: P) {
    const [, again] = useState(0);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (!loaded) {
        load().then(
          (part) => {
            loaded = part;
            again((n) => n + 1);
          },
          () => setFailed(true),
        );
      }
    }, []);
    const Part = loaded;
    if (Part) {
      return <Part {...props} />;
    }
    // After an upgrade of the gateway an old page asks for parts that are no more.
    return failed ? (
      <Failed error={new ApiError(0, "", text.api.oldPage, "")} retry={() => location.reload()} />
    ) : (
      <Loading />
    );
  };
}
