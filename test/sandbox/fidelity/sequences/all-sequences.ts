/** Every sequence by which servers are compared. Their recorded answers lie beside this folder, as `<area>/<name>.json`. */
import type { RequestSequence } from '../../../kit/http-player.ts';
import { kubectlSequences } from './kubectl-sequences.ts';
import { meshliftSequences } from './meshlift-sequences.ts';
import { watchSequences } from './watch-sequences.ts';

export const allSequences: readonly RequestSequence[] = [...meshliftSequences, ...kubectlSequences, ...watchSequences];
