// The panel's network and its way with pictures, without a browser, on the page that the program wrote.
//   node panel_node.js probabilities PAGE IMAGES PROBABILITIES   IDX file, float32 [n][classes]
//   node panel_node.js make DIR                                         writes pictures of many kinds
//   node panel_node.js classes DIR                                      coloured ones, in folders by class
//   node panel_node.js pictures PAGE PREDICTIONS                        of `predict --show --format json`
// Prints one line of JSON with what was found.
"use strict";
const fs = require("fs");
const path = require("path");
const zlib = require("zlib");

function embedded(html, id) {
  const found = html.match(new RegExp(`<script type="[^"]*" id="draw-${id}">([^]*?)</script>`));
  return found ? found[1] : "";
}

// All of the page's script that stands before the panel, which wants a browser.
function load(page) {
  const html = fs.readFileSync(page, "utf8");
  const source = html.match(/<script>\n"use strict";\n{\n([^]*?)^\/\/ The panel: /m)[1];
  const {makeNetwork, numbersFrom, atOnce, answering} =
    new Function(`"use strict"; ${source}; return {makeNetwork, numbersFrom, atOnce, answering};`)();
  const numbers = numbersFrom(embedded(html, "values"), embedded(html, "rounded"));
  const network = makeNetwork(JSON.parse(embedded(html, "network")), numbers);
  return {network, answer: picture => atOnce(answering(picture, network))};
}

const best = p => p.indexOf(Math.max(...p));
const distance = (p, q) => p.reduce((most, v, c) => Math.max(most, Math.abs(v - q[c])), 0);

function probabilities(page, images, wanted) {
  const {network} = load(page), classes = network.classes.length;
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

// PNG of 8 bits, without palette and interlace: PNG specification (third edition), 7.3 and 9.
function readPng(bytes) {
  const columns = bytes.readUInt32BE(16), rows = bytes.readUInt32BE(20);
  const each = {0: 1, 2: 3, 4: 2, 6: 4}[bytes[25]], parts = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at))
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT")
      parts.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)));
  const packed = zlib.inflateSync(Buffer.concat(parts)), width = columns * each, plain = new Uint8Array(rows * width);
  const predict = [() => 0, a => a, (a, b) => b, (a, b) => a + b >> 1, (a, b, c) => {
    const [pa, pb, pc] = [b - c, a - c, a + b - 2 * c].map(Math.abs);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
  }];
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x, left = x >= each ? plain[i - each] : 0, up = y ? plain[i - width] : 0;
      plain[i] = packed[y * (width + 1) + 1 + x] +
        predict[packed[y * (width + 1)]](left, up, x >= each && y ? plain[i - width - each] : 0);
    }
  const pixels = new Uint8ClampedArray(4 * rows * columns).fill(255);
  for (let i = 0; i < rows * columns; i++) {
    for (let c = 0; c < 3; c++)
      pixels[4 * i + c] = plain[i * each + (each > 2 ? c : 0)];
    if (each % 2 === 0)
      pixels[4 * i + 3] = plain[i * each + each - 1];
  }
  return {rows, columns, pixels};
}

function readPicture(file) {
  const bytes = fs.readFileSync(file);
  if (bytes.toString("latin1", 1, 4) === "PNG")
    return readPng(bytes);
  const head = bytes.toString("latin1", 0, 40).match(/^P([56])\n(\d+) (\d+)\n255\n/);
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

function pictures(page, predictions) {
  const {answer} = load(page);
  const found = {n: 0, worst: 0, wrong: [], ways: {}};
  for (const line of fs.readFileSync(predictions, "utf8").trim().split("\n")) {
    const wanted = JSON.parse(line), {bytes, how, probabilities, unsure} = answer(readPicture(wanted.file));
    found.n++;
    found.ways[how] = (found.ways[how] || 0) + 1;
    found.worst = Math.max(found.worst, distance(probabilities, wanted.probabilities));
    if (how !== wanted.preprocess || unsure.join() !== wanted.unsure.join() || bytes.some((v, i) => v !== wanted.pixels[i]))
      found.wrong.push(wanted.file.split("/").slice(-2).join("/"));
  }
  return found;
}

// Digits of pictures with several, as `predict --segment` finds them.
function segments(page, predictions) {
  const {answer} = load(page), files = new Map();
  for (const line of fs.readFileSync(predictions, "utf8").trim().split("\n")) {
    const wanted = JSON.parse(line);
    files.set(wanted.file, [...files.get(wanted.file) || [], wanted]);
  }
  const found = {n: files.size, digits: 0, worst: 0, wrong: []};
  for (const [file, wanted] of files) {
    const {digits} = answer(readPicture(file));
    if (wanted.length === 1 && digits.length === 1)
      continue; // which the page takes for a picture of one digit
    found.digits += digits.length;
    const same = digits.length === wanted.length && digits.every((digit, k) =>
      digit.line + 1 === wanted[k].line && digit.place + 1 === wanted[k].place && digit.unsure.join() === wanted[k].unsure.join() &&
      !digit.bytes.some((v, i) => v !== wanted[k].pixels[i]) &&
      ["row", "column", "rows", "columns"].every(side => digit.box[side] === wanted[k].box[side]));
    if (!same)
      found.wrong.push(path.basename(file));
    else
      found.worst = Math.max(found.worst, ...digits.map((digit, k) => distance(digit.probabilities, wanted[k].probabilities)));
  }
  return found;
}

const [what, ...rest] = process.argv.slice(2);
console.log(JSON.stringify({probabilities, make, classes, pictures, segments}[what](...rest)));
