/** Which resources are served now: the built-in ones and those of custom resource definitions. */
import type { GroupResource } from '../objects/kube-object.ts';
import type { ResourceDefinition } from '../resources/resource-definition.ts';

export class ResourceRegistry {
  readonly #builtIn: readonly ResourceDefinition[];
  readonly #custom = new Map<string, readonly ResourceDefinition[]>();
  #byPath = new Map<string, ResourceDefinition>();
  #byStorage = new Map<GroupResource, readonly ResourceDefinition[]>();
  #customOnes = new Set<ResourceDefinition>();
  #revision = 0;

  constructor(builtIn: readonly ResourceDefinition[]) {
    this.#builtIn = builtIn;
    this.#rebuild();
  }

  /** Changes whenever other resources are served than before. */
  get revision(): number {
    return this.#revision;
  }

  find(group: string, version: string, resource: string): ResourceDefinition | undefined {
    return this.#byPath.get(`${group}/${version}/${resource}`);
  }

  /** All that is served, built-in resources first, then custom ones by the name of their definition. */
  all(): readonly ResourceDefinition[] {
    return [...this.#byPath.values()];
  }

  /**
   * The resource under which objects are stored, in a version.
   * @param apiVersion absent for the version that is stored
   */
  byStorage(storage: GroupResource, apiVersion?: string): ResourceDefinition | undefined {
    const served = this.#byStorage.get(storage);
    return served?.find((each) => apiVersionOf(each) === (apiVersion ?? each.storageApiVersion)) ?? served?.[0];
  }

  /** All versions that are served of what is stored under a key. */
  versionsOf(storage: GroupResource): readonly ResourceDefinition[] {
    return this.#byStorage.get(storage) ?? [];
  }

  byKind(apiVersion: string, kind: string): ResourceDefinition | undefined {
    return this.all().find((each) => each.kind === kind && apiVersionOf(each) === apiVersion);
  }

  isCustom(definition: ResourceDefinition): boolean {
    return this.#customOnes.has(definition);
  }

  hasGroupVersion(group: string, version: string): boolean {
    return this.all().some((each) => each.group === group && each.version === version);
  }

  /** Serves the resources of a custom resource definition in place of those that it had before. */
  setCustom(name: string, definitions: readonly ResourceDefinition[]): void {
    if (definitions.length === 0) this.#custom.delete(name);
    else this.#custom.set(name, definitions);
    this.#rebuild();
  }

  #rebuild(): void {
    const custom = [...this.#custom].toSorted(([left], [right]) => (left < right ? -1 : 1)).flatMap(([, definitions]) => definitions);
    this.#customOnes = new Set(custom);
    this.#byPath = new Map();
    this.#byStorage = new Map();
    for (const each of [...this.#builtIn, ...custom]) {
      this.#byPath.set(`${each.group}/${each.version}/${each.resource}`, each);
      this.#byStorage.set(each.storage, [...(this.#byStorage.get(each.storage) ?? []), each]);
    }
    this.#revision += 1;
  }
}

export function apiVersionOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}
