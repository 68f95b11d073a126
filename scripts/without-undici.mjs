// Stands in for undici in the bundle. client-node's KubeConfig takes from it what its generated API classes connect with;
// Meshlift sends requests through node:https instead (decision 0008), so loading undici would only cost 30 ms a command.
class NotBundled {
  constructor() {
    throw new Error('the generated API classes of client-node cannot be used: undici is not in the bundle');
  }
}

export { NotBundled as Agent, NotBundled as ProxyAgent };
export const fetch = globalThis.fetch;
