/** CRDs. @source k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go of 1.34; the main rules */
import type { KubeObject } from '../../objects/kube-object.ts';
import { validateBySchema } from '../custom/schema-validation.ts';
import { forbidden, invalidValue, required } from '../field-errors.ts';
import { at, isRecord, list, record, records, text, type Json } from '../json-tree.ts';
import { each, follows, NONE, needed, oneOf, type Errors } from './check.ts';
import { dns1035Label, subdomain } from './name-rules.ts';
import { immutable } from './workload-validation.ts';
import { clientErrors } from './webhook-validation.ts';

export function validateCrd(next: KubeObject, previous: KubeObject | undefined): Errors {
  const spec = record(next['spec']);
  const names = record(spec['names']);
  const versions = records(spec['versions']);
  const expected = `${text(names['plural'])}.${text(spec['group'])}`;
  return [
    // Group and plural cannot change any more then, which is said instead.
    ...(previous !== undefined || next.metadata.name === expected
      ? NONE
      : [invalidValue('metadata.name', next.metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...groupErrors(text(spec['group'])),
    ...oneOf('spec.scope', spec['scope'] ?? '', ['Cluster', 'Namespaced']),
    ...versionsErrors(versions, next),
    ...nameErrors(names),
    ...versions.flatMap((version, index) => versionErrors(version, index, versions)),
    ...conversionErrors(record(spec['conversion'])),
    ...(spec['preserveUnknownFields'] === true
      ? [
          invalidValue(
            'spec.preserveUnknownFields',
            true,
            'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
          ),
        ]
      : NONE),
    ...approvalErrors(next, text(spec['group'])),
    ...(previous === undefined ? NONE : [...versionsStillStored(previous, versions), ...updateErrors(spec, previous)]),
  ];
}

/** What is stored in a version cannot be read without it. */
function versionsStillStored(previous: KubeObject, versions: readonly Json[]): Errors {
  const names = new Set(versions.map((version) => text(version['name'])));
  return list(at(previous, 'status', 'storedVersions')).flatMap((stored, index) => {
    const name = text(stored);
    const detail = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    return names.has(name) ? NONE : [invalidValue(`status.storedVersions[${index}]`, name, detail)];
  });
}

function groupErrors(group: string): Errors {
  if (group === '') return [required('spec.group')];
  const form = follows(subdomain, 'spec.group', group);
  if (form.length > 0) return form;
  return group.includes('.') ? NONE : [invalidValue('spec.group', group, 'should be a domain with at least one dot')];
}

/** @returns whether a group belongs to Kubernetes, so that its CRDs need somebody's approval */
function isProtected(group: string): boolean {
  return group === 'k8s.io' || group === 'kubernetes.io' || group.endsWith('.k8s.io') || group.endsWith('.kubernetes.io');
}

function approvalErrors(crd: KubeObject, group: string): Errors {
  const approved = text(crd.metadata.annotations?.['api-approved.kubernetes.io']);
  if (!isProtected(group) || approved !== '') return NONE;
  const detail =
    'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111';
  return [required('metadata.annotations[api-approved.kubernetes.io]', detail)];
}

/** Versions as the server prints them when it refuses their list: schema and columns are looked at elsewhere. */
function printed(versions: readonly Json[]): readonly Json[] {
  return versions.map((version) => ({
    Name: version['name'],
    Served: version['served'] === true,
    Storage: version['storage'] === true,
    Deprecated: version['deprecated'] === true,
    DeprecationWarning: version['deprecationWarning'] ?? null,
    Schema: null,
    Subresources: null,
    AdditionalPrinterColumns: null,
    SelectableFields: null,
  }));
}

function versionsErrors(versions: readonly Json[], crd: KubeObject): Errors {
  const names = versions.map((version) => text(version['name']));
  const stored = versions.filter((version) => version['storage'] === true).length;
  const unique = new Set(names).size === names.length;
  return [
    ...names.flatMap((name, index) => follows(dns1035Label, `spec.versions[${index}].name`, name)),
    ...(unique ? NONE : [invalidValue('spec.versions', printed(versions), 'must contain unique version names')]),
    ...names.slice(0, 1).flatMap((name) => follows(dns1035Label, 'spec.version', name)),
    ...(stored === 1
      ? NONE
      : [invalidValue('spec.versions', printed(versions), 'must have exactly one version marked as storage version')]),
    ...storedErrors(list(at(crd, 'status', 'storedVersions')), versions),
  ];
}

/** What is stored must be known; with two versions that claim to be stored the server knows none. */
function storedErrors(storedVersions: readonly unknown[], versions: readonly Json[]): Errors {
  const field = 'status.storedVersions';
  if (storedVersions.length === 0) return [invalidValue(field, null, 'must have at least one stored version')];
  const stored = versions.filter((version) => version['storage'] === true).map((version) => text(version['name']));
  return stored
    .slice(1)
    .filter((name) => storedVersions.includes(name))
    .map((name) => invalidValue(field, storedVersions.slice(0, 1), `must have the storage version ${name}`));
}

function nameErrors(names: Json): Errors {
  const mixed = (field: string): Errors =>
    dns1035Label(text(names[field]).toLowerCase()).map((detail) =>
      invalidValue(`spec.names.${field}`, names[field], `may have mixed case, but should otherwise match: ${detail}`),
    );
  const kind = text(names['kind']);
  return [
    ...(text(names['plural']) === '' ? [required('spec.names.plural')] : follows(dns1035Label, 'spec.names.plural', text(names['plural']))),
    ...(text(names['singular']) === '' ? NONE : follows(dns1035Label, 'spec.names.singular', text(names['singular']))),
    ...(kind === '' ? [required('spec.names.kind')] : mixed('kind')),
    ...(text(names['listKind']) === '' ? [required('spec.names.listKind')] : mixed('listKind')),
    ...(kind !== '' && kind === names['listKind']
      ? [invalidValue('spec.names.listKind', kind, 'kind and listKind may not be the same')]
      : NONE),
    ...['shortNames', 'categories'].flatMap((field) =>
      list(names[field]).flatMap((name, index) => follows(dns1035Label, `spec.names.${field}[${index}]`, text(name))),
    ),
  ];
}

/** With one version the server has moved what belongs to it to the top of the spec, and names it there. */
function versionErrors(version: Json, index: number, versions: readonly Json[]): Errors {
  const own = `spec.versions[${index}]`;
  const single = versions.length === 1;
  const path = single ? 'spec' : own;
  const schema = at(version, 'schema', 'openAPIV3Schema');
  const schemaPath = single ? 'spec.validation.openAPIV3Schema' : `${own}.schema.openAPIV3Schema`;
  return [
    ...(isRecord(schema) ? rootErrors(schema, schemaPath) : [required(`${own}.schema.openAPIV3Schema`)]),
    ...each(`${path}.additionalPrinterColumns`, version['additionalPrinterColumns'], columnErrors),
    ...scaleErrors(at(version, 'subresources', 'scale'), `${path}.subresources.scale`),
  ];
}

function columnErrors(column: Json, path: string): Errors {
  const types = ['boolean', 'date', 'integer', 'number', 'string'];
  const type = text(column['type']);
  return [
    ...needed(`${path}.name`, column['name']),
    ...(type === '' ? [required(`${path}.type`, `must be one of ${types.join(',')}`)] : NONE),
    ...(type === '' || types.includes(type) ? NONE : [invalidValue(`${path}.type`, type, `must be one of ${types.join(',')}`)]),
    ...(text(column['jsonPath']) === '' ? [required(`${path}.JSONPath`)] : simplePath(column['jsonPath'], `${path}.JSONPath`)),
  ];
}

function simplePath(path: unknown, field: string): Errors {
  return text(path).startsWith('.') ? NONE : [invalidValue(field, path, 'must be a simple json path starting with .')];
}

function scaleErrors(scale: unknown, path: string): Errors {
  if (!isRecord(scale)) return NONE;
  return ['specReplicasPath', 'statusReplicasPath'].flatMap((field) =>
    text(scale[field]) === '' ? [required(`${path}.${field}`)] : simplePath(scale[field], `${path}.${field}`),
  );
}

function conversionErrors(conversion: Json): Errors {
  const strategy = text(conversion['strategy']);
  if (strategy !== 'Webhook') return oneOf('spec.conversion.strategy', strategy, ['None', 'Webhook']);
  const webhook = record(conversion['webhook']);
  const client = webhook['clientConfig'];
  return [
    ...(isRecord(client)
      ? clientErrors(client, 'spec.conversion.webhookClientConfig')
      : [required('spec.conversion.webhookClientConfig', 'required when strategy is set to Webhook')]),
    ...needed('spec.conversion.conversionReviewVersions', list(webhook['conversionReviewVersions'])),
  ];
}

function updateErrors(spec: Json, previous: KubeObject): Errors {
  const before = record(previous['spec']);
  return [
    ...immutable('spec.group', spec['group'], before['group']),
    ...immutable('spec.names.plural', at(spec, 'names', 'plural'), at(before, 'names', 'plural')),
    ...immutable('spec.scope', spec['scope'], before['scope']),
    ...immutable('spec.names.kind', at(spec, 'names', 'kind'), at(before, 'names', 'kind')),
  ];
}

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

function rootErrors(schema: Json, path: string): Errors {
  const type = text(schema['type']);
  const free = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (type === '' && !free) return [required(`${path}.type`, 'must not be empty at the root')];
  if (type === '') return [required(`${path}.type`, 'must not be empty at the root')];
  if (type !== 'object') return [invalidValue(`${path}.type`, type, 'must be object at the root')];
  return structureErrors(schema, path);
}

function structureErrors(schema: Json, path: string): Errors {
  const { properties, items, additionalProperties, pattern, default: fallback } = schema;
  const both = isRecord(properties) && Object.keys(properties).length > 0 && isRecord(additionalProperties);
  return [
    ...(both ? [forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive')] : NONE),
    ...(typeof pattern === 'string' ? patternErrors(pattern, `${path}.pattern`) : NONE),
    ...(schema['type'] === 'array' && !isRecord(items) ? [required(`${path}.items`, 'must be specified')] : NONE),
    ...Object.entries(record(properties)).flatMap(([name, property]) =>
      nestedErrors(record(property), `${path}.properties[${name}]`, 'object fields'),
    ),
    ...(isRecord(additionalProperties) && !both ? nestedErrors(additionalProperties, `${path}.additionalProperties`, 'map values') : NONE),
    ...(isRecord(items) ? nestedErrors(items, `${path}.items`, 'array items') : NONE),
    ...(fallback === undefined ? NONE : defaultErrors(schema, path)),
  ];
}

function nestedErrors(schema: Json, path: string, place: string): Errors {
  const type = text(schema['type']);
  const typeless = schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (type === '' && !typeless) return [required(`${path}.type`, `must not be empty for specified ${place}`)];
  const known = type === '' || TYPES.includes(type) ? NONE : oneOf(`${path}.type`, type, TYPES);
  return known.length > 0 ? known : structureErrors(schema, path);
}

function patternErrors(pattern: string, field: string): Errors {
  try {
    new RegExp(pattern.replace(/^\(\?[a-z]+\)/, ''));
    return NONE;
  } catch {
    const open = pattern.split('(').length > pattern.split(')').length ? `missing closing ): \`${pattern}\`` : `invalid: \`${pattern}\``;
    return [invalidValue(field, pattern, `must be a valid regular expression, but isn't: error parsing regexp: ${open}`)];
  }
}

/** Defaults must hold by the schema that they are in. */
function defaultErrors(schema: Json, path: string): Errors {
  const errors = validateBySchema({ type: 'object', properties: { '': schema } }, { '': schema['default'] });
  return errors.map((error) => ({ ...error, field: `${path}.default${error.field}`, message: error.message }));
}
