/** Istio in a sandbox: the programs of its images, and what applications send their requests with. */
import type { ProgramFactory } from '../cluster/pod-program.ts';
import { createIstiodProgram } from './control-plane/istiod-program.ts';
import { createIstioKnobs, type IstioKnobs, type IstioSettings } from './istio-knobs.ts';
import { createMeshRegistry, type MeshRegistry } from './mesh-registry.ts';
import { createProxyProgram } from './proxy-program.ts';
import { createMeshClient, type MeshClient } from './traffic/mesh-client.ts';

export interface Istio {
  readonly knobs: IstioKnobs;
  /** Images of istiod: `…/pilot:1.28.2`. */
  readonly istiodProgram: ProgramFactory;
  /** Images of the proxy: `…/proxyv2:1.28.2`; sidecars, gateways, and init containers. */
  readonly proxyProgram: ProgramFactory;
  readonly client: MeshClient;
  readonly registry: MeshRegistry;
  /** Closes connections that are kept for later requests. */
  readonly stop: () => void;
}

export function createIstio(settings: Partial<IstioSettings> = {}): Istio {
  const knobs = createIstioKnobs(settings);
  const registry = createMeshRegistry(knobs);
  const client = createMeshClient(registry);
  return {
    knobs,
    istiodProgram: createIstiodProgram(registry),
    proxyProgram: createProxyProgram(registry, client),
    client,
    registry,
    stop: client.stop,
  };
}
