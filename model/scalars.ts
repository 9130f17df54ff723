import { z } from "zod";
import { maxLabelLength } from "./charts/names.ts";

declare module "zod" {
  interface GlobalMeta {
    /** What a change of the value does to running data or pods. */
    change?: string;
    /** A part of a stack file that shows the setting, in YAML. */
    example?: string;
    /** The default in words, where it depends on other settings. */
    otherwise?: string;
    /** The setting whose fields these are too: they are described there. */
    like?: string;
  }
}

/** The kinds of value in the settings. The message of each says what it allows; settings/faults.ts makes faults of them. */

/** One of these texts. */
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.join(", ")}` });
/** The message of a list of these texts. */
export const anyOf = (values: readonly string[]) => ({ error: `a list of ${values.join(", ")}` });
/** An object with these keys and no others. */
export const object = <T extends z.core.$ZodLooseShape>(shape: T) =>
  z.strictObject(shape, {
    error: ({ code }) =>
      `${code === "unrecognized_keys" ? "one of" : "an object with"} ${Object.keys(shape).join(", ")}`,
  });

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** A name that DNS can resolve: labels of 63 characters at most, the last one not a number, as in a misspelled IP address. */
const dnsName = /^(?!(.*\.)?\d+$)(?!.*[^.]{64})[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const labelKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/**
 * Text that needs no quotes in the stack file if it is a whole number. Pulumi passes the value and not the text, so 1.1 may have been 1.10 and
 * `true` may have been True: these need quotes.
 */
export const unquotedText = (allowed: string) =>
  z.preprocess(
    (value) => (Number.isSafeInteger(value) ? String(value) : value),
    z.string({ error: ({ input }) => (typeof input === "number" || typeof input === "boolean" ? inQuotes : allowed) }),
  );
const inQuotes = "text, in quotes";

const text = (pattern: RegExp, max: number, allowed: string) =>
  unquotedText(allowed).pipe(
    z
      .string()
      .regex(pattern, { error: allowed, abort: true })
      .max(max, { error: `${allowed}, ${max} characters at most` }),
  );

/** True or false, also in quotes. */
export const flag = z.preprocess(
  (value) => (value === "true" || value === "false" ? value === "true" : value),
  z.boolean({ error: "true or false, without quotes" }),
);

/** A DNS-1123 label, as Kubernetes requires for namespaces and for most objects that become host names. */
export const label = text(dnsLabel, maxLabelLength, "a DNS label: lower-case letters, digits and '-'");

/**
 * A Helm release name that Services can be named after: before Kubernetes 1.34 their names begin with a letter (RFC 1035). Its maximum length
 * depends on the chart: see `releaseFaults`.
 */
export const releaseName = text(
  /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
  maxLabelLength,
  "a Helm release name: lower-case letters, digits and '-', beginning with a letter",
);

/** A DNS-1123 subdomain: names of nodes, Secrets, StorageClasses. */
export const name = text(dnsSubdomain, 253, "a DNS name: lower-case letters, digits, '-' and '.'");

export const kubernetesLabelKey = text(labelKey, 317, "a label key such as node-role.kubernetes.io/pulsar");
export const kubernetesLabelValue = text(
  labelValue,
  maxLabelLength,
  "a label value: letters, digits, '-', '_' and '.'",
);

/** Annotations of an object, by key. */
export const annotations = z
  .record(kubernetesLabelKey, unquotedText("a text"), { error: "an object of annotations, each a text" })
  .default({});

/** A host name or an IPv4 or IPv6 address, without scheme or port. */
export const host = z.union([z.ipv4(), z.ipv6(), z.string().toLowerCase().regex(dnsName).max(253)], {
  error: "a host name or an IP address, without scheme or port",
});

/** A range of addresses of a network policy. */
export const cidr = z.union([z.cidrv4(), z.cidrv6()], { error: "a range of addresses such as 10.20.0.0/16" });

/** A length of time as in Prometheus, of at least a second. */
export const duration = text(/^[1-9]\d*[smh]$/, 10, "a length of time such as 60s or 1m");

/** A host name of an Ingress: in lower case, without wildcard or port, and no IP address. */
export const hostName = text(dnsName, 253, "a host name such as pulsar.example.com, without scheme, port or '*'");

/** A whole number in a range, both ends included, also in quotes. */
export function wholeNumber(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`;
  const orQuoted = ({ input }: { input: unknown }) => (typeof input === "string" ? `${error}, without quotes` : error);
  return z.preprocess(
    (value) => (typeof value === "string" && /^(0|-?[1-9]\d{0,14})$/.test(value) ? Number(value) : value),
    z.int({ error: orQuoted, abort: true }).min(min, { error }).max(max, { error }),
  );
}

export const port = wholeNumber(1, 65535);

/** A Kubernetes quantity in bytes, greater than zero: 20Gi, 1.5Ti, 500M. */
export const quantity = z
  .string({ error: "a Kubernetes quantity such as 20Gi" })
  .max(30, { error: "a Kubernetes quantity such as 20Gi" })
  .regex(/^(?=.*[1-9])\d+(\.\d+)?(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?$/, {
    error: "a Kubernetes quantity such as 20Gi",
    abort: true,
  });

/** A Kubernetes quantity in cores, greater than zero: 4, 0.5, 500m. */
export const cpu = z.union(
  [
    z.number().positive().transform(String),
    text(/^(?=.*[1-9])\d+(\.\d+)?m?$/, 30, "CPU in cores such as 4, 0.5 or 500m"),
  ],
  { error: "CPU in cores such as 4, 0.5 or 500m" },
);

/** A rack of BookKeeper's rack-aware placement: one level, without a slash inside (a leading one is added). */
export const rack = text(/^\/?[A-Za-z0-9][-A-Za-z0-9_.]*$/, 63, "a rack such as r1, without '/' inside");

/** A pod that has data on its node: `zookeeper-0`, `bookie-3`. */
export const dataPod = text(/^(zookeeper|bookie)-\d+$/, 63, "a pod with data, such as bookie-1 or zookeeper-0");

/**
 * An absolute path on a node, without `..` (the API server refuses it in local volumes, hostPath backsteps are refused too) and without
 * white space.
 */
export const absolutePath = text(
  /^(?!.*\/\.\.?(\/|$))(\/[A-Za-z0-9._-]+)+$/,
  1024,
  "an absolute path such as /home/pulsar/data, without '..' and without '/' at the end",
);

/**
 * Text that the manager changes. In its image (v0.2.0 and v0.4.0) user and password of the database are parts of a command line, which
 * supervisord splits like a shell (docker/supervisord-*.conf), and Spring replaces placeholders in them.
 */
const throughManager = /[ \t\r\n'"\\]|\$\{[^]*\}/;

const aPlainSqlName = "a PostgreSQL name: lower-case letters, digits and '_'";

/** A PostgreSQL name that means the same without quotes. PostgreSQL folds such names to lower case and cuts them at 63 bytes. */
export const sqlName = text(/^[a-z_][a-z0-9_]*$/, 63, aPlainSqlName);

/** An existing database: a name that PostgreSQL accepts in quotes. It cuts longer ones silently. */
export const databaseName = unquotedText(aPlainSqlName)
  .refine((name) => name !== "" && !name.includes("\0"), { error: aPlainSqlName })
  .refine((name) => Buffer.byteLength(name) <= 63, { error: "a PostgreSQL name of 63 bytes at most" });

/** An existing role of the manager, which receives the name in the same way as the password. */
export const databaseRole = databaseName.refine((name) => !throughManager.test(name), {
  error:
    "a role without white space, quotation marks, backslash and ${...} in its name: the manager (v0.2.0 and v0.4.0) would change it",
});

/** A role: the `sub` of its token and the end of its Secret's name. The key's Secret is named in the same way. */
export const role = text(dnsLabel, 63, "a role: lower-case letters, digits and '-'").refine(
  (name) => !/^a?symmetric-key$/.test(name),
  { error: "another role: the key itself is kept under this name" },
);

/** A name of a tenant, namespace or cluster as in Pulsar's NamedEntity (2.7 and 4.0), except the paths `.` and `..`. */
export const pulsarName = text(
  /^(?!\.+$)[-=:.\w]+$/,
  128,
  "a Pulsar name: letters, digits, '-', '=', ':', '.' and '_'",
);

/** A topic's name. Pulsar reserves the ending of partitions, and names that begin with two underscores. */
export const topicName = pulsarName.refine((name) => /^(?!__)(?!.*-partition-\d+$)/.test(name), {
  error: "a topic's name: not beginning with '__', nor ending with '-partition-' and a number",
});

/** A role of any token, such as `spiffe://example.com/app` or `CN=app`; `role` is for the stack's own tokens. */
export const anyRole = text(/^(?!\s|\.+$)[^\p{C}]+(?<!\s)$/u, 255, "a role: the sub of its token");

/** The address of a REST API. */
export const httpAddress = z
  .url({ protocol: /^https?$/, error: "an address such as https://pulsar.example.com" })
  .refine((address) => !/[?#]|\/\/[^/]*@/.test(address), {
    error: "an address without credentials, query or fragment",
  });

/** A day without quotes in a stack file becomes midnight in UTC, in the format of Go (the engine) or ISO 8601. */
const midnight = /(?: 00:00:00 \+0000 UTC|T00:00:00(?:\.0+)?Z)$/;

/** A day, as `2027-06-30`. */
export const date = z.preprocess(
  (value) => (typeof value === "string" ? value.replace(midnight, "") : value),
  z.iso.date({ error: "a day such as 2027-06-30" }),
);

/** The number of pods of a component. */
export const replicas = wholeNumber(1, 1000);

const anImage =
  "an image with its tag, such as apachepulsar/pulsar-all:2.7.4, and with its digest (@sha256:...) if it is pinned";

/** An image, split into its parts. The tag is required even with a digest, because it determines the database schema. */
export const image = z
  .string({ error: anImage })
  .regex(
    /^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9][a-z0-9._-]*)*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?$/,
    { error: anImage },
  )
  .transform((reference) => {
    const [name = "", digest] = reference.split("@");
    const colon = name.lastIndexOf(":");
    const image: { repository: string; tag: string; digest?: string } = {
      repository: name.slice(0, colon),
      tag: name.slice(colon + 1),
    };
    return digest === undefined ? image : { ...image, digest };
  });

/** A registry, with a path if it has folders. Without a dot or a port in its host, it would mean Docker Hub. */
export const registry = text(
  /^(localhost|(?=[^/]*[.:])[a-z0-9]([a-z0-9.-]*[a-z0-9])?)(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/,
  200,
  "a registry such as harbor.example.com/library: host[:port][/path], without scheme",
);

const aChartSource = "https://..., oci://..., the path of a chart, or repository/chart as helm repo add names it";

/**
 * The source of the chart: a Helm repository, an OCI address, a path relative to the program (a folder or a .tgz), or the name that Helm
 * knows it by, such as apache/pulsar.
 */
export const chartSource = z
  .string({ error: aChartSource })
  .regex(/^(https?:\/\/\S+|oci:\/\/\S+|(?!\w+:\/\/)\S+)$/, { error: aChartSource });

/** A login name of Pulsar Manager (v0.4.0, UsersServiceImpl). */
export const loginName = text(/^[A-Za-z0-9_]+$/, 63, "a login name: letters, digits and '_'");

const aLoginPassword =
  "a password of six characters or more, without white space, control characters, quotation mark or backslash (pulumi config set --secret pulsar:managerPassword)";

/**
 * A password to log in to Pulsar Manager with. Its page and, from v0.4.0 on, the manager itself require six characters, and the chart puts it
 * unescaped into JSON (4.7.0, pulsar-manager-cluster-initialize.yaml).
 */
export const loginPassword = z
  .string({ error: aLoginPassword })
  .regex(/^[^\s\p{Cc}"\\]{6,}$/u, { error: aLoginPassword });

const aDatabasePassword =
  "a password without white space, quotation marks, backslash and ${...}: the manager (v0.2.0 and v0.4.0) would change it";

/** The password of the manager's database. The provider (postgresql 3.18.1) also doubles a backslash when it creates the role. */
export const databasePassword = z
  .string({ error: "a password (pulumi config set --secret pulsar:managerDatabasePassword)" })
  .refine((password) => !throughManager.test(password), { error: aDatabasePassword });

const aPemFile = "the path of a PEM file";
export const pemFile = z.string({ error: aPemFile }).min(1, { error: aPemFile });
