/** Options that say how gateways move, and what they become in a request. */
import type { Command } from 'commander';

export interface GatewayOptions {
  readonly gateways?: string;
  readonly gatewayShares?: string;
}

export function withGateways(command: Command): Command {
  return command
    .option('--gateways <strategy>', 'how injected gateways move: inPlace, canary or leave (default inPlace)')
    .option('--gateway-shares <percents>', 'shares of the new gateway pods with --gateways canary (default 10,50,100)');
}

const STRATEGIES = ['inPlace', 'canary', 'leave'];

/** @returns the part of a request that is about gateways; empty when no option says anything of them */
export function gatewaysOf(
  { gateways, gatewayShares }: GatewayOptions,
  mistakes: string[],
): { readonly gateways?: { readonly strategy?: string; readonly shares?: readonly number[] } } {
  if (gateways !== undefined && !STRATEGIES.includes(gateways)) {
    mistakes.push(`--gateways ${gateways}: it must be one of ${STRATEGIES.join(', ')}`);
    return {};
  }
  if (gatewayShares !== undefined && gateways !== 'canary') {
    mistakes.push('--gateway-shares goes with --gateways canary');
    return {};
  }
  const shares = gatewayShares?.split(',').map((text) => (/^\d+$/.test(text.trim()) ? Number(text) : Number.NaN));
  if (shares?.some(Number.isNaN) === true) {
    mistakes.push(`--gateway-shares ${gatewayShares}: they must be whole percents such as 10,50,100`);
    return {};
  }
  if (gateways === undefined) return {};
  return { gateways: { strategy: gateways, ...(shares === undefined ? {} : { shares }) } };
}
