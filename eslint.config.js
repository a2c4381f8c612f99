import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** Import bans give the editor the same answer `npm run layers` gives (see .dependency-cruiser.cjs). */
const banned = (names, message) => ({
  'no-restricted-imports': ['error', { paths: names.map((name) => ({ name, message })) }],
});

const safeSyntax = [
  {
    selector: "Property[key.name='rejectUnauthorized'] > Literal[value=false]",
    message: 'Certificate checks are never switched off.',
  },
];

/** What would weaken a page, a window or the whole of Chromium. The defaults of Electron are the safe ones, and stay. */
const named = (names) => `Property[key.name=/^(${names})$/]`;
const weakened = 'Pages keep the protection Electron gives them (SECURITY.md).';
const safeWindows = [
  ...safeSyntax,
  ...[
    named(
      'webSecurity|allowRunningInsecureContent|experimentalFeatures|enableBlinkFeatures|disableBlinkFeatures',
    ),
    `${named('nodeIntegration|nodeIntegrationInWorker|nodeIntegrationInSubFrames|webviewTag')}:not([value.value=false])`,
    `${named('contextIsolation|sandbox')}:not([value.value=true])`,
    "CallExpression[callee.property.name='appendSwitch']",
    "CallExpression[callee.property.name='setCertificateVerifyProc']",
  ].map((selector) => ({ selector, message: weakened })),
];
const oneOpener = {
  selector: "MemberExpression[property.name='openExternal']",
  message: 'Addresses leave by adapters/opener.ts alone, which knows where to.',
};

/** Attributes a person reads or hears. */
const spoken =
  '/^(title|label|placeholder|description|alt|aria-label|aria-description|aria-roledescription|aria-valuetext)$/';
const letters = '/[a-z]{2}/';
const fromCatalogue = 'Texts come from the catalogue (texts.ts of the feature): t(…).';
const shown = ['Literal[value=LETTERS]', 'TemplateLiteral > TemplateElement[value.raw=LETTERS]'];
const places = [
  'JSXElement > JSXExpressionContainer',
  `JSXAttribute[name.name=${spoken}] > JSXExpressionContainer`,
].flatMap((place) => [place, `${place} > ConditionalExpression`, `${place} > LogicalExpression`]);
const cataloguedTexts = [
  `JSXText[value=${letters}]`,
  `JSXAttribute[name.name=${spoken}] > Literal[value=${letters}]`,
  ...places.flatMap((place) => shown.map((text) => `${place} > ${text.replace('LETTERS', letters)}`)),
].map((selector) => ({ selector, message: fromCatalogue }));

export default tseslint.config(
  {
    ignores: [
      'out/**',
      'dist/**',
      'node_modules/**',
      'test/fixtures/**',
      'scripts/*.d.ts',
      '.dependency-cruiser.cjs',
    ],
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true },
      ],
      'no-restricted-syntax': ['error', ...safeSyntax],
    },
  },
  {
    files: ['src-main/**/*.ts'],
    ignores: ['src-main/services/ssh/**', 'src-main/electron/**'],
    rules: banned(['ssh2', 'electron'], 'ssh2 lives in services/ssh, electron in electron/.'),
  },
  {
    files: ['src-main/electron/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...safeWindows, oneOpener] },
  },
  {
    files: ['src-main/electron/adapters/opener.ts'],
    rules: { 'no-restricted-syntax': ['error', ...safeWindows] },
  },
  {
    files: ['src-renderer/**/*.ts', 'src-renderer/**/*.tsx'],
    plugins: { 'react-hooks': reactHooks },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      // Props and clients are closures; taking them apart is how components read.
      '@typescript-eslint/unbound-method': 'off',
      ...banned(['ssh2', 'electron'], 'The renderer talks to main by the contract.'),
      'no-restricted-syntax': ['error', ...safeSyntax, ...cataloguedTexts],
    },
  },
);
