/** Options that every command takes. */
import type { OutputFormat } from '../views/structured.ts';

export interface GlobalOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: readonly string[];
  readonly allNamespaces?: boolean;
  readonly istioNamespace: string;
  readonly output?: string;
  readonly color: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** What a command is given besides its own arguments. */
export interface CommandContext {
  readonly options: GlobalOptions;
  readonly terminal: import('../terminal.ts').Terminal;
  readonly format: OutputFormat;
}
