import { refusing } from '../../core/findings/run-checks.ts';
import { checkMesh } from '../../flows/check-mesh.ts';
import { buildRequest, type RequestOptions } from '../arguments/build-request.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { compose } from '../compose.ts';
import { ExitCode } from '../exit-codes.ts';
import { renderCheck } from '../views/check-text.ts';
import { isStructured, renderStructured } from '../views/structured.ts';

export async function checkCommand(context: CommandContext, options: RequestOptions): Promise<ExitCode> {
  const request = buildRequest('upgrade', options, context.options.namespace);
  const ports = compose(context.options);
  try {
    const { report, from, to } = await checkMesh(ports, request);
    if (isStructured(context.format)) context.terminal.out(renderStructured({ from, to, ...report }, context.format));
    else context.terminal.out(renderCheck(report, { from, to }, context.terminal));
    return refusing(report).length > 0 ? ExitCode.failed : ExitCode.done;
  } finally {
    ports.close();
  }
}
