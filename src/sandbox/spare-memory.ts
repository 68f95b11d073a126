/** What a process with thousands of pods does for its size. A small world is quicker without it. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ObjectStore } from './store/object-store.ts';

/** Between two collections; V8 by itself lets a heap grow to several times of what lives in it. */
const HEAP_GROWING_PERCENT = 50;
/** V8 would let the space of new objects grow to 128 MB; from 32 MB on it is hardly quicker for that. */
const NEW_SPACE_BYTES = 32 * 2 ** 20;
const WRITES_BETWEEN_LOOKS = 32;

/** From now on the heap grows in small steps, and the space of new objects up to a limit, which is looked at after some writes. */
export function growSlowly(store: Pick<ObjectStore, 'subscribe'>): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  let writes = 0;
  const end = store.subscribe(undefined, () => {
    writes += 1;
    if (writes % WRITES_BETWEEN_LOOKS > 0 || newSpaceBytes() < NEW_SPACE_BYTES) return;
    setFlagsFromString('--semi-space-growth-factor=1');
    end();
  });
}

function newSpaceBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}

/** Gives back to the system what is not needed any more. Takes about a second for a gigabyte. */
export function giveBack(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: object) => void;
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
