/** Every sequence by which servers are compared. Their recorded answers lie beside this folder, as `<area>/<name>.json`. */
import type { RequestSequence } from '../../../kit/http-player.ts';
import { accessSequences } from './access-sequences.ts';
import { controlPlaneSequences } from './control-plane-sequences.ts';
import { cornerSequences } from './corner-sequences.ts';
import { discoverySequences } from './discovery-sequences.ts';
import { kindsSequences } from './kinds-sequences.ts';
import { kubectlSequences } from './kubectl-sequences.ts';
import { kubectlVerbSequences } from './kubectl-verb-sequences.ts';
import { meshliftSequences } from './meshlift-sequences.ts';
import { probeSequences } from './probe-sequences.ts';
import { readingSequences } from './reading-sequences.ts';
import { recordSequences } from './record-sequences.ts';
import { refusedSequences } from './refused-sequences.ts';
import { upgradeSequences } from './upgrade-sequences.ts';
import { watchSequences } from './watch-sequences.ts';

export const allSequences: readonly RequestSequence[] = [
  ...meshliftSequences,
  ...upgradeSequences,
  ...controlPlaneSequences,
  ...readingSequences,
  ...probeSequences,
  ...accessSequences,
  ...recordSequences,
  ...kubectlSequences,
  ...kubectlVerbSequences,
  ...cornerSequences,
  ...watchSequences,
  ...kindsSequences,
  ...refusedSequences,
  ...discoverySequences,
];
