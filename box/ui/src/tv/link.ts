import type { FromBox, ToBox } from "./messages";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5000;

/** The connection to the box. It comes back by itself, and says nothing on the screen when it is gone. */
export class Link {
  #socket: WebSocket | undefined;
  #pause = FIRST_PAUSE;
  readonly #heard: (message: FromBox) => void;
  readonly #lost: () => void;

  constructor(heard: (message: FromBox) => void, lost: () => void) {
    this.#heard = heard;
    this.#lost = lost;
    this.#connect();
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Reports; what happens while the box is away is not its business any more when it is back. */
  tell(message: ToBox): void {
    if (this.isOpen) this.#socket?.send(JSON.stringify(message));
  }

  #connect(): void {
    const socket = new WebSocket(`ws://${location.host}/tv/socket`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#pause = FIRST_PAUSE;
    };
    socket.onmessage = (event) => {
      this.#heard(JSON.parse(String(event.data)) as FromBox);
    };
    socket.onclose = () => {
      this.#lost();
      // Not all pages of all boxes at the same moment.
      setTimeout(() => this.#connect(), this.#pause * (0.75 + Math.random() / 2));
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    };
  }
}
