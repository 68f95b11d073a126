/** Chance that is the same at every run of a seed. @returns numbers from 0 up to, not including, 1 (mulberry32) */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Independent chance for each part of a sandbox: how often one of them asks, such as for the traffic that somebody sends, does not change
 * what the others get.
 * @returns the chance of a part by its name
 */
export function seededParts(seed: number): (part: string) => () => number {
  return (part) => seededRandom(hashOf(`${seed}/${part}`));
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
