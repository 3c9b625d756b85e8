// SPDX-License-Identifier: Apache-2.0
// Where it happened, as a link to the point or the device.
import { href } from "../../router";

const NAME = /^[a-z0-9][a-z0-9._-]*(\/[^ ]+)?$/i;

export function SourceLink({ path }: { path: string }) {
  if (!NAME.test(path)) {
    return <>{path}</>; // a file, a list of points
  }
  return (
    <a href={path.includes("/") ? href.point(path) : href.device(path)} tabIndex={-1}>
      {path}
    </a>
  );
}
