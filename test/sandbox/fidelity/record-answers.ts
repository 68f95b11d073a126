/**
 * Records what a real API server answers to the sequences of this folder, for the sandbox to be compared with.
 * Run: node test/sandbox/fidelity/record-answers.ts [AREA[/START_OF_NAME]], with KUBECONFIG of a cluster that may be written to: each sequence works in a namespace
 * of its own, sbx-fid-*, and removes it afterwards.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { playSequence, playTarget, type RequestSequence } from '../../kit/http-player.ts';
import { allSequences } from './sequences/all-sequences.ts';

/** Few at the same time: the cluster has other things to do. */
const PARALLEL = 3;

const wanted = process.argv[2] ?? '';
const target = playTarget(process.env['KUBECONFIG'] ?? '');
const waiting = allSequences.filter(({ area, name }) => wanted === '' || area === wanted || `${area}/${name}`.startsWith(wanted)).values();
let failures = 0;
await Promise.all(Array.from({ length: PARALLEL }, recordNext));
process.exitCode = failures === 0 ? 0 : 1;

async function recordNext(): Promise<void> {
  for (const sequence of waiting) {
    await record(sequence).catch((error: unknown) => {
      failures += 1;
      console.error(`${sequence.area}/${sequence.name}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}

async function record(sequence: RequestSequence): Promise<void> {
  const answers = await playSequence(sequence, target);
  const { about, requests, cleanup } = sequence;
  const id = `${sequence.area}/${sequence.name}`;
  const file = fileURLToPath(new URL(`${id}.json`, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  const text = JSON.stringify({ about, requests, ...(cleanup === undefined ? {} : { cleanup }), answers });
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), parser: 'json' }));
  console.log(`${id}: ${answers.map(({ status }) => String(status)).join(' ')}`);
}
