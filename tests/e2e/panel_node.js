// The panel's network and its way with pictures, without a browser, on the page that the program wrote.
//   node panel_node.js probabilities ASSETS PAGE IMAGES PROBABILITIES   IDX file, float32 [n][classes]
//   node panel_node.js make DIR                                         writes pictures of many kinds
//   node panel_node.js classes DIR                                      coloured ones, in folders by class
//   node panel_node.js pictures ASSETS PAGE PREDICTIONS                 of `predict --show --format json`
// Prints one line of JSON with what was found.
"use strict";
const fs = require("fs");
const path = require("path");

function embedded(html, id) {
  const found = html.match(new RegExp(`<script type="[^"]*" id="draw-${id}">([^]*?)</script>`));
  return found ? found[1] : "";
}

function load(assets, page) {
  const html = fs.readFileSync(page, "utf8");
  const source = ["network.js", "picture.js"].map(f => fs.readFileSync(path.join(assets, f), "utf8")).join("\n");
  const kinds = html.match(/^const layerKinds = {$[^]*?^};$/m)[0]; // written by the program
  const {makeNetwork, numbersFrom, prepare} =
    new Function(`"use strict"; ${source}; ${kinds}; return {makeNetwork, numbersFrom, prepare};`)();
  const numbers = numbersFrom(embedded(html, "values"), embedded(html, "rounded"));
  return {network: makeNetwork(JSON.parse(embedded(html, "network")), numbers), prepare};
}

const best = p => p.indexOf(Math.max(...p));
const distance = (p, q) => p.reduce((most, v, c) => Math.max(most, Math.abs(v - q[c])), 0);

function probabilities(assets, page, images, wanted) {
  const {network} = load(assets, page), classes = network.classes.length;
  const bytes = fs.readFileSync(images).subarray(network.channels === 1 ? 16 : 20), size = network.rows * network.columns * network.channels;
  const file = fs.readFileSync(wanted), all = new Float32Array(file.buffer, file.byteOffset, file.length / 4);
  const n = bytes.length / size, pixels = network.rows * network.columns;
  let worst = 0, changed = 0;
  const seen = new Set();
  for (let i = 0; i < n; i++) {
    const planes = bytes.subarray(i * size, (i + 1) * size); // one after the other in the file
    const p = network.classify(planes.map((_, k) =>
      planes[k % network.channels * pixels + Math.floor(k / network.channels)]));
    const q = Array.from(all.subarray(i * classes, (i + 1) * classes));
    worst = Math.max(worst, distance(p, q));
    changed += best(p) !== best(q);
    seen.add(best(p));
  }
  return {n, worst, changed, answers: seen.size, classes: network.classes};
}

// --- pictures: grey (PGM) and in colour (PPM)

function writePicture(file, rows, columns, value) { // value(x, y): a grey, or [red, green, blue]
  const values = [];
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      values.push(value(x, y));
  const colour = Array.isArray(values[0]);
  fs.writeFileSync(file, Buffer.concat([Buffer.from(`${colour ? "P6" : "P5"}\n${columns} ${rows}\n255\n`),
    Buffer.from(values.flat().map(v => Math.max(0, Math.min(255, Math.round(v)))))]));
}

function readPicture(file) {
  const bytes = fs.readFileSync(file), head = bytes.toString("latin1", 0, 40).match(/^P([56])\n(\d+) (\d+)\n255\n/);
  const [columns, rows] = [Number(head[2]), Number(head[3])], each = head[1] === "6" ? 3 : 1;
  const pixels = new Uint8ClampedArray(4 * rows * columns).fill(255);
  for (let i = 0; i < rows * columns; i++)
    for (let c = 0; c < 3; c++)
      pixels[4 * i + c] = bytes[head[0].length + i * each + (each === 3 ? c : 0)];
  return {rows, columns, pixels};
}

function make(folder) {
  let state = 1;
  const noise = n => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32 * n;
  const write = (name, ...rest) => writePicture(path.join(folder, name), ...rest);
  // A soft ring of ink, 0..255, about (cx, cy).
  const ring = (cx, cy, r, w) => (x, y) => 255 * Math.max(0, 1 - Math.abs(Math.hypot(x - cx, y - cy) - r) / w);
  const photo = ring(40, 60, 22, 7), dark = ring(33, 20, 12, 5);
  write("ring.pgm", 100, 90, photo);
  write("paper.pgm", 100, 90, (x, y) => 255 - photo(x, y));
  write("photo.pgm", 120, 80, (x, y) => 190 - 0.6 * photo(x, y) + noise(30) + x / 8);
  write("night.pgm", 64, 200, (x, y) => 20 + noise(12) + 0.5 * ring(30, 150, 20, 6)(x, y));
  write("colour.ppm", 70, 70, (x, y) => [dark(x, y), dark(x + 3, y), 30]);
  write("exact.pgm", 28, 28, (x, y) => ring(13, 14, 7, 3)(x, y));
  write("exact-grey.ppm", 28, 28, (x, y) => Array(3).fill(Math.round(ring(13, 14, 7, 3)(x, y))));
  write("exact-colour.ppm", 28, 28, (x, y) => [ring(13, 14, 7, 3)(x, y), 0, 0]);
  write("small.pgm", 9, 7, (x, y) => x === 3 ? 200 : noise(9));
  write("dot.pgm", 1, 1, () => 99);
  write("line.pgm", 1, 50, x => x > 10 && x < 30 ? 255 : 0);
  write("column.pgm", 40, 1, (x, y) => y > 10 && y < 30 ? 255 : 0);
  write("flat.pgm", 30, 40, () => 128);
  write("faint.pgm", 30, 40, (x, y) => x === y ? 15 : 0);
  write("edge.pgm", 60, 60, (x, y) => x + y > 100 ? 255 : 0);
  write("twenty.pgm", 40, 40, (x, y) => x >= 5 && x < 15 && y >= 7 && y < 27 ? 40 + noise(200) : 0);
  for (let i = 0; i < 12; i++) {
    const rows = 2 + Math.floor(noise(150)), columns = 2 + Math.floor(noise(150));
    const value = ring(noise(columns), noise(rows), noise(40), 1 + noise(9)), ground = i % 3 ? 0 : noise(200);
    write(`random${i}.pgm`, rows, columns, (x, y) => (i % 2 ? 255 : 0) + (i % 2 ? -1 : 1) * (value(x, y) + ground + noise(i % 4 * 5)));
  }
  return {made: fs.readdirSync(folder).length};
}

// Red and blue discs, 60 of a kind, 9 rows and 12 columns.
function classes(folder) {
  for (const [k, kind] of ["blue", "red"].entries()) {
    fs.mkdirSync(path.join(folder, kind), {recursive: true});
    for (let i = 0; i < 60; i++)
      writePicture(path.join(folder, kind, `${i}.ppm`), 9, 12, (x, y) => {
        const disc = Math.hypot(x - 3 - i % 7, y - 2 - i % 5) < 2.5, other = 40 + 3 * i;
        return disc ? [k ? 250 : other / 2, other, k ? other / 2 : 250] : [20, i, 50];
      });
  }
  return {made: 120};
}

function pictures(assets, page, predictions) {
  const {network, prepare} = load(assets, page);
  const found = {n: 0, worst: 0, wrong: [], ways: {}};
  for (const line of fs.readFileSync(predictions, "utf8").trim().split("\n")) {
    const wanted = JSON.parse(line), {bytes, how} = prepare(readPicture(wanted.file), network);
    found.n++;
    found.ways[how] = (found.ways[how] || 0) + 1;
    found.worst = Math.max(found.worst, distance(network.classify(bytes), wanted.probabilities));
    if (how !== wanted.preprocess || bytes.some((v, i) => v !== wanted.pixels[i]))
      found.wrong.push(path.basename(wanted.file));
  }
  return found;
}

const [what, ...rest] = process.argv.slice(2);
console.log(JSON.stringify({probabilities, make, classes, pictures}[what](...rest)));
