/** SGR parameters, ECMA-48 section 8.3.117. */
const TONES = { good: 32, bad: 31, warn: 33, dim: 2, bold: 1 } as const;

/** Paints text for a terminal, or leaves it. */
export type Paint = (tone: keyof typeof TONES, text: string) => string;

/** Returns a painter; where colours are not wanted it leaves every text as it is. */
export function painter(color: boolean): Paint {
  return (tone, text) => color ? `\u001b[${TONES[tone]}m${text}\u001b[0m` : text;
}
