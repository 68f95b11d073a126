/** Who asks, and whether they may. */

export interface UserInfo {
  readonly username: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  /** What an authenticator adds, such as `authentication.kubernetes.io/credential-id`. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface AccessRequest {
  readonly user: UserInfo;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** For requests that are about no resource, such as `/version`; then the fields above are empty. */
  readonly path?: string;
}

export interface AccessDecision {
  readonly allowed: boolean;
  /** As RBAC says it, such as `RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "y" to User "z"`. */
  readonly reason: string;
}

export type Authorizer = (request: AccessRequest) => AccessDecision;
