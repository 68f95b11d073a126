/** Problems that every look at a mesh can meet. */
import { Problem } from '../problems/problem.ts';
import type { MeshInventory, Tag } from './mesh-inventory.ts';

export function noIstio(inventory: MeshInventory): Problem {
  return new Problem('MESH-001', {
    what: `No istiod was found in ${inventory.clusterName}.`,
    why: 'Meshlift installs the next control plane beside a running one.',
    next: [
      { label: 'another cluster', command: 'kubectl config get-contexts' },
      { label: 'a first Istio', command: 'istioctl install' },
    ],
  });
}

export function unknownRevision(name: string, inventory: MeshInventory): Problem {
  const known = inventory.revisions.map((r) => r.name);
  const tags = inventory.tags.map((t) => t.name);
  return new Problem('MESH-002', {
    what: `${name} is neither a revision nor a tag of this mesh.`,
    why: `Revisions: ${known.join(', ') || 'none'}. Tags: ${tags.join(', ') || 'none'}.`,
    next: [{ label: 'look', command: 'meshlift status' }],
  });
}

/** Where a revision is asked for, the name of a tag is none. */
export function tagNotRevision(tag: Tag): Problem {
  return new Problem('MESH-002', {
    what: `${tag.name} is a tag, not a revision; it points to ${tag.revision}.`,
    why: 'What keeps a control plane is asked by its own name; who follows a tag is in the list of tags.',
    next: [
      { label: 'the revision', command: `meshlift in-use ${tag.revision}` },
      { label: 'the tag', command: 'meshlift tag list -o wide' },
    ],
  });
}
