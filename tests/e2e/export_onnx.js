// ONNX Runtime computes exported networks; what comes out is compared with what Lockstep says of the same images.
// Usage: node export_onnx.js RUNTIME ANSWERS CHANNELSxROWSxCOLUMNS CLASSES { MODEL TAKES GIVES MOST }...
//   RUNTIME   folder of the package onnxruntime-node
//   ANSWERS   of tests/e2e/answers.c: bytes, logits and probabilities, image by image
//   TAKES     uint8 or float: pixels; MEAN,STD: floats normalised so
//   GIVES     logits or probabilities, the name of the output
//   MOST      how far a number may be from Lockstep's
// Says for each model how far the farthest number is, and on how many images the answers are the same.
"use strict";
const fs = require("fs");
const ort = require(process.argv[2]);

const [channels, rows, columns] = process.argv[4].split("x").map(Number);
const classes = Number(process.argv[5]);
const pixels = rows * columns, size = channels * pixels, record = size + 8 * classes;
const file = fs.readFileSync(process.argv[3]);
const count = file.length / record;
if (!Number.isInteger(count) || count === 0) throw new Error(`${file.length} bytes of answers`);

// Lockstep has channels last, ONNX first.
function pixel(image, k) {
  const channel = Math.floor(k / pixels), place = k % pixels;
  return file[image * record + place * channels + channel];
}

function wanted(image, c, gives) {
  return file.readFloatLE(image * record + size + 4 * (gives === "logits" ? c : classes + c));
}

function batch(first, n, takes) {
  const values = new (takes === "uint8" ? Uint8Array : Float32Array)(n * size);
  const [mean, std] = takes.split(",").map(Number);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < size; k++) {
      const byte = pixel(first + i, k);
      values[i * size + k] = takes.includes(",") ? (byte / 255 - mean) / std : byte;
    }
  return new ort.Tensor(takes === "uint8" ? "uint8" : "float32", values, [n, channels, rows, columns]);
}

const best = values => values.indexOf(Math.max(...values));

async function compare(model, takes, gives, most) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  let farthest = 0, same = 0, first = 0;
  const sizes = [1, 7]; // the batch may be of any size
  while (first < count) {
    const n = Math.min(sizes.shift() || 64, count - first);
    const out = (await session.run({ input: batch(first, n, takes) }))[gives];
    if (out.dims.join() !== `${n},${classes}`) throw new Error(`${model}: gives [${out.dims}]`);
    for (let i = 0; i < n; i++) {
      const theirs = Array.from(out.data.subarray(i * classes, (i + 1) * classes));
      const ours = theirs.map((_, c) => wanted(first + i, c, gives));
      theirs.forEach((v, c) => { const d = Math.abs(v - ours[c]); if (!(d <= farthest)) farthest = d; });
      same += best(theirs) === best(ours);
    }
    first += n;
  }
  console.log(`${model}: ${count} images, ${gives} at most ${farthest.toExponential(1)} apart, ${same} same answers`);
  return farthest <= Number(most);
}

(async () => {
  let good = true;
  for (let a = 6; a < process.argv.length; a += 4)
    good = (await compare(...process.argv.slice(a, a + 4))) && good;
  process.exit(good ? 0 : 1);
})();
