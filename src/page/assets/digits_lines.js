// Parts of a picture's ink into lines: src/pictures/ink/digits_lines.c in JavaScript. A mark is {top, left,
// bottom, right, part, small, cluster, line}; bottom and right are behind its end.

const rowsOf = a => a.bottom - a.top;
const columnsOf = a => a.right - a.left;

function around(a, b) {
  return {top: Math.min(a.top, b.top), left: Math.min(a.left, b.left), bottom: Math.max(a.bottom, b.bottom),
    right: Math.max(a.right, b.right)};
}

// How far apart along each axis; negative: they overlap by as much.
const gapDown = (a, b) => Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom);
const gapAcross = (a, b) => Math.max(a.left, b.left) - Math.min(a.right, b.right);

// Pieces of one broken digit.
function belongTogether(a, b, height) {
  const gap = gapDown(a, b), rows = rowsOf(around(a, b));
  if (4 * Math.min(rowsOf(a), rowsOf(b)) >= 3 * height || -2 * gapAcross(a, b) < Math.min(columnsOf(a), columnsOf(b)))
    return false;
  return 4 * rows <= 5 * height ? 4 * gap <= height : rows <= 2 * height && 8 * gap <= height;
}

function rootOf(marks, i) {
  while (marks[i].cluster !== i)
    i = marks[i].cluster;
  return i;
}

function cluster(marks, height) {
  marks.forEach((m, i) => { m.cluster = i; });
  for (let i = 0; i < marks.length; i++)
    for (let j = i + 1; j < marks.length && !marks[i].small; j++)
      if (!marks[j].small && belongTogether(marks[i], marks[j], height)) {
        const a = rootOf(marks, i), b = rootOf(marks, j);
        marks[Math.max(a, b)].cluster = Math.min(a, b);
      }
}

// The mark that is not small and nearest to mark i, no further than a third of the height both ways; or null.
function nearest(marks, mark, height) {
  let best = null, least = 0;
  for (const m of marks) {
    const far = Math.max(gapDown(mark, m), gapAcross(mark, m));
    if (!m.small && 3 * far <= height && (!best || far < least)) {
      best = m;
      least = far;
    }
  }
  return best;
}

// Chains: neighbours at one height. Positions are in half pixels.
function lengthen(chain, box) {
  const x = box.left + box.right, y = box.top + box.bottom;
  chain.last[chain.members++ % 3] = box;
  chain.box = chain.last.reduce(around);
  chain.x += x;
  chain.y += y;
  chain.xx += x * x;
  chain.xy += x * y;
}

// The chain that goes on with the box: the one that overlaps it most, by half the lower one's rows.
function chainFor(chains, box, height) {
  let best = null, most = 0;
  for (const chain of chains) {
    const rows = -gapDown(chain.box, box);
    if (gapAcross(chain.box, box) <= 3 * height && rows > most && 2 * rows >= Math.min(rowsOf(chain.box), rowsOf(box))) {
      best = chain;
      most = rows;
    }
  }
  return best;
}

// The slope that all chains have together, by least squares, drawn towards 0 where there is little to go by.
function level(chains, height) {
  let along = 64 * height * height, up = 0;
  for (const c of chains) {
    along += c.xx - Math.trunc(c.x * c.x / c.members);
    up += c.xy - Math.trunc(c.x * c.y / c.members);
  }
  const slope = Math.trunc(up * 4096 / along);
  for (const c of chains)
    c.level = Math.trunc((c.y * 4096 - slope * c.x) / c.members);
}

// The line of each mark, from 0 on, from top to bottom; -1: a speck, of none. Returns how many lines.
function marksIntoLines(marks, height) {
  cluster(marks, height);
  const joints = new Map();
  marks.forEach((m, i) => {
    if (m.small)
      return;
    const root = rootOf(marks, i), joint = joints.get(root);
    joints.set(root, joint ? {...joint, ...around(joint, m)} : {...m, root});
  });
  const chains = [], inOrder = [...joints.values()].sort((a, b) => a.left - b.left || a.root - b.root);
  for (const joint of inOrder) {
    joint.chain = chainFor(chains, joint, height);
    if (!joint.chain)
      chains.push(joint.chain = {last: [], members: 0, x: 0, y: 0, xx: 0, xy: 0});
    lengthen(joint.chain, joint);
  }
  level(chains, height);
  let lines = 0, first = 0;
  chains.forEach((c, i) => { c.number = i; });
  for (const c of [...chains].sort((a, b) => a.level - b.level || a.number - b.number)) {
    if (lines === 0 || c.level - first > 4096 * height) {
      first = c.level;
      lines++;
    }
    c.line = lines - 1;
  }
  marks.forEach((m, i) => {
    if (!m.small)
      m.line = joints.get(rootOf(marks, i)).chain.line;
  });
  for (const m of marks)
    if (m.small) {
      const next = nearest(marks, m, height);
      m.line = next ? next.line : -1;
    }
  return lines;
}
