import { readFileSync } from "node:fs";
import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Packages that a deployment does not install. */
const developmentOnly = ["package.json", "rehearsal/package.json", "review/package.json"].flatMap((file) =>
  Object.keys(JSON.parse(readFileSync(`${import.meta.dirname}/${file}`, "utf8")).devDependencies),
);

/** Folders that the program does not import. */
const developmentFolders = ["rehearsal", "review"];

export default tseslint.config(
  { ignores: ["node_modules/"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // An Output in a template literal prints "Calling [toString] on an [Output<T>] is not supported": objects are refused there.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // node:test's own `test()` and `describe()` return promises that the runner awaits.
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", name: ["test", "describe", "it", "suite"], package: "node:test" },
          ],
        },
      ],
      // Provider interfaces (dynamic resources, mocks) are asynchronous whether or not a method has to wait.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  // Data flows one way: stack file, settings, model, components. docs/architecture.md describes the folders.
  ...Object.entries({
    "settings/**/*.ts": ["components", "resources/(?!kit)", ...developmentFolders],
    "model/**/*.ts": ["settings", "components", "resources", "policy", ...developmentFolders],
    "policy/**/*.ts": ["settings", "components", "resources", ...developmentFolders],
    "components/**/*.ts": ["settings", "policy", ...developmentFolders],
    "resources/**/*.ts": ["settings", "components", "policy", ...developmentFolders],
    "index.ts": developmentFolders,
    "rehearsal/**/*.ts": ["review", "policy"],
  }).map(([files, folders]) => ({
    files: [files],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
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
  { files: ["**/*.js", "**/*.cjs"], ...tseslint.configs.disableTypeChecked },
  {
    files: ["**/*.cjs"],
    languageOptions: {
      globals: {
        __dirname: "readonly",
        console: "readonly",
        module: "readonly",
        process: "readonly",
        require: "readonly",
      },
    },
    rules: { "@typescript-eslint/no-require-imports": "off" },
  },
);
