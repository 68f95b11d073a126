/** `meshlift --help` against `kubectl --help`. */
import { fileURLToPath } from 'node:url';
import { compare, report } from './measure.ts';

const meshlift = fileURLToPath(new URL('../bin/meshlift', import.meta.url));
report(
  'help',
  compare(
    [
      { name: 'meshlift --help', commands: [[meshlift, '--help']] },
      { name: 'kubectl --help', commands: [['kubectl', '--help']] },
    ],
    25,
  ),
  1.3,
);
