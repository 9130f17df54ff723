import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { base64 } from "../model/encoding.ts";
import type { SecretRef } from "../model/charts/cluster.ts";
import { type Claims, keyPair, signToken, symmetricKey, type TokenKeys } from "../model/tokens.ts";

export interface JwtAuthArgs {
  /** Namespace of the Secrets. */
  namespace: pulumi.Input<string>;
  /** Helm release the Secrets are for; the chart looks for `<release>-token-...`. */
  release: string;
  /** How tokens are signed. Changing it makes new tokens, which brokers accept after a restart. */
  keys: TokenKeys;
  /** Which key in a row this is, from 1 on. The next one makes a new key and new tokens. */
  generation: number;
  /** Whether the engine refuses to delete the key and the super users' tokens, also on `destroy`. @default false */
  protect?: boolean;
  /** The roles Pulsar itself and its administrators have. One token each; the role is also the tail of its Secret's name. */
  superUsers: Claims[];
  /** The roles of applications; the same for them. */
  clients: Claims[];
}

/**
 * The keys and tokens of Pulsar's JWT authentication, as the Secrets that `prepare_helm_release.sh` makes and the chart
 * mounts: `<release>-token-asymmetric-key` (PRIVATEKEY, PUBLICKEY) or `<release>-token-symmetric-key` (SECRETKEY), and
 * `<release>-token-<role>` (TOKEN, TYPE).
 */
export class JwtAuth extends pulumi.ComponentResource {
  /** The Secrets' names: of the key or the key pair, and of the tokens by role. */
  readonly secretNames: { key: string; tokens: Record<string, string> };
  /** Names of the Secrets that Pulsar's own pods are given. */
  readonly heldByPods: string[];
  /** The tokens by role; secret. */
  readonly tokens: pulumi.Output<Record<string, string>>;
  /** What tells this key from any other, and is no secret. */
  readonly fingerprint: pulumi.Output<string>;

  constructor(name: string, args: JwtAuthArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:JwtAuth", name, {}, opts);

    // The key exists in the state alone and cannot be made again: with another one every token handed out is worthless at once. Without
    // their Secrets no pod starts, and running ones must not lose them either.
    const own = { parent: this };
    const kept = { ...own, protect: args.protect };
    const keyName = (generation: number) => `${name}-key${generation === 1 ? "" : `-${generation}`}`;
    const algorithm =
      args.keys === "ecdsa" ? { algorithm: "ECDSA", ecdsaCurve: "P256" } : { algorithm: "RSA", rsaBits: 2048 };
    const key = new tls.PrivateKey(keyName(args.generation), algorithm, kept);
    if (args.generation > 1) {
      // The engine deletes nothing that was protected a moment ago. So the former key stays for one generation more, as it is and without
      // protection, and goes with the next rotation.
      const asItIs = { ...own, ignoreChanges: ["algorithm", "rsaBits", "ecdsaCurve"] };
      new tls.PrivateKey(keyName(args.generation - 1), algorithm, asItIs);
    }

    const all = [...args.superUsers, ...args.clients];
    this.secretNames = {
      key: `${args.release}-token-${args.keys === "symmetric" ? "symmetric" : "asymmetric"}-key`,
      tokens: Object.fromEntries(all.map(({ role }) => [role, tokenSecret(args.release, role).secret])),
    };
    this.heldByPods = [
      this.secretNames.key,
      ...args.superUsers.map(({ role }) => tokenSecret(args.release, role).secret),
    ];
    const secret = (
      suffix: string,
      secretName: string,
      data: Record<string, pulumi.Input<string>>,
      options: pulumi.CustomResourceOptions,
    ) => {
      const secretValues = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, pulumi.secret(value)]));
      new k8s.core.v1.Secret(
        `${name}-${suffix}`,
        { metadata: { name: secretName, namespace: args.namespace }, type: "Opaque", data },
        {
          ...options,
          // The SDK (4.34) makes one secret of all of `data`. A preview that does not know a value then knows no key either, and the plugin
          // (4.32) shows each of them as deleted.
          transformations: [({ props, opts }) => ({ props: { ...(props as object), data: secretValues }, opts })],
        },
      );
    };
    const pem = key.privateKeyPem;
    const pair = pem.apply(keyPair);
    secret(
      "key-secret",
      this.secretNames.key,
      args.keys === "symmetric"
        ? { SECRETKEY: pem.apply((text) => symmetricKey(text).SECRETKEY) }
        : { PRIVATEKEY: pair.PRIVATEKEY, PUBLICKEY: pair.PUBLICKEY },
      kept,
    );

    const tokens = Object.fromEntries(
      all.map((claims) => [claims.role, pem.apply((text) => signToken(text, args.keys, claims))]),
    );
    for (const [role, token] of Object.entries(tokens)) {
      secret(
        `token-${role}`,
        tokenSecret(args.release, role).secret,
        { TOKEN: token.apply(base64), TYPE: base64(args.keys === "symmetric" ? "symmetric" : "asymmetric") },
        // An application may go; its token can be signed again at any time.
        args.clients.some((client) => client.role === role) ? own : kept,
      );
    }
    this.tokens = pulumi.secret(pulumi.all(tokens));
    this.fingerprint = key.publicKeyFingerprintSha256;

    this.registerOutputs({ secretNames: this.secretNames });
  }
}

/** Where the token of a role is kept: both chart lines look for it there. */
export function tokenSecret(release: string, role: string): SecretRef {
  return { secret: `${release}-token-${role}`, key: "TOKEN" };
}
