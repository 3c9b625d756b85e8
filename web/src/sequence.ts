// SPDX-License-Identifier: Apache-2.0
// Letter-sequence match: "dvs" finds "Devices". Letters that start a word or follow each other
// count more.

/**
 * 0: the letters do not all occur in this order. More is better. An empty search finds all alike.
 */
export function sequenceScore(letters: string, words: string): number {
  const wanted = letters.toLowerCase().replace(/\s+/g, "");
  const hay = words.toLowerCase();
  let score = 1;
  let at = -1;
  for (const letter of wanted) {
    const next = hay.indexOf(letter, at + 1);
    if (next < 0) {
      return 0;
    }
    const starts = next === 0 || /[\s/-]/.test(hay[next - 1]!);
    score += next === at + 1 ? 3 : starts ? 2 : 0;
    at = next;
  }
  return score + 1 / (1 + hay.length);
}
