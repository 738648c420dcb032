"use strict";
// How far two people agree.

{
  /**
   * Compare two people's labels of the sources that both labelled.
   *
   * @param {Array} pairs - [label of one, label of the other] for each source.
   * @returns {{words, table, number, agreed, expected, kappa}} - `table[i][j]` counts sources that the first
   *   called words[i] and the second words[j]. Kappa is (observed - expected) / (1 - expected), J. Cohen,
   *   Educational and Psychological Measurement 20, 37 (1960); NaN where chance alone must agree.
   */
  function agreement(pairs) {
    const words = [...new Set(pairs.flat())].sort();
    const place = new Map(words.map((word, i) => [word, i]));
    const table = words.map(() => words.map(() => 0));
    for (const [one, other] of pairs) table[place.get(one)][place.get(other)]++;
    const number = pairs.length;
    const sum = (values) => values.reduce((a, b) => a + b, 0);
    const agreed = sum(words.map((_, i) => table[i][i])) / number;
    const expected = sum(words.map((_, i) => sum(table[i]) * sum(table.map((row) => row[i])))) / number ** 2;
    const kappa = expected === 1 ? NaN : (agreed - expected) / (1 - expected);
    return { words, table, number, agreed, expected, kappa };
  }

  Gallery.agreement = agreement;
}
