/* What background subtraction (BS) says of an edge in some pixels, in words: counts, or an upper limit. The rules, and their numbers, are those of areas.py. */
"use strict";
const sighting = (() => {
  /** Standard deviation of the mean net counts; of several pixels, what they share does not average out. */
  function deviation(edge, pixels, averaged) {
    const squares = pixels.reduce((sum, [row, column]) => sum + (edge.sd[row][column] || 0) ** 2, 0);
    const [alone, shared] = pixels.length * averaged > 1 ? edge.of_area : [1, 0];
    return Math.hypot((alone * Math.sqrt(squares / averaged)) / pixels.length, shared);
  }

  const percent = (part) => `${Number((100 * part).toPrecision(2))} %`;

  /** One sentence on an edge: its mean net counts and their deviation, both written by the caller as well. */
  function inWords(edge, net, sd, written) {
    if (edge.failed) return `${edge.name}: BS failed, so no limit is known.`;
    if (!(sd > 0)) return "";
    const total = Math.hypot(sd, edge.systematic);
    const offset = edge.offset ? `${written(edge.offset)} ` : "";
    const alike = edge.offset || edge.systematic ? ` (noise), beside ${offset}±\u00a0${written(edge.systematic)} in all pixels alike` : "";
    const counts = `${written(net)} ± ${written(sd)} counts${alike}`;
    const part = (value) => (edge.peak > 0 ? `, ${percent(value / edge.peak)} of the peak of its map` : "");
    if (net - Math.max(edge.offset, 0) > edge.sure * total) return `${edge.name}: seen, ${counts}${part(net)}.`;
    const most = net - Math.min(edge.offset, 0);
    if (most < -edge.sure * total) return `${edge.name}: not seen; limit about ${written(-net)} counts${part(-net)}: BS is below zero by as much here, so its background is biased.`;
    const limit = Math.max(most, 0) + edge.one_sided * total;
    return `${edge.name}: not seen, ${counts}: less than ${written(limit)}${part(limit)} (95\u00a0%).`;
  }

  return { deviation, inWords };
})();
