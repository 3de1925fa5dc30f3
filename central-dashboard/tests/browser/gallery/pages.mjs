// What is looked at: every page, and the states that it can be in.

export const LANGUAGES = ["fr", "en", "es"];
export const LOCALES = { fr: "fr-FR", en: "en-GB", es: "es-ES" };
export const THEMES = ["light", "dark"];
export const WIDTHS = [360, 834, 1440];

/** An id that nothing has. */
const NOBODY = "01a2140d-1e46-777d-ae1d-fcbbe9c1485a";

/**
 * `lists` are pages that are empty on a new server, `search` makes such a list find nothing, `writes` those that a
 * viewer may not open, `read` those that look otherwise to a viewer, `still` those that ask for nothing, `twin` those that another page stands for unless there is
 * something to show, `shows` what has to be read there then.
 */
export const PAGES = [
  { name: "login", at: "/login", out: true, still: true },
  { name: "mot-de-passe-oublie", at: "/forgot-password", out: true, still: true },
  { name: "lien-invalide", at: "/reset-password?token=nothing-is-here", out: true, still: true },
  { name: "premier-compte-refuse", at: "/setup?token=nothing-is-here", out: true, still: true },
  { name: "compte", at: "/profile", read: true },
  { name: "parc", at: "/dashboard", lists: true, read: true, shows: "deployments" },
  { name: "sites", at: "/sites", lists: true, search: "search", shows: "clubs" },
  { name: "ajouter-un-club", at: "/sites/new", writes: true, still: true },
  { name: "site", at: "/sites/$site/apercu", shows: "site" },
  { name: "site-hors-ligne", at: "/sites/$offline/apercu", twin: true, shows: "clubs" },
  { name: "site-jamais-vu", at: "/sites/$never/apercu", twin: true, shows: "clubs" },
  { name: "alertes", at: "/alerts", lists: true, read: true, shows: "video" },
  { name: "groupes", at: "/groups", lists: true, shows: "group" },
  { name: "groupe", at: "/groups/$group", read: true, shows: "group" },
  { name: "videotheque", at: "/content", lists: true, search: "search", read: true, shows: "video" },
  { name: "video", at: "/content/$video", read: true, shows: "video" },
  { name: "envoi", at: "/send?videos=$video&groups=$group", lists: true, writes: true, shows: "group" },
  { name: "deploiements", at: "/deployments", lists: true, search: "search", shows: "deployments" },
  { name: "deploiement", at: "/deployments/$deployment", shows: "deployments" },
  { name: "deploiement-programme", at: "/deployments/$scheduled", twin: true, shows: "deployments" },
  { name: "utilisateurs", at: "/admin/users", search: "search", writes: true, shows: "people" },
  { name: "agences", at: "/admin/agencies", lists: true, search: "search", writes: true, shows: "agency" },
  { name: "agence", at: "/admin/agencies/$agency", writes: true, shows: "agency" },
  { name: "journal", at: "/admin/audit", search: "search", writes: true, shows: "acts" },
  { name: "securite", at: "/admin/security", writes: true },
  { name: "reglages-des-alertes", at: "/admin/alerts", writes: true },
  { name: "stockage", at: "/admin/storage", writes: true },
  { name: "diagnostic", at: "/admin/doctor", writes: true },
  { name: "interdit", at: "/forbidden", still: true },
  { name: "introuvable", at: "/nothing-is-here", still: true },
];

/** Which pages are looked at in a state. */
export const IN_STATE = {
  seeded: () => true,
  empty: (page) => page.lists,
  filtered: (page) => page.search,
  loading: (page) => !page.still && !page.twin,
  error: (page) => !page.still && !page.twin,
  forbidden: (page) => page.writes,
  viewer: (page) => page.read,
  gone: (page) => page.at.includes("/$") && !page.twin,
};

/** The address of a page, with ids in it. */
export function address(page, state, places) {
  if (state === "empty") return page.at.split("?")[0];
  if (state === "filtered") return `${page.at}?${page.search}=zzyzx`;
  return page.at.replace(/\$(\w+)/g, (_, word) => (state === "gone" ? NOBODY : places[word]));
}

/** A generator of which the same seed gives the same pictures. */
function random(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/**
 * Every picture that is wanted. A slice has every page in every state once, in one of three looks that are drawn for the
 * state: each look is a browser that has to be opened.
 */
export function wanted(states, whole, seed) {
  const chance = random(seed);
  const draw = (list) => list[Math.floor(chance() * list.length)];
  const all = [];
  for (const state of states) {
    const pages = PAGES.filter(IN_STATE[state]);
    if (whole) {
      for (const theme of THEMES)
        for (const width of WIDTHS)
          for (const language of LANGUAGES) for (const page of pages) all.push({ state, theme, width, language, page });
      continue;
    }
    const looks = [0, 1, 2].map(() => ({ theme: draw(THEMES), width: draw(WIDTHS), language: draw(LANGUAGES) }));
    for (const page of pages) all.push({ state, ...draw(looks), page });
  }
  return all;
}

/** What pictures of one browser have in common. */
export const look = ({ state, theme, width, language, page }) =>
  [state, theme, width, language, page.out ?? false].join(" ");
