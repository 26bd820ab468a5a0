// Where touching strokes may be cut: src/pictures/ink/digits_cuts.c in JavaScript.

const aside = 128; // what a step aside costs, where going through a pixel full of ink costs 255

// How far to the right row y is moved: with a lean of 1, digits that lean to the right stand upright.
const moved = (lean, y) => lean * Math.floor(y / 2);

// A part's box and its ink, leaned.
function inkOfPart(ink, {labels, parts}, which, lean) {
  const {top, left, rows, columns} = parts[which], wide = columns + moved(lean, rows - 1);
  const values = new Uint8Array(rows * wide);
  for (let y = 0; y < rows; y++)
    for (let x = 0, at = y * wide + moved(lean, y), from = (top + y) * ink.columns + left; x < columns; x++, at++, from++)
      values[at] = labels[from] === which + 1 ? ink.values[from] : 0;
  return {rows, columns: wide, ink: values, lean};
}

// What the cheapest way from the first of `order`, an edge, to each pixel costs, with that pixel: straight on from row
// to row, and in a row aside.
function costsFrom({rows, columns, ink}, order) {
  const cost = new Int32Array(rows * columns);
  order.forEach((y, k) => {
    const row = y * columns, before = k ? order[k - 1] * columns : -1;
    for (let x = 0; x < columns; x++)
      cost[row + x] = ink[row + x] + (before < 0 ? 0 : cost[before + x]);
    for (let x = 1; x < columns; x++)
      cost[row + x] = Math.min(cost[row + x], cost[row + x - 1] + ink[row + x] + aside);
    for (let x = columns - 2; x >= 0; x--)
      cost[row + x] = Math.min(cost[row + x], cost[row + x + 1] + ink[row + x] + aside);
  });
  return cost;
}

// Goes back along the cheapest way from column x of a row; returns where it left the row before.
function back(cost, {ink, columns}, row, before, x) {
  const at = row * columns, from = before * columns;
  while (cost[at + x] !== ink[at + x] + (before < 0 ? 0 : cost[from + x]))
    x += x > 0 && cost[at + x] === cost[at + x - 1] + ink[at + x] + aside ? -1 : 1;
  return x;
}

// The way through column x of row y: of each row the column in which it is left, from which on ink is behind it, upright:
// -1 or the number of columns where it passes the part's box.
function follow(seams, {y, x}, columns) {
  const {rows, down, up} = seams, at = new Int32Array(rows);
  for (let row = y, from = x; row >= 0; row--)
    at[row] = from = back(down, seams, row, row - 1, from);
  for (let row = y, from = x; row < rows; row++)
    at[row] = from = back(up, seams, row, row + 1 < rows ? row + 1 : -1, from);
  at[y] = x;
  return at.map((column, row) => Math.min(Math.max(column - moved(seams.lean, row), -1), columns));
}

// {at, cut, strokes}: the ink on a way, and how many strokes it goes through.
function measuredCut({columns, ink}, at) {
  let cut = 0, strokes = 0, before = 0;
  at.forEach((x, row) => {
    const now = x < 0 || x >= columns ? 0 : ink[row * columns + x];
    cut += now;
    strokes += now >= 128 && before < 128;
    before = now;
  });
  return {at, cut, strokes};
}

// The ink of all rows between columns `from` and `to`; null: the box's edge.
function inkBetween({rows, columns, ink}, from, to) {
  let sum = 0;
  for (let y = 0; y < rows; y++) {
    const a = from ? Math.max(from[y], 0) : 0, b = to ? Math.max(to[y], 0) : columns;
    for (let x = Math.min(a, b), end = Math.max(a, b); x < end; x++)
      sum += ink[y * columns + x];
  }
  return sum;
}

// Valleys of the costs along some rows.
function waysOf({rows, columns, ink, down, up, lean}, limit) {
  const ways = [], huge = 2 ** 31 - 1;
  for (let k = 1; k <= 3; k++) {
    const y = Math.floor(rows * k / 4), costOf = x => {
      const i = y * columns + x;
      return x < columns ? down[i] + up[i] - ink[i] : huge;
    };
    for (let x = 0, before = huge, start = 0; x < columns; x++) {
      const now = costOf(x);
      if (now !== before)
        start = now < before ? x : -1;
      if (start >= 0 && costOf(x + 1) > now && now <= limit)
        ways.push({lean, y, x: start + x >> 1, cost: now});
      before = now;
    }
  }
  return ways;
}

// Where a way crosses a cheaper one it follows it: on the side on which most of it is.
function besides(at, cheaper) {
  const side = sumOf(at) >= sumOf(cheaper) ? Math.max : Math.min;
  return at.map((x, y) => side(x, cheaper[y]));
}

// The cuts, from left to right; those that leave hardly any ink on a side are left out.
function cutsOf(ink, found, which, height) {
  const leaned = [0, 1].map(lean => inkOfPart(ink, found, which, lean)), [upright] = leaned, {rows, columns} = upright;
  const order = [...Array(rows).keys()], cuts = [];
  for (const seams of leaned) {
    seams.down = costsFrom(seams, order);
    seams.up = costsFrom(seams, [...order].reverse());
  }
  const least = Math.floor(255 * height * height / 100), most = Math.min(Math.floor(8 * columns / height) + 1, 12);
  const ways = leaned.flatMap(seams => waysOf(seams, Math.floor(255 * height * 3 / 10)));
  for (const way of ways.sort((a, b) => a.cost - b.cost || a.lean - b.lean || a.y - b.y || a.x - b.x)) {
    if (cuts.length === most)
      break;
    const at = cuts.reduce(besides, follow(leaned[way.lean], way, columns));
    if ([null, ...cuts].every(other => inkBetween(upright, other, at) >= least) && inkBetween(upright, at, null) >= least)
      cuts.push(at);
  }
  const sums = new Map(cuts.map(at => [at, sumOf(at)]));
  return cuts.sort((a, b) => sums.get(a) - sums.get(b)).map(at => measuredCut(upright, at)); // which keeps equal ones in order
}
