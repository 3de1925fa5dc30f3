// What box and page say to each other; the other half is box/src/player/messages.rs.

/** What the box says. */
export type FromBox =
  | { type: "hello"; page: string }
  | ({ type: "prepare" } & Item)
  | { type: "show"; play: number }
  | ({ type: "safe" } & Safe);

/** Something to load. A play is one passage of it on air. */
export interface Item {
  play: number;
  url: string;
  kind: "video" | "image";
  seconds: number | null;
  at: number;
}

/** What stands on the screen when there is nothing to play. */
export interface Safe {
  club: string | null;
  language: "fr" | "en" | "es";
  /** Whether a first video is missing, and not only one that can be played. */
  empty: boolean;
}

/** What the page reports. */
export type ToBox =
  | { type: "here"; url: string; at: number }
  | { type: "ready"; play: number; seconds: number | null }
  | { type: "shown"; play: number; at: number }
  | { type: "position"; play: number; at: number }
  | { type: "ended"; play: number }
  | { type: "failed"; play: number; reason: string };
