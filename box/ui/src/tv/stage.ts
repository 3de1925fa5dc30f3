import { Layer, type Witness, drawn } from "./layer";
import type { Item, Safe, ToBox } from "./messages";
import type { Screen } from "./screen";

/** How long one item takes to become another, in milliseconds. */
const FADE = 400;
/** The number of what was on the screen before the box said which plays there are; its own begin with 1. */
const NO_PLAY = 0;

/**
 * Two layers: the front one is seen, the back one loads what comes next. The back one fades in over the front one, which
 * stays opaque below it until then: at no moment is there less than one whole picture.
 */
export class Stage implements Witness {
  #front: Layer;
  #back: Layer;
  /** What arrived while the back layer was on its way to the front. */
  #waiting: Item | undefined;
  /** The play that is to be seen as soon as it can be. */
  #wanted: number | undefined;
  #isFading = false;
  /** After a new connection: what is on the screen may be what the box wants there. */
  #mayAdopt = false;
  readonly #screen: Screen;
  readonly #tell: (message: ToBox) => void;
  readonly #isConnected: () => boolean;

  constructor(root: HTMLElement, screen: Screen, tell: (message: ToBox) => void, isConnected: () => boolean) {
    this.#screen = screen;
    this.#tell = tell;
    this.#isConnected = isConnected;
    this.#front = new Layer(this);
    this.#back = new Layer(this);
    root.append(this.#front.element, this.#back.element);
    setInterval(() => this.#reportPosition(), 1000);
  }

  /** A new connection: plays have new numbers now. */
  greet(): void {
    this.#waiting = undefined;
    this.#wanted = undefined;
    if (!this.#isFading) this.#back.clear();
    this.#mayAdopt = true;
    const { item, isBroken } = this.#shown;
    if (item) this.#shown.item = { ...item, play: NO_PLAY };
    if (item && !isBroken && !this.#screen.isUp) this.#tell({ type: "here", url: item.url, at: this.#shown.position });
  }

  /** The layer that is seen, or is about to be. */
  get #shown(): Layer {
    return this.#isFading ? this.#back : this.#front;
  }

  /** A box says again what is on air when this page begins to lead; that may be in the middle of a fade. */
  prepare(item: Item): void {
    const { item: shown, isBroken, seconds } = this.#shown;
    if (!isBroken && this.#mayAdopt && shown?.url === item.url) {
      this.#mayAdopt = false;
      this.#shown.item = item;
      this.#tell({ type: "ready", play: item.play, seconds });
    } else if (!isBroken && shown?.play === item.play) {
      this.#tell({ type: "ready", play: item.play, seconds });
    } else if (this.#isFading || (this.#wanted !== undefined && this.#wanted !== item.play)) {
      this.#waiting = item;
    } else {
      void this.#back.prepare(item);
    }
  }

  show(play: number): void {
    this.#mayAdopt = false;
    if (this.#shown.item?.play === play && !this.#shown.isBroken) {
      // On its way there it is told when a picture of it is there.
      if (this.#shown.isSeen) this.#tell({ type: "shown", play, at: this.#shown.position });
      if (this.#shown.hasEnded && !this.#isFading) this.#shown.replay();
      return;
    }
    this.#wanted = play;
    if (this.#back.item?.play === play && this.#back.isReady) void this.#fade();
  }

  /** There is nothing to play: the screen comes down, and what is behind it is let go of. */
  async showSafe(safe: Safe): Promise<void> {
    this.#waiting = undefined;
    this.#wanted = undefined;
    this.#mayAdopt = false;
    await this.#screen.show(safe);
    await drawn();
    this.#leave();
  }

  /** What the screen hides is let go of, unless something new is on its way to take the screen's place. */
  #leave(): void {
    if (!this.#screen.isUp || this.#isFading) return;
    this.#front.element.classList.remove("seen");
    this.#front.clear();
  }

  /** The box is away: what is on the screen goes on, over and over. */
  goOn(): void {
    if (this.#front.hasEnded) this.#front.replay();
  }

  unmute(): void {
    this.#front.unmute();
  }

  ready(layer: Layer, seconds: number | null): void {
    const play = layer.item?.play;
    if (play === undefined) return;
    this.#tell({ type: "ready", play, seconds });
    if (play === this.#wanted) void this.#fade();
  }

  ended(layer: Layer): void {
    if (layer !== this.#front || !layer.item) return;
    if (this.#isConnected()) this.#tell({ type: "ended", play: layer.item.play });
    else layer.replay();
  }

  failed(layer: Layer, reason: string): void {
    const play = layer.item?.play;
    if (play === undefined) return;
    this.#tell({ type: "failed", play, reason });
    // What is seen, or is about to be, keeps its last picture until the next item covers it.
    if (layer === this.#shown) return;
    layer.clear();
    if (play === this.#wanted) this.#wanted = undefined;
    this.#prepareWaiting();
  }

  async #fade(): Promise<void> {
    const [old, young] = [this.#front, this.#back];
    this.#wanted = undefined;
    this.#isFading = true;
    try {
      await young.start();
    } catch (error) {
      this.#isFading = false;
      this.failed(young, String(error));
      return;
    }
    young.element.classList.add("seen", "upper");
    if (young.item) this.#tell({ type: "shown", play: young.item.play, at: young.position });
    if (this.#screen.isUp) await this.#screen.hide();
    else await young.element.animate({ opacity: [0, 1] }, { duration: FADE, easing: "ease-out" }).finished;
    // The fade has ended here, but a busy compositor may be some pictures behind, and a video that is let go of is gone
    // at once: the old one would be missing below the young one.
    await drawn();
    old.element.classList.remove("seen");
    young.element.classList.remove("upper");
    await drawn();
    old.clear();
    [this.#front, this.#back] = [young, old];
    this.#isFading = false;
    // The screen may have come down upon it.
    this.#leave();
    // A very short one is over already.
    if (young.hasEnded) this.ended(young);
    this.#prepareWaiting();
  }

  #prepareWaiting(): void {
    const item = this.#waiting;
    this.#waiting = undefined;
    if (item) this.prepare(item);
  }

  #reportPosition(): void {
    const { item, isPlaying, position: at } = this.#front;
    if (item && isPlaying && !this.#isFading) this.#tell({ type: "position", play: item.play, at });
  }
}
