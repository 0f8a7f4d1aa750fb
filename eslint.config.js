/** Lint rules: typescript-eslint's strict, typed set for the sources; what the formatter decides is left to Prettier. */
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {ignores: ['dist/', 'node_modules/', '.r1/', 'test/fixtures/']},
  {
    files: ['**/*.{ts,cts}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {parserOptions: {projectService: true, tsconfigRootDir: import.meta.dirname}},
    rules: {
      // Numbers read well in a template; objects and undefined do not.
      '@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true}],
      // `while (true)` is how a loop with an exit in the middle is written.
      '@typescript-eslint/no-unnecessary-condition': ['error', {allowConstantLoopConditions: 'only-allowed-literals'}],
      '@typescript-eslint/no-unused-vars': ['error', {argsIgnorePattern: '^_', varsIgnorePattern: '^_'}],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', {considerDefaultExhaustiveForUnions: true}],
      // A value that must be there is asserted with `!` next to the reason that it is.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', {ignoreArrowShorthand: true}],
      '@typescript-eslint/require-await': 'off',
      // Functions first: what looks like a method is a closure as a rule, made to be taken out of its object.
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: 'error',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // node:test collects `test(…)` and `describe(…)` itself; nobody awaits them at top level.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {allowForKnownSafeCalls: [{from: 'package', package: 'node:test', name: ['test', 'describe', 'it', 'suite']}]},
      ],
    },
  },
  {
    // CommonJS, for which TypeScript has a notation of its own.
    files: ['**/*.cts'],
    rules: {'@typescript-eslint/no-require-imports': ['error', {allowAsImport: true}]},
  },
  {
    files: ['**/*.{js,cjs}'],
    extends: [tseslint.configs.base],
    rules: {eqeqeq: 'error', 'no-undef': 'off', 'prefer-const': 'error'},
  },
);
