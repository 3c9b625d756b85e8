// SPDX-License-Identifier: Apache-2.0
// Requests to /api/v1. An answer that is an error becomes an ApiError that a person can act on.
import type { ErrorBody, Problem } from "./types";
import { text } from "../text";

const ROOT = "/api/v1/";
const TIMEOUT_MS = 20_000;

export type Params = Record<string, string | number | undefined>;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string,
    readonly problems: Problem[] = [],
  ) {
    super(message);
  }
}

/** Each part of a path for itself, so that no name can leave its place. */
export function pathOf(...parts: string[]): string {
  return parts.map(encodeURIComponent).join("/");
}

export function pointPath(path: string): string {
  const slash = path.indexOf("/");
  return pathOf(path.slice(0, slash), path.slice(slash + 1));
}

export function withParams(path: string, params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") {
      query.set(name, String(value));
    }
  }
  const tail = query.toString();
  return tail ? `${path}?${tail}` : path;
}

async function failure(answer: Response): Promise<ApiError> {
  let body: { error?: ErrorBody | string; errorType?: string; problems?: Problem[] } = {};
  try {
    body = await answer.json();
  } catch {
    // Not from busbar itself (a proxy's error page): the status must do.
  }
  if (typeof body.error === "string") {
    return new ApiError(answer.status, body.errorType ?? "", body.error, ""); // PromQL's shape
  }
  const error = body.error ?? { code: "", message: text.api.status(answer.status) };
  return new ApiError(answer.status, error.code, error.message, error.hint ?? "", body.problems);
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let answer: Response;
  try {
    answer = await fetch(ROOT + path, { signal: timeout, ...init });
  } catch (error) {
    if (init.signal?.aborted) {
      throw error;
    }
    throw new ApiError(
      0,
      "",
      timeout.aborted ? text.api.slow : text.api.unreachable,
      text.api.unreachableHint,
    );
  }
  if (!answer.ok) {
    throw await failure(answer);
  }
  return answer;
}

function sendBody(path: string, body: unknown): Promise<Response> {
  return send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await send(path, signal ? { signal } : {})).json()) as T;
}

/** The same where the answer is a text. */
export async function getText(path: string): Promise<string> {
  return (await send(path, {})).text();
}

export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  return (await (await sendBody(path, body)).json()) as T;
}

/** The same where the answer is a text. */
export async function postText(path: string, body: unknown = {}): Promise<string> {
  return (await sendBody(path, body)).text();
}

export async function remove(path: string): Promise<void> {
  await send(path, { method: "DELETE" });
}
