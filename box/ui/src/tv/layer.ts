import type { Item } from "./messages";

/** How long a decoded picture may take to be composed, in milliseconds, before it is believed to be. */
const COMPOSED_WITHIN = 1000;
/** How long a first picture may take to be decoded; the box waits as long. */
const READY_WITHIN = 10_000;
/** How long a video that is ready may take to play. */
const PLAYS_WITHIN = 5000;

/** What a layer tells about the item that it holds. */
export interface Witness {
  ready(layer: Layer, seconds: number | null): void;
  ended(layer: Layer): void;
  failed(layer: Layer, reason: string): void;
}

/**
 * One of the two surfaces of the stage. Its elements live as long as the page: what it held is taken out of them, and
 * nothing is ever added to the document.
 */
export class Layer {
  readonly element = document.createElement("div");
  readonly #video = document.createElement("video");
  readonly #image = document.createElement("img");
  readonly #witness: Witness;
  /** What it holds; replaced, and not changed, so that a late answer about an earlier one is recognised. */
  item: Item | undefined;
  isReady = false;
  /** Whether its last picture stands. */
  hasEnded = false;
  /** Whether what it holds cannot be played on: its last picture stands at best. */
  isBroken = false;
  /** When an image began to be seen, in milliseconds of the page's clock. */
  #since: number | undefined;

  constructor(witness: Witness) {
    this.#witness = witness;
    this.element.className = "layer";
    this.#image.alt = "";
    this.#video.playsInline = true;
    this.#video.disablePictureInPicture = true;
    this.element.append(this.#video, this.#image);
    this.#video.onended = () => {
      this.hasEnded = true;
      if (this.item) witness.ended(this);
    };
    this.#video.onerror = () => {
      this.isBroken = true;
      if (this.item?.kind === "video") witness.failed(this, this.#video.error?.message || "the video cannot be played");
    };
  }

  /** Loads an item and stops at its first picture. */
  async prepare(item: Item): Promise<void> {
    this.clear();
    this.item = item;
    try {
      const loading = item.kind === "video" ? this.#prepareVideo(item) : this.#prepareImage(item);
      const seconds = await within(READY_WITHIN, loading, "no picture in time");
      if (this.item !== item) return;
      this.isReady = true;
      this.#witness.ready(this, seconds);
    } catch (error) {
      if (this.item === item) this.#witness.failed(this, String(error));
    }
  }

  async #prepareVideo(item: Item): Promise<number | null> {
    const video = this.#video;
    this.element.dataset["kind"] = "video";
    video.muted = false;
    video.preload = "auto";
    const decoded = happens(video, "loadeddata");
    video.src = item.url;
    await decoded;
    // So near to its end there is nothing to be seen: from the beginning.
    if (this.item === item && item.at > 0 && item.at < video.duration - 0.5) {
      const there = happens(video, "seeked");
      video.currentTime = item.at;
      await there;
    }
    return this.seconds;
  }

  async #prepareImage(item: Item): Promise<null> {
    this.element.dataset["kind"] = "image";
    this.#image.src = item.url;
    await this.#image.decode();
    return null;
  }

  /** Plays, and returns when a picture of it is on its way to the screen. */
  async start(): Promise<void> {
    const item = this.item;
    if (item?.kind === "video") {
      const presented = this.#presented();
      await within(PLAYS_WITHIN, this.#play(), "it does not start to play");
      await presented;
      if (this.#video.error) throw new Error(this.#video.error.message || "the video cannot be played");
    } else {
      await drawn();
      this.#since = performance.now();
    }
  }

  async #play(): Promise<void> {
    try {
      await this.#video.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError") throw error;
      // This browser wants a hand before it makes noise: rather silent than black. The next item tries again.
      this.#video.muted = true;
      await this.#video.play();
    }
  }

  #presented(): Promise<void> {
    const picture = new Promise<void>((resolve) => this.#video.requestVideoFrameCallback(() => resolve()));
    return Promise.race([picture, pause(COMPOSED_WITHIN)]);
  }

  /** With a hand on the keyboard, a silent video may sound. */
  unmute(): void {
    this.#video.muted = false;
  }

  /** Plays what it holds once more, from its beginning. The last picture stands until the first one is there. */
  replay(): void {
    this.hasEnded = false;
    this.#video.currentTime = 0;
    this.#play().catch((error: unknown) => this.#witness.failed(this, String(error)));
  }

  /** Seconds from the beginning of what it holds. */
  get position(): number {
    if (this.item?.kind === "video") return this.#video.currentTime;
    return this.#since === undefined ? 0 : (performance.now() - this.#since) / 1000;
  }

  /** Whether it is on the stage, at least in part. */
  get isSeen(): boolean {
    return this.element.classList.contains("seen");
  }

  get isPlaying(): boolean {
    return this.item?.kind === "video" && !this.hasEnded;
  }

  /** How long the whole is, if a video says so. */
  get seconds(): number | null {
    return this.item?.kind === "video" && Number.isFinite(this.#video.duration) ? this.#video.duration : null;
  }

  /** Lets go of what it holds: its decoder, its bytes, its connection. */
  clear(): void {
    this.item = undefined;
    this.isReady = false;
    this.hasEnded = false;
    this.isBroken = false;
    this.#since = undefined;
    if (this.#video.hasAttribute("src")) {
      this.#video.pause();
      this.#video.removeAttribute("src");
      this.#video.load();
    }
    this.#image.removeAttribute("src");
  }
}

function happens(target: EventTarget, name: string): Promise<void> {
  return new Promise((resolve) => target.addEventListener(name, () => resolve(), { once: true }));
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** What a promise gives, if it does so in time. */
function within<T>(milliseconds: number, promise: Promise<T>, otherwise: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(otherwise)), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Resolves when what is so now was drawn. Where nobody looks the browser draws nothing, and time has to do. */
export function drawn(): Promise<void> {
  return Promise.race([nextPicture().then(nextPicture), pause(COMPOSED_WITHIN)]);
}

function nextPicture(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => resolve()));
}
