/** How hard a password is to guess, as far as a page can tell without a list of the common ones: the server has that. */

/** The shortest password, everywhere; the longest, in bytes. */
export const SHORTEST = 8
export const LONGEST = 1024

export type Strength = 'short' | 'weak' | 'fair' | 'good' | 'strong'

/** So many guesses, as powers of two, until it is called so. */
const STEPS: [Strength, number][] = [
  ['strong', 70],
  ['good', 55],
  ['fair', 40],
]

/** Runs of letters that fingers and alphabets make by themselves. */
const RUNS = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'azertyuiop', 'asdfghjkl', 'qsdfghjklm', 'zxcvbnm', 'wxcvbn']

/** `known` are texts that whoever guesses has: the address, the name. */
export function strengthOf(password: string, known: readonly string[] = []): Strength {
  if ([...password].length < SHORTEST) return 'short'
  const bits = lettersThatCount(password, known) * Math.log2(alphabet(password))
  return STEPS.find(([, least]) => bits >= least)?.[0] ?? 'weak'
}

/** How many signs there are to choose from, judging by those that were chosen. */
function alphabet(password: string): number {
  const kinds: [RegExp, number][] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/\d/, 10],
    [/[ -/:-@[-`{-~]/, 33],
    [/[^ -~]/, 60],
  ]
  return kinds.reduce((sum, [kind, size]) => (kind.test(password) ? sum + size : sum), 0)
}

/** What repeats, what follows a run, and what everybody knows of a person counts once. */
function lettersThatCount(password: string, known: readonly string[]): number {
  let text = password.toLowerCase()
  const words = known.flatMap((one) => one.toLowerCase().split(/[^\p{L}\p{N}]+/u)).filter((word) => word.length > 2)
  for (const word of words) text = text.replaceAll(word, '\u0000')
  const letters = [...text]
  return letters.filter((letter, at) => at === 0 || !follows(letters[at - 1] ?? '', letter)).length
}

function follows(before: string, letter: string): boolean {
  if (before === letter) return true
  return RUNS.some((run) => run.includes(before + letter) || run.includes(letter + before))
}
