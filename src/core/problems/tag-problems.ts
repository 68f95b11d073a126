/** Problems with tags: part of the catalogue, which says what the fields mean. */
const failed = 1;
const usage = 2;
const refused = 3;

export const tagProblems = {
  'TAGS-001': {
    exit: usage,
    title: 'The tag does not exist',
    meaning: 'No webhook configuration carries that tag.',
    remedy: 'meshlift tag list shows the tags of the mesh.',
  },
  'TAGS-002': {
    exit: usage,
    title: 'The name of the tag is not valid',
    meaning:
      'A tag is the value of a label and part of the names of its objects: lower case letters, digits and dashes, no dots, at most 43 characters.',
    remedy: 'Usual names are prod-stable and prod-canary.',
  },
  'TAGS-003': {
    exit: refused,
    title: 'The tag is named like a revision',
    meaning: 'A control plane of that name exists. Namespaces label themselves with either, so that both would inject the same pods.',
    remedy: 'Choose another name.',
  },
  'TAGS-004': {
    exit: refused,
    title: 'The tag exists already',
    meaning: 'The tag points to another revision. Moving it changes what its namespaces get.',
    remedy: 'Pass --overwrite to move it, after reading what that moves.',
  },
  'TAGS-005': {
    exit: refused,
    title: 'The tag belongs to a Helm release',
    meaning:
      'A release has the tag among its revisionTags. Written directly, it would be set back by the next helm upgrade of that release.',
    remedy: 'Run the command in the message; a plan with --with helm moves the tag and hands it over to the release of the new revision.',
  },
  'TAGS-006': {
    exit: refused,
    title: 'The tag is written by a GitOps tool',
    meaning: 'The tool would set the tag back as soon as it looks.',
    remedy: 'Commit the change where the tool reads it.',
  },
  'TAGS-007': {
    exit: refused,
    title: 'The revision cannot take a tag',
    meaning:
      'A tag copies the webhooks of its revision. There must be exactly one configuration, with a CA bundle, its Service, and ready istiod pods behind it; otherwise pods that follow the tag are refused.',
    remedy: 'The message names the missing piece. Mend it first.',
  },
  'TAGS-008': {
    exit: refused,
    title: 'The tag is used',
    meaning:
      'Namespaces, pods or gateways follow the tag. Without it their next pods get no sidecar, without any error. There is no way to force it.',
    remedy: 'Relabel what the message names, or move the tag to another revision with meshlift tag set.',
  },
  'TAGS-009': {
    exit: failed,
    title: 'A tag was not moved',
    meaning: 'The objects of the tag do not show the wanted state, or somebody pointed the tag elsewhere in between.',
    remedy: 'meshlift tag list shows where it points; then resume, roll back, or set it again.',
  },
  'TAGS-010': {
    exit: refused,
    title: 'Workloads that were not moved follow the tag',
    meaning:
      'Moving the tag would give them the new revision at their next restart, without anybody having looked at them. A plan moves a tag only after everything behind it.',
    remedy: 'Move them with another plan, or leave the tags where they point with --keep-tags.',
  },
  'TAGS-011': {
    exit: refused,
    title: 'Nobody else would be the default',
    meaning: 'Without the tag default nothing serves istio-injection=enabled: the next pods there get no sidecar, without any error.',
    remedy: 'Move it with meshlift tag set default --revision REVISION instead.',
  },
} as const;
