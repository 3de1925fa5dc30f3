import { Link } from "./link";
import type { FromBox } from "./messages";
import { Screen } from "./screen";
import { Stage } from "./stage";

/** Which page this is, as the box said first. */
let page: string | undefined;

const screen = new Screen(find("screen"), find("club"), find("invitation"));
const stage = new Stage(
  find("stage"),
  screen,
  (message) => link.tell(message),
  () => link.isOpen,
);
const link = new Link(hear, () => stage.goOn());

function hear(message: FromBox): void {
  switch (message.type) {
    case "hello":
      // The box has another program than when this page was loaded.
      if (page !== undefined && page !== message.page) location.reload();
      page = message.page;
      stage.greet();
      break;
    case "prepare":
      stage.prepare(message);
      break;
    case "show":
      stage.show(message.play);
      break;
    case "safe":
      void stage.showSafe(message);
      break;
  }
}

// Where a browser wants a hand before it makes noise.
for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, () => stage.unmute());

function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element;
}
