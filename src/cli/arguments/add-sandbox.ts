/** The commands of the sandbox and the demo. */
import { Option, type Command } from 'commander';
import type { CommandContext } from './global-options.ts';

export interface SandboxStartOptions {
  readonly name: string;
  readonly scenario: string;
  readonly port: string;
  readonly speed: string;
  readonly seed: string;
  readonly foreground?: boolean;
}

export interface SandboxNameOptions {
  readonly name: string;
}

export interface ManifestsOptions {
  readonly revision: string;
  readonly version: string;
}

export interface TroubleOptions extends SandboxNameOptions {
  readonly off?: boolean;
  readonly set?: readonly string[];
}

export interface DemoOptions {
  readonly keep?: boolean;
}

type Run = (command: Command, perform: (context: CommandContext) => Promise<number> | number) => Promise<void>;

function gather(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

export function addSandbox(program: Command, run: Run): void {
  const sandboxCommands = async (): Promise<typeof import('../commands/sandbox.ts')> => import('../commands/sandbox.ts');
  program.commandsGroup('Sandbox');
  const sandbox = program.command('sandbox').helpCommand(false).description('a cluster with Istio in one process of this machine');
  const named = (command: Command): Command => command.addOption(new Option('--name <name>', 'which sandbox').default('default'));
  named(sandbox.command('start'))
    .description('starts one in the background, and says how to reach it')
    .option(
      '--scenario <name>',
      'what is in it: bookinfo[:TAG,…], empty, or big[:NAMESPACESxWORKLOADS[xREPLICAS][,plain]]; plain is without Istio',
      'bookinfo',
    )
    .option('--port <number>', 'port of the API server; 0 for a free one', '0')
    .option('--speed <factor>', 'how fast its time passes: 1 real time, 10 ten times faster, virtual as fast as it can', '1')
    .option('--seed <number>', 'what chance begins with', '1')
    .option('--foreground', 'stay in the foreground; Ctrl-C stops it')
    .action(async (options: SandboxStartOptions, command: Command) =>
      run(command, async (context) => (await sandboxCommands()).startCommand(context, options)),
    );
  named(sandbox.command('stop'))
    .description('stops it; what was in it is gone')
    .action(async (options: SandboxNameOptions, command: Command) =>
      run(command, async (context) => (await sandboxCommands()).stopCommand(context, options)),
    );
  sandbox
    .command('status')
    .description('sandboxes that run on this machine')
    .action(async (_options: object, command: Command) =>
      run(command, async (context) => (await sandboxCommands()).sandboxStatusCommand(context)),
    );
  named(sandbox.command('kubeconfig'))
    .description('path of its kubeconfig')
    .action(async (options: SandboxNameOptions, command: Command) =>
      run(command, async (context) => (await sandboxCommands()).kubeconfigCommand(context, options)),
    );
  sandbox
    .command('manifests')
    .description('prints the manifests of a control plane for the sandbox, as istioctl manifest generate does for a cluster')
    .requiredOption('--revision <name>', 'its revision')
    .requiredOption('--version <version>', 'its version, 1.26 to 1.31')
    .action(async (options: ManifestsOptions, command: Command) =>
      run(command, async (context) => (await sandboxCommands()).manifestsCommand(context, options)),
    );
  named(sandbox.command('trouble [trouble]'))
    .description('switches a trouble on; without one, lists them')
    .option('--off', 'switches it off')
    .option('--set <key=value>', 'what it is about (repeat)', gather)
    .action(async (trouble: string | undefined, options: TroubleOptions, command: Command) =>
      run(command, async (context) => (await sandboxCommands()).troubleCommand(context, trouble, options)),
    );
  program
    .command('demo')
    .description('two upgrades in a sandbox, under load: one that goes well, one that is taken back')
    .option('--keep', 'leave the sandbox up, and say what to type next')
    .action(async (options: DemoOptions, command: Command) =>
      run(command, async (context) => (await import('../commands/demo.ts')).demoCommand(context, options)),
    );
}
