/**
 * Records what real istiods make of the injection cases, for the sandbox and for Meshlift's own reading to be compared with.
 * Run: node test/sandbox/injection/record-injections.ts CHARTS [PODS], with KUBECONFIG of a cluster without Istio that may be written
 * to, and kubectl, helm, istioctl-1.28.2 and istioctl-1.29.1 on PATH. CHARTS is a folder with Istio's charts by version; to a folder
 * PODS whole pods are written. Namespaces are sbx-inj-* and istio-system; everything is removed afterwards.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { playTarget } from '../../kit/http-player.ts';
import { InjectionPlayer, type PlayedCase } from '../../kit/injection-player.ts';
import { packAnswers } from '../../kit/injection-recording.ts';
import { settledPod, type AnsweredPod } from '../../kit/injection-answer.ts';
import { casesOf, setUps, type SetUp } from './set-ups.ts';

const [charts = '', podsFolder] = process.argv.slice(2);
const LONGEST_COMMAND_MS = 180_000;
const LOOKS = 120;

function run(command: string): string {
  console.log(`+ ${command}`);
  const [program = '', ...args] = command.replaceAll(/\{charts-([\d.]+)\}/g, `${charts}/$1`).split(' ');
  return execFileSync(program, args, { encoding: 'utf8', timeout: LONGEST_COMMAND_MS, stdio: ['ignore', 'pipe', 'inherit'] });
}

function tryTo(command: string): void {
  try {
    run(command);
  } catch (error) {
    console.error(String(error));
  }
}

const crds = (): readonly string[] => run('kubectl get customresourcedefinitions -o name').split('\n').filter(Boolean);

/** istiods write their certificate into their webhooks themselves. */
async function untilCallable(): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    const list = JSON.parse(run('kubectl get mutatingwebhookconfigurations -l app=sidecar-injector -o json')) as {
      readonly items: readonly { readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string } }[] }[];
    };
    const bundles = list.items.flatMap(({ webhooks }) => webhooks.map(({ clientConfig }) => clientConfig.caBundle ?? ''));
    if (bundles.length > 0 && !bundles.includes('')) break;
    await sleep(500);
  }
  await sleep(2000);
}

async function record(setUp: SetUp, player: InjectionPlayer): Promise<void> {
  for (const command of setUp.commands) run(command);
  await untilCallable();
  const cases = casesOf(setUp);
  const played = await player.play(cases);
  const file = fileURLToPath(new URL(`recorded/${setUp.name}.json`, import.meta.url));
  const text = JSON.stringify(
    packAnswers(
      cases,
      played.map(({ answer }) => answer),
    ),
  );
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), parser: 'json' }));
  if (podsFolder !== undefined) writePods(podsFolder, played);
  const count = (kind: string): string => String(played.filter(({ answer }) => answer.kind === kind).length);
  console.log(`${setUp.name}: ${count('injected')} injected, ${count('not-injected')} not, ${count('refused')} refused`);
}

function writePods(folder: string, played: readonly PlayedCase[]): void {
  for (const { played: each, answer, body } of played) {
    mkdirSync(join(folder, each.name, '..'), { recursive: true });
    const pod = answer.kind === 'refused' ? body : settledPod(each.pod, body as AnsweredPod);
    writeFileSync(join(folder, `${each.name}.json`), JSON.stringify({ sent: each.pod, pod }, null, 1));
  }
}

const player = new InjectionPlayer(playTarget(process.env['KUBECONFIG'] ?? ''));
const crdsBefore = crds();
try {
  await player.openNamespaces();
  for (const setUp of setUps) await record(setUp, player);
} finally {
  await player.closeNamespaces();
  player.close();
  tryTo('helm uninstall istiod -n istio-system --ignore-not-found');
  tryTo('helm uninstall istiod-1-29-1 -n istio-system --ignore-not-found');
  tryTo('istioctl-1.29.1 uninstall --purge -y');
  tryTo('kubectl delete mutatingwebhookconfigurations -l app=sidecar-injector');
  tryTo('kubectl delete validatingwebhookconfigurations -l app=istiod');
  const left = crds().filter((name) => !crdsBefore.includes(name));
  if (left.length > 0) tryTo(`kubectl delete ${left.join(' ')}`);
  tryTo('kubectl delete namespace istio-system --ignore-not-found');
}
