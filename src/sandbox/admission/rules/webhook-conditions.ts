/** Refuses what the sandbox cannot do, rather than doing something else: it evaluates no CEL. */
import { invalid, type FieldError } from '../../objects/status-error.ts';
import { list, records } from '../../resources/json-tree.ts';
import type { AdmissionRule } from '../admission-rule.ts';

const CONFIGURATIONS: ReadonlySet<string> = new Set([
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
]);

/** Webhook configurations with matchConditions are refused (422) when they are written. */
export function webhookConditions(): AdmissionRule {
  return {
    validate: (attributes) => {
      const { object, storage } = attributes;
      if (object === undefined || !CONFIGURATIONS.has(storage)) return;
      const errors = records(object['webhooks']).flatMap((webhook, index): FieldError[] => {
        if (list(webhook['matchConditions']).length === 0) return [];
        const field = `webhooks[${index}].matchConditions`;
        return [{ reason: 'FieldValueForbidden', field, message: 'Forbidden: the sandbox does not evaluate CEL expressions' }];
      });
      if (errors.length > 0) throw invalid(attributes, object.metadata.name, errors);
    },
  };
}
