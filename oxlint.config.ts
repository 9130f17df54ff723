import { readFileSync } from "node:fs";
import { defineConfig, type OxlintOverride } from "oxlint";

/** Packages that a deployment does not install. */
const developmentOnly = ["package.json", "rehearsal/package.json", "review/package.json"].flatMap((file) => {
  const manifest = JSON.parse(readFileSync(`${import.meta.dirname}/${file}`, "utf8")) as { devDependencies: object };
  return Object.keys(manifest.devDependencies);
});

/** Folders that the program does not import. */
const developmentFolders = ["rehearsal", "review"];

/** The strict, type-aware rules of typescript-eslint outside the two categories below. */
const strict = [
  "no-array-constructor",
  "no-case-declarations",
  "no-empty",
  "no-fallthrough",
  "no-prototype-builtins",
  "no-regex-spaces",
  "no-useless-assignment",
  "no-var",
  "prefer-const",
  "prefer-rest-params",
  "prefer-spread",
  "typescript/ban-ts-comment",
  "typescript/consistent-type-imports",
  "typescript/no-confusing-void-expression",
  "typescript/no-deprecated",
  "typescript/no-dynamic-delete",
  "typescript/no-empty-object-type",
  "typescript/no-explicit-any",
  "typescript/no-invalid-void-type",
  "typescript/no-misused-promises",
  "typescript/no-mixed-enums",
  "typescript/no-namespace",
  "typescript/no-non-null-assertion",
  "typescript/no-require-imports",
  "typescript/no-unsafe-argument",
  "typescript/no-unsafe-assignment",
  "typescript/no-unsafe-call",
  "typescript/no-unsafe-function-type",
  "typescript/no-unsafe-member-access",
  "typescript/no-unsafe-return",
  "typescript/only-throw-error",
  "typescript/prefer-literal-enum-member",
  "typescript/prefer-promise-reject-errors",
  "typescript/prefer-reduce-type-parameter",
  "typescript/prefer-return-this-type",
  "typescript/related-getter-setter-pairs",
  "typescript/return-await",
  "typescript/unified-signatures",
  "typescript/use-unknown-in-catch-callback-variable",
];

export default defineConfig({
  options: { typeAware: true, typeCheck: true, denyWarnings: true, reportUnusedDisableDirectives: "error" },
  plugins: ["typescript"],
  categories: { correctness: "error", suspicious: "error" },
  rules: {
    ...Object.fromEntries(strict.map((rule) => [rule, "error"])),
    // An Output in a template literal prints "Calling [toString] on an [Output<T>] is not supported": objects are refused there.
    "typescript/restrict-template-expressions": ["error", { allowNumber: true }],
    "typescript/restrict-plus-operands": [
      "error",
      { allowAny: false, allowBoolean: false, allowNullish: false, allowNumberAndString: false, allowRegExp: false },
    ],
    // node:test's own `test()` and `describe()` return promises that the runner awaits.
    "typescript/no-floating-promises": [
      "error",
      {
        allowForKnownSafeCalls: [{ from: "package", name: ["test", "describe", "it", "suite"], package: "node:test" }],
      },
    ],
    "typescript/no-unnecessary-condition": ["error", { allowConstantLoopConditions: "only-allowed-literals" }],
    "no-unused-expressions": "error",
    // Rules of taste, and those that refuse the casts with which untyped answers get their type.
    "no-new": "off",
    "no-shadow": "off",
    "no-underscore-dangle": "off",
    "typescript/consistent-return": "off",
    "typescript/no-unsafe-type-assertion": "off",
    "typescript/require-array-sort-compare": "off",
  },
  overrides: [
    // Data flows one way: stack file, settings, model, components. docs/architecture.md describes the folders.
    ...Object.entries({
      "settings/**/*.ts": ["components", "resources/(kubernetes|postgres|pulsar)", ...developmentFolders],
      "model/**/*.ts": ["settings", "components", "resources", "policy", ...developmentFolders],
      "policy/**/*.ts": ["settings", "components", "resources", ...developmentFolders],
      "components/**/*.ts": ["settings", "policy", ...developmentFolders],
      "resources/**/*.ts": ["settings", "components", "policy", ...developmentFolders],
      "index.ts": developmentFolders,
      "rehearsal/**/*.ts": ["review", "policy"],
    }).map(([files, folders]): OxlintOverride => ({
      files: [files],
      rules: {
        "no-restricted-imports": [
          "error",
          {
            patterns: folders.map((folder) => ({
              regex: `^(\\.\\./)+${folder}/|^\\./${folder}/`,
              message: `This folder does not import ${folder}/.`,
            })),
            paths: [
              ...(files.startsWith("rehearsal") ? [] : developmentOnly),
              ...(files.startsWith("model") ? ["@pulumi/pulumi", "@pulumi/kubernetes"] : []),
              ...(files.startsWith("components")
                ? [
                    {
                      name: "@pulumi/kubernetes",
                      message: "Import the resource's own module: the index loads all groups.",
                    },
                  ]
                : []),
            ],
          },
        ],
      },
    })),
    { files: ["**/*.cjs"], rules: { "typescript/no-require-imports": "off" } },
  ],
});
