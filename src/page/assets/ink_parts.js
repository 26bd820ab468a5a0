// What hangs together. Ink of core value or more that touches, also by a corner, is a part; fainter ink
// around, as far as a stroke's edge may be soft, belongs to the part that reaches it first. {labels, parts}: 1 + index of each pixel's part.
function partsOf({rows, columns, values, core}) {
  const labels = new Int32Array(rows * columns), queue = new Int32Array(rows * columns);
  let head = 0, tail = 0, n = 0;
  function flow(least, end) {
    while (head < end()) {
      const at = queue[head++], label = labels[at], y = Math.floor(at / columns), x = at - y * columns;
      for (let j = Math.max(y - 1, 0); j <= y + 1 && j < rows; j++)
        for (let i = Math.max(x - 1, 0); i <= x + 1 && i < columns; i++) {
          const next = j * columns + i;
          if (labels[next] === 0 && values[next] >= least) {
            labels[next] = label;
            queue[tail++] = next;
          }
        }
    }
  }
  for (let at = 0; at < labels.length; at++)
    if (labels[at] === 0 && values[at] >= core) {
      labels[at] = ++n;
      queue[tail++] = at;
      flow(core, () => tail);
    }
  head = 0; // once more, from all cores, in rings
  for (let ring = 1 + Math.floor(Math.max(rows, columns) / 28); ring > 0; ring--) {
    const reached = tail;
    flow(1, () => reached);
  }
  return {labels, parts: measured(labels, n, {rows, columns, values})};
}

function measured(labels, n, {rows, columns, values}) {
  const parts = Array.from({length: n}, () => ({top: rows, left: columns, rows: 0, columns: 0, pixels: 0, mass: 0}));
  for (let y = 0, at = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, at++)
      if (labels[at] !== 0) {
        const part = parts[labels[at] - 1];
        part.top = Math.min(part.top, y);
        part.left = Math.min(part.left, x);
        part.rows = y + 1; // ends, until all pixels were seen
        part.columns = Math.max(part.columns, x + 1);
        part.pixels++;
        part.mass += values[at];
      }
  for (const part of parts) {
    part.rows -= part.top;
    part.columns -= part.left;
  }
  return parts;
}
