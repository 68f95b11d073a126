import { stringify } from 'yaml';
import { accessRules, ruleText, type AccessNeed } from '../../core/permissions/access-rules.ts';
import { buildRoles } from '../../core/permissions/build-roles.ts';
import { usageProblem } from '../arguments/build-request.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { compose } from '../compose.ts';
import { ExitCode } from '../exit-codes.ts';
import { count } from '../views/words.ts';

const NEEDS: readonly AccessNeed[] = ['look', 'plan', 'move', 'install', 'gateways', 'helm', 'evict'];

export async function rbacCommand(context: CommandContext, options: { readonly for: string; readonly check?: boolean }): Promise<ExitCode> {
  const need = NEEDS.find((name) => name === options.for);
  if (!need) throw usageProblem([`--for ${options.for}: it must be one of ${NEEDS.join(', ')}`], 'meshlift rbac --help');
  if (options.check === true) return checkAccess(context, need);
  const roles = buildRoles(need, context.options.istioNamespace);
  context.terminal.out(
    context.format === 'json' ? JSON.stringify(roles, null, 2) : roles.map((role) => stringify(role, { lineWidth: 0 })).join('---\n'),
  );
  return ExitCode.done;
}

async function checkAccess(context: CommandContext, need: AccessNeed): Promise<ExitCode> {
  const ports = compose(context.options);
  try {
    const answers = await ports.reader.readAccess(accessRules(need));
    const denied = answers.filter((answer) => !answer.allowed);
    const { terminal } = context;
    if (denied.length === 0) {
      terminal.out(`${terminal.tone('good', '✓')} you have all ${answers.length} permissions for "${need}"`);
      return ExitCode.done;
    }
    terminal.out(
      `${terminal.tone('bad', '✗')} ${count(denied.length, 'permission')} of ${answers.length} for "${need}" ${denied.length === 1 ? 'is' : 'are'} missing`,
    );
    for (const { rule } of denied) terminal.out(`  ${ruleText(rule, context.options.istioNamespace)}   (${rule.why})`);
    terminal.out(`\nNext: have the roles of meshlift rbac --for ${need} bound to you`);
    return ExitCode.failed;
  } finally {
    ports.close();
  }
}
