/* The page around the network: a photo or the camera in, the classes laid over it out. Everything
   is computed here, in the visitor's browser; no picture is sent anywhere. */

import { classIds, openSegmenter, resize, roundedToEven } from "./segmenter.js";

const MAX_PHOTO = 4096; // pixels on the longer side; a phone's canvas holds no more
const MAX_MASK = 2048; // masks of larger photos are computed at this size, to spare memory

const find = (id) => document.getElementById(id);
const photo = find("photo"); // canvas, at the photo's own size
const mask = find("mask"); // canvas over it: each class's color, nothing elsewhere
const frame = document.createElement("canvas"); // what is being predicted

let segmenter;
let result = null; // of the last prediction: {values, ids, shape}, shape as [height, width]
let name = "photo"; // what files are called after
let turn = 0; // counts pictures: an answer that comes after the next question is dropped
let stream = null; // the camera's, while it runs

start();

async function start() {
  try {
    segmenter = await openSegmenter();
  } catch (error) {
    say("");
    return complain(error.message);
  }
  document.title = segmenter.title;
  find("title").textContent = segmenter.title;
  find("description").textContent = segmenter.description;
  find("credit").textContent = segmenter.credit;
  segmenter.classes.forEach(addToLegend);
  find("controls").disabled = false;
  say("Ready. Nothing leaves this device.");
  listen();
}

function listen() {
  find("file").addEventListener("change", (event) => {
    openFile(event.target.files[0]);
    event.target.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    openFile(event.dataTransfer.files[0]);
  });
  find("camera").addEventListener("click", () => (stream ? stopCamera() : startCamera()));
  find("opacity").addEventListener("input", showOpacity);
  find("legend").addEventListener("change", paint);
  find("save-overlay").addEventListener("click", () => save(overlay(), "overlay"));
  find("save-cutout").addEventListener("click", () => save(cutout(), "cutout"));
  showOpacity();
}

/* Pictures in */

async function openFile(file) {
  if (!file) return;
  stopCamera();
  complain("");
  let picture;
  try {
    // Turned as the camera noted, but with the file's own numbers: Python sees the same.
    picture = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    return complain(`${file.name} cannot be read as a picture; choose a JPEG, PNG or WebP file.`);
  }
  name = file.name.replace(/\.[^.]*$/, "");
  say(`Looking at ${file.name} …`);
  await segment(picture, picture.width, picture.height);
  picture.close();
}

async function startCamera() {
  complain("");
  const video = document.createElement("video");
  let mine;
  try {
    const wanted = { video: { facingMode: "environment" } };
    mine = await navigator.mediaDevices.getUserMedia(wanted);
    Object.assign(video, { srcObject: mine, muted: true, playsInline: true });
    await video.play();
  } catch (error) {
    return complain(whyNoCamera(error));
  }
  stopCamera(); // one that a second click has started
  stream = mine;
  stream.getVideoTracks()[0].onended = stopCamera; // unplugged
  name = "camera";
  find("camera").textContent = "Stop the camera";
  find("status").ariaLive = "off"; // no reader wants to hear a time several times a second
  while (stream === mine) {
    await segment(video, video.videoWidth, video.videoHeight);
    await new Promise(requestAnimationFrame); // rests while the page is not seen
  }
}

function stopCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  find("camera").textContent = "Use the camera";
  find("status").ariaLive = "polite";
}

function whyNoCamera(error) {
  if (!navigator.mediaDevices) {
    return "A browser opens the camera only for a page that came by https.";
  }
  return {
    NotAllowedError: "The camera was refused; allow it in the browser's settings of this page.",
    NotFoundError: "No camera was found; choose a photo instead.",
  }[error.name] ?? `The camera does not start (${error.message}); is another program using it?`;
}

/* Prediction */

/** Predict a picture (anything that a canvas can draw) and show it with its classes. */
async function segment(picture, width, height) {
  const mine = ++turn;
  const scale = Math.min(1, MAX_PHOTO / Math.max(width, height));
  const pen = sized(frame, roundedToEven(width * scale), roundedToEven(height * scale));
  pen.fillStyle = "white"; // under transparency
  pen.fillRect(0, 0, frame.width, frame.height);
  pen.drawImage(picture, 0, 0, frame.width, frame.height);
  const image = pen.getImageData(0, 0, frame.width, frame.height);
  const before = performance.now();
  let answer;
  try {
    answer = await segmenter.predict(image);
  } catch (error) {
    stopCamera();
    say("");
    return complain(`The prediction failed (${error.message}); try a smaller photo.`);
  }
  if (mine !== turn) return;
  const seconds = (performance.now() - before) / 1000;
  result = atPhotoSize(answer, image);
  sized(photo, image.width, image.height).putImageData(image, 0, 0);
  paint();
  find("result").hidden = false;
  say(`Segmented in ${seconds.toFixed(2)} s. Nothing leaves this device.`);
}

/** Probabilities, not masks, are enlarged, so that outlines are smooth. */
function atPhotoSize({ values, shape }, { height, width }) {
  const scale = Math.min(1, MAX_MASK / Math.max(height, width));
  const target = [height, width].map((side) => Math.max(1, roundedToEven(side * scale)));
  const classes = segmenter.classes.length;
  const resized = resize(values, shape, target, classes);
  return { values: resized, ids: classIds(resized, classes), shape: target };
}

/* What is shown */

function addToLegend({ name, color, role }) {
  const entry = find("class").content.cloneNode(true);
  entry.querySelector("input").checked = role !== "background";
  entry.querySelector(".swatch").style.backgroundColor = color;
  entry.querySelector(".name").textContent = name;
  find("legend").append(entry);
}

/** Whether each class is ticked. */
const ticked = () => Array.from(find("legend").querySelectorAll("input"), (box) => box.checked);

function paint() {
  const colors = segmenter.classes.map(({ color }) => parseInt(color.slice(1), 16));
  const isShown = ticked();
  const counts = colors.map(() => 0);
  draw(mask, result.shape, (pixels, i) => {
    const id = result.ids[i / 4];
    counts[id]++;
    if (!isShown[id]) return;
    pixels[i] = colors[id] >> 16;
    pixels[i + 1] = (colors[id] >> 8) & 255;
    pixels[i + 2] = colors[id] & 255;
    pixels[i + 3] = 255;
  });
  const shares = counts.map((n) => `${((100 * n) / result.ids.length).toFixed(1)} %`);
  find("legend").querySelectorAll(".share").forEach((e, id) => (e.textContent = shares[id]));
  const parts = segmenter.classes.map(({ name }, id) => `${name} ${shares[id]}`);
  find("stage").ariaLabel = `The photo with its classes: ${parts.join(", ")}`;
}

function showOpacity() {
  mask.style.opacity = find("opacity").value / 100;
  find("opacity-value").textContent = `${find("opacity").value} %`;
}

const say = (text) => (find("status").textContent = text);
const complain = (text) => (find("error").textContent = text);

/* Files out */

/** A canvas at the photo's size: the photo under the ticked classes' colors. */
function overlay() {
  const canvas = document.createElement("canvas");
  const pen = sized(canvas, photo.width, photo.height);
  pen.drawImage(photo, 0, 0);
  pen.globalAlpha = find("opacity").value / 100;
  pen.imageSmoothingEnabled = false;
  pen.drawImage(mask, 0, 0, photo.width, photo.height);
  return canvas;
}

/** The ticked classes alone, the rest transparent. Half of a border is taken for the object's. */
function cutout() {
  const isShown = ticked();
  const weights = segmenter.classes.map(({ role }, id) => isShown[id] * (role === "border" ? 0.5 : 1));
  const shape = document.createElement("canvas");
  draw(shape, result.shape, (pixels, i) => {
    const first = (i / 4) * weights.length;
    const p = weights.reduce((sum, weight, id) => sum + weight * result.values[first + id], 0);
    pixels[i + 3] = 255 * (4 * (p - 0.5) + 0.5); // a soft edge, from probability 3/8 to 5/8
  });
  const canvas = document.createElement("canvas");
  const pen = sized(canvas, photo.width, photo.height);
  pen.drawImage(photo, 0, 0);
  pen.globalCompositeOperation = "destination-in";
  pen.drawImage(shape, 0, 0, photo.width, photo.height);
  return canvas;
}

function save(canvas, kind) {
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${name}_${kind}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
}

/* Canvases */

/** Give a canvas its size, which empties it; returns what draws on it. */
function sized(canvas, width, height) {
  canvas.width = width;
  canvas.height = height;
  return canvas.getContext("2d", { willReadFrequently: canvas === frame });
}

/** Let `set(pixels, i)` set each pixel of a canvas: red, green, blue and alpha from place i on. */
function draw(canvas, [height, width], set) {
  const pen = sized(canvas, width, height);
  const image = pen.createImageData(width, height);
  for (let i = 0; i < image.data.length; i += 4) set(image.data, i);
  pen.putImageData(image, 0, 0);
}
