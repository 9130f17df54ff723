import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { base64 } from "./base64.ts";
import type { SecretRef } from "./charts/cluster.ts";
import { keyPair, signToken, symmetricKey, type TokenKeys } from "./tokens.ts";

export interface JwtAuthArgs {
  /** Namespace of the Secrets. */
  namespace: pulumi.Input<string>;
  /** Helm release the Secrets are for; the chart looks for `<release>-token-...`. */
  release: string;
  /**
   * `asymmetric`: RS256, brokers hold only the public key. `symmetric`: HS256, as `prepare_helm_release.sh -s`; everybody who can
   * verify a token can then make one. Changing it makes new tokens, which brokers accept after a restart.
   */
  keys: TokenKeys;
  /** Whether the engine refuses to delete keys and tokens, also on `destroy`. @default false */
  protect?: boolean;
  /** One token each; the role is the token's `sub` and the tail of its Secret's name. */
  roles: string[];
}

/**
 * The keys and tokens of Pulsar's JWT authentication (seed, section 1.3), as the Secrets that `prepare_helm_release.sh` makes and the chart
 * mounts: `<release>-token-asymmetric-key` (PRIVATEKEY, PUBLICKEY) or `<release>-token-symmetric-key` (SECRETKEY), and
 * `<release>-token-<role>` (TOKEN, TYPE).
 */
export class JwtAuth extends pulumi.ComponentResource {
  /** The Secrets' names: of the key or the key pair, and of the tokens by role. */
  readonly secretNames: { key: string; tokens: Record<string, string> };
  /** The tokens by role; secret. */
  readonly tokens: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: JwtAuthArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:JwtAuth", name, {}, opts);

    // The key exists in the state alone and cannot be made again: with another one every token handed out is worthless at once. Without
    // their Secrets no pod starts, and running ones must not lose them either.
    const kept = { parent: this, protect: args.protect };
    const key = new tls.PrivateKey(`${name}-key`, { algorithm: "RSA", rsaBits: 2048 }, kept);

    this.secretNames = {
      key: `${args.release}-token-${args.keys}-key`,
      tokens: Object.fromEntries(args.roles.map((role) => [role, tokenSecret(args.release, role).secret])),
    };
    const secret = (suffix: string, secretName: string, data: pulumi.Input<Record<string, pulumi.Input<string>>>) =>
      new k8s.core.v1.Secret(
        `${name}-${suffix}`,
        { metadata: { name: secretName, namespace: args.namespace }, type: "Opaque", data },
        kept,
      );
    secret(
      "key-secret",
      this.secretNames.key,
      key.privateKeyPem.apply((pem) => (args.keys === "asymmetric" ? keyPair(pem) : symmetricKey(pem))),
    );

    const tokens = Object.fromEntries(
      args.roles.map((role) => [role, key.privateKeyPem.apply((pem) => signToken(pem, args.keys, role))]),
    );
    for (const [role, token] of Object.entries(tokens)) {
      secret(`token-${role}`, tokenSecret(args.release, role).secret, {
        TOKEN: token.apply(base64),
        TYPE: base64(args.keys),
      });
    }
    this.tokens = pulumi.secret(pulumi.all(tokens));

    this.registerOutputs({ secretNames: this.secretNames });
  }
}

/** Where the token of a role is kept: both chart lines look for it there. */
export function tokenSecret(release: string, role: string): SecretRef {
  return { secret: `${release}-token-${role}`, key: "TOKEN" };
}
