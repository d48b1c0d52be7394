// SHA-256 of a file, piece by piece: the browser's own needs the whole file in memory.
const PIECE_BYTES = 4 * 1024 * 1024;
const ROUNDS = new Uint32Array(64);
const START = new Uint32Array(8);
const words = new Uint32Array(64);

/** The first 32 bits of the fractional part. @param {number} value */
const fraction = (value) => Math.floor((value - Math.floor(value)) * 2 ** 32);

for (let number = 2, primes = 0; primes < 64; number += 1) {
  let prime = true;
  for (let divisor = 2; divisor * divisor <= number && prime; divisor += 1) prime = number % divisor !== 0;
  if (!prime) continue;
  if (primes < 8) START[primes] = fraction(Math.sqrt(number));
  ROUNDS[primes] = fraction(Math.cbrt(number));
  primes += 1;
}

/** Add one block of 64 bytes to the state. @param {Uint32Array} state @param {DataView} view @param {number} offset */
function compress(state, view, offset) {
  for (let i = 0; i < 16; i += 1) words[i] = view.getUint32(offset + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const a = words[i - 15];
    const b = words[i - 2];
    const s0 = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3);
    const s1 = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10);
    words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const first = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + first) | 0;
    d = c; c = b; b = a; a = (first + second) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

/** The digest of a file in hexadecimal. @param {Blob} file @param {(done: number) => void} onProgress */
async function digest(file, onProgress) {
  const state = START.slice();
  let done = 0;
  while (file.size - done >= 64) {
    const length = Math.min(PIECE_BYTES, file.size - done) & ~63;
    const view = new DataView(await file.slice(done, done + length).arrayBuffer());
    for (let offset = 0; offset < length; offset += 64) compress(state, view, offset);
    done += length;
    onProgress(done);
  }
  const rest = new Uint8Array(await file.slice(done).arrayBuffer());
  const tail = new Uint8Array(rest.length < 56 ? 64 : 128);
  tail.set(rest);
  tail[rest.length] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(file.size / 2 ** 29));
  view.setUint32(tail.length - 4, (file.size << 3) >>> 0);
  for (let offset = 0; offset < tail.length; offset += 64) compress(state, view, offset);
  return [...state].map((word) => word.toString(16).padStart(8, "0")).join("");
}

self.addEventListener("message", async ({ data: file }) => {
  try {
    const sha256 = await digest(file, (done) => self.postMessage({ done }));
    self.postMessage({ sha256 });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
});
