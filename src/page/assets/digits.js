// Where digits stand on a picture: its ink in pieces, in lines, in reading order: src/pictures/ink/digits.c in
// JavaScript.

// The least height that parts of half of all pixels do not exceed.
function typicalHeight(ink, parts) {
  const pixels = new Float64Array(ink.rows + 1);
  let all = 0, height = 0;
  for (const part of parts) {
    pixels[part.rows] += part.pixels;
    all += part.pixels;
  }
  for (let below = 0; height < ink.rows && 2 * below < all;)
    below += pixels[++height];
  return height;
}

// Parts but specks; none where there are too many, or they lie in each other.
function marksOf(ink, parts, height) {
  const large = parts.map((p, part) => ({...p, part})).filter(p => 16 * p.rows >= height || 16 * p.columns >= height);
  const boxes = large.reduce((sum, p) => sum + p.rows * p.columns, 0);
  return large.length > 2048 || boxes > 8 * ink.rows * ink.columns ? [] : large.map(p => ({top: p.top, left: p.left,
    bottom: p.top + p.rows, right: p.left + p.columns, part: p.part, small: 10 * p.rows < 3 * height, cluster: 0, line: -1}));
}

// A mark's ink, cut; each pixel's label becomes 1 + the number of its piece.
function piecesOf(mark, cuts, ink, found, labels, first) {
  const {top, left, rows, columns} = found.parts[mark.part];
  const pieces = [{cut: 0, strokes: 0}, ...cuts].map(({cut, strokes}, k) => ({cut, strokes, line: mark.line,
    part: mark.part, small: mark.small, number: first + k, top: ink.rows, left: ink.columns, bottom: 0, right: 0, pixels: 0, mass: 0}));
  for (let y = 0; y < rows; y++)
    for (let x = 0, k = 0, at = (top + y) * ink.columns + left; x < columns; x++, at++) {
      if (found.labels[at] !== mark.part + 1)
        continue;
      while (k < cuts.length && x >= cuts[k].at[y])
        k++;
      const piece = pieces[k];
      labels[at] = piece.number + 1;
      piece.top = Math.min(piece.top, top + y);
      piece.left = Math.min(piece.left, left + x);
      piece.bottom = Math.max(piece.bottom, top + y + 1);
      piece.right = Math.max(piece.right, left + x + 1);
      piece.pixels++;
      piece.mass += ink.values[at];
    }
  return pieces;
}

// A cut between two pieces of a part parts all pieces between them, too: pieces of others may stand there.
function sumCuts(parts) {
  const own = parts.map(({cut, strokes}) => ({cut, strokes})), next = new Map();
  for (const p of parts)
    p.cuts = p.cut = p.strokes = 0;
  parts.forEach((p, i) => {
    for (let k = next.has(p.part) ? next.get(p.part) : i + 1; k <= i; k++) {
      parts[k].cuts++;
      parts[k].cut += own[i].cut;
      parts[k].strokes += own[i].strokes;
    }
    next.set(p.part, i + 1);
  });
}

// {labels, parts, height}: the pieces are parts, line by line, from left to right.
function* piecesOfInk(ink) {
  const found = partsOf(ink), height = typicalHeight(ink, found.parts), marks = marksOf(ink, found.parts, height);
  marksIntoLines(marks, height);
  const labels = new Int32Array(ink.rows * ink.columns), pieces = [];
  for (const mark of marks) {
    if (mark.line < 0)
      continue;
    yield;
    let cuts = mark.small ? [] : cutsOf(ink, found, mark.part, height);
    if (pieces.length + cuts.length + 1 > 4096)
      cuts = [];
    pieces.push(...piecesOf(mark, cuts, ink, found, labels, pieces.length));
  }
  const parts = pieces.filter(p => p.pixels > 0)
    .sort((a, b) => a.line - b.line || a.left + a.right - b.left - b.right || a.number - b.number);
  const places = new Int32Array(pieces.length + 1);
  parts.forEach((p, i) => {
    places[p.number + 1] = i + 1;
    p.rows = p.bottom - p.top;
    p.columns = p.right - p.left;
  });
  labels.forEach((label, i) => { labels[i] = places[label]; });
  sumCuts(parts);
  return {labels, parts, height};
}
