import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { base64 } from "../model/encoding.ts";
import { type Claims, keyPair, signToken, symmetricKey, tokenSecret, type TokenSettings } from "../model/tokens.ts";
import { opaqueSecret } from "./opaqueSecret.ts";

export interface JwtAuthArgs extends Pick<TokenSettings, "keys" | "generation"> {
  /** Namespace of the Secrets. */
  namespace: pulumi.Input<string>;
  /** Helm release that uses the Secrets. The chart expects the names `<release>-token-...`. */
  release: string;
  /** Whether the engine refuses to delete the key and the super users' tokens, including on `destroy`. @default false */
  protect?: boolean;
  /** The roles of Pulsar and its administrators. Each gets a token in a Secret whose name ends with the role. */
  superUsers: Claims[];
  /** The roles of applications. Each gets a token in the same way. */
  clients: Claims[];
}

/**
 * The keys and tokens of Pulsar's JWT authentication, in the Secrets that the chart mounts: `<release>-token-asymmetric-key` (PRIVATEKEY,
 * PUBLICKEY) or `<release>-token-symmetric-key` (SECRETKEY), and `<release>-token-<role>` (TOKEN, TYPE). The chart's `prepare_helm_release.sh`
 * creates the same Secrets.
 */
export class JwtAuth extends pulumi.ComponentResource {
  /** Names of the Secrets: of the key or key pair, and of the tokens by role. */
  readonly secretNames: { key: string; tokens: Record<string, string> };
  /** Names of the Secrets that Pulsar's pods mount. */
  readonly heldByPods: string[];
  /** The tokens by role. Secret. */
  readonly tokens: pulumi.Output<Record<string, string>>;
  /** The applications' tokens by role. Secret. */
  readonly clientTokens: pulumi.Output<Record<string, string>>;
  /** Identifies the key and its kind. Not secret. */
  readonly fingerprint: pulumi.Output<string>;

  constructor(name: string, args: JwtAuthArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:JwtAuth", name, {}, opts);

    // Only the state has the key: if it is lost, every issued token becomes invalid. No pod starts without its Secrets.
    const own = { parent: this };
    const kept = { ...own, protect: args.protect };
    const keyName = (generation: number) => `${name}-key${generation === 1 ? "" : `-${generation}`}`;
    const algorithm =
      args.keys === "ecdsa" ? { algorithm: "ECDSA", ecdsaCurve: "P256" } : { algorithm: "RSA", rsaBits: 2048 };
    const key = new tls.PrivateKey(keyName(args.generation), algorithm, kept);
    if (args.generation > 1) {
      // The engine cannot delete a resource that is protected in the state. The previous key therefore stays unprotected for one generation,
      // and the next rotation deletes it.
      const unchanged = { ...own, ignoreChanges: ["algorithm", "rsaBits", "ecdsaCurve"] };
      new tls.PrivateKey(keyName(args.generation - 1), algorithm, unchanged);
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
    ) => opaqueSecret(`${name}-${suffix}`, { name: secretName, namespace: args.namespace }, data, options);
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

    const isClient = (role: string) => args.clients.some((client) => client.role === role);
    const tokens = Object.fromEntries(
      all.map((claims) => [claims.role, pem.apply((text) => signToken(text, args.keys, claims))]),
    );
    for (const [role, token] of Object.entries(tokens)) {
      secret(
        `token-${role}`,
        tokenSecret(args.release, role).secret,
        { TOKEN: token.apply(base64), TYPE: base64(args.keys === "symmetric" ? "symmetric" : "asymmetric") },
        // Applications can be removed, and their tokens can be signed again at any time.
        isClient(role) ? own : kept,
      );
    }
    this.tokens = pulumi.secret(pulumi.all(tokens));
    const clients = Object.entries(tokens).filter(([role]) => isClient(role));
    this.clientTokens = pulumi.secret(pulumi.all(Object.fromEntries(clients)));
    this.fingerprint = pulumi.interpolate`${args.keys} ${key.publicKeyFingerprintSha256}`;

    this.registerOutputs({ secretNames: this.secretNames });
  }
}
