/** Stack files that YAML dialects read differently, or that are invalid, and how Pulumi (3.250) reads them. */

/** Values in the file, and as a program gets them. */
const values: [written: string, read: unknown][] = [
  ["mixed", "mixed"],
  // Pulumi converts a top-level value to a string, unless it is a list or an object.
  ["yes", "yes"],
  ["True", "true"],
  ['"true"', "true"],
  ["~", ""],
  ["", ""],
  ["017", "15"],
  ["1_000", "1000"],
  ["1.0", "1"],
  ["1e21", "1e+21"],
  ["1:30", "1:30"],
  ['"2030-06-30"', "2030-06-30"],
  ["|\n    a\n    b", "a\nb\n"],
  ["[yes, No, on, y, Y]", ["yes", "No", "on", "y", "Y"]],
  ["[true, True, TRUE, TrUe, ~, null, Null, NULL]", [true, true, true, "TrUe", null, null, null, null]],
  ["[017, -017, 089, 08, 0, -0, +5]", [15, -15, 89, 8, 0, 0, 5]],
  ["[0o17, 0x1F, 0XfF, -0x1F, 0b11, 0B11, 0o8, 0x]", [15, 31, 255, -31, 3, 3, "0o8", "0x"]],
  ["[1_000, 1_, _1, 1_000.5]", [1000, 1, "_1", 1000.5]],
  ["[1e3, 12e03, +.5e3, 1.0, 1.50, 5., .5, 1e]", [1000, 12000, 500, 1, 1.5, 5, 0.5, "1e"]],
  ["[1:30, 1.2.3, 1-2, ., =, .e3, 2.7.7]", ["1:30", "1.2.3", "1-2", ".", "=", ".e3", "2.7.7"]],
  ["[4Gi, 500m, 10.0.0.1, 12345678901234567890]", ["4Gi", "500m", "10.0.0.1", 12345678901234567000]],
  ['[!!str 5, !!int "7", "5", \'017\']', ["5", 7, "5", "017"]],
  ["{ 1: a, true: b, 017: c }", { 1: "a", true: "b", 15: "c" }],
  [
    "[&n { a: 1, b: 2 }, { <<: *n, b: 3 }, *n]",
    [
      { a: 1, b: 2 },
      { a: 1, b: 3 },
      { a: 1, b: 2 },
    ],
  ],
  ["[&m { a: 1 }, &o { a: 2, b: 2 }, { <<: [*m, *o] }]", [{ a: 1 }, { a: 2, b: 2 }, { a: 1, b: 2 }]],
  ["{ secure: [a] }", { secure: ["a"] }],
  ["{ secure: a, b: 1 }", { secure: "a", b: 1 }],
];

const secrets = ["{ secure: v1:x }", "{ a: { secure: v1:x }, b: 1 }", "[{ role: a }, { secure: v1:x }]"];

/** A stack file with all of them, and the expected result. */
export const awkward = {
  text: [
    "encryptionsalt: v1:somebody's",
    "unknown: 1",
    "config:",
    "  # a key without a namespace is the project's",
    "  release: pulsar",
    ...values.map(([written], i) => `  pulsar:value${i}: ${written}`),
    ...secrets.map((written, i) => `  pulsar:secret${i}: ${written}`),
    "",
  ].join("\n"),
  plain: { "pulsar:release": "pulsar", ...Object.fromEntries(values.map(([, read], i) => [`pulsar:value${i}`, read])) },
  encrypted: secrets.map((_, i) => `pulsar:secret${i}`),
};

/** Stack files without configuration. */
export const empty = ["", "# nothing yet\n", "config:\n  # nothing yet\n", "config: {}\n", "config: ~\n"];

/** Invalid stack files, with a part of the error of each reader. */
export const faulty: { text: string; pulumi: RegExp; own: RegExp }[] = [
  {
    text: "config:\n\tpulsar:layout: mixed\n",
    pulumi: /yaml: line 2: found character that cannot start any token$/,
    own: /Tabs are not allowed as indentation at line 2, column 1; correct the YAML there$/,
  },
  {
    text: "config:\n  pulsar:layout: mixed\n  pulsar:layout: dedicated\n",
    pulumi: /line 3: mapping key "pulsar:layout" already defined at line 2$/,
    own: /Map keys must be unique at line 3/,
  },
  { text: "- a\n", pulumi: /expected project to be an object/, own: /: .* is not valid; use a mapping$/ },
  { text: "mixed\n", pulumi: /expected project to be an object/, own: /: .* is not valid; use a mapping$/ },
  { text: "config: [a]\n", pulumi: /cannot unmarshal !!seq/, own: /: config: .* is not valid; use a mapping$/ },
  { text: "config: a\n", pulumi: /cannot unmarshal !!str/, own: /: config: .* is not valid; use a mapping$/ },
  { text: "config: { pulsar:layout: *x }\n", pulumi: /unknown anchor 'x'/, own: /Unresolved alias/ },
];
