// SPDX-License-Identifier: Apache-2.0
// A page whose facts are not there yet, or could not be had: its heading, and why.
import type { ApiError } from "../api/client";
import { Failed, Loading } from "./State";

interface Props {
  title: string;
  error: ApiError | undefined;
  retry: () => void;
}

export function PageState({ title, error, retry }: Props) {
  return (
    <>
      <h1 tabIndex={-1}>{title}</h1>
      {error ? <Failed error={error} retry={retry} /> : <Loading />}
    </>
  );
}
