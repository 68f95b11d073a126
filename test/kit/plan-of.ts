/** Plans from a mesh that a test built, without a cluster and without an installer. */
import { createHash } from 'node:crypto';
import { carryOver } from '../../src/core/controlplane/carry-over.ts';
import { classifyRendered } from '../../src/core/controlplane/classify-rendered.ts';
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';
import { buildPlan, type PlanInput } from '../../src/core/plan/build-plan.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import { resolveEndpoints } from '../../src/core/plan/resolve-endpoints.ts';
import type { Step } from '../../src/core/plan/step.ts';
import { Problem } from '../../src/core/problems/problem.ts';
import { upgradeRequestSchema } from '../../src/core/request/upgrade-request.ts';
import { controlPlaneObjects } from './istio-objects.ts';
import type { MeshBuilder } from './mesh-builder.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface PlanOptions {
  readonly rendered?: readonly KubeObject[];
  readonly liveCrds?: readonly KubeObject[];
  readonly more?: Partial<PlanInput>;
}

/** What the core makes of a mesh and a request: `upgrade` to 1.29.1 as canary, with istioctl, unless it says otherwise. */
export function planned(mesh: MeshBuilder, request: Record<string, unknown> = {}, options: PlanOptions = {}): Plan | Problem {
  const parsed = upgradeRequestSchema.parse({ to: { revision: 'canary', version: '1.29.1' }, install: { with: 'istioctl' }, ...request });
  const objects = mesh.objects();
  const inventory = mesh.inventory();
  const endpoints = resolveEndpoints(parsed, inventory);
  if (endpoints instanceof Problem) return endpoints;
  const installs = !endpoints.installed && endpoints.to !== undefined;
  const objectsToCome = options.rendered ?? controlPlaneObjects({ revision: endpoints.to?.revision ?? '', version: '1.29.1' });
  const built = buildPlan({
    request: parsed,
    objects,
    inventory,
    endpoints,
    ...(installs ? { rendered: classifyRendered(objectsToCome), carry: carryOver({}, {}, [], true) } : {}),
    pins: [],
    liveCrds: options.liveCrds ?? [],
    candidates: mesh.candidates(),
    createdAt: '2026-03-01T12:00:00Z',
    createdBy: 'tester',
    sha256,
    ...options.more,
  });
  return built instanceof Problem ? built : built.plan;
}

/** The plan itself, where a problem would be a mistake of the test. */
export function planOf(mesh: MeshBuilder, request: Record<string, unknown> = {}, options: PlanOptions = {}): Plan {
  const plan = planned(mesh, request, options);
  if (plan instanceof Problem) throw plan;
  return plan;
}

/** Steps as lines: what people look at first. */
export function stepLines(plan: Plan): string[] {
  return plan.steps.map((step: Step) => `${step.phase} ${step.id}: ${step.title}`);
}
