/** The door for people: reads the command line, runs one command, prints any problem, sets the exit code. */
import { Command, CommanderError, Option } from 'commander';
import { addLoad } from './arguments/add-load.ts';
import { addSandbox } from './arguments/add-sandbox.ts';
import { addTag } from './arguments/add-tag.ts';
import { withHelm } from './arguments/helm-options.ts';
import { withGateways } from './arguments/gateway-options.ts';
import { withOrder } from './arguments/order-options.ts';
import { withRestartAs } from './arguments/restart-options.ts';
import type { CommandContext, GlobalOptions } from './arguments/global-options.ts';
import type { RequestOptions } from './arguments/build-request.ts';
import type { LoadOptions, ResumeOptions } from './commands/runs.ts';
import { OUTPUT_FORMATS, type OutputFormat } from './views/structured.ts';

declare const MESHLIFT_VERSION: string;

type Run = (context: CommandContext) => Promise<number> | number;

/** Splits `a,b` and gathers repeated options. */
function gather(value: string, before: readonly string[] = []): string[] {
  return [...before, ...value.split(',').filter((part) => part !== '')];
}

function gatherWhole(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function buildProgram(run: (command: Command, perform: Run, acceptsFile?: boolean) => Promise<void>): Command {
  const program = new Command('meshlift')
    .description(
      'Lifts an Istio mesh to the next version beside the old one, workload by workload, and takes it back when something breaks.',
    )
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false, styleTitle: (title) => title.toUpperCase().replace(':', '') })
    .helpCommand(false)
    .exitOverride()
    .option('--kubeconfig <file>', 'kubeconfig file (else KUBECONFIG, ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', 'only these namespaces (repeat, or separate by commas)', gather)
    .option('-A, --all-namespaces', 'all namespaces')
    .option('--istio-namespace <name>', 'namespace of the control planes', 'istio-system')
    .option('-o, --output <format>', 'table, wide, json, yaml or name; for plan also a file')
    .option('--no-color', 'no colours (also NO_COLOR)')
    .option('-y, --yes', 'answer yes to every question')
    .option('--dry-run', 'show what would be done, change nothing')
    .option('-q, --quiet', 'only results and errors')
    .option('-v, --verbose', 'more detail for a bug report');
  addLooking(program, run);
  addPlanning(program, run);
  addRuns(program, run);
  addParts(program, run);
  addLoad(program, run);
  addSandbox(program, run);
  addHelp(program, run);
  return program;
}

type Runner = Parameters<typeof buildProgram>[0];

function addLooking(program: Command, run: Runner): void {
  const watch = new Option('-w, --watch', 'show it again and again');
  program.commandsGroup('Look');
  program
    .command('status')
    .description('the mesh by revision: control planes, namespaces, workloads, gateways, live proxies')
    .addOption(watch)
    .action(async (options: { watch?: boolean }, command: Command) =>
      run(command, async (context) => (await import('./commands/status.ts')).statusCommand(context, options)),
    );
  program
    .command('proxy-status [pod]')
    .alias('ps')
    .description('live proxies of all istiods of all revisions')
    .addOption(watch)
    .action(async (pod: string | undefined, options: { watch?: boolean }, command: Command) =>
      run(command, async (context) => (await import('./commands/proxy-status.ts')).proxyStatusCommand(context, pod, options)),
    );
  program
    .command('in-use <revision>')
    .description('every reason why a revision is still used; exit code 3 when it is, or when that is unknown')
    .action(async (revision: string, _options: object, command: Command) =>
      run(command, async (context) => (await import('./commands/in-use.ts')).inUseCommand(context, revision)),
    );
  program
    .command('why <target> [name]')
    .description('who injects a pod, workload or namespace, by which label and webhook, and what would change it')
    .action(async (target: string, name: string | undefined, _options: object, command: Command) =>
      run(command, async (context) => (await import('./commands/why.ts')).whyCommand(context, target, name)),
    );
  withScope(program.command('check'))
    .description('findings with codes; exit code 1 on errors')
    .option('--to <version>', 'judge the way to this version')
    .option('--revision <name>', 'name of the new revision')
    .option('--from <revision>', 'revision to move away from')
    .action(async (options: RequestOptions, command: Command) =>
      run(command, async (context) => (await import('./commands/check.ts')).checkCommand(context, options)),
    );
}

function withScope(command: Command): Command {
  const scoped = command
    .option('--skip <workload>', 'leave this workload out: NAMESPACE/NAME (repeat)', gather)
    .option('--skip-pinned <object>', 'neither copy nor remove this pinned object: KIND/NAMESPACE/NAME (repeat)', gather)
    .option('--accept <code>', 'accept a finding: CODE or CODE:OBJECT (repeat)', gather)
    .option('--accept-downtime <workload>', 'this workload may be down while it restarts: NAMESPACE/NAME (repeat)', gather);
  return withRestartAs(scoped, gather);
}

function withInstall(command: Command): Command {
  const tools = command
    .option('--with <way>', 'istioctl, helm, or manifests that you rendered')
    .option('--istioctl <path>', 'istioctl of the target version (else istioctl on PATH)')
    .option('-f, --file <file>', 'IstioOperator file for istioctl; values file for helm (repeat)', gatherWhole)
    .option('--set <key=value>', 'setting for istioctl or helm (repeat)', gatherWhole);
  return withHelm(tools, gatherWhole).option('--manifests <path>', 'rendered YAML: file, folder, or - (repeat)', gatherWhole);
}

function withRun(command: Command): Command {
  return withOrder(command, gatherWhole)
    .option('--step-timeout <duration>', 'how long one step may take: 90s, 5m (default 5m)')
    .option('--on-failure <what>', 'pause or rollback (default pause)');
}

function withLoadOptions(command: Command): Command {
  return command
    .option('--load <rate>', 'requests throughout the run: 50/s (default 10/s with --load-target)')
    .option('--load-target <url>', 'where the load goes, usually a gateway of this mesh')
    .option('--load-host <name>', 'Host header of the load')
    .option('--load-stop-at <failed/of>', 'the run stops when so many of the latest requests failed (default: 2/100)');
}

function withUpgrade(command: Command): Command {
  const target = command
    .option('--to <version>', 'target version, such as 1.29.1')
    .option('--revision <name>', 'name of the new revision (default: the version with dashes)')
    .option('--from <revision>', 'revision to move away from, when there are several')
    .option('--keep-tags', 'tags that point to the old revision stay there (it then cannot be removed)');
  return withLoadOptions(withGateways(withRun(withScope(withInstall(target)))));
}

function addPlanning(program: Command, run: Runner): void {
  program.commandsGroup('Upgrade');
  withUpgrade(program.command('plan'))
    .description('what will change, step by step; reads only; -o FILE writes the plan')
    .option('--finish', 'the plan removes the old control plane without being asked again')
    .action(async (options: RequestOptions, command: Command) =>
      run(
        command,
        async (context) => {
          const { output } = context.options;
          const file = output !== undefined && !OUTPUT_FORMATS.includes(output as OutputFormat) ? output : undefined;
          return (await import('./commands/plan.ts')).planCommand(context, options, file);
        },
        true,
      ),
    );
  withUpgrade(program.command('apply [plan]'))
    .description('performs a plan: new control plane, labels, restarts, each verified by what the mesh shows')
    .option('--finish', 'afterwards remove the old control plane, once nothing uses it')
    .option('--load-results <file>', LOAD_RESULTS)
    .action(async (plan: string | undefined, options: RequestOptions, command: Command) =>
      run(command, async (context) => (await import('./commands/apply.ts')).applyCommand(context, plan, options)),
    );
}

const LOAD_RESULTS = 'where the results of the load go, if the run has one';

function addRuns(program: Command, run: Runner): void {
  const runs = async (): Promise<typeof import('./commands/runs.ts')> => import('./commands/runs.ts');
  program
    .command('runs')
    .description('runs and where they stand')
    .action(async (_options: object, command: Command) => run(command, async (context) => (await runs()).runsCommand(context)));
  program
    .command('pause [run]')
    .description('stops a run between two steps, from any machine')
    .action(async (name: string | undefined, _options: object, command: Command) =>
      run(command, async (context) => (await runs()).pauseCommand(context, name)),
    );
  program
    .command('skip <workload> [run]')
    .description('leaves a workload out of a run that has not restarted it, from any machine')
    .action(async (workload: string, name: string | undefined, _options: object, command: Command) =>
      run(command, async (context) => (await runs()).skipCommand(context, workload, name)),
    );
  program
    .command('watch [run]')
    .description('shows a run as it happens, whoever drives it; Ctrl-C ends the watching only')
    .action(async (name: string | undefined, _options: object, command: Command) =>
      run(command, async (context) => (await import('./commands/watch.ts')).watchCommand(context, name)),
    );
  program
    .command('resume [run]')
    .description('goes on with a run that was paused, failed, or lost its driver')
    .option('--finish', 'afterwards remove the old control plane, once nothing uses it')
    .option('--load-results <file>', LOAD_RESULTS)
    .action(async (name: string | undefined, options: ResumeOptions, command: Command) =>
      run(command, async (context) => (await runs()).resumeCommand(context, name, options)),
    );
  program
    .command('finish [run]')
    .description('removes the old control plane, once nothing uses it')
    .option('--load-results <file>', LOAD_RESULTS)
    .action(async (name: string | undefined, options: LoadOptions, command: Command) =>
      run(command, async (context) => (await runs()).finishCommand(context, name, options)),
    );
  program
    .command('rollback [run]')
    .description('takes a run back, from any point, old proxies verified again')
    .option('--load-results <file>', LOAD_RESULTS)
    .action(async (name: string | undefined, options: LoadOptions, command: Command) =>
      run(command, async (context) => (await runs()).rollbackCommand(context, name, options)),
    );
  program
    .command('forget [run]')
    .description('removes the record of a run; --everything: all that Meshlift added to the cluster')
    .option('--everything', 'all records, the lock and the CRD')
    .action(async (name: string | undefined, options: { everything?: boolean }, command: Command) =>
      run(command, async (context) => (await runs()).forgetCommand(context, name, options.everything === true)),
    );
}

function addParts(program: Command, run: Runner): void {
  const perform = async (
    context: CommandContext,
    action: 'install' | 'migrate' | 'uninstall',
    options: RequestOptions,
    namespaces: readonly string[],
  ): Promise<number> => {
    const [{ performRequest }, { buildRequest }] = await Promise.all([
      import('./commands/apply.ts'),
      import('./arguments/build-request.ts'),
    ]);
    return performRequest(context, buildRequest(action, options, namespaces), { finish: false, loadResults: undefined });
  };
  program.commandsGroup('Parts of an upgrade');
  withRun(
    withInstall(
      program
        .command('install')
        .requiredOption('--revision <name>', 'name of the new revision')
        .requiredOption('--version <version>', 'its version'),
    ),
  )
    .description('only the control plane, beside the running one')
    .option('--from <revision>', 'revision whose values are carried over, when there are several')
    .option('--accept <code>', 'accept a finding: CODE or CODE:OBJECT (repeat)', gather)
    .action(async (options: RequestOptions, command: Command) => run(command, (context) => perform(context, 'install', options, [])));
  withGateways(withRun(withScope(program.command('migrate <namespace...>').requiredOption('--to <revision>', 'revision or tag'))))
    .description('only labels and restarts of namespaces, verified')
    .action(async (namespaces: string[], options: RequestOptions, command: Command) =>
      run(command, (context) => perform(context, 'migrate', options, namespaces)),
    );
  withRun(program.command('uninstall').requiredOption('--revision <name>', 'revision to remove'))
    .description('only the removal of a control plane, after nothing uses it')
    .option('--default-to <revision>', 'who becomes the default when the removed one was')
    .action(async (options: RequestOptions & { defaultTo?: string }, command: Command) =>
      run(command, (context) => perform(context, 'uninstall', uninstallOptions(options), [])),
    );
  addTag(program, run);
}

function uninstallOptions({ revision, defaultTo, ...rest }: RequestOptions & { defaultTo?: string }): RequestOptions {
  return { ...rest, ...(revision === undefined ? {} : { from: revision }), ...(defaultTo === undefined ? {} : { revision: defaultTo }) };
}

function addHelp(program: Command, run: Runner): void {
  program.commandsGroup('Help');
  program
    .command('rbac')
    .description('the roles that Meshlift needs; --check: which permissions you lack')
    .option(
      '--for <need>',
      'look, plan, move, install or gateways (--gateways canary), each with the ones before; helm: install with helm',
      'install',
    )
    .option('--check', 'ask the cluster instead of printing roles')
    .action(async (options: { for: string; check?: boolean }, command: Command) =>
      run(command, async (context) => (await import('./commands/rbac.ts')).rbacCommand(context, options)),
    );
  program
    .command('explain [code]')
    .description('what a code means and what to do; without a code, all of them')
    .action(async (code: string | undefined, _options: object, command: Command) =>
      run(command, async (context) => (await import('./commands/explain.ts')).explainCommand(context, code)),
    );
  program
    .command('version')
    .description('versions of Meshlift and Node')
    .action(async (_options: object, command: Command) =>
      run(command, ({ terminal }) => {
        terminal.out(`meshlift ${MESHLIFT_VERSION}\nnode ${process.version} (${process.platform} ${process.arch})`);
        return 0;
      }),
    );
}

async function runCommand(command: Command, perform: Run, acceptsFile = false): Promise<void> {
  const given = command.optsWithGlobals<Omit<GlobalOptions, 'namespace'> & { namespace?: readonly string[] }>();
  const options: GlobalOptions = { ...given, namespace: given.namespace ?? [] };
  const { openTerminal } = await import('./terminal.ts');
  const terminal = openTerminal({ color: options.color, quiet: options.quiet === true });
  const format = OUTPUT_FORMATS.find((name) => name === options.output) ?? 'table';
  try {
    if (options.output !== undefined && format !== options.output && !acceptsFile) {
      const { usageProblem } = await import('./arguments/build-request.ts');
      throw usageProblem([`-o ${options.output}: it must be one of ${OUTPUT_FORMATS.join(', ')}`]);
    }
    process.exitCode = await perform({ options, terminal, format });
  } catch (error) {
    const { reportError } = await import('./report-error.ts');
    process.exitCode = reportError(error, { options, terminal, format });
  }
}

export async function main(argv: readonly string[]): Promise<void> {
  // A reader that has seen enough, such as head, closes the pipe; that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const program = buildProgram(runCommand);
  for (const command of [program, ...program.commands, ...program.commands.flatMap((one) => one.commands)])
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  try {
    if (argv.length === 0) program.outputHelp();
    // Not an option of the program: install has a --version of its own.
    else if (argv.length === 1 && argv[0] === '--version') process.stdout.write(`${MESHLIFT_VERSION}\n`);
    else await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    // A command that only groups others: commander would print its help as an error.
    if (error.code === 'commander.help') {
      program.commands.find((c) => argv.includes(c.name()))?.outputHelp();
      return;
    }
    const [{ reportError }, { openTerminal }, { usageProblem }] = await Promise.all([
      import('./report-error.ts'),
      import('./terminal.ts'),
      import('./arguments/build-request.ts'),
    ]);
    const terminal = openTerminal({ color: !argv.includes('--no-color'), quiet: false });
    const name = program.commands.find((c) => argv.includes(c.name()) || c.aliases().some((alias) => argv.includes(alias)))?.name();
    const problem = usageProblem(
      [error.message.replace(/^error: /, '')],
      name === undefined ? 'meshlift --help' : `meshlift ${name} --help`,
    );
    process.exitCode = reportError(problem, { options: program.opts<GlobalOptions>(), terminal, format: 'table' });
  }
}

await main(process.argv.slice(2));
