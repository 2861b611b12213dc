/* Unpacks the plotting library and the data of the page, both of which stand in it compressed. */
"use strict";
const page = (() => {
  const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=.?@^_`{|}~";

  /** Base85: five letters are four bytes, the first of them the weightiest; fewer at the end. */
  function bytesOf(text) {
    const values = new Uint8Array(128);
    [...LETTERS].forEach((letter, value) => (values[letter.charCodeAt(0)] = value));
    const missing = (5 - (text.length % 5)) % 5;
    const whole = text + LETTERS[84].repeat(missing);
    const value = (i) => values[whole.charCodeAt(i)];
    const found = new Uint8Array((4 * whole.length) / 5);
    for (let i = 0, to = 0; i < whole.length; i += 5, to += 4) {
      // In two parts, as whole numbers of 32 bits are faster than others.
      const high = (value(i) * 85 + value(i + 1)) * 85 + value(i + 2);
      const low = value(i + 3) * 85 + value(i + 4);
      const sum = (Math.imul(high, 7225) + low) | 0;
      found[to] = sum >>> 24;
      found[to + 1] = sum >>> 16;
      found[to + 2] = sum >>> 8;
      found[to + 3] = sum;
    }
    return found.subarray(0, found.length - missing);
  }

  async function unpacked(id) {
    const packed = bytesOf(document.getElementById(id).textContent);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  /** Runs the library: the content-security policy of the page holds the hash of its text. */
  async function runPlotly() {
    const script = document.createElement("script");
    script.textContent = new TextDecoder().decode(await unpacked("packed-plotly"));
    document.head.append(script);
  }

  async function readData() {
    const buffer = await unpacked("packed-data");
    const length = new DataView(buffer).getUint32(0, true);
    const tree = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    return { ...tree, bytes: new Uint8Array(buffer, 4 + length) };
  }

  /** Numbers of 32 bits from their bytes, which stand apart by their weight. */
  function floatsOf(bytes, start, count) {
    const found = new Uint8Array(count * 4);
    for (let weight = 0; weight < 4; weight += 1) {
      const from = start + weight * count;
      for (let i = 0; i < count; i += 1) found[i * 4 + weight] = bytes[from + i];
    }
    return new Float32Array(found.buffer);
  }

  function decoded(data, key) {
    const entry = data.arrays[key];
    const count = entry.s.reduce((product, size) => product * size, 1);
    if (entry.t === "f4") return floatsOf(data.bytes, entry.at, count);
    const [rows, columns] = entry.s;
    const { lo, st } = entry;
    const [light, weighty] = [data.bytes.subarray(entry.at), data.bytes.subarray(entry.at + count)];
    const values = new Float32Array(count);
    for (let i = 0; i < count; i += 1) {
      const code = light[i] + 256 * weighty[i];
      values[i] = code ? lo + st * (code - 1) : NaN;
    }
    return Array.from({ length: rows }, (_, row) => values.subarray(row * columns, (row + 1) * columns));
  }

  const memory = new Map();

  /** Replaces the references of a tree by the arrays that they name. */
  function resolve(data, tree) {
    if (Array.isArray(tree)) return tree.map((item) => resolve(data, item));
    if (tree === null || typeof tree !== "object") return tree;
    if ("$" in tree) {
      if (!memory.has(tree.$)) memory.set(tree.$, decoded(data, tree.$));
      return memory.get(tree.$);
    }
    return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, resolve(data, item)]));
  }

  /** Lets the page be painted and a click be answered first. */
  const whenIdle = (work) =>
    window.requestIdleCallback ? requestIdleCallback(work, { timeout: 400 }) : setTimeout(work, 20);

  /* The explorer is drawn from the data alone; the library takes longer than all of that. */
  const data = readData();
  const ready = data.then(async (found) => {
    await new Promise(whenIdle);
    await runPlotly();
    return found;
  });
  ready.catch(() => {
    const notice = document.createElement("p");
    notice.className = "notice warning";
    notice.textContent = window.DecompressionStream
      ? "This page is damaged, as by a copy that was cut off: no plot can be drawn. Copy it again, or make it again with eelsunmix run."
      : "This browser is too old for the plots: Chrome 80, Firefox 113, Safari 16.4 or newer show them.";
    document.querySelector("main header").after(notice);
  });
  return { data, ready, resolve, whenIdle };
})();
