import type { Safe } from "./messages";

/** How long it takes to come and to go, in milliseconds. */
const FADE = 400;

/** From so many letters on a name is set smaller, and smaller again. */
const LONG = 32;
const LONGEST = 60;

const INVITATIONS: Record<Safe["language"], string> = {
  fr: "Ajoutez une première vidéo",
  en: "Add a first video",
  es: "Añade un primer vídeo",
};

/** What stands above the stage when there is nothing to play: the logo at the start, then the club's name. */
export class Screen {
  readonly #root: HTMLElement;
  readonly #club: HTMLElement;
  readonly #invitation: HTMLElement;
  /** Whether it hides the stage, or is about to. */
  isUp = true;

  constructor(root: HTMLElement, club: HTMLElement, invitation: HTMLElement) {
    this.#root = root;
    this.#club = club;
    this.#invitation = invitation;
  }

  /** Resolves when the stage is hidden. */
  async show(safe: Safe): Promise<void> {
    document.documentElement.lang = safe.language;
    const name = safe.club ?? "NeoPro";
    this.#club.textContent = name;
    this.#club.dataset["length"] = name.length <= LONG ? "" : name.length <= LONGEST ? "long" : "longest";
    this.#invitation.textContent = safe.empty ? INVITATIONS[safe.language] : "";
    this.#root.dataset["state"] = "safe";
    await this.#become(true);
  }

  /** Resolves when it is gone. */
  async hide(): Promise<void> {
    await this.#become(false);
    if (!this.isUp) this.#root.dataset["state"] = "gone";
  }

  async #become(isUp: boolean): Promise<void> {
    if (this.isUp === isUp) return;
    this.isUp = isUp;
    const opacity = isUp ? [0, 1] : [1, 0];
    await this.#root.animate({ opacity }, { duration: FADE, easing: "ease-out", fill: "forwards" }).finished;
  }
}
