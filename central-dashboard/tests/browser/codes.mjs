// What an authenticator application shows.

import { createHmac } from "node:crypto";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP = 30_000;

/** The code of RFC 6238 of a step of 30 s, for a key in base32. */
function codeOf(key, step) {
  const bits = [...key.replace(/\s/g, "")].map((one) => LETTERS.indexOf(one).toString(2).padStart(5, "0")).join("");
  const secret = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac("sha1", secret).update(counter).digest();
  const from = digest[19] & 15;
  return String((digest.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

let last = 0;

/** A code that was not shown before: each serves once. The server takes the next one as well as the present one. */
export async function freshCode(key) {
  const now = () => Math.floor(Date.now() / STEP);
  while (now() + 1 <= last) await new Promise((done) => setTimeout(done, 500));
  last = Math.max(now(), last + 1);
  return codeOf(key, last);
}
