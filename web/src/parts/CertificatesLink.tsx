// SPDX-License-Identifier: Apache-2.0
// Where words name a command about certificates, the page that does the same.
import { text } from "../text";

export function CertificatesLink({ words }: { words: string }) {
  return words.includes("busbar certificate ") ? (
    <a href="/certificates">{text.certificates.see}</a>
  ) : null;
}
