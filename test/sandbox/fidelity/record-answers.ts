/**
 * Records what a real API server answers to the sequences of this folder, for the sandbox to be compared with.
 * Run: node test/sandbox/fidelity/record-answers.ts [AREA[/NAME]], with KUBECONFIG of a cluster that may be written to: each sequence works in a namespace
 * of its own, sbx-fidelity-*, and removes it afterwards.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { playSequence, playTarget } from '../../kit/http-player.ts';
import { allSequences } from './sequences/all-sequences.ts';

const wanted = process.argv[2] ?? '';
const target = playTarget(process.env['KUBECONFIG'] ?? '');
let failures = 0;
for (const sequence of allSequences) {
  const id = `${sequence.area}/${sequence.name}`;
  if (wanted !== '' && id !== wanted && sequence.area !== wanted) continue;
  try {
    const answers = await playSequence(sequence, target);
    const { about, requests, cleanup } = sequence;
    const file = fileURLToPath(new URL(`${id}.json`, import.meta.url));
    mkdirSync(dirname(file), { recursive: true });
    const text = JSON.stringify({ about, requests, ...(cleanup === undefined ? {} : { cleanup }), answers });
    writeFileSync(file, await format(text, { ...(await resolveConfig(file)), parser: 'json' }));
    console.log(`${id}: ${answers.map(({ status }) => String(status)).join(' ')}`);
  } catch (error) {
    failures += 1;
    console.error(`${id}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
process.exitCode = failures === 0 ? 0 : 1;
