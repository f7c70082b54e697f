/* The network of one run, ready to predict: what unet_core/prediction/segmenter.py does, in a
   browser. The same photo gives the same mask, since photos are resized as Pillow resizes them; a
   canvas would do it in another way in every browser.

   Left out is the second look at small objects (unet_core/prediction/closer.py): where a run has
   learned it, small objects get a coarser outline here than in the app. */

const RUNTIME = "./onnxruntime/ort.wasm.bundle.min.mjs";

/** Load the network. An Error has a sentence for the visitor. */
export async function openSegmenter() {
  if (typeof WebAssembly === "undefined") {
    throw new Error("This browser has no WebAssembly, which predicts here; please use another.");
  }
  const facts = await (await fetched("model.json")).json();
  const model = await (await fetched("model.onnx")).arrayBuffer();
  try {
    const ort = await import(RUNTIME);
    ort.env.wasm.numThreads = 1; // more need headers that few static hosts send
    ort.env.wasm.proxy = true; // it works in a worker, and the page answers meanwhile
    const session = await ort.InferenceSession.create(new Uint8Array(model));
    return new Segmenter(facts, session, ort.Tensor);
  } catch (error) {
    throw new Error(`The network cannot be started in this browser (${error.message}).`);
  }
}

async function fetched(file) {
  const response = await fetch(file).catch(() => ({ ok: false, status: "no answer" }));
  if (!response.ok) {
    throw new Error(`${file} did not arrive (${response.status}); please load the page again.`);
  }
  return response;
}

class Segmenter {
  /** `facts`: model.json, which unet_core/web/export.py writes. */
  constructor(facts, session, Tensor) {
    Object.assign(this, facts);
    this.session = session;
    this.Tensor = Tensor;
    this.idle = Promise.resolve(); // one photo at a time: the next one waits for this
  }

  /** Probabilities of ImageData of any size: {values: Float32Array (h, w, classes), shape}. */
  predict(image) {
    const answer = this.idle.then(() => this.look(image));
    this.idle = answer.catch(() => {});
    return answer;
  }

  async look(image) {
    const shape = networkShape(image.height, image.width, this.size, this.step);
    const pixels = withoutAlpha(resize(image.data, [image.height, image.width], shape, 4));
    const input = new this.Tensor("float32", pixels, [1, ...shape, 3]); // 0–255
    const outputs = await this.session.run({ [this.session.inputNames[0]]: input });
    const values = outputs[this.session.outputNames[0]].data;
    return { values: this.classes.length === 2 ? bothClasses(values) : values, shape };
  }
}

/** Height and width that the network sees: a square where `step` is null, else about as many pixels
    as `size` squared, in the photo's own shape, as multiples of `step`. */
export function networkShape(height, width, size, step) {
  if (step === null) return [size, size];
  const scale = size / Math.sqrt(height * width) / step;
  return [height, width].map((side) => Math.max(1, roundedToEven(side * scale)) * step);
}

/** As Python rounds: 2.5 to 2, 3.5 to 4. */
export function roundedToEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

function withoutAlpha(rgba) {
  const rgb = new Float32Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from];
    rgb[to++] = rgba[from + 1];
    rgb[to++] = rgba[from + 2];
  }
  return rgb;
}

/** A binary network gives the foreground alone; the background is the rest. */
function bothClasses(foreground) {
  const both = new Float32Array(2 * foreground.length);
  foreground.forEach((p, i) => both.set([1 - p, p], 2 * i));
  return both;
}

/** Values (h, w, classes) to class numbers: class 1 of two from 0.5 on, else the likeliest. */
export function classIds(values, classes) {
  const ids = new Uint8Array(values.length / classes);
  for (let i = 0; i < ids.length; i++) {
    const first = i * classes;
    if (classes === 2) {
      ids[i] = values[first + 1] >= 0.5 ? 1 : 0;
      continue;
    }
    for (let c = 1; c < classes; c++) {
      if (values[first + c] > values[first + ids[i]]) ids[i] = c;
    }
  }
  return ids;
}

/** Values (height, width, channels) at another size: bilinear, over as many pixels as are lost, so
    that nothing is skipped. Bytes are rounded as Pillow does, after each of the two passes. (Which
    pass comes first depends on Pillow's version; that can change a byte by 1.) */
export function resize(values, [height, width], [toHeight, toWidth], channels) {
  const wide = resizeAlong(values, height, width, toWidth, channels);
  return resizeAlong(wide, 1, height, toHeight, toWidth * channels); // a row counts as one pixel
}

/** Values (lines, from, channels) to (lines, to, channels). */
function resizeAlong(values, lines, from, to, channels) {
  if (from === to) return values;
  const areBytes = values instanceof Uint8ClampedArray;
  const result = new values.constructor(lines * to * channels);
  const pixels = triangles(from, to, areBytes);
  let place = 0;
  for (let line = 0; line < lines; line++) {
    for (const { first, weights } of pixels) {
      const start = (line * from + first) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) {
          sum += weights[i] * values[start + i * channels + c];
        }
        result[place++] = areBytes ? Math.floor(sum + 0.5) : sum;
      }
    }
  }
  return result;
}

/** For each of `to` pixels the first of the `from` pixels that count, and how much each counts.
    `asFractions`: in multiples of 2⁻²², as Pillow has them for bytes. */
function triangles(from, to, asFractions) {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, place) => {
    const center = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(from, Math.trunc(center + reach + 0.5));
    const heights = Array.from({ length: end - first }, (_, i) =>
      Math.max(0, 1 - Math.abs(first + i - center + 0.5) * (1 / reach)),
    );
    const sum = heights.reduce((a, b) => a + b);
    const fraction = (weight) => Math.round(weight * 2 ** 22) / 2 ** 22;
    const weights = heights.map((h) => (asFractions ? fraction(h / sum) : h / sum));
    return { first, weights: Float64Array.from(weights) };
  });
}
